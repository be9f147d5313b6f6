//! Keys and answers in the database.

use uuid::Uuid;

use super::LEASE;
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// A request under a key.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks: a reader or a member of staff, whose ids are never the same.
    pub caller: Uuid,
    /// The key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub hash: [u8; 32],
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It is this request's turn, by this name.
    Do(Uuid),
    /// It was answered.
    Answered {
        /// The answer's status.
        status: u16,
        /// Its body.
        body: Vec<u8>,
    },
    /// Another request with this key is being done.
    Busy,
    /// The key was used for something else.
    OtherRequest,
}

#[derive(sqlx::FromRow)]
struct Row {
    operation: Uuid,
    request_hash: Vec<u8>,
    leased_until: Timestamp,
    status: Option<i64>,
    body: Option<Vec<u8>>,
}

/// Whose turn it is. A request whose process died is taken over once its lease is over.
///
/// # Errors
/// [`StoreError`].
pub async fn take(
    tx: &mut Tx,
    request: &Request,
    operation: Uuid,
    now: Timestamp,
) -> Result<Turn, StoreError> {
    let new = tx
        .query(
            "INSERT INTO idempotency_keys (reader_id, key, operation, request_hash, leased_until,
                                           created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(request.caller)
        .bind(request.key.clone())
        .bind(operation)
        .bind(request.hash.to_vec())
        .bind(now.plus(LEASE))
        .bind(now)
        .execute()
        .await?;
    if new == 1 {
        return Ok(Turn::Do(operation));
    }
    let row = tx
        .query(
            "SELECT operation, request_hash, leased_until, status, body FROM idempotency_keys
             WHERE reader_id = $1 AND key = $2",
        )
        .bind(request.caller)
        .bind(request.key.clone())
        .optional::<Row>()
        .await?;
    // Whoever had it let go of it just now.
    let Some(row) = row else { return Ok(Turn::Busy) };
    if row.request_hash != request.hash {
        return Ok(Turn::OtherRequest);
    }
    match (row.status.map(u16::try_from), row.body) {
        (Some(Ok(status)), Some(body)) => return Ok(Turn::Answered { status, body }),
        (None, None) => {}
        _ => {
            let (table, column) = ("idempotency_keys", "status");
            return Err(StoreError::Corrupt { table, column, id: row.operation.to_string() });
        }
    }
    if now < row.leased_until {
        return Ok(Turn::Busy);
    }
    let taken = tx
        .query(
            "UPDATE idempotency_keys SET leased_until = $3
             WHERE reader_id = $1 AND key = $2 AND status IS NULL AND leased_until = $4",
        )
        .bind(request.caller)
        .bind(request.key.clone())
        .bind(now.plus(LEASE))
        .bind(row.leased_until)
        .execute()
        .await?;
    Ok(if taken == 1 { Turn::Do(row.operation) } else { Turn::Busy })
}

/// Keeps the answer.
///
/// # Errors
/// [`StoreError`].
pub async fn answer(
    tx: &mut Tx,
    request: &Request,
    (status, body): (u16, &[u8]),
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE idempotency_keys SET status = $3, body = $4
         WHERE reader_id = $1 AND key = $2 AND status IS NULL",
    )
    .bind(request.caller)
    .bind(request.key.clone())
    .bind(i64::from(status))
    .bind(body.to_vec())
    .execute()
    .await?;
    Ok(())
}

/// Keeps the key for the same request, which may be sent again at once and then goes on as
/// `operation`.
///
/// # Errors
/// [`StoreError`].
pub async fn hold(
    tx: &mut Tx,
    request: &Request,
    operation: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE idempotency_keys SET operation = $3, leased_until = $4
         WHERE reader_id = $1 AND key = $2 AND status IS NULL",
    )
    .bind(request.caller)
    .bind(request.key.clone())
    .bind(operation)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Lets go of a key whose request came to nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn release(tx: &mut Tx, request: &Request) -> Result<(), StoreError> {
    tx.query("DELETE FROM idempotency_keys WHERE reader_id = $1 AND key = $2 AND status IS NULL")
        .bind(request.caller)
        .bind(request.key.clone())
        .execute()
        .await?;
    Ok(())
}

/// Forgets a reader's keys.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Tx, reader: Uuid) -> Result<(), StoreError> {
    tx.query("DELETE FROM idempotency_keys WHERE reader_id = $1").bind(reader).execute().await?;
    Ok(())
}

/// Forgets up to `most` keys that were first used before `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM idempotency_keys WHERE created_at <= $1 AND operation IN
             (SELECT operation FROM idempotency_keys WHERE created_at <= $1
              ORDER BY created_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
