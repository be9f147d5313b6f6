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
    staff::{
        find::lists,
        visibility::{ShownAddress, Visibility},
    },
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

impl ListedEntry {
    pub(super) fn of(entry: Entry, by: Visibility) -> Self {
        match entry.subscription {
            Ok(it) => Self::Subscription(Box::new(Listed {
                reader: ReaderOf::of(it.reader, entry.email, by),
                subscription: StaffSubscription::from(&it),
            })),
            Err(unreadable) => Self::Unreadable(Unreadable { id: entry.id, unreadable }),
        }
    }
}

/// Whose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReaderOf {
    id: Uuid,
    /// Null once the account was erased, and for roles that may not see who readers are.
    #[schema(value_type = Option<String>)]
    email: ShownAddress,
}

impl ReaderOf {
    /// The reader `id`, whose address is `email` unless the account was erased.
    pub(super) fn of(id: Uuid, email: Option<String>, by: Visibility) -> Self {
        Self { id, email: by.address(email) }
    }
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

impl Whole {
    pub(crate) fn of(shown: Review, by: Visibility) -> Self {
        let hide = |reason| by.text(reason);
        Self {
            reader: ReaderOf::of(shown.subscription.reader, shown.email, by),
            subscription: StaffSubscription::from(&shown.subscription),
            invoices: shown.invoices.into_iter().map(|it| it.map_reasons(hide)).collect(),
            timeline: shown.timeline.into_iter().map(|it| TimelineEntry::of(it, by)).collect(),
        }
    }
}

impl Page {
    pub(crate) fn of(page: lists::Page<Entry>, by: Visibility) -> Self {
        let subscriptions = page.entries.into_iter().map(|it| ListedEntry::of(it, by)).collect();
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

impl TimelineEntry {
    fn of(told: Told, by: Visibility) -> Self {
        let Told { at, actor, event, detail, .. } = told;
        Self { at, actor, event, detail: by.detail(detail) }
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
