//! How often something may be tried: so many at once, then one each so often (GCRA, as in the
//! "leaky bucket as a meter" of ITU-T I.371). Pure.
//!
//! All that is kept of a subject is one instant, its *theoretical arrival time*: when it would have
//! nothing left to wait for, had it kept to the pace. An instant that is past says nothing, so what
//! is forgotten then was not needed.

use time::Duration;

use crate::{clock::Timestamp, http::problem::ApiError};

/// So many at once, then one each so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    burst: u32,
    refill: Duration,
}

/// The limit is reached; after this long one more is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub Duration);

impl From<RetryAfter> for ApiError {
    fn from(RetryAfter(retry_after): RetryAfter) -> Self {
        Self::TooManyRequests { code: "too_many_attempts", retry_after }
    }
}

impl Policy {
    /// At least one at once, and at least a microsecond for one more.
    #[must_use]
    pub fn new(burst: u32, refill: Duration) -> Self {
        Self { burst: burst.max(1), refill: refill.max(Duration::MICROSECOND) }
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self::new(self.burst.saturating_mul(factor), self.refill / factor.max(1))
    }

    /// Whether one more is allowed at `now`, `arrival` being what is kept.
    ///
    /// # Errors
    /// [`RetryAfter`] when none is allowed now.
    pub fn check(self, arrival: Option<Timestamp>, now: Timestamp) -> Result<(), RetryAfter> {
        let owed = self.believed(arrival, now).since(self.open_until(now));
        if owed.is_positive() { Err(RetryAfter(owed)) } else { Ok(()) }
    }

    /// The arrival time after one more. What is tried at the same time as others is counted even
    /// when it is too much, but up to a second burst only, so that a flood cannot keep anyone out
    /// for long.
    #[must_use]
    pub fn count(self, arrival: Option<Timestamp>, now: Timestamp) -> Timestamp {
        self.believed(arrival, now).plus(self.refill).min(self.furthest(now))
    }

    /// The latest arrival time that allows one more at `now`.
    pub(super) fn open_until(self, now: Timestamp) -> Timestamp {
        now.plus(self.refill * (self.burst - 1))
    }

    /// The latest arrival time that [`Policy::count`] gives.
    pub(super) fn furthest(self, now: Timestamp) -> Timestamp {
        now.plus(self.refill * self.burst * 2)
    }

    /// What lies beyond this was counted by a clock that has gone back since, or under another
    /// policy. It says nothing: else whoever it is about would be kept out until that clock's time.
    pub(super) fn incredible(self, now: Timestamp) -> Timestamp {
        now.plus(self.refill * self.burst * 4)
    }

    /// The arrival time after one that was counted is taken back.
    #[must_use]
    pub fn give_back(self, arrival: Timestamp) -> Timestamp {
        arrival.minus(self.refill)
    }

    /// The time for one more.
    pub(super) fn refill(self) -> Duration {
        self.refill
    }

    fn believed(self, arrival: Option<Timestamp>, now: Timestamp) -> Timestamp {
        arrival.filter(|&at| at > now && at <= self.incredible(now)).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Policy = Policy { burst: 3, refill: Duration::minutes(1) };

    fn start() -> Timestamp {
        Timestamp::parse("2026-11-23T10:00:00Z").unwrap()
    }

    fn after(count: u32) -> Timestamp {
        (0..count).fold(start(), |arrival, _| LOGIN.count(Some(arrival), start()))
    }

    #[test]
    fn a_burst_passes_then_one_each_minute() {
        let at = |seconds| start().plus(Duration::seconds(seconds));
        for (counted, seconds, wait) in [
            (0, 0, None),
            (2, 0, None),
            (3, 0, Some(60)),
            (3, 59, Some(1)),
            (3, 60, None),
            (4, 60, Some(60)),
            (5, 120, Some(60)),
            (5, 180, None),
            (6, 0, Some(240)),
            // What is beyond a second burst is not held against anyone.
            (100, 0, Some(240)),
            (100, 240, None),
        ] {
            let expected = wait.map_or(Ok(()), |wait| Err(RetryAfter(Duration::seconds(wait))));
            let said = LOGIN.check(Some(after(counted)), at(seconds));
            assert_eq!(said, expected, "{counted} at {seconds}");
        }
        assert_eq!(LOGIN.check(None, start()), Ok(()));
        let last = at(60).minus(Duration::MICROSECOND);
        assert_eq!(LOGIN.check(Some(after(3)), last), Err(RetryAfter(Duration::MICROSECOND)));
    }

    #[test]
    fn a_clock_that_went_back_locks_nobody_out() {
        let before = after(3);
        let back = |time: Duration| LOGIN.check(Some(before), start().minus(time));
        assert!(back(Duration::minutes(1)).is_err());
        assert!(back(Duration::days(31)).is_ok());
        let counted = LOGIN.count(Some(before), start().minus(Duration::days(31)));
        assert_eq!(counted, start().minus(Duration::days(31)).plus(LOGIN.refill));
    }

    proptest::proptest! {
        /// Whoever asks before each try gets the burst and one for each refill, never more.
        #[test]
        fn no_rhythm_of_asking_gets_more(
            burst in 1_u32..6,
            steps in proptest::collection::vec(0_i64..150, 1..200),
        ) {
            let policy = Policy::new(burst, Duration::seconds(60));
            let (mut now, mut arrival, mut passed) = (start(), None, 0_i64);
            for step in steps {
                now = now.plus(Duration::seconds(step));
                if policy.check(arrival, now).is_ok() {
                    arrival = Some(policy.count(arrival, now));
                    passed += 1;
                }
                let allowed = i64::from(burst) + now.since(start()).whole_seconds() / 60;
                proptest::prop_assert!(passed <= allowed);
                let waits = policy.check(arrival, now).err();
                proptest::prop_assert!(waits.is_none_or(|RetryAfter(w)| w <= policy.refill));
            }
        }
    }
}
