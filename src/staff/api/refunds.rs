//! Refunds that the gateway refused.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ordered::{Order, Ordered},
    orders::Because,
    subscription_bodies::invalid,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        api::MoneyBody,
        invoice::credit::{Refund, RefundState, SettledAs},
    },
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    staff::desk::{Desk, OnDuty},
};

/// Money that is to go back to the card.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefundBody {
    id: Uuid,
    subscription_id: Uuid,
    reader_id: Uuid,
    /// None where it came too late for any.
    invoice_id: Option<Uuid>,
    amount: MoneyBody,
    /// `pending`, `succeeded` or `failed`.
    status: &'static str,
    /// Why the gateway refused it.
    refusal: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    refused_at: Option<Timestamp>,
    /// What was done about that: `retried`, `balance` or `paid_out`.
    settled_as: Option<&'static str>,
    /// Who of staff decided it; null where the reader or the service did.
    decided_by: Option<Uuid>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Refund> for RefundBody {
    fn from(refund: Refund) -> Self {
        let status = refund.state.as_str();
        let (refused_at, refusal, settled) = match refund.state {
            RefundState::Failed { at, why, settled } => (Some(at), Some(why), settled),
            RefundState::Pending | RefundState::Succeeded { .. } => (None, None, None),
        };
        Self {
            id: refund.id,
            subscription_id: refund.subscription,
            reader_id: refund.reader,
            invoice_id: refund.invoice,
            amount: refund.amount.into(),
            status,
            refusal,
            refused_at,
            settled_as: settled.map(SettledAs::as_str),
            decided_by: refund.decided_by,
            created_at: refund.created_at,
        }
    }
}

/// Refunds that wait for somebody.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedList {
    refunds: Vec<RefundBody>,
}

/// Refunds that the gateway refused and nobody has seen to yet.
#[utoipa::path(get, path = "/v1/staff/refunds/refused", tag = "Staff",
    security(("staff_token" = [])),
    responses((status = 200, description = "The oldest 100", body = RefusedList),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list_refused(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::SubscriptionsRead)?;
    let refused = desk.readers.billing.refused_refunds().await?;
    let refunds = refused.into_iter().map(RefundBody::from).collect();
    Ok((NO_STORE, Json(RefusedList { refunds })).into_response())
}

/// Tries a refund that was refused once more, as a new one.
#[utoipa::path(post, path = "/v1/staff/refunds/{id}/retry", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 200, description = "The new one", body = RefundBody),
              (status = "4XX", description = "Not allowed, or not refused", body = ProblemBody)))]
pub(super) async fn retry(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<Because>,
) -> Result<Response, ApiError> {
    let (id, _, office) = ordered.by(Permission::Refund, Action::RefundRetried)?;
    let again = desk.readers.billing.retry_refund(id, &office).await?;
    Ok((NO_STORE, Json(RefundBody::from(again))).into_response())
}

/// Puts the money of a refund that was refused on the reader's balance.
#[utoipa::path(post, path = "/v1/staff/refunds/{id}/settle", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = Because,
    responses((status = 200, description = "It is on the balance", body = RefundBody),
              (status = "4XX", description = "Not allowed, or not refused", body = ProblemBody)))]
pub(super) async fn settle(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<Because>,
) -> Result<Response, ApiError> {
    let (id, _, office) = ordered.by(Permission::Refund, Action::RefundSettled)?;
    let settled = desk.readers.billing.settle_refund(id, &office).await?;
    Ok((NO_STORE, Json(RefundBody::from(settled))).into_response())
}

/// How it was paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PaidOut {
    /// Why, and how, for the audit log and the timeline.
    #[schema(min_length = 1, max_length = 500)]
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
}

impl Order for PaidOut {
    fn take_why(&mut self) -> (Option<String>, Option<i64>) {
        (Some(self.reason.trim().to_owned()), None)
    }
}

/// Writes down that the money of a refund that was refused was paid in another way. Where the refund
/// took two members of staff, another one than whoever asked for it says so.
#[utoipa::path(post, path = "/v1/staff/refunds/{id}/paid-out", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)), request_body = PaidOut,
    responses((status = 200, description = "It is settled", body = RefundBody),
              (status = "4XX", description = "Not allowed, or not refused", body = ProblemBody)))]
pub(super) async fn pay_out(
    State(desk): State<Arc<Desk>>,
    ordered: Ordered<PaidOut>,
) -> Result<Response, ApiError> {
    let (id, _, office) = ordered.by(Permission::Refund, Action::RefundSettled)?;
    if office.reason.is_empty() {
        return Err(invalid("reason", "must say why and how, in at most 500 characters"));
    }
    let settled = desk.readers.billing.pay_refund_out(id, &office).await?;
    Ok((NO_STORE, Json(RefundBody::from(settled))).into_response())
}
