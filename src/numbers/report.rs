//! A report over some days, beside the days before. Pure.

use std::collections::{BTreeMap, BTreeSet};

use iso_currency::Currency;
use jiff::{ToSpan, civil::Date};
use serde::Serialize;
use utoipa::ToSchema;

use super::{figure::Figure, store::DayRow};
use crate::money::Money;

/// Longest report, in days: a little over three years.
pub const DAYS_MAX: i32 = 1_100;

/// Some days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Window {
    /// The first day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
}

impl Window {
    /// How many days it has.
    #[must_use]
    pub fn length(self) -> i32 {
        (self.to - self.from).get_days() + 1
    }

    /// As many days just before it.
    #[must_use]
    pub fn before(self) -> Self {
        let to = self.from.yesterday().unwrap_or(self.from);
        let from = self.from.checked_sub(self.length().days()).unwrap_or(self.from);
        Self { from, to }
    }

    fn holds(self, day: Date) -> bool {
        self.from <= day && day <= self.to
    }
}

/// A number, and the same of the days before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Compared {
    /// In these days.
    pub value: i64,
    /// In as many days just before.
    pub previous: i64,
}

/// A number of one kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Labelled {
    /// Of what.
    pub label: String,
    /// In these days.
    pub value: i64,
    /// In as many days just before.
    pub previous: i64,
}

/// Monthly recurring revenue in one currency, in whole minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mrr {
    /// ISO 4217.
    pub currency: String,
    /// At the end of the last day.
    pub amount: i64,
    /// At the beginning of the first.
    pub at_start: i64,
    /// Of those who paid for the first time.
    pub new: Compared,
    /// Of those who came back.
    pub reactivation: Compared,
    /// More, by switches and prices.
    pub expansion: Compared,
    /// Less; below zero.
    pub contraction: Compared,
    /// Of those who ended or paused; below zero.
    pub churn: Compared,
}

/// A number that stands, and how it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Stock {
    /// At the end of the last day.
    pub value: i64,
    /// At the beginning of the first.
    pub at_start: i64,
}

/// The trials that began in one month, whenever they ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cohort {
    /// `2026-11`.
    pub month: String,
    /// How many began.
    pub started: i64,
    /// How many were paid afterwards.
    pub converted: i64,
    /// How many were not.
    pub lost: i64,
    /// How many of those that are decided were paid, in parts per million; none is decided yet where
    /// this is null.
    pub conversion_ppm: Option<i64>,
}

/// Payments of renewals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Recovery {
    /// Renewals that failed at first.
    pub failed: Compared,
    /// Paid after all.
    pub recovered: Compared,
    /// Ended without.
    pub lost: Compared,
}

/// Money of one plan, in whole minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanMoney {
    /// The plan's id.
    pub plan: String,
    /// ISO 4217.
    pub currency: String,
    /// Sold, without tax, less what was credited.
    pub revenue: Compared,
    /// What cards paid.
    pub paid: Compared,
    /// What went back to cards; below zero.
    pub refunded: Compared,
}

/// The way from the wall to a paid subscription. Each step counts what happened in these days, not
/// what became of the same people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Funnel {
    /// Articles that were denied.
    pub walls: Compared,
    /// Offers that were shown.
    pub offers: Compared,
    /// Accounts that were begun.
    pub signed_up: Compared,
    /// Free trials that began.
    pub trials: Compared,
    /// Subscriptions that were paid for the first time, or again.
    pub paid: Compared,
}

/// What one page led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Article {
    /// The page: a path of ours, or an address of a site.
    pub page: String,
    /// Subscriptions that were begun, by a trial or a payment.
    pub subscribed: i64,
    /// The same in as many days just before.
    pub previous: i64,
    /// Subscriptions that were paid for the first time.
    pub paid: i64,
}

/// How things stood at the end of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayLine {
    /// Which.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Subscriptions that are paid, or late.
    pub active: i64,
    /// Free trials that run.
    pub trialing: i64,
    /// Articles that were denied on that day.
    pub walls: i64,
    /// Monthly recurring revenue by currency, in whole minor units.
    pub mrr: BTreeMap<String, i64>,
}

/// Every number of some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// These days.
    #[serde(flatten)]
    pub window: Window,
    /// The days they are compared with.
    pub previous: Window,
    /// By whose calendar: an IANA name.
    pub time_zone: String,
    /// By currency.
    pub mrr: Vec<Mrr>,
    /// Subscriptions that are paid, or late.
    pub active: Stock,
    /// Free trials that run.
    pub trialing: Stock,
    /// By the month in which they began: every month that these days touch, whole.
    pub trials: Vec<Cohort>,
    /// Paid subscriptions that ended or paused, by cause.
    pub churned: Vec<Labelled>,
    /// Late payments.
    pub payments: Recovery,
    /// By plan and currency.
    pub revenue: Vec<PlanMoney>,
    /// From the wall to a paid subscription.
    pub funnel: Funnel,
    /// Decisions, by site and reason.
    pub decisions: Vec<Labelled>,
    /// How many metered decisions were denials, in parts per million; null where there was none.
    pub stop_rate_ppm: Option<i64>,
    /// Subscriptions by the page that led to the offer: those that led to the most, first.
    pub articles: Vec<Article>,
    /// One line for each day.
    pub days: Vec<DayLine>,
}

