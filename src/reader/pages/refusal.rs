//! What readers are told when something cannot be: what happened, and what to do.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use time::Duration;

use super::{
    Pages,
    sheet::{self, Sheet},
    view::{self, Page, link},
};
use crate::{
    auth::{
        hashing::HashError,
        limits::RetryAfter,
        password::{CHARS_MAX, CHARS_MIN, InvalidPassword},
    },
    http::{form::InvalidForm, headers::wants_page, page, problem::ApiError},
    language::Words,
    mail::address::InvalidAddress,
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

    /// A refusal of an address.
    pub(super) fn of_email(words: &Words, rule: InvalidAddress) -> Self {
        let id = match rule {
            InvalidAddress::Malformed => "page-refused-email",
            InvalidAddress::LookAlike => "page-refused-lookalike",
        };
        Self::of_field("email", words.say(id))
    }

    pub(super) fn of_page(status: StatusCode, words: String) -> Self {
        Self { status, field: None, words, retry_after: None }
    }

    /// Draws `page` with what was wrong with its form `action`.
    pub(super) fn on(self, pages: &Pages, (page, action): (Page, &str), sheet: &Sheet) -> Response {
        let page = page.refused(action, self.field, &self.words);
        let response = view::page(pages, self.status, &page, sheet);
        self.seal(response)
    }

    /// Tells programs too when to come back.
    pub(super) fn seal(self, response: Response) -> Response {
        match self.retry_after {
            Some(wait) => retry_after(response, RetryAfter(wait)),
            None => response,
        }
    }

    /// Whoever may not try a password for a while may still ask for a mail.
    pub(super) fn or_by_mail(mut self, words: &Words) -> Self {
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            self.words = format!("{} {}", self.words, words.say("page-refused-or-by-mail"));
        }
        self
    }
}

/// The same answer, which says to programs when to come back.
pub(super) fn retry_after(mut response: Response, RetryAfter(wait): RetryAfter) -> Response {
    let seconds = wait.whole_seconds().max(0) + 1;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// What a reader is told of `error`; an error of ours becomes its plain answer. `new_password` is
/// the field of a new password on this page.
pub(super) fn of(
    words: &Words,
    error: AccountError,
    new_password: &'static str,
) -> Result<Refusal, ApiError> {
    let unauthorized = StatusCode::UNAUTHORIZED;
    Ok(match error {
        AccountError::InvalidCredentials => {
            Refusal::of_page(unauthorized, words.say("page-refused-credentials"))
        }
        AccountError::InvalidLink => Refusal::of_page(unauthorized, words.say("page-refused-link")),
        AccountError::WrongPassword => Refusal {
            status: StatusCode::FORBIDDEN,
            field: Some("current_password"),
            words: words.say("page-refused-password"),
            retry_after: None,
        },
        AccountError::FreshLoginRequired => {
            Refusal::of_page(StatusCode::FORBIDDEN, words.say("page-refused-old-login"))
        }
        AccountError::TooMany(RetryAfter(wait)) => Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            field: None,
            words: too_often(words, wait),
            retry_after: Some(wait),
        },
        AccountError::Hash(HashError::Refused(rule)) => {
            Refusal::of_field(new_password, broken_rule(words, rule))
        }
        error => return Err(error.into()),
    })
}

/// What is wrong with a new password.
pub(super) fn broken_rule(words: &Words, rule: InvalidPassword) -> String {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX).into();
    match rule {
        InvalidPassword::TooShort => {
            words.with("page-refused-short", &[("least", number(CHARS_MIN))])
        }
        InvalidPassword::TooLong => words.with("page-refused-long", &[("most", number(CHARS_MAX))]),
        InvalidPassword::TooCommon => words.say("page-refused-common"),
    }
}

fn too_often(words: &Words, wait: Duration) -> String {
    let minutes = wait.whole_seconds() / 60 + 1;
    words.with("page-refused-often", &[("minutes", minutes.into())])
}

/// Another website sent this form.
pub(super) fn foreign(pages: &Pages, sheet: &Sheet) -> Response {
    plain(pages, sheet, StatusCode::FORBIDDEN, sheet.words.say("page-refused-foreign"))
}

/// The form lay open too long, or is of another session.
pub(super) fn stale(pages: &Pages, sheet: &Sheet) -> Response {
    plain(pages, sheet, StatusCode::FORBIDDEN, sheet.words.say("page-refused-stale"))
}

