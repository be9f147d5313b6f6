//! The report, word for word.

use serde_json::json;

use super::*;
use crate::cli::replay::{
    log::BadLine,
    simulate::{DayOutcome, LimitOutcome},
};

fn report() -> Report {
    let at = |text| Timestamp::parse(text).unwrap();
    let row = |limit, visitors_walled, reads_counted, reads_repeated, reads_denied| LimitOutcome {
        limit,
        visitors_walled,
        reads_counted,
        reads_repeated,
        reads_denied,
    };
    let day = |day, visitors, reads, reads_denied| DayOutcome {
        date: jiff::civil::date(2015, 5, day),
        visitors,
        reads,
        reads_denied,
    };
    Report {
        source: Source {
            file: "access.log".to_owned(),
            site: "demo".to_owned(),
            window: "P30D".parse().unwrap(),
            time_zone: TimeZone::UTC,
        },
        totals: Totals {
            lines: 12_345,
            bad: [(BadLine::Agent, 1)].into(),
            bad_examples: vec![(8_899, BadLine::Agent)],
            not_page_views: 10_000,
            bots: 344,
            reads: 2_000,
            period: Some((at("2015-05-17T10:05:03Z"), at("2015-05-18T21:05:00Z"))),
        },
        outcome: Outcome {
            visitors: 1_000,
            limits: vec![row(1, 250, 1_000, 100, 900), row(2, 50, 1_500, 150, 350)],
            days: vec![day(17, 600, 800, vec![300, 100]), day(18, 500, 1_200, vec![600, 250])],
        },
    }
}

#[test]
fn a_publisher_can_choose_a_limit_from_it() {
    let mut text = Vec::new();
    report().write_text(&mut text).unwrap();
    let expected = "\
access.log as reads of site `demo`, window P30D
from 17 May 2015 10:05 to 18 May 2015 21:05 (UTC)

       12,345  lines
            1  could not be read
                 line 8,899 has no agent in quotes at its end
       10,000  were no page views
          344  were page views by bots
        2,000  were reads
        1,000  visitors made them

                Visitors who                            Denied     Counted        Free
Limit          meet the wall          Reads denied     per day       reads    re-reads
    1           250   25.0 %          900   45.0 %         450       1,000         100
    2            50    5.0 %          350   17.5 %         175       1,500         150

Reads denied by day and limit
Day         Visitors     Reads        1       2
2015-05-17       600       800      300     100
2015-05-18       500     1,200      600     250

The log is shorter than the window (P30D): over a whole window, more visitors meet the wall.
A visitor is one address with one agent:";
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.get(..expected.len()), Some(expected), "{text}");
}

#[test]
fn programs_get_the_same_with_stable_names() {
    let mut bytes = Vec::new();
    report().write_json(&mut bytes).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        body["limits"][0],
        json!({
            "limit": 1, "visitors_walled": 250, "visitors_walled_share": 0.25,
            "reads_counted": 1_000, "reads_repeated": 100,
            "reads_denied": 900, "reads_denied_share": 0.45
        })
    );
    assert_eq!(
        body["days"][1],
        json!({
            "date": "2015-05-18", "visitors": 500, "reads": 1_200,
            "reads_denied_by_limit": {"1": 600, "2": 250}
        })
    );
    assert_eq!(body["lines"]["bad_by_reason"], json!({"has no agent in quotes at its end": 1}));
    assert_eq!(
        (&body["first_at"], &body["covers_window"]),
        (&json!("2015-05-17T10:05:03Z"), &json!(false))
    );
}

#[test]
fn an_empty_log_is_no_mistake() {
    let mut empty = report();
    empty.totals = Totals::default();
    empty.outcome = Outcome { visitors: 0, limits: Vec::new(), days: Vec::new() };
    let mut text = Vec::new();
    empty.write_text(&mut text).unwrap();
    assert!(String::from_utf8(text).unwrap().ends_with("No read, so nothing to compare.\n"));
}

#[test]
fn numbers_are_grouped_by_three() {
    for (number, text) in
        [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")]
    {
        assert_eq!(thousands(number), text);
    }
}
