//! What readers are told when something cannot be: what happened, and what to do.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use time::Duration;

use super::{
    Pages,
    view::{self, Page},
    visit::FormTokens,
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

    /// Draws `page` with what was wrong with its form `action`.
    pub(super) fn on(
        self,
        pages: &Pages,
        (page, action): (Page, &str),
        form_tokens: &FormTokens,
    ) -> Response {
        let page = page.refused(action, self.field, &self.words);
        let response = view::page(pages, self.status, &page, form_tokens);
        self.seal(response)
    }

    /// Tells programs too when to come back.
    pub(super) fn seal(self, mut response: Response) -> Response {
        if let Some(wait) = self.retry_after {
            let seconds = wait.whole_seconds().max(0) + 1;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// Whoever may not try a password for a while may still ask for a mail.
    pub(super) fn or_by_mail(mut self) -> Self {
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            self.words.push_str(" Or have a link sent to you by mail.");
        }
        self
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
            words: too_often(wait),
            retry_after: Some(wait),
        },
        AccountError::Hash(HashError::Refused(rule)) => {
            Refusal::of_field(new_password, format!("The password {rule}."))
        }
        error => return Err(error.into()),
    })
}

fn too_often(wait: Duration) -> String {
    format!("That was tried too often. Wait {}, then try again.", in_words(wait))
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

/// For [`axum::middleware::from_fn_with_state`]: whoever looks at a page is told in a page what an
/// API tells in a problem document. The guard's refusals are told here too.
pub(super) async fn in_a_page(
    State(pages): State<Pages>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Arc<ApiError>>().map(Arc::clone) else {
        return if is_of_the_router(&response) { odd_address(&pages) } else { response };
    };
    let status = response.status();
    let words = match &*error {
        ApiError::TooManyRequests { retry_after, .. } => too_often(*retry_after),
        ApiError::Unavailable(..) => {
            "There is too much to do at this moment. Nothing was done; try again in a few seconds."
                .to_owned()
        }
        ApiError::Unauthorized(..) => "This account is gone.".to_owned(),
        _ => "Something went wrong on our side. Try again in a while.".to_owned(),
    };
    let mut page = plain(&pages, status, &words);
    if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    // The edge finds the cause here and logs it.
    page.extensions_mut().insert(error);
    page
}

/// The router itself refuses a query that cannot be read, in a line of bare text.
fn is_of_the_router(response: &Response) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    response.status() == StatusCode::BAD_REQUEST
        && media_type.is_some_and(|text| text.starts_with(b"text/plain"))
}

fn odd_address(pages: &Pages) -> Response {
    let words = "This address is not whole. Open the link in the mail once more.";
    plain(pages, StatusCode::BAD_REQUEST, words)
}

fn plain(pages: &Pages, status: StatusCode, words: &str) -> Response {
    let page = Page {
        title: "That did not work",
        alert: Some(words.to_owned()),
        links: vec![("/login", "Log in"), ("/account", "Your account")],
        ..Page::default()
    };
    view::page(pages, status, &page, &FormTokens::none())
}
