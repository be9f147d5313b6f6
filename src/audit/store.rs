//! The audit log in the database.

use super::{
    anchor::{AnchorError, Anchors},
    chain::{ChainKey, Fault, Head, Verifier},
    coverage::Coverage,
    model::{Entry, Record},
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Entries read at once while the log is checked.
const PAGE: i64 = 500;
/// Most entries that [`list`] gives.
pub const LIST_MAX: i64 = 500;

/// Why a log does not pass.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log is not what was written.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The log does not agree with an anchor of it.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// Rows have no entry that says how they came about.
    #[error("entries are missing from the log, or these rows were written past the service:\n  {}", .0.join("\n  "))]
    Uncovered(Vec<String>),
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Appends `entry` and gives its place. Call it last in the transaction that makes the change:
/// from here to the commit every other writer of the log waits.
///
/// # Errors
/// When the database fails.
pub async fn append(tx: &mut Tx, key: &ChainKey, entry: &Entry) -> Result<i64, StoreError> {
    // Writing first takes the row, so that what is read with it stays true until the commit.
    let head: Option<(i64, Vec<u8>, Vec<u8>)> = tx
        .query("UPDATE audit_head SET seq = seq WHERE id = 1 RETURNING seq, hash, seal")
        .optional()
        .await?;
    let (seq, hash, seal) = head.ok_or_else(no_head)?;
    let head = Head { seq, hash, seal };
    let mut record = Record::of(entry, seq.saturating_add(1), head.hash.clone());
    record.hash = key.hash(&record);
    let next = head.next(key, record.hash.clone());
    insert(tx, record).await?;
    tx.query("UPDATE audit_head SET seq = $1, hash = $2, seal = $3 WHERE id = 1")
        .bind(next.seq)
        .bind(next.hash)
        .bind(next.seal)
        .execute()
        .await?;
    Ok(next.seq)
}

async fn insert(tx: &mut Tx, record: Record) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO audit_log (seq, at, actor_kind, actor_id, action, target_kind, target_id,
                                request_id, ip, before, after, previous_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(record.seq)
    .bind(record.at)
    .bind(record.actor_kind)
    .bind(record.actor_id)
    .bind(record.action)
    .bind(record.target_kind)
    .bind(record.target_id)
    .bind(record.request_id)
    .bind(record.ip)
    .bind(record.before)
    .bind(record.after)
    .bind(record.previous_hash)
    .bind(record.hash)
    .execute()
    .await?;
    Ok(())
}

/// Checks the whole log, a page at a time, and says how it ends.
///
/// # Errors
/// The first [`Fault`], or that the database failed.
pub async fn verify(tx: &mut Tx, key: &ChainKey) -> Result<Head, VerifyError> {
    walk(tx, key, &Anchors::default(), &mut Coverage::default()).await
}

/// [`verify`], which also checks that nothing is missing that `anchors` or rows of the database tell
/// of.
///
/// # Errors
/// As [`verify`]; [`VerifyError::Anchor`]; [`VerifyError::Uncovered`].
pub async fn verify_whole(
    tx: &mut Tx,
    key: &ChainKey,
    anchors: &Anchors,
) -> Result<Head, VerifyError> {
    let mut coverage = Coverage::default();
    let head = walk(tx, key, anchors, &mut coverage).await?;
    let missing = coverage.missing(tx).await?;
    if missing.is_empty() { Ok(head) } else { Err(VerifyError::Uncovered(missing)) }
}

async fn walk(
    tx: &mut Tx,
    key: &ChainKey,
    anchors: &Anchors,
    coverage: &mut Coverage,
) -> Result<Head, VerifyError> {
    let mut verifier = Verifier::new(key.clone());
    // Below the first place too: what has no business there must be seen.
    let mut from = i64::MIN;
    loop {
        let page = page_from(tx, from).await?;
        for record in &page {
            verifier.take(record)?;
            anchors.check(record.seq, &record.hash)?;
            coverage.take(record);
        }
        from = verifier.count().saturating_add(1);
        if !page.is_empty() {
            continue;
        }
        let head = head(tx).await?;
        // Somebody may have appended since; what the head knows of is then there to be read.
        if head.seq < from || page_from(tx, from).await?.is_empty() {
            verifier.finish(&head)?;
            anchors.check_length(head.seq)?;
            return Ok(head);
        }
    }
}

/// The entries before the place `before` (or the last ones), the youngest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, before: Option<i64>, limit: i64) -> Result<Vec<Record>, StoreError> {
    tx.query(
        "SELECT seq, at, actor_kind, actor_id, action, target_kind, target_id, request_id, ip,
                before, after, previous_hash, hash
         FROM audit_log
         WHERE seq < $1
         ORDER BY seq DESC
         LIMIT $2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(limit.clamp(1, LIST_MAX))
    .all()
    .await
}

/// Whether the same actor did the same to the same target after `since`.
///
/// # Errors
/// When the database fails.
pub async fn is_known_since(
    tx: &mut Tx,
    entry: &Entry,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let Some((kind, id)) = &entry.target else { return Ok(false) };
    let found: Option<(i64,)> = tx
        .query(
            "SELECT seq FROM audit_log
             WHERE target_kind = $1 AND target_id = $2 AND action = $3 AND actor_id = $4 AND at > $5
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(*kind)
        .bind(id.as_str())
        .bind(entry.action.as_str())
        .bind(entry.actor.id())
        .bind(since)
        .optional()
        .await?;
    Ok(found.is_some())
}

async fn page_from(tx: &mut Tx, from: i64) -> Result<Vec<Record>, StoreError> {
    tx.query(
        "SELECT seq, at, actor_kind, actor_id, action, target_kind, target_id, request_id, ip,
                before, after, previous_hash, hash
         FROM audit_log
         WHERE seq >= $1
         ORDER BY seq
         LIMIT $2",
    )
    .bind(from)
    .bind(PAGE)
    .all()
    .await
}

pub(super) async fn head(tx: &mut Tx) -> Result<Head, StoreError> {
    let head: Option<(i64, Vec<u8>, Vec<u8>)> =
        tx.query("SELECT seq, hash, seal FROM audit_head WHERE id = 1").optional().await?;
    let (seq, hash, seal) = head.ok_or_else(no_head)?;
    Ok(Head { seq, hash, seal })
}

fn no_head() -> StoreError {
    StoreError::Corrupt { table: "audit_head", column: "id", id: "1".to_owned() }
}
