//! `/staff/invoices/{id}`: one invoice, how it was paid, and what was given back of it.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::{
    auth::staff::permission::Permission,
    billing::{
        invoice::{
            credit::{CreditNote, CreditTo, Refund},
            model::{Invoice, Line},
            paper::{self, CONTENT_SECURITY_POLICY},
        },
        review::InvoiceReview,
    },
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::ApiError,
    },
    language::Words,
    staff::plain,
};

#[derive(Template)]
#[template(path = "staff/templates/invoice.html", config = ".config/askama.toml")]
struct InvoicePage {
    frame: Frame,
    id: Uuid,
    subscription: Uuid,
    /// Who may not see readers sees neither the address nor the way there.
    reader: Option<(Uuid, String)>,
    status: &'static str,
    facts: Vec<(&'static str, String)>,
    lines: Vec<LineRow>,
    sums: Vec<(&'static str, String)>,
    notes: Vec<NoteRow>,
    refunds: Vec<RefundRow>,
    /// What can still go back, for whoever may give it back.
    refundable: Option<String>,
    may_print: bool,
}

/// A line of the invoice.
struct LineRow {
    description: String,
    period: String,
    rate: String,
    net: String,
    tax: String,
    total: String,
}

impl LineRow {
    fn of(line: &Line, words: &Words) -> Self {
        let (period, amounts) = (line.period, line.amounts);
        Self {
            description: line.description.clone(),
            period: format!("{} to {}", words.day(period.start), words.day(period.end)),
            rate: line.rate.map_or_else(|| "–".to_owned(), |rate| paper::percent(words, rate)),
            net: words.money(amounts.net),
            tax: words.money(amounts.tax),
            total: words.money(amounts.total),
        }
    }
}

/// A credit note.
struct NoteRow {
    number: String,
    day: String,
    reason: String,
    to: &'static str,
    total: String,
}

impl NoteRow {
    fn of(note: &CreditNote, frame: &Frame) -> Self {
        let words = &frame.words;
        Self {
            number: note.number.clone(),
            day: words.day(note.at),
            reason: frame.visibility().text(note.reason.clone()),
            to: match note.to {
                CreditTo::Balance => "the balance",
                CreditTo::Refund => "the card",
            },
            total: words.money(note.amounts.total),
        }
    }
}

/// Money that goes back to the card.
struct RefundRow {
    day: String,
    amount: String,
    state: String,
    by: String,
}

impl RefundRow {
    fn of(refund: &Refund, frame: &Frame) -> Self {
        let words = &frame.words;
        Self {
            day: words.day(refund.created_at),
            amount: words.money(refund.amount),
            state: frame.visibility().text(plain::refund(&refund.state, words)),
            by: refund.decided_by.map_or_else(String::new, |by| format!("staff {by}")),
        }
    }
}

/// The page.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsRead)?;
    let review = pages.desk.readers.billing.review_invoice(parse_id(id)?).await?;
    pages.desk.note_look(acting, review.invoice.head.reader).await?;
    let number = review.invoice.number().unwrap_or("not issued yet");
    let frame = seat.frame(&pages, format!("Invoice {number}"), Place::Invoices);
    let may_refund = seat.may(Permission::Refund);
    Ok(frame::show(InvoicePage::of(&review, may_refund, frame).render()))
}

/// The invoice to be printed, as its reader prints it. It names the reader.
pub(super) async fn print(
    State(pages): State<StaffPages>,
    seat: Seat,
    id: PathId,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::ReadersRead)?;
    let (reader, page) = pages.desk.readers.billing.print_any_invoice(parse_id(id)?).await?;
    pages.desk.note_look(acting, reader).await?;
    let policy = HeaderValue::from_str(&CONTENT_SECURITY_POLICY).map_err(ApiError::internal)?;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, html), (header::CONTENT_SECURITY_POLICY, policy)];
    Ok((NO_STORE, headers, page).into_response())
}

impl InvoicePage {
    fn of(review: &InvoiceReview, may_refund: bool, frame: Frame) -> Self {
        let (invoice, words, by) = (&review.invoice, &frame.words, frame.visibility());
        let email = || by.address(review.email.clone()).to_string();
        let refundable = review.refundable;
        Self {
            id: invoice.head.id,
            subscription: invoice.head.subscription,
            reader: by.sees_readers().then(|| (invoice.head.reader, email())),
            status: invoice.state.as_str(),
            facts: facts(review, words),
            lines: invoice.lines.iter().map(|line| LineRow::of(line, words)).collect(),
            sums: sums(invoice, words),
            notes: review.notes.iter().map(|note| NoteRow::of(note, &frame)).collect(),
            refunds: review.refunds.iter().map(|it| RefundRow::of(it, &frame)).collect(),
            refundable: (may_refund && !refundable.is_zero()).then(|| words.money(refundable)),
            may_print: by.sees_readers() && invoice.number().is_some(),
            frame,
        }
    }
}

fn facts(review: &InvoiceReview, words: &Words) -> Vec<(&'static str, String)> {
    let invoice = &review.invoice;
    let period = invoice.head.period;
    let mut facts = vec![
        ("Period", format!("{} to {}", words.day(period.start), words.day(period.end))),
        ("Made", words.moment(invoice.head.created_at)),
    ];
    facts.extend(invoice.issue().map(|issue| ("Issued", words.moment(issue.at))));
    facts.extend(invoice.paid_at().map(|at| ("Paid", words.moment(at))));
    facts.extend(invoice.voided_at().map(|at| ("Void since", words.moment(at))));
    if invoice.charge().is_some() {
        facts.push(("By card", words.money(invoice.due)));
    }
    facts.extend(review.reference.clone().map(|text| ("Gateway’s reference", text)));
    let balance = invoice.balance_applied;
    if balance.amount > 0 {
        facts.push(("From the balance", words.money(balance)));
    } else if let Some(put) = balance.negated().filter(|put| !put.is_zero()) {
        facts.push(("To the balance", words.money(put)));
    }
    facts
}

fn sums(invoice: &Invoice, words: &Words) -> Vec<(&'static str, String)> {
    let mut sums = vec![
        ("Net", words.money(invoice.sums.net)),
        ("Tax", words.money(invoice.sums.tax)),
        ("Total", words.money(invoice.sums.total)),
    ];
    if invoice.paid_at().is_none() && invoice.voided_at().is_none() {
        sums.push(("To be paid", words.money(invoice.due)));
    }
    if !invoice.credited.is_zero() {
        sums.push(("Given back", words.money(invoice.credited)));
    }
    sums
}
