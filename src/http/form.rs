//! Forms that browsers send: taken from our own pages only, bounded, and read into typed fields.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header},
};
use http_body_util::{BodyExt, Limited};
use serde::{
    Deserialize,
    de::value::{Error as ValueError, MapDeserializer},
};

use super::{body::BODY_MAX, problem::FieldError, strict::Strict, text};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Most fields of a form: a box for each newsletter that a catalog may have, and a few more.
const FIELDS_MAX: usize = 60;

/// The fields of a form that is only a button.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The body is too long, or no form, or has other fields than were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is none of our forms")]
pub struct UnreadableForm;

/// Why fields are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidForm {
    /// They are others than were asked for, or too many.
    #[error(transparent)]
    Unreadable(#[from] UnreadableForm),
    /// This one breaks a rule for texts; see [`text`].
    #[error("{}: {}", .0.field, .0.detail)]
    Text(FieldError),
}

/// The fields of a form, in the order in which they came.
#[derive(Debug)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads the body of a request with these headers.
    ///
    /// # Errors
    /// [`UnreadableForm`], also where the headers say that it is something else.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, UnreadableForm> {
        if !is_form(headers) {
            return Err(UnreadableForm);
        }
        let bytes = Limited::new(body, BODY_MAX).collect().await;
        let bytes = bytes.map_err(|_| UnreadableForm)?.to_bytes();
        serde_urlencoded::from_bytes(&bytes).map(Self).map_err(|_| UnreadableForm)
    }

    /// Takes the first field `name` out; empty where there is none.
    pub fn take(&mut self, name: &str) -> String {
        let place = self.0.iter().position(|(field, _)| field == name);
        place.map(|place| self.0.swap_remove(place).1).unwrap_or_default()
    }

    /// The fields as `T` has them.
    ///
    /// # Errors
    /// [`InvalidForm`].
    pub fn into<T: for<'de> Deserialize<'de>>(self) -> Result<T, InvalidForm> {
        if self.0.len() > FIELDS_MAX {
            return Err(UnreadableForm.into());
        }
        let fields = MapDeserializer::<_, ValueError>::new(self.0.into_iter());
        serde_path_to_error::deserialize(Strict::new(fields)).map_err(|error| {
            let (field, detail) = (error.path().to_string(), error.inner().to_string());
            if text::is_rule(&detail) {
                InvalidForm::Text(FieldError::new(field, "invalid_value", detail))
            } else {
                UnreadableForm.into()
            }
        })
    }
}

/// Whether the body is what browsers send for a plain form.
fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Whether the browser says at all which page sent this, as all do that send forms today.
#[must_use]
pub fn says_where_from(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key(SEC_FETCH_SITE)
}

/// Whether the browser says that one of our pages sent this. Browsers that say nothing are told by the
/// form's token alone. `public_url` is where we are found.
#[must_use]
pub fn is_from_here(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site_fits = text(&SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = text(&header::HOST).unwrap_or_default();
    let is_ours = |origin: &str| {
        // A sandbox is opened by more than one name. A page that came without HTTPS, and so
        // perhaps from anybody on the way, is never ours where we have it.
        let (scheme, name) = origin.split_once("://").unwrap_or_default();
        let is_host = name == host && (scheme == "https" || public_url.starts_with("http://"));
        origin == public_url || (!name.is_empty() && is_host)
    };
    site_fits && text(&header::ORIGIN).is_none_or(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_that_it_is_one() {
        for (media_type, expected) in [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-Urlencoded ; charset=utf-8", true),
            ("application/x-www-form-urlencoded-not", false),
            ("text/plain;application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            assert_eq!(is_form(&headers), expected, "{media_type}");
        }
        assert!(!is_form(&HeaderMap::new()));
    }

    #[test]
    fn only_our_own_pages_send_forms() {
        let ours = "https://pay.example";
        for (origin, site, expected) in [
            (None, None, true),
            (Some(ours), None, true),
            (Some(ours), Some("same-origin"), true),
            (Some("https://localhost:8080"), Some("same-origin"), true),
            (Some("http://localhost:8080"), Some("same-origin"), false),
            (None, Some("none"), true),
            (Some("https://evil.example"), None, false),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some("https://pay.example.evil.example"), None, false),
            (Some("null"), None, false),
            (Some(""), None, false),
            (Some(ours), Some("cross-site"), false),
            (None, Some("cross-site"), false),
            (None, Some("same-site"), false),
            (Some(ours), Some("Same-Origin?"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
            origin.map(|text| headers.insert(header::ORIGIN, HeaderValue::from_static(text)));
            site.map(|text| headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(text)));
            assert_eq!(is_from_here(&headers, ours), expected, "{origin:?} {site:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://localhost:8080"));
        assert!(!is_from_here(&headers, "http://127.0.0.1:8080"));
        headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
        assert!(is_from_here(&headers, "http://127.0.0.1:8080"), "a sandbox by its other name");
    }
}
