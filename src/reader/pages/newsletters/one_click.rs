//! Leaving by one click in a program for mail (RFC 8058): no cookie, no question, no page.

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use http_body_util::{BodyExt, Limited};

use crate::{
    http::{body::BODY_MAX, problem::ApiError},
    newsletter::newsletters::NewsletterError,
    reader::pages::{Pages, sign_up::Token},
};

const PLAIN: [(HeaderName, HeaderValue); 2] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The route. No guard stands before it: a link cannot be guessed, and the programs of a large
/// mail provider share a network.
pub(in crate::reader::pages) fn route() -> Router<Pages> {
    Router::new().route("/newsletters/unsubscribe", post(unsubscribe))
}

async fn unsubscribe(
    State(pages): State<Pages>,
    Query(Token { token }): Query<Token>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        return Ok(
            (StatusCode::PAYLOAD_TOO_LARGE, PLAIN, "The body is too large.\n").into_response()
        );
    };
    if !is_one_click(&headers, &body.to_bytes()) {
        let said = "Send `List-Unsubscribe=One-Click` (RFC 8058), or open this address.\n";
        return Ok((StatusCode::BAD_REQUEST, PLAIN, said).into_response());
    }
    match pages.newsletters.unsubscribe(&token).await {
        Ok(()) => Ok((PLAIN, "Unsubscribed.\n").into_response()),
        Err(NewsletterError::InvalidLink) => {
            Ok((StatusCode::NOT_FOUND, PLAIN, "This link is not whole.\n").into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the body says so, in either of the two ways that RFC 8058 allows. A program that says
/// neither may be one that follows links without being told to.
fn is_one_click(headers: &HeaderMap, body: &[u8]) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if media_type.to_ascii_lowercase().starts_with(b"multipart/form-data") {
        // One field, and nothing else that could be meant by these words.
        let text = String::from_utf8_lossy(body);
        let mut parts = text.split("name=\"List-Unsubscribe\"").skip(1);
        return parts.any(|part| part.lines().skip(1).any(|line| line.trim() == "One-Click"));
    }
    let pairs = serde_urlencoded::from_bytes::<Vec<(String, String)>>(body).unwrap_or_default();
    pairs.iter().any(|(name, value)| name == "List-Unsubscribe" && value.trim() == "One-Click")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_saying_so_are_understood_and_nothing_else() {
        let form = "application/x-www-form-urlencoded";
        let parts = "multipart/form-data; boundary=x";
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                         One-Click\r\n--x--\r\n";
        for (media_type, body, expected) in [
            (form, "List-Unsubscribe=One-Click", true),
            ("", "List-Unsubscribe=One-Click\r\n", true),
            (parts, multipart, true),
            (parts, "List-Unsubscribe=One-Click", false),
            (form, multipart, false),
            (form, "", false),
            (form, "List-Unsubscribe=No", false),
            (form, "List-Unsubscribe", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            assert_eq!(is_one_click(&headers, body.as_bytes()), expected, "{media_type} {body}");
        }
    }
}
