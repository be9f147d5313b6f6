//! A report as tables, each with what its numbers mean: for a page, and for a spreadsheet. Pure.

use csv::WriterBuilder;
use iso_currency::Currency;

use super::report::{Compared, Mrr, Report};
use crate::{http::csv::harmless, money::Money};

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A name, a day, a cause.
    Text(String),
    /// So many.
    Count(i64),
    /// So much, in minor units.
    Money(Money),
    /// A part, in parts per million; none where there is nothing to take it of.
    Share(Option<i64>),
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn money(amount: i64, currency: &str) -> Self {
        // The store gives out rows of real currencies only.
        let currency = Currency::from_code(currency).unwrap_or(Currency::XXX);
        Self::Money(Money { amount, currency })
    }

    /// Whether it is read as a number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_))
    }

    /// As a spreadsheet takes it: money in whole minor units, parts as fractions of one. A text that
    /// a spreadsheet would run as a formula is led by an apostrophe.
    #[must_use]
    pub fn to_plain(&self) -> String {
        match self {
            Self::Text(text) => harmless(text).into_owned(),
            Self::Count(count) => count.to_string(),
            Self::Money(money) => money.amount.to_string(),
            Self::Share(None) => String::new(),
            Self::Share(Some(ppm)) => format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000),
        }
    }
}

/// Some numbers that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name in addresses.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What its numbers mean.
    pub definition: &'static str,
    /// What its columns are called.
    pub columns: Vec<String>,
    /// Its lines.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    fn of(
        (name, title, definition): (&'static str, &'static str, &'static str),
        columns: &[&str],
        rows: Vec<Vec<Cell>>,
    ) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { name, title, definition, columns, rows }
    }

    /// As CSV (RFC 4180), with a line of names.
    ///
    /// # Errors
    /// Never for rows as long as the names.
    pub fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut csv = WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
        csv.write_record(&self.columns)?;
        for row in &self.rows {
            csv.write_record(row.iter().map(Cell::to_plain))?;
        }
        csv.into_inner().map_err(|error| error.into_error().into())
    }
}

const NOW: &str = "These days";
const BEFORE: &str = "Days before";

/// Every table of a report, in the order of a page.
#[must_use]
pub fn tables(report: &Report) -> Vec<Table> {
    vec![
        mrr(report),
        stocks(report),
        trials(report),
        churn(report),
        payments(report),
        revenue(report),
        funnel(report),
        decisions(report),
        articles(report),
        days(report),
    ]
}

fn counted(name: impl Into<String>, Compared { value, previous }: Compared) -> Vec<Cell> {
    vec![Cell::text(name), Cell::Count(value), Cell::Count(previous)]
}

fn mrr(report: &Report) -> Table {
    let of = |it: &Mrr| {
        let line = |what: &str, cells: [Option<i64>; 2]| {
            let cell = |amount: Option<i64>| {
                amount.map_or(Cell::text(""), |amount| Cell::money(amount, &it.currency))
            };
            let [now, before] = cells.map(cell);
            vec![Cell::text(&it.currency), Cell::text(what), now, before]
        };
        let moved = |what, Compared { value, previous }: Compared| {
            line(what, [Some(value), Some(previous)])
        };
        vec![
            line("At the start", [Some(it.at_start), None]),
            moved("New", it.new),
            moved("Reactivation", it.reactivation),
            moved("Expansion", it.expansion),
            moved("Contraction", it.contraction),
            moved("Churn", it.churn),
            line("At the end", [Some(it.amount), None]),
        ]
    };
    let means = "What running subscriptions bring in a month: the price of each plan, that of a \
        year by twelve, tax as in the price. A subscription counts from its first payment until it \
        ends or pauses, also while a payment is late; a free trial does not. New: paid for the \
        first time. Reactivation: back after a pause, or paid for another one before. Expansion \
        and contraction: another plan or price. Churn: ended or paused. Kept by the year and \
        divided once, so lines may differ from their sum by one minor unit.";
    let rows = report.mrr.iter().flat_map(of).collect();
    let about = ("mrr", "Monthly recurring revenue", means);
    Table::of(about, &["Currency", "Movement", NOW, BEFORE], rows)
}

fn stocks(report: &Report) -> Table {
    let rows = [("Active", report.active), ("Trialing", report.trialing)];
    let line = |(name, stock): (&str, super::report::Stock)| {
        vec![Cell::text(name), Cell::Count(stock.value), Cell::Count(stock.at_start)]
    };
    let means = "Active: paid, or late with a payment and not ended. Trialing: in a free trial.";
    let about = ("subscriptions", "Subscriptions", means);
    Table::of(about, &["", "At the end", "At the start"], rows.map(line).into())
}

fn trials(report: &Report) -> Table {
    let line = |it: &super::report::Cohort| {
        vec![
            Cell::text(&it.month),
            Cell::Count(it.started),
            Cell::Count(it.converted),
            Cell::Count(it.lost),
            Cell::Count(it.started - it.converted - it.lost),
            Cell::Share(it.conversion_ppm),
        ]
    };
    let means = "Free trials by the month in which they began, whatever became of them until now. \
        Converted: the first payment was made. Lost: ended without one. Conversion: converted of \
        those that are decided.";
    let columns = ["Began in", "Began", "Converted", "Lost", "Undecided", "Conversion"];
    let rows = report.trials.iter().map(line).collect();
    Table::of(("trials", "Trials", means), &columns, rows)
}

fn churn(report: &Report) -> Table {
    let line = |it: &super::report::Labelled| {
        vec![Cell::text(&it.label), Cell::Count(it.value), Cell::Count(it.previous)]
    };
    let rows = report.churned.iter().map(line).collect();
    let means = "Subscriptions that were paid and ended or paused, by cause. Ends of trials are \
        not among them.";
    Table::of(("churn", "Churn by cause", means), &["Cause", NOW, BEFORE], rows)
}

