//! Gifts to addresses, with an account or without.

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
    complimentary::GivenBody,
    ordered::{Ordered, office},
    orders::{Because, parse_days},
    subscription_bodies::invalid,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::waiting_gift::WaitingGift,
    clock::Timestamp,
    http::{
        body::{JsonBytes, parse},
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    language::Language,
    mail::address::Address,
    reader::gift::{Offer, Offered},
    staff::desk::{Desk, OnDuty},
};

/// What to give, and to which address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferOrder {
    email: String,
    /// `en` or `fr`: how a stranger is written to; English where nothing is said.
    #[serde(default)]
    language: Option<String>,
    /// The product; the catalog's first where nothing is said.
    #[serde(default)]
    product: Option<String>,
    /// 1 to 3660, from when it is accepted; at once where the address has an account.
    days: u32,
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    reason: Option<String>,
}

/// What became of it: one of the two.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfferedBody {
    /// The address has an account, which has it now.
    given: Option<GivenBody>,
    /// It waits for a click on the link in its mail.
    waits: Option<WaitingBody>,
}

impl OfferedBody {
    pub(crate) fn of(offered: Offered, now: Timestamp) -> Self {
        match offered {
            Offered::Given(grant) => Self { given: Some(GivenBody::of(grant, now)), waits: None },
            Offered::Waits(gift) => Self { given: None, waits: Some(gift.into()) },
        }
    }
}

/// A gift that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingBody {
    id: Uuid,
    product: String,
    /// From when it is accepted.
    days: u32,
    /// `staff:<id>` or `command`.
    given_by: String,
    reason: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it can be accepted.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<WaitingGift> for WaitingBody {
    fn from(gift: WaitingGift) -> Self {
        let WaitingGift { id, product, days, given_by, reason, created_at, expires_at, .. } = gift;
        Self { id, product, days, given_by, reason, created_at, expires_at }
    }
}

/// A gift that waits, and for whom.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedWaiting {
    email: String,
    #[serde(flatten)]
    gift: WaitingBody,
}

/// Those that wait.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaitingList {
    /// The latest 200.
    gifts: Vec<ListedWaiting>,
}

/// Gives a product to whoever has an address: at once where it has an account, else by a link in a
/// mail that makes one.
#[utoipa::path(post, path = "/v1/staff/gifts", tag = "Staff", security(("staff_token" = [])),
    request_body = OfferOrder,
    responses((status = 201, description = "Given, or on its way", body = OfferedBody),
              (status = 409, description = "One waits for this address", body = ProblemBody),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn offer(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let OfferOrder { email, language, product, days, reason } = parse(&bytes)?;
    let email = Address::parse(&email).map_err(|rule| invalid("email", rule.to_string()))?;
    let language = language.as_deref().map_or(Some(Language::English), Language::parse);
    let language = language.ok_or_else(|| invalid("language", "must be `en` or `fr`"))?;
    let offer = Offer { email, language, product, days: parse_days(days)? };
    let office = office(&acting, Action::GiftOffered, (reason, None))?;
    let offered = desk.readers.offer(offer, &office).await?;
    let body = OfferedBody::of(offered, desk.clock.now());
    Ok((StatusCode::CREATED, NO_STORE, Json(body)).into_response())
}

/// Gifts that wait to be accepted.
#[utoipa::path(get, path = "/v1/staff/gifts", tag = "Staff", security(("staff_token" = [])),
    responses((status = 200, description = "The latest first", body = WaitingList),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::ReadersRead)?;
    let waiting = desk.readers.waiting_gifts().await?;
    desk.note_listing(&acting.lookup(), "gifts", waiting.len()).await?;
    let gifts = waiting
        .into_iter()
        .map(|gift| ListedWaiting { email: gift.email.typed().to_owned(), gift: gift.into() });
    Ok((NO_STORE, Json(WaitingList { gifts: gifts.collect() })).into_response())
}

/// Takes a gift that waits back: its link leads nowhere from now on.
#[utoipa::path(post, path = "/v1/staff/gifts/{id}/withdraw", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 204, description = "Taken back"),
              (status = "4XX", description = "Not allowed, or none waits", body = ProblemBody)))]
pub(super) async fn withdraw(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<Because>,
) -> Result<StatusCode, ApiError> {
    let (id, _, office) = ordered.by(Permission::SubscriptionsAct, Action::GiftWithdrawn)?;
    desk.readers.withdraw_gift(id, &office).await?;
    Ok(StatusCode::NO_CONTENT)
}
