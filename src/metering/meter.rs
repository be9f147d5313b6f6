//! Asking the meter: questions that arrive together are settled in one write, and answered only
//! when it is durable.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    store::{Key, MeterStore, Row},
    tally::{Read, Reading, Tally, Verdict, tally},
};
use crate::{clock::Timestamp, db::StoreError};

/// How often a read is tried again after another process wrote to the same count first.
const ATTEMPTS_MAX: usize = 8;

/// Why the meter gave no answer. Nothing was counted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MeterError {
    /// More reads wait than the queue holds.
    #[error("more reads are waiting than the meter's queue holds")]
    Overloaded,
    /// Other processes kept writing to the same count.
    #[error("the count kept changing under us")]
    Contended,
    /// The store failed.
    #[error("the meter's store failed: {0}")]
    Store(Arc<StoreError>),
    /// The meter is shutting down.
    #[error("the meter has stopped")]
    Stopped,
}

/// Bounds of the meter.
#[derive(Debug, Clone, Copy)]
pub struct MeterLimits {
    /// Most reads that wait.
    pub queue_max: usize,
    /// Most reads settled in one write.
    pub batch_max: usize,
    /// Most full windows remembered, so that re-reads and refusals need no store.
    pub cache_entries: usize,
}

struct Job {
    key: Key,
    /// The subject was made a moment ago, so nothing can be stored of it.
    is_new: bool,
    read: Read,
    answer: oneshot::Sender<Result<Reading, MeterError>>,
}

/// A handle to the meter; clones share it.
#[derive(Clone)]
pub struct Meter {
    queue: mpsc::Sender<Job>,
    full: Arc<FullWindows>,
}

/// Windows that have reached their limit. They cannot change before they end, whoever else
/// counts: under this limit nobody may add to them. Bounded; what falls out is read again.
struct FullWindows(Cache<u128, Tally>);

