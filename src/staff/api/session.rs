//! Coming on duty and leaving.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::{
        access_token::{LIFE, Realm, Scope},
        password::Password,
        session::{model::device_name, secret::SecretKind},
        staff::model::Staff,
    },
    http::{
        body::{JsonBytes, parse},
        headers::{NO_STORE, user_agent},
        problem::{ApiError, FieldError, ProblemBody},
    },
    mail::address::Address,
    staff::{
        desk::{Desk, OnDuty, Origin},
        log_in::{CameOnDuty, SecondFactor, StaffDevice},
    },
};

/// Both factors. Accounts with a second factor send `totp` or, when it is lost, `recovery_code`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StaffLogin {
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[schema(format = Password, max_length = 256)]
    password: String,
    /// Six digits of the authenticator app.
    #[serde(default)]
    totp: Option<String>,
    /// Such as `01abc-defgh`; each works once.
    #[serde(default)]
    recovery_code: Option<String>,
    /// From an earlier login on this device. It replaces no factor. With it, the login has a limit
    /// of its own, so that wrong passwords sent by others cannot keep you out. One that is over or
    /// not valid is ignored.
    #[serde(default)]
    #[schema(max_length = 128)]
    device_token: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StaffRefresh {
    #[serde(deserialize_with = "crate::http::text::anything")]
    refresh_token: String,
}

/// A member of staff.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StaffBody {
    id: Uuid,
    email: String,
    /// `viewer`, `support` or `admin`.
    role: &'static str,
}

impl From<&Staff> for StaffBody {
    fn from(staff: &Staff) -> Self {
        let email = staff.email.typed().to_owned();
        Self { id: staff.id, email, role: staff.role.as_str() }
    }
}

/// Who came on duty, and what opens doors from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StaffTokens {
    staff: StaffBody,
    /// A JWT with the audience `staff`, which opens nothing of readers.
    access_token: String,
    /// Good for one use at `POST /v1/staff/refresh`, for 12 hours at most.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// Only after a login: keep it on this device for the next one. It is good for 90 days, until
    /// the password or the second factor is changed or the account is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

fn tokens(desk: &Desk, came: &CameOnDuty) -> Result<Response, ApiError> {
    let body = StaffTokens {
        staff: StaffBody::from(&came.staff),
        access_token: desk.tokens.issue(Realm::Staff, came.caller(), &Scope::Full)?,
        refresh_token: came.secret.expose().to_owned(),
        token_type: "Bearer",
        expires_in: LIFE.whole_seconds(),
        device_token: came.device_token.clone(),
    };
    Ok((NO_STORE, Json(body)).into_response())
}

fn second_factor(login: &StaffLogin) -> Result<Option<SecondFactor>, FieldError> {
    match (&login.totp, &login.recovery_code) {
        (None, None) => Ok(None),
        (Some(code), None) => match SecondFactor::of_app(code) {
            Some(factor) => Ok(Some(factor)),
            None => Err(FieldError::new("totp", "invalid_value", "must be six digits")),
        },
        (None, Some(code)) => match SecondFactor::of_paper(code) {
            Some(factor) => Ok(Some(factor)),
            None => {
                let detail = "must be a code such as `01abc-defgh`";
                Err(FieldError::new("recovery_code", "invalid_value", detail))
            }
        },
        (Some(_), Some(_)) => {
            Err(FieldError::new("recovery_code", "invalid_value", "send either this or `totp`"))
        }
    }
}

/// Logs in.
#[utoipa::path(post, path = "/v1/staff/login", tag = "Staff", request_body = StaffLogin,
    responses((status = 200, description = "On duty", body = StaffTokens),
              (status = 401, description = "Wrong, or the second factor is missing",
               body = ProblemBody),
              (status = 403, description = "No second factor to log in with", body = ProblemBody),
              (status = 429, description = "Too many wrong ones", body = ProblemBody)))]
pub(super) async fn log_in(
    State(desk): State<Arc<Desk>>,
    origin: Origin,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let login: StaffLogin = parse(&bytes)?;
    let wrong = |error| ApiError::InvalidFields(vec![error]);
    let email = Address::parse(&login.email)
        .map_err(|error| wrong(FieldError::new("email", "invalid_value", error.to_string())))?;
    let attempt = Password::attempt(&login.password).ok_or_else(|| {
        wrong(FieldError::new("password", "too_long", "must have at most 256 characters"))
    })?;
    let factor = second_factor(&login).map_err(wrong)?;
    let device = StaffDevice {
        name: device_name(user_agent(&headers)),
        keeps: SecretKind::Refresh,
        token: login.device_token.as_deref(),
        origin: &origin,
    };
    tokens(&desk, &desk.log_in(&email, &attempt, factor.as_ref(), device).await?)
}

/// Gives a new pair of tokens for a refresh token.
#[utoipa::path(post, path = "/v1/staff/refresh", tag = "Staff", request_body = StaffRefresh,
    responses((status = 200, description = "A new pair", body = StaffTokens),
              (status = 401, description = "Used, over or unknown", body = ProblemBody)))]
pub(super) async fn refresh(
    State(desk): State<Arc<Desk>>,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let StaffRefresh { refresh_token } = parse(&bytes)?;
    tokens(&desk, &desk.refresh(&refresh_token).await?)
}

/// Ends the session of the access token.
#[utoipa::path(post, path = "/v1/staff/logout", tag = "Staff", security(("staff_token" = [])),
    responses((status = 204, description = "Ended"),
              (status = 401, description = "No valid token", body = ProblemBody)))]
pub(super) async fn log_out(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<StatusCode, ApiError> {
    desk.log_out(&on_duty.to_self()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is on duty.
#[utoipa::path(get, path = "/v1/staff/me", tag = "Staff", security(("staff_token" = [])),
    responses((status = 200, description = "The account", body = StaffBody),
              (status = 401, description = "No valid token", body = ProblemBody)))]
pub(super) async fn me(on_duty: OnDuty) -> Response {
    (NO_STORE, Json(StaffBody::from(&on_duty.to_self().staff))).into_response()
}
