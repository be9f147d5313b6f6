//! Whether the meter's store is down, so that reads need not wait to learn it.
//!
//! From the first slow failure until the next success one read at a time tries the store, at most twice
//! a second; every other read is refused at once.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Longest time between two tries.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// What is known of the store; it counts as good until it fails.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// Spares each read the lock while all is well.
    is_down: AtomicBool,
    down: Mutex<Option<Down>>,
}

#[derive(Debug, Clone, Copy)]
struct Down {
    last_try: Instant,
    is_trying: bool,
}

impl Outage {
    /// Whether a read at `now` should be refused at once. Where it should not and the store is
    /// down, the read is the next try, and [`Outage::note`] must be told how it ended.
    pub(super) fn refuses(&self, now: Instant) -> bool {
        if !self.is_down.load(Ordering::Relaxed) {
            return false;
        }
        let mut state = self.locked();
        let Some(down) = &mut *state else { return false };
        let is_early = now.saturating_duration_since(down.last_try) < TRY_EVERY;
        if down.is_trying || is_early {
            return true;
        }
        *down = Down { last_try: now, is_trying: true };
        false
    }

    /// Takes note of a try that ended at `now`.
    pub(super) fn note(&self, is_good: bool, now: Instant) {
        if is_good && !self.is_down.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.locked();
        *state = (!is_good).then_some(Down { last_try: now, is_trying: false });
        self.is_down.store(!is_good, Ordering::Relaxed);
    }

    fn locked(&self) -> MutexGuard<'_, Option<Down>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_read_at_a_time_tries_a_store_that_is_down() {
        let (outage, start) = (Outage::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(!outage.refuses(at(0)));
        outage.note(false, at(0));
        assert!(outage.refuses(at(499)));
        assert!(!outage.refuses(at(500)), "the next try");
        assert!(outage.refuses(at(9_000)), "it has not ended");
        outage.note(false, at(9_000));
        assert!(outage.refuses(at(9_499)));
        assert!(!outage.refuses(at(9_500)));
        outage.note(true, at(9_600));
        assert!(!outage.refuses(at(9_600)) && !outage.refuses(at(9_600)));
    }
}
