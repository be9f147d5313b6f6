//! How a reader is reached: another address, an address that is taken for confirmed, and a letter
//! that is written once more.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
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
    auth::staff::permission::Permission,
    billing::engine::{Again, Offer, REASON_MAX},
    http::{
        path::{PathId, parse_id},
        problem::ApiError,
    },
    mail::address::{Address, InvalidAddress},
    staff::{again::Letter, desk::DeskError},
};

/// What is typed about an address.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    /// Left out where the address is only confirmed.
    #[serde(default)]
    email: String,
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
}

#[derive(Template)]
#[template(path = "staff/templates/address.html", config = ".config/askama.toml")]
struct AddressPage {
    frame: Frame,
    id: Uuid,
    is_confirmed: bool,
    /// Another address that was asked for, and until when it may agree.
    to_come: Option<(String, String)>,
    typed: Typed,
    why: Option<String>,
}

impl AddressPage {
    fn action(&self, act: &str) -> String {
        format!("/staff/readers/{}/{act}", self.id)
    }
}

async fn draw_address(
    (pages, seat): (&StaffPages, &Seat),
    id: Uuid,
    (status, typed, why): (StatusCode, Typed, Option<String>),
) -> Result<Response, ApiError> {
    let reader = pages.desk.reader(id).await?;
    pages.desk.note_look(seat.to(Permission::ReaderAddress)?, id).await?;
    let to_come = pages.desk.address_to_come(id).await?;
    let title = format!("Address of {}", reader.email.typed());
    let frame = seat.frame(pages, title, Place::Readers);
    let to_come = to_come.map(|(it, until)| (it.typed().to_owned(), frame.words.moment(until)));
    let is_confirmed = reader.email_verified_at.is_some();
    let page = AddressPage { frame, id, is_confirmed, to_come, typed, why };
    Ok(frame::answer(status, page.render()))
}

/// What can be done about the address.
pub(super) async fn address_form(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
) -> Result<Response, ApiError> {
    seat.to(Permission::ReaderAddress)?;
    let shown = (StatusCode::OK, Typed::default(), None);
    draw_address((&pages, &seat), parse_id(id)?, shown).await
}

fn reason_of(typed: &Typed) -> Result<String, String> {
    let reason = typed.reason.trim();
    let fits = !reason.is_empty() && reason.chars().count() <= REASON_MAX;
    let refused = || format!("Say why, in at most {REASON_MAX} characters.");
    fits.then(|| reason.to_owned()).ok_or_else(refused)
}

/// The reader's page, or the form again with what is in the way.
async fn after(
    (pages, seat): (&StaffPages, &Seat),
    (id, typed): (Uuid, Typed),
    (done, says): (Result<(), DeskError>, &str),
) -> Result<Response, ApiError> {
    let why = match done {
        Ok(()) => {
            let place = format!("/staff/readers/{id}?done={says}");
            return Ok(Redirect::to(&place).into_response());
        }
        Err(DeskError::AddressTaken) => {
            "Another reader has this address. Look for it, and see which of the two accounts is to stay."
        }
        Err(DeskError::Already) => "There is nothing to do: it is so already.",
        Err(error) => return Err(error.into()),
    };
    let refused = (StatusCode::CONFLICT, typed, Some(why.to_owned()));
    draw_address((pages, seat), id, refused).await
}

/// Asks the new address, and tells the old one.
pub(super) async fn change_address(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: typed }: Submitted<Typed>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let acting = seat.to(Permission::ReaderAddress)?;
    let here = (&pages, &seat);
    let unfit = |rule| match rule {
        InvalidAddress::Malformed => "Type a whole address, such as anna@example.org.".to_owned(),
        InvalidAddress::LookAlike => format!("The address {rule}."),
    };
    match Address::parse(typed.email.trim())
        .map_err(unfit)
        .and_then(|new| Ok((new, reason_of(&typed)?)))
    {
        Ok((new, reason)) => {
            let done = pages.desk.move_reader(acting, id, (&new, &reason)).await;
            after(here, (id, typed), (done, "asked")).await
        }
        Err(why) => {
            draw_address(here, id, (StatusCode::UNPROCESSABLE_ENTITY, typed, Some(why))).await
        }
    }
}

/// Takes the address for confirmed.
pub(super) async fn confirm_address(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: typed }: Submitted<Typed>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let acting = seat.to(Permission::ReaderAddress)?;
    match reason_of(&typed) {
        Ok(reason) => {
            let done = pages.desk.confirm_address(acting, id, &reason).await;
            after((&pages, &seat), (id, typed), (done, "confirmed")).await
        }
        Err(why) => {
            let refused = (StatusCode::UNPROCESSABLE_ENTITY, typed, Some(why));
            draw_address((&pages, &seat), id, refused).await
        }
    }
}

#[derive(Template)]
#[template(path = "staff/templates/write.html", config = ".config/askama.toml")]
struct WritePage {
    frame: Frame,
    id: Uuid,
    email: String,
    /// What is sent, and what it is called.
    letters: Vec<(String, String)>,
    why: Option<&'static str>,
}

impl WritePage {
    fn action(&self) -> String {
        format!("/staff/readers/{}/write", self.id)
    }
}

/// Which letter is to be written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    #[serde(default)]
    letter: String,
}

fn letter_name(offer: &Offer) -> String {
    match offer.again {
        Again::Receipt(_) => format!("The receipt of invoice {}", offer.about),
        Again::Notice(_, kind) => {
            format!("The notice “{}” for {}", kind.as_str().replace('_', " "), offer.about)
        }
    }
}

async fn draw_write(
    (pages, seat): (&StaffPages, &Seat),
    id: Uuid,
    (status, why): (StatusCode, Option<&'static str>),
) -> Result<Response, ApiError> {
    let (reader, offers) = pages.desk.letters_for(id).await?;
    pages.desk.note_look(seat.to(Permission::ReaderWrite)?, id).await?;
    let email = reader.email.typed().to_owned();
    let log_in = match reader.email_verified_at {
        Some(_) => "A fresh link to log in by",
        None => "A fresh link that confirms the address",
    };
    let log_in = (Letter::LogIn.to_text(), log_in.to_owned());
    let offered = offers.iter().map(|it| (Letter::Billing(it.again).to_text(), letter_name(it)));
    let letters = std::iter::once(log_in).chain(offered).collect();
    let frame = seat.frame(pages, format!("Write to {email} again"), Place::Readers);
    Ok(frame::answer(status, WritePage { frame, id, email, letters, why }.render()))
}

/// What can be written once more.
pub(super) async fn write_form(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
) -> Result<Response, ApiError> {
    seat.to(Permission::ReaderWrite)?;
    draw_write((&pages, &seat), parse_id(id)?, (StatusCode::OK, None)).await
}

/// Writes it.
pub(super) async fn write(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: Chosen { letter } }: Submitted<Chosen>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let acting = seat.to(Permission::ReaderWrite)?;
    let refuse = async |status, why| draw_write((&pages, &seat), id, (status, Some(why))).await;
    let Some(letter) = Letter::parse(&letter) else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "Choose what to write.").await;
    };
    match pages.desk.write_again(acting, id, letter).await {
        Ok(()) => Ok(Redirect::to(&format!("/staff/readers/{id}?done=written")).into_response()),
        Err(DeskError::NotFound) if letter != Letter::LogIn => {
            refuse(StatusCode::CONFLICT, "This says nothing true any more. Choose again.").await
        }
        Err(error) => Err(error.into()),
    }
}
