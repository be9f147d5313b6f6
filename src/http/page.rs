//! What every page of ours is answered with: nothing is kept, framed, or asked of the device.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::problem::ApiError;

/// An address may hold the token of a link. (`no-referrer` would hide the origin of forms from ourselves
/// too.)
const REFERRER_POLICY: &str = "strict-origin";
/// A form needs none of what a device can do.
const PERMISSIONS_POLICY: &str = "accelerometer=(), camera=(), display-capture=(), \
    geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// The policy of a page that holds its `style` itself, and loads, sends and leads to nothing (Content
/// Security Policy).
#[must_use]
pub fn policy_with_style(style: &str) -> String {
    let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The answer with a page of `html`, which may load what `policy` allows (Content Security Policy).
#[must_use]
pub fn answer(status: StatusCode, policy: &'static str, html: askama::Result<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, REFERRER_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept-language, cookie"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    match html {
        Ok(html) => (status, headers, html).into_response(),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// Whatever a browser shows, and has no policy of its own, loads nothing, is framed by nothing, and keeps
/// its address, which may hold the token of a link, to itself.
pub(super) fn protect(headers: &mut HeaderMap) {
    let is_shown = headers.get(header::CONTENT_TYPE).is_some_and(|media_type| {
        let media_type = media_type.as_bytes();
        media_type.starts_with(b"text/html") || media_type.starts_with(b"image/svg+xml")
    });
    if is_shown {
        let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
        let referrer = HeaderValue::from_static(REFERRER_POLICY);
        headers.entry(header::REFERRER_POLICY).or_insert(referrer);
    }
}

/// `page`, which tells of what `problem` is about, instead of that: with how long to wait, and with
/// the cause, which the edge finds there and logs.
#[must_use]
pub fn instead_of(problem: &Response, mut page: Response) -> Response {
    if let Some(wait) = problem.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    if let Some(error) = problem.extensions().get::<Arc<ApiError>>() {
        page.extensions_mut().insert(Arc::clone(error));
    }
    page
}
