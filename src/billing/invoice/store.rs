//! Invoices in the database, each change with its entries in the ledger.
//!
//! Rows are taken in one order, so that transactions wait for each other but never in a circle: the
//! subscription's (by the caller), the invoice's and the reader's balance, and the number's last.

use uuid::Uuid;

use super::{
    credit::InvalidCredit,
    model::{InvalidTransition, Invoice, Issue, State},
    number::{Series, next_number, next_numbers},
    row::{self, InvoiceRow, columns},
};
use crate::{
    billing::{
        ledger::{
            balance,
            booking::{self, Payment},
            model::{Entry, InvalidEntry},
            store::{self as ledger, BookError},
        },
        subscription::model::Subscription,
    },
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Most invoices that are listed at once.
pub const LISTED_MAX: i64 = 500;

/// Why an invoice was not written. Whoever is told so rolls back.
#[derive(Debug, thiserror::Error)]
pub enum InvoiceError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was not booked.
    #[error(transparent)]
    Book(#[from] BookError),
    /// It is not in a state that allows this.
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    /// So much cannot be given back.
    #[error(transparent)]
    Credit(#[from] InvalidCredit),
}

impl From<InvalidEntry> for InvoiceError {
    fn from(error: InvalidEntry) -> Self {
        Self::Book(error.into())
    }
}

/// Writes a draft, for which it holds what it wants of the balance and of the invoices that it
/// credits.
///
/// # Errors
/// [`InvoiceError`]; [`BookError::NotHeld`] when the balance is less than the draft wants.
pub async fn insert_draft(tx: &mut Tx, draft: &Invoice) -> Result<(), InvoiceError> {
    if !matches!(draft.state, State::Draft) {
        return Err(refused(draft, "draft"));
    }
    let applied = draft.balance_applied;
    if applied.amount > 0 && !balance::hold(tx, draft.head.reader, applied).await? {
        return Err(BookError::NotHeld.into());
    }
    take_credits(tx, draft).await?;
    Ok(row::insert(tx, draft).await?)
}

/// Writes and books an invoice that was not stored before and waits to be paid. What it uses of the
/// balance must be held already. Call it last in the transaction ([`next_number`]).
///
/// # Errors
/// [`InvoiceError`].
pub async fn record_open(
    tx: &mut Tx,
    draft: Invoice,
    now: Timestamp,
) -> Result<Invoice, InvoiceError> {
    take_credits(tx, &draft).await?;
    ledger::append(tx, &booking::issued(&draft, now)?).await?;
    let number = next_number(tx, Series::Invoice, now).await?;
    let open = draft.open(Issue { number, at: now })?;
    row::insert(tx, &open).await?;
    Ok(open)
}

/// Writes and books an invoice that was not stored before and is paid, by `charge` unless nothing
/// is due. What it uses of the balance must be held already. Call it last in the transaction
/// ([`next_number`]).
///
/// # Errors
/// [`InvoiceError`]; [`BookError::Twice`] when the charge paid something before.
pub async fn record_paid(
    tx: &mut Tx,
    draft: Invoice,
    charge: Option<Uuid>,
    now: Timestamp,
) -> Result<Invoice, InvoiceError> {
    let mut paid = record_many_paid(tx, vec![(draft, charge)], now).await?;
    let one = paid.pop();
    one.ok_or_else(|| InvalidTransition { from: "draft", to: "paid" }.into())
}

/// [`record_paid`] for several at once, in fewer statements.
///
/// # Errors
/// [`InvoiceError`], of the first that cannot be.
pub async fn record_many_paid(
    tx: &mut Tx,
    drafts: Vec<(Invoice, Option<Uuid>)>,
    now: Timestamp,
) -> Result<Vec<Invoice>, InvoiceError> {
    let mut entries = Vec::with_capacity(drafts.len() * 2);
    for (draft, charge) in &drafts {
        take_credits(tx, draft).await?;
        entries.extend(issued_and_paid(draft, *charge, now)?);
    }
    ledger::append(tx, &entries).await?;
    let count = i64::try_from(drafts.len()).unwrap_or(i64::MAX);
    let numbers = next_numbers(tx, Series::Invoice, count, now).await?;
    let mut all = Vec::with_capacity(drafts.len());
    for ((draft, charge), number) in drafts.into_iter().zip(numbers) {
        let paid = draft.paid_at_once(Issue { number, at: now }, charge)?;
        row::insert(tx, &paid).await?;
        all.push(paid);
    }
    Ok(all)
}

/// Asks for payment of a stored draft; `None` when it is no draft any more. Call it last in the
/// transaction.
///
/// # Errors
/// [`InvoiceError`].
pub async fn open(
    tx: &mut Tx,
    draft: Invoice,
    now: Timestamp,
) -> Result<Option<Invoice>, InvoiceError> {
    if !matches!(draft.state, State::Draft) || draft.due.is_zero() {
        return Err(refused(&draft, "open"));
    }
    if !take(tx, &draft).await? {
        return Ok(None);
    }
    ledger::append(tx, &booking::issued(&draft, now)?).await?;
    let number = next_number(tx, Series::Invoice, now).await?;
    let open = draft.open(Issue { number, at: now })?;
    Ok(row::update_state(tx, &open, "draft").await?.then_some(open))
}

/// Takes a stored draft or open invoice for paid, by `charge` unless nothing is due; `None` when it
/// is not any more what it was. Call it last in the transaction.
///
/// # Errors
/// [`InvoiceError`]; [`BookError::Twice`] when the charge paid something before.
pub async fn pay(
    tx: &mut Tx,
    invoice: Invoice,
    charge: Option<Uuid>,
    now: Timestamp,
) -> Result<Option<Invoice>, InvoiceError> {
    let from = invoice.state.as_str();
    match (&invoice.state, charge) {
        (State::Open { .. }, Some(charge)) => {
            let entry = booking::paid(&payment(&invoice, charge), now)?;
            let paid = invoice.paid(charge, now)?;
            if !row::update_state(tx, &paid, from).await? {
                return Ok(None);
            }
            ledger::append(tx, &[entry]).await?;
            Ok(Some(paid))
        }
        (State::Draft, _) => {
            if !take(tx, &invoice).await? {
                return Ok(None);
            }
            ledger::append(tx, &issued_and_paid(&invoice, charge, now)?).await?;
            let number = next_number(tx, Series::Invoice, now).await?;
            let paid = invoice.paid_at_once(Issue { number, at: now }, charge)?;
            Ok(row::update_state(tx, &paid, from).await?.then_some(paid))
        }
        _ => Err(refused(&invoice, "paid")),
    }
}

/// Voids a stored draft or open invoice; `None` when it is not any more what it was. The balance
/// gets back what it paid, and what the invoice credited can be given back anew.
///
/// # Errors
/// [`InvoiceError`].
pub async fn void(
    tx: &mut Tx,
    invoice: Invoice,
    now: Timestamp,
) -> Result<Option<Invoice>, InvoiceError> {
    let void = invoice.clone().void(now)?;
    if !row::update_state(tx, &void, invoice.state.as_str()).await? {
        return Ok(None);
    }
    let (applied, reader) = (invoice.balance_applied, invoice.head.reader);
    if matches!(invoice.state, State::Open { .. }) {
        let entry = booking::voided(&invoice, now)?;
        ledger::append(tx, &Vec::from_iter(entry)).await?;
    } else if applied.amount > 0 && !balance::release(tx, reader, applied).await? {
        return Err(BookError::NotHeld.into());
    }
    for line in &void.lines {
        if let Some(credited) = line.credits {
            tx.query("UPDATE invoices SET credited = credited + $1 WHERE id = $2")
                .bind(line.amounts.total.amount)
                .bind(credited)
                .execute()
                .await?;
        }
    }
    Ok(Some(void))
}

/// The invoice `id`.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Invoice>, StoreError> {
    let rows: Vec<InvoiceRow> = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM invoices i JOIN invoice_lines l ON l.invoice_id = i.id
             WHERE i.id = $1 ORDER BY l.position LIMIT 100"
        ))
        .bind(id)
        .all()
        .await?;
    Ok(row::read(&rows)?.pop())
}

