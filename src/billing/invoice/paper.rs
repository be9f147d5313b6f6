//! Invoices and receipts to be printed: one page of HTML that needs nothing else.

use std::sync::LazyLock;

use askama::Template;

use super::{
    credit::{CANCELED, CreditNote, PAUSED, WITHDRAWN},
    model::{Invoice, Line, State},
};
use crate::{
    billing::catalog::model::TaxRate,
    http::page::policy_with_style,
    language::{Language, Words},
    money::Money,
};

const STYLE: &str = include_str!("../templates/invoice.css");

/// What the page may load: its own style, and nothing else.
pub static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| policy_with_style(STYLE));

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
    net: String,
    tax: String,
    total: String,
}

struct NoteView {
    number: String,
    reason: String,
    day: String,
    tax: String,
    total: String,
}

struct Paper {
    title: String,
    facts: Vec<(String, String)>,
    lines: Vec<LineView>,
    sums: Vec<(String, String)>,
    given_back: Vec<NoteView>,
}

#[derive(Template)]
#[template(path = "billing/templates/invoice.html", config = ".config/askama.toml")]
struct InvoiceTemplate<'a> {
    paper: Paper,
    words: &'a Words,
    publisher: &'a str,
    style: &'static str,
}

/// Writes an invoice of `publisher` out for `reader` in `language`, with its credit notes; `None` for
/// one without a number, and for the receipt of one that was not paid. All times are UTC.
///
/// # Errors
/// When the template fails.
pub fn print(
    kind: Kind,
    (invoice, notes): (&Invoice, &[CreditNote]),
    (publisher, reader): (&str, &str),
    language: Language,
) -> askama::Result<Option<String>> {
    let words = &Words { language, ..Words::default() };
    let Some(paper) = paper(kind, (invoice, notes), reader, words) else { return Ok(None) };
    InvoiceTemplate { paper, words, publisher, style: STYLE }.render().map(Some)
}

fn paper(
    kind: Kind,
    (invoice, notes): (&Invoice, &[CreditNote]),
    reader: &str,
    words: &Words,
) -> Option<Paper> {
    let issue = invoice.issue()?;
    let title = match kind {
        Kind::Invoice => "invoice-title",
        Kind::Receipt => "invoice-title-receipt",
    };
    let period = period(words, invoice.head.period);
    let mut facts = vec![
        (words.say("invoice-for"), reader.to_owned()),
        (words.say("invoice-date"), words.day(issue.at)),
        (words.say("invoice-period"), period),
    ];
    let sum = |name: &str, amount: Money| (words.say(name), words.money(amount));
    let mut sums = vec![
        sum("invoice-net", invoice.sums.net),
        sum("invoice-tax", invoice.sums.tax),
        sum("invoice-total", invoice.sums.total),
    ];
    match invoice.balance_applied.amount {
        0 => {}
        1.. => sums.push(sum("invoice-from-balance", invoice.balance_applied)),
        _ => sums.push(sum("invoice-to-balance", invoice.balance_applied.negated()?)),
    }
    match &invoice.state {
        State::Paid { at, .. } => {
            facts.push((words.say("invoice-paid"), words.moment(*at)));
            sums.push(sum("invoice-paid", invoice.due));
        }
        _ if kind == Kind::Receipt => return None,
        State::Void { at, .. } => {
            let voided = words.with("invoice-voided-value", &[("date", words.day(*at).into())]);
            facts.push((words.say("invoice-voided"), voided));
        }
        State::Draft | State::Open { .. } => sums.push(sum("invoice-due", invoice.due)),
    }
    let of_it = notes.iter().filter(|note| note.invoice == invoice.head.id);
    Some(Paper {
        title: words.with(title, &[("number", issue.number.as_str().into())]),
        facts,
        lines: invoice.lines.iter().map(|line| line_view(words, line)).collect(),
        sums,
        given_back: of_it.map(|note| note_view(words, note)).collect(),
    })
}

fn line_view(words: &Words, line: &Line) -> LineView {
    let amounts = line.amounts;
    LineView {
        description: line.description.clone(),
        period: period(words, line.period),
        rate: line.rate.map(|rate| percent(words, rate)),
        net: words.money(amounts.net),
        tax: words.money(amounts.tax),
        total: words.money(amounts.total),
    }
}

fn note_view(words: &Words, note: &CreditNote) -> NoteView {
    NoteView {
        number: note.number.clone(),
        // What we wrote ourselves is a word; staff write to the reader.
        reason: match note.reason.as_str() {
            WITHDRAWN => words.say("invoice-reason-withdrawn"),
            CANCELED => words.say("invoice-reason-canceled"),
            PAUSED => words.say("invoice-reason-paused"),
            written => written.to_owned(),
        },
        day: words.day(note.at),
        tax: words.money(note.amounts.tax),
        total: words.money(note.amounts.total),
    }
}

fn period(words: &Words, period: crate::billing::calendar::Period) -> String {
    let variables =
        [("start", words.day(period.start).into()), ("end", words.day(period.end).into())];
    words.with("invoice-period-value", &variables)
}

/// A rate in words: 88,750 parts per million are 8.875 %.
pub(crate) fn percent(words: &Words, rate: TaxRate) -> String {
    let (whole, part) = (rate.ppm / 10_000, rate.ppm % 10_000);
    let part = format!("{part:04}");
    let part = part.trim_end_matches('0');
    let point = match (part.is_empty(), words.language) {
        (true, _) => "",
        (false, Language::English) => ".",
        (false, Language::French) => ",",
    };
    words.with("invoice-rate", &[("rate", format!("{whole}{point}{part}").into())])
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
            assert_eq!(percent(&Words::default(), TaxRate { ppm, inclusive: true }), text);
        }
    }

    #[test]
    fn what_people_typed_is_escaped_and_drafts_are_not_printed() {
        let mut draft = draft(1, &[290, -100], 40);
        draft.lines[0].description = "<script>alert(1)</script>".to_owned();
        let whose = ("A <b>bold</b> publisher", "anna@example.org");
        assert_eq!(print(Kind::Invoice, (&draft, &[]), whose, Language::English).unwrap(), None);
        let open = draft.open(issue()).unwrap();
        assert_eq!(print(Kind::Receipt, (&open, &[]), whose, Language::English).unwrap(), None);
        let html = print(Kind::Invoice, (&open, &[]), whose, Language::English).unwrap().unwrap();
        for text in ["Invoice 2026-000001", "€1.50", "To be paid", "Paid from your balance"] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains(STYLE), "the style that the policy allows");
        let html = print(Kind::Invoice, (&open, &[]), whose, Language::French).unwrap().unwrap();
        for text in ["Facture 2026-000001", "1,50\u{a0}€", "À payer", "<html lang=\"fr\""] {
            assert!(html.contains(text), "{text}: {html}");
        }
    }
}
