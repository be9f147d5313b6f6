//! What staff do with a reader's account: give a product for a while, log out everywhere, take out
//! all data, erase it.

use askama::Template;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
    submitted::Submitted,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::engine::{DAYS_MAX, Gift, Office, REASON_MAX},
    http::{
        form::Nothing,
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::ApiError,
    },
    staff::desk::Acting,
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    days: String,
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
    /// What the gift will be called: sent twice, it is given once.
    #[serde(default)]
    operation: String,
}

#[derive(Template)]
#[template(path = "staff/templates/give.html", config = ".config/askama.toml")]
struct GivePage {
    frame: Frame,
    id: Uuid,
    given: Given,
    why: Option<String>,
}

impl GivePage {
    fn action(&self) -> String {
        format!("/staff/readers/{}/give", self.id)
    }
}

#[derive(Template)]
#[template(path = "staff/templates/erase.html", config = ".config/askama.toml")]
struct ErasePage {
    frame: Frame,
    id: Uuid,
    why: Option<&'static str>,
}

impl ErasePage {
    fn action(&self) -> String {
        format!("/staff/readers/{}/erase", self.id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    /// The address, so that nobody is erased by a slip.
    email: String,
}

/// The address, to stand on a page.
async fn email_of(pages: &StaffPages, acting: &Acting, id: Uuid) -> Result<String, ApiError> {
    let reader = pages.desk.reader(id).await?;
    pages.desk.note_look(acting, id).await?;
    Ok(reader.email.typed().to_owned())
}

async fn draw_give(
    (pages, seat): (&StaffPages, &Seat),
    id: Uuid,
    (status, mut given, why): (StatusCode, Given, Option<String>),
) -> Result<Response, ApiError> {
    given.operation = pages.desk.new_operation()?.to_string();
    let acting = seat.to(Permission::SubscriptionsAct)?;
    let title = format!("Give {} a product", email_of(pages, acting, id).await?);
    let frame = seat.frame(pages, title, Place::Readers);
    Ok(frame::answer(status, GivePage { frame, id, given, why }.render()))
}

/// What to give.
pub(super) async fn give_form(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
) -> Result<Response, ApiError> {
    seat.to(Permission::SubscriptionsAct)?;
    let given = Given { days: "30".to_owned(), ..Given::default() };
    draw_give((&pages, &seat), parse_id(id)?, (StatusCode::OK, given, None)).await
}

/// Gives it.
pub(super) async fn give(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: given }: Submitted<Given>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let acting = seat.to(Permission::SubscriptionsAct)?;
    let days = given.days.trim().parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    let reason = given.reason.trim().to_owned();
    let fits = !reason.is_empty() && reason.chars().count() <= REASON_MAX;
    let (Some(days), true) = (days, fits) else {
        let why =
            format!("Give 1 to {DAYS_MAX} days, and say why in at most {REASON_MAX} characters.");
        let refused = (StatusCode::UNPROCESSABLE_ENTITY, given, Some(why));
        return draw_give((&pages, &seat), id, refused).await;
    };
    let entry = acting.entry(Action::ReaderComplimentary);
    let operation = given.operation.parse().ok();
    let office = Office { entry, reason, seen: None, operation };
    let gift = Gift { reader: id, product: None, days };
    pages.desk.readers.billing.give(gift, &office).await?;
    Ok(Redirect::to(&format!("/staff/readers/{id}?done=given")).into_response())
}

/// Logs the reader out everywhere.
pub(super) async fn sign_out(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: Nothing {} }: Submitted<Nothing>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    pages.desk.end_sessions_of(seat.to(Permission::ReaderSessionsEnd)?, id).await?;
    Ok(Redirect::to(&format!("/staff/readers/{id}?done=signed-out")).into_response())
}

/// All that is held about the reader, as a file.
pub(super) async fn export(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: Nothing {} }: Submitted<Nothing>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let export = pages.desk.export_reader(seat.to(Permission::ReaderExport)?, id).await?;
    let file = [(header::CONTENT_DISPOSITION, "attachment; filename=\"reader.json\"")];
    Ok((NO_STORE, file, Json(export)).into_response())
}

async fn draw_erase(
    (pages, seat): (&StaffPages, &Seat),
    id: Uuid,
    (status, why): (StatusCode, Option<&'static str>),
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::ReaderErase)?;
    let title = format!("Erase {}", email_of(pages, acting, id).await?);
    let frame = seat.frame(pages, title, Place::Readers);
    Ok(frame::answer(status, ErasePage { frame, id, why }.render()))
}

/// Whether to erase.
pub(super) async fn erase_form(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
) -> Result<Response, ApiError> {
    seat.to(Permission::ReaderErase)?;
    draw_erase((&pages, &seat), parse_id(id)?, (StatusCode::OK, None)).await
}

/// Erases the account, where its address was typed.
pub(super) async fn erase(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: Typed { email } }: Submitted<Typed>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let acting = seat.to(Permission::ReaderErase)?;
    if !email_of(&pages, acting, id).await?.eq_ignore_ascii_case(email.trim()) {
        let why = "This is not the address of this reader; nothing was erased.";
        let refused = (StatusCode::UNPROCESSABLE_ENTITY, Some(why));
        return draw_erase((&pages, &seat), id, refused).await;
    }
    pages.desk.erase_reader(acting, id).await?;
    Ok(Redirect::to("/staff/readers?done=erased").into_response())
}
