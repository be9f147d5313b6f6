//! Backups of an installation on SQLite: one file that holds both databases as they were at one
//! instant, and the way back from it. PostgreSQL has its own tools (`docs/backup.md`).
//!
//! `manifest` says what a backup holds, `archive` is the format of the file, `create` makes one
//! and `restore` takes one. Uses `db`, `audit` and the ledger's proof; nothing uses it but `cli`.

mod archive;
pub mod create;
pub mod manifest;
pub mod restore;

use std::{io, path::Path};

use crate::db::StoreError;

/// Why a backup was not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The installation is on PostgreSQL.
    #[error(
        "this installation keeps its data in PostgreSQL: back it up with pg_dump, as docs/backup.md \
         shows"
    )]
    Postgres,
    /// A file is there already, and nothing is overwritten.
    #[error("{0} exists already; nothing is overwritten")]
    Exists(String),
    /// There is nothing to back up.
    #[error("{0} does not exist: there is nothing to back up")]
    Nothing(String),
    /// A recipient cannot be encrypted to.
    #[error("--recipient {0}: must be an age recipient, such as `age1…`")]
    InvalidRecipient(String),
    /// The backup could not be encrypted.
    #[error("the backup cannot be encrypted: {0}")]
    Encrypt(#[from] age::EncryptError),
    /// The backup is encrypted and no identity was given.
    #[error("the backup is encrypted: name the file with its age identity (--identity FILE)")]
    IdentityNeeded,
    /// The backup could not be decrypted.
    #[error("the backup cannot be decrypted: {0}")]
    Decrypt(#[from] age::DecryptError),
    /// The file is no backup, or a damaged one.
    #[error("{file} is not a usable backup: {reason}")]
    Unusable {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The restored data does not pass a check.
    #[error(
        "the backup does not pass its checks, and nothing was restored (--accept-faults restores \
         it nevertheless):\n  {}", .0.join("\n  ")
    )]
    Faults(Vec<String>),
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
}

impl BackupError {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    fn unusable(file: &Path, reason: impl Into<String>) -> Self {
        Self::Unusable { file: file.display().to_string(), reason: reason.into() }
    }
}
