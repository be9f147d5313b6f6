//! `/gift`: accepting what was given to an address.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    Pages,
    fields::Form,
    refusal::Refusal,
    sign_up::{Opened, Token},
    submitted::Submitted,
    view::{self, Page, link},
    visit::{Visit, device, enter},
};
use crate::{
    billing::waiting_gift::WaitingGift, http::problem::ApiError, language::Words,
    reader::accounts::AccountError,
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
    headers: HeaderMap,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, ApiError> {
    match pages.accounts.accept_gift(&token, device(&headers, visit.client)).await {
        Ok(logged_in) => enter(&pages, &logged_in, visit.session(), "/account").await,
        Err(AccountError::InvalidLink) => {
            let words = &visit.words;
            let over = Refusal::of_page(StatusCode::UNAUTHORIZED, words.say("page-gift-over"));
            let page = page_of(words, "", None);
            Ok(over.on(&pages, (page, "/gift"), &visit.sheet(&pages)))
        }
        Err(error) => Err(error.into()),
    }
}
