//! The ledger in the database. It only grows, and with every entry that touches a reader's
//! balance that balance moves along.

use std::collections::BTreeMap;

use iso_currency::Currency;
use uuid::Uuid;

use super::{
    balance,
    model::{Account, Entry, InvalidEntry, Kind},
    statement::{Line, Moved, lines},
};
use crate::{
    billing::invoice::credit::SettledAs,
    clock::Timestamp,
    db::{Query, StoreError, Tx},
    money::Money,
    numbers::figure::Figure,
};

/// Why nothing was booked. Whoever is told so rolls back.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing moves, or too much.
    #[error(transparent)]
    Invalid(#[from] InvalidEntry),
    /// It was booked before.
    #[error("this was booked already")]
    Twice,
    /// The part of the balance that this uses was not held for it.
    #[error("the balance that this uses was not held for it")]
    NotHeld,
}

/// Most entries that one statement writes.
const AT_ONCE: usize = 4;

/// Books `entries`, with as few statements as may be.
///
/// A debit of `balance` uses what was held for it ([`balance::hold`]); a credit adds to it.
///
/// # Errors
/// [`BookError`].
pub async fn append(tx: &mut Tx, entries: &[Entry]) -> Result<(), BookError> {
    for entry in entries {
        move_balance(tx, entry).await?;
    }
    let head = "INSERT INTO ledger_entries (source_id, kind, at, reader_id, subscription_id,
                    invoice_id, currency, cash, receivable, revenue, tax, balance) VALUES";
    for some in entries.chunks(AT_ONCE) {
        let query =
            tx.query_rows(head, (some.len(), 12), "ON CONFLICT (source_id, kind) DO NOTHING");
        let inserted = some.iter().fold(query, bind).execute().await?;
        if inserted != some.len() as u64 {
            return Err(BookError::Twice);
        }
    }
    for entry in entries {
        note(tx, entry);
    }
    Ok(())
}

/// Counts what an entry means for the figures. Its plan is found out later: the invoice may not be
/// written yet, and whoever waits for a payment should not wait for the figures.
fn note(tx: &mut Tx, entry: &Entry) {
    let about = entry.about();
    let (figure, value) = match about.kind {
        Kind::Issued | Kind::Voided | Kind::Credited => {
            (Figure::Revenue, entry.amount(Account::Revenue).saturating_neg())
        }
        Kind::Paid => (Figure::Paid, entry.amount(Account::Cash)),
        Kind::Refunded => (Figure::Refunded, entry.amount(Account::Cash)),
        Kind::BalanceApplied => return,
    };
    if value == 0 {
        return;
    }
    tx.later(
        "INSERT INTO number_facts (at, name, label, currency, value, subscription_id, invoice_id)
         VALUES ($1, $2, '', $3, $4, $5, $6)",
    )
    .bind(about.at)
    .bind(figure.as_str())
    .bind(about.currency.code())
    .bind(value)
    .bind(about.subscription)
    .bind(about.invoice);
}

fn bind<'t>(query: Query<'t>, entry: &Entry) -> Query<'t> {
    let about = entry.about();
    let query = query
        .bind(about.source)
        .bind(about.kind.as_str())
        .bind(about.at)
        .bind(about.reader)
        .bind(about.subscription)
        .bind(about.invoice)
        .bind(about.currency.code());
    Account::ALL.into_iter().fold(query, |query, account| query.bind(entry.amount(account)))
}

async fn move_balance(tx: &mut Tx, entry: &Entry) -> Result<(), BookError> {
    let about = entry.about();
    let debit = Money { amount: entry.amount(Account::Balance), currency: about.currency };
    if debit.is_zero() {
        return Ok(());
    }
    if debit.amount < 0 {
        let credit = debit.negated().ok_or(InvalidEntry::Overflow)?;
        return Ok(balance::add(tx, about.reader, credit).await?);
    }
    if balance::take_held(tx, about.reader, debit).await? {
        Ok(())
    } else {
        Err(BookError::NotHeld)
    }
}

/// Most entries of one reader that are listed.
pub const LISTED_MAX: i64 = 100;

type MovedRow = (Timestamp, String, Option<String>, String, i64, i64, Option<String>);

/// What moved in a reader's accounts, the latest first, and what stands between us now; at most
/// [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn statement_of(tx: &mut Tx, reader: Uuid) -> Result<Vec<Line>, StoreError> {
    let corrupt =
        |column| StoreError::Corrupt { table: "ledger_entries", column, id: reader.to_string() };
    let currency = |code: &str| Currency::from_code(code).ok_or_else(|| corrupt("currency"));
    let sums: Vec<(String, i64)> = tx
        .query(
            "SELECT currency, CAST(SUM(receivable + balance) AS BIGINT) FROM ledger_entries
             WHERE reader_id = $1 GROUP BY currency LIMIT 200",
        )
        .bind(reader)
        .all()
        .await?;
    // Of one instant, what is booked first by its kind was first: an invoice before its payment.
    let rows: Vec<MovedRow> = tx
        .query(
            "SELECT e.at, e.kind, i.number, e.currency, e.receivable, e.balance, r.settled_as
             FROM ledger_entries e LEFT JOIN invoices i ON i.id = e.invoice_id
             LEFT JOIN refunds r ON r.id = e.source_id
             WHERE e.reader_id = $1
             ORDER BY e.at DESC, CASE e.kind WHEN 'issued' THEN 0 WHEN 'balance_applied' THEN 1
                 WHEN 'paid' THEN 2 ELSE 3 END DESC, e.source_id DESC LIMIT $2",
        )
        .bind(reader)
        .bind(LISTED_MAX)
        .all()
        .await?;
    let read = |(at, kind, invoice, code, receivable, balance, settled): MovedRow| {
        let kind = Kind::parse(&kind).ok_or_else(|| corrupt("kind"))?;
        let paid_out = settled.as_deref() == Some(SettledAs::PaidOut.as_str());
        let currency = currency(&code)?;
        Ok(Moved { at, kind, invoice, currency, receivable, balance, paid_out })
    };
    let moved = rows.into_iter().map(read).collect::<Result<_, StoreError>>()?;
    let mut standing = BTreeMap::new();
    for (code, amount) in sums {
        standing.insert(currency(&code)?.code(), amount);
    }
    Ok(lines(moved, standing))
}
