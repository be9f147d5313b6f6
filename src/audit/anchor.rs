//! Anchors: where the audit log ended at a time, written to a file that a person who can write to the
//! database cannot change. The log's own seals show every change but one, an older state put back as
//! a whole; an anchor of a later state shows that too.
//!
//! A line of JSON for each, signed with the key of the chain, so that none can be forged.

use std::{collections::BTreeMap, io, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    anchor_store::LastAnchor,
    chain::{ChainKey, Head},
};
use crate::{clock::Timestamp, db::StoreError};

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at: Timestamp,
    seq: i64,
    hash: String,
    mac: String,
}

/// What a log must still hold, and since when.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    by_seq: BTreeMap<i64, (Vec<u8>, Timestamp)>,
}

/// A file of anchors, or a log that does not agree with one.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// A line was changed or forged.
    #[error("{file}, line {line}: not an anchor of this installation; it was changed or forged")]
    Forged {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// The log is shorter than it was.
    #[error(
        "the log has {found} entries, but had {seq} at {at}: the newest were deleted, or an older copy \
         of the database was restored"
    )]
    Shorter {
        /// How many it has.
        found: i64,
        /// How many it had.
        seq: i64,
        /// When.
        at: Timestamp,
    },
    /// An entry is not the one that was anchored.
    #[error("entry {seq} is not the one that was there at {at}: the log was rewritten")]
    Rewritten {
        /// Its place.
        seq: i64,
        /// When it was anchored.
        at: Timestamp,
    },
    /// The row that says where the log ends is not genuine.
    #[error("the record of where the log ends (`audit_head`) was changed; it is not anchored")]
    Head,
    /// A file that had anchors has none.
    #[error(
        "{file} is missing or empty, but had an anchor of entry {seq} at {at}: it was deleted or moved. Put \
         it back; if it is lost, or a backup was restored, begin another with `pressgate audit anchor \
         --new-file` (docs/backup.md)"
    )]
    Missing {
        /// The file.
        file: String,
        /// The last entry that was anchored in it.
        seq: i64,
        /// When.
        at: Timestamp,
    },
    /// The last anchors of a file are gone.
    #[error(
        "{file} ends with an anchor of entry {found}, but had one of entry {seq} at {at}: lines were \
         deleted, or an older copy was put in its place. Each instance needs a file of its own name. Put \
         the file back; if it is lost, begin another with `pressgate audit anchor --new-file`"
    )]
    Truncated {
        /// The file.
        file: String,
        /// The last entry that is anchored in it.
        found: i64,
        /// The last entry that was.
        seq: i64,
        /// When.
        at: Timestamp,
    },
    /// A log that must have been anchored by now never was, as far as the database knows.
    #[error(
        "{file} does not exist or has no anchor, although the log has entries since {since}, longer ago than \
         audit.anchor_every_secs: it was deleted, or nothing has run since it was set. The service begins \
         it, and so does `pressgate audit anchor`"
    )]
    NeverAnchored {
        /// The file.
        file: String,
        /// When the first entry was written.
        since: Timestamp,
    },
    /// A new file of anchors would replace another.
    #[error("{file} has anchors: move it away, and keep it, before another begins in its place")]
    InUse {
        /// The file.
        file: String,
    },
    /// The file cannot be used.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AnchorError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { file: path.display().to_string(), source }
    }
}

impl Anchors {
    /// Adds the anchors of a file. A line that was not written to its end, as after a loss of power,
    /// is left out.
    ///
    /// # Errors
    /// [`AnchorError::Forged`]; [`AnchorError::File`].
    pub fn read(&mut self, path: &Path, key: &ChainKey) -> Result<(), AnchorError> {
        let text = std::fs::read_to_string(path).map_err(|error| AnchorError::file(path, error))?;
        self.parse(&text, &path.display().to_string(), key)
    }

    fn parse(&mut self, text: &str, file: &str, key: &ChainKey) -> Result<(), AnchorError> {
        for (i, text) in text.lines().enumerate() {
            if !text.ends_with('}') {
                continue;
            }
            let genuine = serde_json::from_str::<Line>(text).ok().and_then(|line| {
                let hash = STANDARD.decode(&line.hash).ok()?;
                let mac = STANDARD.decode(&line.mac).ok()?;
                key.has_anchored((line.seq, line.at), &hash, &mac).then_some((line, hash))
            });
            let forged = || AnchorError::Forged { file: file.to_owned(), line: i + 1 };
            let (line, hash) = genuine.ok_or_else(forged)?;
            let known = self.by_seq.entry(line.seq).or_insert_with(|| (hash.clone(), line.at));
            if known.0 != hash {
                return Err(AnchorError::Rewritten { seq: line.seq, at: known.1 });
            }
        }
        Ok(())
    }

