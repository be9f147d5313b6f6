//! `/v1/me…`: the reader's own things, by the reader's access token.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::{
    CheckMail, Identified, JustToken, ReaderBody, SignedIn, TokensBody, device, parse_attempt,
    parse_email, tokens,
};
use crate::{
    auth::{hashing::HashError, session::model::Session},
    clock::Timestamp,
    http::{
        body::{JsonBytes, parse},
        client_ip::ClientIp,
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, FieldError, ProblemBody},
    },
    reader::{
        accounts::{AccountError, Accounts},
        address::Agreement,
        data::Export,
    },
};

/// A reader's profile.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Profile {
    #[serde(flatten)]
    reader: ReaderBody,
    /// Whether a password is set; those without log in by mail.
    has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    /// Left out by readers who have none yet.
    #[serde(default)]
    #[schema(format = Password)]
    current_password: Option<String>,
    /// 8 to 256 characters, none too common.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    new_password: String,
}

/// A change of address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressChange {
    /// The address to come.
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// May be left out within an hour after logging in.
    #[serde(default)]
    #[schema(format = Password)]
    password: Option<String>,
}

/// How far a change of address has come.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AddressAgreement {
    /// `changed`, or `waits_for_other` while the other mailbox has not agreed.
    status: &'static str,
}

/// A device that is logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionBody {
    id: Uuid,
    /// What it calls itself.
    device: String,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// To the minute.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Whether this request came from it.
    current: bool,
}

impl SessionBody {
    fn of(session: Session, current: Uuid) -> Self {
        let Session { id, device, started_at, last_used_at, expires_at, .. } = session;
        Self { id, device, started_at, last_used_at, expires_at, current: id == current }
    }
}

/// The devices that are logged in, the last used first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sessions {
    sessions: Vec<SessionBody>,
}

/// The reader's profile.
///
/// The one call of a reader that a website's token of the scope `site` opens too.
#[utoipa::path(get, path = "/v1/me", tag = "Readers", security(("reader_token" = [])),
    responses((status = 200, description = "The profile", body = Profile),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A guest's token", body = ProblemBody)))]
pub(super) async fn profile(
    State(accounts): State<Arc<Accounts>>,
    Identified(caller): Identified,
) -> Result<Response, ApiError> {
    let reader = accounts.profile(caller).await?;
    let profile = Profile {
        reader: ReaderBody::from(&reader),
        has_password: reader.password_hash.is_some(),
        created_at: reader.created_at,
    };
    Ok((NO_STORE, Json(profile)).into_response())
}

/// Everything that is held about the reader.
#[utoipa::path(get, path = "/v1/me/export", tag = "Readers", security(("reader_token" = [])),
    responses((status = 200, description = "All of it", body = Export),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody)))]
pub(super) async fn export(
    State(accounts): State<Arc<Accounts>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, ApiError> {
    let export = accounts.export(caller.subject).await?;
    let name = HeaderValue::from_static("attachment; filename=\"my-data.json\"");
    Ok((NO_STORE, [(header::CONTENT_DISPOSITION, name)], Json(export)).into_response())
}

/// Erases the reader: the address, the password, every session. It cannot be undone.
///
/// Asks for a login within the last hour.
#[utoipa::path(delete, path = "/v1/me", tag = "Readers", security(("reader_token" = [])),
    responses((status = 204, description = "Erased"),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "Log in once more, or a website's token", body = ProblemBody)))]
pub(super) async fn erase(
    State(accounts): State<Arc<Accounts>>,
    SignedIn(caller): SignedIn,
) -> Result<StatusCode, ApiError> {
    accounts.erase_self(caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the password. Every session ends, and the caller gets a new one.
#[utoipa::path(put, path = "/v1/me/password", tag = "Readers", security(("reader_token" = [])),
    request_body = PasswordChange,
    responses((status = 200, description = "Changed", body = TokensBody),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "The current one is wrong, or a website's token", body = ProblemBody),
              (status = 422, description = "The new one cannot be taken", body = ProblemBody)))]
