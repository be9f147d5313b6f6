//! Invoices and receipts to be printed: one page of HTML that needs nothing else.

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use time::{format_description::StaticFormatDescription, macros::format_description};

use super::{
    credit::CreditNote,
    model::{Invoice, Line, State},
};
use crate::{billing::catalog::model::TaxRate, clock::Timestamp, money::Money};

const STYLE: &str = include_str!("../templates/invoice.css");
const DAY: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year]");

/// What the page may load: its own style, and nothing else.
pub static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is to be paid, or was.
    Invoice,
    /// That it was paid.
    Receipt,
}

struct LineView {
    description: String,
    period: String,
    rate: Option<String>,
    net: Money,
    tax: Money,
    total: Money,
}

struct NoteView {
    number: String,
    reason: String,
    day: String,
    tax: Money,
    total: Money,
}

struct Paper {
    title: String,
    facts: Vec<(&'static str, String)>,
    lines: Vec<LineView>,
    sums: Vec<(&'static str, Money)>,
    given_back: Vec<NoteView>,
}

#[derive(Template)]
#[template(path = "billing/templates/invoice.html", config = ".config/askama.toml")]
struct InvoiceTemplate<'a> {
    paper: Paper,
    publisher: &'a str,
    style: &'static str,
}

/// Writes an invoice of `publisher` out for `reader`, with its credit notes; `None` for one without
/// a number, and for the receipt of one that was not paid.
///
/// # Errors
/// When the template fails.
pub fn print(
    kind: Kind,
    invoice: &Invoice,
    notes: &[CreditNote],
    (publisher, reader): (&str, &str),
) -> askama::Result<Option<String>> {
    let Some(paper) = paper(kind, invoice, notes, reader) else { return Ok(None) };
    InvoiceTemplate { paper, publisher, style: STYLE }.render().map(Some)
}

fn paper(kind: Kind, invoice: &Invoice, notes: &[CreditNote], reader: &str) -> Option<Paper> {
    let issue = invoice.issue()?;
    let title = match kind {
        Kind::Invoice => format!("Invoice {}", issue.number),
        Kind::Receipt => format!("Receipt for invoice {}", issue.number),
    };
    let mut facts = vec![
        ("For", reader.to_owned()),
        ("Date", day(issue.at)),
        ("Period", period(invoice.head.period)),
    ];
    let mut sums =
        vec![("Net", invoice.sums.net), ("Tax", invoice.sums.tax), ("Total", invoice.sums.total)];
    match invoice.balance_applied.amount {
        0 => {}
        1.. => sums.push(("Paid from your balance", invoice.balance_applied)),
        _ => sums.push(("Added to your balance", invoice.balance_applied.negated()?)),
    }
    match &invoice.state {
        State::Paid { at, .. } => {
            facts.push(("Paid", at.to_string()));
            sums.push(("Paid", invoice.due));
        }
        _ if kind == Kind::Receipt => return None,
        State::Void { at, .. } => {
            facts.push(("Voided", format!("{}; nothing is to be paid", day(*at))));
        }
        State::Draft | State::Open { .. } => sums.push(("To be paid", invoice.due)),
    }
    let of_it = notes.iter().filter(|note| note.invoice == invoice.head.id);
    Some(Paper {
        title,
        facts,
        lines: invoice.lines.iter().map(line).collect(),
        sums,
        given_back: of_it.map(note).collect(),
    })
}

fn line(line: &Line) -> LineView {
    let amounts = line.amounts;
    LineView {
        description: line.description.clone(),
        period: period(line.period),
        rate: line.rate.map(percent),
        net: amounts.net,
        tax: amounts.tax,
        total: amounts.total,
    }
}

fn note(note: &CreditNote) -> NoteView {
    NoteView {
        number: note.number.clone(),
        reason: note.reason.clone(),
        day: day(note.at),
        tax: note.amounts.tax,
        total: note.amounts.total,
    }
}

fn period(period: crate::billing::calendar::Period) -> String {
    format!("{} to {}", day(period.start), day(period.end))
}

fn day(at: Timestamp) -> String {
    at.date_time().format(&DAY).unwrap_or_else(|_| at.to_string())
}

/// 88,750 parts per million are 8.875 %.
fn percent(rate: TaxRate) -> String {
    let (whole, part) = (rate.ppm / 10_000, rate.ppm % 10_000);
    let part = format!("{part:04}");
    let part = part.trim_end_matches('0');
    let point = if part.is_empty() { "" } else { "." };
    format!("{whole}{point}{part} % tax")
}

#[cfg(test)]
mod tests {
    use super::{super::model::tests::*, *};

    #[test]
    fn a_rate_is_written_in_percent() {
        for (ppm, text) in [
            (190_000, "19 % tax"),
            (88_750, "8.875 % tax"),
            (5, "0.0005 % tax"),
            (0, "0 % tax"),
            (1_000_000, "100 % tax"),
        ] {
            assert_eq!(percent(TaxRate { ppm, inclusive: true }), text);
        }
    }

    #[test]
    fn what_people_typed_is_escaped_and_drafts_are_not_printed() {
        let mut draft = draft(1, &[290, -100], 40);
        draft.lines[0].description = "<script>alert(1)</script>".to_owned();
        let whose = ("A <b>bold</b> publisher", "anna@example.org");
        assert_eq!(print(Kind::Invoice, &draft, &[], whose).unwrap(), None);
        let open = draft.open(issue()).unwrap();
        assert_eq!(print(Kind::Receipt, &open, &[], whose).unwrap(), None);
        let html = print(Kind::Invoice, &open, &[], whose).unwrap().unwrap();
        for text in ["Invoice 2026-000001", "€1.50", "To be paid", "Paid from your balance"] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains(STYLE), "the style that the policy allows");
    }
}
