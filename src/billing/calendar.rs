//! Periods: always counted from the anchor, never from the end before. Pure.
//!
//! One month after 31 January is 28 or 29 February, and two months after it is 31 March: adding a
//! month to the end of February would stay on the 28th for ever. Instants are UTC and keep the time
//! of day of the anchor, so no change to summer time moves them.

use time::{Duration, Month, util::days_in_month};

use super::catalog::model::Interval;
use crate::clock::Timestamp;

/// A stretch of time that is paid at once: from `start`, up to but not including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Period {
    /// How long it is, in microseconds.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.end.micros().saturating_sub(self.start.micros())
    }

    /// How much of it is left at `now`, in microseconds: all before its start, none after its end.
    #[must_use]
    pub fn micros_left(self, now: Timestamp) -> i64 {
        self.end.micros().saturating_sub(now.micros()).clamp(0, self.micros().max(0))
    }

    /// Whether `now` lies in it.
    #[must_use]
    pub fn contains(self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }
}

/// The periods that follow one another from an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The start of the first period.
    pub anchor: Timestamp,
    /// How long each is.
    pub interval: Interval,
}

impl Schedule {
    /// Period number `index`, counted from 0; `None` beyond the year 9999.
    #[must_use]
    pub fn period(self, index: i64) -> Option<Period> {
        Some(Period { start: self.boundary(index)?, end: self.boundary(index.checked_add(1)?)? })
    }

    fn boundary(self, index: i64) -> Option<Timestamp> {
        let months = match self.interval {
            Interval::Month => index,
            Interval::Year => index.checked_mul(12)?,
        };
        add_months(self.anchor, months)
    }
}

/// The instant `months` months after `from` at the same time of day: on the same day of the month,
/// or on the month's last day where it has no such day. `None` outside the years 1 to 9999.
#[must_use]
pub fn add_months(from: Timestamp, months: i64) -> Option<Timestamp> {
    let at = from.date_time();
    let month_number = i64::from(at.year()) * 12 + i64::from(u8::from(at.month())) - 1;
    let month_number = month_number.checked_add(months)?;
    let year = i32::try_from(month_number.div_euclid(12)).ok()?;
    let month = u8::try_from(month_number.rem_euclid(12) + 1).ok()?;
    let month = Month::try_from(month).ok()?;
    let day = at.day().min(days_in_month(month, year));
    let date = time::Date::from_calendar_date(year, month, day).ok()?;
    Timestamp::from_date_time(at.replace_date(date))
}

/// The end of a trial of `days` days: exactly so many times 24 hours.
#[must_use]
pub fn trial_end(start: Timestamp, days: u32) -> Timestamp {
    start.plus(Duration::days(i64::from(days)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}T08:01:01Z")).unwrap()
    }

    fn ends(anchor: &str, interval: Interval, count: i64) -> Vec<String> {
        let schedule = Schedule { anchor: day(anchor), interval };
        let end = |n| schedule.period(n).unwrap().end.to_string();
        (0..count).map(|n| end(n).split('T').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn months_are_clamped_and_come_back() {
        let cases: [(&str, &[&str]); 6] = [
            ("2023-01-31", &["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"]),
            ("2024-01-31", &["2024-02-29", "2024-03-31", "2024-04-30"]),
            ("2023-01-29", &["2023-02-28", "2023-03-29"]),
            ("2022-02-28", &["2022-03-28", "2022-04-28"]),
            ("2023-03-31", &["2023-04-30", "2023-05-31"]),
            ("2026-12-15", &["2027-01-15", "2027-02-15"]),
        ];
        for (anchor, expected) in cases {
            let count = i64::try_from(expected.len()).unwrap();
            assert_eq!(ends(anchor, Interval::Month, count), expected, "{anchor}");
        }
        assert_eq!(
            ends("2020-02-29", Interval::Year, 4),
            ["2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29"]
        );
    }

    #[test]
    fn a_trial_is_so_many_times_24_hours() {
        for (from, to) in [("2028-02-01", "2028-03-02"), ("2027-02-01", "2027-03-03")] {
            assert_eq!(trial_end(day(from), 30), day(to));
        }
    }

    #[test]
    fn time_ends_in_the_year_9999() {
        let last = Timestamp::parse("9999-12-15T00:00:00Z").unwrap();
        assert_eq!(add_months(last, 1), None);
        assert_eq!(add_months(last, i64::MAX), None);
        assert_eq!(add_months(last, -12).unwrap().to_string(), "9998-12-15T00:00:00Z");
    }

    proptest! {
        /// Periods touch, never overlap, and never shrink to nothing.
        #[test]
        fn periods_follow_one_another(
            micros in 0_i64..4_000_000_000_000_000,
            yearly in any::<bool>(),
            index in 0_i64..600,
        ) {
            let interval = if yearly { Interval::Year } else { Interval::Month };
            let anchor = Timestamp::from_micros(micros).unwrap();
            let schedule = Schedule { anchor, interval };
            let (this, next) = (schedule.period(index).unwrap(), schedule.period(index + 1).unwrap());
            prop_assert_eq!(this.end, next.start);
            prop_assert!(this.start < this.end);
            let shift = |at: Timestamp| at.micros().rem_euclid(86_400_000_000);
            prop_assert_eq!(shift(this.end), shift(anchor), "the time of day is the anchor's");
        }
    }
}
