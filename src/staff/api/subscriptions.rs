//! What staff do with subscriptions.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    ordered::{Ordered, once},
    orders::{
        AmountOrder, Because, CancelOrder, ExtendOrder, ForeseenBody, LookOrder, PlainOrder,
        PlanOrder, RefundOrder, parse_cancel, parse_days,
    },
    refund_requests::{RequestBody, accepted},
    subscription_bodies::{StaffSubscription, StuckBody, StuckList, Whole, invalid},
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        api::refuse,
        engine::{Act, BillingError, GiveBack, Office, Outcome},
        idempotency::Unsettled,
        subscription::{model::Subscription, search::Stuck},
    },
    http::{
        body::{JsonBytes, parse},
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    staff::desk::{Desk, OnDuty},
};

/// A subscription as it stands now, after an act.
async fn answer(desk: &Desk, id: Uuid) -> Result<Response, ApiError> {
    let it = desk.readers.billing.lookup(id).await?;
    Ok((NO_STORE, Json(StaffSubscription::from(&it))).into_response())
}

/// The same after an act that may charge. Where the same request made a payment before, its outcome
/// is the answer.
async fn charged(
    desk: &Desk,
    (id, office): (Uuid, &Office),
    act: impl Future<Output = Result<Subscription, BillingError>>,
) -> Result<Response, ApiError> {
    let billing = &desk.readers.billing;
    let paid = match office.operation {
        Some(operation) => billing.paid_by(operation, id).await,
        None => Ok(None),
    };
    let done = match paid {
        Ok(None) => act.await.map(drop),
        paid => paid.map(drop),
    };
    match done {
        Ok(()) | Err(BillingError::Repeated) => {}
        Err(error) => return refuse(error),
    }
    let it = billing.lookup(id).await?;
    let mut response = (NO_STORE, Json(StaffSubscription::from(&it))).into_response();
    if let Some(unsettled) = office.operation.and_then(|name| Unsettled::of(&it, name)) {
        response.extensions_mut().insert(unsettled);
    }
    Ok(response)
}

/// The same after an act that may wait for a second person: then 202, with what waits.
async fn came(
    desk: &Desk,
    id: Uuid,
    act: Result<Outcome, BillingError>,
) -> Result<Response, ApiError> {
    if let Ok(Outcome::Waits(request)) = act {
        return Ok(accepted(*request));
    }
    once(act)?;
    answer(desk, id).await
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
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let shown = desk.readers.billing.review(parse_id(id)?).await?;
    desk.note_look(&acting, shown.subscription.reader).await?;
    Ok((NO_STORE, Json(Whole::of(shown, acting.visibility()))).into_response())
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
        let Stuck { id, trouble_count: attempts, trouble, trouble_at: since } = it;
        StuckBody { id, attempts, trouble, since }
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
    ordered: Ordered<Because>,
) -> Result<StatusCode, ApiError> {
    let (id, _, office) = ordered.by(Permission::SubscriptionsAct, Action::SubscriptionRetried)?;
    desk.readers.billing.office_retry(id, &office).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancels a subscription.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/cancel", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = CancelOrder,
    responses((status = 200, description = "Canceled", body = StaffSubscription),
              (status = 202, description = "Nothing yet: so large a refund waits for a second person",
               body = RequestBody),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn cancel(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<CancelOrder>,
) -> Result<Response, ApiError> {
    let (id, CancelOrder { at, refund, .. }, office) =
        ordered.by(Permission::SubscriptionsAct, Action::SubscriptionCanceled)?;
    let how = parse_cancel(&at, refund)?;
    came(&desk, id, desk.readers.billing.office_cancel(id, how, &office).await).await
}

/// Gives money of an invoice back, by the card that paid.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/refund", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = RefundOrder,
    responses((status = 200, description = "It goes back", body = StaffSubscription),
              (status = 202, description = "Nothing yet: so large a refund waits for a second person",
               body = RequestBody),
              (status = "4XX", description = "Not allowed, or more than was paid",
               body = ProblemBody)))]
pub(super) async fn refund(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<RefundOrder>,
) -> Result<Response, ApiError> {
    let (id, RefundOrder { invoice, amount, .. }, office) =
        ordered.by(Permission::Refund, Action::SubscriptionRefunded)?;
    let amount = amount.map(AmountOrder::money).transpose()?;
    let order = GiveBack { invoice, amount };
    came(&desk, id, desk.readers.billing.office_refund(id, order, &office).await).await
}

