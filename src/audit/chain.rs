//! Binding each entry to the one before it, and finding the first place where that is broken.
//! Pure.

use std::fmt;

use aws_lc_rs::hmac;

use super::model::Record;
use crate::{auth::seal::MasterKey, clock::Timestamp};

/// What the first entry follows, and what an empty log's head holds.
pub const BEGINNING: [u8; 32] = [0; 32];

/// The key of the chain. It comes from the master key, which the database does not hold.
#[derive(Clone)]
pub struct ChainKey(hmac::Key);

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainKey(***)")
    }
}

impl ChainKey {
    /// The key of this installation's chain.
    #[must_use]
    pub fn of(master: &MasterKey) -> Self {
        Self(master.derive("audit"))
    }

    /// The hash of an entry: of every field, the hash before it included.
    #[must_use]
    pub fn hash(&self, record: &Record) -> Vec<u8> {
        hmac::sign(&self.0, &encode(record)).as_ref().to_vec()
    }
}

impl ChainKey {
    /// Authenticates that the log had `seq` entries at `at`, the last with `hash`.
    pub(super) fn anchor(&self, (seq, at): (i64, Timestamp), hash: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, &encode_anchor(seq, at, hash)).as_ref().to_vec()
    }

    /// Whether `mac` was made by [`ChainKey::anchor`].
    pub(super) fn has_anchored(
        &self,
        (seq, at): (i64, Timestamp),
        hash: &[u8],
        mac: &[u8],
    ) -> bool {
        hmac::verify(&self.0, &encode_anchor(seq, at, hash), mac).is_ok()
    }
}

fn encode_anchor(seq: i64, at: Timestamp, hash: &[u8]) -> Vec<u8> {
    let mut bytes = b"pressgate audit anchor 1".to_vec();
    push(&mut bytes, Some(&seq.to_be_bytes()));
    push(&mut bytes, Some(&at.micros().to_be_bytes()));
    push(&mut bytes, Some(hash));
    bytes
}

/// The bytes that are hashed. Every field begins with whether it is there and how long it is, so
/// that no two entries have the same bytes.
fn encode(record: &Record) -> Vec<u8> {
    let mut bytes = b"pressgate audit entry 1".to_vec();
    let text = |field: &'_ Option<String>| field.as_ref().map(|text| text.as_bytes().to_vec());
    for field in [
        Some(record.seq.to_be_bytes().to_vec()),
        Some(record.at.micros().to_be_bytes().to_vec()),
        Some(record.actor_kind.as_bytes().to_vec()),
        text(&record.actor_id),
        Some(record.action.as_bytes().to_vec()),
        text(&record.target_kind),
        text(&record.target_id),
        text(&record.request_id),
        text(&record.ip),
        text(&record.before),
        text(&record.after),
        Some(record.previous_hash.clone()),
    ] {
        push(&mut bytes, field.as_deref());
    }
    bytes
}

fn encode_head(seq: i64, hash: &[u8]) -> Vec<u8> {
    let mut bytes = b"pressgate audit head 1".to_vec();
    push(&mut bytes, Some(&seq.to_be_bytes()));
    push(&mut bytes, Some(hash));
    bytes
}

fn push(bytes: &mut Vec<u8>, field: Option<&[u8]>) {
    bytes.push(u8::from(field.is_some()));
    let field = field.unwrap_or_default();
    bytes.extend((field.len() as u64).to_be_bytes());
    bytes.extend(field);
}

/// Where the log says that it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The place of the last entry; 0 where there is none.
    pub seq: i64,
    /// Its hash.
    pub hash: Vec<u8>,
    /// What authenticates both: without it, somebody who takes away the last entries could say
    /// that the log ends before them.
    pub seal: Vec<u8>,
}

impl Head {
    /// Whether this head was written with `key`, or begins a log.
    #[must_use]
    pub fn is_genuine(&self, key: &ChainKey) -> bool {
        let begins = self.seq == 0 && self.hash == BEGINNING && self.seal == BEGINNING;
        begins || hmac::verify(&key.0, &encode_head(self.seq, &self.hash), &self.seal).is_ok()
    }

    /// The head after one more entry, whose hash is `hash`.
    ///
    /// A head that was tampered with keeps its broken seal: the log goes on, for the service must,
    /// but no later entry heals what was done to it.
    #[must_use]
    pub fn next(&self, key: &ChainKey, hash: Vec<u8>) -> Self {
        let seq = self.seq.saturating_add(1);
        let seal = if self.is_genuine(key) {
            hmac::sign(&key.0, &encode_head(seq, &hash)).as_ref().to_vec()
        } else {
            self.seal.clone()
        };
        Self { seq, hash, seal }
    }
}

