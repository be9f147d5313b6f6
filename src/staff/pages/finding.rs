//! `/staff/search`: one box for everything; `/staff/readers` and `/staff/invoices`: lists.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
    subscriptions::{ListRow, next_query},
};
use crate::{
    auth::staff::permission::Permission,
    billing::invoice::listing::{ListedInvoice, STATUSES},
    http::problem::ApiError,
    reader::search::store::Found,
    staff::{
        find::{
            invoices::InvoicesLooked,
            looked::{Asked, asked, sought},
        },
        plain,
    },
};

/// A reader in a list.
struct ReaderRow {
    id: Uuid,
    created: String,
    /// The address, whether it was proved, and the day of the last read; or why not.
    rest: Result<(String, bool, String), String>,
}

impl ReaderRow {
    fn of(found: Found, frame: &Frame) -> Self {
        let rest = found.reader.map(|it| {
            let last_read = it.last_read_at.map(|at| frame.words.day(at)).unwrap_or_default();
            (it.email.typed().to_owned(), it.email_verified_at.is_some(), last_read)
        });
        Self { id: found.id, created: frame.words.day(found.created_at), rest }
    }
}

/// An invoice in a list.
struct InvoiceRow {
    id: Uuid,
    created: String,
    head: Result<InvoiceHead, String>,
}

struct InvoiceHead {
    number: String,
    status: String,
    reader: String,
    subscription: Uuid,
    total: String,
}

impl InvoiceRow {
    fn of(ListedInvoice { id, created_at, head }: ListedInvoice, frame: &Frame) -> Self {
        let head = head.map(|it| InvoiceHead {
            number: it.number.unwrap_or_else(|| "not issued".to_owned()),
            status: it.status,
            reader: frame.visibility().address(it.email).to_string(),
            subscription: it.subscription,
            total: frame.words.money(it.total),
        });
        Self { id, created: frame.words.day(created_at), head }
    }
}

#[derive(Template)]
#[template(path = "staff/templates/search.html", config = ".config/askama.toml")]
struct SearchPage {
    frame: Frame,
    is_asked: bool,
    readers: Vec<ReaderRow>,
    found: Vec<ListRow>,
    invoices: Vec<InvoiceRow>,
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

/// Everything that a text can mean.
pub(super) async fn search(
    State(pages): State<StaffPages>,
    seat: Seat,
    query: Asked<Search>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsRead)?;
    let Search { q } = asked(query)?;
    let q = sought(q.trim())?;
    let mut frame = seat.frame(&pages, "Search", Place::Nowhere);
    frame.query = q.clone().unwrap_or_default();
    let Some(q) = q else {
        let (readers, found, invoices) = (Vec::new(), Vec::new(), Vec::new());
        let page = SearchPage { frame, is_asked: false, readers, found, invoices };
        return Ok(frame::show(page.render()));
    };
    let hits = pages.desk.find(&acting.lookup(), &q).await?;
    let readers = hits.readers.into_iter().map(|it| ReaderRow::of(it, &frame)).collect();
    let found = hits.subscriptions.into_iter().map(|it| ListRow::of(it, &frame)).collect();
    let invoices = hits.invoices.into_iter().map(|it| InvoiceRow::of(it, &frame)).collect();
    Ok(frame::show(SearchPage { frame, is_asked: true, readers, found, invoices }.render()))
}

#[derive(Template)]
#[template(path = "staff/templates/readers.html", config = ".config/askama.toml")]
struct ReadersPage {
    frame: Frame,
    q: String,
    readers: Vec<ReaderRow>,
    next: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReadersLooked {
    q: String,
    cursor: String,
    limit: String,
    /// What was just done.
    done: String,
}

/// Readers.
pub(super) async fn readers(
    State(pages): State<StaffPages>,
    seat: Seat,
    query: Asked<ReadersLooked>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::ReadersRead)?;
    let ReadersLooked { q, cursor, limit, done } = asked(query)?;
    let q = q.trim().to_owned();
    let found = pages.desk.list_readers(&acting.lookup(), &q, (&cursor, &limit)).await?;
    let said = if q.is_empty() { Vec::new() } else { vec![("q", &q)] };
    let query = serde_urlencoded::to_string(said).unwrap_or_default();
    let next = next_query(&query, &limit, found.next);
    let notice = (done == "erased").then(|| "The reader is erased.".to_owned());
    let frame = seat.frame(&pages, "Readers", Place::Readers).saying(notice);
    let readers = found.entries.into_iter().map(|it| ReaderRow::of(it, &frame)).collect();
    Ok(frame::show(ReadersPage { frame, q, readers, next }.render()))
}

#[derive(Template)]
#[template(path = "staff/templates/invoices.html", config = ".config/askama.toml")]
struct InvoicesPage {
    frame: Frame,
    looked: InvoicesLooked,
    invoices: Vec<InvoiceRow>,
    next: Option<String>,
}

/// Invoices.
pub(super) async fn invoices(
    State(pages): State<StaffPages>,
    seat: Seat,
    query: Asked<InvoicesLooked>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsRead)?;
    let looked = asked(query)?;
    let found = pages.desk.list_invoices(&acting.lookup(), &looked).await?;
    let next = next_query(&looked.query(), &looked.limit, found.next);
    let frame = seat.frame(&pages, "Invoices", Place::Invoices);
    let invoices = found.entries.into_iter().map(|it| InvoiceRow::of(it, &frame)).collect();
    Ok(frame::show(InvoicesPage { frame, looked, invoices, next }.render()))
}
