//! `/staff/complimentary`: what was given away, and taking it back.

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
    subscriptions::next_query,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        engine::{BillingError, Office, REASON_MAX},
        grant::{Grant, GrantState, Listed},
    },
    clock::Timestamp,
    http::{
        path::{PathId, parse_id},
        problem::ApiError,
    },
    staff::{
        find::{
            given::GivenLooked,
            looked::{Asked, asked},
        },
        plain,
    },
};

#[derive(Template)]
#[template(path = "staff/templates/given.html", config = ".config/askama.toml")]
struct GivenPage {
    frame: Frame,
    looked: GivenLooked,
    given: Vec<Row>,
    next: Option<String>,
    may_end: bool,
}

/// Something that was given.
struct Row {
    id: Uuid,
    reader: Uuid,
    email: String,
    product: String,
    since: String,
    until: String,
    state: &'static str,
    /// By whom and why; and the same of its end.
    said: String,
}

impl Row {
    fn of(Listed { grant, email }: Listed, (frame, now): (&Frame, Timestamp)) -> Self {
        let words = &frame.words;
        Self {
            id: grant.id,
            reader: grant.reader_id,
            email: frame.visibility().address(email).to_string(),
            since: words.day(grant.starts_at),
            until: words.day(grant.revoked_at.unwrap_or(grant.ends_at)),
            state: grant.state(now).as_str(),
            said: frame.visibility().text(said(&grant)),
            product: grant.product,
        }
    }
}

/// By whom and why it was given, and taken back if it was.
fn said(grant: &Grant) -> String {
    let given = format!("{}: {}", plain::actor(&grant.given_by), grant.reason);
    match (&grant.revoked_by, &grant.revoke_reason) {
        (Some(by), Some(why)) => format!("{given}; taken back by {}: {why}", plain::actor(by)),
        _ => given,
    }
}

/// What was given, in a sentence.
pub(super) fn told(grant: &Grant, (frame, now): (&Frame, Timestamp)) -> String {
    let until = match grant.state(now) {
        GrantState::Running => "until",
        GrantState::Ended => "ended",
        GrantState::TakenBack => "taken back on",
    };
    let day = frame.words.day(grant.revoked_at.unwrap_or(grant.ends_at));
    format!("{} {until} {day}, by {}", grant.product, said(grant))
}

/// What was given away.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    looked: Asked<GivenLooked>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsRead)?;
    let looked = asked(looked)?;
    let found = pages.desk.list_given(&acting.lookup(), &looked).await?;
    let next = next_query(&looked.query(), &looked.limit, found.next);
    let frame = seat.frame(&pages, "Given away", Place::Given);
    let around = (&frame, pages.desk.clock.now());
    let given = found.entries.into_iter().map(|it| Row::of(it, around)).collect();
    let may_end = seat.may(Permission::SubscriptionsAct);
    Ok(frame::show(GivenPage { frame, looked, given, next, may_end }.render()))
}

/// Why it ends.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
    #[serde(default)]
    operation: String,
}

#[derive(Template)]
#[template(path = "staff/templates/end_given.html", config = ".config/askama.toml")]
struct EndPage {
    frame: Frame,
    id: Uuid,
    reader: Uuid,
    now: String,
    runs: bool,
    why: Why,
    refused: Option<String>,
}

impl EndPage {
    fn action(&self) -> String {
        format!("/staff/complimentary/{}/end", self.id)
    }
}

async fn draw_end(
    (pages, seat): (&StaffPages, &Seat),
    id: Uuid,
    (status, mut why, refused): (StatusCode, Why, Option<String>),
) -> Result<Response, ApiError> {
    let grant = pages.desk.readers.billing.find_grant(id).await?;
    let now = pages.desk.clock.now();
    why.operation = pages.desk.new_operation()?.to_string();
    let frame = seat.frame(pages, "Take back what was given", Place::Given);
    let page = EndPage {
        now: told(&grant, (&frame, now)),
        reader: grant.reader_id,
        runs: grant.state(now) == GrantState::Running,
        frame,
        id,
        why,
        refused,
    };
    Ok(frame::answer(status, page.render()))
}

/// Whether to take it back.
pub(super) async fn end_form(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
) -> Result<Response, ApiError> {
    seat.to(Permission::SubscriptionsAct)?;
    draw_end((&pages, &seat), parse_id(id)?, (StatusCode::OK, Why::default(), None)).await
}

/// Takes it back.
pub(super) async fn end(
    State(pages): State<StaffPages>,
    id: PathId,
    Submitted { seat, fields: why }: Submitted<Why>,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let acting = seat.to(Permission::SubscriptionsAct)?;
    let reason = why.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let rule = format!("Say why, in at most {REASON_MAX} characters.");
        let refused = (StatusCode::UNPROCESSABLE_ENTITY, why, Some(rule));
        return draw_end((&pages, &seat), id, refused).await;
    }
    let office = Office {
        entry: acting.entry(Action::ReaderComplimentaryEnded),
        reason,
        seen: None,
        operation: why.operation.parse().ok(),
    };
    let billing = &pages.desk.readers.billing;
    match billing.end_grant(id, &office).await {
        Ok(_) | Err(BillingError::Repeated) => {
            let reader = billing.find_grant(id).await?.reader_id;
            Ok(Redirect::to(&format!("/staff/readers/{reader}?done=taken-back")).into_response())
        }
        Err(error @ BillingError::Refused(_)) => {
            let told = Some(format!("Not possible now: {error}."));
            draw_end((&pages, &seat), id, (StatusCode::CONFLICT, why, told)).await
        }
        Err(error) => Err(error.into()),
    }
}
