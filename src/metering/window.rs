//! How long a count lasts: from the first counted read, or by the calendar of the site.

use std::{fmt, str::FromStr};

use jiff::{civil::Weekday, tz::TimeZone};
use time::Duration;

use crate::clock::Timestamp;

/// Longest window that starts with the first counted read, in days.
const DAYS_MAX: i64 = 366;

/// A window as a policy names it: `P30D`, `PT12H`, `day`, `week` or `month`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowSpec {
    /// This long from the first counted read. A later read neither extends nor resets it.
    Rolling(Duration),
    /// From midnight to midnight in the site's time zone.
    Day,
    /// From Monday to Monday (ISO 8601).
    Week,
    /// From the first to the first.
    Month,
}

/// The text names no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be `day`, `week`, `month`, or an ISO 8601 duration of weeks, days and hours between \
     PT1M and P366D, such as `P30D`"
)]
pub struct InvalidWindow;

impl FromStr for WindowSpec {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, InvalidWindow> {
        match text {
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            _ => parse_rolling(text).map(Self::Rolling),
        }
    }
}

/// Months and years have no fixed length, so only what has one is taken: a day is 24 hours.
fn parse_rolling(text: &str) -> Result<Duration, InvalidWindow> {
    let span: jiff::Span = text.parse().map_err(|_| InvalidWindow)?;
    if span.get_years() != 0 || span.get_months() != 0 || !text.starts_with('P') {
        return Err(InvalidWindow);
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let duration = Duration::days(days)
        .checked_add(Duration::hours(span.get_hours().into()))
        .and_then(|sum| sum.checked_add(Duration::minutes(span.get_minutes())))
        .and_then(|sum| sum.checked_add(Duration::seconds(span.get_seconds())))
        .ok_or(InvalidWindow)?;
    let allowed = Duration::minutes(1)..=Duration::days(DAYS_MAX);
    allowed.contains(&duration).then_some(duration).ok_or(InvalidWindow)
}

impl fmt::Display for WindowSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day => f.write_str("day"),
            Self::Week => f.write_str("week"),
            Self::Month => f.write_str("month"),
            Self::Rolling(length) => {
                let seconds = length.whole_seconds();
                match (seconds.rem_euclid(86_400), seconds.rem_euclid(3_600), seconds % 60) {
                    (0, _, _) => write!(f, "P{}D", length.whole_days()),
                    (_, 0, _) => write!(f, "PT{}H", length.whole_hours()),
                    (_, _, 0) => write!(f, "PT{}M", length.whole_minutes()),
                    _ => write!(f, "PT{seconds}S"),
                }
            }
        }
    }
}

/// A window of one site: what the policy names, in the site's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    spec: WindowSpec,
    zone: TimeZone,
}

impl Window {
    /// The window `spec` in `zone`; the zone matters to calendar windows only.
    #[must_use]
    pub fn new(spec: WindowSpec, zone: TimeZone) -> Self {
        Self { spec, zone }
    }

    /// When a window that began with a read at `started_at` ends. It ends just before that
    /// instant: a read at the instant itself begins the next one.
    ///
    /// Recomputed from the first read each time, so a change of policy counts at once.
    #[must_use]
    pub fn end(&self, started_at: Timestamp) -> Timestamp {
        match self.spec {
            WindowSpec::Rolling(length) => started_at.plus(length),
            // Only beyond the year 9999 is there no next day.
            WindowSpec::Day | WindowSpec::Week | WindowSpec::Month => {
                self.next_boundary(started_at).unwrap_or(started_at)
            }
        }
    }

    /// When a count that has not begun at `now` would end, where the calendar knows.
    #[must_use]
    pub fn calendar_end(&self, now: Timestamp) -> Option<Timestamp> {
        match self.spec {
            WindowSpec::Rolling(_) => None,
            WindowSpec::Day | WindowSpec::Week | WindowSpec::Month => Some(self.end(now)),
        }
    }