/// The subscription's invoice that waits to be paid: there is at most one.
///
/// # Errors
/// [`StoreError`].
pub async fn find_open(tx: &mut Tx, subscription: Uuid) -> Result<Option<Invoice>, StoreError> {
    let rows: Vec<InvoiceRow> = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM (SELECT * FROM invoices WHERE subscription_id = $1 AND status = 'open'
                    ORDER BY created_at DESC, id DESC LIMIT 1) i
             JOIN invoice_lines l ON l.invoice_id = i.id ORDER BY l.position"
        ))
        .bind(subscription)
        .all()
        .await?;
    Ok(row::read(&rows)?.pop())
}

/// The reader's invoices that have a number, the newest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_for_reader(tx: &mut Tx, reader: Uuid) -> Result<Vec<Invoice>, StoreError> {
    let rows: Vec<InvoiceRow> = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM (SELECT * FROM invoices WHERE reader_id = $1 AND number IS NOT NULL
                    ORDER BY created_at DESC, id DESC LIMIT $2) i
             JOIN invoice_lines l ON l.invoice_id = i.id
             ORDER BY i.created_at DESC, i.id DESC, l.position"
        ))
        .bind(reader)
        .bind(LISTED_MAX)
        .all()
        .await?;
    row::read(&rows)
}

