//! What readers are told when something cannot be: what happened, and what to do.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use time::Duration;

use super::{
    Pages,
    view::{self, Page},
};
use crate::{
    auth::{hashing::HashError, limits::RetryAfter},
    http::problem::ApiError,
    reader::accounts::AccountError,
};

/// A refusal that can be shown on the page that was sent.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The field that it is about.
    pub(super) field: Option<&'static str>,
    pub(super) words: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal of what was typed into `field`.
    pub(super) fn of_field(field: &'static str, words: impl Into<String>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { status, field: Some(field), words: words.into(), retry_after: None }
    }

    fn of_page(status: StatusCode, words: &str) -> Self {
        Self { status, field: None, words: words.to_owned(), retry_after: None }
    }

    /// Draws `page` with what was wrong.
    pub(super) fn on(self, pages: &Pages, page: Page, form_token: &str) -> Response {
        let page = page.refused(self.field, &self.words);
        let mut response = view::page(pages, self.status, &page, form_token);
        if let Some(wait) = self.retry_after {
            let seconds = wait.whole_seconds().max(0) + 1;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What a reader is told of `error`; an error of ours becomes its plain answer. `new_password` is
/// the field of a new password on this page.
pub(super) fn of(error: AccountError, new_password: &'static str) -> Result<Refusal, ApiError> {
    let unauthorized = StatusCode::UNAUTHORIZED;
    Ok(match error {
        AccountError::InvalidCredentials => Refusal::of_page(
            unauthorized,
            "That address and password do not go together. Try again, or have a link sent to you.",
        ),
        AccountError::InvalidLink => Refusal::of_page(
            unauthorized,
            "This link was used already or is too old. Ask for a new one.",
        ),
        AccountError::WrongPassword => Refusal {
            status: StatusCode::FORBIDDEN,
            field: Some("current_password"),
            words: "This is not your password.".to_owned(),
            retry_after: None,
        },
        AccountError::FreshLoginRequired => Refusal::of_page(
            StatusCode::FORBIDDEN,
            "It has been a while since you logged in. Log out and in again, then do this.",
        ),
        AccountError::TooMany(RetryAfter(wait)) => Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            field: None,
            words: format!(
                "That was tried too often. Wait {}, or have a link sent to you by mail.",
                in_words(wait)
            ),
            retry_after: Some(wait),
        },
        AccountError::Hash(HashError::Refused(rule)) => {
            Refusal::of_field(new_password, format!("The password {rule}."))
        }
        error => return Err(error.into()),
    })
}

fn in_words(wait: Duration) -> String {
    match wait.whole_seconds() / 60 + 1 {
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Another website sent this form.
pub(super) fn foreign(pages: &Pages) -> Response {
    plain(
        pages,
        StatusCode::FORBIDDEN,
        "This form was sent from another website, so nothing was done.",
    )
}

/// The form lay open too long, or cookies are off.
pub(super) fn stale(pages: &Pages) -> Response {
    plain(
        pages,
        StatusCode::FORBIDDEN,
        "This form was open for too long, or your browser keeps no cookies from us. Nothing was \
         done. Open the page again and send it once more.",
    )
}

/// The form is none of ours.
pub(super) fn unreadable(pages: &Pages) -> Response {
    plain(pages, StatusCode::UNPROCESSABLE_ENTITY, "This form could not be read. Nothing was done.")
}

fn plain(pages: &Pages, status: StatusCode, words: &str) -> Response {
    let page = Page {
        title: "That did not work",
        alert: Some(words.to_owned()),
        links: vec![("/login", "Log in"), ("/account", "Your account")],
        ..Page::default()
    };
    view::page(pages, status, &page, "").into_response()
}