    /// How many places of the log are anchored.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_seq.len()
    }

    /// The anchor of the last place that is anchored.
    #[must_use]
    pub fn newest(&self) -> Option<LastAnchor> {
        self.by_seq.last_key_value().map(|(seq, (_, at))| LastAnchor { seq: *seq, at: *at })
    }

    /// Checks the entry at `seq`, whose hash is `hash`.
    ///
    /// # Errors
    /// [`AnchorError::Rewritten`].
    pub fn check(&self, seq: i64, hash: &[u8]) -> Result<(), AnchorError> {
        match self.by_seq.get(&seq) {
            Some((anchored, at)) if anchored != hash => {
                Err(AnchorError::Rewritten { seq, at: *at })
            }
            _ => Ok(()),
        }
    }

    /// Checks that a log of `found` entries is no shorter than it was.
    ///
    /// # Errors
    /// [`AnchorError::Shorter`].
    pub fn check_length(&self, found: i64) -> Result<(), AnchorError> {
        match self.by_seq.last_key_value() {
            Some((seq, (_, at))) if *seq > found => {
                Err(AnchorError::Shorter { found, seq: *seq, at: *at })
            }
            _ => Ok(()),
        }
    }
}

/// The line that anchors `head`.
pub(super) fn line_of(head: &Head, at: Timestamp, key: &ChainKey) -> Result<String, io::Error> {
    let mac = STANDARD.encode(key.anchor((head.seq, at), &head.hash));
    let hash = STANDARD.encode(&head.hash);
    let mut text = serde_json::to_string(&Line { at, seq: head.seq, hash, mac })?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::seal::MasterKey;

    fn key(byte: u8) -> ChainKey {
        let bytes: Vec<u8> = (0..32).map(|i| byte ^ i).collect();
        ChainKey::of(&MasterKey::parse(&STANDARD.encode(bytes)).unwrap())
    }

    fn line(seq: i64, hash: u8, key: &ChainKey) -> String {
        let head = Head { seq, hash: vec![hash; 32], seal: Vec::new() };
        line_of(&head, Timestamp::from_micros(seq).unwrap(), key).unwrap()
    }

    fn parsed(text: &str) -> Result<Anchors, AnchorError> {
        let mut anchors = Anchors::default();
        anchors.parse(text, "f", &key(7)).map(|()| anchors)
    }

    #[test]
    fn a_log_must_hold_what_was_anchored() {
        let text = line(3, 1, &key(7)) + &line(5, 2, &key(7));
        let anchors = parsed(&text).unwrap();
        assert_eq!((anchors.count(), anchors.newest().map(|it| it.seq)), (2, Some(5)));
        assert!(anchors.check(3, &[1; 32]).is_ok() && anchors.check(4, &[9; 32]).is_ok());
        assert!(matches!(anchors.check(3, &[2; 32]), Err(AnchorError::Rewritten { seq: 3, .. })));
        assert!(anchors.check_length(5).is_ok() && anchors.check_length(6).is_ok());
        let shorter = anchors.check_length(4);
        assert!(matches!(shorter, Err(AnchorError::Shorter { found: 4, seq: 5, .. })));
        assert!(Anchors::default().check_length(0).is_ok());
    }

    #[test]
    fn no_anchor_is_forged_and_one_that_broke_off_is_left_out() {
        let good = line(3, 1, &key(7));
        for bad in [line(4, 1, &key(8)), good.replace("\"seq\":3", "\"seq\":2"), "{}\n".to_owned()]
        {
            let found = parsed(&(good.clone() + &bad));
            assert!(matches!(found, Err(AnchorError::Forged { line: 2, .. })), "{bad}");
        }
        let torn = good.clone() + &good[..40];
        assert_eq!(parsed(&torn).unwrap().count(), 1);
        let rewritten = parsed(&(good + &line(3, 2, &key(7))));
        assert!(matches!(rewritten, Err(AnchorError::Rewritten { seq: 3, .. })));
    }
}
