//! The simulation against two others: one tally per limit, and plain sets without any tally.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use time::Duration;

use super::*;

const LIMITS: Limits = Limits { first: 1, last: 5 };

fn start() -> Timestamp {
    Timestamp::parse("2026-11-20T22:30:00Z").unwrap()
}

fn window(spec: &str) -> Window {
    Window::new(spec.parse().unwrap(), paris())
}

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

fn read(visitor: u128, article: &str, minutes: i64) -> LoggedRead<'static> {
    LoggedRead {
        line: 0,
        visitor: VisitorKey(visitor),
        article: article.to_owned().into(),
        at: start().plus(Duration::minutes(minutes)),
    }
}

fn simulate(reads: &[LoggedRead<'_>], window: &Window) -> Outcome {
    let mut simulation = Simulation::new(LIMITS, window.clone(), paris(), "demo");
    for read in reads {
        simulation.read(read);
    }
    simulation.outcome()
}

#[test]
fn a_small_log_by_hand() {
    let reads = [
        read(1, "tides", 0),
        read(1, "bread", 1),
        read(1, "tides", 2),
        read(2, "tides", 3),
        read(1, "bread", 60), // the next day in Paris
        read(1, "wool", 61),
        read(1, "tides", 31 * 24 * 60),
    ];
    let outcome = simulate(&reads, &window("P30D"));
    let row = |limit: usize| {
        let it = outcome.limits[limit - 1];
        (it.visitors_walled, it.reads_counted, it.reads_repeated, it.reads_denied)
    };
    assert_eq!(outcome.visitors, 2);
    assert_eq!(row(1), (1, 3, 1, 3));
    assert_eq!(row(2), (1, 4, 2, 1));
    assert_eq!(row(3), (0, 5, 2, 0));
    let days: Vec<_> = outcome.days.iter().map(|day| (day.visitors, day.reads)).collect();
    assert_eq!(days, [(2, 4), (1, 2), (1, 1)]);
    assert_eq!(outcome.days[0].date.to_string(), "2026-11-20");
    assert_eq!(outcome.days[1].reads_denied, [2, 1, 0, 0, 0]);
}

#[test]
fn a_visitor_is_new_once_a_day_also_when_days_come_out_of_order() {
    let mut visitor = Visitor::default();
    let new: Vec<bool> =
        [100, 100, 101, 100, 99, 99, 300, 299, 300].map(|day| visitor.is_new_on(day)).to_vec();
    assert_eq!(new, [true, false, true, false, true, false, true, true, false]);
}

/// One limit alone, with one tally per visitor: what the service itself would have done.
fn one_limit(reads: &[LoggedRead<'_>], window: &Window, limit: u32) -> LimitOutcome {
    let mut tallies: HashMap<VisitorKey, Tally> = HashMap::new();
    let mut walled = HashSet::new();
    let mut outcome = LimitOutcome {
        limit,
        visitors_walled: 0,
        reads_counted: 0,
        reads_repeated: 0,
        reads_denied: 0,
    };
    for read in reads {
        let question = Read {
            article: Fingerprint::of("demo", &read.article),
            limit,
            window: window.clone(),
            at: read.at,
            dry_run: false,
        };
        let (reading, change) = tally(tallies.get(&read.visitor), &question);
        tallies.extend(change.map(|change| (read.visitor, change)));
        match reading.verdict {
            Verdict::Counted => outcome.reads_counted += 1,
            Verdict::AlreadyRead => outcome.reads_repeated += 1,
            Verdict::Exhausted => {
                outcome.reads_denied += 1;
                walled.insert(read.visitor);
            }
        }
    }
    outcome.visitors_walled = walled.len() as u64;
    outcome
}

/// The same without anything of the service: a start and a set per visitor, 30 days.
fn plain_sets(reads: &[LoggedRead<'_>], limit: u32) -> LimitOutcome {
    let mut seen: HashMap<u128, (i64, HashSet<String>)> = HashMap::new();
    let mut walled = HashSet::new();
    let (mut counted, mut repeated, mut denied) = (0, 0, 0);
    for read in reads {
        let now = read.at.unix_seconds();
        let (since, articles) = seen.entry(read.visitor.0).or_insert_with(|| (now, HashSet::new()));
        if now - *since >= 30 * 86_400 {
            *since = now;
            articles.clear();
        }
        if articles.contains(&*read.article) {
            repeated += 1;
        } else if articles.len() < limit as usize {
            articles.insert(read.article.to_string());
            counted += 1;
        } else {
            denied += 1;
            walled.insert(read.visitor.0);
        }
    }
    LimitOutcome {
        limit,
        visitors_walled: walled.len() as u64,
        reads_counted: counted,
        reads_repeated: repeated,
        reads_denied: denied,
    }
}

/// Reads mostly in order: each is up to two days later than the last, or a little earlier.
fn reads() -> impl Strategy<Value = Vec<LoggedRead<'static>>> {
    prop::collection::vec((0_u128..4, 0_u8..9, -90_i64..2_880), 1..150).prop_map(|steps| {
        let mut minutes = 0;
        let step = |(visitor, article, later): (u128, u8, i64)| {
            minutes += later;
            read(visitor, &article.to_string(), minutes)
        };
        steps.into_iter().map(step).collect()
    })
}

proptest! {
    #[test]
    fn one_pass_equals_a_tally_for_each_limit(
        reads in reads(),
        spec in prop::sample::select(vec!["P30D", "PT12H", "day", "week", "month"]),
    ) {
        let window = window(spec);
        let outcome = simulate(&reads, &window);
        for (limit, found) in LIMITS.iter().zip(&outcome.limits) {
            prop_assert_eq!(*found, one_limit(&reads, &window, limit));
            let denied = |day: &DayOutcome| day.reads_denied[limit as usize - 1];
            prop_assert_eq!(outcome.days.iter().map(denied).sum::<u64>(), found.reads_denied);
        }
        let visits: BTreeSet<_> = reads.iter().map(|read| {
            let at = jiff::Timestamp::from_second(read.at.unix_seconds()).unwrap();
            (at.to_zoned(paris()).date(), read.visitor.0)
        }).collect();
        let by_day = |day: &DayOutcome| {
            day.visitors == visits.iter().filter(|(date, _)| *date == day.date).count() as u64
        };
        prop_assert!(outcome.days.iter().all(by_day));
    }

    #[test]
    fn one_pass_equals_plain_sets(reads in reads()) {
        let outcome = simulate(&reads, &window("P30D"));
        for (limit, found) in LIMITS.iter().zip(&outcome.limits) {
            prop_assert_eq!(*found, plain_sets(&reads, limit));
        }
    }
}
