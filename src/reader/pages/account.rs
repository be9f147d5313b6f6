//! `/account`: who the reader is, which devices are logged in, and what can be changed.

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Pages,
    refusal::{self, Refusal},
    sign_up::{Token, look_into_mail},
    submitted::Submitted,
    view::{
        self, AccountView, DeviceView, Field, Form, Page, day, email_field, new_password_field,
        password_field,
    },
    visit::{Member, Visit, device, enter, leave},
};
use crate::{
    auth::{password::Password, session::model::Session},
    http::problem::ApiError,
    mail::address::Address,
    reader::address::Agreement,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneSession {
    session: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

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
    let token = visit.form_token(&pages);
    match visit.member_or_login("/account") {
        Ok(member) => draw(&pages, &member, &token, None).await,
        Err(to_login) => Ok(to_login.into_response()),
    }
}

/// The account page, with what was refused, if anything.
async fn draw(
    pages: &Pages,
    member: &Member,
    form_token: &str,
    refused: Option<Refusal>,
) -> Result<Response, ApiError> {
    let sessions = pages.accounts.sessions(member.caller()).await?;
    let current = member.session.id;
    let has_password = member.reader.password_hash.is_some();
    let mut view = AccountView {
        email: member.reader.email.typed().to_owned(),
        since: day(member.reader.created_at),
        devices: sessions.into_iter().map(|session| device_view(session, current)).collect(),
        forms: vec![password_form(has_password), address_form_of(has_password)],
        alert: None,
    };
    let mut status = StatusCode::OK;
    if let Some(refused) = refused {
        status = refused.status;
        let page = Page { forms: view.forms, ..Page::default() };
        let page = page.refused(refused.field, &refused.words);
        (view.forms, view.alert) = (page.forms, page.alert);
    }
    Ok(view::account(pages, status, &view, form_token))
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

fn address_form_of(has_password: bool) -> Form {
    Form {
        action: "/account/email",
        heading: "Change the address",
        text: "We write to both addresses; it changes when both have agreed.",
        fields: [Field { label: "New email address", ..email_field("") }]
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
    let token = visit.form_token(&pages);
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
            let refused = refusal::of(error, "new_password")?;
            draw(&pages, &member, &token, Some(refused)).await
        }
    }
}

pub(super) async fn ask_for_address(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<AddressChange>,
) -> Result<Response, ApiError> {
    let token = visit.form_token(&pages);
    let member = match visit.member_or_login("/account") {
        Ok(member) => member,
        Err(to_login) => return Ok(to_login.into_response()),
    };
    let AddressChange { email, current_password } = fields;
    let given = Some(current_password).filter(|text| !text.is_empty());
    let password = given.and_then(|text| Password::attempt(&text));
    let refused = match Address::parse(&email) {
        Err(error) => Refusal::of_field("email", format!("The address {error}.")),
        Ok(new) => {
            let caller = member.caller();
            match pages.accounts.ask_for_address(caller, password.as_ref(), &new).await {
                Ok(()) => return Ok(look_into_mail(&pages)),
                Err(error) => refusal::of(error, "new_password")?,
            }
        }
    };
    draw(&pages, &member, &token, Some(refused)).await
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
    let form_token = visit.form_token(&pages);
    visit.seal(view::page(&pages, StatusCode::OK, &agree_page(&token), &form_token))
}

pub(super) async fn agree_to_address(
    State(pages): State<Pages>,
    Submitted { visit, fields: Token { token } }: Submitted<Token>,
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
            return Ok(refused.on(&pages, page, &visit.form_token(&pages)));
        }
    };
    let links = vec![("/account", "Your account")];
    let page = Page { title, lead: lead.to_owned(), links, ..Page::default() };
    Ok(view::page(&pages, StatusCode::OK, &page, ""))
}

pub(super) async fn export(State(pages): State<Pages>, visit: Visit) -> Result<Response, ApiError> {
    let member = match visit.member_or_login("/account") {
        Ok(member) => member,
        Err(to_login) => return Ok(to_login.into_response()),
    };
    let export = pages.accounts.export(member.reader.id).await?;
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"my-data.json\""),
        ),
    ];
    Ok((headers, Json(export)).into_response())
}

fn erase_page() -> Page {
    Page {
        title: "Erase your account",
        lead: "Your address, your password and everything else that we hold about you is erased, \
               and every device is logged out. It cannot be undone."
            .to_owned(),
        forms: vec![Form {
            action: "/account/erase",
            button: "Erase my account",
            ..Form::default()
        }],
        links: vec![("/account", "Keep my account"), ("/account/export", "Download my data first")],
        ..Page::default()
    }
}

pub(super) async fn erase_form(State(pages): State<Pages>, visit: Visit) -> Response {
    let token = visit.form_token(&pages);
    match visit.member_or_login("/account/erase") {
        Ok(_) => view::page(&pages, StatusCode::OK, &erase_page(), &token),
        Err(to_login) => to_login.into_response(),
    }
}

pub(super) async fn erase(
    State(pages): State<Pages>,
    Submitted { visit, .. }: Submitted<Nothing>,
) -> Result<Response, ApiError> {
    let token = visit.form_token(&pages);
    let member = match visit.member_or_login("/account/erase") {
        Ok(member) => member,
        Err(to_login) => return Ok(to_login.into_response()),
    };
    match pages.accounts.erase_self(member.caller()).await {
        Ok(()) => Ok(leave(&pages, "/signup")),
        Err(error) => Ok(refusal::of(error, "new_password")?.on(&pages, erase_page(), &token)),
    }
}
