//! Tables to take away: CSV (RFC 4180) that is no program to a spreadsheet, sent page by page so
//! that any number of rows takes the memory of one page.

use std::borrow::Cow;

use axum::{
    BoxError,
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, stream};

use super::headers::NO_STORE;

/// Whether a spreadsheet would take this cell for a formula (OWASP, "CSV injection").
#[must_use]
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The cell, which no spreadsheet takes for a formula: it begins with an apostrophe where it would.
#[must_use]
pub fn harmless(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// A file `name` that begins with `start` and goes on with `rest`.
pub fn answer(
    name: &str,
    start: Vec<u8>,
    rest: impl Stream<Item = Result<Vec<u8>, BoxError>> + Send + 'static,
) -> Response {
    let whole = stream::once(async { Ok::<_, BoxError>(start) }).chain(rest);
    file(name, Body::from_stream(whole))
}

/// A file `name` with this `body`.
pub fn file(name: &str, body: impl Into<Body>) -> Response {
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    let mut response = (NO_STORE, body.into()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, csv);
    let attachment = format!("attachment; filename=\"{name}\"");
    if let Ok(attachment) = HeaderValue::from_str(&attachment) {
        headers.insert(header::CONTENT_DISPOSITION, attachment);
    }
    response
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_texts() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("anna@example.org", "anna@example.org"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), written);
        }
    }

    proptest! {
        #[test]
        fn nothing_stays_a_formula(cell in "\\PC{0,20}|[=+@\\-\t\r].{0,5}") {
            prop_assert!(!is_formula(&harmless(&cell)));
            prop_assert!(harmless(&cell).ends_with(&cell));
        }
    }
}
