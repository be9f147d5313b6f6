//! Credit notes and refunds in the database, each with its entry in the ledger.

use iso_currency::Currency;
use uuid::Uuid;

use super::{
    credit::{CreditNote, CreditTo, InvalidCredit, Refund, RefundState, SettledAs},
    model::Invoice,
    number::{Series, next_number},
    store::{InvoiceError, LISTED_MAX},
};
use crate::{
    billing::{
        ledger::{booking, store as ledger},
        tax::Taxed,
    },
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
};

/// A credit note to be written.
#[derive(Debug, Clone)]
pub struct NewCredit {
    /// Its id.
    pub id: Uuid,
    /// How much, tax included; above zero.
    pub amount: Money,
    /// Why, for people.
    pub reason: String,
    /// Where the money goes.
    pub to: CreditTo,
}

/// Gives something of `invoice` back; `None` when more of it was given back since it was read. Call
/// it last in the transaction ([`next_number`]). Money that goes back takes a refund too.
///
/// # Errors
/// [`InvoiceError`].
pub async fn credit(
    tx: &mut Tx,
    invoice: &Invoice,
    new: NewCredit,
    now: Timestamp,
) -> Result<Option<CreditNote>, InvoiceError> {
    let amounts = invoice.credit(new.amount)?;
    let updated = tx
        .query(
            "UPDATE invoices SET credited = credited + $1
             WHERE id = $2 AND status = 'paid' AND credited = $3",
        )
        .bind(new.amount.amount)
        .bind(invoice.head.id)
        .bind(invoice.credited.amount)
        .execute()
        .await?;
    if updated == 0 {
        return Ok(None);
    }
    let mut note = CreditNote {
        id: new.id,
        number: String::new(),
        invoice: invoice.head.id,
        reader: invoice.head.reader,
        subscription: invoice.head.subscription,
        amounts,
        reason: new.reason,
        to: new.to,
        at: now,
    };
    ledger::append(tx, &[booking::credited(&note)?]).await?;
    // Only now: from here on others wait.
    note.number = next_number(tx, Series::CreditNote, now).await?;
    insert_note(tx, &note).await?;
    Ok(Some(note))
}

async fn insert_note(tx: &mut Tx, note: &CreditNote) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO credit_notes (id, number, invoice_id, reader_id, subscription_id, currency,
                                   net, tax, total, reason, goes_to, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(note.id)
    .bind(note.number.clone())
    .bind(note.invoice)
    .bind(note.reader)
    .bind(note.subscription)
    .bind(note.amounts.total.currency.code())
    .bind(note.amounts.net.amount)
    .bind(note.amounts.tax.amount)
    .bind(note.amounts.total.amount)
    .bind(note.reason.clone())
    .bind(note.to.as_str())
    .bind(note.at)
    .execute()
    .await?;
    Ok(())
}

/// What of a charge's money can still go back the way it came; nothing for one that brought none.
///
/// # Errors
/// [`StoreError`].
pub async fn refundable(
    tx: &mut Tx,
    charge: Uuid,
    currency: Currency,
) -> Result<Money, StoreError> {
    let left: Option<(i64,)> = tx
        .query(
            "SELECT e.cash - COALESCE(c.refunded, 0) FROM ledger_entries e
             LEFT JOIN refunded_charges c ON c.charge_id = e.source_id
             WHERE e.source_id = $1 AND e.kind = 'paid' AND e.currency = $2",
        )
        .bind(charge)
        .bind(currency.code())
        .optional()
        .await?;
    Ok(Money { amount: left.map_or(0, |(left,)| left), currency })
}

