//! Restoring a backup into an empty place, and proving it there before it takes its name.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    BackupError, archive,
    create::NAMES,
    manifest::{FileEntry, Manifest},
};
use crate::{
    app::Databases,
    audit::{chain::ChainKey, store as audit},
    billing::ledger::proof,
    config::Config,
    db::{DatabaseUrl, file_copy::check_and_count},
    files,
};

/// What to restore.
#[derive(Debug, Clone)]
pub struct Restore<'a> {
    /// The backup.
    pub file: &'a Path,
    /// The file with the age identity that decrypts it.
    pub identity: Option<&'a Path>,
    /// Whether to restore a backup whose rows, ledger or audit log do not pass their checks.
    pub accept_faults: bool,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup said about itself.
    pub manifest: Manifest,
    /// Entries of its audit log, where that is unbroken.
    pub audit_entries: Option<i64>,
    /// Checks that it did not pass, in words.
    pub faults: Vec<String>,
}

/// Restores a backup to the SQLite databases `targets` (main, meter), which must not exist.
/// `config` names the master key under which the audit log was written.
///
/// # Errors
/// [`BackupError`]; nothing was restored then.
pub async fn restore(
    config: &Config,
    targets: [PathBuf; 2],
    ask: Restore<'_>,
) -> Result<Restored, BackupError> {
    for path in &targets {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            if Path::new(&name).exists() {
                return Err(BackupError::Exists(name.display().to_string()));
            }
        }
    }
    let folder = folder_of(&targets)?;
    let scratch = tempfile::Builder::new().prefix(".pressgate-restore-").tempdir_in(&folder);
    let scratch = scratch.map_err(|error| BackupError::file(&folder, error))?;
    let manifest = {
        let (file, into) = (ask.file.to_owned(), scratch.path().to_owned());
        let identity = ask.identity.map(Path::to_owned);
        let unpacking =
            tokio::task::spawn_blocking(move || archive::unpack(&file, identity.as_deref(), &into));
        unpacking.await.map_err(|joined| BackupError::file(ask.file, joined.into()))??
    };
    let mut faults = Vec::new();
    for entry in &manifest.files {
        faults.extend(rows_of(&scratch.path().join(&entry.name), entry).await?);
    }
    let (audit_entries, found) = prove(config, scratch.path()).await?;
    faults.extend(found);
    if !faults.is_empty() && !ask.accept_faults {
        return Err(BackupError::Faults(faults));
    }
    for (name, target) in NAMES.iter().zip(&targets) {
        let restored = scratch.path().join(name);
        fs::rename(&restored, target).map_err(|error| BackupError::file(target, error))?;
    }
    let synced = File::open(&folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| BackupError::file(&folder, error))?;
    Ok(Restored { manifest, audit_entries, faults })
}

/// The folder in which both databases will be, which is made where it is not there.
fn folder_of(targets: &[PathBuf; 2]) -> Result<PathBuf, BackupError> {
    let [main, _] = targets;
    let folder = match main.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    files::create_folder(&folder).map_err(|error| BackupError::file(&folder, error))?;
    Ok(folder)
}

async fn rows_of(path: &Path, entry: &FileEntry) -> Result<Vec<String>, BackupError> {
    match check_and_count(path).await {
        Ok(found) => Ok(entry.differences(&found)),
        Err(crate::db::StoreError::Corrupt { column, id, .. }) => {
            Ok(vec![format!("{}: {column}: {id}", entry.name)])
        }
        Err(error) => Err(error.into()),
    }
}

/// Brings the restored databases up to date and checks what rows alone do not show.
async fn prove(config: &Config, folder: &Path) -> Result<(Option<i64>, Vec<String>), BackupError> {
    let mut at_scratch = config.clone();
    let [main, _] = NAMES;
    at_scratch.database.url = DatabaseUrl::Sqlite(folder.join(main));
    let databases = Databases::open(&at_scratch).await?;
    let mut faults = Vec::new();
    databases.migrate().await?;
    let mut tx = databases.main.snapshot().await?;
    let verified = audit::verify(&mut tx, &ChainKey::of(&config.master)).await;
    let entries = match verified {
        Ok(head) => Some(head.seq),
        Err(error) => {
            faults.push(format!("the audit log does not verify: {error}"));
            None
        }
    };
    let broken = proof::prove(&mut tx).await?;
    faults.extend(broken.iter().map(|fault| format!("the ledger: {fault}")));
    drop(tx);
    databases.close().await;
    Ok((entries, faults))
}