/// The browser sent none of the cookies that every form comes with.
pub(super) fn no_cookies(pages: &Pages, sheet: &Sheet) -> Response {
    plain(pages, sheet, StatusCode::FORBIDDEN, sheet.words.say("page-refused-no-cookies"))
}

/// The form is none of ours.
pub(super) fn unreadable(pages: &Pages, sheet: &Sheet) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    plain(pages, sheet, status, sheet.words.say("page-refused-unreadable"))
}

/// The form holds fields that cannot be taken.
pub(super) fn invalid(pages: &Pages, sheet: &Sheet, form: &InvalidForm) -> Response {
    let InvalidForm::Text(field) = form else { return unreadable(pages, sheet) };
    let field = [("field", field.field.as_str().into())];
    let words = sheet.words.with("page-refused-characters", &field);
    plain(pages, sheet, StatusCode::UNPROCESSABLE_ENTITY, words)
}

/// For [`axum::middleware::from_fn_with_state`]: whoever looks at a page is told in a page what an
/// API tells in a problem document. The guard's refusals are told here too.
pub(super) async fn in_a_page(
    State(pages): State<Pages>,
    request: Request,
    next: Next,
) -> Response {
    let sheet = Sheet::by_request(&pages, request.uri(), request.headers());
    let again = sheet::here(request.method(), request.uri());
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Arc<ApiError>>().map(Arc::clone) else {
        return if is_of_the_router(&response) { odd_address(&pages, &sheet) } else { response };
    };
    let (status, words) = (response.status(), &sheet.words);
    let why = match &*error {
        ApiError::TooManyRequests { retry_after, .. } => too_often(words, *retry_after),
        ApiError::Unavailable(..) => words.say("page-refused-busy"),
        ApiError::DatabaseUnavailable(_) => words.say("page-refused-ours"),
        ApiError::Unauthorized(..) => words.say("page-refused-gone"),
        _ => words.say("page-refused-ours"),
    };
    let page = match &*error {
        ApiError::NotFound => no_such_page(&pages, &sheet),
        ApiError::Unauthorized(..) => plain(&pages, &sheet, status, why),
        _ => draw(&pages, &sheet, (status, why), again),
    };
    page::instead_of(&response, page)
}

/// The router itself refuses a query that cannot be read, in a line of bare text.
fn is_of_the_router(response: &Response) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    response.status() == StatusCode::BAD_REQUEST
        && media_type.is_some_and(|text| text.starts_with(b"text/plain"))
}

fn odd_address(pages: &Pages, sheet: &Sheet) -> Response {
    plain(pages, sheet, StatusCode::BAD_REQUEST, sheet.words.say("page-refused-address"))
}

/// What is answered where there is nothing: a page to whoever looks for one, a problem document to
/// programs and to everybody below `/v1/`.
pub async fn nothing_here(pages: Pages, request: Request) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if !only_looks || !wants_page(uri, headers) {
        return ApiError::NotFound.into_response();
    }
    let mut page = no_such_page(&pages, &Sheet::by_request(&pages, uri, headers));
    page.extensions_mut().insert(Arc::new(ApiError::NotFound));
    page
}

fn no_such_page(pages: &Pages, sheet: &Sheet) -> Response {
    let words = &sheet.words;
    let page = Page {
        title: words.say("page-missing-title"),
        lead: words.say("page-missing-lead"),
        links: vec![
            link("/account", words.say("account-title")),
            link("/subscribe", words.say("plan-do-subscribe")),
        ],
        ..Page::default()
    };
    view::page(pages, StatusCode::NOT_FOUND, &page, sheet)
}

fn plain(pages: &Pages, sheet: &Sheet, status: StatusCode, why: String) -> Response {
    draw(pages, sheet, (status, why), None)
}

/// Says `why` it did not work. Where the page is known that it began on, `again` leads there.
fn draw(
    pages: &Pages,
    sheet: &Sheet,
    (status, why): (StatusCode, String),
    again: Option<String>,
) -> Response {
    let words = &sheet.words;
    let page = Page {
        title: words.say("page-refused-title"),
        alert: Some(why),
        links: vec![
            match again {
                Some(path) => link(path, words.say("page-refused-again")),
                None => link("/login", words.say("page-log-in")),
            },
            link("/account", words.say("account-title")),
        ],
        ..Page::default()
    };
    view::page(pages, status, &page, sheet)
}
