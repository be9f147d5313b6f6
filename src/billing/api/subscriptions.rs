//! `/v1/subscriptions…`: what readers do with their subscriptions.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    Counter, Subscriber,
    bodies::{
        CancelAtBody, CancelBody, MethodBody, OrderBody, PreviewBody, PreviewOrder,
        SubscriptionBody, SubscriptionsBody, SwitchOrder,
    },
    refuse,
};
use crate::{
    billing::{
        engine::{BillingError, CancelAt, Cancellation, Order, OwnSubscription},
        gateway::PaymentMethod,
        idempotency::{Operation, Unsettled},
        subscription::model::Subscription,
    },
    http::{
        body::{JsonBytes, parse},
        client_ip::ClientIp,
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, FieldError, ProblemBody},
    },
};

/// Most characters of what a reader says on leaving.
const COMMENT_MAX: usize = 500;

fn parse_method(text: &str) -> Result<PaymentMethod, ApiError> {
    PaymentMethod::parse(text).ok_or_else(|| {
        let rule = "must be the gateway's name of a payment method";
        ApiError::InvalidFields(vec![FieldError::new("payment_method", "invalid_value", rule)])
    })
}

fn parse_country(text: String) -> Result<String, ApiError> {
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code.then_some(text).ok_or_else(|| {
        let rule = "must be two capital letters (ISO 3166-1)";
        ApiError::InvalidFields(vec![FieldError::new("country", "invalid_value", rule)])
    })
}

async fn answer(
    counter: &Counter,
    status: StatusCode,
    it: &Subscription,
) -> Result<Response, ApiError> {
    let confirm_at = counter.billing.confirm_at(it).await?;
    Ok((status, NO_STORE, Json(SubscriptionBody::of(it, confirm_at))).into_response())
}

/// Answers a request that changed a subscription under a name, which may have been sent before.
async fn answer_once(
    counter: &Counter,
    (status, of): (StatusCode, OwnSubscription),
    changed: Result<Subscription, BillingError>,
) -> Result<Response, ApiError> {
    let it = match changed {
        Ok(it) => it,
        Err(BillingError::Repeated) => counter.billing.find(of.reader, of.id).await?,
        Err(error) => return refuse(error),
    };
    let mut response = answer(counter, status, &it).await?;
    if let Some(unsettled) = of.operation.and_then(|operation| Unsettled::of(&it, operation)) {
        response.extensions_mut().insert(unsettled);
    }
    Ok(response)
}

/// What the payment came to that this request made when it was sent before; else what `act` does.
async fn paid_or(
    counter: &Counter,
    of: OwnSubscription,
    act: impl Future<Output = Result<Subscription, BillingError>>,
) -> Result<Subscription, BillingError> {
    if let Some(operation) = of.operation
        && let Some(paid) = counter.billing.paid_by(operation, of.id).await?
    {
        return Ok(paid);
    }
    act.await
}

/// Subscribes: to a free trial, or paid at once.
#[utoipa::path(post, path = "/v1/subscriptions", tag = "Subscriptions",
    security(("reader_token" = [])), request_body = OrderBody,
    responses((status = 201, description = "Begun; `incomplete` where the reader must confirm \
                                            the payment first", body = SubscriptionBody),
              (status = 402, description = "Declined", body = ProblemBody),
              (status = 409, description = "Subscribed already, or no second trial; \
                                            `payment_pending` with `Retry-After` while the \
                                            outcome of a payment is not known: the same call \
                                            with the same key tells it later",
               body = ProblemBody),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
pub(super) async fn start(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    ClientIp(client): ClientIp,
    Extension(Operation(operation)): Extension<Operation>,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let OrderBody { plan, payment_method, trial, country } = parse(&bytes)?;
    let order = Order {
        plan,
        card: payment_method.as_deref().map(parse_method).transpose()?,
        trial: trial.unwrap_or(true),
        country: country.map(parse_country).transpose()?,
        shown: None,
        article: None,
    };
    let turn = counter.card_turn(reader, client).await?;
    let begun = counter.billing.start(reader, order, operation, &turn).await;
    let of = OwnSubscription { reader, id: operation, operation: Some(operation) };
    answer_once(&counter, (StatusCode::CREATED, of), begun).await
}

/// The reader's subscriptions, the latest first.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "Subscriptions",
    security(("reader_token" = [])),
    responses((status = 200, description = "All of them", body = SubscriptionsBody),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
) -> Result<Response, ApiError> {
    let mut subscriptions = Vec::new();
    for it in counter.billing.list(reader).await? {
        let confirm_at = counter.billing.confirm_at(&it).await?;
        subscriptions.push(SubscriptionBody::of(&it, confirm_at));
    }
    Ok((NO_STORE, Json(SubscriptionsBody { subscriptions })).into_response())
}

/// One of the reader's subscriptions.
#[utoipa::path(get, path = "/v1/subscriptions/{id}", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "This one", body = SubscriptionBody),
              (status = "4XX", description = "Not there, or not the reader's",
               body = ProblemBody)))]
