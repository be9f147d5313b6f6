//! What staff gave away: giving it, seeing it, taking it back.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ordered::{Order, Ordered, once},
    orders::{Because, parse_days},
    subscription_bodies::ReaderOf,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        engine::Gift,
        grant::{Grant, Listed},
    },
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    staff::{
        desk::{Desk, OnDuty},
        find::{
            given::GivenLooked,
            lists::Page,
            looked::{Asked, asked},
        },
        visibility::Visibility,
    },
};

/// What to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GiftOrder {
    /// The product; the catalog's first where nothing is said.
    #[serde(default)]
    product: Option<String>,
    /// 1 to 3660, from now on.
    days: u32,
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    reason: Option<String>,
}

impl Order for GiftOrder {
    fn take_why(&mut self) -> (Option<String>, Option<i64>) {
        (self.reason.take(), None)
    }
}

/// What was given.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GivenBody {
    id: Uuid,
    product: String,
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    /// `running`, `ended` or `taken_back`.
    state: &'static str,
    /// `staff:<id>` or `command`.
    given_by: String,
    reason: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    taken_back_at: Option<Timestamp>,
    taken_back_by: Option<String>,
    taken_back_because: Option<String>,
}

impl GivenBody {
    pub(crate) fn of(grant: Grant, now: Timestamp) -> Self {
        Self {
            state: grant.state(now).as_str(),
            id: grant.id,
            product: grant.product,
            starts_at: grant.starts_at,
            ends_at: grant.ends_at,
            given_by: grant.given_by,
            reason: grant.reason,
            taken_back_at: grant.revoked_at,
            taken_back_by: grant.revoked_by,
            taken_back_because: grant.revoke_reason,
        }
    }

    fn seen(self, by: Visibility) -> Self {
        Self {
            reason: by.text(self.reason),
            taken_back_because: self.taken_back_because.map(|reason| by.text(reason)),
            ..self
        }
    }
}

/// What was given, and to whom.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedGift {
    #[serde(flatten)]
    given: GivenBody,
    reader: ReaderOf,
}

/// A page of what was given.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GivenPage {
    complimentary: Vec<ListedGift>,
    /// For the next page of the same list; null on the last.
    next_cursor: Option<String>,
}

impl GivenPage {
    pub(crate) fn of(page: Page<Listed>, now: Timestamp, by: Visibility) -> Self {
        let listed = page.entries.into_iter().map(|Listed { grant, email }| ListedGift {
            reader: ReaderOf::of(grant.reader_id, email, by),
            given: GivenBody::of(grant, now).seen(by),
        });
        Self { complimentary: listed.collect(), next_cursor: page.next }
    }
}

/// Gives a reader a product for a while.
#[utoipa::path(post, path = "/v1/staff/readers/{id}/complimentary", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    request_body = GiftOrder,
    responses((status = 201, description = "Given", body = GivenBody),
              (status = "4XX", description = "Not allowed, or no such reader",
               body = ProblemBody)))]
pub(super) async fn give(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<GiftOrder>,
) -> Result<Response, ApiError> {
    let (id, GiftOrder { product, days, .. }, office) =
        ordered.by(Permission::SubscriptionsAct, Action::ReaderComplimentary)?;
    let gift = Gift { reader: id, product, days: parse_days(days)? };
    let given = desk.readers.billing.give(gift, &office).await?;
    let body = GivenBody::of(given, desk.clock.now());
    Ok((StatusCode::CREATED, NO_STORE, Json(body)).into_response())
}

/// What was given away, the latest first.
#[utoipa::path(get, path = "/v1/staff/complimentary", tag = "Staff",
    security(("staff_token" = [])), params(GivenLooked),
    responses((status = 200, description = "A page of it", body = GivenPage),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Asked<GivenLooked>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let page = desk.list_given(&acting.lookup(), &asked(query)?).await?;
    let body = GivenPage::of(page, desk.clock.now(), acting.visibility());
    Ok((NO_STORE, Json(body)).into_response())
}

/// Takes back what was given away: its reader is metered from now on, or reads by what is paid.
#[utoipa::path(post, path = "/v1/staff/complimentary/{id}/end", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 200, description = "Taken back", body = GivenBody),
              (status = "4XX", description = "Not allowed, or it has ended",
               body = ProblemBody)))]
pub(super) async fn end(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<Because>,
) -> Result<Response, ApiError> {
    let (id, _, office) =
        ordered.by(Permission::SubscriptionsAct, Action::ReaderComplimentaryEnded)?;
    once(desk.readers.billing.end_grant(id, &office).await)?;
    let ended = desk.readers.billing.find_grant(id).await?;
    Ok((NO_STORE, Json(GivenBody::of(ended, desk.clock.now()))).into_response())
}
