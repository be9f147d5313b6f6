//! What was done under a name of its own, by staff or by a reader's program, so that a form or a
//! request that is sent twice is done once: the name is written in the transaction of the act.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// To which subscription something was done, and what: for staff, a word of the audit log.
pub type Done = (Uuid, String);

/// What was done under the name `id`, if anything was.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Done>, StoreError> {
    tx.query("SELECT target, action FROM staff_operations WHERE id = $1").bind(id).optional().await
}

/// Writes down what was done; says no where the name was used before.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(
    tx: &mut Tx,
    id: Uuid,
    (target, action): (Uuid, &'static str),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = tx
        .query(
            "INSERT INTO staff_operations (id, target, action, at)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(target)
        .bind(action)
        .bind(at)
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Forgets up to `most` that were done before `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM staff_operations WHERE id IN
             (SELECT id FROM staff_operations WHERE at <= $1 ORDER BY at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
