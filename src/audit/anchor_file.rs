//! The file of anchors that this installation writes: appended to while the log grows, and missed
//! when it was deleted or cut.
//!
//! Where the database remembers more than the file has, nothing is written to it: a new file in the
//! place of a deleted one would hide the deletion, and a volume that is not mounted comes back.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use serde_json::json;
use tokio::sync::Mutex;

use super::{
    anchor::{AnchorError, Anchors, line_of},
    anchor_store::{self, LastAnchor},
    chain::{ChainKey, Head},
    model::{Action, Actor, Entry},
    store,
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, Tx},
    files,
};

/// Longest wait for the file: it may be on a volume that does not answer.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// What monitoring sees of the anchors.
#[derive(Debug, Clone, Default)]
pub struct AnchorMetrics {
    /// Times that the log could not be anchored.
    pub failures: Counter,
    /// When the log was last known to be anchored to its end, in Unix seconds.
    pub anchored_at: Gauge,
}

/// The file, and what is known of it.
#[derive(Debug)]
struct Content {
    path: PathBuf,
    key: ChainKey,
    /// Bytes at the last look; other processes append too.
    length: u64,
    newest: Option<LastAnchor>,
}

impl Content {
    fn error(&self, source: io::Error) -> AnchorError {
        AnchorError::file(&self.path, source)
    }

    /// Reads the file again if its length changed.
    fn refresh(&mut self) -> Result<Option<LastAnchor>, AnchorError> {
        let length = match fs::metadata(&self.path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(self.error(error)),
        };
        if length != self.length {
            let mut anchors = Anchors::default();
            if length > 0 {
                anchors.read(&self.path, &self.key)?;
            }
            (self.length, self.newest) = (length, anchors.newest());
        }
        Ok(self.newest)
    }

    fn append(&mut self, head: &Head, at: Timestamp) -> Result<LastAnchor, AnchorError> {
        let line = line_of(head, at, &self.key);
        let written = line.and_then(|line| append_line(&self.path, &line));
        self.length = written.map_err(|error| self.error(error))?;
        let anchor = LastAnchor { seq: head.seq, at };
        self.newest = Some(anchor);
        Ok(anchor)
    }
}