/// Sums of days.
struct Sums<'a> {
    window: Window,
    days: &'a [DayRow],
    before: &'a [DayRow],
}

impl Sums<'_> {
    fn sum(&self, window: Window, pick: impl Fn(&DayRow) -> bool) -> i64 {
        let days = self.days.iter().filter(|row| window.holds(row.day) && pick(row));
        days.map(|row| row.value).sum()
    }

    fn compared(&self, pick: impl Fn(&DayRow) -> bool) -> Compared {
        let value = self.sum(self.window, &pick);
        Compared { value, previous: self.sum(self.window.before(), &pick) }
    }

    fn of(&self, figure: Figure) -> Compared {
        self.compared(|row| row.figure == figure)
    }

    /// What a stock came to before the first of these days.
    fn at_start(&self, pick: impl Fn(&DayRow) -> bool) -> i64 {
        let stocks: i64 = self.before.iter().filter(|row| pick(row)).map(|row| row.value).sum();
        stocks + self.sum(self.window.before(), pick)
    }

    fn stock(&self, figure: Figure) -> Stock {
        let at_start = self.at_start(|row| row.figure == figure);
        Stock { value: at_start + self.of(figure).value, at_start }
    }

    /// A number of each kind of thing, the most first.
    fn labelled(&self, figure: Figure) -> Vec<Labelled> {
        let mut by_label = BTreeMap::<&str, Compared>::new();
        for row in self.days.iter().filter(|row| row.figure == figure) {
            let compared = by_label.entry(&row.label).or_default();
            if self.window.holds(row.day) {
                compared.value += row.value;
            } else {
                compared.previous += row.value;
            }
        }
        let of = |(label, Compared { value, previous }): (&str, Compared)| Labelled {
            label: label.to_owned(),
            value,
            previous,
        };
        let mut all: Vec<Labelled> = by_label.into_iter().map(of).collect();
        all.sort_by_key(|labelled| std::cmp::Reverse(labelled.value));
        all
    }
}

fn is_mrr(figure: Figure) -> bool {
    Figure::STOCKS.contains(&figure) && !matches!(figure, Figure::Active | Figure::Trialing)
}

/// A twelfth of an amount of a year, rounded half away from zero. Sums are made of years and rounded
/// once, so that twelve months make a year.
fn monthly(yearly: i64) -> i64 {
    let money = Money { amount: yearly, currency: Currency::XXX };
    money.prorated(1, 12).map_or(0, |month| month.amount)
}

fn mrr(sums: &Sums<'_>) -> Vec<Mrr> {
    let rows = sums.before.iter().chain(sums.days).filter(|row| is_mrr(row.figure));
    let currencies: BTreeSet<&str> = rows.map(|row| row.currency.as_str()).collect();
    let of = |currency: &str| {
        let moved = |figure| {
            let Compared { value, previous } =
                sums.compared(|row| row.figure == figure && row.currency == currency);
            Compared { value: monthly(value), previous: monthly(previous) }
        };
        let all = |row: &DayRow| is_mrr(row.figure) && row.currency == currency;
        let at_start = sums.at_start(all);
        Mrr {
            currency: currency.to_owned(),
            amount: monthly(at_start + sums.compared(all).value),
            at_start: monthly(at_start),
            new: moved(Figure::MrrNew),
            reactivation: moved(Figure::MrrReactivation),
            expansion: moved(Figure::MrrExpansion),
            contraction: moved(Figure::MrrContraction),
            churn: moved(Figure::MrrChurn),
        }
    };
    currencies.into_iter().map(of).collect()
}

fn cohorts(trials: &[DayRow]) -> Vec<Cohort> {
    let months: BTreeSet<&str> = trials.iter().map(|row| row.label.as_str()).collect();
    let of = |month: &str| {
        let sum = |figure| {
            let rows = trials.iter().filter(|row| row.figure == figure && row.label == month);
            rows.map(|row| row.value).sum::<i64>()
        };
        let (converted, lost) = (sum(Figure::TrialConverted), sum(Figure::TrialLost));
        Cohort {
            month: month.to_owned(),
            started: sum(Figure::TrialStarted),
            converted,
            lost,
            conversion_ppm: share(converted, converted + lost),
        }
    };
    months.into_iter().map(of).collect()
}

