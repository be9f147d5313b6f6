//! Staff's orders about subscriptions, and what they see of them, as they travel.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    billing::{
        api::SubscriptionBody,
        invoice::view::InvoiceView,
        review::Review,
        subscription::{listing::Entry, model::Subscription},
        timeline::Told,
    },
    clock::Timestamp,
    http::problem::{ApiError, FieldError},
    staff::find::lists,
};

/// A field that is not as it must be.
pub(super) fn invalid(field: &'static str, detail: impl Into<String>) -> ApiError {
    ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", detail)])
}

/// A subscription, as staff see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaffSubscription {
    #[serde(flatten)]
    subscription: SubscriptionBody,
    /// Another one after each change. An act that sends it along is done to what was seen, or not
    /// at all.
    revision: i64,
}

impl From<&Subscription> for StaffSubscription {
    fn from(it: &Subscription) -> Self {
        Self { subscription: SubscriptionBody::of(it, None), revision: it.revision }
    }
}

/// A subscription, as staff see it in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    #[serde(flatten)]
    pub(super) subscription: StaffSubscription,
    pub(super) reader: ReaderOf,
}

/// What stands in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ListedEntry {
    /// A subscription.
    Subscription(Box<Listed>),
    /// A row that cannot be read. The others can.
    Unreadable(Unreadable),
}

/// A row that cannot be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unreadable {
    pub(super) id: Uuid,
    /// Why.
    pub(super) unreadable: String,
}

impl From<Entry> for ListedEntry {
    fn from(entry: Entry) -> Self {
        match entry.subscription {
            Ok(it) => Self::Subscription(Box::new(Listed {
                reader: ReaderOf { id: it.reader, email: entry.email },
                subscription: StaffSubscription::from(&it),
            })),
            Err(unreadable) => Self::Unreadable(Unreadable { id: entry.id, unreadable }),
        }
    }
}

/// Whose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReaderOf {
    pub(super) id: Uuid,
    /// None once the account was erased.
    pub(super) email: Option<String>,
}

/// A page of subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// Fewer than asked for may stand on a page that is not the last.
    pub(super) subscriptions: Vec<ListedEntry>,
    /// For the next page of the same list; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// Everything about a subscription.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whole {
    pub(super) subscription: StaffSubscription,
    pub(super) reader: ReaderOf,
    pub(super) invoices: Vec<InvoiceView>,
    pub(super) timeline: Vec<TimelineEntry>,
}

impl From<Review> for Whole {
    fn from(shown: Review) -> Self {
        Self {
            reader: ReaderOf { id: shown.subscription.reader, email: shown.email },
            subscription: StaffSubscription::from(&shown.subscription),
            invoices: shown.invoices,
            timeline: shown.timeline.into_iter().map(TimelineEntry::from).collect(),
        }
    }
}

impl From<lists::Page<Entry>> for Page {
    fn from(page: lists::Page<Entry>) -> Self {
        let subscriptions = page.entries.into_iter().map(ListedEntry::from).collect();
        Self { subscriptions, next_cursor: page.next }
    }
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineEntry {
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Timestamp,
    /// `reader`, `staff:<id>`, `command` or `system`.
    pub(super) actor: String,
    /// A stable dotted word.
    pub(super) event: String,
    #[schema(value_type = Object)]
    pub(super) detail: serde_json::Value,
}

impl From<Told> for TimelineEntry {
    fn from(told: Told) -> Self {
        let Told { at, actor, event, detail, .. } = told;
        Self { at, actor, event, detail }
    }
}

/// One that nobody looks at any more by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StuckBody {
    pub(super) id: Uuid,
    /// How often looking at it failed.
    pub(super) attempts: i64,
    /// Why the last time.
    pub(super) trouble: Option<String>,
    /// Since when it has failed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) since: Option<Timestamp>,
}

/// Those that people must look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StuckList {
    pub(super) subscriptions: Vec<StuckBody>,
}
