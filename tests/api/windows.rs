//! When a count begins and ends, to the microsecond.

use pressgate::{
    clock::Clock,
    db::Db,
    metering::{
        store::{PostgresStore, SqliteStore},
        upkeep::round,
    },
};
use serde_json::json;
use time::Duration;

use crate::app::{TestApp, at};

/// One round of the work in the background: how many windows it forgot.
async fn forget(t: &TestApp) -> u64 {
    let upkeep = t.state.config.meter.upkeep;
    let forgotten = match t.state.databases.meter.clone() {
        Db::Sqlite { write, .. } => round(&SqliteStore::new(write), &*t.clock, upkeep).await,
        Db::Postgres(pool) => round(&PostgresStore::new(pool), &*t.clock, upkeep).await,
    };
    forgotten.unwrap()
}

on_both_databases! {
    async fn thirty_days_end_at_their_last_microsecond(t: TestApp) {
        let first = t.read("a", &json!(null)).await;
        let visitor = &first["visitor"];
        let end = t.clock.now().plus(Duration::days(30));

        t.clock.set(end.minus(Duration::microseconds(1)));
        assert_eq!(t.outcome("b", visitor).await, ("meter_exhausted".to_owned(), 1));
        assert_eq!(t.outcome("a", visitor).await, ("already_read".to_owned(), 1));

        t.clock.set(end);
        let again = t.read("b", visitor).await;
        let meter =
            json!({"limit": 1, "used": 1, "remaining": 0, "resets_at": "2027-01-22T04:05:06Z"});
        assert_eq!((&again["reason"], &again["meter"]), (&json!("metered"), &meter));
        assert_eq!(t.outcome("a", visitor).await, ("meter_exhausted".to_owned(), 1));
    }

    async fn a_later_read_does_not_move_the_end(t: TestApp) {
        let t = t.site_with_limit(2).await;
        let first = t.read("a", &json!(null)).await;
        t.clock.advance(Duration::days(29));
        let second = t.read("b", &first["visitor"]).await;
        assert_eq!(second["meter"]["resets_at"], first["meter"]["resets_at"]);
        t.clock.advance(Duration::days(1));
        assert_eq!(t.outcome("c", &first["visitor"]).await, ("metered".to_owned(), 1));
    }

    async fn a_clock_that_goes_back_grants_nothing_and_forgets_nothing(t: TestApp) {
        let first = t.read("a", &json!(null)).await;
        t.clock.advance(Duration::seconds(-30));
        assert_eq!(t.outcome("b", &first["visitor"]).await.0, "meter_exhausted");
        assert_eq!(t.outcome("a", &first["visitor"]).await.0, "already_read");
    }

    /// On 29 March 2026 Paris springs from 02:00 to 03:00; the day has 23 hours.
    async fn a_calendar_day_of_23_hours_ends_at_midnight_in_paris(t: TestApp) {
        let policy = json!({"rules": [{"limit": 1, "window": "day"}]});
        t.clock.set(at("2026-03-28T23:00:00Z"));
        let t = t.site("journal", "Europe/Paris", policy).await;
        let first = t.read("a", &json!(null)).await;
        assert_eq!(first["meter"]["resets_at"], "2026-03-29T22:00:00Z");

        t.clock.set(at("2026-03-29T21:59:59.999999Z"));
        assert_eq!(t.outcome("b", &first["visitor"]).await.0, "meter_exhausted");
        t.clock.set(at("2026-03-29T22:00:00Z"));
        assert_eq!(t.outcome("b", &first["visitor"]).await, ("metered".to_owned(), 1));
    }

    /// On 25 October 2026 the hour from 02:00 comes twice; the day has 25 hours.
    async fn a_calendar_day_of_25_hours_ends_at_midnight_in_paris(t: TestApp) {
        let policy = json!({"rules": [{"limit": 1, "window": "day"}]});
        t.clock.set(at("2026-10-24T22:00:00Z"));
        let t = t.site("journal", "Europe/Paris", policy).await;
        let first = t.read("a", &json!(null)).await;
        assert_eq!(first["meter"]["resets_at"], "2026-10-25T23:00:00Z");

        t.clock.set(at("2026-10-25T22:59:59.999999Z"));
        assert_eq!(t.outcome("b", &first["visitor"]).await.0, "meter_exhausted");
        t.clock.set(at("2026-10-25T23:00:00Z"));
        assert_eq!(t.outcome("b", &first["visitor"]).await.0, "metered");
    }

    async fn weeks_end_on_monday_and_months_on_the_first_in_paris(t: TestApp) {
        for (window, asked_at, ends_at) in [
            ("week", "2026-10-21T12:00:00Z", "2026-10-25T23:00:00Z"),
            ("month", "2026-03-15T12:00:00Z", "2026-03-31T22:00:00Z"),
            ("month", "2028-02-29T12:00:00Z", "2028-02-29T23:00:00Z"),
        ] {
            t.clock.set(at(asked_at));
            let policy = json!({"rules": [{"limit": 1, "window": window}]});
            let id = format!("{window}-{}", &asked_at[..4]);
            let site = t.site(&id, "Europe/Paris", policy).await;
            let first = site.read("a", &json!(null)).await;
            assert_eq!(first["meter"]["resets_at"], ends_at);
            t.clock.set(at(ends_at).minus(Duration::microseconds(1)));
            assert_eq!(site.outcome("b", &first["visitor"]).await.0, "meter_exhausted");
            t.clock.set(at(ends_at));
            assert_eq!(site.outcome("b", &first["visitor"]).await, ("metered".to_owned(), 1));
        }
    }

    async fn a_calendar_window_says_its_end_before_the_first_read(t: TestApp) {
        let policy = json!({"rules": [{"limit": 2, "window": "month"}]});
        let t = t.site("journal", "Europe/Paris", policy).await;
        let body = json!({"article": {"id": "a"}, "dry_run": true});
        let meter =
            json!({"limit": 2, "used": 0, "remaining": 2, "resets_at": "2026-11-30T23:00:00Z"});
        assert_eq!(t.access(body).await.json()["meter"], meter);
    }

    async fn a_window_is_forgotten_a_day_after_its_end(t: TestApp) {
        let first = t.read("a", &json!(null)).await;
        let end = t.clock.now().plus(Duration::days(30));
        t.clock.set(end.plus(Duration::hours(24)));
        assert_eq!(forget(&t).await, 0);
        t.clock.advance(Duration::microseconds(1));
        assert_eq!(forget(&t).await, 1);
        assert_eq!(forget(&t).await, 0);
        assert_eq!(t.outcome("a", &first["visitor"]).await, ("metered".to_owned(), 1));
        assert_eq!(t.outcome("b", &first["visitor"]).await, ("meter_exhausted".to_owned(), 1));
    }
}
