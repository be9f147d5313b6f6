//! `/staff/trouble`: what the service could not do by itself, in one place: subscriptions that are
//! stuck, refunds that the gateway refused, mails that could not be sent.

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
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        engine::{Office, REASON_MAX},
        invoice::credit::Refund,
        subscription::search::Stuck,
    },
    http::problem::{ApiError, FieldError},
    staff::{desk::Acting, plain},
};

#[derive(Template)]
#[template(path = "staff/templates/trouble.html", config = ".config/askama.toml")]
struct TroublePage {
    frame: Frame,
    stuck: Vec<StuckRow>,
    refused: Vec<RefusedRow>,
    /// Whether whoever looks may see mails.
    sees_mails: bool,
    dead_mails: usize,
    may_look: bool,
    may_refund: bool,
}

/// A subscription at which nobody looks any more by itself.
struct StuckRow {
    id: Uuid,
    why: &'static str,
    /// The service's own words.
    words: String,
    since: String,
    tries: i64,
}

impl StuckRow {
    fn of(stuck: Stuck, frame: &Frame) -> Self {
        let words = stuck.trouble.unwrap_or_default();
        let since = stuck.trouble_at.map(|at| frame.words.moment(at));
        Self {
            id: stuck.id,
            why: plain::trouble(&words),
            words,
            since: since.unwrap_or_else(|| "–".to_owned()),
            tries: stuck.trouble_count,
        }
    }
}

/// A refund that the gateway refused.
struct RefusedRow {
    id: Uuid,
    subscription: Uuid,
    invoice: Option<Uuid>,
    amount: String,
    decided: String,
    state: String,
}

impl RefusedRow {
    fn of(refund: &Refund, frame: &Frame) -> Self {
        Self {
            id: refund.id,
            subscription: refund.subscription,
            invoice: refund.invoice,
            amount: frame.words.money(refund.amount),
            decided: frame.words.day(refund.created_at),
            state: frame.visibility().text(plain::refund(&refund.state, &frame.words)),
        }
    }
}

/// Everything that waits.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(Done { done }): Query<Done>,
) -> Result<Response, ApiError> {
    seat.to(Permission::SubscriptionsRead)?;
    let notice = match done.as_deref() {
        Some("looked") => Some("It is looked at again."),
        Some("retried") => {
            Some("Another refund is tried. If it is refused too, it comes back here.")
        }
        Some("settled") => {
            Some("The money is on the reader’s balance, and the reader is told by mail.")
        }
        Some("paid-out") => Some("It is written down that the money was paid in another way."),
        _ => None,
    };
    let frame = seat.frame(&pages, "Trouble", Place::Trouble).saying(notice.map(str::to_owned));
    let billing = &pages.desk.readers.billing;
    let stuck = billing.stuck().await?.into_iter();
    let refused = billing.refused_refunds().await?;
    let page = TroublePage {
        stuck: stuck.map(|it| StuckRow::of(it, &frame)).collect(),
        refused: refused.iter().map(|it| RefusedRow::of(it, &frame)).collect(),
        sees_mails: seat.may(Permission::MailQueueRead),
        dead_mails: pages.desk.dead_mails().await?.len(),
        may_look: seat.may(Permission::SubscriptionsAct),
        may_refund: seat.may(Permission::Refund),
        frame,
    };
    Ok(frame::show(page.render()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfStuck {
    id: Uuid,
}

/// Has a subscription that is stuck looked at again.
pub(super) async fn look(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: OfStuck { id } }: Submitted<OfStuck>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsAct)?;
    let entry = acting.entry(Action::SubscriptionRetried);
    let office = Office { entry, reason: String::new(), seen: None, operation: None };
    pages.desk.readers.billing.office_retry(id, &office).await?;
    Ok(Redirect::to("/staff/trouble?done=looked").into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfRefused {
    id: Uuid,
    /// `retry`, `settle` or `paid-out`: which button it was.
    act: String,
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
}

/// Tries a refused refund again, or settles it.
pub(super) async fn refund(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: OfRefused { id, act, reason } }: Submitted<OfRefused>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::Refund)?;
    let billing = &pages.desk.readers.billing;
    let done = match act.as_str() {
        "retry" => {
            let office = because(acting, Action::RefundRetried, &reason)?;
            billing.retry_refund(id, &office).await?;
            "retried"
        }
        "settle" => {
            let office = because(acting, Action::RefundSettled, &reason)?;
            billing.settle_refund(id, &office).await?;
            "settled"
        }
        "paid-out" => {
            let office = because(acting, Action::RefundSettled, &reason)?;
            billing.pay_refund_out(id, &office).await?;
            "paid-out"
        }
        _ => return Err(ApiError::NotFound),
    };
    Ok(Redirect::to(&format!("/staff/trouble?done={done}")).into_response())
}

/// Somebody who acts and says why.
///
/// # Errors
/// [`ApiError::InvalidFields`] unless they do.
pub(super) fn because(acting: &Acting, action: Action, reason: &str) -> Result<Office, ApiError> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let rule = format!("must say why, in at most {REASON_MAX} characters");
        return Err(ApiError::InvalidFields(vec![FieldError::new("reason", "required", rule)]));
    }
    Ok(Office { entry: acting.entry(action), reason, seen: None, operation: None })
}
