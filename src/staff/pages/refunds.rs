//! `/staff/refunds`: refunds that wait for a second person, and what came of others.

use std::collections::BTreeMap;

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
    subscription::Done,
    trouble::because,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::approval::request::{Request, Stands},
    http::problem::ApiError,
};

#[derive(Template)]
#[template(path = "staff/templates/refunds.html", config = ".config/askama.toml")]
struct RefundsPage {
    frame: Frame,
    waiting: Vec<RequestRow>,
    over: Vec<RequestRow>,
}

/// A request.
struct RequestRow {
    id: Uuid,
    subscription: Uuid,
    invoice: Uuid,
    amount: String,
    cancels: bool,
    reason: String,
    asked: String,
    expires: String,
    /// Whether whoever looks asked for it.
    is_own: bool,
    status: &'static str,
    /// Who decided, when, and why.
    decision: String,
}

impl RequestRow {
    fn of(it: Request, names: &BTreeMap<Uuid, String>, me: Uuid, frame: &Frame) -> Self {
        let words = &frame.words;
        let name = |id: Uuid| names.get(&id).cloned().unwrap_or_else(|| format!("staff {id}"));
        let decision = match (&it.stands, it.stands.decision()) {
            (_, Some(by)) => {
                let why = if by.reason.is_empty() { "" } else { ": " };
                format!("{}, {}{why}{}", name(by.by), words.moment(by.at), by.reason)
            }
            (Stands::Expired, None) => "Nobody decided within 7 days.".to_owned(),
            _ => String::new(),
        };
        Self {
            id: it.id,
            subscription: it.subscription,
            invoice: it.invoice,
            amount: words.money(it.amount),
            cancels: it.cancels,
            asked: format!("{}, {}", name(it.requested_by), words.moment(it.requested_at)),
            expires: words.moment(it.expires_at()),
            is_own: it.requested_by == me,
            status: it.stands.as_str(),
            decision,
            reason: it.reason,
        }
    }
}

/// The page.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(Done { done }): Query<Done>,
) -> Result<Response, ApiError> {
    let me = seat.to(Permission::Refund)?.staff.id;
    let (waiting, over) = pages.desk.readers.billing.refund_requests().await?;
    let team = pages.desk.team().await?.into_iter();
    let names = team.map(|it| (it.id, it.email.typed().to_owned())).collect();
    let notice = match done.as_deref() {
        Some("approved") => Some("You agreed: the money goes back to the card."),
        Some("declined") => Some("You did not agree, and nothing goes back."),
        _ => None,
    };
    let frame = seat.frame(&pages, "Refunds", Place::Refunds).saying(notice.map(str::to_owned));
    let rows = |all: Vec<Request>| {
        all.into_iter().map(|it| RequestRow::of(it, &names, me, &frame)).collect()
    };
    let (waiting, over) = (rows(waiting), rows(over));
    Ok(frame::show(RefundsPage { frame, waiting, over }.render()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    id: Uuid,
    /// `approve` or `decline`: which button it was.
    act: String,
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
}

/// Decides one that somebody else asked for.
pub(super) async fn decide(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: Decided { id, act, reason } }: Submitted<Decided>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::Refund)?;
    let billing = &pages.desk.readers.billing;
    let done = match act.as_str() {
        "approve" => {
            billing.approve_refund(id, &because(acting, Action::RefundApproved, &reason)?).await?;
            "approved"
        }
        "decline" => {
            billing.decline_refund(id, &because(acting, Action::RefundDeclined, &reason)?).await?;
            "declined"
        }
        _ => return Err(ApiError::NotFound),
    };
    Ok(Redirect::to(&format!("/staff/refunds?done={done}")).into_response())
}
