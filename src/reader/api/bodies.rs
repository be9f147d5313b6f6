//! The shapes that several calls share, and who calls.

use std::sync::Arc;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::{
        access_token::{Call, Caller, Realm, Scope},
        password::{Attempt, Password},
        session::{model::device_name, secret::SecretKind},
    },
    http::{
        client_ip::ClientIp,
        headers::{NO_STORE, user_agent},
        problem::{ApiError, FieldError},
    },
    language::{Language, Words},
    mail::address::Address,
    reader::{
        accounts::{Accounts, Device, LoggedIn},
        model::Reader,
    },
};

/// How to write to a stranger for whom a program with these headers asks.
pub(super) fn asked_in(headers: &HeaderMap) -> Words {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Words { language: Language::choose(None, None, accepted), ..Words::default() }
}

/// An address and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// Any spelling of the address.
    #[schema(format = Email, max_length = 254)]
    pub(super) email: String,
    /// 8 to 256 characters.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    pub(super) password: String,
}

/// An address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JustEmail {
    /// Any spelling of the address.
    #[schema(format = Email, max_length = 254)]
    pub(super) email: String,
}

/// What a link in a mail holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JustToken {
    /// The text after `?token=`.
    pub(super) token: String,
}

/// That something was mailed, whoever the address belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckMail {
    /// Always `check_mail`.
    status: &'static str,
}

impl CheckMail {
    pub(super) fn response() -> Response {
        let body = Json(Self { status: "check_mail" });
        (axum::http::StatusCode::ACCEPTED, NO_STORE, body).into_response()
    }
}

/// A reader, as the reader sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReaderBody {
    /// The `sub` of access tokens.
    id: Uuid,
    /// As typed; null for a website to which somebody was handed over who reads, and has not
    /// proved to be the reader.
    #[schema(required)]
    email: Option<String>,
    /// Whether a mail to this address was answered; false where there is none.
    email_verified: bool,
}

impl From<&Reader> for ReaderBody {
    fn from(reader: &Reader) -> Self {
        Self {
            id: reader.id,
            email: Some(reader.email.typed().to_owned()),
            email_verified: reader.email_verified_at.is_some(),
        }
    }
}

/// Who logged in, and what opens doors from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokensBody {
    reader: ReaderBody,
    /// A JWT (RFC 9068), for `Authorization: Bearer …` and for `reader` of `POST /v1/access`. Its
    /// `aud` is `reader`; a website's, by `POST /v1/auth/handovers/redeem`, has the `aud`
    /// `site:<id>` and the `scope` `site`, or `read` for a guest.
    access_token: String,
    /// Opaque; good for one use at `POST /v1/auth/refresh`.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
}

/// The tokens of one who has just logged in.
pub(super) fn tokens(accounts: &Accounts, logged_in: &LoggedIn) -> Result<Response, ApiError> {
    let (reader, caller) = (&logged_in.reader, logged_in.caller());
    let reader = match logged_in.scope {
        Scope::Full | Scope::Site(_) => ReaderBody::from(reader),
        // A website that knows its own readers by address must not take this one for theirs.
        Scope::Read(_) => ReaderBody { id: reader.id, email: None, email_verified: false },
    };
    let access_token = accounts.tokens.issue(Realm::Reader, caller, &logged_in.scope)?;
    let body = TokensBody {
        reader,
        access_token,
        refresh_token: logged_in.secret.expose().to_owned(),
        token_type: "Bearer",
        expires_in: accounts.expires_in(),
    };
    Ok((NO_STORE, Json(body)).into_response())
}

pub(super) fn parse_email(text: &str) -> Result<Address, ApiError> {
    Address::parse(text).map_err(|error| {
        ApiError::InvalidFields(vec![FieldError::new("email", "invalid_value", error.to_string())])
    })
}

/// A password that is given to prove who somebody is. One that is too long to be one is refused
/// like any other that is wrong in form.
pub(super) fn parse_attempt(field: &str, text: &str) -> Result<Attempt, ApiError> {
    Password::attempt(text).ok_or_else(|| {
        let detail = "must have at most 256 characters";
        ApiError::InvalidFields(vec![FieldError::new(field, "too_long", detail)])
    })
}

/// The device behind a request of a program.
pub(super) fn device(headers: &HeaderMap, client: ClientIp) -> Device {
    Device { name: device_name(user_agent(headers)), keeps: SecretKind::Refresh, client }
}

/// A reader whose access token opens the account.
pub(super) struct SignedIn(pub(super) Caller);

impl FromRequestParts<Arc<Accounts>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        accounts: &Arc<Accounts>,
    ) -> Result<Self, ApiError> {
        accounts.tokens.reader_of(&parts.headers, Call::Account).map(Self)
    }
}

/// A reader who is asked for by the website that serves them, too.
pub(super) struct Identified(pub(super) Caller);

impl FromRequestParts<Arc<Accounts>> for Identified {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        accounts: &Arc<Accounts>,
    ) -> Result<Self, ApiError> {
        accounts.tokens.reader_of(&parts.headers, Call::Profile).map(Self)
    }
}
