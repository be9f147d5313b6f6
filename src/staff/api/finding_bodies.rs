//! What was found, as it travels.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::subscription_bodies::{ListedEntry, ReaderOf, Unreadable};
use crate::{
    billing::{
        api::MoneyBody,
        invoice::listing::{ListedHead, ListedInvoice},
    },
    clock::Timestamp,
    reader::search::store::{Found, FoundReader},
    staff::{
        find::{hits::Hits, lists},
        visibility::Visibility,
    },
};

/// A reader, as staff see one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReaderBody {
    id: Uuid,
    email: String,
    /// Not yet where the account is provisional: begun by subscribing, its mail not answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    email_verified_at: Option<Timestamp>,
    has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The day of the last article read while logged in, as far as that was noted.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_read_at: Option<Timestamp>,
}

/// A reader, or a row that cannot be read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ReaderEntry {
    /// A reader.
    Reader(ReaderBody),
    /// A row that cannot be read. The others can.
    Unreadable(Unreadable),
}

impl From<Found> for ReaderEntry {
    fn from(Found { id, created_at, reader }: Found) -> Self {
        match reader {
            Ok(FoundReader { email, email_verified_at, has_password, last_read_at }) => {
                let email = email.typed().to_owned();
                Self::Reader(ReaderBody {
                    id,
                    email,
                    email_verified_at,
                    has_password,
                    created_at,
                    last_read_at,
                })
            }
            Err(unreadable) => Self::Unreadable(Unreadable { id, unreadable }),
        }
    }
}

/// A page of readers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundReaders {
    readers: Vec<ReaderEntry>,
    /// For the next page of the same list; null on the last.
    next_cursor: Option<String>,
}

impl From<lists::Page<Found>> for FoundReaders {
    fn from(page: lists::Page<Found>) -> Self {
        let readers = page.entries.into_iter().map(ReaderEntry::from).collect();
        Self { readers, next_cursor: page.next }
    }
}

/// An invoice, as staff see it in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvoiceBody {
    id: Uuid,
    /// `2026-000001`; a draft has none.
    number: Option<String>,
    /// `draft`, `open`, `paid` or `void`.
    status: String,
    reader: ReaderOf,
    subscription_id: Uuid,
    /// Tax included.
    total: MoneyBody,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    paid_at: Option<Timestamp>,
}

/// An invoice, or a row that cannot be read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum InvoiceEntry {
    /// An invoice.
    Invoice(Box<InvoiceBody>),
    /// A row that cannot be read. The others can.
    Unreadable(Unreadable),
}

impl InvoiceEntry {
    fn of(ListedInvoice { id, created_at, head }: ListedInvoice, by: Visibility) -> Self {
        match head {
            Ok(ListedHead { number, status, reader, email, subscription, total, paid_at }) => {
                Self::Invoice(Box::new(InvoiceBody {
                    id,
                    number,
                    status,
                    reader: ReaderOf::of(reader, email, by),
                    subscription_id: subscription,
                    total: total.into(),
                    created_at,
                    paid_at,
                }))
            }
            Err(unreadable) => Self::Unreadable(Unreadable { id, unreadable }),
        }
    }
}

/// A page of invoices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvoicesPage {
    invoices: Vec<InvoiceEntry>,
    /// For the next page of the same list; null on the last.
    next_cursor: Option<String>,
}

impl InvoicesPage {
    pub(super) fn of(page: lists::Page<ListedInvoice>, by: Visibility) -> Self {
        let invoices = page.entries.into_iter().map(|it| InvoiceEntry::of(it, by)).collect();
        Self { invoices, next_cursor: page.next }
    }
}

/// One thing that was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Hit {
    /// A reader.
    Reader {
        /// Which.
        reader: ReaderEntry,
    },
    /// A subscription.
    Subscription {
        /// Which.
        subscription: Box<ListedEntry>,
    },
    /// An invoice.
    Invoice {
        /// Which.
        invoice: InvoiceEntry,
    },
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HitsBody {
    /// Invoices, then readers, then subscriptions.
    hits: Vec<Hit>,
}

impl HitsBody {
    pub(super) fn of(hits: Hits, by: Visibility) -> Self {
        let Hits { readers, subscriptions, invoices } = hits;
        let invoice = |it| Hit::Invoice { invoice: InvoiceEntry::of(it, by) };
        let invoices = invoices.into_iter().map(invoice);
        let readers = readers.into_iter().map(|it| Hit::Reader { reader: it.into() });
        let subscriptions = subscriptions
            .into_iter()
            .map(|it| Hit::Subscription { subscription: Box::new(ListedEntry::of(it, by)) });
        Self { hits: invoices.chain(readers).chain(subscriptions).collect() }
    }
}