    fn next_boundary(&self, at: Timestamp) -> Option<Timestamp> {
        let local = jiff::Timestamp::from_microsecond(at.micros()).ok()?;
        let today = local.to_zoned(self.zone.clone()).date();
        let next = match self.spec {
            WindowSpec::Week => today.nth_weekday(1, Weekday::Monday).ok()?,
            WindowSpec::Month => today.last_of_month().tomorrow().ok()?,
            WindowSpec::Day | WindowSpec::Rolling(_) => today.tomorrow().ok()?,
        };
        // Where daylight saving skips midnight, the day begins at the first instant after it.
        let start = next.to_zoned(self.zone.clone()).ok()?.start_of_day().ok()?;
        Timestamp::from_micros(start.timestamp().as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn window(spec: &str, zone: &str) -> Window {
        Window::new(spec.parse().unwrap(), TimeZone::get(zone).unwrap())
    }

    #[test]
    fn windows_end_where_the_calendar_says() {
        for (spec, zone, started, ends) in [
            ("P30D", "UTC", "2026-11-23T04:05:06Z", "2026-12-23T04:05:06Z"),
            ("PT12H", "UTC", "2026-11-23T04:05:06Z", "2026-11-23T16:05:06Z"),
            // 30 days are 720 hours, also across the end of summer time.
            ("P30D", "Europe/Paris", "2026-10-10T12:00:00Z", "2026-11-09T12:00:00Z"),
            ("day", "UTC", "2026-02-28T23:59:59.999999Z", "2026-03-01T00:00:00Z"),
            ("day", "UTC", "2028-02-28T10:00:00Z", "2028-02-29T00:00:00Z"),
            // Paris: 23 hours on the last Sunday of March, 25 on the last of October.
            ("day", "Europe/Paris", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("day", "Europe/Paris", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            // Beirut and Santiago change their clocks at midnight: that midnight does not exist.
            ("day", "Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-28T22:00:00Z"),
            ("day", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"),
            // Apia had no 30 December 2011 at all.
            ("day", "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-30T10:00:00Z"),
            // 23 November 2026 is a Monday.
            ("week", "UTC", "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z"),
            ("week", "UTC", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("month", "UTC", "2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z"),
            ("month", "America/New_York", "2026-03-01T04:59:59Z", "2026-03-01T05:00:00Z"),
            ("month", "America/New_York", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
            ("month", "Asia/Kathmandu", "2026-12-31T18:14:59Z", "2026-12-31T18:15:00Z"),
        ] {
            let end = window(spec, zone).end(at(started));
            assert_eq!(end, at(ends), "{spec} in {zone} from {started}");
        }
    }

    #[test]
    fn what_has_no_fixed_length_is_refused() {
        for text in ["", "P1M", "P1Y", "30", "-P30D", "PT0S", "PT59S", "P367D", "fortnight", "P"] {
            assert_eq!(text.parse::<WindowSpec>(), Err(InvalidWindow), "{text:?}");
        }
        for (text, printed) in
            [("P30D", "P30D"), ("P2W", "P14D"), ("PT36H", "PT36H"), ("week", "week")]
        {
            assert_eq!(text.parse::<WindowSpec>().unwrap().to_string(), printed);
        }
    }

    const ZONES: [&str; 6] = [
        "UTC",
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "America/Santiago",
    ];

    proptest! {
        /// Calendar windows touch and never overlap: everything in one ends at the same instant,
        /// and that instant begins the next.
        #[test]
        fn calendar_windows_tile_time(
            seconds in 0_i64..4_102_444_800, // 1970 to 2100
            zone in 0..ZONES.len(),
            spec in prop::sample::select(vec!["day", "week", "month"]),
        ) {
            let window = window(spec, ZONES[zone]);
            let start = Timestamp::from_micros(seconds * 1_000_000).unwrap();
            let end = window.end(start);
            prop_assert!(end > start);
            prop_assert!(end.since(start) <= Duration::days(31) + Duration::hours(25));
            prop_assert_eq!(window.end(end.minus(Duration::microseconds(1))), end);
            prop_assert!(window.end(end) > end);
        }
    }
}