pub(super) async fn change_password(
    State(accounts): State<Arc<Accounts>>,
    SignedIn(caller): SignedIn,
    client: ClientIp,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let PasswordChange { current_password, new_password } = parse(&bytes)?;
    let current =
        current_password.map(|text| parse_attempt("current_password", &text)).transpose()?;
    let device = device(&headers, client);
    let changed = accounts.change_password(caller, current.as_ref(), &new_password, device).await;
    let logged_in = changed.map_err(|error| match error {
        AccountError::Hash(HashError::Refused(rule)) => {
            let error = FieldError::new("new_password", rule.code(), rule.to_string());
            ApiError::InvalidFields(vec![error])
        }
        error => error.into(),
    })?;
    tokens(&accounts, &logged_in)
}

/// Asks both mailboxes whether mail shall go to a new address.
#[utoipa::path(post, path = "/v1/me/email", tag = "Readers", security(("reader_token" = [])),
    request_body = AddressChange,
    responses((status = 202, description = "Two mails are on their way", body = CheckMail),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "Send the password, or log in; or a website's token", body = ProblemBody)))]
pub(super) async fn ask_for_address(
    State(accounts): State<Arc<Accounts>>,
    SignedIn(caller): SignedIn,
    client: ClientIp,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let AddressChange { email, password } = parse(&bytes)?;
    let password = password.map(|text| parse_attempt("password", &text)).transpose()?;
    let email = parse_email(&email)?;
    accounts.ask_for_address(caller, password.as_ref(), &email, client).await?;
    Ok(CheckMail::response())
}

/// Agrees to a change of address in the name of the mailbox that got the token.
#[utoipa::path(post, path = "/v1/me/email/confirm", tag = "Readers", request_body = JustToken,
    responses((status = 200, description = "Agreed", body = AddressAgreement),
              (status = 401, description = "Used, over or unknown", body = ProblemBody)))]
pub(super) async fn agree_to_address(
    State(accounts): State<Arc<Accounts>>,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let JustToken { token } = parse(&bytes)?;
    let status = match accounts.agree_to_address(&token).await? {
        Agreement::Changed => "changed",
        Agreement::WaitsForOther => "waits_for_other",
    };
    Ok((NO_STORE, Json(AddressAgreement { status })).into_response())
}

/// The devices that are logged in.
#[utoipa::path(get, path = "/v1/me/sessions", tag = "Readers", security(("reader_token" = [])),
    responses((status = 200, description = "The last used first", body = Sessions),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody)))]
pub(super) async fn sessions(
    State(accounts): State<Arc<Accounts>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, ApiError> {
    let sessions = accounts.sessions(caller).await?;
    let sessions =
        sessions.into_iter().map(|session| SessionBody::of(session, caller.session)).collect();
    Ok((NO_STORE, Json(Sessions { sessions })).into_response())
}

/// Logs every device out, this one too.
#[utoipa::path(delete, path = "/v1/me/sessions", tag = "Readers", security(("reader_token" = [])),
    responses((status = 204, description = "All have ended"),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody)))]
pub(super) async fn end_sessions(
    State(accounts): State<Arc<Accounts>>,
    SignedIn(caller): SignedIn,
) -> Result<StatusCode, ApiError> {
    accounts.end_sessions(caller.subject, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Logs one device out.
#[utoipa::path(delete, path = "/v1/me/sessions/{id}", tag = "Readers",
    security(("reader_token" = [])), params(("id" = Uuid, Path, description = "The session")),
    responses((status = 204, description = "Ended"),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody),
              (status = 404, description = "No such session of this reader", body = ProblemBody)))]
pub(super) async fn end_session(
    State(accounts): State<Arc<Accounts>>,
    SignedIn(caller): SignedIn,
    id: PathId,
) -> Result<StatusCode, ApiError> {
    let id = parse_id(id)?;
    if accounts.end_session(caller, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}
