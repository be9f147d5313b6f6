//! `POST /v1/readers` and the answer to its mail.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::bodies::{
    CheckMail, Credentials, JustToken, TokensBody, asked_in, device, parse_email, tokens,
};
use crate::{
    http::{
        body::{JsonBytes, parse},
        problem::{ApiError, ProblemBody},
    },
    reader::accounts::Accounts,
};

/// Asks for an account.
///
/// The answer is the same for every address. A mail tells how to make the account, or, where
/// there is one, how to log in.
#[utoipa::path(post, path = "/v1/readers", tag = "Readers", request_body = Credentials,
    responses((status = 202, description = "A mail is on its way", body = CheckMail),
              (status = "4XX", description = "Not as it must be, or too often", body = ProblemBody)))]
pub(super) async fn sign_up(
    State(accounts): State<Arc<Accounts>>,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let Credentials { email, password } = parse(&bytes)?;
    accounts.sign_up((&parse_email(&email)?, &asked_in(&headers)), &password).await?;
    Ok(CheckMail::response())
}

/// Makes the account that a mail was sent for, and logs in.
#[utoipa::path(post, path = "/v1/readers/verify", tag = "Readers", request_body = JustToken,
    responses((status = 200, description = "The account exists", body = TokensBody),
              (status = "4XX", description = "The link is used or over", body = ProblemBody)))]
pub(super) async fn verify(
    State(accounts): State<Arc<Accounts>>,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let JustToken { token } = parse(&bytes)?;
    tokens(&accounts, &accounts.verify(&token, device(&headers), None).await?)
}