fn payments(report: &Report) -> Table {
    let it = report.payments;
    let share = |recovered: i64, lost: i64| {
        let whole = recovered + lost;
        Cell::Share((whole > 0).then(|| recovered.saturating_mul(1_000_000) / whole))
    };
    let rate = vec![
        Cell::text("Recovered of those decided"),
        share(it.recovered.value, it.lost.value),
        share(it.recovered.previous, it.lost.previous),
    ];
    let rows = vec![
        counted("Failed", it.failed),
        counted("Recovered", it.recovered),
        counted("Lost", it.lost),
        rate,
    ];
    let means = "Payments of a period that failed at first, each counted once however often it \
        was tried. Recovered: paid after all. Lost: ended unpaid. Each on the day it happened.";
    Table::of(("payments", "Failed payments", means), &["", NOW, BEFORE], rows)
}

fn revenue(report: &Report) -> Table {
    let line = |it: &super::report::PlanMoney| {
        let money = |compared: Compared| {
            [compared.value, compared.previous].map(|amount| Cell::money(amount, &it.currency))
        };
        let names = [Cell::text(&it.plan), Cell::text(&it.currency)];
        let sums = [money(it.revenue), money(it.paid), money(it.refunded)];
        names.into_iter().chain(sums.into_iter().flatten()).collect()
    };
    let columns = [
        "Plan",
        "Currency",
        "Revenue",
        "Revenue before",
        "Paid",
        "Paid before",
        "Refunded",
        "Refunded before",
    ];
    let means = "From the ledger, on the day of the booking, by the plan of the invoice's first \
        line. Revenue: invoiced without tax, less what was voided and credited. Paid: what cards \
        paid, tax included. Refunded: what went back to cards.";
    let rows = report.revenue.iter().map(line).collect();
    Table::of(("revenue", "Revenue by plan", means), &columns, rows)
}

fn funnel(report: &Report) -> Table {
    let it = report.funnel;
    let rows = vec![
        counted("Walls", it.walls),
        counted("Offers", it.offers),
        counted("Sign-ups", it.signed_up),
        counted("Trials", it.trials),
        counted("Paid", it.paid),
    ];
    let means = "What happened in these days on the way to a subscription: articles denied, offers \
        shown, accounts begun, trials begun, subscriptions paid that were not paid before or had \
        paused. Steps are counted, not people followed.";
    Table::of(("funnel", "From the wall to a subscription", means), &["Step", NOW, BEFORE], rows)
}

fn decisions(report: &Report) -> Table {
    let line = |it: &super::report::Labelled| {
        let (site, reason) = it.label.rsplit_once(' ').unwrap_or(("", &it.label));
        vec![Cell::text(site), Cell::text(reason), Cell::Count(it.value), Cell::Count(it.previous)]
    };
    let mut rows: Vec<_> = report.decisions.iter().map(line).collect();
    rows.push(vec![
        Cell::text("all"),
        Cell::text("stop rate of the meter"),
        Cell::Share(report.stop_rate_ppm),
        Cell::text(""),
    ]);
    let means = "What was decided about articles, by site and reason, without questions that only \
        asked what would happen. Stop rate: of the reads that the meter decided (metered, \
        already_read, meter_exhausted), those it denied.";
    let columns = ["Site", "Reason", NOW, BEFORE];
    Table::of(("decisions", "Decisions", means), &columns, rows)
}

fn articles(report: &Report) -> Table {
    let line = |it: &super::report::Article| {
        let counts = [it.subscribed, it.previous, it.paid].map(Cell::Count);
        [Cell::text(&it.page)].into_iter().chain(counts).collect()
    };
    let means = "The page whose wall led a reader to the offer where they subscribed; the fifty \
        that led to the most. Subscribed: by a trial or a payment. Paid: paid for the first time \
        in these days, also after a trial.";
    let columns = ["Page", "Subscribed", "Subscribed before", "Paid"];
    let rows = report.articles.iter().map(line).collect();
    Table::of(("articles", "Articles that made readers subscribe", means), &columns, rows)
}

fn days(report: &Report) -> Table {
    let line = |it: &super::report::DayLine| {
        let counts = [it.active, it.trialing, it.walls].map(Cell::Count);
        let of =
            |mrr: &Mrr| Cell::money(it.mrr.get(&mrr.currency).copied().unwrap_or(0), &mrr.currency);
        let money = report.mrr.iter().map(of);
        [Cell::text(it.day.to_string())].into_iter().chain(counts).chain(money).collect()
    };
    let means = "How things stood at the end of each day, and the articles denied on it.";
    let rows = report.days.iter().map(line).collect();
    let about = ("days", "Day by day", means);
    let mut table = Table::of(about, &["Day", "Active", "Trialing", "Walls"], rows);
    table.columns.extend(report.mrr.iter().map(|mrr| format!("MRR {}", mrr.currency)));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(Cell::text(text).to_plain(), format!("'{text}"));
        }
        assert_eq!(Cell::text("/demo/articles/a=b").to_plain(), "/demo/articles/a=b");
        assert_eq!(Cell::Count(-3).to_plain(), "-3");
        assert_eq!(Cell::Share(Some(1_250_000)).to_plain(), "1.250000");
        assert_eq!(Cell::Share(Some(45)).to_plain(), "0.000045");
    }

    #[test]
    fn a_table_is_a_file() {
        let rows = vec![vec![Cell::text("a,b"), Cell::money(290, "USD")]];
        let table = Table::of(("t", "T", ""), &["Name", "USD"], rows);
        assert_eq!(table.to_csv().unwrap(), b"Name,USD\r\n\"a,b\",290\r\n");
    }
}
