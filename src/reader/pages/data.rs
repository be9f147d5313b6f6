//! `/account/export` and `/account/erase`: taking one's data along, and leaving.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Pages, refusal,
    submitted::{Nothing, Submitted},
    view::{self, Form, Page},
    visit::{ToLogin, Visit, leave},
};
use crate::{http::problem::ApiError, reader::accounts::AccountError};

const ERASE: &str = "/account/erase";

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
        forms: vec![Form { action: ERASE, button: "Erase my account", ..Form::default() }],
        links: vec![("/account", "Keep my account"), ("/account/export", "Download my data first")],
        ..Page::default()
    }
}

pub(super) async fn erase_form(State(pages): State<Pages>, visit: Visit) -> Response {
    let tokens = visit.form_tokens(&pages);
    match visit.member_or_login(ERASE) {
        Ok(member) if member.is_fresh(&pages) => {
            view::page(&pages, StatusCode::OK, &erase_page(), &tokens)
        }
        // Before the button, so that nobody decides twice.
        Ok(_) => ToLogin::again(ERASE).into_response(),
        Err(to_login) => to_login.into_response(),
    }
}

pub(super) async fn erase(
    State(pages): State<Pages>,
    Submitted { visit, .. }: Submitted<Nothing>,
) -> Result<Response, ApiError> {
    let tokens = visit.form_tokens(&pages);
    let member = match visit.member_or_login(ERASE) {
        Ok(member) => member,
        Err(to_login) => return Ok(to_login.into_response()),
    };
    match pages.accounts.erase_self(member.caller()).await {
        Ok(()) => Ok(leave(&pages, "/signup")),
        Err(AccountError::FreshLoginRequired) => Ok(ToLogin::again(ERASE).into_response()),
        Err(error) => {
            Ok(refusal::of(error, "new_password")?.on(&pages, (erase_page(), ERASE), &tokens))
        }
    }
}
