//! At most so many mails a second. Pure.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Spaces mails evenly, so that a relay that counts them never sees more than it allows.
#[derive(Debug)]
pub struct Pace {
    /// Time from one mail to the next; zero for no limit.
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// `per_second_max` of 0 is no limit.
    #[must_use]
    pub fn new(per_second_max: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(per_second_max).unwrap_or_default();
        Self { interval, next: Mutex::default() }
    }

    /// When the next mail may leave; each call gets a time of its own.
    pub(super) fn reserve(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let reserved = next.map_or(now, |next| next.max(now));
        *next = Some(reserved + self.interval);
        reserved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_leave_than_are_allowed() {
        let start = Instant::now();
        for per_second in [1, 4, 500] {
            let pace = Pace::new(per_second);
            let within_a_second = (0..1_000)
                .take_while(|_| pace.reserve(start) < start + Duration::from_secs(1))
                .count();
            assert_eq!(within_a_second, usize::try_from(per_second).unwrap());
        }
    }

    #[test]
    fn unused_time_is_not_saved_up_and_zero_is_no_limit() {
        let start = Instant::now();
        let later = start + Duration::from_mins(1);
        let pace = Pace::new(2);
        assert_eq!(pace.reserve(start), start);
        assert_eq!(pace.reserve(later), later);
        assert_eq!(pace.reserve(later), later + Duration::from_millis(500));
        let unlimited = Pace::new(0);
        assert!((0..1_000).all(|_| unlimited.reserve(start) == start));
    }
}
