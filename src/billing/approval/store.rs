//! Requests for refunds in the database.

use iso_currency::Currency;
use uuid::Uuid;

use super::request::{Decision, LASTS, Request, Stands};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
};

/// Most requests in one list.
pub const LISTED_MAX: i64 = 100;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    subscription_id: Uuid,
    reader_id: Uuid,
    invoice_id: Uuid,
    currency: String,
    amount: i64,
    cancels: bool,
    reason: String,
    requested_by: Uuid,
    requested_at: Timestamp,
    status: String,
    decided_by: Option<Uuid>,
    decided_at: Option<Timestamp>,
    decision: Option<String>,
}

/// The requests for which this holds.
macro_rules! requests {
    ($where:literal) => {
        concat!(
            "SELECT id, subscription_id, reader_id, invoice_id, currency, amount, cancels, reason,
                 requested_by, requested_at, status, decided_by, decided_at, decision
             FROM refund_requests WHERE ",
            $where
        )
    };
}

impl Row {
    fn read(self) -> Result<Request, StoreError> {
        let id = self.id;
        let corrupt = |column| {
            move || StoreError::Corrupt { table: "refund_requests", column, id: id.to_string() }
        };
        let currency = Currency::from_code(&self.currency).ok_or_else(corrupt("currency"))?;
        let decision = match (self.decided_by, self.decided_at, self.decision) {
            (Some(by), Some(at), Some(reason)) => Some(Decision { by, at, reason }),
            (None, None, None) => None,
            _ => return Err(corrupt("decided_by")()),
        };
        let stands = match (self.status.as_str(), decision) {
            ("waiting", None) => Stands::Waiting,
            ("approved", Some(decision)) => Stands::Approved(decision),
            ("declined", Some(decision)) => Stands::Declined(decision),
            ("expired", None) => Stands::Expired,
            _ => return Err(corrupt("status")()),
        };
        Ok(Request {
            id,
            subscription: self.subscription_id,
            reader: self.reader_id,
            invoice: self.invoice_id,
            amount: Money { amount: self.amount, currency },
            cancels: self.cancels,
            reason: self.reason,
            requested_by: self.requested_by,
            requested_at: self.requested_at,
            stands,
        })
    }
}

/// Adds one that waits. The caller has taken the subscription's row, and knows that no other one
/// waits for it at that time; one that waited for too long is marked so.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, request: &Request) -> Result<(), StoreError> {
    tx.query(
        "UPDATE refund_requests SET status = 'expired'
         WHERE subscription_id = $1 AND status = 'waiting' AND requested_at <= $2",
    )
    .bind(request.subscription)
    .bind(request.requested_at.minus(LASTS))
    .execute()
    .await?;
    tx.query(
        "INSERT INTO refund_requests (id, subscription_id, reader_id, invoice_id, currency, amount,
                                      cancels, reason, requested_by, requested_at, status)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting')",
    )
    .bind(request.id)
    .bind(request.subscription)
    .bind(request.reader)
    .bind(request.invoice)
    .bind(request.amount.currency.code())
    .bind(request.amount.amount)
    .bind(request.cancels)
    .bind(request.reason.clone())
    .bind(request.requested_by)
    .bind(request.requested_at)
    .execute()
    .await?;
    Ok(())
}

/// Finds one.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Request>, StoreError> {
    let row: Option<Row> = tx.query(requests!("id = $1")).bind(id).optional().await?;
    row.map(Row::read).transpose()
}

/// The one that waits for a subscription, if one does.
///
/// # Errors
/// [`StoreError`].
pub async fn find_waiting(
    tx: &mut Tx,
    subscription: Uuid,
    now: Timestamp,
) -> Result<Option<Request>, StoreError> {
    let row: Option<Row> = tx
        .query(requests!("subscription_id = $1 AND status = 'waiting' AND requested_at > $2"))
        .bind(subscription)
        .bind(now.minus(LASTS))
        .optional()
        .await?;
    row.map(Row::read).transpose()
}

/// Writes down how one was decided, and says whether it still waited.
///
/// # Errors
/// [`StoreError`].
pub async fn decide(tx: &mut Tx, request: &Request) -> Result<bool, StoreError> {
    let decision = request.stands.decision();
    let updated = tx
        .query(
            "UPDATE refund_requests
             SET status = $1, decided_by = $2, decided_at = $3, decision = $4
             WHERE id = $5 AND status = 'waiting'",
        )
        .bind(request.stands.as_str())
        .bind(decision.map(|decision| decision.by))
        .bind(decision.map(|decision| decision.at))
        .bind(decision.map(|decision| decision.reason.clone()))
        .bind(request.id)
        .execute()
        .await?;
    Ok(updated > 0)
}

/// Those about a reader's money, the latest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(tx: &mut Tx, reader: Uuid) -> Result<Vec<Request>, StoreError> {
    let rows: Vec<Row> = tx
        .query(requests!("reader_id = $1 ORDER BY requested_at DESC, id DESC LIMIT $2"))
        .bind(reader)
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Those that wait at `now`, the oldest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_waiting(tx: &mut Tx, now: Timestamp) -> Result<Vec<Request>, StoreError> {
    let rows: Vec<Row> = tx
        .query(requests!(
            "status = 'waiting' AND requested_at > $1 ORDER BY requested_at, id LIMIT $2"
        ))
        .bind(now.minus(LASTS))
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Those that do not wait at `now` any more, the latest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_over(tx: &mut Tx, now: Timestamp) -> Result<Vec<Request>, StoreError> {
    let rows: Vec<Row> = tx
        .query(requests!(
            "status <> 'waiting' OR requested_at <= $1 ORDER BY requested_at DESC, id DESC LIMIT $2"
        ))
        .bind(now.minus(LASTS))
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(|row| row.read().map(|it| it.as_of(now))).collect()
}
