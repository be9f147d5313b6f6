//! `/language`: reading these pages in another language.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{HOME, Pages, refusal, submitted::Submitted, visit::speaking};
use crate::{
    http::{problem::ApiError, return_to::checked},
    language::Language,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    language: String,
    #[serde(default)]
    return_to: String,
}

/// Keeps the choice in the browser, and in the account of whoever is logged in.
pub(super) async fn choose(
    State(pages): State<Pages>,
    Submitted { visit, fields: Chosen { language, return_to } }: Submitted<Chosen>,
) -> Result<Response, ApiError> {
    let Some(language) = Language::parse(&language) else {
        return Ok(refusal::unreadable(&pages, &visit.sheet(&pages)));
    };
    if let Some(member) = &visit.member {
        pages.accounts.speak(member.reader.id, language).await?;
    }
    let response = Redirect::to(checked(&return_to, HOME)).into_response();
    Ok(visit.seal(speaking(&pages, language, response)))
}
