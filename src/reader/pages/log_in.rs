//! `/login` and `/logout`: by password, by a link in a mail, and with a new password.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;

use super::{
    Pages,
    fields::{Form, email_field, new_password_field, password_field},
    halt::Halt,
    refusal::{self, Refusal, broken_rule},
    sign_up::{Token, look_into_mail},
    submitted::Submitted,
    view::{self, Page, link},
    visit::{Visit, device, enter, leave},
    way_back::{WayBack, lead},
};
use crate::{
    auth::password::{InvalidPassword, Password},
    http::{form::Nothing, problem::ApiError},
    language::Words,
    mail::address::Address,
    reader::accounts::LoggedIn,
};

#[derive(Deserialize)]
pub(super) struct Came {
    /// That somebody who is logged in is to give a secret once more.
    again: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    return_to: String,
}

/// What a link by mail is asked for with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedLink {
    email: String,
    #[serde(default)]
    site: String,
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

/// The fields of a way back, hidden in a form.
fn hidden(way: &WayBack) -> Vec<(&'static str, String)> {
    way.fields().into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

fn login_page(words: &Words, email: &str, (pages, way): (&Pages, &WayBack)) -> Page {
    let password = password_field("password", words.say("page-field-password"));
    Page {
        title: words.say("page-log-in"),
        description: words.say("page-log-in-description"),
        forms: vec![
            Form {
                fields: vec![email_field(words, email), password],
                hidden: hidden(way),
                ..Form::new("/login", words.say("page-log-in"))
            },
            Form {
                heading: words.say("page-by-mail-heading"),
                text: words.say("page-by-mail-text"),
                fields: vec![email_field(words, email)],
                hidden: hidden(way),
                is_quiet: true,
                ..Form::new("/login/email", words.say("page-by-mail-button"))
            },
        ],
        links: vec![
            link("/login/reset", words.say("page-reset-title")),
            link("/signup", words.say("page-sign-up-title")),
        ],
        leads_to: way.leads_to(pages),
        ..Page::default()
    }
}

pub(super) async fn form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(way): Query<WayBack>,
    Query(Came { again }): Query<Came>,
) -> Result<Response, Halt> {
    let way = way.known(&pages);
    let mut page = login_page(&visit.words, "", (&pages, &way));
    match &visit.member {
        Some(member) if again.is_some() && !member.is_fresh(&pages) => {
            page.lead = visit.words.say("page-log-in-again");
        }
        Some(member) => {
            let address = way.address(&pages, Some(member.session.id)).await?;
            return Ok(lead(&address));
        }
        None => {}
    }
    // Whoever only reads here may go on reading there, and may still log in.
    if let Some(back) = way.href(&pages).filter(|_| visit.reads_only()) {
        page.links.insert(0, link(back, visit.words.say("subscribe-welcome-back")));
    }
    let sheet = visit.sheet(&pages);
    Ok(visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet)))
}

pub(super) async fn log_in(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<Credentials>,
) -> Result<Response, ApiError> {
    let Credentials { email, password, site, return_to } = fields;
    let way = WayBack { site, return_to }.known(&pages);
    let (sheet, words) = (visit.sheet(&pages), visit.words.clone());
    let refused = match (Address::parse(&email), Password::attempt(&password)) {
        (Err(rule), _) => Refusal::of_email(&words, rule),
        (_, None) => Refusal::of_field("password", broken_rule(&words, InvalidPassword::TooLong)),
        (Ok(address), Some(attempt)) => {
            match pages.accounts.log_in(&address, &attempt, device(&headers, visit.client)).await {
                Ok(logged_in) => return enter_by(&pages, &logged_in, visit, &way).await,
                Err(error) => refusal::of(&words, error, "password")?.or_by_mail(&words),
            }
        }
    };
    let page = login_page(&words, &email, (&pages, &way));
    Ok(refused.on(&pages, (page, "/login"), &sheet))
}

/// Leads whoever has just logged in the way back.
async fn enter_by(
    pages: &Pages,
    logged_in: &LoggedIn,
    visit: Visit,
    way: &WayBack,
) -> Result<Response, ApiError> {
    let address = way.address(pages, Some(logged_in.session)).await?;
    enter(pages, logged_in, visit.session(), &address).await
}

pub(super) async fn send_link(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<AskedLink>,
) -> Result<Response, ApiError> {
    let AskedLink { email, site, return_to } = fields;
    let way = WayBack { site, return_to }.known(&pages);
    let words = &visit.words;
    let refused = match Address::parse(&email) {
        Err(rule) => Refusal::of_email(words, rule),
        Ok(address) => {
            let asked = visit.asks(&address);
            match pages.accounts.send_login_link(asked, &way.fields()).await {
                Ok(()) => return Ok(look_into_mail(&pages, &visit.sheet(&pages))),
                Err(error) => refusal::of(words, error, "password")?,
            }
        }
    };
    let page = login_page(words, &email, (&pages, &way));
    Ok(refused.on(&pages, (page, "/login/email"), &visit.sheet(&pages)))
}

/// What a link that logs in holds, and the form behind it.
#[derive(Deserialize)]
pub(super) struct LinkFields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    return_to: String,
}

fn link_page(words: &Words, token: &str, (pages, way): (&Pages, &WayBack)) -> Page {
    let token = [("token", token.to_owned())];
    Page {
        title: words.say("page-log-in"),
        lead: words.say("page-by-link-lead"),
        forms: vec![Form {
            hidden: token.into_iter().chain(hidden(way)).collect(),
            ..Form::new("/login/link", words.say("page-log-in"))
        }],
        links: vec![link("/login", words.say("page-new-link"))],
        leads_to: way.leads_to(pages),
        ..Page::default()
    }
}

pub(super) async fn link_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(fields): Query<LinkFields>,
) -> Response {
    let LinkFields { token, site, return_to } = fields;
    let way = WayBack { site, return_to }.known(&pages);
    let sheet = visit.sheet(&pages);
    let page = link_page(&visit.words, &token, (&pages, &way));
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn by_link(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<LinkFields>,
) -> Result<Response, ApiError> {
    let LinkFields { token, site, return_to } = fields;
    let way = WayBack { site, return_to }.known(&pages);
    let (sheet, words) = (visit.sheet(&pages), visit.words.clone());
    match pages.accounts.redeem(&token, device(&headers, visit.client)).await {
        Ok(logged_in) => enter_by(&pages, &logged_in, visit, &way).await,
        Err(error) => {
            let page = link_page(&words, &token, (&pages, &way));
            let page = Page { forms: Vec::new(), ..page };
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
        Err(rule) => Refusal::of_email(words, rule),
        Ok(address) => match pages.accounts.send_reset_link(visit.asks(&address)).await {
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
    match pages.accounts.reset_password(&token, &password, visit.client).await {
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
    if let Some(session) = visit.session() {
        pages.accounts.end_session(session.caller(), session.id).await?;
    }
    Ok(leave(&pages, "/login"))
}
