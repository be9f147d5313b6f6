//! How far this machine's clock is from the database server's.
//!
//! Instances share one database and tokens that carry times. A little difference is allowed for
//! everywhere; beyond a minute, access tokens of one instance are refused by another. The database is
//! the one clock that all of them can see. SQLite has none of its own.

use std::{sync::Arc, sync::atomic::AtomicU64};

use prometheus_client::metrics::gauge::Gauge;
use time::Duration;

use crate::{
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
};

/// The metric: seconds.
pub type SkewGauge = Gauge<f64, AtomicU64>;

/// How often to look.
const EVERY: std::time::Duration = std::time::Duration::from_mins(1);
/// Longest wait for one look.
const LOOK_MAX: std::time::Duration = std::time::Duration::from_secs(10);
/// Machines that ask a time server differ by less.
const WELL_WITHIN: Duration = Duration::seconds(5);

/// What one comparison of clocks gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew {
    /// How far our clock is ahead of the database's; negative where it is behind.
    pub ahead: Duration,
    /// By how much this may be wrong: the answer was some time on its way.
    pub uncertainty: Duration,
}

impl ClockSkew {
    /// From our time before and after the question, and the answer.
    fn between(before: Timestamp, after: Timestamp, answer: Timestamp) -> Self {
        let uncertainty = after.since(before).abs() / 2;
        Self { ahead: before.plus(uncertainty).since(answer), uncertainty }
    }

    /// What an operator should know, if anything.
    #[must_use]
    pub fn warning(self) -> Option<String> {
        if self.ahead.abs() - self.uncertainty < WELL_WITHIN {
            return None;
        }
        let way = if self.ahead.is_negative() { "behind" } else { "ahead of" };
        Some(format!(
            "this machine's clock is {:.1} s {way} the database's: let both ask a time server (NTP)",
            self.ahead.abs().as_seconds_f64()
        ))
    }
}

/// Compares `clock` with the database's; `None` for SQLite, which goes by this machine's.
///
/// # Errors
/// When the database cannot be asked.
pub async fn measure(db: &Db, clock: &dyn Clock) -> Result<Option<ClockSkew>, StoreError> {
    if matches!(db, Db::Sqlite { .. }) {
        return Ok(None);
    }
    let mut tx = db.read().await?;
    let before = clock.now();
    let answer: Option<(Timestamp,)> = tx.query("SELECT clock_timestamp()").optional().await?;
    let after = clock.now();
    Ok(answer.map(|(answer,)| ClockSkew::between(before, after, answer)))
}

/// Measures every minute, for ever, and warns. Ends when it is dropped.
pub async fn watch(db: Db, clock: Arc<dyn Clock>, gauge: SkewGauge) {
    loop {
        match tokio::time::timeout(LOOK_MAX, measure(&db, &*clock)).await {
            Ok(Ok(None)) => return std::future::pending().await,
            Ok(Ok(Some(skew))) => {
                gauge.set(skew.ahead.as_seconds_f64());
                if let Some(warning) = skew.warning() {
                    let ahead_ms = skew.ahead.whole_milliseconds();
                    tracing::warn!(clock.ahead_ms = i64::try_from(ahead_ms).ok(), "{warning}");
                }
            }
            // That the database does not answer is said where it matters.
            Ok(Err(error)) => tracing::debug!("clocks could not be compared: {error}"),
            Err(_) => tracing::debug!("clocks could not be compared in time"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certainly_too_much_is_warned_of() {
        let start = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        for (round_trip, answer, ahead, warning) in [
            (0, 0, 0, None),
            (0, 4_999, -4_999, None),
            (0, 5_000, -5_000, Some("5.0 s behind the database's")),
            (0, -61_000, 61_000, Some("61.0 s ahead of the database's")),
            // Half a round trip of 4 s may have passed on the way.
            (4_000, 0, 2_000, None),
            (4_000, 8_900, -6_900, None),
            (4_000, 9_000, -7_000, Some("7.0 s behind")),
            (4_000, -5_000, 7_000, Some("7.0 s ahead")),
        ] {
            let at = |ms| start.plus(Duration::milliseconds(ms));
            let skew = ClockSkew::between(start, at(round_trip), at(answer));
            assert_eq!(skew.ahead, Duration::milliseconds(ahead), "{round_trip} {answer}");
            let said = skew.warning();
            assert_eq!(said.is_some(), warning.is_some(), "{said:?}");
            assert!(said.unwrap_or_default().contains(warning.unwrap_or_default()));
        }
    }
}
