//! Tables of what is owed, and what holds for all subscriptions.

use proptest::prelude::*;

use super::*;
use crate::billing::calendar::{Schedule, trial_end};

const DAY: Duration = Duration::DAY;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A subscription without a trial that began on 10 March 2027.
fn facts(country: &str, interval: Interval) -> NoticeFacts<'_> {
    let started_at = at("2027-03-10T08:00:00Z");
    let schedule = Schedule { anchor: started_at, interval };
    NoticeFacts {
        country: Some(country).filter(|country| !country.is_empty()),
        interval,
        trial: None,
        will_renew: true,
        next_charge_at: Some(schedule.period(0).unwrap().end),
        started_at,
        agreed_at: started_at,
        card_expires: None,
        price_change: None,
    }
}

fn trial_of(country: &str, days: u32) -> NoticeFacts<'_> {
    let facts = facts(country, Interval::Month);
    let end = trial_end(facts.started_at, days);
    let trial = Some(Period { start: facts.started_at, end });
    NoticeFacts { trial, next_charge_at: Some(end), ..facts }
}

/// Each notice in short: kind, about, sent so many hours before, by whom.
fn short(facts: &NoticeFacts<'_>) -> Vec<String> {
    let duties = Duties::shipped().unwrap();
    let text = |notice: Planned| {
        let day = notice.about.to_string();
        let ahead = notice.about.since(notice.send_at);
        format!(
            "{} {} {}d{:02}h {}",
            notice.kind,
            day.split('T').next().unwrap(),
            ahead.whole_days(),
            ahead.whole_hours() % 24,
            notice.jurisdiction
        )
    };
    planned(facts, &duties).into_iter().map(text).collect()
}

#[test]
fn a_trial_is_announced_a_week_before_its_end() {
    assert_eq!(short(&trial_of("", 30)), ["trial_ending 2027-04-09 7d12h all"]);
    assert_eq!(short(&trial_of("DE", 30)), ["trial_ending 2027-04-09 7d12h all"]);
    let californian =
        ["trial_ending 2027-04-10 7d12h all; US-CA", "yearly_reminder 2028-03-10 15d00h US-CA"];
    assert_eq!(short(&trial_of("US", 31)), californian);
    // Too short for a week's notice: the letter of the start told it all.
    for days in [3, 7] {
        assert_eq!(short(&trial_of("DE", days)), [""; 0], "{days} days");
    }
    // Shorter than the middle of the window: at once.
    let eight = trial_of("DE", 8);
    assert_eq!(short(&eight), ["trial_ending 2027-03-18 7d12h all"]);
    let soon = NoticeFacts { agreed_at: eight.started_at.plus(Duration::hours(20)), ..eight };
    assert_eq!(short(&soon), ["trial_ending 2027-03-18 7d04h all"], "agreed inside the window");
}

#[test]
fn a_trial_without_a_card_is_announced_too() {
    let facts = NoticeFacts { next_charge_at: None, ..trial_of("DE", 30) };
    assert_eq!(short(&facts), ["trial_ending 2027-04-09 7d12h all"]);
}

#[test]
fn the_renewal_of_a_year_is_announced() {
    for (country, expected) in [
        ("", vec!["renewal 2028-03-10 22d12h all"]),
        ("US-CA", vec!["renewal 2028-03-10 22d12h all"]),
        ("FR", vec!["renewal_deadline 2028-03-10 60d00h FR", "renewal 2028-03-10 22d12h all"]),
    ] {
        assert_eq!(short(&facts(country, Interval::Year)), expected, "{country}");
    }
    let in_trial = NoticeFacts { interval: Interval::Year, ..trial_of("FR", 30) };
    assert_eq!(short(&in_trial), ["trial_ending 2027-04-09 7d12h all"]);
}

#[test]
fn what_was_canceled_is_not_announced_until_it_is_resumed() {
    let year = facts("FR", Interval::Year);
    let canceled = NoticeFacts { will_renew: false, ..year.clone() };
    assert_eq!(short(&canceled), [""; 0]);
    // 40 days before the end: after France's middle, still before the last day.
    let resumed = NoticeFacts { agreed_at: at("2028-01-30T08:00:00Z"), ..year.clone() };
    let both = ["renewal_deadline 2028-03-10 40d00h FR", "renewal 2028-03-10 22d12h all"];
    assert_eq!(short(&resumed), both);
    let resumed_late = NoticeFacts { agreed_at: at("2028-03-01T08:00:00Z"), ..year };
    assert_eq!(short(&resumed_late), [""; 0], "the letter told it");
}

#[test]
fn months_are_reminded_of_once_a_year_in_california() {
    let month = facts("US-CA", Interval::Month);
    assert_eq!(short(&month), ["yearly_reminder 2028-03-10 15d00h US-CA"]);
    for (next, about) in [
        ("2028-03-10T08:00:00Z", "2028-03-10"),
        ("2028-04-10T08:00:00Z", "2029-03-10"),
        ("2031-03-10T08:00:00Z", "2031-03-10"),
    ] {
        let later = NoticeFacts { next_charge_at: Some(at(next)), ..month.clone() };
        assert_eq!(short(&later), [format!("yearly_reminder {about} 15d00h US-CA")], "{next}");
    }
    assert_eq!(short(&facts("DE", Interval::Month)), [""; 0]);
    let year: Vec<String> = short(&facts("US-CA", Interval::Year));
    assert!(year.iter().all(|notice| !notice.starts_with("yearly_reminder")), "{year:?}");
}

