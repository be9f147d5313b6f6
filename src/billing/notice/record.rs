//! What the kept notices show: whether the law was kept, and what one reader was told.

use uuid::Uuid;

use super::store::{LISTED_MAX, Notice, notices};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// The notices that had to go out since `since` and did not, or went out too late; the latest
/// first, at most `most`.
///
/// # Errors
/// [`StoreError`].
pub async fn missed(
    tx: &mut Tx,
    since: Timestamp,
    now: Timestamp,
    most: i64,
) -> Result<Vec<Notice>, StoreError> {
    let rows = tx
        .query(
            "SELECT subscription_id, kind, about, jurisdiction, due_from, due_to, planned_for,
                    status, sent_at, template
             FROM notices
             WHERE status = 'planned' AND due_to >= $1 AND due_to < $2
             UNION ALL
             SELECT subscription_id, kind, about, jurisdiction, due_from, due_to, planned_for,
                    status, sent_at, template
             FROM notices
             WHERE (status = 'missed' OR (status = 'sent' AND sent_at > due_to)) AND due_to >= $1
             ORDER BY due_to DESC, subscription_id, kind LIMIT $3",
        )
        .bind(since)
        .bind(now)
        .bind(most)
        .all()
        .await?;
    notices(rows)
}

/// The notices of a reader, the last planned first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn of_reader(tx: &mut Tx, reader: Uuid) -> Result<Vec<Notice>, StoreError> {
    let rows = tx
        .query(
            "SELECT subscription_id, kind, about, jurisdiction, due_from, due_to, planned_for,
                    status, sent_at, template
             FROM notices WHERE reader_id = $1
             ORDER BY planned_for DESC, subscription_id, kind LIMIT $2",
        )
        .bind(reader)
        .bind(LISTED_MAX)
        .all()
        .await?;
    notices(rows)
}

/// Sends a reader nothing more. What was sent stays on record, by ids that stand for nobody.
///
/// # Errors
/// [`StoreError`].
pub async fn call_off(tx: &mut Tx, reader: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.query(
        "UPDATE notices SET status = CASE WHEN due_to < $1 THEN 'missed' ELSE 'dropped' END
         WHERE reader_id = $2 AND status = 'planned'",
    )
    .bind(now)
    .bind(reader)
    .execute()
    .await?;
    Ok(())
}

/// Forgets up to `most` notices that were done with and due before `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM notices WHERE (subscription_id, kind, about) IN (
             SELECT subscription_id, kind, about FROM notices
             WHERE status <> 'planned' AND due_to < $1 ORDER BY due_to LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