impl FullWindows {
    fn new(entries: usize) -> Self {
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

    fn get(&self, key: &Key) -> Option<Tally> {
        self.0.get(&Self::slot(key))
    }

    fn insert(&self, key: &Key, tally: Tally) {
        self.0.insert(Self::slot(key), tally);
    }

    /// A key in 16 bytes: subjects are random, and the pool's hash keeps pools apart.
    fn slot(key: &Key) -> u128 {
        let mut hasher = DefaultHasher::new();
        key.pool.hash(&mut hasher);
        key.subject.as_u128() ^ (u128::from(hasher.finish()) << 64)
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl Meter {
    /// Starts the meter's task on `store`. It ends when every handle is gone.
    pub fn start(store: impl MeterStore, limits: MeterLimits) -> Self {
        let (queue, jobs) = mpsc::channel(limits.queue_max);
        let full = Arc::new(FullWindows::new(limits.cache_entries));
        let settler = Settler { store, full: Arc::clone(&full), batch_max: limits.batch_max };
        tokio::spawn(settler.run(jobs));
        Self { queue, full }
    }

    /// Asks about one read. `is_new` says that the subject was made a moment ago.
    ///
    /// # Errors
    /// [`MeterError`]; nothing was counted then, or the answer was lost after counting, and
    /// asking again is free.
    pub async fn read(&self, key: Key, is_new: bool, read: Read) -> Result<Reading, MeterError> {
        if !is_new && let Some(reading) = self.settled(&key, &read) {
            return Ok(reading);
        }
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Job { key, is_new, read, answer }).map_err(
            |refused| match refused {
                mpsc::error::TrySendError::Full(_) => MeterError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => MeterError::Stopped,
            },
        )?;
        answered.await.map_err(|_| MeterError::Stopped)?
    }

    /// TEMPORARY
    pub async fn counts_of(
        &self,
        _: &[Arc<str>],
        _: uuid::Uuid,
    ) -> Result<Vec<(Key, Tally)>, StoreError> {
        Ok(Vec::new())
    }
    /// TEMPORARY
    pub async fn forget(&self, _: &[Arc<str>], _: uuid::Uuid) -> Result<(), StoreError> {
        Ok(())
    }

    /// How many reads wait to be settled.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// The answer from memory, where it cannot be otherwise.
    fn settled(&self, key: &Key, read: &Read) -> Option<Reading> {
        let stored = self.full.get(key)?;
        let (reading, _) = tally(Some(&stored), read);
        let is_final = reading.verdict != Verdict::Counted && reading.used >= reading.limit;
        is_final.then_some(reading)
    }
}

struct Settler<S> {
    store: S,
    full: Arc<FullWindows>,
    batch_max: usize,
}

impl<S: MeterStore> Settler<S> {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(self.batch_max);
        while jobs.recv_many(&mut batch, self.batch_max).await > 0 {
            // Requests that are ready to ask go first: fewer, fuller writes.
            tokio::task::yield_now().await;
            while batch.len() < self.batch_max
                && let Ok(job) = jobs.try_recv()
            {
                batch.push(job);
            }
            self.settle(&mut batch).await;
        }
    }

    /// Answers every job in `batch` and leaves it empty.
    async fn settle(&self, batch: &mut Vec<Job>) {
        for attempt in 0..ATTEMPTS_MAX {
            match self.try_settle(batch, attempt == 0).await {
                Ok(lost) if lost.is_empty() => return,
                Ok(lost) => *batch = lost,
                // One visitor's corrupt row is nobody else's trouble.
                Err(StoreError::Corrupt { .. }) if batch.len() > 1 => {
                    for job in batch.drain(..) {
                        Box::pin(self.settle(&mut vec![job])).await;
                    }
                    return;
                }
                Err(error) => {
                    tracing::error!(reads = batch.len(), "the meter's store failed: {error}");
                    let error = MeterError::Store(Arc::new(error));
                    return refuse(batch, &error);
                }
            }
        }
        refuse(batch, &MeterError::Contended);
    }

    /// One load, one decision each in the order of asking, one write. Jobs whose count another
    /// process changed meanwhile come back unanswered; on an error the whole batch stays.
    async fn try_settle(
        &self,
        batch: &mut Vec<Job>,
        trust_new: bool,
    ) -> Result<Vec<Job>, StoreError> {
        let (mut counts, places) = group(batch, trust_new);
        self.load(&mut counts).await?;
        let readings: Vec<Reading> = batch
            .iter()
            .zip(&places)
            .filter_map(|(job, place)| Some(counts.get_mut(*place)?.read(&job.read)))
            .collect();
        self.save(&mut counts).await?;

        let mut lost = Vec::new();
        for ((job, place), reading) in batch.drain(..).zip(places).zip(readings) {
            if counts.get(place).is_some_and(|count| count.changed) {
                lost.push(job);
                continue;
            }
            // The asker may be gone; what was counted stays counted, and is free to read again.
            let _ = job.answer.send(Ok(reading));
        }
        for Count { key, tally, is_full, changed, .. } in counts {
            if is_full
                && !changed
                && let Some(tally) = tally
            {
                self.full.insert(&key, tally);
            }
        }
        Ok(lost)
    }

    async fn load(&self, counts: &mut [Count]) -> Result<(), StoreError> {
        let wanted: Vec<Key> =
            counts.iter().filter(|count| count.is_stored).map(|count| count.key.clone()).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut stored: HashMap<Key, Tally> = self.store.load(&wanted).await?.into_iter().collect();
        for count in counts {
            count.tally = stored.remove(&count.key);
        }
        Ok(())
    }

    /// Writes what changed. Afterwards only what could not be written is marked as changed.
    async fn save(&self, counts: &mut [Count]) -> Result<(), StoreError> {
        let rows: Vec<Row> = counts.iter().filter_map(Count::row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let saved = self.store.save(&rows).await?;
        let all = saved.len() == rows.len();
        let saved: HashSet<Key> = if all { HashSet::new() } else { saved.into_iter().collect() };
        for count in counts {
            count.changed = count.changed && !all && !saved.contains(&count.key);
        }
        Ok(())
    }
}

/// One subject's count in one pool while a batch is settled.
struct Count {
    key: Key,
    /// Whether the store may know it.
    is_stored: bool,
    tally: Option<Tally>,
    changed: bool,
    is_full: bool,
    ends_at: Timestamp,
}

impl Count {
    fn read(&mut self, read: &Read) -> Reading {
        let (reading, next) = tally(self.tally.as_ref(), read);
        if let Some(mut next) = next {
            // A second change in one write is still one write, so one version.
            next.version -= i64::from(self.changed);
            self.ends_at = read.window.end(next.started_at);
            self.tally = Some(next);
            self.changed = true;
        }
        self.is_full = reading.used >= reading.limit;
        reading
    }

    fn row(&self) -> Option<Row> {
        let tally = self.tally.as_ref().filter(|_| self.changed)?;
        Some(Row { key: self.key.clone(), tally: tally.clone(), ends_at: self.ends_at })
    }
}

/// The counts that a batch is about, and for each job the place of its own.
fn group(batch: &[Job], trust_new: bool) -> (Vec<Count>, Vec<usize>) {
    let mut counts: Vec<Count> = Vec::with_capacity(batch.len());
    let mut known: HashMap<&Key, usize> = HashMap::with_capacity(batch.len());
    let mut places = Vec::with_capacity(batch.len());
    for job in batch {
        let place = *known.entry(&job.key).or_insert_with(|| {
            counts.push(Count {
                key: job.key.clone(),
                is_stored: !(trust_new && job.is_new),
                tally: None,
                changed: false,
                is_full: false,
                ends_at: Timestamp::UNIX_EPOCH,
            });
            counts.len() - 1
        });
        places.push(place);
    }
    (counts, places)
}

fn refuse(batch: &mut Vec<Job>, error: &MeterError) {
    for job in batch.drain(..) {
        let _ = job.answer.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use jiff::tz::TimeZone;
    use uuid::Uuid;

    use super::*;
    use crate::metering::{tally::Fingerprint, window::Window};

    const CORRUPT: Uuid = Uuid::from_u128(1);
    const WHOLE: Uuid = Uuid::from_u128(2);

    /// A store in which one visitor's row cannot be read.
    #[derive(Clone, Default)]
    struct Damaged(Arc<Mutex<Vec<Row>>>);

    impl MeterStore for Damaged {
        async fn load(&self, keys: &[Key]) -> Result<Vec<(Key, Tally)>, StoreError> {
            match keys.iter().find(|key| key.subject == CORRUPT) {
                Some(key) => {
                    let id = key.subject.to_string();
                    Err(StoreError::Corrupt { table: "meter_windows", column: "articles", id })
                }
                None => Ok(Vec::new()),
            }
        }

        async fn save(&self, rows: &[Row]) -> Result<Vec<Key>, StoreError> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(rows);
            Ok(rows.iter().map(|row| row.key.clone()).collect())
        }

        async fn purge(&self, _: Timestamp, _: i64) -> Result<u64, StoreError> {
            Ok(0)
        }

        async fn probe(&self, _: Timestamp) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_corrupt_row_is_nobody_elses_trouble() {
        let store = Damaged::default();
        let limits = MeterLimits { queue_max: 8, batch_max: 8, cache_entries: 8 };
        let meter = Meter::start(store.clone(), limits);
        let ask = |subject| {
            let read = Read {
                article: Fingerprint::of("demo", "a"),
                limit: 1,
                window: Window::new("P30D".parse().unwrap(), TimeZone::UTC),
                at: Timestamp::UNIX_EPOCH,
                dry_run: false,
            };
            meter.read(Key { pool: "site/demo".into(), subject }, false, read)
        };
        let (corrupt, whole) = tokio::join!(ask(CORRUPT), ask(WHOLE));
        assert!(matches!(corrupt, Err(MeterError::Store(_))), "{corrupt:?}");
        assert_eq!(whole.unwrap().verdict, Verdict::Counted);
        let saved = store.0.lock().unwrap();
        assert_eq!(saved.iter().map(|row| row.key.subject).collect::<Vec<_>>(), [WHOLE]);
    }
}
