//! `/signup`: asking for an account, and answering the mail.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;

use super::{
    Pages,
    fields::{Form, email_field, new_password_field},
    refusal::{self, Refusal},
    sheet::Sheet,
    submitted::Submitted,
    view::{self, Page, link},
    visit::{Visit, device, enter},
};
use crate::{http::problem::ApiError, language::Words, mail::address::Address};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    email: String,
    password: String,
}

/// What a link in a mail holds. What a program for mail adds to it does no harm.
#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    pub(super) token: String,
}

/// The form behind such a link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opened {
    pub(super) token: String,
}

fn wish_page(words: &Words, email: &str) -> Page {
    let password = new_password_field(words, "password", words.say("page-field-password"));
    Page {
        title: words.say("page-sign-up-title"),
        description: words.say("page-sign-up-description"),
        lead: words.say("page-sign-up-lead"),
        forms: vec![Form {
            fields: vec![email_field(words, email), password],
            ..Form::new("/signup", words.say("page-sign-up-title"))
        }],
        links: vec![link("/login", words.say("page-sign-up-log-in"))],
        ..Page::default()
    }
}

/// The page that says to look into the mail.
pub(super) fn look_into_mail(pages: &Pages, sheet: &Sheet) -> Response {
    let words = &sheet.words;
    let page = Page {
        title: words.say("page-mail-sent-title"),
        lead: words.say("page-mail-sent-lead"),
        ..Page::default()
    };
    // As at the API: a mail that is asked for counts against the network that asks.
    view::page(pages, StatusCode::ACCEPTED, &page, sheet)
}

pub(super) async fn form(State(pages): State<Pages>, visit: Visit) -> Response {
    let sheet = visit.sheet(&pages);
    let page = wish_page(&visit.words, "");
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn sign_up(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<Wish>,
) -> Result<Response, ApiError> {
    let Wish { email, password } = fields;
    let words = &visit.words;
    let refused = match Address::parse(&email) {
        Err(rule) => Refusal::of_email(words, rule),
        Ok(address) => match pages.accounts.sign_up((&address, words), &password).await {
            Ok(()) => return Ok(look_into_mail(&pages, &visit.sheet(&pages))),
            Err(error) => refusal::of(words, error, "password")?,
        },
    };
    Ok(refused.on(&pages, (wish_page(words, &email), "/signup"), &visit.sheet(&pages)))
}

fn confirm_page(words: &Words, token: &str) -> Page {
    Page {
        title: words.say("page-confirm-title"),
        lead: words.say("page-confirm-lead"),
        forms: vec![Form {
            hidden: vec![("token", token.to_owned())],
            ..Form::new("/signup/confirm", words.say("page-confirm-button"))
        }],
        links: vec![link("/signup", words.say("page-new-link"))],
        ..Page::default()
    }
}

/// Programs that look at mails open links too, so opening one changes nothing.
pub(super) async fn confirm_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Response {
    let sheet = visit.sheet(&pages);
    let page = confirm_page(&visit.words, &token);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn confirm(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, ApiError> {
    let language = Some(visit.words.language);
    match pages.accounts.verify(&token, device(&headers), language).await {
        Ok(logged_in) => enter(&pages, &logged_in, visit.session(), "/account").await,
        Err(error) => {
            let page = Page { forms: Vec::new(), ..confirm_page(&visit.words, &token) };
            let refused = refusal::of(&visit.words, error, "password")?;
            Ok(refused.on(&pages, (page, "/signup/confirm"), &visit.sheet(&pages)))
        }
    }
}
