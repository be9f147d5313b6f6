//! A form that was sent: taken only from our own pages, bounded, and with the fields that it has.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Limited};
use serde::{
    Deserialize,
    de::value::{Error as ValueError, MapDeserializer},
};

use super::{Pages, refusal, sheet::Sheet, visit::Visit};
use crate::{auth::form, http::body::BODY_MAX};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Most fields of a form: a box for each newsletter that a catalog may have, and a few more.
const FIELDS_MAX: usize = 60;

/// The fields of a form that is only a button.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// A form whose token is good, and the browser that sent it.
pub(super) struct Submitted<T> {
    pub(super) visit: Visit,
    pub(super) fields: T,
}

/// A form that needs no token, since it does nothing in the name of whoever is logged in: what it
/// holds is all that counts. It works where cookies are off.
pub(super) struct Sent<T> {
    pub(super) visit: Visit,
    pub(super) fields: T,
}

/// A form as it came: the browser, the path, the token and the other fields.
struct Raw {
    visit: Visit,
    /// For a refusal. It has no forms: their cookie may be new, and is not given with it.
    sheet: Sheet,
    path: String,
    token: String,
    fields: Vec<(String, String)>,
}

impl Raw {
    async fn read(request: Request, pages: &Pages) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        if !is_from_here(&parts.headers, &pages.accounts.public_url) {
            let sheet = Sheet::by_request(pages, &parts.uri, &parts.headers);
            return Err(refusal::foreign(pages, &sheet));
        }
        let visit = Visit::from_request_parts(&mut parts, pages).await;
        let visit = visit.map_err(IntoResponse::into_response)?;
        let sheet = visit.sheet(pages).without_forms();
        let bytes = Limited::new(body, BODY_MAX).collect().await;
        let bytes = bytes.map_err(|_| refusal::unreadable(pages, &sheet))?.to_bytes();
        let fields = serde_urlencoded::from_bytes::<Vec<(String, String)>>(&bytes);
        let mut fields = fields.map_err(|_| refusal::unreadable(pages, &sheet))?;
        let place = fields.iter().position(|(name, _)| name == form::FIELD);
        let token = place.map(|place| fields.swap_remove(place).1).unwrap_or_default();
        Ok(Self { visit, sheet, path: parts.uri.path().to_owned(), token, fields })
    }

    /// The fields as `T` has them; where they are others, what to say so on.
    fn fields<T: for<'de> Deserialize<'de>>(self) -> Result<(Visit, T), Box<Sheet>> {
        let Self { visit, sheet, fields, .. } = self;
        if fields.len() > FIELDS_MAX {
            return Err(Box::new(sheet));
        }
        let fields = MapDeserializer::<_, ValueError>::new(fields.into_iter());
        match T::deserialize(fields) {
            Ok(fields) => Ok((visit, fields)),
            Err(_) => Err(Box::new(sheet)),
        }
    }
}

impl<T: for<'de> Deserialize<'de>> FromRequest<Pages> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, Response> {
        let fields = Raw::read(request, pages).await?.fields();
        let (visit, fields) = fields.map_err(|sheet| refusal::unreadable(pages, &sheet))?;
        Ok(Self { visit, fields })
    }
}

impl<T: for<'de> Deserialize<'de>> FromRequest<Pages> for Submitted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, Response> {
        let raw = Raw::read(request, pages).await?;
        let keys = &pages.accounts.directory.snapshot().keys.form;
        let form = (raw.visit.holder, raw.path.as_str());
        if !form::holds(keys, form, &raw.token, pages.accounts.clock.now()) {
            let keeps = raw.visit.keeps_cookies;
            let told = if keeps { refusal::stale } else { refusal::no_cookies };
            return Err(told(pages, &raw.sheet));
        }
        let fields = raw.fields();
        let (visit, fields) = fields.map_err(|sheet| refusal::unreadable(pages, &sheet))?;
        Ok(Self { visit, fields })
    }
}

/// Whether the browser says that one of our pages sent this. Browsers that say nothing are told by
/// the token alone.
fn is_from_here(headers: &HeaderMap, public_url: &str) -> bool {
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
    use axum::http::HeaderValue;

    use super::*;

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
