//! `pressgate backup FILE` and `pressgate restore FILE`.

use std::{io::Write, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::Failure;
use crate::{
    app::{self, Databases, sqlite_files},
    audit::anchor_file::AnchorMetrics,
    backup::{
        BackupError,
        create::create,
        manifest::{FileEntry, Manifest},
        restore::{Restore, Restored, restore as restore_backup},
    },
    clock::{Clock, SystemClock},
    config::Config,
    db::DatabaseUrl,
};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write; it must not exist.
    file: PathBuf,
    /// Encrypt to this age recipient (`age1…`). May be given more than once.
    #[arg(long, value_name = "AGE_RECIPIENT")]
    recipient: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup to restore to `database.url`, where nothing may be yet.
    file: PathBuf,
    /// The file with the age identity that decrypts it.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Restore a backup whose row counts, ledger or audit log do not pass their checks.
    #[arg(long)]
    accept_faults: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn back_up(
    args: BackupArgs,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let parse = |text: String| text.parse().map_err(|_| BackupError::InvalidRecipient(text));
    let recipients = args.recipient.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let is_encrypted = !recipients.is_empty();
    let now = SystemClock::default().now();
    let manifest = create(files_of(config)?, &args.file, recipients, now).await?;
    if args.json {
        let Manifest { format, version, created_at, files } = &manifest;
        let body = json!({
            "file": args.file, "encrypted": is_encrypted, "format": format, "version": version,
            "created_at": created_at, "files": files,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&body)?)?;
    } else {
        let how = if is_encrypted { "encrypted" } else { "not encrypted" };
        writeln!(out, "Backed up {} to {} ({how}).", summary(&manifest), args.file.display())?;
        writeln!(out, "Keep keys.master apart from it: neither is of use without the other.")?;
    }
    Ok(())
}

pub(super) async fn restore(
    args: RestoreArgs,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let RestoreArgs { file, identity, accept_faults, json } = args;
    let ask = Restore { file: &file, identity: identity.as_deref(), accept_faults };
    let Restored { manifest, audit_entries, faults } =
        restore_backup(config, files_of(config)?, ask).await?;
    let unanchored = anchor(config).await.err().map(|error| error.to_string());
    if json {
        let Manifest { format, version, created_at, files } = &manifest;
        let body = json!({
            "format": format, "version": version, "created_at": created_at, "files": files,
            "audit_entries": audit_entries, "faults": faults, "not_anchored": unanchored,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&body)?)?;
        return Ok(());
    }
    writeln!(out, "Restored {} of {}.", summary(&manifest), manifest.created_at)?;
    if let (Some(entries), []) = (audit_entries, faults.as_slice()) {
        writeln!(out, "Row counts, ledger and audit log ({entries} entries) are in order.")?;
    }
    for fault in faults {
        writeln!(out, "Accepted fault: {fault}")?;
    }
    if let Some(reason) = unanchored {
        writeln!(
            out,
            "The restored audit log is not anchored: {reason}\nTo begin a new file of anchors: move the old \
             one away, keep it, and run `pressgate audit anchor --new-file`."
        )?;
    }
    Ok(())
}

/// Anchors the restored log, where its anchors agree with it.
async fn anchor(config: &Config) -> Result<(), Failure> {
    let Some(anchors) = app::open_anchors(config, AnchorMetrics::default())? else { return Ok(()) };
    let databases = Databases::open(config).await?;
    let done = anchors.record(&databases.main, SystemClock::default().now()).await;
    databases.close().await;
    Ok(done?)
}

fn files_of(config: &Config) -> Result<[PathBuf; 2], BackupError> {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => Ok(sqlite_files(path)),
        DatabaseUrl::Postgres(_) => Err(BackupError::Postgres),
    }
}

fn summary(manifest: &Manifest) -> String {
    let rows: i64 = manifest.files.iter().map(FileEntry::total_rows).sum();
    format!("{} databases with {rows} rows", manifest.files.len())
}
