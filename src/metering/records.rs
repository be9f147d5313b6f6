//! What is kept of one reader: to be shown to the reader, and to be forgotten. Far from the hot
//! path, so one SQL serves both databases.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    store::{Key, articles_from_bytes},
    tally::Tally,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// The counts of `subject` in each of `pools` that has one.
///
/// # Errors
/// [`StoreError`].
pub async fn of(
    tx: &mut Tx,
    pools: &[Arc<str>],
    subject: Uuid,
) -> Result<Vec<(Key, Tally)>, StoreError> {
    let mut counts = Vec::new();
    for pool in pools {
        let row: Option<(Timestamp, Vec<u8>, i64)> = tx
            .query(
                "SELECT started_at, articles, version FROM meter_windows
                 WHERE pool = $1 AND subject = $2",
            )
            .bind(pool.to_string())
            .bind(subject)
            .optional()
            .await?;
        if let Some((started_at, articles, version)) = row {
            let key = Key { pool: Arc::clone(pool), subject };
            let articles = articles_from_bytes(&articles, &key)?;
            counts.push((key, Tally { started_at, articles, version }));
        }
    }
    Ok(counts)
}

/// Forgets the counts of `subject` in each of `pools`.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Tx, pools: &[Arc<str>], subject: Uuid) -> Result<(), StoreError> {
    for pool in pools {
        tx.query("DELETE FROM meter_windows WHERE pool = $1 AND subject = $2")
            .bind(pool.to_string())
            .bind(subject)
            .execute()
            .await?;
    }
    Ok(())
}
