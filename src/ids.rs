//! Randomness and identifiers, as a dependency that tests can replace.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::clock::Timestamp;

/// The operating system could not give random bytes.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// Where random bytes come from.
#[derive(Clone)]
pub struct Ids {
    random: Arc<dyn SecureRandom + Send + Sync>,
    requests: Arc<AtomicU64>,
    order: Arc<AtomicU16>,
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ids").finish_non_exhaustive()
    }
}

impl Ids {
    /// Ids from the operating system's generator.
    ///
    /// # Errors
    /// [`NoRandomness`] when the generator is not available.
    pub fn system() -> Result<Self, NoRandomness> {
        Self::from_random(Arc::new(SystemRandom::new()))
    }

    /// Ids from `random`.
    ///
    /// # Errors
    /// [`NoRandomness`] when `random` gives none.
    pub fn from_random(random: Arc<dyn SecureRandom + Send + Sync>) -> Result<Self, NoRandomness> {
        let mut start = [0; 8];
        random.fill(&mut start).map_err(|_| NoRandomness)?;
        let requests = Arc::new(AtomicU64::new(u64::from_be_bytes(start)));
        Ok(Self { random, requests, order: Arc::default() })
    }

    /// `N` random bytes, fit for keys and tokens.
    ///
    /// # Errors
    /// [`NoRandomness`] when the generator fails.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }

    /// A new id that sorts by time (UUID version 7, RFC 9562), so that rows made together lie
    /// together in the database. Of one millisecond those of one process come in their order,
    /// by a counter of 12 bits (section 6.2, method 1) that begins anew now and then.
    ///
    /// # Errors
    /// [`NoRandomness`] when the generator fails.
    pub fn uuid(&self, now: Timestamp) -> Result<Uuid, NoRandomness> {
        let millis = u64::try_from(now.micros().div_euclid(1_000)).unwrap_or(0);
        let mut bytes = self.bytes::<10>()?;
        let place = self.order.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(place).for_each(|(to, from)| *to = from);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// A name for one request in logs: unique, not secret, and too cheap to count.
    #[must_use]
    pub fn request(&self) -> u64 {
        // A step that shares no factor with 2^64 visits every number once before it repeats.
        self.requests.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_clock_sort_by_time_and_differ() {
        let ids = Ids::system().unwrap();
        let first = ids.uuid(Timestamp::parse("2026-11-23T10:00:00Z").unwrap()).unwrap();
        let later = ids.uuid(Timestamp::parse("2026-11-23T10:00:00.001Z").unwrap()).unwrap();
        assert!(first < later);
        let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        let many: Vec<Uuid> = (0..1_000).map(|_| ids.uuid(now).unwrap()).collect();
        assert!(many.is_sorted(), "in the order of their making");
        assert_ne!(ids.request(), ids.request());
        assert_ne!(ids.bytes::<16>().unwrap(), ids.bytes::<16>().unwrap());
    }
}
