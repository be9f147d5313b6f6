//! What the database remembers of the files of anchors, so that a file that was deleted or cut is
//! missed. It remembers a file's last anchor alone: that one proves every entry before it.

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// The last anchor of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnchor {
    /// The entry that it anchors.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
}

/// The last anchor in `file` that the database knows of. The file may have newer ones.
///
/// # Errors
/// When the database fails.
pub async fn last(tx: &mut Tx, file: &str) -> Result<Option<LastAnchor>, StoreError> {
    let found: Option<(i64, Timestamp)> = tx
        .query("SELECT seq, at FROM audit_anchor_files WHERE file = $1")
        .bind(file)
        .optional()
        .await?;
    Ok(found.map(|(seq, at)| LastAnchor { seq, at }))
}

/// Remembers that `file` has this anchor.
///
/// # Errors
/// When the database fails.
pub async fn remember(tx: &mut Tx, file: &str, anchor: LastAnchor) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO audit_anchor_files (file, seq, at) VALUES ($1, $2, $3)
         ON CONFLICT (file) DO UPDATE SET seq = excluded.seq, at = excluded.at
         WHERE audit_anchor_files.seq < excluded.seq",
    )
    .bind(file)
    .bind(anchor.seq)
    .bind(anchor.at)
    .execute()
    .await?;
    Ok(())
}

/// Forgets what `file` had: another begins in its place.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, file: &str) -> Result<(), StoreError> {
    tx.query("DELETE FROM audit_anchor_files WHERE file = $1").bind(file).execute().await?;
    Ok(())
}

/// When the entry at `seq` was written.
///
/// # Errors
/// When the database fails.
pub async fn time_of_entry(tx: &mut Tx, seq: i64) -> Result<Option<Timestamp>, StoreError> {
    let found: Option<(Timestamp,)> =
        tx.query("SELECT at FROM audit_log WHERE seq = $1").bind(seq).optional().await?;
    Ok(found.map(|(at,)| at))
}