/// Decides to give money of a charge back the way it came.
///
/// # Errors
/// [`InvalidCredit::TooMuch`] when all refunds of the charge together, except those that failed,
/// would be more than it brought.
pub async fn insert_refund(tx: &mut Tx, refund: &Refund) -> Result<(), InvoiceError> {
    let Refund { charge, amount, .. } = refund;
    // What a charge brought, the ledger knows.
    tx.query(
        "INSERT INTO refunded_charges (charge_id, paid, refunded)
         SELECT source_id, cash, 0 FROM ledger_entries
         WHERE source_id = $1 AND kind = 'paid' AND currency = $2
         ON CONFLICT (charge_id) DO NOTHING",
    )
    .bind(*charge)
    .bind(amount.currency.code())
    .execute()
    .await?;
    let taken = tx
        .query(
            "UPDATE refunded_charges SET refunded = refunded + $1
             WHERE charge_id = $2 AND refunded + $1 <= paid AND $1 > 0",
        )
        .bind(amount.amount)
        .bind(*charge)
        .execute()
        .await?;
    if taken == 0 {
        return Err(InvalidCredit::TooMuch.into());
    }
    tx.query(
        "INSERT INTO refunds (id, charge_id, invoice_id, reader_id, subscription_id, currency,
                              amount, status, created_at, decided_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9)",
    )
    .bind(refund.id)
    .bind(*charge)
    .bind(refund.invoice)
    .bind(refund.reader)
    .bind(refund.subscription)
    .bind(amount.currency.code())
    .bind(amount.amount)
    .bind(refund.created_at)
    .bind(refund.decided_by)
    .execute()
    .await?;
    Ok(())
}

/// The gateway took a refund, which it calls `reference`; says whether it was pending.
///
/// # Errors
/// [`InvoiceError`].
pub async fn refund_succeeded(
    tx: &mut Tx,
    refund: &Refund,
    reference: &str,
    now: Timestamp,
) -> Result<bool, InvoiceError> {
    let updated = tx
        .query(
            "UPDATE refunds SET status = 'succeeded', reference = $1, done_at = $2
             WHERE id = $3 AND status = 'pending'",
        )
        .bind(reference)
        .bind(now)
        .bind(refund.id)
        .execute()
        .await?;
    if updated > 0 {
        ledger::append(tx, &[booking::refunded(refund, now)?]).await?;
    }
    Ok(updated > 0)
}

/// The gateway refused a refund because of `why`, so that another may be tried; says whether it was
/// pending.
///
/// # Errors
/// [`StoreError`].
pub async fn refund_failed(
    tx: &mut Tx,
    refund: &Refund,
    why: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let updated = tx
        .query(
            "UPDATE refunds SET status = 'failed', done_at = $1, refusal = $3
             WHERE id = $2 AND status = 'pending'",
        )
        .bind(now)
        .bind(refund.id)
        .bind(why)
        .execute()
        .await?;
    if updated > 0 {
        tx.query("UPDATE refunded_charges SET refunded = refunded - $1 WHERE charge_id = $2")
            .bind(refund.amount.amount)
            .bind(refund.charge)
            .execute()
            .await?;
    }
    Ok(updated > 0)
}

#[derive(sqlx::FromRow)]
struct NoteRow {
    id: Uuid,
    number: String,
    invoice_id: Uuid,
    reader_id: Uuid,
    subscription_id: Uuid,
    currency: String,
    net: i64,
    tax: i64,
    total: i64,
    reason: String,
    goes_to: String,
    created_at: Timestamp,
}

impl NoteRow {
    fn read(self) -> Result<CreditNote, StoreError> {
        let id = self.id;
        let corrupt = |column| {
            move || StoreError::Corrupt { table: "credit_notes", column, id: id.to_string() }
        };
        let currency = Currency::from_code(&self.currency).ok_or_else(corrupt("currency"))?;
        let money = |amount| Money { amount, currency };
        let to = CreditTo::parse(&self.goes_to).ok_or_else(corrupt("goes_to"))?;
        Ok(CreditNote {
            id,
            number: self.number,
            invoice: self.invoice_id,
            reader: self.reader_id,
            subscription: self.subscription_id,
            amounts: Taxed { net: money(self.net), tax: money(self.tax), total: money(self.total) },
            reason: self.reason,
            to,
            at: self.created_at,
        })
    }
}

