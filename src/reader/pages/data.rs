//! `/account/export` and `/account/erase`: taking one's data along, and leaving.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Pages,
    fields::Form,
    halt::Halt,
    refusal,
    submitted::Submitted,
    view::{self, Page, link},
    visit::{ToLogin, Visit, leave},
};
use crate::{http::form::Nothing, language::Words, reader::accounts::AccountError};

const ERASE: &str = "/account/erase";

pub(super) async fn export(State(pages): State<Pages>, visit: Visit) -> Result<Response, Halt> {
    let member = visit.member_or_login("/account")?;
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

fn erase_page(words: &Words) -> Page {
    Page {
        title: words.say("account-erase"),
        lead: words.say("account-erase-lead"),
        forms: vec![Form::new(ERASE, words.say("account-erase-button"))],
        links: vec![
            link("/account", words.say("account-erase-keep")),
            link("/account/export", words.say("account-erase-export")),
        ],
        ..Page::default()
    }
}

pub(super) async fn erase_form(State(pages): State<Pages>, visit: Visit) -> Response {
    let sheet = visit.sheet(&pages);
    match visit.member_or_login(ERASE) {
        Ok(member) if member.is_fresh(&pages) => {
            view::page(&pages, StatusCode::OK, &erase_page(&sheet.words), &sheet)
        }
        // Before the button, so that nobody decides twice.
        Ok(_) => ToLogin::again(ERASE).into_response(),
        Err(to_login) => to_login.into_response(),
    }
}

pub(super) async fn erase(
    State(pages): State<Pages>,
    Submitted { visit, .. }: Submitted<Nothing>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login(ERASE)?;
    match pages.accounts.erase_self(member.caller()).await {
        Ok(()) => Ok(leave(&pages, "/signup")),
        Err(AccountError::FreshLoginRequired) => Ok(ToLogin::again(ERASE).into_response()),
        Err(error) => {
            let page = (erase_page(&sheet.words), ERASE);
            Ok(refusal::of(&sheet.words, error, "new_password")?.on(&pages, page, &sheet))
        }
    }
}
