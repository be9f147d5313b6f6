//! Full windows kept in memory, so that most re-reads and refusals need no store.

use std::hash::{DefaultHasher, Hash, Hasher};

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};

use super::{
    store::Key,
    tally::{Read, Reading, Tally, Verdict, tally},
};

/// Windows of visitors that have reached their limit. They cannot change before they end, whoever
/// else counts: under this limit nobody may add to them. Bounded; what falls out is read again.
///
/// One thing may change them: a reader who logs in on the visitor's browser brings reads along,
/// which are free to read again and may end the window sooner. This process forgets the window
/// then, but another one cannot know. So this must not be asked about a visitor that was seen with
/// a reader, nor about readers at all: their windows take in what is read on other browsers.
pub(super) struct FullWindows(Cache<u128, Tally>);

impl FullWindows {
    pub(super) fn new(entries: usize) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries)
            .weight_capacity(u64::try_from(entries).unwrap_or(u64::MAX))
            // Remembering what fell out would cost more than it finds.
            .ghost_allocation(0.0)
            .build();
        let cache = match options {
            Ok(options) => Cache::with_options(
                options,
                UnitWeighter,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            Err(_) => Cache::new(entries),
        };
        // Room for all at once: growing by doubling would leave holes three times as large.
        cache.reserve(entries + entries / 20);
        Self(cache)
    }

    /// The answer, where it cannot be otherwise.
    pub(super) fn answer(&self, visitor: &Key, read: &Read) -> Option<Reading> {
        let stored = self.0.get(&slot(visitor))?;
        let (reading, _) = tally(Some(&stored), read);
        let is_final = reading.verdict != Verdict::Counted && reading.used >= reading.limit;
        is_final.then_some(reading)
    }

    pub(super) fn insert(&self, visitor: &Key, tally: Tally) {
        self.0.insert(slot(visitor), tally);
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }

    pub(super) fn forget(&self, visitor: &Key) {
        self.0.remove(&slot(visitor));
    }
}

/// A key in 16 bytes: subjects are random, and the pool's hash keeps pools apart.
fn slot(key: &Key) -> u128 {
    let mut hasher = DefaultHasher::new();
    key.pool.hash(&mut hasher);
    key.subject.as_u128() ^ (u128::from(hasher.finish()) << 64)
}
