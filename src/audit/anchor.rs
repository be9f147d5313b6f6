//! Anchors: where the audit log ended at a time, written to a file that a person who can write to the
//! database cannot change. The log's own seals show every change but one, an older state put back as
//! a whole; an anchor of a later state shows that too.
//!
//! A line of JSON for each, signed with the key of the chain, so that none can be forged.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    chain::{ChainKey, Head},
    store,
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
    files,
};

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
    fn file(path: &Path, source: io::Error) -> Self {
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

    /// The last place that is anchored.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.by_seq.keys().next_back().copied()
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
fn line_of(head: &Head, at: Timestamp, key: &ChainKey) -> Result<String, io::Error> {
    let mac = STANDARD.encode(key.anchor((head.seq, at), &head.hash));
    let hash = STANDARD.encode(&head.hash);
    let mut text = serde_json::to_string(&Line { at, seq: head.seq, hash, mac })?;
    text.push('\n');
    Ok(text)
}

/// Appends anchors to a file.
#[derive(Debug)]
pub struct AnchorFile {
    path: PathBuf,
    key: ChainKey,
    anchored: Mutex<i64>,
}

impl AnchorFile {
    /// The anchors in the file at `path`, which is created with the first one.
    ///
    /// # Errors
    /// As [`Anchors::read`].
    pub fn open(path: &Path, key: ChainKey) -> Result<Self, AnchorError> {
        let mut anchors = Anchors::default();
        if path.exists() {
            anchors.read(path, &key)?;
        }
        let anchored = Mutex::new(anchors.newest().unwrap_or(0));
        Ok(Self { path: path.to_owned(), key, anchored })
    }

    /// Anchors where the log ends now, if it grew.
    ///
    /// # Errors
    /// [`AnchorError::Shorter`] and [`AnchorError::Head`] where the log was tampered with;
    /// [`AnchorError::File`] where the anchor could not be written.
    pub async fn record(&self, db: &Db, now: Timestamp) -> Result<(), AnchorError> {
        let head = store::head(&mut db.read().await?).await?;
        if !head.is_genuine(&self.key) {
            return Err(AnchorError::Head);
        }
        let mut anchored = self.anchored.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if head.seq < *anchored {
            return Err(AnchorError::Shorter { found: head.seq, seq: *anchored, at: now });
        }
        if head.seq == *anchored {
            return Ok(());
        }
        let written = line_of(&head, now, &self.key).and_then(|line| {
            let mut file = files::append(&self.path)?;
            file.write_all(line.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| AnchorError::file(&self.path, error))?;
        *anchored = head.seq;
        Ok(())
    }

    /// Anchors the log every `every`, for ever. Acts go on where that fails: refusing them would
    /// hand everyone who can fill a disk a way to stop the service.
    pub async fn keep(
        self: std::sync::Arc<Self>,
        db: Db,
        clock: std::sync::Arc<dyn Clock>,
        every: Duration,
    ) {
        loop {
            tokio::time::sleep(every).await;
            self.record_loudly(&db, clock.now()).await;
        }
    }

    /// [`AnchorFile::record`]; a failure is an error in the log.
    pub async fn record_loudly(&self, db: &Db, now: Timestamp) {
        if let Err(error) = self.record(db, now).await {
            tracing::error!("the audit log is not anchored: {error}");
        }
    }
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
        assert_eq!((anchors.count(), anchors.newest()), (2, Some(5)));
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
