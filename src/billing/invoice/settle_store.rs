//! Refunds as staff have to see to them: those that the gateway refused, and who decided how much.

use iso_currency::Currency;
use uuid::Uuid;

use super::{
    credit::{Refund, SettledAs},
    credit_store::{RefundRow, refunds},
    store::LISTED_MAX,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
};

/// Refunds that the gateway refused and nobody has seen to yet, the oldest first; at most `most`.
///
/// # Errors
/// [`StoreError`].
pub async fn list_refused(tx: &mut Tx, most: i64) -> Result<Vec<Refund>, StoreError> {
    let rows: Vec<RefundRow> = tx
        .query(refunds!("status = 'failed' AND settled_as IS NULL ORDER BY done_at, id LIMIT $1"))
        .bind(most)
        .all()
        .await?;
    rows.into_iter().map(RefundRow::read).collect()
}

/// A paid invoice of which something can still go back to the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refundable {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// How much can go back.
    pub left: Money,
}

/// Of which of a subscription's invoices money can still go back to the card, the latest first; at
/// most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_refundable(
    tx: &mut Tx,
    subscription: Uuid,
) -> Result<Vec<Refundable>, StoreError> {
    let rows: Vec<(Uuid, String, Timestamp, String, i64, i64)> = tx
        .query(
            "SELECT i.id, i.number, i.paid_at, i.currency, i.total - i.credited,
                    e.cash - COALESCE(c.refunded, 0)
             FROM invoices i
             JOIN ledger_entries e ON e.source_id = i.charge_id AND e.kind = 'paid'
             LEFT JOIN refunded_charges c ON c.charge_id = i.charge_id
             WHERE i.subscription_id = $1 AND i.status = 'paid' AND i.total > i.credited
               AND e.cash > COALESCE(c.refunded, 0)
             ORDER BY i.created_at DESC, i.id DESC LIMIT $2",
        )
        .bind(subscription)
        .bind(LISTED_MAX)
        .all()
        .await?;
    let read =
        |(id, number, paid_at, currency, of_invoice, of_card): (_, _, _, String, i64, i64)| {
            let corrupt = || {
                let (table, column) = ("invoices", "currency");
                StoreError::Corrupt { table, column, id: Uuid::to_string(&id) }
            };
            let currency = Currency::from_code(&currency).ok_or_else(corrupt)?;
            let left = Money { amount: of_invoice.min(of_card), currency };
            Ok(Refundable { id, number, paid_at, left })
        };
    rows.into_iter().map(read).collect()
}

/// Notes what is done about a refund that was refused; says whether it waited for that. Of several
/// who do something about it, one gets a yes.
///
/// # Errors
/// [`StoreError`].
pub async fn settle(
    tx: &mut Tx,
    id: Uuid,
    done: SettledAs,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let updated = tx
        .query(
            "UPDATE refunds SET settled_as = $1, settled_at = $2
             WHERE id = $3 AND status = 'failed' AND settled_as IS NULL",
        )
        .bind(done.as_str())
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    Ok(updated > 0)
}

/// What a member of staff decided to give back to a reader after `since`. What was refused and
/// tried again counts once.
///
/// # Errors
/// [`StoreError`].
pub async fn given_by(
    tx: &mut Tx,
    (staff, reader): (Uuid, Uuid),
    currency: Currency,
    since: Timestamp,
) -> Result<Money, StoreError> {
    let given: Option<(i64,)> = tx
        .query(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refunds
             WHERE reader_id = $1 AND decided_by = $2 AND currency = $3 AND created_at > $4
               AND (settled_as IS NULL OR settled_as <> 'retried')",
        )
        .bind(reader)
        .bind(staff)
        .bind(currency.code())
        .bind(since)
        .optional()
        .await?;
    Ok(Money { amount: given.map_or(0, |(given,)| given), currency })
}

/// What of all invoices of a subscription can still be given back.
///
/// # Errors
/// [`StoreError`].
pub async fn creditable_of(
    tx: &mut Tx,
    subscription: Uuid,
    currency: Currency,
) -> Result<Money, StoreError> {
    let left: Option<(i64,)> = tx
        .query(
            "SELECT CAST(COALESCE(SUM(total - credited), 0) AS BIGINT) FROM invoices
             WHERE subscription_id = $1 AND status = 'paid' AND currency = $2 AND total > credited",
        )
        .bind(subscription)
        .bind(currency.code())
        .optional()
        .await?;
    Ok(Money { amount: left.map_or(0, |(left,)| left), currency })
}
