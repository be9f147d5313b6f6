//! Invoices as their readers see them. Pure.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    credit::{CreditNote, Refund, RefundState},
    model::{Invoice, Line, State},
};
use crate::{clock::Timestamp, money::Money};

/// An invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceView {
    /// Its id.
    pub id: Uuid,
    /// `2026-000001`: one after the other in each year.
    pub number: Option<String>,
    /// `open`, `paid` or `void`.
    pub status: &'static str,
    /// Tax included.
    pub total: Money,
    /// The tax in it.
    tax: Money,
    /// What the balance paid of it; below zero where it filled the balance.
    balance_applied: Money,
    /// What is still to be paid.
    due: Money,
    lines: Vec<LineView>,
    /// What was given back of it.
    credit_notes: Vec<CreditNoteView>,
    /// What went back to the payment method.
    pub refunded: Money,
    #[schema(value_type = String, format = DateTime)]
    period_start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    period_end: Timestamp,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    paid_at: Option<Timestamp>,
}

/// A line of an invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    description: String,
    /// Tax included; below zero in a line that gives something back.
    amount: Money,
    /// The tax in it.
    tax: Money,
    #[schema(value_type = String, format = DateTime)]
    period_start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    period_end: Timestamp,
}

/// A credit note.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditNoteView {
    /// `C2026-000001`.
    number: String,
    /// Tax included.
    total: Money,
    /// The tax in it.
    tax: Money,
    reason: String,
    /// Where the money goes: `balance` or `refund`.
    to: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Line> for LineView {
    fn from(line: &Line) -> Self {
        Self {
            description: line.description.clone(),
            amount: line.amounts.total,
            tax: line.amounts.tax,
            period_start: line.period.start,
            period_end: line.period.end,
        }
    }
}

impl From<&CreditNote> for CreditNoteView {
    fn from(note: &CreditNote) -> Self {
        Self {
            number: note.number.clone(),
            total: note.amounts.total,
            tax: note.amounts.tax,
            reason: note.reason.clone(),
            to: note.to.as_str(),
            created_at: note.at,
        }
    }
}

impl CreditNoteView {
    /// The same with its reason, which a person typed, as `map` makes it.
    #[must_use]
    pub fn map_reason(self, map: impl Fn(String) -> String) -> Self {
        Self { reason: map(self.reason), ..self }
    }
}

impl InvoiceView {
    /// The same with the reasons of its credit notes as `map` makes them.
    #[must_use]
    pub fn map_reasons(self, map: impl Fn(String) -> String) -> Self {
        let notes = self.credit_notes.into_iter().map(|note| note.map_reason(&map)).collect();
        Self { credit_notes: notes, ..self }
    }

    /// `invoice` with what belongs to it of all that was given back to its reader.
    #[must_use]
    pub fn of(invoice: &Invoice, notes: &[CreditNote], refunds: &[Refund]) -> Self {
        let head = &invoice.head;
        let is_open = matches!(invoice.state, State::Open { .. });
        let went = refunds.iter().filter(|refund| {
            refund.invoice == Some(head.id) && matches!(refund.state, RefundState::Succeeded { .. })
        });
        let zero = Money::zero(invoice.currency());
        Self {
            id: head.id,
            number: invoice.number().map(str::to_owned),
            status: invoice.state.as_str(),
            total: invoice.sums.total,
            tax: invoice.sums.tax,
            balance_applied: invoice.balance_applied,
            due: if is_open { invoice.due } else { zero },
            lines: invoice.lines.iter().map(LineView::from).collect(),
            credit_notes: notes
                .iter()
                .filter(|note| note.invoice == head.id)
                .map(CreditNoteView::from)
                .collect(),
            refunded: went.fold(zero, |sum, refund| sum.plus(refund.amount).unwrap_or(sum)),
            period_start: head.period.start,
            period_end: head.period.end,
            created_at: head.created_at,
            paid_at: invoice.paid_at(),
        }
    }
}
