//! How long to leave a mail server alone that cannot be used. Pure.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
/// Short enough that a log-in link, which works for 15 minutes, still helps.
const LONGEST: Duration = Duration::from_mins(1);

/// Pauses that grow as long as nothing gets through.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Something got through.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The pause after one more failure: twice as long each time, up to a minute, and a random part
    /// of its second half shorter, so that instances do not come back all at once.
    pub(super) fn pause(&mut self, random: u16) -> Duration {
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        half + half * u32::from(random) / u32::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_begin_anew() {
        let mut backoff = Backoff::default();
        let longest: Vec<u64> = (0..9).map(|_| backoff.pause(u16::MAX).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        let shortest: Vec<u128> = (0..8).map(|_| backoff.pause(0).as_millis()).collect();
        assert_eq!(shortest, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        for _ in 0..100 {
            assert!(backoff.pause(u16::MAX / 3) <= LONGEST);
        }
    }
}
