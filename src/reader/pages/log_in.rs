//! `/login` and `/logout`: by password, by a link in a mail, and with a new password.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    Pages,
    refusal::{self, Refusal},
    return_to::checked,
    sign_up::{Token, look_into_mail},
    submitted::{Nothing, Submitted},
    view::{self, Form, Page, email_field, new_password_field, password_field},
    visit::{Visit, device, enter, leave},
};
use crate::{auth::password::Password, http::problem::ApiError, mail::address::Address};

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

fn login_page(email: &str, return_to: &str) -> Page {
    Page {
        title: "Log in",
        forms: vec![
            Form {
                action: "/login",
                fields: vec![email_field(email), password_field("password")],
                hidden: vec![("return_to", return_to.to_owned())],
                button: "Log in",
                ..Form::default()
            },
            Form {
                action: "/login/email",
                heading: "Without a password",
                text: "We send you a mail with a link that logs you in.",
                fields: vec![email_field(email)],
                button: "Send me a link",
                ..Form::default()
            },
        ],
        links: vec![("/login/reset", "Set a new password"), ("/signup", "Make an account")],
        ..Page::default()
    }
}

pub(super) async fn form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Destination { return_to, again }): Query<Destination>,
) -> Response {
    let mut page = login_page("", checked(&return_to));
    match &visit.member {
        Some(member) if again.is_some() && !member.is_fresh(&pages) => {
            page.lead = "It has been a while. Log in once more, and you go on from there.".into();
        }
        Some(_) => return Redirect::to(checked(&return_to)).into_response(),
        None => {}
    }
    let tokens = visit.form_tokens(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &tokens))
}

pub(super) async fn log_in(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<Credentials>,
) -> Result<Response, ApiError> {
    let Credentials { email, password, return_to } = fields;
    let refused = match (Address::parse(&email), Password::attempt(&password)) {
        (Err(error), _) => Refusal::of_field("email", format!("The address {error}.")),
        (_, None) => Refusal::of_field("password", "No password is that long."),
        (Ok(address), Some(attempt)) => {
            match pages.accounts.log_in(&address, &attempt, device(&headers)).await {
                Ok(logged_in) => {
                    return enter(&pages, &logged_in, visit.session(), checked(&return_to)).await;
                }
                Err(error) => refusal::of(error, "password")?.or_by_mail(),
            }
        }
    };
    let page = login_page(&email, &return_to);
    Ok(refused.on(&pages, (page, "/login"), &visit.form_tokens(&pages)))
}

pub(super) async fn send_link(
    State(pages): State<Pages>,
    Submitted { visit, fields: JustEmail { email } }: Submitted<JustEmail>,
) -> Result<Response, ApiError> {
    let refused = match Address::parse(&email) {
        Err(error) => Refusal::of_field("email", format!("The address {error}.")),
        Ok(address) => match pages.accounts.send_login_link(&address).await {
            Ok(()) => return Ok(look_into_mail(&pages)),
            Err(error) => refusal::of(error, "password")?,
        },
    };
    Ok(refused.on(&pages, (login_page(&email, ""), "/login/email"), &visit.form_tokens(&pages)))
}

/// What a link that logs in holds, and the form behind it.
#[derive(Deserialize)]
pub(super) struct LinkFields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    return_to: String,
}

fn link_page(LinkFields { token, return_to }: &LinkFields) -> Page {
    Page {
        title: "Log in",
        lead: "One click more, and you are logged in here.".to_owned(),
        forms: vec![Form {
            action: "/login/link",
            hidden: vec![("token", token.clone()), ("return_to", return_to.clone())],
            button: "Log in",
            ..Form::default()
        }],
        links: vec![("/login", "Ask for a new link")],
        ..Page::default()
    }
}

pub(super) async fn link_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(fields): Query<LinkFields>,
) -> Response {
    let tokens = visit.form_tokens(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &link_page(&fields), &tokens))
}

pub(super) async fn by_link(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<LinkFields>,
) -> Result<Response, ApiError> {
    match pages.accounts.redeem(&fields.token, device(&headers)).await {
        Ok(logged_in) => {
            enter(&pages, &logged_in, visit.session(), checked(&fields.return_to)).await
        }
        Err(error) => {
            let page = Page { forms: Vec::new(), ..link_page(&fields) };
            let refused = refusal::of(error, "password")?;
            Ok(refused.on(&pages, (page, "/login/link"), &visit.form_tokens(&pages)))
        }
    }
}

fn ask_reset_page(email: &str) -> Page {
    Page {
        title: "Set a new password",
        lead: "We send you a mail with a link for it.".to_owned(),
        forms: vec![Form {
            action: "/login/reset",
            fields: vec![email_field(email)],
            button: "Send me the link",
            ..Form::default()
        }],
        links: vec![("/login", "Log in")],
        ..Page::default()
    }
}

fn reset_page(token: &str) -> Page {
    Page {
        title: "Set a new password",
        lead: "Every device is logged out by it.".to_owned(),
        forms: vec![Form {
            action: "/login/reset/set",
            fields: vec![new_password_field("password", "New password")],
            hidden: vec![("token", token.to_owned())],
            button: "Set the password",
            ..Form::default()
        }],
        links: vec![("/login/reset", "Ask for a new link")],
        ..Page::default()
    }
}

pub(super) async fn reset_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Response {
    let page = if token.is_empty() { ask_reset_page("") } else { reset_page(&token) };
    let tokens = visit.form_tokens(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &tokens))
}

pub(super) async fn send_reset(
    State(pages): State<Pages>,
    Submitted { visit, fields: JustEmail { email } }: Submitted<JustEmail>,
) -> Result<Response, ApiError> {
    let refused = match Address::parse(&email) {
        Err(error) => Refusal::of_field("email", format!("The address {error}.")),
        Ok(address) => match pages.accounts.send_reset_link(&address).await {
            Ok(()) => return Ok(look_into_mail(&pages)),
            Err(error) => refusal::of(error, "password")?,
        },
    };
    Ok(refused.on(&pages, (ask_reset_page(&email), "/login/reset"), &visit.form_tokens(&pages)))
}

pub(super) async fn reset(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<NewPassword>,
) -> Result<Response, ApiError> {
    let NewPassword { token, password } = fields;
    match pages.accounts.reset_password(&token, &password).await {
        Ok(()) => Ok(leave(&pages, "/login")),
        Err(error) => {
            let refused = refusal::of(error, "password")?;
            let page = (reset_page(&token), "/login/reset/set");
            Ok(refused.on(&pages, page, &visit.form_tokens(&pages)))
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
