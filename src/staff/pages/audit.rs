//! `/staff/audit`: who did what, the youngest entry first.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::{audit::model::Record, auth::staff::permission::Permission, http::problem::ApiError};

const ON_A_PAGE: i64 = 100;

#[derive(Deserialize)]
pub(super) struct Before {
    cursor: Option<i64>,
}

#[derive(Template)]
#[template(path = "staff/templates/audit.html", config = ".config/askama.toml")]
struct AuditPage {
    frame: Frame,
    entries: Vec<EntryView>,
    next: Option<i64>,
}

/// An entry as it is shown.
struct EntryView {
    seq: i64,
    at: String,
    actor: String,
    action: String,
    target: String,
    /// Where the target has a page.
    href: Option<String>,
    before: String,
    after: String,
    ip: String,
}

impl EntryView {
    fn of(record: Record, frame: &Frame) -> Self {
        let target = record.target_id.unwrap_or_default();
        let kind = record.target_kind.unwrap_or_default();
        let href = match kind.as_str() {
            "reader" => Some(format!("/staff/readers/{target}")),
            "subscription" => Some(format!("/staff/subscriptions/{target}")),
            _ => None,
        };
        let actor = match record.actor_id {
            Some(id) => id,
            None => record.actor_kind,
        };
        Self {
            seq: record.seq,
            at: frame.words.moment(record.at),
            actor,
            action: record.action,
            target: format!("{kind} {target}").trim().to_owned(),
            href,
            before: record.before.unwrap_or_default(),
            after: record.after.unwrap_or_default(),
            ip: record.ip.unwrap_or_default(),
        }
    }
}

/// A page of the log.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(Before { cursor }): Query<Before>,
) -> Result<Response, ApiError> {
    seat.to(Permission::AuditRead)?;
    let frame = seat.frame(&pages, "Audit log", Place::Audit);
    let records = pages.desk.audit(cursor, ON_A_PAGE).await?;
    let is_full = i64::try_from(records.len()) == Ok(ON_A_PAGE);
    let next = records.last().map(|last| last.seq).filter(|seq| is_full && *seq > 1);
    let entries = records.into_iter().map(|record| EntryView::of(record, &frame)).collect();
    Ok(frame::show(AuditPage { frame, entries, next }.render()))
}
