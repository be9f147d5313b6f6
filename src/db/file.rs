//! Noticing that a SQLite file was deleted or replaced while it is open. Whatever is written then
//! lands in a file without a name, and is gone when the process ends.
//!
//! SQLite keeps its write-ahead log and the log's index beside the file for as long as a connection
//! is open, so one connection stays open here, and then the three files may never change.

use std::{
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::Mutex;

use super::StoreError;

/// A SQLite file was deleted or replaced while it was open.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database file {path} was deleted or replaced while it was in use; put it back, or restart \
     the service on the file that is there now"
)]
pub struct DisplacedFile {
    path: String,
}

/// Device and number of a file; `None` where there is none.
type Identity = Option<(u64, u64)>;

/// A database file and its companions, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct SqliteFile {
    paths: [PathBuf; 3],
    opened: [Identity; 3],
    /// Keeps the companions in place.
    anchor: Mutex<Option<SqliteConnection>>,
}

impl SqliteFile {
    /// Opens the file at `path` with `options`.
    pub(super) async fn open(path: &Path, options: &SqliteConnectOptions) -> sqlx::Result<Self> {
        let mut anchor = options.connect().await?;
        // A connection that has read has opened the companions.
        sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut anchor).await?;
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let paths = [path.to_owned(), beside("-wal"), beside("-shm")];
        let opened = identities_of(&paths)?;
        Ok(Self { paths, opened, anchor: Mutex::new(Some(anchor)) })
    }

    /// Whether each file still has its name. Two or three look-ups in the file system's cache.
    ///
    /// # Errors
    /// [`StoreError::Displaced`]; [`StoreError::File`] where the file system fails.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        for (path, opened) in self.paths.iter().zip(&self.opened) {
            let at_path = || path.display().to_string();
            if opened.is_none() {
                continue;
            }
            match identity_of(path) {
                Ok(now) if now == *opened => {}
                Ok(_) => return Err(DisplacedFile { path: at_path() }.into()),
                Err(source) => return Err(StoreError::File { path: at_path(), source }),
            }
        }
        Ok(())
    }

    /// Lets the companions go. What is still in the log goes into the file if this is the last
    /// connection.
    pub(super) async fn close(&self) {
        if let Some(anchor) = self.anchor.lock().await.take() {
            let _ = anchor.close().await;
        }
    }
}

fn identities_of(paths: &[PathBuf; 3]) -> io::Result<[Identity; 3]> {
    let [file, log, index] = paths;
    Ok([identity_of(file)?, identity_of(log)?, identity_of(index)?])
}

fn identity_of(path: &Path) -> io::Result<Identity> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