/// One refund.
#[derive(sqlx::FromRow)]
pub(super) struct RefundRow {
    id: Uuid,
    charge_id: Uuid,
    invoice_id: Option<Uuid>,
    reader_id: Uuid,
    subscription_id: Uuid,
    currency: String,
    amount: i64,
    status: String,
    reference: Option<String>,
    created_at: Timestamp,
    done_at: Option<Timestamp>,
    decided_by: Option<Uuid>,
    refusal: Option<String>,
    settled_as: Option<String>,
}

/// The refunds for which this holds, as [`RefundRow`]s.
macro_rules! refunds {
    ($where:literal) => {
        concat!(
            "SELECT id, charge_id, invoice_id, reader_id, subscription_id, currency, amount, status,
                 reference, created_at, done_at, decided_by, refusal, settled_as
             FROM refunds WHERE ",
            $where
        )
    };
}
pub(super) use refunds;

impl RefundRow {
    pub(super) fn read(self) -> Result<Refund, StoreError> {
        let id = self.id;
        let corrupt =
            |column| move || StoreError::Corrupt { table: "refunds", column, id: id.to_string() };
        let state = match (self.status.as_str(), self.reference, self.done_at) {
            ("pending", None, None) => Some(RefundState::Pending),
            ("succeeded", Some(reference), Some(at)) => {
                Some(RefundState::Succeeded { at, reference })
            }
            ("failed", None, Some(at)) => {
                // What failed before the gateway's words were kept has none.
                let why = self.refusal.unwrap_or_default();
                let settled = self
                    .settled_as
                    .map(|text| SettledAs::parse(&text).ok_or_else(corrupt("settled_as")));
                Some(RefundState::Failed { at, why, settled: settled.transpose()? })
            }
            _ => None,
        };
        let currency = Currency::from_code(&self.currency).ok_or_else(corrupt("currency"))?;
        Ok(Refund {
            id,
            charge: self.charge_id,
            invoice: self.invoice_id,
            reader: self.reader_id,
            subscription: self.subscription_id,
            amount: Money { amount: self.amount, currency },
            state: state.ok_or_else(corrupt("status"))?,
            created_at: self.created_at,
            decided_by: self.decided_by,
        })
    }
}

/// The reader's credit notes, the newest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_notes(tx: &mut Tx, reader: Uuid) -> Result<Vec<CreditNote>, StoreError> {
    let rows: Vec<NoteRow> = tx
        .query(
            "SELECT id, number, invoice_id, reader_id, subscription_id, currency, net, tax, total,
                    reason, goes_to, created_at
             FROM credit_notes WHERE reader_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
        )
        .bind(reader)
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(NoteRow::read).collect()
}

/// The reader's refunds, the newest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_refunds(tx: &mut Tx, reader: Uuid) -> Result<Vec<Refund>, StoreError> {
    let rows: Vec<RefundRow> = tx
        .query(refunds!("reader_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"))
        .bind(reader)
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(RefundRow::read).collect()
}

/// The refund `id`.
///
/// # Errors
/// [`StoreError`].
pub async fn find_refund(tx: &mut Tx, id: Uuid) -> Result<Option<Refund>, StoreError> {
    let found: Option<RefundRow> = tx.query(refunds!("id = $1")).bind(id).optional().await?;
    found.map(RefundRow::read).transpose()
}

/// Refunds that the gateway has not answered yet, the oldest first; at most `most`.
///
/// # Errors
/// [`StoreError`].
pub async fn list_pending_refunds(tx: &mut Tx, most: i64) -> Result<Vec<Refund>, StoreError> {
    let rows: Vec<RefundRow> = tx
        .query(refunds!("status = 'pending' ORDER BY created_at LIMIT $1"))
        .bind(most)
        .all()
        .await?;
    rows.into_iter().map(RefundRow::read).collect()
}
