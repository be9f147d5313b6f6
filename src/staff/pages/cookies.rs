//! The cookies of the back office: the session's, one that ties the log-in form to a browser, and one
//! by which a browser is recognised that has logged in before. No other website's link takes them along.

use axum::http::{HeaderMap, HeaderValue};

use crate::{
    auth::{
        session::secret::{Secret, SecretHash, SecretKind},
        staff::device::LIFE,
    },
    http::cookie::{self, SameSite},
};

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// Of whoever is on duty.
    Session,
    /// Of anyone who was shown the log-in form.
    Form,
    /// Of a browser in which a member of staff has logged in before.
    Device,
}

impl Name {
    fn text(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-pressgate_staff",
            (Self::Session, false) => "pressgate_staff",
            (Self::Form, true) => "__Host-pressgate_staff_form",
            (Self::Form, false) => "pressgate_staff_form",
            (Self::Device, true) => "__Host-pressgate_staff_device",
            (Self::Device, false) => "pressgate_staff_device",
        }
    }
}

/// The hash of the secret in a cookie, where it can be one.
pub(super) fn read(headers: &HeaderMap, name: Name, secure: bool) -> Option<SecretHash> {
    let cookie = cookie::find(headers, name.text(secure))?;
    SecretHash::of(SecretKind::Cookie, cookie.value())
}

/// By what this browser is known.
pub(super) fn device(headers: &HeaderMap, secure: bool) -> Option<&str> {
    cookie::find(headers, Name::Device.text(secure))?.value_raw()
}

/// Makes this browser known for [`LIFE`].
pub(super) fn set_device(token: &str, secure: bool) -> Option<HeaderValue> {
    cookie::set((Name::Device.text(secure), token), SameSite::Strict, Some(LIFE), secure)
}

/// Sets a cookie for as long as the browser is open.
pub(super) fn set(name: Name, secret: &Secret, secure: bool) -> Option<HeaderValue> {
    cookie::set((name.text(secure), secret.expose()), SameSite::Strict, None, secure)
}

/// Takes a cookie away.
pub(super) fn clear(name: Name, secure: bool) -> Option<HeaderValue> {
    cookie::clear(name.text(secure), SameSite::Strict, secure)
}
