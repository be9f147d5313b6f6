//! Staff's orders about subscriptions, and what they see of them, as they travel.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    billing::{
        api::SubscriptionBody,
        invoice::view::InvoiceView,
        subscription::{model::Status, search::Search},
        timeline::Told,
    },
    clock::Timestamp,
    http::problem::{ApiError, FieldError},
};

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;
const QUERY_MAX: usize = 254;

/// A field that is not as it must be.
pub(super) fn invalid(field: &'static str, detail: impl Into<String>) -> ApiError {
    ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", detail)])
}

/// What is looked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::staff) struct Looked {
    /// The start of an address, or the id of a subscription or of a reader.
    #[serde(default)]
    pub(in crate::staff) q: Option<String>,
    /// Where it stands.
    #[serde(default)]
    pub(in crate::staff) status: Option<String>,
    /// Its plan.
    #[serde(default)]
    pub(in crate::staff) plan: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub(in crate::staff) cursor: Option<String>,
    /// 1 to 200; 50 where nothing is said.
    #[serde(default)]
    pub(in crate::staff) limit: Option<i64>,
}

/// A subscription, as staff see it in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Listed {
    #[serde(flatten)]
    pub(super) subscription: SubscriptionBody,
    pub(super) reader: ReaderOf,
}

/// Whose.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReaderOf {
    pub(super) id: Uuid,
    /// None once the account was erased.
    pub(super) email: Option<String>,
}

/// A page of subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page {
    pub(super) subscriptions: Vec<Listed>,
    pub(super) next_cursor: Option<Uuid>,
}

/// Everything about a subscription.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Whole {
    pub(super) subscription: SubscriptionBody,
    pub(super) reader: ReaderOf,
    pub(super) invoices: Vec<InvoiceView>,
    pub(super) timeline: Vec<TimelineEntry>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimelineEntry {
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Timestamp,
    /// `reader`, `staff:<id>` or `system`.
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
}

/// Those that people must look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StuckList {
    pub(super) subscriptions: Vec<StuckBody>,
}

/// Why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Because {
    /// For the audit log; at most 500 characters.
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// How to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelOrder {
    /// `period_end` or `now`.
    pub(super) at: String,
    /// Whether the last payment is given back.
    #[serde(default)]
    pub(super) refund: bool,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// What to give back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundOrder {
    /// All that is left of the last payment where nothing is said.
    #[serde(default)]
    pub(super) amount: Option<AmountOrder>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// An amount.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountOrder {
    /// Whole minor units, above 0.
    pub(super) amount: i64,
    /// ISO 4217.
    pub(super) currency: String,
}

/// How many days.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtendOrder {
    /// 1 to 3660.
    pub(super) days: u32,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// What to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GiftOrder {
    /// The product; the catalog's first where nothing is said.
    #[serde(default)]
    pub(super) product: Option<String>,
    /// 1 to 3660, from now on.
    pub(super) days: u32,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// What was given.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GivenBody {
    pub(super) id: Uuid,
    pub(super) product: String,
    #[schema(value_type = String, format = DateTime)]
    pub(super) starts_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(super) ends_at: Timestamp,
}

impl Looked {
    /// What is looked for, and how many at most.
    pub(in crate::staff) fn search(self) -> Result<(Search, i64), ApiError> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(invalid("limit", "must be 1 to 200"));
        }
        let status = match self.status.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => Some(
                Status::parse(text)
                    .ok_or_else(|| invalid("status", "must be the status of a subscription"))?,
            ),
            None => None,
        };
        let cursor = self.cursor.filter(|text| !text.is_empty()).map(|text| {
            text.parse().map_err(|_| invalid("cursor", "must be `next_cursor` of a page"))
        });
        let q = self.q.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
        if q.as_ref().is_some_and(|q| q.len() > QUERY_MAX) {
            return Err(invalid("q", "may have at most 254 characters"));
        }
        let id = q.as_ref().and_then(|q| q.parse().ok());
        let email = q.filter(|_| id.is_none());
        let plan = self.plan.filter(|text| !text.is_empty());
        for (field, text) in [("q", &email), ("plan", &plan)] {
            // PostgreSQL takes no NUL.
            if text.as_ref().is_some_and(|text| text.contains('\0')) {
                return Err(invalid(field, "must be text"));
            }
        }
        Ok((Search { email, id, status, plan, after: cursor.transpose()? }, limit))
    }
}
