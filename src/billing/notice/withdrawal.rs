//! Until when a reader may withdraw and be paid back. Pure.

use time::{Duration, Time};

use super::duty::{Duties, Since};
use crate::clock::Timestamp;

/// What the right to withdraw depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract<'a> {
    /// Where the reader is (ISO 3166-1, or a part of it), if known.
    pub country: Option<&'a str>,
    /// When the subscription began, with a trial or without.
    pub started_at: Timestamp,
    /// When it was paid for the first time after a trial.
    pub trial_paid_at: Option<Timestamp>,
    /// When it was last renewed for a year.
    pub year_renewed_at: Option<Timestamp>,
}

/// Until when the reader may withdraw, if they may at `now`. Britain gives a second time after a
/// trial, and after each renewal for a year.
#[must_use]
pub fn withdrawal_until(
    contract: &Contract<'_>,
    duties: &Duties,
    now: Timestamp,
) -> Option<Timestamp> {
    let rights = duties.withdrawals.iter().filter(|right| right.places.hold_for(contract.country));
    let windows = rights.filter_map(|right| {
        let since = match right.after {
            Since::Start => Some(contract.started_at),
            Since::Trial => contract.trial_paid_at,
            Since::YearlyRenewal => contract.year_renewed_at,
        }?;
        Some((since, end_of_day(since, right.days)?))
    });
    windows.filter(|(since, until)| *since <= now && now < *until).map(|(_, until)| until).max()
}

/// The end of the last day: the first day does not count, and the last counts to midnight
/// (Regulation 1182/71, article 3), here in UTC.
fn end_of_day(since: Timestamp, days: u32) -> Option<Timestamp> {
    let day = Timestamp::from_date_time(since.date_time().replace_time(Time::MIDNIGHT))?;
    Some(day.plus(Duration::days(i64::from(days) + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn readers_may_withdraw_to_the_end_of_the_14th_day() {
        let duties = Duties::shipped().unwrap();
        let start = at("2026-11-23T04:05:06Z");
        let (paid, renewed) = (at("2026-12-23T04:05:06Z"), at("2027-12-23T04:05:06Z"));
        let first = Some(at("2026-12-08T00:00:00Z"));
        let second = Some(at("2027-01-07T00:00:00Z"));
        let third = Some(at("2028-01-07T00:00:00Z"));
        for (country, now, until) in [
            ("DE", "2026-11-23T04:05:06Z", first),
            ("DE", "2026-12-07T23:59:59Z", first),
            ("DE", "2026-12-08T00:00:00Z", None),
            ("DE", "2026-11-23T04:05:05Z", None),
            ("DE", "2026-12-24T00:00:00Z", None),
            ("NO", "2026-12-01T00:00:00Z", first),
            ("CH", "2026-12-01T00:00:00Z", None),
            ("US-CA", "2026-12-01T00:00:00Z", None),
            ("", "2026-12-01T00:00:00Z", None),
            ("GB", "2026-12-01T00:00:00Z", first),
            ("GB", "2026-12-10T00:00:00Z", None),
            ("GB", "2026-12-23T04:05:06Z", second),
            ("GB", "2027-01-07T00:00:00Z", None),
            ("GB", "2028-01-01T00:00:00Z", third),
        ] {
            let contract = Contract {
                country: Some(country).filter(|country| !country.is_empty()),
                started_at: start,
                trial_paid_at: Some(paid),
                year_renewed_at: Some(renewed),
            };
            assert_eq!(withdrawal_until(&contract, &duties, at(now)), until, "{country} {now}");
        }
    }
}
