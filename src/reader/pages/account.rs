//! `/account`: who the reader is, which devices are logged in, and what can be changed.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Pages,
    fields::{Choice, Field, Form, Kind, email_field, new_password_field, password_field},
    halt::Halt,
    refusal::{self, Refusal},
    sheet::Sheet,
    sign_up::{Opened, Token, look_into_mail},
    submitted::Submitted,
    subscription::Overview,
    view::{self, AccountView, DeviceView, Page, Section, link},
    visit::{Member, ToLogin, Visit, device, enter, leave},
};
use crate::{
    auth::{password::Password, session::model::Session},
    billing::catalog::newsletters::Newsletter,
    clock::Timestamp,
    http::{form::Nothing, problem::ApiError},
    language::{Language, Words},
    mail::address::Address,
    reader::{accounts::AccountError, address::Agreement, device_name},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneSession {
    session: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    #[serde(default)]
    current_password: String,
    new_password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressChange {
    email: String,
    #[serde(default)]
    current_password: String,
}

pub(super) async fn page(State(pages): State<Pages>, visit: Visit) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    draw(&pages, &member, &sheet, None).await
}

/// A form of the account page that was sent in vain.
struct Refused {
    action: &'static str,
    why: Refusal,
    /// The address to come, as typed.
    email: String,
}

/// The account page, with what was refused, if anything.
async fn draw(
    pages: &Pages,
    member: &Member,
    sheet: &Sheet,
    refused: Option<Refused>,
) -> Result<Response, Halt> {
    let sessions = pages.accounts.sessions(member.caller()).await?;
    let words = &sheet.words;
    let email = refused.as_ref().map_or("", |refused| &refused.email);
    let current = member.session.id;
    let since = words.day(member.reader.created_at);
    let newsletters = newsletters(pages, member, words).await?;
    let view = AccountView {
        newsletters,
        email: member.reader.email.typed().to_owned(),
        since: words.with("account-since", &[("day", since.into())]),
        sections: sections(words, member, email),
        devices: sessions.into_iter().map(|of| device_view(words, &of, current)).collect(),
        alert: None,
    };
    let overview = Overview::of(pages, member.reader.id, sheet).await?;
    let Some(Refused { action, why, .. }) = refused else {
        return Ok(view::account(pages, StatusCode::OK, (&view, overview), sheet));
    };
    let view = view.refused(action, why.field, &why.words);
    let response = view::account(pages, why.status, (&view, overview), sheet);
    Ok(why.seal(response))
}

/// What was wrong, on the account page; or the way to log in once more, where nothing else proves
/// who asks.
async fn refuse(
    pages: &Pages,
    member: &Member,
    sheet: &Sheet,
    (action, email): (&'static str, String),
    error: AccountError,
) -> Result<Response, Halt> {
    let words = &sheet.words;
    let has_password = member.reader.password_hash.is_some();
    let why = match error {
        AccountError::FreshLoginRequired if has_password => {
            Refusal::of_field("current_password", words.say("account-give-password"))
        }
        AccountError::FreshLoginRequired => return Ok(ToLogin::again("/account").into_response()),
        error => refusal::of(words, error, "new_password")?,
    };
    draw(pages, member, sheet, Some(Refused { action, why, email })).await
}

/// Which newsletters the reader receives, in a sentence.
async fn newsletters(pages: &Pages, member: &Member, words: &Words) -> Result<String, ApiError> {
    let received = pages.newsletters.received_by(&member.reader.email).await?;
    let name = |(it, _): &(Newsletter, Timestamp)| it.name.in_language(words.language).to_owned();
    let names: Vec<String> = received.iter().map(name).collect();
    if names.is_empty() {
        return Ok(words.say("newsletter-account-none"));
    }
    let all = [("newsletters", words.list(&names).into())];
    Ok(words.with("newsletter-account-receives", &all))
}

fn device_view(words: &Words, session: &Session, current: Uuid) -> DeviceView {
    let name = device_name::of(words, &session.device);
    let [since, used] = [session.started_at, session.last_used_at].map(|at| words.day(at));
    let end = [("device", (&name).into()), ("used", (&used).into())];
    let times = [("since", since.into()), ("used", (&used).into())];
    DeviceView {
        id: session.id.to_string(),
        times: words.with("account-device-times", &times),
        end_label: words.with("account-end-device", &end),
        current: session.id == current,
        name,
    }
}

/// What can be changed. `email` is the address to come, as typed.
fn sections(words: &Words, member: &Member, email: &str) -> Vec<Section> {
    let has_password = member.reader.password_hash.is_some();
    let state = if has_password { "account-password-is-set" } else { "account-password-none" };
    vec![
        Section {
            now: member.reader.email.typed().to_owned(),
            form: address_form_of(words, email, has_password),
        },
        Section { now: words.say(state), form: password_form(words, has_password) },
        Section { now: words.language.name().to_owned(), form: language_form(words) },
    ]
}

/// Readers who log in by mail only have no password to give.
fn current_password(words: &Words, has_password: bool) -> Option<Field> {
    let label = || words.say("account-current-password");
    has_password.then(|| password_field("current_password", label()))
}

fn password_form(words: &Words, has_password: bool) -> Form {
    let heading = if has_password { "account-password-change" } else { "account-password-set" };
    let label = words.say("page-field-new-password");
    Form {
        heading: words.say(heading),
        text: words.say("account-password-text"),
        fields: current_password(words, has_password)
            .into_iter()
            .chain([new_password_field(words, "new_password", label)])
            .collect(),
        ..Form::new("/account/password", words.say("account-password-button"))
    }
}

fn address_form_of(words: &Words, email: &str, has_password: bool) -> Form {
    let new = Field {
        label: words.say("account-address-new"),
        autocomplete: "email",
        ..email_field(words, email)
    };
    Form {
        heading: words.say("account-address-change"),
        text: words.say("account-address-text"),
        fields: [new].into_iter().chain(current_password(words, has_password)).collect(),
        ..Form::new("/account/email", words.say("account-address-button"))
    }
}

fn language_form(words: &Words) -> Form {
    let choices = Language::ALL.into_iter().map(|language| Choice {
        value: language.tag().to_owned(),
        label: language.name().to_owned(),
        chosen: language == words.language,
    });
    let kind = Kind::Select(choices.collect());
    Form {
        heading: words.say("account-language-change"),
        text: words.say("account-language-text"),
        fields: vec![Field::new("language", words.say("account-language-field"), kind)],
        hidden: vec![("return_to", "/account".to_owned())],
        ..Form::new("/language", words.say("account-language-button"))
    }
}

pub(super) async fn end_session(
    State(pages): State<Pages>,
    Submitted { visit, fields: OneSession { session } }: Submitted<OneSession>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    let Ok(session) = Uuid::parse_str(&session) else {
        return Ok(refusal::unreadable(&pages, &sheet));
    };
    pages.accounts.end_session(member.caller(), session).await?;
    if session == member.session.id {
        return Ok(leave(&pages, "/login"));
    }
    Ok(axum::response::Redirect::to("/account").into_response())
}

pub(super) async fn end_sessions(
    State(pages): State<Pages>,
    Submitted { visit, .. }: Submitted<Nothing>,
) -> Result<Response, Halt> {
    let member = visit.member_or_login("/account")?;
    pages.accounts.end_sessions(member.reader.id, None).await?;
    Ok(leave(&pages, "/login"))
}

pub(super) async fn change_password(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<PasswordChange>,
) -> Result<Response, Halt> {
    let (sheet, client) = (visit.sheet(&pages), visit.client);
    let member = visit.member_or_login("/account")?;
    let PasswordChange { current_password, new_password } = fields;
    let given = Some(current_password).filter(|text| !text.is_empty());
    let current = given.and_then(|text| Password::attempt(&text));
    let (caller, device) = (member.caller(), device(&headers, client));
    let accounts = &pages.accounts;
    match accounts.change_password(caller, current.as_ref(), &new_password, device).await {
        // The old session has ended with all the others.
        Ok(logged_in) => Ok(enter(&pages, &logged_in, None, "/account").await?),
        Err(error) => {
            let form = ("/account/password", String::new());
            refuse(&pages, &member, &sheet, form, error).await
        }
    }
}

pub(super) async fn ask_for_address(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<AddressChange>,
) -> Result<Response, Halt> {
    let (sheet, client) = (visit.sheet(&pages), visit.client);
    let member = visit.member_or_login("/account")?;
    let AddressChange { email, current_password } = fields;
    let given = Some(current_password).filter(|text| !text.is_empty());
    let password = given.and_then(|text| Password::attempt(&text));
    let action = "/account/email";
    match Address::parse(&email) {
        Err(rule) => {
            let why = Refusal::of_email(&sheet.words, rule);
            draw(&pages, &member, &sheet, Some(Refused { action, why, email })).await
        }
        Ok(new) => {
            let caller = member.caller();
            match pages.accounts.ask_for_address(caller, password.as_ref(), &new, client).await {
                Ok(()) => Ok(look_into_mail(&pages, &sheet)),
                Err(error) => refuse(&pages, &member, &sheet, (action, email), error).await,
            }
        }
    }
}

fn agree_page(words: &Words, token: &str) -> Page {
    Page {
        title: words.say("account-address-change"),
        lead: words.say("account-address-agree-lead"),
        forms: vec![Form {
            hidden: vec![("token", token.to_owned())],
            ..Form::new("/account/address", words.say("account-address-agree-button"))
        }],
        ..Page::default()
    }
}

pub(super) async fn address_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Response {
    let sheet = visit.sheet(&pages);
    let page = agree_page(&visit.words, &token);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn agree_to_address(
    State(pages): State<Pages>,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, Halt> {
    let (sheet, words) = (visit.sheet(&pages), &visit.words);
    let (title, lead) = match pages.accounts.agree_to_address(&token).await {
        Ok(Agreement::Changed) => {
            (words.say("account-address-changed-title"), words.say("account-address-changed-lead"))
        }
        Ok(Agreement::WaitsForOther) => {
            (words.say("account-address-waits-title"), words.say("account-address-waits-lead"))
        }
        Err(error) => {
            let page = Page { forms: Vec::new(), ..agree_page(words, &token) };
            let refused = refusal::of(words, error, "new_password")?;
            return Ok(refused.on(&pages, (page, "/account/address"), &sheet));
        }
    };
    let links = vec![link("/account", words.say("account-title"))];
    let page = Page { title, lead, links, ..Page::default() };
    Ok(view::page(&pages, StatusCode::OK, &page, &sheet))
}

fn object_page(words: &Words, token: &str) -> Page {
    Page {
        title: words.say("account-address-object-title"),
        lead: words.say("account-address-object-lead"),
        forms: vec![Form {
            hidden: vec![("token", token.to_owned())],
            ..Form::new("/account/address/object", words.say("account-address-object-button"))
        }],
        ..Page::default()
    }
}

pub(super) async fn object_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Response {
    let sheet = visit.sheet(&pages);
    let page = object_page(&visit.words, &token);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn object_to_address(
    State(pages): State<Pages>,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, Halt> {
    let (sheet, words) = (visit.sheet(&pages), &visit.words);
    if let Err(error) = pages.accounts.object_to_address(&token).await {
        let page = Page { forms: Vec::new(), ..object_page(words, &token) };
        let refused = refusal::of(words, error, "new_password")?;
        return Ok(refused.on(&pages, (page, "/account/address/object"), &sheet));
    }
    let page = Page {
        title: words.say("account-address-objected-title"),
        lead: words.say("account-address-objected-lead"),
        links: vec![link("/account", words.say("account-title"))],
        ..Page::default()
    };
    Ok(view::page(&pages, StatusCode::OK, &page, &sheet))
}