#[test]
fn another_price_is_announced_as_the_catalog_wants_it() {
    let from = at("2027-12-10T08:00:00Z");
    let change = |notice_days| Some(PriceChange { from, notice_days });
    let month = facts("DE", Interval::Month);
    for (notice_days, days) in [(0, 45), (30, 45), (60, 75)] {
        let facts = NoticeFacts { price_change: change(notice_days), ..month.clone() };
        assert_eq!(short(&facts), [format!("price_change 2027-12-10 {days}d00h all")]);
    }
    let california = NoticeFacts { price_change: change(30), ..facts("US-CA", Interval::Year) };
    assert_eq!(
        short(&california),
        [
            "price_change 2027-12-10 45d00h all",
            "price_change_reminder 2027-12-10 18d12h US-CA",
            "renewal 2028-03-10 22d12h all",
        ]
    );
}

#[test]
fn a_card_that_ends_before_the_next_charge_is_announced() {
    let year = facts("", Interval::Year);
    for (card, announced) in
        [((2028, 2), true), ((2028, 3), false), ((2028, 13), false), ((2027, 1), true)]
    {
        let facts = NoticeFacts { card_expires: Some(card), ..year.clone() };
        let is_announced = short(&facts).iter().any(|n| n == "card_expiring 2028-03-10 30d00h all");
        assert_eq!(is_announced, announced, "{card:?}");
    }
}

fn some_facts() -> impl Strategy<Value = NoticeFacts<'static>> {
    let country = prop::option::of(prop::sample::select(vec!["US", "US-CA", "FR", "DE", "GB"]));
    let start = 0_i64..4_000_000_000;
    let times = (start, 0_i64..40_000_000, 0_i64..300, prop::option::of(1_u32..100));
    let rest = (any::<bool>(), any::<bool>(), any::<bool>());
    let more = (
        prop::option::of((1970_i32..2100, 0_u8..14)),
        prop::option::of((0_i64..4_000, 0_u32..400)),
    );
    (country, times, rest, more).prop_map(|(country, times, rest, (card_expires, price))| {
        let (start, agreed, index, trial_days) = times;
        let (yearly, will_renew, has_card) = rest;
        let interval = if yearly { Interval::Year } else { Interval::Month };
        let started_at = Timestamp::UNIX_EPOCH.plus(Duration::seconds(start));
        let trial =
            trial_days.map(|days| Period { start: started_at, end: trial_end(started_at, days) });
        let schedule = Schedule { anchor: started_at, interval };
        let next = trial.map_or(schedule.period(index).unwrap().end, |trial| trial.end);
        NoticeFacts {
            country,
            interval,
            trial,
            will_renew,
            next_charge_at: has_card.then_some(next),
            started_at,
            agreed_at: started_at.plus(Duration::seconds(agreed)),
            card_expires,
            price_change: price.map(|(days, notice_days)| PriceChange {
                from: started_at.plus(DAY * i32::try_from(days).unwrap()),
                notice_days,
            }),
        }
    })
}

proptest! {
    #[test]
    fn nothing_is_planned_outside_its_window_or_without_a_moment(facts in some_facts()) {
        let duties = Duties::shipped().unwrap();
        let notices = planned(&facts, &duties);
        prop_assert_eq!(&notices, &planned(&facts, &duties));
        prop_assert!(facts.will_renew || notices.is_empty());
        let mut keys = std::collections::HashSet::new();
        for notice in &notices {
            prop_assert!(keys.insert((notice.kind, notice.about)));
            prop_assert!(notice.due_from < notice.due_to && notice.due_to <= notice.about);
            prop_assert!(notice.due_from <= notice.send_at && notice.send_at <= notice.due_to);
            prop_assert!(notice.send_at >= facts.agreed_at);
            let owed = duties.ahead.iter().filter(|duty| owes(duty, notice.kind, &facts));
            for duty in owed {
                let (from, to) = duty.window();
                let early = announced_earlier(notice.kind, &facts, to);
                let ahead = notice.about.since(notice.send_at) - early;
                prop_assert!(to <= ahead && ahead <= from, "{:?} {:?}", duty, notice);
            }
        }
        let charges = [facts.next_charge_at, facts.trial.map(|trial| trial.end)];
        for notice in &notices {
            let comes = match notice.kind {
                NoticeKind::PriceChange | NoticeKind::PriceChangeReminder => {
                    facts.price_change.map(|change| change.from) == Some(notice.about)
                }
                NoticeKind::YearlyReminder => (1..400).any(|years| {
                    add_months(facts.started_at, years * 12) == Some(notice.about)
                }),
                _ => charges.contains(&Some(notice.about)),
            };
            prop_assert!(comes, "{:?}", notice);
        }
    }
}
