//! The cookies of these pages: the session's, one that ties forms to a browser that is not logged
//! in, the proof of a sign-up, the name of the site that the browser came from, and the language that was chosen.

use ::cookie::Cookie;
use axum::http::{HeaderMap, HeaderValue};
use time::Duration;

use crate::{
    auth::session::secret::{Secret, SecretHash, SecretKind},
    http::cookie::{self, SameSite},
    language::Language,
};

/// How long a browser keeps the language that was chosen in it.
const LANGUAGE_LIFE: Duration = Duration::days(365);

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// Of somebody who is logged in.
    Session,
    /// Of anybody who was shown a form.
    Form,
    /// Of the browser that signed up last: the proof by which its password takes effect.
    SignUp,
    /// Of anybody who came from a site. No secret: its id.
    Site,
    /// Of anybody who has chosen a language.
    Language,
}

impl Name {
    /// Browsers take a `__Host-` cookie only by HTTPS, for this host and every path of it.
    fn text(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-pressgate_session",
            (Self::Session, false) => "pressgate_session",
            (Self::Form, true) => "__Host-pressgate_form",
            (Self::Form, false) => "pressgate_form",
            (Self::SignUp, true) => "__Host-pressgate_signup",
            (Self::SignUp, false) => "pressgate_signup",
            (Self::Site, true) => "__Host-pressgate_site",
            (Self::Site, false) => "pressgate_site",
            (Self::Language, true) => "__Host-pressgate_language",
            (Self::Language, false) => "pressgate_language",
        }
    }

    fn kind(self) -> SecretKind {
        match self {
            Self::SignUp => SecretKind::Proof,
            Self::Session | Self::Form | Self::Site | Self::Language => SecretKind::Cookie,
        }
    }
}

/// The hash of the secret in a cookie, where it can be one.
pub(super) fn read(headers: &HeaderMap, name: Name, secure: bool) -> Option<SecretHash> {
    find(headers, name, secure).and_then(|cookie| SecretHash::of(name.kind(), cookie.value()))
}

/// What a cookie says that is no secret.
pub(super) fn text(headers: &HeaderMap, name: Name, secure: bool) -> Option<&str> {
    find(headers, name, secure)?.value_raw()
}

/// Whether the browser sent this cookie, whatever it holds.
pub(super) fn is_sent(headers: &HeaderMap, name: Name, secure: bool) -> bool {
    find(headers, name, secure).is_some()
}

fn find(headers: &HeaderMap, name: Name, secure: bool) -> Option<Cookie<'_>> {
    cookie::find(headers, name.text(secure))
}

/// The language that was chosen in this browser.
pub(super) fn language(headers: &HeaderMap, secure: bool) -> Option<Language> {
    text(headers, Name::Language, secure).and_then(Language::parse)
}

/// Keeps a language in the browser.
pub(super) fn set_language(language: Language, secure: bool) -> Option<HeaderValue> {
    set_text(Name::Language, language.tag(), Some(LANGUAGE_LIFE), secure)
}

/// Sets a cookie for `life`, or for as long as the browser is open.
pub(super) fn set(
    name: Name,
    secret: &Secret,
    life: Option<Duration>,
    secure: bool,
) -> Option<HeaderValue> {
    set_text(name, secret.expose(), life, secure)
}

/// Sets a cookie that says `text`.
pub(super) fn set_text(
    name: Name,
    text: &str,
    life: Option<Duration>,
    secure: bool,
) -> Option<HeaderValue> {
    cookie::set((name.text(secure), text), SameSite::Lax, life, secure)
}

/// Takes a cookie away.
pub(super) fn clear(name: Name, secure: bool) -> Option<HeaderValue> {
    cookie::clear(name.text(secure), SameSite::Lax, secure)
}
