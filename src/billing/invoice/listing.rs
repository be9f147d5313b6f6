//! Invoices as a list: the latest first, by status and time.

use iso_currency::Currency;
use sqlx::{ColumnIndex, Decode, FromRow, Type};
use uuid::Uuid;

use crate::{
    billing::subscription::listing::Place,
    clock::Timestamp,
    db::{Query, StoreError, Tx},
    money::Money,
};

/// Which invoices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InvoiceFilters {
    /// Where they stand: `draft`, `open`, `paid` or `void`.
    pub status: Option<&'static str>,
    /// Made from here on.
    pub created_from: Option<Timestamp>,
    /// Made before.
    pub created_before: Option<Timestamp>,
}

/// Where an invoice can stand.
pub const STATUSES: [&str; 4] = ["draft", "open", "paid", "void"];

/// An invoice in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedInvoice {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// The rest, or why it cannot be read.
    pub head: Result<ListedHead, String>,
}

/// What a list shows of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedHead {
    /// `2026-000001`; a draft has none.
    pub number: Option<String>,
    /// Where it stands.
    pub status: String,
    /// Whose.
    pub reader: Uuid,
    /// The reader's address; none once the account was erased.
    pub email: Option<String>,
    /// For what.
    pub subscription: Uuid,
    /// Tax included.
    pub total: Money,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    number: Option<String>,
    status: String,
    reader_id: Uuid,
    email: Option<String>,
    subscription_id: Uuid,
    currency: String,
    total: i64,
    paid_at: Option<Timestamp>,
}

/// A row that may not be readable: then only where it stands in the list is.
struct Found {
    id: Uuid,
    created_at: Timestamp,
    row: Result<HeadRow, String>,
}

impl<'r, R: sqlx::Row> FromRow<'r, R> for Found
where
    &'static str: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    Timestamp: Decode<'r, R::Database> + Type<R::Database>,
    HeadRow: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let head = HeadRow::from_row(row).map_err(|error| error.to_string());
        Ok(Self { id: row.try_get("id")?, created_at: row.try_get("created_at")?, row: head })
    }
}

impl From<Found> for ListedInvoice {
    fn from(Found { id, created_at, row }: Found) -> Self {
        let head = row.and_then(|row| {
            let currency = Currency::from_code(&row.currency);
            let currency = currency.ok_or_else(|| "invoices.currency is none".to_owned())?;
            Ok(ListedHead {
                number: row.number,
                status: row.status,
                reader: row.reader_id,
                email: row.email,
                subscription: row.subscription_id,
                total: Money { amount: row.total, currency },
                paid_at: row.paid_at,
            })
        });
        Self { id, created_at, head }
    }
}

macro_rules! invoices {
    ($where:literal) => {
        concat!(
            "SELECT i.id, i.number, i.status, i.reader_id, r.email, i.subscription_id, i.currency,
                 i.total, i.created_at, i.paid_at
             FROM invoices i LEFT JOIN readers r ON r.id = i.reader_id WHERE ",
            $where
        )
    };
}

async fn listed(query: Query<'_>) -> Result<Vec<ListedInvoice>, StoreError> {
    Ok(query.all::<Found>().await?.into_iter().map(ListedInvoice::from).collect())
}

/// The one with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn by_id(tx: &mut Tx, id: Uuid) -> Result<Vec<ListedInvoice>, StoreError> {
    listed(tx.query(invoices!("i.id = $1")).bind(id)).await
}

/// Up to `most` that match, before the place `before`, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    tx: &mut Tx,
    filters: &InvoiceFilters,
    before: Option<Place>,
    most: i64,
) -> Result<Vec<ListedInvoice>, StoreError> {
    let place = |at: Option<Timestamp>| at.map(|at| (at, Uuid::nil()));
    let last = (Timestamp::MAX, Uuid::max());
    let before = before.unwrap_or(last).min(place(filters.created_before).unwrap_or(last));
    let from = filters.created_from.unwrap_or(Timestamp::MIN);
    let sql = match filters.status {
        Some(_) => invoices!(
            "i.created_at >= $1 AND (i.created_at, i.id) < ($2, $3) AND i.status = $5
             ORDER BY i.created_at DESC, i.id DESC LIMIT $4"
        ),
        None => invoices!(
            "i.created_at >= $1 AND (i.created_at, i.id) < ($2, $3)
             ORDER BY i.created_at DESC, i.id DESC LIMIT $4"
        ),
    };
    let query = tx.query(sql).bind(from).bind(before.0).bind(before.1).bind(most);
    match filters.status {
        Some(status) => listed(query.bind(status)).await,
        None => listed(query).await,
    }
}
