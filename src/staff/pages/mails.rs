//! `/staff/mails`: which mails wait, were sent, or were given up.

use askama::Template;
use axum::{
    extract::{Query, State},
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
    http::problem::{ApiError, FieldError},
    mail::outbox::{KEPT, LISTED_MAX, ListedMail, MailStatus},
};

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    status: String,
    cursor: Option<Uuid>,
    done: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfMail {
    id: Uuid,
}

#[derive(Template)]
#[template(path = "staff/templates/mails.html", config = ".config/askama.toml")]
struct MailsPage {
    frame: Frame,
    status: Option<MailStatus>,
    mails: Vec<MailView>,
    next: Option<Uuid>,
    may_retry: bool,
    /// Whether none is ever sent.
    keeps: bool,
}

impl MailsPage {
    /// What those of a status are called.
    fn name(&self, status: MailStatus) -> &'static str {
        match status {
            MailStatus::Queued if self.keeps => "Kept",
            MailStatus::Queued => "Queued",
            MailStatus::Sent => "Sent",
            MailStatus::Dead => "Dead",
        }
    }
}

/// A mail as it is shown.
struct MailView {
    id: Uuid,
    recipient: String,
    subject: String,
    status: String,
    attempts: i64,
    created: String,
    /// When it is tried next, or was done with; nothing for one that is kept.
    at: String,
    /// When a link in it was used for the first time.
    clicked: Option<String>,
    error: String,
}

impl MailView {
    fn of(mail: ListedMail, frame: &Frame) -> Self {
        let at = mail.done_at.or_else(|| (mail.status != KEPT).then_some(mail.due_at));
        Self {
            id: mail.id,
            recipient: mail.recipient,
            subject: mail.subject,
            status: mail.status,
            attempts: mail.attempts,
            created: frame.words.moment(mail.created_at),
            at: at.map(|at| frame.words.moment(at)).unwrap_or_default(),
            clicked: mail.clicked_at.map(|at| frame.words.moment(at)),
            error: mail.last_error.unwrap_or_default(),
        }
    }
}

/// The mails.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(Which { status, cursor, done }): Query<Which>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::MailQueueRead)?;
    let status = match status.as_str() {
        "" => None,
        text => Some(MailStatus::parse(text).ok_or_else(|| {
            let rule = "must be `queued`, `sent` or `dead`";
            ApiError::InvalidFields(vec![FieldError::new("status", "invalid_value", rule)])
        })?),
    };
    let notice = done.filter(|done| done == "retried").map(|_| "The mail is due again.".to_owned());
    let frame = seat.frame(&pages, "Mails", Place::Mails).saying(notice);
    let mails = pages.desk.mails(status, cursor).await?;
    pages.desk.note_listing(&acting.lookup(), "mails", mails.len()).await?;
    let is_full = i64::try_from(mails.len()) == Ok(LISTED_MAX);
    let next = mails.last().map(|last| last.id).filter(|_| is_full);
    let mails = mails.into_iter().map(|mail| MailView::of(mail, &frame)).collect();
    let may_retry = seat.may(Permission::MailQueueRetry);
    let keeps = pages.desk.readers.mail.keeps();
    Ok(frame::show(MailsPage { frame, status, mails, next, may_retry, keeps }.render()))
}

/// Lets a mail that was given up be tried again.
pub(super) async fn retry(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: OfMail { id } }: Submitted<OfMail>,
) -> Result<Response, ApiError> {
    pages.desk.retry_mail(seat.to(Permission::MailQueueRetry)?, id).await?;
    Ok(Redirect::to("/staff/mails?status=dead&done=retried").into_response())
}
