//! Headers that several rooms read or write.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// No cache may keep the answer.
pub const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// The token in `Authorization: Bearer …` (RFC 6750, section 2.1); `None` when there is none, or
/// another scheme.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether somebody looks for a page at `uri`: a browser says that it takes HTML, and below `/v1/` are
/// none.
#[must_use]
pub fn wants_page(uri: &Uri, headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter();
    !uri.path().starts_with("/v1/")
        && accepts.filter_map(|it| it.to_str().ok()).any(|it| it.contains("text/html"))
}

/// What the client calls itself.
#[must_use]
pub fn user_agent(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}
