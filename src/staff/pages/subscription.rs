//! `/staff/subscriptions/{id}`: everything about one.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    StaffPages, acts,
    frame::{self, Frame, Place},
    seat::Seat,
    subscriptions::Row,
};
use crate::{
    auth::staff::permission::Permission,
    billing::{invoice::view::InvoiceView, review::Review, timeline::Told},
    http::{
        path::{PathId, parse_id},
        problem::ApiError,
    },
    staff::plain,
};

#[derive(Template)]
#[template(path = "staff/templates/subscription.html", config = ".config/askama.toml")]
struct SubscriptionPage {
    frame: Frame,
    row: Row,
    card: Option<String>,
    country: String,
    price: String,
    version: i64,
    invoices: Vec<InvoiceRow>,
    /// What whoever looks may do.
    acts: Vec<acts::Kind>,
    /// The latest first.
    timeline: Vec<Happened>,
}

/// What was just done.
#[derive(Deserialize)]
pub(super) struct Done {
    pub(super) done: Option<String>,
}

/// An invoice in a list.
pub(super) struct InvoiceRow {
    pub(super) id: Uuid,
    pub(super) number: String,
    pub(super) status: &'static str,
    pub(super) total: String,
    pub(super) refunded: Option<String>,
    pub(super) day: String,
}

impl InvoiceRow {
    pub(super) fn of(invoice: &InvoiceView, frame: &Frame) -> Self {
        let words = &frame.words;
        let refunded = (!invoice.refunded.is_zero()).then(|| words.money(invoice.refunded));
        Self {
            id: invoice.id,
            number: invoice.number.clone().unwrap_or_else(|| "not issued".to_owned()),
            status: invoice.status,
            total: words.money(invoice.total),
            refunded,
            day: words.day(invoice.created_at),
        }
    }
}

/// Something that happened.
pub(super) struct Happened {
    pub(super) at: String,
    pub(super) actor: String,
    pub(super) what: String,
}

impl Happened {
    pub(super) fn of(told: &Told, frame: &Frame) -> Self {
        Self {
            at: frame.words.moment(told.at),
            actor: plain::actor(&told.actor),
            what: frame.visibility().text(plain::event(told, &frame.words)),
        }
    }
}

/// The page.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
    Query(Done { done }): Query<Done>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsRead)?;
    let id = parse_id(id)?;
    let review = pages.desk.readers.billing.review(id).await?;
    pages.desk.note_look(acting, review.subscription.reader).await?;
    let notice = done.as_deref().and_then(acts::notice);
    let frame = seat.frame(&pages, "Subscription", Place::Subscriptions);
    let frame = frame.saying(notice.map(str::to_owned));
    let has_paid = review.invoices.iter().any(|invoice| invoice.status == "paid");
    let mut acts = acts::Kind::offered(&seat, &review.subscription, has_paid);
    if pages.desk.readers.billing.other_plans(&review.subscription).is_empty() {
        acts.retain(|kind| *kind != acts::Kind::Switch);
    }
    Ok(frame::show(SubscriptionPage::of(review, acts, frame).render()))
}

impl SubscriptionPage {
    fn of(review: Review, acts: Vec<acts::Kind>, frame: Frame) -> Self {
        let Review { subscription: it, email, invoices, timeline } = review;
        Self {
            row: Row::of(&it, email, &frame),
            card: it.method.as_ref().map(|method| method.last4.clone()),
            price: format!(
                "{} a {}",
                frame.words.money(it.terms.plan.price),
                it.terms.plan.interval.as_str()
            ),
            version: it.terms.catalog.version,
            invoices: invoices.iter().map(|invoice| InvoiceRow::of(invoice, &frame)).collect(),
            timeline: timeline.iter().rev().map(|told| Happened::of(told, &frame)).collect(),
            country: it.country,
            acts,
            frame,
        }
    }
}
