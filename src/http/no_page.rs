//! What a browser is shown where the edge itself has to refuse: one page that needs nothing else,
//! since nothing else might be served either.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    body::Body,
    http::{Request, header},
    response::{IntoResponse, Response},
};

use super::{headers::wants_page, page, problem::ApiError};
use crate::language::{Language, Words};

const STYLE: &str = include_str!("templates/no_page.css");

static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| page::policy_with_style(STYLE));

#[derive(Template)]
#[template(path = "http/templates/no_page.html", config = ".config/askama.toml")]
struct NoPage {
    words: Words,
    style: &'static str,
    why: &'static str,
}

/// In which language to speak to whoever looks for a page; nobody else is shown one.
pub(super) fn language_of(request: &Request<Body>) -> Option<Language> {
    let headers = request.headers();
    let accepted = || headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    wants_page(request.uri(), headers).then(|| Language::choose(None, None, accepted()))
}

/// The answer that tells of `error`: by a page in `language`, or by a problem document.
pub(super) fn answer(error: ApiError, language: Option<Language>) -> Response {
    let why = match &error {
        ApiError::Unavailable("timeout", _) => "page-refused-late",
        ApiError::Unavailable(..) => "page-refused-busy",
        ApiError::NotFound | ApiError::InvalidQuery(_) => "page-refused-address",
        _ => "page-refused-ours",
    };
    let problem = error.into_response();
    let Some(language) = language else { return problem };
    let html = NoPage { words: Words::new(language, "UTC"), style: STYLE, why }.render();
    let page = page::answer(problem.status(), &CONTENT_SECURITY_POLICY, html);
    page::instead_of(&problem, page)
}
