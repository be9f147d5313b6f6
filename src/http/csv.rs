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
use tokio::{sync::mpsc, task::JoinHandle};

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

/// What `reading` sends, page by page. Where it fails or panics the stream ends with an error, which
/// cuts the connection: a file that ends early must not look complete.
pub fn pages<Page: Send + 'static, E: Into<BoxError> + Send + 'static>(
    pages: mpsc::Receiver<Result<Page, E>>,
    reading: JoinHandle<()>,
) -> impl Stream<Item = Result<Page, BoxError>> + Send {
    stream::unfold(Some((pages, reading)), async |state| {
        let (mut pages, reading) = state?;
        match pages.recv().await {
            Some(Ok(page)) => Some((Ok(page), Some((pages, reading)))),
            Some(Err(error)) => Some((Err(error.into()), None)),
            None => reading.await.err().map(|panicked| (Err(panicked.into()), None)),
        }
    })
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
    use crate::http::problem::ApiError;

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

    /// The pages of a task, and whether the stream ended without an error.
    async fn read<F>(task: impl FnOnce(mpsc::Sender<Result<u8, ApiError>>) -> F) -> (Vec<u8>, bool)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(1);
        let read: Vec<_> = pages(receiver, tokio::spawn(task(sender))).collect().await;
        let is_whole = read.iter().all(Result::is_ok);
        (read.into_iter().flatten().collect(), is_whole)
    }

    #[tokio::test]
    async fn a_file_that_ends_early_does_not_look_complete() {
        let whole = read(|pages| async move {
            for page in 0..3 {
                pages.send(Ok(page)).await.unwrap();
            }
        });
        assert_eq!(whole.await, (vec![0, 1, 2], true));
        let failed = read(|pages| async move {
            pages.send(Ok(0)).await.unwrap();
            pages.send(Err(ApiError::NotFound)).await.unwrap();
        });
        assert_eq!(failed.await, (vec![0], false));
        let panicked = read(|pages| async move {
            pages.send(Ok(0)).await.unwrap();
            panic!("as the test wants it");
        });
        assert_eq!(panicked.await, (vec![0], false));
    }

    proptest! {
        #[test]
        fn nothing_stays_a_formula(cell in "\\PC{0,20}|[=+@\\-\t\r].{0,5}") {
            prop_assert!(!is_formula(&harmless(&cell)));
            prop_assert!(harmless(&cell).ends_with(&cell));
        }
    }
}
