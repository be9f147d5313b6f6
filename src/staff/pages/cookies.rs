//! The cookies of the back office: one of whoever is on duty, one that ties the log-in form to a
//! browser. No other website's link takes them along.

use axum::http::{HeaderMap, HeaderValue};

use crate::{
    auth::session::secret::{Secret, SecretHash, SecretKind},
    http::cookie::{self, SameSite},
};

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// Of whoever is on duty.
    Session,
    /// Of whoever was shown the log-in form.
    Form,
}

impl Name {
    fn text(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-pressgate_staff",
            (Self::Session, false) => "pressgate_staff",
            (Self::Form, true) => "__Host-pressgate_staff_form",
            (Self::Form, false) => "pressgate_staff_form",
        }
    }
}

/// The hash of the secret in a cookie, where it can be one.
pub(super) fn read(headers: &HeaderMap, name: Name, secure: bool) -> Option<SecretHash> {
    let cookie = cookie::find(headers, name.text(secure))?;
    SecretHash::of(SecretKind::Cookie, cookie.value())
}

/// Sets a cookie for as long as the browser is open.
pub(super) fn set(name: Name, secret: &Secret, secure: bool) -> Option<HeaderValue> {
    cookie::set((name.text(secure), secret.expose()), SameSite::Strict, None, secure)
}

/// Takes a cookie away.
pub(super) fn clear(name: Name, secure: bool) -> Option<HeaderValue> {
    cookie::clear(name.text(secure), SameSite::Strict, secure)
}
