//! Cookies of our own pages: hidden from scripts, for this host alone, and in live service by HTTPS
//! only.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::Cookie;
pub use cookie::SameSite;
use time::Duration;

/// The cookie with this name, if the browser sent it.
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cookie<'a>> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = values.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == name)
}

/// The header that sets a cookie to `text` for `life`, or for as long as the browser is open.
/// `secure` names it must begin with `__Host-`: browsers take those only by HTTPS, for this host and
/// every path of it. None where `text` can stand in no header.
#[must_use]
pub fn set(
    (name, text): (&str, &str),
    same_site: SameSite,
    life: Option<Duration>,
    secure: bool,
) -> Option<HeaderValue> {
    let mut cookie =
        Cookie::build((name, text)).path("/").http_only(true).same_site(same_site).secure(secure);
    if let Some(life) = life {
        cookie = cookie.max_age(life);
    }
    HeaderValue::from_str(&cookie.build().to_string()).ok()
}

/// The header that takes a cookie away. (`Clear-Site-Data` would take the visitor's with it, and the
/// meter's count of this browser.)
#[must_use]
pub fn clear(name: &str, same_site: SameSite, secure: bool) -> Option<HeaderValue> {
    set((name, ""), same_site, Some(Duration::ZERO), secure)
}
