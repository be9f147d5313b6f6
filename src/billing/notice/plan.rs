//! Which notices a subscription needs, and when. Pure: asked again after every change, it gives
//! the same answer for the same facts.

use time::{Date, Duration, Month, Time};

use super::{
    NoticeKind,
    duty::{Ahead, Duties, label},
};
use crate::{
    billing::{
        calendar::{Period, add_months},
        catalog::Interval,
    },
    clock::Timestamp,
};

/// What a plan of notices depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeFacts<'a> {
    /// Where the reader is (ISO 3166-1, or a part of it), if known.
    pub country: Option<&'a str>,
    /// How often it is paid.
    pub interval: Interval,
    /// The free trial, while it runs.
    pub trial: Option<Period>,
    /// Whether it goes on after the running period or trial: nobody canceled it.
    pub will_renew: bool,
    /// The next charge; `None` where nothing will be charged, such as without a card.
    pub next_charge_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Timestamp,
    /// When the reader last agreed to what comes: by starting, resuming or switching. The letter of
    /// that told everything, so a notice that had to go out before it is not owed any more.
    pub agreed_at: Timestamp,
    /// The card's last month: year and month.
    pub card_expires: Option<(i32, u8)>,
    /// Another price that is decided.
    pub price_change: Option<PriceChange>,
}

/// A price that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceChange {
    /// The first charge of the new price: one that can still be announced in time.
    pub from: Timestamp,
    /// How long before it the catalog wants it announced.
    pub notice_days: u32,
}

/// A notice that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Which.
    pub kind: NoticeKind,
    /// The moment that it speaks of. A subscription has one notice of a kind for each.
    pub about: Timestamp,
    /// It must not go out before.
    pub due_from: Timestamp,
    /// It must have gone out by then.
    pub due_to: Timestamp,
    /// When to send it.
    pub send_at: Timestamp,
    /// Where it is owed.
    pub jurisdiction: String,
}

/// Every notice that is to be sent, as things stand; by the time of sending.
#[must_use]
pub fn planned(facts: &NoticeFacts<'_>, duties: &Duties) -> Vec<Planned> {
    // What was canceled has nothing to come.
    let kinds = if facts.will_renew { &NoticeKind::ALL[..] } else { &[] };
    let mut planned: Vec<Planned> =
        kinds.iter().filter_map(|kind| plan(*kind, facts, duties)).collect();
    planned.sort_by_key(|notice| (notice.send_at, notice.kind));
    planned
}

fn plan(kind: NoticeKind, facts: &NoticeFacts<'_>, duties: &Duties) -> Option<Planned> {
    let owed: Vec<&Ahead> = duties.ahead.iter().filter(|duty| owes(duty, kind, facts)).collect();
    // One notice for all of them: not before the last may, not after the first must.
    let from = owed.iter().map(|duty| duty.window().0).min()?;
    let to = owed.iter().map(|duty| duty.window().1).max()?.min(from);
    let earlier = announced_earlier(kind, facts, to);
    let about = moment(kind, facts, to)?;
    let (due_from, due_to) = (about.minus(from + earlier), about.minus(to + earlier));
    if due_to <= facts.agreed_at {
        return None;
    }
    // The middle is as far as can be from too early and from too late.
    let middle = due_from.plus(due_to.since(due_from) / 2);
    Some(Planned {
        kind,
        about,
        due_from,
        due_to,
        send_at: middle.max(facts.agreed_at),
        jurisdiction: label(owed.iter().map(|duty| &duty.places)),
    })
}

fn owes(duty: &Ahead, kind: NoticeKind, facts: &NoticeFacts<'_>) -> bool {
    let trial_days = facts.trial.map_or(0, |trial| trial.end.since(trial.start).whole_days());
    duty.kind == kind
        && duty.places.hold_for(facts.country)
        && duty.interval.is_none_or(|interval| interval == facts.interval)
        && duty.trial_days_min.is_none_or(|least| trial_days >= i64::from(least))
}

/// By how much the catalog wants a price announced earlier than the duty does.
fn announced_earlier(kind: NoticeKind, facts: &NoticeFacts<'_>, to: Duration) -> Duration {
    match (kind, facts.price_change) {
        (NoticeKind::PriceChange, Some(change)) => {
            (Duration::days(i64::from(change.notice_days)) - to).max(Duration::ZERO)
        }
        _ => Duration::ZERO,
    }
}

/// The moment that a notice of `kind` speaks of, if there is one to come; it must be told `to`
/// before.
fn moment(kind: NoticeKind, facts: &NoticeFacts<'_>, to: Duration) -> Option<Timestamp> {
    match kind {
        NoticeKind::Receipt | NoticeKind::CancellationReceipt => None,
        NoticeKind::TrialEnding => facts.trial.map(|trial| trial.end),
        NoticeKind::Renewal | NoticeKind::RenewalDeadline => {
            // The first charge after a trial renews nothing.
            facts.next_charge_at.filter(|_| facts.trial.is_none())
        }
        NoticeKind::YearlyReminder => anniversary(facts, to),
        NoticeKind::PriceChange | NoticeKind::PriceChangeReminder => {
            facts.price_change.map(|change| change.from)
        }
        NoticeKind::CardExpiring => {
            let card_ends = month_end(facts.card_expires?)?;
            facts.next_charge_at.filter(|next| card_ends <= *next)
        }
    }
}

/// The first anniversary of the start that the running period, or one after it, comes to, and that
/// the reader can still be reminded of.
fn anniversary(facts: &NoticeFacts<'_>, to: Duration) -> Option<Timestamp> {
    let period_start = add_months(facts.next_charge_at?, -facts.interval.months())?;
    let after = period_start.max(facts.agreed_at.plus(to));
    let years = i64::from(after.date_time().year() - facts.started_at.date_time().year());
    (years..=years.saturating_add(1))
        .filter(|years| *years >= 1)
        .filter_map(|years| add_months(facts.started_at, years.checked_mul(12)?))
        .find(|anniversary| *anniversary > after)
}

/// The first instant after a month, in UTC; `None` where there is no such month.
fn month_end((year, month): (i32, u8)) -> Option<Timestamp> {
    let first = Date::from_calendar_date(year, Month::try_from(month).ok()?, 1).ok()?;
    add_months(Timestamp::from_date_time(first.with_time(Time::MIDNIGHT).assume_utc())?, 1)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
