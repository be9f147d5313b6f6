//! How a reader is reached: another address, an address that is taken for confirmed, and a letter
//! that is written once more.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::subscription_bodies::invalid;
use crate::{
    auth::staff::permission::Permission,
    billing::engine::REASON_MAX,
    http::{
        body::{JsonBytes, parse},
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    mail::address::Address,
    staff::{
        again::Letter,
        desk::{Desk, OnDuty},
    },
};

/// Another address for a reader.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAddress {
    /// The address to come.
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// For the audit log.
    #[schema(min_length = 1, max_length = 500)]
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
}

/// Why an address is taken for confirmed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// For the audit log.
    #[schema(min_length = 1, max_length = 500)]
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
}

/// Which letter is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LetterOrder {
    /// `log_in`, or `letter` of what can be written.
    #[schema(max_length = 100)]
    letter: String,
}

/// A letter that can be written.
#[derive(Debug, Serialize, ToSchema)]
struct LetterBody {
    /// Its name for the order.
    #[schema(example = "receipt:01900000-0000-7000-8000-000000000000")]
    letter: String,
    /// The invoice's number, or the plan that it is about; empty where the link to log in by is.
    about: String,
}

/// Letters that can be written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Letters {
    letters: Vec<LetterBody>,
}

fn parse_reason(reason: &str) -> Result<&str, ApiError> {
    let reason = reason.trim();
    let fits = !reason.is_empty() && reason.chars().count() <= REASON_MAX;
    fits.then_some(reason).ok_or_else(|| invalid("reason", "must have 1 to 500 characters"))
}

/// Lets mail to a reader go to another address once that agrees. The old address is told at once,
/// and may object until then.
#[utoipa::path(post, path = "/v1/staff/readers/{id}/address", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    request_body = NewAddress,
    responses((status = 202, description = "Both addresses were written to"),
              (status = "4XX", description = "Not allowed, no such reader, another reader's \
               address, or too many mails", body = ProblemBody)))]
pub(super) async fn change_address(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::ReaderAddress)?;
    let id = parse_id(id)?;
    let NewAddress { email, reason } = parse(&bytes)?;
    let email = Address::parse(&email).map_err(|error| invalid("email", error.to_string()))?;
    desk.move_reader(&acting, id, (&email, parse_reason(&reason)?)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes a reader's address for confirmed.
#[utoipa::path(post, path = "/v1/staff/readers/{id}/address/confirm", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    request_body = Known,
    responses((status = 204, description = "It is"),
              (status = "4XX", description = "Not allowed, no such reader, or confirmed already",
               body = ProblemBody)))]
pub(super) async fn confirm_address(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::ReaderAddress)?;
    let id = parse_id(id)?;
    let Known { reason } = parse(&bytes)?;
    desk.confirm_address(&acting, id, parse_reason(&reason)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What can be written to a reader once more.
#[utoipa::path(get, path = "/v1/staff/readers/{id}/letters", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    responses((status = 200, description = "The latest first", body = Letters),
              (status = "4XX", description = "Not allowed, or no such reader", body = ProblemBody)))]
pub(super) async fn letters(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::ReaderWrite)?;
    let (_, offers) = desk.letters_for(parse_id(id)?).await?;
    let log_in = LetterBody { letter: Letter::LogIn.to_text(), about: String::new() };
    let offered = offers.into_iter().map(|offer| LetterBody {
        letter: Letter::Billing(offer.again).to_text(),
        about: offer.about,
    });
    let letters = std::iter::once(log_in).chain(offered).collect();
    Ok((NO_STORE, Json(Letters { letters })).into_response())
}

/// Writes something to a reader once more, of what is so now, with fresh links; at most 5 in an
/// hour.
#[utoipa::path(post, path = "/v1/staff/readers/{id}/letters", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    request_body = LetterOrder,
    responses((status = 202, description = "It is on its way"),
              (status = "4XX", description = "Not allowed, no such reader or letter, or too many",
               body = ProblemBody)))]
pub(super) async fn write(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::ReaderWrite)?;
    let id = parse_id(id)?;
    let LetterOrder { letter } = parse(&bytes)?;
    let rule = || invalid("letter", "must be one of those that can be written");
    desk.write_again(&acting, id, Letter::parse(&letter).ok_or_else(rule)?).await?;
    Ok(StatusCode::ACCEPTED)
}
