//! The mails that could not be sent.

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

use crate::{
    auth::staff::permission::Permission,
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    mail::outbox::DeadMail,
    staff::desk::{Desk, OnDuty},
};

/// A mail that will not be tried again by itself. To whom it is, is nobody's business.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadMailBody {
    id: Uuid,
    subject: String,
    attempts: i64,
    last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    given_up_at: Option<Timestamp>,
}

impl From<DeadMail> for DeadMailBody {
    fn from(mail: DeadMail) -> Self {
        let DeadMail { id, subject, attempts, last_error, created_at, done_at } = mail;
        Self { id, subject, attempts, last_error, created_at, given_up_at: done_at }
    }
}

/// The mails that were given up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadMails {
    /// The latest 100, the latest first.
    mails: Vec<DeadMailBody>,
}

/// The mails that were given up.
#[utoipa::path(get, path = "/v1/staff/mails/dead", tag = "Staff", security(("staff_token" = [])),
    responses((status = 200, description = "The latest first", body = DeadMails),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list_dead(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::MailQueueRead)?;
    let mails = desk.dead_mails().await?.into_iter().map(DeadMailBody::from).collect();
    Ok((NO_STORE, Json(DeadMails { mails })).into_response())
}

/// Lets a mail that was given up be tried again, unless its link is over.
#[utoipa::path(post, path = "/v1/staff/mails/{id}/retry", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The mail")),
    responses((status = 204, description = "It is due again"),
              (status = "4XX", description = "Not allowed, or no such mail", body = ProblemBody)))]
pub(super) async fn retry(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::MailQueueRetry)?;
    let id = parse_id(id)?;
    desk.retry_mail(&acting, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
