//! `/v1/auth/…`: logging in and out, staying logged in, and what a mail does for both.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::{
    CheckMail, Credentials, JustEmail, JustToken, TokensBody, asked_in, device, parse_attempt,
    parse_email, tokens,
};
use crate::{
    http::{
        body::{JsonBytes, parse},
        client_ip::ClientIp,
        problem::{ApiError, ProblemBody},
    },
    reader::accounts::{Accounts, MailRequest},
};

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JustRefreshToken {
    #[serde(deserialize_with = "crate::http::text::anything")]
    refresh_token: String,
}

/// A mailed token and a new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    /// The text after `?token=`.
    token: String,
    /// 8 to 256 characters, none too common.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    password: String,
}

/// Logs in by password.
#[utoipa::path(post, path = "/v1/auth/login", tag = "Readers", request_body = Credentials,
    responses((status = 200, description = "Logged in", body = TokensBody),
              (status = 401, description = "Wrong, or no such account", body = ProblemBody),
              (status = 429, description = "Too many wrong ones", body = ProblemBody)))]
pub(super) async fn log_in(
    State(accounts): State<Arc<Accounts>>,
    client: ClientIp,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let Credentials { email, password } = parse(&bytes)?;
    let (email, attempt) = (parse_email(&email)?, parse_attempt("password", &password)?);
    tokens(&accounts, &accounts.log_in(&email, &attempt, device(&headers, client)).await?)
}

/// Gives a new pair of tokens for a refresh token.
///
/// A lost answer can be had again by sending the same token once more, while the new one is
/// unused. Any other second use ends the session: somebody has a copy.
#[utoipa::path(post, path = "/v1/auth/refresh", tag = "Readers", request_body = JustRefreshToken,
    responses((status = 200, description = "A new pair", body = TokensBody),
              (status = 401, description = "Used, over or unknown", body = ProblemBody)))]
pub(super) async fn refresh(
    State(accounts): State<Arc<Accounts>>,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let JustRefreshToken { refresh_token } = parse(&bytes)?;
    tokens(&accounts, &accounts.refresh(&refresh_token).await?)
}

/// Ends the session of a refresh token.
#[utoipa::path(post, path = "/v1/auth/logout", tag = "Readers", request_body = JustRefreshToken,
    responses((status = 204, description = "Ended, or never was"),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
pub(super) async fn log_out(
    State(accounts): State<Arc<Accounts>>,
    JsonBytes(bytes): JsonBytes,
) -> Result<StatusCode, ApiError> {
    let JustRefreshToken { refresh_token } = parse(&bytes)?;
    accounts.log_out(&refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for a mail with a link that logs in.
#[utoipa::path(post, path = "/v1/auth/magic-links", tag = "Readers", request_body = JustEmail,
    responses((status = 202, description = "A mail is on its way", body = CheckMail),
              (status = "4XX", description = "Not as it must be, or too often", body = ProblemBody)))]
pub(super) async fn ask_for_magic_link(
    State(accounts): State<Arc<Accounts>>,
    client: ClientIp,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let JustEmail { email } = parse(&bytes)?;
    let (email, words) = (&parse_email(&email)?, &asked_in(&headers));
    accounts.send_login_link(MailRequest { email, words, client }, &[]).await?;
    Ok(CheckMail::response())
}

/// Logs in by a link from a mail. It works once, for 15 minutes.
#[utoipa::path(post, path = "/v1/auth/magic-links/redeem", tag = "Readers",
    request_body = JustToken,
    responses((status = 200, description = "Logged in", body = TokensBody),
              (status = 401, description = "Used, over or unknown", body = ProblemBody)))]
pub(super) async fn redeem_magic_link(
    State(accounts): State<Arc<Accounts>>,
    client: ClientIp,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let JustToken { token } = parse(&bytes)?;
    tokens(&accounts, &accounts.redeem(&token, device(&headers, client)).await?)
}

/// Asks for a mail with a link that lets set a password.
#[utoipa::path(post, path = "/v1/auth/password-resets", tag = "Readers", request_body = JustEmail,
    responses((status = 202, description = "A mail is on its way", body = CheckMail),
              (status = "4XX", description = "Not as it must be, or too often", body = ProblemBody)))]
pub(super) async fn ask_for_reset(
    State(accounts): State<Arc<Accounts>>,
    client: ClientIp,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let JustEmail { email } = parse(&bytes)?;
    let (email, words) = (&parse_email(&email)?, &asked_in(&headers));
    accounts.send_reset_link(MailRequest { email, words, client }).await?;
    Ok(CheckMail::response())
}

/// Sets a password by a link from a mail. Every session ends; nobody is logged in by it.
#[utoipa::path(post, path = "/v1/auth/password-resets/redeem", tag = "Readers",
    request_body = Reset,
    responses((status = 204, description = "The password is set"),
              (status = 401, description = "Used, over or unknown", body = ProblemBody),
              (status = 422, description = "The password cannot be taken", body = ProblemBody)))]
pub(super) async fn reset(
    State(accounts): State<Arc<Accounts>>,
    client: ClientIp,
    JsonBytes(bytes): JsonBytes,
) -> Result<StatusCode, ApiError> {
    let Reset { token, password } = parse(&bytes)?;
    accounts.reset_password(&token, &password, client).await?;
    Ok(StatusCode::NO_CONTENT)
}