/// `part` of `whole` in parts per million; none of nothing.
fn share(part: i64, whole: i64) -> Option<i64> {
    (whole > 0).then(|| part.saturating_mul(1_000_000) / whole)
}

fn plans(sums: &Sums<'_>) -> Vec<PlanMoney> {
    let is_money =
        |row: &&DayRow| matches!(row.figure, Figure::Revenue | Figure::Paid | Figure::Refunded);
    let keys = sums.days.iter().filter(is_money);
    let keys: BTreeSet<(&str, &str)> =
        keys.map(|row| (row.label.as_str(), row.currency.as_str())).collect();
    let of = |(plan, currency): (&str, &str)| {
        let sum = |figure| {
            sums.compared(|row| {
                row.figure == figure && row.label == plan && row.currency == currency
            })
        };
        PlanMoney {
            plan: plan.to_owned(),
            currency: currency.to_owned(),
            revenue: sum(Figure::Revenue),
            paid: sum(Figure::Paid),
            refunded: sum(Figure::Refunded),
        }
    };
    keys.into_iter().map(of).collect()
}

fn is_wall(row: &DayRow) -> bool {
    let denied = ["meter_exhausted", "subscription_required"];
    row.figure == Figure::Decided && denied.iter().any(|reason| row.label.ends_with(reason))
}

fn has_reason(row: &DayRow, reasons: &[&str]) -> bool {
    let reason = row.label.rsplit(' ').next().unwrap_or_default();
    row.figure == Figure::Decided && reasons.contains(&reason)
}

fn each_day(sums: &Sums<'_>) -> Vec<DayLine> {
    let mut active = sums.stock(Figure::Active).at_start;
    let mut trialing = sums.stock(Figure::Trialing).at_start;
    let mut yearly = BTreeMap::<String, i64>::new();
    let before = |row: &&DayRow| is_mrr(row.figure) && row.day < sums.window.from;
    for row in sums.before.iter().chain(sums.days).filter(before) {
        *yearly.entry(row.currency.clone()).or_default() += row.value;
    }
    let mut by_day = BTreeMap::<Date, Vec<&DayRow>>::new();
    for row in sums.days.iter().filter(|row| sums.window.holds(row.day)) {
        by_day.entry(row.day).or_default().push(row);
    }
    let mut lines = Vec::new();
    for day in sums.window.from.series(1.day()).take_while(|day| *day <= sums.window.to) {
        let mut walls = 0;
        for row in by_day.get(&day).into_iter().flatten() {
            match row.figure {
                Figure::Active => active += row.value,
                Figure::Trialing => trialing += row.value,
                figure if is_mrr(figure) => {
                    *yearly.entry(row.currency.clone()).or_default() += row.value;
                }
                _ if is_wall(row) => walls += row.value,
                _ => {}
            }
        }
        let mrr = yearly.iter().map(|(currency, year)| (currency.clone(), monthly(*year)));
        lines.push(DayLine { day, active, trialing, walls, mrr: mrr.collect() });
    }
    lines
}

impl Report {
    /// The report over `window`, from the `days` of it and of the window before it, what the stocks
    /// came to `before` both, all that became of the `trials` of its months, and its `articles`.
    #[must_use]
    pub fn of(
        window: Window,
        time_zone: &str,
        (days, before, trials): (&[DayRow], &[DayRow], &[DayRow]),
        articles: Vec<Article>,
    ) -> Self {
        let sums = Sums { window, days, before };
        let metered = sums.compared(|row| has_reason(row, &["metered", "already_read"])).value;
        let stopped = sums.compared(|row| has_reason(row, &["meter_exhausted"])).value;
        Self {
            window,
            previous: window.before(),
            time_zone: time_zone.to_owned(),
            mrr: mrr(&sums),
            active: sums.stock(Figure::Active),
            trialing: sums.stock(Figure::Trialing),
            trials: cohorts(trials),
            churned: sums.labelled(Figure::Churned),
            payments: Recovery {
                failed: sums.of(Figure::PaymentFailed),
                recovered: sums.of(Figure::PaymentRecovered),
                lost: sums.of(Figure::PaymentLost),
            },
            revenue: plans(&sums),
            funnel: Funnel {
                walls: sums.compared(is_wall),
                offers: sums.of(Figure::Offered),
                signed_up: sums.of(Figure::SignedUp),
                trials: sums.of(Figure::TrialStarted),
                paid: sums.of(Figure::Began),
            },
            decisions: sums.labelled(Figure::Decided),
            stop_rate_ppm: share(stopped, metered + stopped),
            articles,
            days: each_day(&sums),
        }
    }
}
