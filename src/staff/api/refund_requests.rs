//! Refunds that wait for a second person.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ordered::Ordered, orders::Because, subscription_bodies::invalid};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{api::MoneyBody, approval::request::Request},
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    staff::desk::{Desk, OnDuty},
};

/// A refund that one person alone may not decide.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestBody {
    id: Uuid,
    subscription_id: Uuid,
    reader_id: Uuid,
    invoice_id: Uuid,
    amount: MoneyBody,
    /// Whether the subscription ends at once, too.
    cancels: bool,
    reason: String,
    /// The member of staff who asked.
    requested_by: Uuid,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    /// From then on nobody can decide it any more.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// `waiting`, `approved`, `declined` or `expired`.
    status: &'static str,
    /// The second person.
    decided_by: Option<Uuid>,
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// Why, in the words of the second person.
    decision: Option<String>,
}

impl From<Request> for RequestBody {
    fn from(request: Request) -> Self {
        let decision = request.stands.decision();
        Self {
            id: request.id,
            subscription_id: request.subscription,
            reader_id: request.reader,
            invoice_id: request.invoice,
            amount: request.amount.into(),
            cancels: request.cancels,
            requested_by: request.requested_by,
            requested_at: request.requested_at,
            expires_at: request.expires_at(),
            status: request.stands.as_str(),
            decided_by: decision.map(|decision| decision.by),
            decided_at: decision.map(|decision| decision.at),
            decision: decision.map(|decision| decision.reason.clone()),
            reason: request.reason,
        }
    }
}

/// Requests for refunds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Requests {
    /// The oldest 100 that wait, the oldest first.
    waiting: Vec<RequestBody>,
    /// The latest 100 that do not any more, the latest first.
    over: Vec<RequestBody>,
}

/// What an act that waits for a second person is answered with.
pub(super) fn accepted(request: Request) -> Response {
    (StatusCode::ACCEPTED, NO_STORE, Json(RequestBody::from(request))).into_response()
}

/// Refunds that wait for a second person, and those that did.
#[utoipa::path(get, path = "/v1/staff/refund-requests", tag = "Staff",
    security(("staff_token" = [])),
    responses((status = 200, description = "Those that wait, and the latest of the others",
               body = Requests),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::Refund)?;
    let (waiting, over) = desk.readers.billing.refund_requests().await?;
    let bodies = |all: Vec<Request>| all.into_iter().map(RequestBody::from).collect();
    let body = Requests { waiting: bodies(waiting), over: bodies(over) };
    Ok((NO_STORE, Json(body)).into_response())
}

/// Agrees to a refund that somebody else asked for, and gives the money back.
#[utoipa::path(post, path = "/v1/staff/refund-requests/{id}/approve", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 200, description = "It goes back", body = RequestBody),
              (status = "4XX", description = "Not allowed, one's own, or it cannot be any more",
               body = ProblemBody)))]
pub(super) async fn approve(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<Because>,
) -> Result<Response, ApiError> {
    let (id, _, office) = ordered.by(Permission::Refund, Action::RefundApproved)?;
    let request = desk.readers.billing.approve_refund(id, &office).await?;
    Ok((NO_STORE, Json(RequestBody::from(request))).into_response())
}

/// Does not agree to a refund that somebody else asked for. It takes a reason.
#[utoipa::path(post, path = "/v1/staff/refund-requests/{id}/decline", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 200, description = "It does not go back", body = RequestBody),
              (status = "4XX", description = "Not allowed, one's own, or decided already",
               body = ProblemBody)))]
pub(super) async fn decline(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<Because>,
) -> Result<Response, ApiError> {
    let (id, _, office) = ordered.by(Permission::Refund, Action::RefundDeclined)?;
    if office.reason.trim().is_empty() {
        return Err(invalid("reason", "must say why"));
    }
    let request = desk.readers.billing.decline_refund(id, &office).await?;
    Ok((NO_STORE, Json(RequestBody::from(request))).into_response())
}
