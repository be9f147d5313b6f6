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
    refusal::{self, Refusal},
    sign_up::{Opened, Token, look_into_mail},
    submitted::{Nothing, Submitted},
    view::{
        self, AccountView, DeviceView, Field, Form, Page, day, email_field, new_password_field,
        password_field,
    },
    visit::{FormTokens, Member, ToLogin, Visit, device, enter, leave},
};
use crate::{
    auth::{password::Password, session::model::Session},
    http::problem::ApiError,
    mail::address::Address,
    reader::{accounts::AccountError, address::Agreement},
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

pub(super) async fn page(State(pages): State<Pages>, visit: Visit) -> Result<Response, ApiError> {
    let tokens = visit.form_tokens(&pages);
    match visit.member_or_login("/account") {
        Ok(member) => draw(&pages, &member, &tokens, None).await,
        Err(to_login) => Ok(to_login.into_response()),
    }
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
    tokens: &FormTokens,
    refused: Option<Refused>,
) -> Result<Response, ApiError> {
    let sessions = pages.accounts.sessions(member.caller()).await?;
    let current = member.session.id;
    let has_password = member.reader.password_hash.is_some();
    let email = refused.as_ref().map_or("", |refused| &refused.email);
    let mut view = AccountView {
        email: member.reader.email.typed().to_owned(),
        since: day(member.reader.created_at),
        devices: sessions.into_iter().map(|session| device_view(session, current)).collect(),
        forms: vec![password_form(has_password), address_form_of(email, has_password)],
        alert: None,
    };
    let Some(Refused { action, why, .. }) = refused else {
        return Ok(view::account(pages, StatusCode::OK, &view, tokens));
    };
    let page = Page { forms: view.forms, ..Page::default() };
    let page = page.refused(action, why.field, &why.words);
    (view.forms, view.alert) = (page.forms, page.alert);
    let response = view::account(pages, why.status, &view, tokens);
    Ok(why.seal(response))
}

/// What was wrong, on the account page; or the way to log in once more, where nothing else proves
/// who asks.
async fn refuse(
    pages: &Pages,
    member: &Member,
    tokens: &FormTokens,
    (action, email): (&'static str, String),
    error: AccountError,
) -> Result<Response, ApiError> {
    let has_password = member.reader.password_hash.is_some();
    let why = match error {
        AccountError::FreshLoginRequired if has_password => {
            Refusal::of_field("current_password", "Give your password for this.")
        }
        AccountError::FreshLoginRequired => return Ok(ToLogin::again("/account").into_response()),
        error => refusal::of(error, "new_password")?,
    };
    draw(pages, member, tokens, Some(Refused { action, why, email })).await
}

fn device_view(session: Session, current: Uuid) -> DeviceView {
    DeviceView {
        id: session.id.to_string(),
        since: day(session.started_at),
        last_used: day(session.last_used_at),
        current: session.id == current,
        name: session.device,
    }
}

/// Readers who log in by mail only have no password to give.
fn current_password(has_password: bool) -> Option<Field> {
    has_password.then(|| Field { label: "Current password", ..password_field("current_password") })
}

fn password_form(has_password: bool) -> Form {
    Form {
        action: "/account/password",
        heading: if has_password { "Change the password" } else { "Set a password" },
        text: "Every other device is logged out by it.",
        fields: current_password(has_password)
            .into_iter()
            .chain([new_password_field("new_password", "New password")])
            .collect(),
        button: "Save the password",
        ..Form::default()
    }
}

fn address_form_of(email: &str, has_password: bool) -> Form {
    Form {
        action: "/account/email",
        heading: "Change the address",
        text: "We write to both addresses; it changes when both have agreed.",
        fields: [Field { label: "New email address", autocomplete: "email", ..email_field(email) }]
            .into_iter()
            .chain(current_password(has_password))
            .collect(),
        button: "Ask both addresses",
        ..Form::default()
    }
}

pub(super) async fn end_session(
    State(pages): State<Pages>,
    Submitted { visit, fields: OneSession { session } }: Submitted<OneSession>,
) -> Result<Response, ApiError> {
    let member = match visit.member_or_login("/account") {
        Ok(member) => member,
        Err(to_login) => return Ok(to_login.into_response()),
    };
    let Ok(session) = Uuid::parse_str(&session) else { return Ok(refusal::unreadable(&pages)) };
    pages.accounts.end_session(member.caller(), session).await?;
    if session == member.session.id {
        return Ok(leave(&pages, "/login"));
    }
    Ok(axum::response::Redirect::to("/account").into_response())
}

pub(super) async fn end_sessions(
    State(pages): State<Pages>,
    Submitted { visit, .. }: Submitted<Nothing>,
) -> Result<Response, ApiError> {
    if let Some(member) = visit.member {
        pages.accounts.end_sessions(member.reader.id, None).await?;
    }
    Ok(leave(&pages, "/login"))
}

pub(super) async fn change_password(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<PasswordChange>,
) -> Result<Response, ApiError> {
    let tokens = visit.form_tokens(&pages);
    let member = match visit.member_or_login("/account") {
        Ok(member) => member,
        Err(to_login) => return Ok(to_login.into_response()),
    };
    let PasswordChange { current_password, new_password } = fields;
    let given = Some(current_password).filter(|text| !text.is_empty());
    let current = given.and_then(|text| Password::attempt(&text));
    let changed = pages
        .accounts
        .change_password(member.caller(), current.as_ref(), &new_password, device(&headers))
        .await;
    match changed {
        // The old session has ended with all the others.
        Ok(logged_in) => enter(&pages, &logged_in, None, "/account").await,
        Err(error) => {
            let form = ("/account/password", String::new());
            refuse(&pages, &member, &tokens, form, error).await
        }
    }
}

pub(super) async fn ask_for_address(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<AddressChange>,
) -> Result<Response, ApiError> {
    let tokens = visit.form_tokens(&pages);
    let member = match visit.member_or_login("/account") {
        Ok(member) => member,
        Err(to_login) => return Ok(to_login.into_response()),
    };
    let AddressChange { email, current_password } = fields;
    let given = Some(current_password).filter(|text| !text.is_empty());
    let password = given.and_then(|text| Password::attempt(&text));
    let action = "/account/email";
    match Address::parse(&email) {
        Err(error) => {
            let why = Refusal::of_field("email", format!("The address {error}."));
            draw(&pages, &member, &tokens, Some(Refused { action, why, email })).await
        }
        Ok(new) => {
            let caller = member.caller();
            match pages.accounts.ask_for_address(caller, password.as_ref(), &new).await {
                Ok(()) => Ok(look_into_mail(&pages)),
                Err(error) => refuse(&pages, &member, &tokens, (action, email), error).await,
            }
        }
    }
}

fn agree_page(token: &str) -> Page {
    Page {
        title: "Change the address",
        lead: "Agree, and mail goes to the new address as soon as both have agreed.".to_owned(),
        forms: vec![Form {
            action: "/account/address",
            hidden: vec![("token", token.to_owned())],
            button: "I agree",
            ..Form::default()
        }],
        ..Page::default()
    }
}

pub(super) async fn address_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Response {
    let tokens = visit.form_tokens(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &agree_page(&token), &tokens))
}

pub(super) async fn agree_to_address(
    State(pages): State<Pages>,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, ApiError> {
    let (title, lead) = match pages.accounts.agree_to_address(&token).await {
        Ok(Agreement::Changed) => {
            ("The address was changed", "From now on we write to the new one.")
        }
        Ok(Agreement::WaitsForOther) => {
            ("Thank you", "The other address must agree too; then it is changed.")
        }
        Err(error) => {
            let page = Page { forms: Vec::new(), ..agree_page(&token) };
            let refused = refusal::of(error, "new_password")?;
            let tokens = visit.form_tokens(&pages);
            return Ok(refused.on(&pages, (page, "/account/address"), &tokens));
        }
    };
    let links = vec![("/account", "Your account")];
    let page = Page { title, lead: lead.to_owned(), links, ..Page::default() };
    Ok(view::page(&pages, StatusCode::OK, &page, &FormTokens::none()))
}