pub(super) async fn show(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    id: PathId,
) -> Result<Response, ApiError> {
    let found = counter.billing.find(reader, parse_id(id)?).await?;
    answer(&counter, StatusCode::OK, &found).await
}

/// Cancels: at the end of the period; at once where the law lets one withdraw.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/cancel", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)), request_body = CancelBody,
    responses((status = 200, description = "Canceled", body = SubscriptionBody),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
pub(super) async fn cancel(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    Extension(Operation(operation)): Extension<Operation>,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let CancelBody { at, reason } = parse(&bytes)?;
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > COMMENT_MAX) {
        let rule = "may have at most 500 characters";
        return Err(ApiError::InvalidFields(vec![FieldError::new("reason", "too_long", rule)]));
    }
    let at = match at {
        CancelAtBody::PeriodEnd => CancelAt::PeriodEnd,
        CancelAtBody::Now => CancelAt::Now,
    };
    let cancellation = Cancellation { at, comment: reason };
    let of = OwnSubscription { reader, id: parse_id(id)?, operation: Some(operation) };
    let canceled = counter.billing.cancel(of, cancellation).await;
    answer_once(&counter, (StatusCode::OK, of), canceled).await
}

/// Takes a cancellation back, or ends a pause.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/resume", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "It goes on", body = SubscriptionBody),
              (status = "4XX", description = "There is nothing to take back",
               body = ProblemBody)))]
pub(super) async fn resume(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    ClientIp(client): ClientIp,
    Extension(Operation(operation)): Extension<Operation>,
    id: PathId,
) -> Result<Response, ApiError> {
    let of = OwnSubscription { reader, id: parse_id(id)?, operation: Some(operation) };
    let turn = counter.card_turn(reader, client).await?;
    let resume = Box::pin(counter.billing.resume(of, None, &turn));
    let resumed = paid_or(&counter, of, resume).await;
    answer_once(&counter, (StatusCode::OK, of), resumed).await
}

/// Shows what a switch to another plan would do.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/switch/preview", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)), request_body = PreviewOrder,
    responses((status = 200, description = "What it would do", body = PreviewBody),
              (status = "4XX", description = "It cannot be", body = ProblemBody)))]
pub(super) async fn preview(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let PreviewOrder { plan } = parse(&bytes)?;
    let preview = counter.billing.preview((reader, parse_id(id)?), &plan).await?;
    Ok((NO_STORE, Json(PreviewBody::from(preview))).into_response())
}

/// Switches to another plan, exactly as a preview showed.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/switch", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)), request_body = SwitchOrder,
    responses((status = 200, description = "Switched, or planned", body = SubscriptionBody),
              (status = 402, description = "Declined; the old plan goes on", body = ProblemBody),
              (status = 409, description = "The preview no longer holds", body = ProblemBody),
              (status = "4XX", description = "It cannot be", body = ProblemBody)))]
pub(super) async fn switch(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    ClientIp(client): ClientIp,
    Extension(Operation(operation)): Extension<Operation>,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let SwitchOrder { plan, preview } = parse(&bytes)?;
    let of = OwnSubscription { reader, id: parse_id(id)?, operation: Some(operation) };
    let turn = counter.card_turn(reader, client).await?;
    let switch = Box::pin(counter.billing.switch(of, &plan, &preview, None, &turn));
    let switched = paid_or(&counter, of, switch).await;
    answer_once(&counter, (StatusCode::OK, of), switched).await
}

/// Takes a planned switch back.
#[utoipa::path(delete, path = "/v1/subscriptions/{id}/switch", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The plan stays", body = SubscriptionBody),
              (status = "4XX", description = "None is planned", body = ProblemBody)))]
pub(super) async fn revoke_switch(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    Extension(Operation(operation)): Extension<Operation>,
    id: PathId,
) -> Result<Response, ApiError> {
    let of = OwnSubscription { reader, id: parse_id(id)?, operation: Some(operation) };
    let kept = counter.billing.revoke_switch(of).await;
    answer_once(&counter, (StatusCode::OK, of), kept).await
}

/// Pays by another card from now on, and what is overdue at once.
#[utoipa::path(put, path = "/v1/subscriptions/{id}/payment-method", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)), request_body = MethodBody,
    responses((status = 200, description = "Kept, and what was overdue is paid",
               body = SubscriptionBody),
              (status = 402, description = "Kept, but it was declined", body = ProblemBody),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
pub(super) async fn pay_by(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    ClientIp(client): ClientIp,
    Extension(Operation(operation)): Extension<Operation>,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let MethodBody { payment_method } = parse(&bytes)?;
    let method = parse_method(&payment_method)?;
    let of = OwnSubscription { reader, id: parse_id(id)?, operation: Some(operation) };
    let turn = counter.card_turn(reader, client).await?;
    let pay = Box::pin(counter.billing.pay_by(of, &method, None, &turn));
    let paid = paid_or(&counter, of, pay).await;
    answer_once(&counter, (StatusCode::OK, of), paid).await
}
