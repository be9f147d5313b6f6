//! Charges, refunds and invoices.

use iso_currency::Currency;
use uuid::Uuid;

use super::{Ask, Found, entry, of_reader, rows_before};
use crate::{
    billing::event::Actor,
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
    staff::timeline::entry::{Entry, What},
};

pub(super) async fn all(tx: &mut Tx, ask: Ask<'_>) -> Result<Vec<Vec<Entry>>, StoreError> {
    Ok(vec![charges(tx, ask).await?, refunds(tx, ask).await?, invoices(tx, ask).await?])
}

fn read_money(
    (amount, currency): (i64, &str),
    (table, id): (&'static str, Uuid),
) -> Result<Money, StoreError> {
    let corrupt = || StoreError::Corrupt { table, column: "currency", id: id.to_string() };
    Ok(Money { amount, currency: Currency::from_code(currency).ok_or_else(corrupt)? })
}

#[derive(sqlx::FromRow)]
struct ChargeRow {
    id: Uuid,
    created_at: Timestamp,
    status: String,
    purpose: String,
    amount: i64,
    currency: String,
    attempt: i64,
    failure_code: Option<String>,
    off_session: bool,
}

async fn charges(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, created_at, status, purpose, amount, currency, attempt, failure_code,
         off_session
         FROM charges
         WHERE reader_id = $1",
        "created_at"
    ));
    let rows: Vec<ChargeRow> = of_reader(found, ask).await?;
    let read = |row: ChargeRow| {
        let amount = read_money((row.amount, &row.currency), ("charges", row.id))?;
        let ChargeRow { status, purpose, attempt, failure_code: code, .. } = row;
        let actor = if row.off_session { Actor::System } else { Actor::Reader };
        let what = What::Charge { status, purpose, amount, attempt, code };
        Ok(entry((row.created_at, row.id), actor, what))
    };
    rows.into_iter().map(read).collect()
}

type RefundRow = (Uuid, Timestamp, String, i64, String);

async fn refunds(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, created_at, status, amount, currency FROM refunds WHERE reader_id = $1",
        "created_at"
    ));
    let rows: Vec<RefundRow> = of_reader(found, ask).await?;
    let read = |(id, at, status, amount, currency): RefundRow| {
        let amount = read_money((amount, &currency), ("refunds", id))?;
        Ok(entry((at, id), Actor::System, What::Refund { status, amount }))
    };
    rows.into_iter().map(read).collect()
}

type InvoiceRow = (Uuid, Timestamp, Option<String>, String, i64, String);

async fn invoices(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, created_at, number, status, total, currency FROM invoices
         WHERE reader_id = $1",
        "created_at"
    ));
    let rows: Vec<InvoiceRow> = of_reader(found, ask).await?;
    let read = |(id, at, number, status, total, currency): InvoiceRow| {
        let total = read_money((total, &currency), ("invoices", id))?;
        Ok(entry((at, id), Actor::System, What::Invoice { id, number, status, total }))
    };
    rows.into_iter().map(read).collect()
}