/// Appends `line` to the file, for good, and gives the length of the file. A line that broke off, as
/// on a full disk, is ended first: it would make this one unreadable.
fn append_line(path: &Path, line: &str) -> io::Result<u64> {
    let is_new = !path.exists();
    let mut file = files::append(path)?;
    let begin = if ends_in_a_line(path)? { "" } else { "\n" };
    file.write_all(format!("{begin}{line}").as_bytes())?;
    file.sync_all()?;
    if is_new {
        // The name of the file must survive a loss of power too.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(file.metadata()?.len())
}

fn ends_in_a_line(path: &Path) -> io::Result<bool> {
    let mut file = OpenOptions::new().read(true).open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Checks that `file`, whose last anchor is `newest`, holds what the database remembers of it.
fn check(
    file: &str,
    newest: Option<LastAnchor>,
    remembered: Option<LastAnchor>,
) -> Result<(), AnchorError> {
    let file = || file.to_owned();
    match (remembered, newest) {
        (Some(LastAnchor { seq, at }), None) => Err(AnchorError::Missing { file: file(), seq, at }),
        (Some(LastAnchor { seq, at }), Some(newest)) if newest.seq < seq => {
            Err(AnchorError::Truncated { file: file(), found: newest.seq, seq, at })
        }
        _ => Ok(()),
    }
}

/// The anchors in the file at `path`, for a check of the log. A file without anchors passes only
/// while there is no entry from before `since`, by which time one must have been anchored.
///
/// # Errors
/// As [`Anchors::read`]; [`AnchorError::Missing`], [`AnchorError::Truncated`],
/// [`AnchorError::NeverAnchored`].
pub async fn read_required(
    tx: &mut Tx,
    path: &Path,
    key: &ChainKey,
    since: Timestamp,
) -> Result<Anchors, AnchorError> {
    let name = name_of(path);
    // Before the file is read: what is written to it meanwhile only adds to what it must hold.
    let remembered = anchor_store::last(tx, &name).await?;
    let first = anchor_store::time_of_entry(tx, 1).await?;
    let mut anchors = Anchors::default();
    if path.exists() {
        anchors.read(path, key)?;
    }
    check(&name, anchors.newest(), remembered)?;
    match first {
        Some(first) if first < since && anchors.newest().is_none() => {
            Err(AnchorError::NeverAnchored { file: name, since: first })
        }
        _ => Ok(anchors),
    }
}

/// How the database calls the file: as the settings do.
fn name_of(path: &Path) -> String {
    path.display().to_string()
}

/// Appends anchors to a file.
#[derive(Debug)]
pub struct AnchorFile {
    name: String,
    key: ChainKey,
    content: Arc<Mutex<Content>>,
    metrics: AnchorMetrics,
}

impl AnchorFile {
    /// The anchors in the file at `path`, which is created with the first one.
    ///
    /// # Errors
    /// As [`Anchors::read`].
    pub fn open(path: &Path, key: ChainKey, metrics: AnchorMetrics) -> Result<Self, AnchorError> {
        let path = path.to_owned();
        let mut content = Content { path, key: key.clone(), length: 0, newest: None };
        content.refresh()?;
        let name = name_of(&content.path);
        Ok(Self { name, key, content: Arc::new(Mutex::new(content)), metrics })
    }

    /// Anchors where the log ends now, if it grew.
    ///
    /// # Errors
    /// [`AnchorError::Shorter`] and [`AnchorError::Head`] where the log was tampered with;
    /// [`AnchorError::Missing`] and [`AnchorError::Truncated`] where the file was;
    /// [`AnchorError::File`] where the anchor could not be written.
    pub async fn record(&self, db: &Db, now: Timestamp) -> Result<(), AnchorError> {
        // In this order each has at least what the one before it has, whatever other processes do.
        let remembered = anchor_store::last(&mut db.read().await?, &self.name).await?;
        let newest = self.with_content(Content::refresh).await?;
        let head = store::head(&mut db.read().await?).await?;
        if !head.is_genuine(&self.key) {
            return Err(AnchorError::Head);
        }
        check(&self.name, newest, remembered)?;
        let anchor = match newest {
            Some(LastAnchor { seq, at }) if head.seq < seq => {
                return Err(AnchorError::Shorter { found: head.seq, seq, at });
            }
            Some(anchor) if head.seq == anchor.seq => anchor,
            None if head.seq == 0 => return Ok(()),
            _ => self.with_content(move |content| content.append(&head, now)).await?,
        };
        if remembered.is_none_or(|remembered| remembered.seq < anchor.seq) {
            let mut tx = db.write().await?;
            anchor_store::remember(&mut tx, &self.name, anchor).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Begins a new file in the place of one that is lost, or that belongs to a later state of the
    /// database than the one that was restored; the log says so.
    ///
    /// # Errors
    /// [`AnchorError::InUse`] while the old file is there; as [`AnchorFile::record`].
    pub async fn begin(&self, db: &Db, now: Timestamp) -> Result<(), AnchorError> {
        if self.with_content(Content::refresh).await?.is_some() {
            return Err(AnchorError::InUse { file: self.name.clone() });
        }
        let mut tx = db.write().await?;
        let before = anchor_store::last(&mut tx, &self.name).await?;
        let before = before.map(|last| json!({"seq": last.seq, "at": last.at}));
        anchor_store::forget(&mut tx, &self.name).await?;
        let mut entry = Entry::new(now, Actor::Command, Action::AuditAnchorsBegun)
            .after(json!({"file": self.name}));
        entry.before = before;
        store::append(&mut tx, &self.key, &entry).await?;
        tx.commit().await?;
        self.record(db, now).await
    }

    async fn with_content<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Content) -> Result<T, AnchorError> + Send + 'static,
    ) -> Result<T, AnchorError> {
        let content = Arc::clone(&self.content);
        let done = async {
            // Held until the file has answered: not one thread more waits for it meanwhile.
            let mut content = content.lock_owned().await;
            tokio::task::spawn_blocking(move || work(&mut content)).await
        };
        let file = |source| AnchorError::file(Path::new(&self.name), source);
        match tokio::time::timeout(WAIT_MAX, done).await {
            Ok(Ok(done)) => done,
            Ok(Err(joined)) => Err(file(joined.into())),
            Err(_) => Err(file(ErrorKind::TimedOut.into())),
        }
    }

    /// Anchors the log now and then every `every`, for ever. Acts go on where that fails: refusing
    /// them would hand everyone who can fill a disk a way to stop the service.
    pub async fn keep(self: Arc<Self>, db: Db, clock: Arc<dyn Clock>, every: Duration) {
        loop {
            self.record_loudly(&db, clock.now()).await;
            tokio::time::sleep(every).await;
        }
    }

    /// [`AnchorFile::record`]; a failure is an error in the log, and counted.
    pub async fn record_loudly(&self, db: &Db, now: Timestamp) {
        match self.record(db, now).await {
            Ok(()) => {
                self.metrics.anchored_at.set(now.unix_seconds());
            }
            Err(error) => {
                self.metrics.failures.inc();
                tracing::error!("the audit log is not anchored: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(seq: i64) -> LastAnchor {
        LastAnchor { seq, at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_file_holds_at_least_what_is_remembered_of_it() {
        for (newest, remembered) in
            [(None, None), (Some(1), None), (Some(2), Some(2)), (Some(3), Some(2))]
        {
            let (newest, remembered) = (newest.map(last), remembered.map(last));
            assert!(check("f", newest, remembered).is_ok(), "{newest:?} {remembered:?}");
        }
        assert!(matches!(
            check("f", None, Some(last(2))),
            Err(AnchorError::Missing { seq: 2, .. })
        ));
        let cut = check("f", Some(last(1)), Some(last(2)));
        assert!(matches!(cut, Err(AnchorError::Truncated { found: 1, seq: 2, .. })));
    }

    #[test]
    fn a_line_that_broke_off_spoils_no_other() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("anchors");
        assert_eq!(append_line(&path, "{1}\n").unwrap(), 4);
        fs::write(&path, "{1}\n{2").unwrap();
        append_line(&path, "{3}\n").unwrap();
        append_line(&path, "{4}\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{1}\n{2\n{3}\n{4}\n");
    }
}
