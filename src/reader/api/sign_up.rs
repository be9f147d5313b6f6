//! `POST /v1/readers` and the answer to its mail.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bodies::{Credentials, TokensBody, asked_in, device, parse_email, tokens};
use crate::{
    auth::session::secret::{SecretHash, SecretKind},
    http::{
        body::{JsonBytes, parse},
        client_ip::ClientIp,
        headers::NO_STORE,
        problem::{ApiError, FieldError, ProblemBody},
    },
    reader::{
        accounts::{Accounts, MailRequest},
        sign_up::Confirmation,
    },
};

/// That a mail was sent, whether or not the address has an account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignUpBody {
    /// Always `check_mail`.
    status: &'static str,
    /// Keep it, and send it to `POST /v1/readers/verify` with the token from the mail: only then does
    /// the password of this call take effect. Random, and in every answer.
    proof: String,
}

/// The answer to the mail of a sign-up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Verification {
    /// The text after `?token=`.
    token: String,
    /// From the answer of the `POST /v1/readers` that sent this mail: its password takes effect. The
    /// proof of any other call is ignored, and leaves the account without a password.
    #[serde(default)]
    proof: Option<String>,
    /// A new password, 8 to 256 characters, none too common. It takes precedence over the password
    /// given at sign-up, whatever `proof` says.
    #[serde(default)]
    #[schema(format = Password, min_length = 8, max_length = 256)]
    password: Option<String>,
}

/// Asks for an account.
///
/// The answer is alike for every address. A mail tells how to make the account, or, where
/// there is one, how to log in.
#[utoipa::path(post, path = "/v1/readers", tag = "Readers", request_body = Credentials,
    responses((status = 202, description = "A mail is on its way", body = SignUpBody),
              (status = "4XX", description = "Not as it must be, or too often", body = ProblemBody)))]
pub(super) async fn sign_up(
    State(accounts): State<Arc<Accounts>>,
    client: ClientIp,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let Credentials { email, password } = parse(&bytes)?;
    let (email, words) = (&parse_email(&email)?, &asked_in(&headers));
    let proof = accounts.sign_up(MailRequest { email, words, client }, &password).await?;
    let body = SignUpBody { status: "check_mail", proof: proof.expose().to_owned() };
    Ok((StatusCode::ACCEPTED, NO_STORE, Json(body)).into_response())
}

/// Makes the account that a mail was sent for, and logs in.
///
/// The token proves the mailbox, and not who chose the password at sign-up: that password takes effect
/// only with `proof`, and `password` sets another. With neither the account has no password, and its
/// reader logs in by mail. All other links that were mailed to the address stop working.
#[utoipa::path(post, path = "/v1/readers/verify", tag = "Readers", request_body = Verification,
    responses((status = 200, description = "The account exists", body = TokensBody),
              (status = 401, description = "Expired or already used", body = ProblemBody),
              (status = 422, description = "The password or the proof is not valid; the token still \
               works", body = ProblemBody)))]
pub(super) async fn verify(
    State(accounts): State<Arc<Accounts>>,
    client: ClientIp,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let Verification { token, proof, password } = parse(&bytes)?;
    let proof = proof.as_deref().map(parse_proof).transpose()?;
    let answer =
        Confirmation { token: &token, proof, password: password.as_deref(), language: None };
    tokens(&accounts, &accounts.verify(answer, device(&headers, client)).await?)
}

fn parse_proof(text: &str) -> Result<SecretHash, ApiError> {
    SecretHash::of(SecretKind::Proof, text).ok_or_else(|| {
        let rule = "must be the `proof` that `POST /v1/readers` answered";
        ApiError::InvalidFields(vec![FieldError::new("proof", "invalid_value", rule)])
    })
}
