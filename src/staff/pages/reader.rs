//! `/staff/readers/{id}`: one reader on one page.

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
    given,
    ledger::LedgerRow,
    seat::Seat,
    submitted::Submitted,
    subscription::InvoiceRow,
    subscriptions::Row,
    timeline::{KINDS, Timeline},
};
use crate::{
    auth::staff::permission::Permission,
    billing::grant::GrantState,
    clock::Timestamp,
    http::{
        path::{PathId, parse_id},
        problem::ApiError,
    },
    reader::device_name,
    staff::{
        api::parse_note,
        plain,
        review::ReaderReview,
        timeline::{Wanted, entry::Kind, staff_in, words::Names},
    },
};

#[derive(Template)]
#[template(path = "staff/templates/reader.html", config = ".config/askama.toml")]
struct ReaderPage {
    frame: Frame,
    id: Uuid,
    facts: Vec<(&'static str, String)>,
    subscriptions: Vec<Row>,
    /// What was given, and the id of what can be taken back.
    grants: Vec<(String, Option<Uuid>)>,
    invoices: Vec<InvoiceRow>,
    ledger: Vec<LedgerRow>,
    /// What a device is called, and when it was used last.
    devices: Vec<(String, String)>,
    mails: Vec<MailRow>,
    timeline: Timeline,
    may_erase: bool,
    /// What was written, and when and by whom.
    notes: Vec<(String, String)>,
    /// What the form for another note is called.
    operation: Uuid,
}

impl ReaderPage {
    /// Where the form of an act is sent.
    fn act(&self, act: &str) -> String {
        format!("/staff/readers/{}/{act}", self.id)
    }

    /// Where the timeline of one kind is, or of all.
    fn only(&self, kind: &str) -> String {
        let kind = if kind.is_empty() { String::new() } else { format!("?kind={kind}") };
        format!("/staff/readers/{}{kind}#timeline", self.id)
    }

    /// Whether the timeline is of this kind, or of all.
    fn is_chosen(&self, kind: &str) -> bool {
        self.timeline.kind.map_or("", Kind::as_str) == kind
    }

    /// Where the timeline that is shown begins.
    fn here(&self) -> String {
        self.only(self.timeline.kind.map_or("", Kind::as_str))
    }
}

/// A mail to the reader.
struct MailRow {
    subject: String,
    status: String,
    at: String,
    /// When a link in it was used for the first time.
    clicked: Option<String>,
}

/// What of the page is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    done: Option<String>,
    kind: String,
    cursor: String,
}

/// The page.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
    Query(Shown { done, kind, cursor }): Query<Shown>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::ReadersRead)?;
    let id = parse_id(id)?;
    let review = pages.desk.review_reader(id).await?;
    let wanted = Wanted { kind, cursor, limit: String::new() };
    let told = pages.desk.timeline(&review.reader, &wanted).await?;
    let mut staff = staff_in(&told.entries);
    staff.extend(review.notes.iter().map(|note| note.staff_id));
    let names = pages.desk.names_with(staff).await?;
    pages.desk.note_look(acting, id).await?;
    let notice = match done.as_deref() {
        Some("given") => Some("It was given, and the reader is told by mail.".to_owned()),
        Some("taken-back") => Some("It was taken back, and the reader is told by mail.".to_owned()),
        Some("asked") => {
            Some("Both addresses were written to. The new one counts once it agrees.".to_owned())
        }
        Some("confirmed") => Some("The address is taken for confirmed.".to_owned()),
        Some("written") => Some("It is on its way.".to_owned()),
        Some("signed-out") => Some("The reader is logged out everywhere.".to_owned()),
        _ => None,
    };
    let frame = seat.frame(&pages, review.reader.email.typed(), Place::Readers).saying(notice);
    let asked = (id, &wanted, wanted.kind()?);
    let timeline = Timeline::of(&told, asked, (&frame, &names));
    let may_erase = seat.may(Permission::ReaderErase);
    let now = pages.desk.clock.now();
    let asked = (may_erase, pages.desk.new_operation()?);
    let page = ReaderPage::of(&review, (timeline, &names), asked, (frame, now));
    Ok(frame::show(page.render()))
}

/// A note that is to be kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNote {
    id: Uuid,
    #[serde(deserialize_with = "crate::http::text::lines")]
    text: String,
    /// What the form is called, so that it is kept once.
    #[serde(default)]
    operation: String,
}

/// Keeps a note about a reader.
pub(super) async fn add_note(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: NewNote { id, text, operation } }: Submitted<NewNote>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::ReadersRead)?;
    let named = (id, operation.parse().ok());
    pages.desk.add_note(acting, named, parse_note(&text)?).await?;
    Ok(Redirect::to(&format!("/staff/readers/{id}#notes")).into_response())
}

impl ReaderPage {
    fn of(
        review: &ReaderReview,
        (timeline, names): (Timeline, &Names),
        (may_erase, operation): (bool, Uuid),
        (frame, now): (Frame, Timestamp),
    ) -> Self {
        let words = &frame.words;
        let email = review.reader.email.typed().to_owned();
        let row = |it| Row::of(it, Some(email.clone()), &frame);
        let grants = review.grants.iter().map(|grant| {
            let runs = grant.state(now) == GrantState::Running;
            (given::told(grant, (&frame, now)), runs.then_some(grant.id))
        });
        let devices = review.devices.iter().map(|device| {
            (device_name::of(words, &device.device), words.moment(device.last_used_at))
        });
        let mails = review.mails.iter().map(|mail| MailRow {
            subject: mail.subject.clone(),
            status: mail.status.clone(),
            at: words.moment(mail.created_at),
            clicked: mail.clicked_at.map(|at| words.moment(at)),
        });
        let notes = review.notes.iter().map(|it| {
            let staff = names.actor(&format!("staff:{}", it.staff_id));
            (it.text.clone(), format!("{}, {staff}", words.moment(it.at)))
        });
        Self {
            id: review.reader.id,
            may_erase,
            facts: facts(review, &frame),
            subscriptions: review.subscriptions.iter().map(row).collect(),
            grants: grants.collect(),
            invoices: review.invoices.iter().map(|it| InvoiceRow::of(it, &frame)).collect(),
            ledger: review.ledger.iter().map(|it| LedgerRow::of(it, &frame)).collect(),
            devices: devices.collect(),
            mails: mails.collect(),
            notes: notes.collect(),
            operation,
            timeline,
            frame,
        }
    }
}

fn facts(review: &ReaderReview, frame: &Frame) -> Vec<(&'static str, String)> {
    let (reader, words) = (&review.reader, &frame.words);
    let verified = match reader.email_verified_at {
        Some(at) => format!("confirmed {}", words.day(at)),
        None => "not confirmed yet: the account opens articles in one browser only".to_owned(),
    };
    let log_in = if reader.password_hash.is_some() { "by password or mail" } else { "by mail" };
    let balances: Vec<String> = review.balances.iter().map(|money| words.money(*money)).collect();
    let balance = if balances.is_empty() { "nothing".to_owned() } else { balances.join(", ") };
    let mut facts = vec![
        ("Address", verified),
        ("Account", format!("since {}", words.day(reader.created_at))),
        ("Logs in", log_in.to_owned()),
        ("We owe", balance),
    ];
    if let Some(language) = reader.language {
        facts.push(("Language", language.name().to_owned()));
    }
    if let Some(site) = &reader.site {
        facts.push(("Came from", site.clone()));
    }
    facts
}
