//! By which calendar days and months are told: the first site's. Pure.

use jiff::{Timestamp as Instant, civil::Date, tz::TimeZone};

use crate::{clock::Timestamp, site::directory::Snapshot};

/// The publisher's calendar.
#[derive(Debug, Clone)]
pub struct Calendar(TimeZone);

impl Calendar {
    /// The calendar of the site that was added first, or of UTC where there is none.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let site = snapshot.first_site();
        Self::named(site.as_ref().map_or("UTC", |site| &site.site.time_zone))
    }

    /// The calendar of an IANA zone, or of UTC where there is no such zone.
    #[must_use]
    pub fn named(zone: &str) -> Self {
        Self(TimeZone::get(zone).unwrap_or(TimeZone::UTC))
    }

    /// The zone's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The day that `at` falls on.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Date {
        let instant = Instant::from_microsecond(at.micros()).unwrap_or(Instant::UNIX_EPOCH);
        instant.to_zoned(self.0.clone()).date()
    }

    /// The month that `at` falls into, `2026-11`.
    #[must_use]
    pub fn month(&self, at: Timestamp) -> String {
        let day = self.day(at);
        format!("{:04}-{:02}", day.year(), day.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_the_publisher_is() {
        let late = Timestamp::parse("2026-11-30T23:30:00Z").unwrap();
        let paris = Calendar::named("Europe/Paris");
        assert_eq!(paris.day(late).to_string(), "2026-12-01");
        assert_eq!(paris.month(late), "2026-12");
        assert_eq!(Calendar::named("UTC").day(late).to_string(), "2026-11-30");
        assert_eq!(Calendar::named("Nowhere/Else").name(), "UTC");
    }
}
