//! What goes wrong, as a problem document (RFC 9457).

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use time::Duration;
use utoipa::ToSchema;

use crate::db;

/// Seconds after which a client may try again when we are overloaded or a store is down.
const RETRY_AFTER_SECS: u64 = 2;
/// Seconds after which the outcome of an open payment may be known.
const PAYMENT_RETRY_AFTER_SECS: u64 = 5;

/// Rounded up, so that whoever waits that long has waited long enough.
fn whole_seconds(duration: Duration) -> u64 {
    let micros = u128::try_from(duration.whole_microseconds()).unwrap_or(0);
    u64::try_from(micros.div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}

/// One field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Path to the field, such as `article.id` or `requests[3].visitor`.
    pub field: String,
    /// The rule's stable name: `required`, `invalid_type`, `unknown_field`, `invalid_value`, …
    pub code: &'static str,
    /// The rule in words.
    pub detail: String,
}

impl FieldError {
    /// An error of `field`.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code, detail: detail.into() }
    }
}

/// A problem as it travels.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Always `about:blank`: the title is the status's own, and `code` says which problem it is.
    pub r#type: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, for people.
    pub detail: String,
    /// What happened, for programs: a stable word.
    pub code: &'static str,
    /// Which fields break which rules.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: Vec<FieldError>,
}

/// Everything an API call can be refused for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body is not JSON.
    #[error("the body is not valid JSON: {detail}")]
    InvalidJson {
        /// What the parser says.
        detail: String,
        /// The field with the escape that is no character.
        at: Option<FieldError>,
    },
    /// The body is JSON, but fields break rules.
    #[error("some fields are not as they must be")]
    InvalidFields(Vec<FieldError>),
    /// Parameters of the address break rules.
    #[error("some parameters are not as they must be")]
    InvalidQuery(Vec<FieldError>),
    /// A header breaks a rule.
    #[error("{1}")]
    InvalidHeader(&'static str, &'static str),
    /// Well-formed, but it opens nothing.
    #[error("{1}")]
    Refused(&'static str, &'static str),
    /// An `Idempotency-Key` was used for something else.
    #[error("this `Idempotency-Key` was used for another request")]
    Reused,
    /// The body is larger than allowed.
    #[error("the body may have at most {0} bytes")]
    TooLarge(usize),
    /// The client stopped sending in the middle of the body.
    #[error("the body did not arrive whole")]
    BodyCut,
    /// The client sends the body too slowly.
    #[error("the body came too slowly: it must keep up 16 KiB a second, and be whole in 5 seconds")]
    BodyLate,
    /// The body is not declared to be JSON.
    #[error("the body must be sent as `Content-Type: application/json`")]
    UnsupportedMediaType,
    /// No credentials, or wrong ones.
    #[error("{1}")]
    Unauthorized(&'static str, &'static str),
    /// Known, but not allowed.
    #[error("{1}")]
    Forbidden(&'static str, &'static str),
    /// It would have to be paid for, and was not.
    #[error("{1}")]
    PaymentRequired(&'static str, Cow<'static, str>),
    /// It does not go from where things stand.
    #[error("{1}")]
    Conflict(&'static str, Cow<'static, str>),
    /// No such path.
    #[error("there is nothing at this path")]
    NotFound,
    /// No such method there.
    #[error("this path does not take this method")]
    MethodNotAllowed,
    /// Tried too often; see [`crate::auth::limits`].
    #[error("this was tried too often; try again in {} seconds", whole_seconds(*retry_after))]
    TooManyRequests {
        /// Which limit.
        code: &'static str,
        /// After this long one more try is allowed.
        retry_after: Duration,
    },
    /// We cannot answer now.
    #[error("{1}")]
    Unavailable(&'static str, Cow<'static, str>),
    /// A database cannot be used now; the cause is for the log only.
    #[error("the database cannot be used now; try again in a moment")]
    DatabaseUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Our fault; the cause is for the log only.
    #[error("something went wrong on our side")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    /// A failure that the client can only wait out: of a database that is gone for a while, or of
    /// ours.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        if db::is_unavailable(&*source) {
            Self::DatabaseUnavailable(source)
        } else {
            Self::Internal(source)
        }
    }

    /// More is asked for than can be done at once.
    #[must_use]
    pub fn overloaded() -> Self {
        let why = "more requests are in flight than this instance takes";
        Self::Unavailable("overloaded", why.into())
    }

    /// As it travels.
    #[must_use]
    pub fn problem(&self) -> ProblemBody {
        let (status, code) = self.parts();
        let errors = match self {
            Self::InvalidFields(errors) | Self::InvalidQuery(errors) => errors.clone(),
            Self::InvalidJson { at, .. } => at.iter().cloned().collect(),
            _ => Vec::new(),
        };
        ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: self.to_string(),
            code,
            errors,
        }
    }

    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidJson { .. } => (StatusCode::BAD_REQUEST, "invalid_json"),
            Self::InvalidFields(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields"),
            Self::InvalidQuery(_) => (StatusCode::BAD_REQUEST, "invalid_query"),
            Self::InvalidHeader(code, _) | Self::Refused(code, _) => {
                (StatusCode::BAD_REQUEST, code)
            }
            Self::Reused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyCut => (StatusCode::BAD_REQUEST, "body_cut"),
            Self::BodyLate => (StatusCode::REQUEST_TIMEOUT, "body_late"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::Unauthorized(code, _) => (StatusCode::UNAUTHORIZED, code),
            Self::Forbidden(code, _) => (StatusCode::FORBIDDEN, code),
            Self::PaymentRequired(code, _) => (StatusCode::PAYMENT_REQUIRED, code),
            Self::Conflict(code, _) => (StatusCode::CONFLICT, code),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::TooManyRequests { code, .. } => (StatusCode::TOO_MANY_REQUESTS, code),
            Self::Unavailable(code, _) => (StatusCode::SERVICE_UNAVAILABLE, code),
            Self::DatabaseUnavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "database_unavailable")
            }
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// [`ApiError::overloaded`], made once: it is answered when there is the least time.
#[must_use]
pub(super) fn overloaded() -> Response {
    static BODY: LazyLock<Bytes> = LazyLock::new(|| {
        serde_json::to_vec(&ApiError::overloaded().problem()).unwrap_or_default().into()
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::RETRY_AFTER, RETRY_AFTER_SECS.into()),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, BODY.clone()).into_response()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, _) = self.parts();
        let problem = self.problem();
        // A struct of texts and numbers always serialises.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match &self {
            Self::Unauthorized(..) => {
                let scheme = HeaderValue::from_static("Bearer realm=\"pressgate\"");
                headers.insert(header::WWW_AUTHENTICATE, scheme);
            }
            // RFC 6750, section 3.1.
            Self::Forbidden("insufficient_scope", _) => {
                let scheme = "Bearer realm=\"pressgate\", error=\"insufficient_scope\"";
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
            }
            Self::TooManyRequests { retry_after, .. } => {
                headers.insert(header::RETRY_AFTER, whole_seconds(*retry_after).into());
            }
            Self::Unavailable(..)
            | Self::DatabaseUnavailable(_)
            | Self::Conflict("idempotency_key_in_use", _) => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECS.into());
            }
            Self::Conflict("payment_pending", _) => {
                headers.insert(header::RETRY_AFTER, PAYMENT_RETRY_AFTER_SECS.into());
            }
            _ => {}
        }
        // The edge finds it here and logs it once, with the request's id.
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