/// The subscription's invoices, drafts too, the newest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_for_subscription(
    tx: &mut Tx,
    subscription: Uuid,
) -> Result<Vec<Invoice>, StoreError> {
    let rows: Vec<InvoiceRow> = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM (SELECT * FROM invoices WHERE subscription_id = $1
                    ORDER BY created_at DESC, id DESC LIMIT $2) i
             JOIN invoice_lines l ON l.invoice_id = i.id
             ORDER BY i.created_at DESC, i.id DESC, l.position"
        ))
        .bind(subscription)
        .bind(LISTED_MAX)
        .all()
        .await?;
    row::read(&rows)
}

/// The subscription's newest paid invoice: the one of which a running period is given back.
///
/// # Errors
/// [`StoreError`].
pub async fn find_last_paid(
    tx: &mut Tx,
    subscription: Uuid,
) -> Result<Option<Invoice>, StoreError> {
    let rows: Vec<InvoiceRow> = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM (SELECT * FROM invoices WHERE subscription_id = $1 AND status = 'paid'
                    ORDER BY created_at DESC, id DESC LIMIT 1) i
             JOIN invoice_lines l ON l.invoice_id = i.id ORDER BY l.position"
        ))
        .bind(subscription)
        .all()
        .await?;
    Ok(row::read(&rows)?.pop())
}

fn refused(invoice: &Invoice, to: &'static str) -> InvoiceError {
    InvalidTransition { from: invoice.state.as_str(), to }.into()
}

fn payment(invoice: &Invoice, charge: Uuid) -> Payment {
    Payment {
        charge,
        invoice: Some(invoice.head.id),
        reader: invoice.head.reader,
        subscription: invoice.head.subscription,
        amount: invoice.due,
    }
}

fn issued_and_paid(
    invoice: &Invoice,
    charge: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<Entry>, InvalidEntry> {
    let mut entries = booking::issued(invoice, now)?;
    if let Some(charge) = charge {
        entries.push(booking::paid(&payment(invoice, charge), now)?);
    }
    Ok(entries)
}

/// Takes the row, and says whether the invoice is still what it was.
async fn take(tx: &mut Tx, invoice: &Invoice) -> Result<bool, StoreError> {
    let taken = tx
        .query("UPDATE invoices SET status = status WHERE id = $1 AND status = $2")
        .bind(invoice.head.id)
        .bind(invoice.state.as_str())
        .execute()
        .await?;
    Ok(taken > 0)
}

/// Takes what the lines give back of earlier invoices.
async fn take_credits(tx: &mut Tx, invoice: &Invoice) -> Result<(), InvoiceError> {
    for line in &invoice.lines {
        let Some(credited) = line.credits else { continue };
        let taken = tx
            .query(
                "UPDATE invoices SET credited = credited - $1
                 WHERE id = $2 AND status = 'paid' AND credited - $1 <= total
                       AND currency = $3 AND reader_id = $4",
            )
            .bind(line.amounts.total.amount)
            .bind(credited)
            .bind(invoice.currency().code())
            .bind(invoice.head.reader)
            .execute()
            .await?;
        if taken == 0 {
            return Err(InvalidCredit::TooMuch.into());
        }
    }
    Ok(())
}

/// Whether the reader of `subscription` has ever paid for another one.
///
/// # Errors
/// [`StoreError`].
pub async fn has_paid_for_another(
    tx: &mut Tx,
    subscription: &Subscription,
) -> Result<bool, StoreError> {
    let found: Option<(i64,)> = tx
        .query(
            "SELECT CAST(1 AS BIGINT) FROM invoices
             WHERE reader_id = $1 AND subscription_id <> $2 AND status = 'paid' LIMIT 1",
        )
        .bind(subscription.reader)
        .bind(subscription.id)
        .optional()
        .await?;
    Ok(found.is_some())
}
