//! One invoice: its lines, how it was paid, and what was given back of it.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{refunds::RefundBody, subscription_bodies::ReaderOf};
use crate::{
    auth::staff::permission::Permission,
    billing::{
        invoice::{
            model::{Invoice, Line},
            view::CreditNoteView,
        },
        review::InvoiceReview,
    },
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    money::Money,
    staff::{
        desk::{Desk, OnDuty},
        visibility::Visibility,
    },
};

/// A line of an invoice, with what its tax was reckoned by.
#[derive(Debug, Serialize, ToSchema)]
struct StaffLine {
    description: String,
    plan: String,
    #[schema(value_type = String, format = DateTime)]
    period_start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    period_end: Timestamp,
    /// In parts per million: 70000 is 7 %. Null where there was none.
    tax_rate_ppm: Option<u32>,
    net: Money,
    tax: Money,
    /// Tax included; below zero in a line that gives something back.
    total: Money,
    /// The earlier invoice of which this line gives something back.
    credits: Option<Uuid>,
}

impl From<&Line> for StaffLine {
    fn from(line: &Line) -> Self {
        Self {
            description: line.description.clone(),
            plan: line.plan.clone(),
            period_start: line.period.start,
            period_end: line.period.end,
            tax_rate_ppm: line.rate.map(|rate| rate.ppm),
            net: line.amounts.net,
            tax: line.amounts.tax,
            total: line.amounts.total,
            credits: line.credits,
        }
    }
}

/// When what happened to it.
#[derive(Debug, Serialize, ToSchema)]
struct InvoiceTimes {
    #[schema(value_type = String, format = DateTime)]
    period_start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    period_end: Timestamp,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it got its number.
    #[schema(value_type = Option<String>, format = DateTime)]
    issued_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    paid_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    voided_at: Option<Timestamp>,
}

impl From<&Invoice> for InvoiceTimes {
    fn from(invoice: &Invoice) -> Self {
        Self {
            period_start: invoice.head.period.start,
            period_end: invoice.head.period.end,
            created_at: invoice.head.created_at,
            issued_at: invoice.issue().map(|issue| issue.at),
            paid_at: invoice.paid_at(),
            voided_at: invoice.voided_at(),
        }
    }
}

/// An invoice, how it was paid, and what was given back of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvoiceWhole {
    id: Uuid,
    /// `2026-000001`; a draft has none.
    number: Option<String>,
    /// `draft`, `open`, `paid` or `void`.
    status: &'static str,
    /// Null for roles that may not see who a reader is.
    reader: Option<ReaderOf>,
    subscription_id: Uuid,
    #[serde(flatten)]
    times: InvoiceTimes,
    lines: Vec<StaffLine>,
    net: Money,
    tax: Money,
    /// Tax included.
    total: Money,
    /// What the balance paid of it; below zero where it filled the balance.
    balance_applied: Money,
    /// What is left of it for a card.
    due: Money,
    /// What the gateway calls the charge that paid it.
    gateway_reference: Option<String>,
    /// What was given back of it, to the card, to the balance or in a later invoice.
    credited: Money,
    /// What can still go back to the card.
    refundable: Money,
    /// The latest first.
    credit_notes: Vec<CreditNoteView>,
    /// What goes or went back to the card, the latest first.
    refunds: Vec<RefundBody>,
}

impl InvoiceWhole {
    fn of(review: InvoiceReview, by: Visibility) -> Self {
        let InvoiceReview { invoice, email, reference, notes, refunds, refundable } = review;
        let reader = ReaderOf::of(invoice.head.reader, email, by);
        let note = |it| CreditNoteView::from(it).map_reason(|reason| by.text(reason));
        Self {
            id: invoice.head.id,
            number: invoice.number().map(str::to_owned),
            status: invoice.state.as_str(),
            reader: by.sees_readers().then_some(reader),
            subscription_id: invoice.head.subscription,
            times: InvoiceTimes::from(&invoice),
            lines: invoice.lines.iter().map(StaffLine::from).collect(),
            net: invoice.sums.net,
            tax: invoice.sums.tax,
            total: invoice.sums.total,
            balance_applied: invoice.balance_applied,
            due: invoice.due,
            gateway_reference: reference,
            credited: invoice.credited,
            refundable,
            credit_notes: notes.iter().map(note).collect(),
            refunds: refunds.into_iter().map(RefundBody::from).collect(),
        }
    }
}

/// One invoice, as its page in the office shows it.
#[utoipa::path(get, path = "/v1/staff/invoices/{id}", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The invoice")),
    responses((status = 200, description = "The invoice", body = InvoiceWhole),
              (status = "4XX", description = "Not allowed, or no such invoice",
               body = ProblemBody)))]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let review = desk.readers.billing.review_invoice(parse_id(id)?).await?;
    desk.note_look(&acting, review.invoice.head.reader).await?;
    Ok((NO_STORE, Json(InvoiceWhole::of(review, acting.visibility()))).into_response())
}