/// Gives more days before the next payment.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/extend", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = ExtendOrder,
    responses((status = 200, description = "Extended", body = StaffSubscription),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn extend(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<ExtendOrder>,
) -> Result<Response, ApiError> {
    let (id, ExtendOrder { days, .. }, office) =
        ordered.by(Permission::SubscriptionsAct, Action::SubscriptionExtended)?;
    once(desk.readers.billing.office_extend(id, parse_days(days)?, &office).await)?;
    answer(&desk, id).await
}

/// Stops a subscription until it is resumed; what is unused goes to the balance.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/pause", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = PlainOrder,
    responses((status = 200, description = "Paused", body = StaffSubscription),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn pause(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<PlainOrder>,
) -> Result<Response, ApiError> {
    let (id, _, office) = ordered.by(Permission::SubscriptionsAct, Action::SubscriptionPaused)?;
    once(desk.readers.billing.office_pause(id, &office).await)?;
    answer(&desk, id).await
}

/// Ends a pause, for which the next period is charged, or takes a cancellation back.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/resume", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = PlainOrder,
    responses((status = 200, description = "It goes on", body = StaffSubscription),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn resume(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<PlainOrder>,
) -> Result<Response, ApiError> {
    let (id, _, office) = ordered.by(Permission::SubscriptionsAct, Action::SubscriptionResumed)?;
    let resume = Box::pin(desk.readers.billing.office_resume(id, &office));
    charged(&desk, (id, &office), resume).await
}

/// Switches to another plan: a longer or dearer one at once, for what it costs less what is unused;
/// another one when the period that is paid ends.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/switch", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = PlanOrder,
    responses((status = 200, description = "Switched, or planned", body = StaffSubscription),
              (status = 402, description = "Declined; the old plan goes on", body = ProblemBody),
              (status = 409, description = "What was seen no longer holds", body = ProblemBody),
              (status = "4XX", description = "Not allowed, or it cannot be",
               body = ProblemBody)))]
pub(super) async fn switch(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<PlanOrder>,
) -> Result<Response, ApiError> {
    let (id, PlanOrder { plan, preview, .. }, office) =
        ordered.by(Permission::SubscriptionsAct, Action::SubscriptionSwitched)?;
    let to = (plan.as_str(), preview.as_deref());
    let switch = Box::pin(desk.readers.billing.office_switch(id, to, &office));
    charged(&desk, (id, &office), switch).await
}

/// Takes a planned switch back: the plan stays.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/keep-plan", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = PlainOrder,
    responses((status = 200, description = "The plan stays", body = StaffSubscription),
              (status = "4XX", description = "Not allowed, or none is planned",
               body = ProblemBody)))]
pub(super) async fn keep_plan(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<PlainOrder>,
) -> Result<Response, ApiError> {
    let (id, _, office) =
        ordered.by(Permission::SubscriptionsAct, Action::SubscriptionSwitchRevoked)?;
    once(desk.readers.billing.office_keep_plan(id, &office).await)?;
    answer(&desk, id).await
}

/// Tells what would come of an act, and does nothing.
#[utoipa::path(post, path = "/v1/staff/subscriptions/{id}/preview", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = LookOrder,
    responses((status = 200, description = "What would come of it", body = ForeseenBody),
              (status = "4XX", description = "Not allowed, or the act would be refused",
               body = ProblemBody)))]
pub(super) async fn preview(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsAct)?;
    let (act, amount) = parse::<LookOrder>(&bytes)?.act()?;
    if matches!(act, Act::Refund { .. }) && !acting.staff.role.may(Permission::Refund) {
        return Err(ApiError::Forbidden("not_permitted", "your role may not do this"));
    }
    let foreseen = desk.readers.billing.foresee_act(parse_id(id)?, &act).await?;
    let paid_in = foreseen.to_card.map(|money| money.currency);
    if let Some(currency) = paid_in.filter(|paid| amount.is_some_and(|it| it.currency != *paid)) {
        let rule = format!("must be in {}, as it was paid", currency.code());
        return Err(invalid("amount.currency", rule));
    }
    Ok((NO_STORE, Json(ForeseenBody::of(foreseen, &desk.words()))).into_response())
}
