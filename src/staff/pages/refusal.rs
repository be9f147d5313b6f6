//! What staff are told when something cannot be: what happened, and what to do.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::http::{page::instead_of, problem::ApiError};

const TITLE: &str = "Not done";
/// Another website sent this form.
pub(super) const FOREIGN: &str = "This form was sent from another website, so nothing was done.";
/// The form lay open too long, or is of another session.
pub(super) const STALE: &str = "This form is too old, or you logged in anew since. Go back, load the page again, and repeat it.";
/// The form is none of ours.
pub(super) const UNREADABLE: &str = "This form has other fields than the page that it came from.";

#[derive(Template)]
#[template(path = "staff/templates/refusal.html", config = ".config/askama.toml")]
struct Refusal<'a> {
    frame: Frame,
    why: &'a str,
    details: Vec<String>,
}

/// A page that says why something was not done.
pub(super) fn page(pages: &StaffPages, status: StatusCode, why: &str) -> Response {
    let frame = Frame::of(pages, TITLE.to_owned(), "/staff");
    draw(frame, status, why, Vec::new())
}

fn draw(frame: Frame, status: StatusCode, why: &str, details: Vec<String>) -> Response {
    frame::answer(status, Refusal { frame, why, details }.render())
}

/// For [`axum::middleware::from_fn_with_state`]: whoever looks at a page is told in a page what an
/// API tells in a problem document. The guard's refusals are told here too.
pub(super) async fn in_a_page(
    State(pages): State<StaffPages>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut asked = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(error) = response.extensions().get::<Arc<ApiError>>().map(Arc::clone) else {
        let is_bare = response.status() == StatusCode::BAD_REQUEST
            && !response.headers().contains_key(header::CONTENT_SECURITY_POLICY);
        let why = "This address has a part that cannot be read.";
        return if is_bare { page(&pages, StatusCode::BAD_REQUEST, why) } else { response };
    };
    let why = match &*error {
        ApiError::NotFound => {
            "There is no such thing. It may have been erased while its page lay open.".to_owned()
        }
        ApiError::Forbidden("not_permitted", _) => {
            "Your role may not do this. An admin can, or can give you another role.".to_owned()
        }
        error => capitalised(&error.to_string()),
    };
    let details = match &*error {
        ApiError::InvalidFields(errors) | ApiError::InvalidQuery(errors) => {
            errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect()
        }
        _ => Vec::new(),
    };
    // Staff keep their navigation, unless there is no database to ask who they are.
    let seat = match &*error {
        ApiError::DatabaseUnavailable(_) => None,
        _ => Seat::from_request_parts(&mut asked, &pages).await.ok(),
    };
    let frame = match seat {
        Some(seat) => seat.frame(&pages, TITLE, Place::Nowhere),
        None => Frame::of(&pages, TITLE.to_owned(), "/staff"),
    };
    instead_of(&response, draw(frame, response.status(), &why, details))
}

/// The message of an error as a sentence.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
