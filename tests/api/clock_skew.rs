//! Instances whose clocks differ: no reader is refused and no visitor counted anew for it.

use std::sync::Arc;

use pressgate::{
    clock::{Clock, ManualClock},
    clock_skew::measure,
};
use serde_json::json;
use time::Duration;

use crate::{
    app::TestApp,
    readers::{ANNA, PASSWORD, Tokens, refused},
};

/// Another instance on the same database, by whose clock it is so many seconds later.
async fn ahead(t: &TestApp, seconds: i64) -> TestApp {
    let clock = ManualClock::at(t.clock.now().plus(Duration::seconds(seconds)));
    TestApp::open(t.place.clone(), Arc::new(clock), &[]).await.unwrap()
}

on_both_databases! {
    async fn a_visitor_is_the_same_at_an_instance_whose_clock_is_behind(t: TestApp) {
        // Half a minute, just over a minute, and a clock that is a year wrong.
        for seconds in [30, 61, 365 * 86_400] {
            let other = ahead(&t, seconds).await;
            let visitor = other.visitor().await;
            assert_eq!(t.outcome("a", &visitor).await, ("metered".to_owned(), 1), "{seconds}");
            assert_eq!(t.outcome("b", &visitor).await, ("meter_exhausted".to_owned(), 1));
            let answer = t.read("a", &visitor).await;
            assert_eq!(answer["reason"], "already_read");
            // What is sent in its place is the same visitor too.
            let next = &answer["visitor"];
            assert_eq!(t.outcome("b", next).await.0, "meter_exhausted", "{seconds}");
            if seconds < 100 {
                assert_eq!(other.outcome("a", next).await.0, "already_read", "{seconds}");
            }
        }
    }

    async fn a_reader_is_known_at_an_instance_up_to_a_minute_behind(t: TestApp) {
        t.reader(ANNA).await;
        for (seconds, is_known) in [(10, true), (60, true), (61, false)] {
            let other = ahead(&t, seconds).await;
            let tokens = Tokens::of(&other.log_in(ANNA, PASSWORD).await);
            let body = json!({"article": {"id": "a"}, "reader": tokens.access});
            let answer = t.access(body).await;
            if is_known {
                assert_eq!(answer.status, 200, "{seconds}: {}", answer.text());
            } else {
                assert_eq!(answer.problem(), refused(401, "invalid_reader_token"), "{seconds}");
            }
            // Its end is where the token says, by every clock.
            t.clock.advance(Duration::seconds(seconds + 15 * 60));
            let body = json!({"article": {"id": "a"}, "reader": tokens.access});
            assert_eq!(t.access(body).await.problem(), refused(401, "invalid_reader_token"));
        }
    }

    async fn a_session_that_ended_where_the_clock_is_behind_is_over_everywhere(t: TestApp) {
        t.reader(ANNA).await;
        let behind = ahead(&t, -120).await;
        let tokens = Tokens::of(&behind.log_in(ANNA, PASSWORD).await);
        let ask = async || {
            let body = json!({"article": {"id": "a"}, "reader": tokens.access});
            t.access(body).await.status
        };
        let revocations = t.state.accounts.tokens.revocations();
        revocations.refresh().await.unwrap();
        assert_eq!(ask().await, 200);
        assert_eq!(behind.log_out(&tokens.refresh).await.status, 204);
        revocations.refresh().await.unwrap();
        assert_eq!(ask().await, 401);
    }

    async fn a_clock_is_compared_with_the_databases(t: TestApp) {
        let db = &t.state.databases.main;
        let Some(skew) = measure(db, &*t.clock).await.unwrap() else {
            assert!(t.place.url().starts_with("sqlite"), "SQLite goes by this machine's clock");
            return;
        };
        assert!(skew.warning().unwrap().contains(" s behind the database's"), "{skew:?}");
        let right = t.clock.now().minus(skew.ahead);
        // A test may be held up for a while between two measurements.
        for (seconds, part) in [(600, " s ahead of the database's"), (-600, " s behind ")] {
            t.clock.set(right.plus(Duration::seconds(seconds)));
            let skew = measure(db, &*t.clock).await.unwrap().unwrap();
            assert!((skew.ahead - Duration::seconds(seconds)).abs() < Duration::minutes(2));
            assert!(skew.warning().unwrap().contains(part), "{skew:?}");
        }
    }
}
