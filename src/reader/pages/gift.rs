//! `/gift`: accepting what was given to an address.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    Pages,
    fields::Form,
    refusal::Refusal,
    sign_up::{Opened, Token},
    submitted::Submitted,
    view::{self, Page, link},
    visit::Visit,
};
use crate::{
    billing::waiting_gift::WaitingGift,
    http::problem::ApiError,
    language::Words,
    reader::{accounts::AccountError, gift::Accepted},
};

/// The gift, or that there is none.
fn page_of(words: &Words, token: &str, gift: Option<&WaitingGift>) -> Page {
    let form = |gift: &WaitingGift| Form {
        facts: vec![
            (words.say("page-gift-days"), gift.days.to_string()),
            (words.say("page-gift-until"), words.moment(gift.expires_at)),
        ],
        hidden: vec![("token", token.to_owned())],
        ..Form::new("/gift", words.say("page-gift-button"))
    };
    Page {
        title: words.say("page-gift-title"),
        lead: words.say(if gift.is_some() { "page-gift-lead" } else { "page-gift-over" }),
        forms: gift.map(form).into_iter().collect(),
        links: vec![link("/login", words.say("page-log-in"))],
        ..Page::default()
    }
}

/// Programs that look at mails open links too, so opening one changes nothing.
pub(super) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Result<Response, ApiError> {
    let sheet = visit.sheet(&pages);
    let gift = pages.accounts.gift_of(&token).await?;
    let page = page_of(&visit.words, &token, gift.as_ref());
    Ok(visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet)))
}

pub(super) async fn accept(
    State(pages): State<Pages>,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, ApiError> {
    let here = visit.member.as_ref().map(|member| member.reader.id);
    match pages.accounts.accept_gift(&token, (here, visit.client)).await {
        Ok(Accepted::Here) => Ok(Redirect::to("/account").into_response()),
        Ok(Accepted::LinkSent) => Ok(accepted(&pages, &visit, "page-gift-accepted-link")),
        Ok(Accepted::WithoutLink) => Ok(accepted(&pages, &visit, "page-gift-accepted")),
        Err(AccountError::InvalidLink) => {
            let words = &visit.words;
            let over = Refusal::of_page(StatusCode::UNAUTHORIZED, words.say("page-gift-over"));
            let page = page_of(words, "", None);
            Ok(over.on(&pages, (page, "/gift"), &visit.sheet(&pages)))
        }
        Err(error) => Err(error.into()),
    }
}

/// That the days have begun. The mail may have been forwarded to the person who clicked, so nothing of the
/// account stands here.
fn accepted(pages: &Pages, visit: &Visit, lead: &str) -> Response {
    let words = &visit.words;
    let page = Page {
        title: words.say("page-gift-accepted-title"),
        lead: words.say(lead),
        links: vec![link("/login", words.say("page-log-in"))],
        ..Page::default()
    };
    view::page(pages, StatusCode::OK, &page, &visit.sheet(pages))
}
