//! Making a backup while the service runs.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use age::x25519::Recipient;

use super::{
    BackupError,
    archive::{self, copy_hashed},
    manifest::{FORMAT, FileEntry, Manifest},
};
use crate::{
    clock::Timestamp,
    db::file_copy::{FileCopy, check_and_count, copy_together},
};

/// The databases in a backup, in their order.
pub const NAMES: [&str; 2] = ["main.db", "main.meter.db"];

/// Backs up the SQLite databases `sources` (main, meter) into `file`, which must not exist and
/// appears only when it is complete. The folder of `file` needs room for both databases besides.
///
/// # Errors
/// [`BackupError`].
pub async fn create(
    sources: [PathBuf; 2],
    file: &Path,
    recipients: Vec<Recipient>,
    now: Timestamp,
) -> Result<Manifest, BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.display().to_string()));
    }
    if let Some(missing) = sources.iter().find(|path| !path.exists()) {
        return Err(BackupError::Nothing(missing.display().to_string()));
    }
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // Readable by its owner alone, and gone afterwards.
    let scratch = tempfile::Builder::new().prefix(".pressgate-backup-").tempdir_in(&folder);
    let scratch = scratch.map_err(|error| BackupError::file(&folder, error))?;
    let copies: Vec<FileCopy> = (sources.into_iter().zip(NAMES))
        .map(|(from, name)| FileCopy { from, to: scratch.path().join(name) })
        .collect();
    copy_together(&copies, LOCK_PATIENCE).await?;
    let mut files = Vec::new();
    for (copy, name) in copies.iter().zip(NAMES) {
        files.push(describe(&copy.to, name).await?);
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Manifest { format: FORMAT, version, created_at: now, files };
    let paths: Vec<PathBuf> = copies.into_iter().map(|copy| copy.to).collect();
    let target = file.to_owned();
    let packing = tokio::task::spawn_blocking(move || {
        pack(&target, &folder, &recipients, (&manifest, &paths)).map(|()| manifest)
    });
    packing.await.map_err(|joined| BackupError::file(file, joined.into()))?
}

/// How long writers may keep a database locked before a backup gives up.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

async fn describe(path: &Path, name: &str) -> Result<FileEntry, BackupError> {
    let rows = check_and_count(path).await?.into_iter().collect();
    let owned = path.to_owned();
    let hashing =
        tokio::task::spawn_blocking(move || copy_hashed(&mut File::open(owned)?, &mut io::sink()));
    let hashed = hashing.await.map_err(io::Error::from).flatten();
    let (bytes, sha256) = hashed.map_err(|error| BackupError::file(path, error))?;
    Ok(FileEntry { name: name.to_owned(), bytes, sha256, rows })
}

fn pack(
    file: &Path,
    folder: &Path,
    recipients: &[Recipient],
    content: (&Manifest, &[PathBuf]),
) -> Result<(), BackupError> {
    let error = |source| BackupError::file(file, source);
    let mut partial = tempfile::NamedTempFile::new_in(folder).map_err(error)?;
    archive::write(partial.as_file_mut(), file, recipients, content)?;
    partial.as_file().sync_all().map_err(error)?;
    partial.persist_noclobber(file).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(file.display().to_string()),
        _ => error(failed.error),
    })?;
    // The name of the file is part of what must survive.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(error)
}
