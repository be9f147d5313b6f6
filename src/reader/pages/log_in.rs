//! `/login` and `/logout`: by password, by a link in a mail, and with a new password.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    HOME, Pages,
    fields::{Form, email_field, new_password_field, password_field},
    refusal::{self, Refusal, broken_rule},
    sign_up::{Token, look_into_mail},
    submitted::Submitted,
    view::{self, Page, link},
    visit::{Visit, device, enter, leave},
};
use crate::{
    auth::password::{InvalidPassword, Password},
    http::{form::Nothing, problem::ApiError, return_to::checked},
    language::Words,
    mail::address::Address,
};

#[derive(Deserialize)]
pub(super) struct Destination {
    #[serde(default)]
    return_to: String,
    /// That somebody who is logged in is to give a secret once more.
    again: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JustEmail {
    email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    token: String,
    password: String,
}

fn login_page(words: &Words, email: &str, return_to: &str) -> Page {
    let password = password_field("password", words.say("page-field-password"));
    Page {
        title: words.say("page-log-in"),
        description: words.say("page-log-in-description"),
        forms: vec![
            Form {
                fields: vec![email_field(words, email), password],
                hidden: vec![("return_to", return_to.to_owned())],
                ..Form::new("/login", words.say("page-log-in"))
            },
            Form {
                heading: words.say("page-by-mail-heading"),
                text: words.say("page-by-mail-text"),
                fields: vec![email_field(words, email)],
                ..Form::new("/login/email", words.say("page-by-mail-button"))
            },
        ],
        links: vec![
            link("/login/reset", words.say("page-reset-title")),
            link("/signup", words.say("page-sign-up-title")),
        ],
        ..Page::default()
    }
}

pub(super) async fn form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Destination { return_to, again }): Query<Destination>,
) -> Response {
    let mut page = login_page(&visit.words, "", checked(&return_to, HOME));
    match &visit.member {
        Some(member) if again.is_some() && !member.is_fresh(&pages) => {
            page.lead = visit.words.say("page-log-in-again");
        }
        Some(_) => return Redirect::to(checked(&return_to, HOME)).into_response(),
        None => {}
    }
    let sheet = visit.sheet(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn log_in(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<Credentials>,
) -> Result<Response, ApiError> {
    let Credentials { email, password, return_to } = fields;
    let (sheet, words) = (visit.sheet(&pages), visit.words.clone());
    let refused = match (Address::parse(&email), Password::attempt(&password)) {
        (Err(_), _) => Refusal::of_email(&words),
        (_, None) => Refusal::of_field("password", broken_rule(&words, InvalidPassword::TooLong)),
        (Ok(address), Some(attempt)) => {
            match pages.accounts.log_in(&address, &attempt, device(&headers)).await {
                Ok(logged_in) => {
                    return enter(&pages, &logged_in, visit.session(), checked(&return_to, HOME))
                        .await;
                }
                Err(error) => refusal::of(&words, error, "password")?.or_by_mail(&words),
            }
        }
    };
    let page = login_page(&words, &email, &return_to);
    Ok(refused.on(&pages, (page, "/login"), &sheet))
}

pub(super) async fn send_link(
    State(pages): State<Pages>,
    Submitted { visit, fields: JustEmail { email } }: Submitted<JustEmail>,
) -> Result<Response, ApiError> {
    let words = &visit.words;
    let refused = match Address::parse(&email) {
        Err(_) => Refusal::of_email(words),
        Ok(address) => match pages.accounts.send_login_link((&address, words)).await {
            Ok(()) => return Ok(look_into_mail(&pages, &visit.sheet(&pages))),
            Err(error) => refusal::of(words, error, "password")?,
        },
    };
    let page = login_page(words, &email, "");
    Ok(refused.on(&pages, (page, "/login/email"), &visit.sheet(&pages)))
}

/// What a link that logs in holds, and the form behind it.
#[derive(Deserialize)]
pub(super) struct LinkFields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    return_to: String,
}

fn link_page(words: &Words, LinkFields { token, return_to }: &LinkFields) -> Page {
    Page {
        title: words.say("page-log-in"),
        lead: words.say("page-by-link-lead"),
        forms: vec![Form {
            hidden: vec![("token", token.clone()), ("return_to", return_to.clone())],
            ..Form::new("/login/link", words.say("page-log-in"))
        }],
        links: vec![link("/login", words.say("page-new-link"))],
        ..Page::default()
    }
}

pub(super) async fn link_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(fields): Query<LinkFields>,
) -> Response {
    let sheet = visit.sheet(&pages);
    let page = link_page(&visit.words, &fields);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn by_link(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<LinkFields>,
) -> Result<Response, ApiError> {
    let (sheet, words) = (visit.sheet(&pages), visit.words.clone());
    match pages.accounts.redeem(&fields.token, device(&headers)).await {
        Ok(logged_in) => {
            enter(&pages, &logged_in, visit.session(), checked(&fields.return_to, HOME)).await
        }
        Err(error) => {
            let page = Page { forms: Vec::new(), ..link_page(&words, &fields) };
            let refused = refusal::of(&words, error, "password")?;
            Ok(refused.on(&pages, (page, "/login/link"), &sheet))
        }
    }
}

fn ask_reset_page(words: &Words, email: &str) -> Page {
    Page {
        title: words.say("page-reset-title"),
        description: words.say("page-reset-description"),
        lead: words.say("page-reset-lead"),
        forms: vec![Form {
            fields: vec![email_field(words, email)],
            ..Form::new("/login/reset", words.say("page-reset-button"))
        }],
        links: vec![link("/login", words.say("page-log-in"))],
        ..Page::default()
    }
}

fn reset_page(words: &Words, token: &str) -> Page {
    let password = new_password_field(words, "password", words.say("page-field-new-password"));
    Page {
        title: words.say("page-reset-title"),
        lead: words.say("page-reset-set-lead"),
        forms: vec![Form {
            fields: vec![password],
            hidden: vec![("token", token.to_owned())],
            ..Form::new("/login/reset/set", words.say("page-reset-set-button"))
        }],
        links: vec![link("/login/reset", words.say("page-new-link"))],
        ..Page::default()
    }
}

pub(super) async fn reset_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Response {
    let words = &visit.words;
    let page = if token.is_empty() { ask_reset_page(words, "") } else { reset_page(words, &token) };
    let sheet = visit.sheet(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn send_reset(
    State(pages): State<Pages>,
    Submitted { visit, fields: JustEmail { email } }: Submitted<JustEmail>,
) -> Result<Response, ApiError> {
    let words = &visit.words;
    let refused = match Address::parse(&email) {
        Err(_) => Refusal::of_email(words),
        Ok(address) => match pages.accounts.send_reset_link((&address, words)).await {
            Ok(()) => return Ok(look_into_mail(&pages, &visit.sheet(&pages))),
            Err(error) => refusal::of(words, error, "password")?,
        },
    };
    let page = ask_reset_page(words, &email);
    Ok(refused.on(&pages, (page, "/login/reset"), &visit.sheet(&pages)))
}

pub(super) async fn reset(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<NewPassword>,
) -> Result<Response, ApiError> {
    let NewPassword { token, password } = fields;
    match pages.accounts.reset_password(&token, &password).await {
        Ok(()) => Ok(leave(&pages, "/login")),
        Err(error) => {
            let refused = refusal::of(&visit.words, error, "password")?;
            let page = (reset_page(&visit.words, &token), "/login/reset/set");
            Ok(refused.on(&pages, page, &visit.sheet(&pages)))
        }
    }
}

pub(super) async fn log_out(
    State(pages): State<Pages>,
    Submitted { visit, .. }: Submitted<Nothing>,
) -> Result<Response, ApiError> {
    if let Some(member) = visit.member {
        pages.accounts.end_session(member.caller(), member.session.id).await?;
    }
    Ok(leave(&pages, "/login"))
}
