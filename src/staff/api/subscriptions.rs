//! What staff do with subscriptions.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use iso_currency::Currency;

use super::subscription_bodies::{
    AmountOrder, Because, CancelOrder, ExtendOrder, GiftOrder, GivenBody, ReaderOf, RefundOrder,
    StuckBody, StuckList, TimelineEntry, Whole, invalid,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        api::SubscriptionBody,
        engine::{CancelAt, DAYS_MAX, Gift, Office, REASON_MAX},
        subscription::search::Stuck,
    },
    http::{
        body::{JsonBytes, parse},
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    money::Money,
    staff::desk::{Acting, Desk, OnDuty},
};

fn office(acting: &Acting, action: Action, reason: Option<String>) -> Result<Office, ApiError> {
    let reason = reason.unwrap_or_default();
    if reason.chars().count() > REASON_MAX {
        return Err(invalid("reason", "may have at most 500 characters"));
    }
    let entry = acting.entry(action);
    Ok(Office { staff: acting.staff.id, entry, reason, seen: None })
}

fn parse_days(days: u32) -> Result<u32, ApiError> {
    let fits = (1..=DAYS_MAX).contains(&days);
    fits.then_some(days).ok_or_else(|| invalid("days", "must be 1 to 3660"))
}

/// Everything about one subscription.
#[utoipa::path(get, path = "/v1/staff/subscriptions/{id}", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "All of it", body = Whole),
              (status = "4XX", description = "Not allowed, or not there", body = ProblemBody)))]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::SubscriptionsRead)?;
    let shown = desk.readers.billing.review(parse_id(id)?).await?;
    let whole = Whole {
        reader: ReaderOf { id: shown.subscription.reader, email: shown.email },
        subscription: SubscriptionBody::of(&shown.subscription, None),
        invoices: shown.invoices,
        timeline: shown.timeline.into_iter().map(TimelineEntry::from).collect(),
    };
    Ok((NO_STORE, Json(whole)).into_response())
}

/// Those that nobody looks at any more by itself, because looking failed too often.
#[utoipa::path(get, path = "/v1/staff/subscriptions/stuck", tag = "Staff",
    security(("staff_token" = [])),
    responses((status = 200, description = "The oldest 100", body = StuckList),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list_stuck(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::SubscriptionsRead)?;
    let stuck = desk.readers.billing.stuck().await?.into_iter().map(|it| {
        let Stuck { id, trouble_count: attempts, trouble, .. } = it;
        StuckBody { id, attempts, trouble }
    });
    Ok((NO_STORE, Json(StuckList { subscriptions: stuck.collect() })).into_response())
}

/// Has one that is stuck looked at again.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/retry", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 204, description = "It is looked at again"),
              (status = "4XX", description = "Not allowed, or not stuck", body = ProblemBody)))]
pub(super) async fn retry(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let Because { reason } = parse(&bytes)?;
    let office = office(&acting, Action::SubscriptionRetried, reason)?;
    desk.readers.billing.office_retry(parse_id(id)?, &office).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancels a subscription.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/cancel", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = CancelOrder,
    responses((status = 200, description = "Canceled", body = SubscriptionBody),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn cancel(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let CancelOrder { at, refund, reason } = parse(&bytes)?;
    let at = match at.as_str() {
        "period_end" => CancelAt::PeriodEnd,
        "now" => CancelAt::Now,
        _ => return Err(invalid("at", "must be `period_end` or `now`")),
    };
    if refund && at == CancelAt::PeriodEnd {
        return Err(invalid("refund", "goes with `now`: what is read until then was paid for"));
    }
    let office = office(&acting, Action::SubscriptionCanceled, reason)?;
    let billing = &desk.readers.billing;
    let ended = billing.office_cancel(parse_id(id)?, (at, refund), &office).await?;
    Ok((NO_STORE, Json(SubscriptionBody::of(&ended, None))).into_response())
}

/// Gives money of the last payment back, by the card that paid.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/refund", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = RefundOrder,
    responses((status = 200, description = "It goes back", body = SubscriptionBody),
              (status = "4XX", description = "Not allowed, or more than was paid",
               body = ProblemBody)))]
pub(super) async fn refund(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::Refund)?;
    let RefundOrder { amount, reason } = parse(&bytes)?;
    let amount = match amount {
        Some(AmountOrder { amount, .. }) if amount <= 0 => {
            return Err(invalid("amount.amount", "must be above 0"));
        }
        Some(AmountOrder { amount, currency }) => {
            let wrong = || invalid("amount.currency", "must be an ISO 4217 currency");
            let currency = Currency::from_code(&currency).ok_or_else(wrong)?;
            Some(Money { amount, currency })
        }
        None => None,
    };
    let office = office(&acting, Action::SubscriptionRefunded, reason)?;
    let billing = &desk.readers.billing;
    let refunded = billing.office_refund(parse_id(id)?, amount, &office).await?;
    Ok((NO_STORE, Json(SubscriptionBody::of(&refunded, None))).into_response())
}

/// Gives more days before the next payment.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/extend", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = ExtendOrder,
    responses((status = 200, description = "Extended", body = SubscriptionBody),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn extend(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let ExtendOrder { days, reason } = parse(&bytes)?;
    let office = office(&acting, Action::SubscriptionExtended, reason)?;
    let billing = &desk.readers.billing;
    let extended = billing.office_extend(parse_id(id)?, parse_days(days)?, &office).await?;
    Ok((NO_STORE, Json(SubscriptionBody::of(&extended, None))).into_response())
}

/// Stops a subscription until it is resumed; what is unused goes to the balance.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/pause", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 200, description = "Paused", body = SubscriptionBody),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn pause(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let Because { reason } = parse(&bytes)?;
    let office = office(&acting, Action::SubscriptionPaused, reason)?;
    let paused = desk.readers.billing.office_pause(parse_id(id)?, &office).await?;
    Ok((NO_STORE, Json(SubscriptionBody::of(&paused, None))).into_response())
}

/// Ends a pause, for which the next period is charged, or takes a cancellation back.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/resume", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 200, description = "It goes on", body = SubscriptionBody),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn resume(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let Because { reason } = parse(&bytes)?;
    let office = office(&acting, Action::SubscriptionResumed, reason)?;
    let resumed = desk.readers.billing.office_resume(parse_id(id)?, &office).await?;
    Ok((NO_STORE, Json(SubscriptionBody::of(&resumed, None))).into_response())
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
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let GiftOrder { product, days, reason } = parse(&bytes)?;
    let office = office(&acting, Action::ReaderComplimentary, reason)?;
    let gift = Gift { reader: parse_id(id)?, product, days: parse_days(days)? };
    let given = desk.readers.billing.give(gift, &office).await?;
    let body = GivenBody {
        id: given.id,
        product: given.product,
        starts_at: given.starts_at,
        ends_at: given.ends_at,
    };
    Ok((StatusCode::CREATED, NO_STORE, Json(body)).into_response())
}
