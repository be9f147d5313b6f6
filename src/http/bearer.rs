//! The token in `Authorization: Bearer …` (RFC 6750, section 2.1).

use axum::http::{HeaderMap, header};

/// The token; `None` when there is none, or another scheme.
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
