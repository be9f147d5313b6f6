//! `/staff/numbers`: every figure with what it means, its picture, its table and a download; and
//! `/staff`, the few that matter today.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use iso_currency::Currency;
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    StaffPages,
    chart::{self, Line},
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::{
    auth::staff::permission::Permission,
    billing::subscription::model::EndReason,
    http::{headers::NO_STORE, problem::ApiError},
    money::Money,
    numbers::report::{Compared, DayLine, Funnel, Mrr, PlanMoney, Recovery, Report, Window},
    staff::{
        find::looked::invalid,
        numbers::{table_file, window},
        plain,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

#[derive(Template)]
#[template(path = "staff/templates/numbers.html", config = ".config/askama.toml")]
struct NumbersPage {
    frame: Frame,
    report: Report,
}

#[derive(Template)]
#[template(path = "staff/templates/home.html", config = ".config/askama.toml")]
struct HomePage {
    frame: Frame,
    report: Report,
    /// How many subscriptions, refunds and mails wait for somebody.
    trouble: usize,
    /// How many refunds wait for a second person; none for whoever may not decide.
    requests: usize,
}

/// How a figure reads beside that of the days before.
fn change(of: Compared) -> String {
    match of.value - of.previous {
        0 => "as before".to_owned(),
        by if of.previous == 0 => format!("{by:+}"),
        by => format!("{:+}, {:+} %", by, by.saturating_mul(100) / of.previous.abs()),
    }
}

fn percent(ppm: Option<i64>) -> String {
    ppm.map_or_else(|| "–".to_owned(), |ppm| format!("{}.{} %", ppm / 10_000, ppm % 10_000 / 1_000))
}

fn cause(label: &str) -> &str {
    EndReason::parse(label).map_or("it was paused", plain::cause)
}

impl NumbersPage {
    /// The same days, for a picture or a table.
    fn query(&self) -> String {
        format!("from={}&to={}", self.report.window.from, self.report.window.to)
    }

    fn steps(&self) -> [(&'static str, Compared); 5] {
        let Funnel { walls, offers, signed_up, trials, paid } = self.report.funnel;
        [
            ("Walls", walls),
            ("Offers", offers),
            ("Sign-ups", signed_up),
            ("Trials", trials),
            ("Began to pay", paid),
        ]
    }

    fn late(&self) -> [(&'static str, Compared); 3] {
        let Recovery { failed, recovered, lost } = self.report.payments;
        [("failed at first", failed), ("paid after all", recovered), ("ended without", lost)]
    }

    fn movements(mrr: &Mrr) -> [Compared; 5] {
        [mrr.new, mrr.reactivation, mrr.expansion, mrr.contraction, mrr.churn]
    }

    fn sums(plan: &PlanMoney) -> [Compared; 3] {
        [plan.revenue, plan.paid, plan.refunded]
    }

    fn money(&self, amount: i64, currency: &str) -> String {
        money(&self.frame, amount, currency)
    }
}

impl HomePage {
    fn money(&self, amount: i64, currency: &str) -> String {
        money(&self.frame, amount, currency)
    }
}

fn money(frame: &Frame, amount: i64, currency: &str) -> String {
    let currency = Currency::from_code(currency).unwrap_or(Currency::XXX);
    frame.words.money(Money { amount, currency })
}

fn days(pages: &StaffPages, asked: &Asked) -> Result<Window, ApiError> {
    let today = pages.desk.calendar().day(pages.desk.clock.now());
    window(asked.from.trim(), asked.to.trim(), today)
        .map_err(|error| invalid(error.field, error.rule))
}

/// Every figure.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    seat.to(Permission::MetricsRead)?;
    let report = pages.desk.report(days(&pages, &asked)?).await?;
    let frame = seat.frame(&pages, "Numbers", Place::Numbers);
    Ok(frame::show(NumbersPage { frame, report }.render()))
}

/// What matters today.
pub(super) async fn home(
    State(pages): State<StaffPages>,
    seat: Seat,
) -> Result<Response, ApiError> {
    seat.to(Permission::MetricsRead)?;
    let asked = Asked { from: String::new(), to: String::new() };
    let report = pages.desk.report(days(&pages, &asked)?).await?;
    let billing = &pages.desk.readers.billing;
    let stuck = billing.stuck().await?.len() + billing.refused_refunds().await?.len();
    let trouble = stuck + pages.desk.dead_mails().await?.len();
    let decides = seat.may(Permission::Refund);
    let requests = if decides { billing.requests_waiting().await? } else { 0 };
    let frame = seat.frame(&pages, "Today", Place::Home);
    Ok(frame::show(HomePage { frame, report, trouble, requests }.render()))
}

/// A picture: `mrr-USD.svg`, one for each currency, `subscriptions.svg` or `walls.svg`; or a table as
/// CSV.
pub(super) async fn file(
    State(pages): State<StaffPages>,
    seat: Seat,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    seat.to(Permission::MetricsRead)?;
    let report = pages.desk.report(days(&pages, &asked)?).await?;
    if let Some(name) = file.strip_suffix(".csv") {
        return table_file(&report, name);
    }
    let lines = match file.strip_suffix(".svg").ok_or(ApiError::NotFound)? {
        "subscriptions" => vec![
            line("paid", &report, |day| day.active),
            line("on trial", &report, |day| day.trialing),
        ],
        "walls" => vec![line("walls", &report, |day| day.walls)],
        name => {
            let currency = name.strip_prefix("mrr-").ok_or(ApiError::NotFound)?;
            vec![mrr(&report, currency).ok_or(ApiError::NotFound)?]
        }
    };
    let days: Vec<Date> = report.days.iter().map(|line| line.day).collect();
    let svg = chart::draw(&days, &lines).map_err(ApiError::internal)?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        // A picture that is opened by itself loads and runs nothing either.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
    ];
    Ok((StatusCode::OK, NO_STORE, headers, svg).into_response())
}

fn line(name: &str, report: &Report, pick: impl Fn(&DayLine) -> i64) -> Line {
    let values = report.days.iter().map(|day| as_number(pick(day)));
    Line { name: name.to_owned(), values: values.collect() }
}

/// Recurring revenue in whole units of a currency of the report.
fn mrr(report: &Report, currency: &str) -> Option<Line> {
    report.mrr.iter().find(|mrr| mrr.currency == currency)?;
    let digits = Currency::from_code(currency).and_then(Currency::exponent).unwrap_or(2);
    let unit = 10_f64.powi(i32::from(digits));
    let value = |day: &DayLine| as_number(day.mrr.get(currency).copied().unwrap_or(0)) / unit;
    let values = report.days.iter().map(value).collect();
    Some(Line { name: currency.to_owned(), values })
}

/// For a picture: what no picture can show is not drawn to the last unit.
fn as_number(value: i64) -> f64 {
    f64::from(i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX }))
}