/// The first place where the log is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry is not there, though a later one is.
    #[error("entry {0} is missing")]
    Missing(i64),
    /// An entry is not the one that was written there.
    #[error("entry {0} was changed or forged, or written under another `keys.master`")]
    Changed(i64),
    /// The last entries are not there.
    #[error("the log is cut off: entries {from} to {to} are missing from its end")]
    CutOff {
        /// The first that is missing.
        from: i64,
        /// The last that is missing.
        to: i64,
    },
    /// The row that says where the log ends is not the one that was written.
    #[error("the record of where the log ends (`audit_head`) was changed or put back")]
    Head,
}

/// Checks a log entry by entry, from the first, with no more memory than one of them needs.
#[derive(Debug, Clone)]
pub struct Verifier {
    key: ChainKey,
    seq: i64,
    hash: Vec<u8>,
}

impl Verifier {
    /// A verifier that waits for the first entry.
    #[must_use]
    pub fn new(key: ChainKey) -> Self {
        Self { key, seq: 0, hash: BEGINNING.to_vec() }
    }

    /// How many entries it has taken.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.seq
    }

    /// Takes the next entry in the order of `seq`.
    ///
    /// # Errors
    /// The [`Fault`], after which the verifier is of no more use.
    pub fn take(&mut self, record: &Record) -> Result<(), Fault> {
        let expected = self.seq.saturating_add(1);
        if record.seq > expected {
            return Err(Fault::Missing(expected));
        }
        let is_next = record.seq == expected && record.previous_hash == self.hash;
        if !is_next || hmac::verify(&self.key.0, &encode(record), &record.hash).is_err() {
            return Err(Fault::Changed(record.seq));
        }
        self.seq = expected;
        self.hash.clone_from(&record.hash);
        Ok(())
    }

    /// Checks that the log ends where `head` says.
    ///
    /// # Errors
    /// The [`Fault`].
    pub fn finish(&self, head: &Head) -> Result<(), Fault> {
        if !head.is_genuine(&self.key) {
            return Err(Fault::Head);
        }
        if head.seq > self.seq {
            return Err(Fault::CutOff { from: self.seq.saturating_add(1), to: head.seq });
        }
        // An older head, put back, is sealed as well as the last one was.
        if head.seq < self.seq || head.hash != self.hash { Err(Fault::Head) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;
    use crate::audit::model::{Action, Actor, Entry};

    fn key(byte: u8) -> ChainKey {
        let bytes: Vec<u8> = (0..32).map(|i| byte ^ i).collect();
        ChainKey::of(&MasterKey::parse(&STANDARD.encode(bytes)).unwrap())
    }

    fn untouched() -> Head {
        Head { seq: 0, hash: BEGINNING.to_vec(), seal: BEGINNING.to_vec() }
    }

    fn chain(key: &ChainKey, count: i64) -> (Vec<Record>, Head) {
        let (mut records, mut head) = (Vec::new(), untouched());
        for seq in 1..=count {
            let at = Timestamp::from_micros(seq).unwrap();
            let entry = Entry::new(at, Actor::Command, Action::StaffAdded).on("staff", seq);
            let mut record = Record::of(&entry, seq, head.hash.clone());
            record.hash = key.hash(&record);
            head = head.next(key, record.hash.clone());
            records.push(record);
        }
        (records, head)
    }

    fn verify(records: &[Record], head: &Head) -> Result<i64, Fault> {
        let mut verifier = Verifier::new(key(7));
        records.iter().try_for_each(|record| verifier.take(record))?;
        verifier.finish(head)?;
        Ok(verifier.count())
    }

    #[test]
    fn an_untouched_log_of_any_length_is_unbroken() {
        for count in [0, 1, 2, 50] {
            let (records, head) = chain(&key(7), count);
            assert_eq!(verify(&records, &head), Ok(count));
        }
    }

    #[test]
    fn whatever_is_done_to_a_log_its_first_wrong_place_is_found() {
        let (log, head) = chain(&key(7), 5);
        let with = |change: &dyn Fn(&mut Vec<Record>)| {
            let mut records = log.clone();
            change(&mut records);
            verify(&records, &head).unwrap_err()
        };
        assert_eq!(with(&|log| drop(log.remove(2))), Fault::Missing(3));
        assert_eq!(with(&|log| drop(log.remove(0))), Fault::Missing(1));
        assert_eq!(with(&|log| drop(log.pop())), Fault::CutOff { from: 5, to: 5 });
        assert_eq!(with(&Vec::clear), Fault::CutOff { from: 1, to: 5 });
        assert_eq!(with(&|log| log.insert(2, log[1].clone())), Fault::Changed(2));
        // Two entries change places, each with the number of the other.
        let swapped = with(&|log| {
            log.swap(1, 2);
            (log[1].seq, log[2].seq) = (2, 3);
        });
        assert_eq!(swapped, Fault::Changed(2));
        // One more at the end, forged without the key, then with an older one's bytes.
        let (other, _) = chain(&key(8), 6);
        assert_eq!(with(&|log| log.push(other[5].clone())), Fault::Changed(6));
        assert_eq!(with(&|log| log.push(Record { seq: 6, ..log[4].clone() })), Fault::Changed(6));
        assert_eq!(verify(&chain(&key(8), 5).0, &head), Err(Fault::Changed(1)));
    }

    #[test]
    fn a_change_to_any_field_is_found() {
        type Change<'a> = (&'a str, &'a dyn Fn(&mut Record));
        let (log, head) = chain(&key(7), 3);
        let some = || Some("x".to_owned());
        let changes: [Change; 12] = [
            ("at", &|r| r.at = Timestamp::UNIX_EPOCH),
            ("actor_kind", &|r| r.actor_kind = "system".to_owned()),
            ("actor_id", &|r| r.actor_id = some()),
            ("action", &|r| r.action = "staff.disabled".to_owned()),
            ("target_kind", &|r| r.target_kind = None),
            ("target_id", &|r| r.target_id = some()),
            ("request_id", &|r| r.request_id = Some(String::new())),
            ("ip", &|r| r.ip = some()),
            ("before", &|r| r.before = some()),
            ("after", &|r| r.after = some()),
            ("previous_hash", &|r| r.previous_hash = vec![0; 32]),
            ("hash", &|r| r.hash = vec![0; 32]),
        ];
        for (field, change) in changes {
            let mut log = log.clone();
            change(&mut log[1]);
            assert_eq!(verify(&log, &head), Err(Fault::Changed(2)), "{field}");
        }
    }

    #[test]
    fn the_end_of_the_log_cannot_be_moved_without_the_key() {
        let (log, head) = chain(&key(7), 5);
        let shorter = &log[..3];
        // What somebody knows who holds the database: the entry's hash, but no seal for it.
        let moved = Head { seq: 3, hash: log[2].hash.clone(), seal: head.seal.clone() };
        assert_eq!(verify(shorter, &moved), Err(Fault::Head));
        let later = moved.next(&key(7), vec![1; 32]);
        assert!(!moved.is_genuine(&key(7)) && !later.is_genuine(&key(7)), "nor healed by it");
        assert_eq!(verify(&log, &untouched()), Err(Fault::Head));
        let (_, older) = chain(&key(7), 3);
        assert_eq!(verify(&log, &older), Err(Fault::Head), "an older head, put back");
        assert_eq!(verify(&log, &Head { hash: log[3].hash.clone(), ..head }), Err(Fault::Head));
    }

    #[test]
    fn no_two_entries_have_the_same_bytes() {
        let (log, _) = chain(&key(7), 1);
        let bytes = |kind: Option<&str>, id: Option<&str>| {
            let target_kind = kind.map(str::to_owned);
            encode(&Record { target_kind, target_id: id.map(str::to_owned), ..log[0].clone() })
        };
        let variants = [
            bytes(None, None),
            bytes(Some(""), None),
            bytes(None, Some("")),
            bytes(Some(""), Some("")),
            bytes(Some("ab"), Some("c")),
            bytes(Some("a"), Some("bc")),
            bytes(Some("abc"), None),
            bytes(None, Some("abc")),
        ];
        let distinct: std::collections::BTreeSet<_> = variants.iter().collect();
        assert_eq!(distinct.len(), variants.len());
    }

    /// Logs are kept for years: a change of the encoding would break every one of them.
    #[test]
    fn the_encoding_stays_as_it_is() {
        let (log, head) = chain(&key(7), 1);
        let hash = "IYZAZHLR40NfxMsMQgafmY2IeelRP8RnhHcPzI0nSSM=";
        assert_eq!(STANDARD.encode(&log[0].hash), hash);
        let seal = "CTlhxOi23wbOcOqaHWIUASpoKkmKFWPxKcSUY8kzjfw=";
        assert_eq!(STANDARD.encode(&head.seal), seal);
    }
}
