//! `/signup`: asking for an account, and answering the mail.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;

use super::{
    Pages,
    refusal::{self, Refusal},
    submitted::Submitted,
    view::{self, Form, Page, email_field, new_password_field},
    visit::{FormTokens, Visit, device, enter},
};
use crate::{http::problem::ApiError, mail::address::Address};

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

fn wish_page(email: &str) -> Page {
    Page {
        title: "Make an account",
        lead: "We send you a mail; your account is there as soon as you answer it.".to_owned(),
        forms: vec![Form {
            action: "/signup",
            fields: vec![email_field(email), new_password_field("password", "Password")],
            button: "Make an account",
            ..Form::default()
        }],
        links: vec![("/login", "I have an account: log in")],
        ..Page::default()
    }
}

/// The page that says to look into the mail.
pub(super) fn look_into_mail(pages: &Pages) -> Response {
    let page = Page {
        title: "Look into your mail",
        lead: "We have sent you a mail. The link in it goes on from here. If there is none in a \
               few minutes, look among the unwanted mails, or try again."
            .to_owned(),
        ..Page::default()
    };
    // As at the API: a mail that is asked for counts against the network that asks.
    view::page(pages, StatusCode::ACCEPTED, &page, &FormTokens::none())
}

pub(super) async fn form(State(pages): State<Pages>, visit: Visit) -> Response {
    let tokens = visit.form_tokens(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &wish_page(""), &tokens))
}

pub(super) async fn sign_up(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<Wish>,
) -> Result<Response, ApiError> {
    let Wish { email, password } = fields;
    let refused = match Address::parse(&email) {
        Err(error) => Refusal::of_field("email", format!("The address {error}.")),
        Ok(address) => match pages.accounts.sign_up(&address, &password).await {
            Ok(()) => return Ok(look_into_mail(&pages)),
            Err(error) => refusal::of(error, "password")?,
        },
    };
    Ok(refused.on(&pages, (wish_page(&email), "/signup"), &visit.form_tokens(&pages)))
}

fn confirm_page(token: &str) -> Page {
    Page {
        title: "One click more",
        lead: "Then your account is there and you are logged in.".to_owned(),
        forms: vec![Form {
            action: "/signup/confirm",
            hidden: vec![("token", token.to_owned())],
            button: "Confirm my address",
            ..Form::default()
        }],
        links: vec![("/signup", "Ask for a new link")],
        ..Page::default()
    }
}

/// Programs that look at mails open links too, so opening one changes nothing.
pub(super) async fn confirm_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Response {
    let tokens = visit.form_tokens(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &confirm_page(&token), &tokens))
}

pub(super) async fn confirm(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, ApiError> {
    match pages.accounts.verify(&token, device(&headers)).await {
        Ok(logged_in) => enter(&pages, &logged_in, visit.session(), "/account").await,
        Err(error) => {
            let page = Page { forms: Vec::new(), ..confirm_page(&token) };
            let refused = refusal::of(error, "password")?;
            Ok(refused.on(&pages, (page, "/signup/confirm"), &visit.form_tokens(&pages)))
        }
    }
}
