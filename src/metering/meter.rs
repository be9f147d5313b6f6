//! Asking the meter: questions that arrive together are settled in one write, and answered only
//! when it is durable.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use quick_cache::sync::Cache;
use tokio::sync::{mpsc, oneshot};

use super::{
    store::{Key, MeterStore, Row},
    tally::{Read, Reading, Tally, Verdict, tally},
};
use crate::db::StoreError;

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
    /// Windows that have reached their limit. They cannot change before they end, whoever else
    /// counts: under this limit nobody may add to them.
    full: Arc<Cache<Key, Arc<Tally>>>,
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
        let full = Arc::new(Cache::new(limits.cache_entries));
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
    full: Arc<Cache<Key, Arc<Tally>>>,
    batch_max: usize,
}

impl<S: MeterStore> Settler<S> {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(self.batch_max);
        while jobs.recv_many(&mut batch, self.batch_max).await > 0 {
            self.settle(&mut batch).await;
        }
    }

    /// Answers every job in `batch` and leaves it empty.
    async fn settle(&self, batch: &mut Vec<Job>) {
        for attempt in 0..ATTEMPTS_MAX {
            match self.try_settle(batch, attempt == 0).await {
                Ok(lost) if lost.is_empty() => return,
                Ok(lost) => *batch = lost,
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
        let mut wanted: Vec<Key> = batch
            .iter()
            .filter(|job| !(trust_new && job.is_new))
            .map(|job| job.key.clone())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut tallies: HashMap<Key, Tally> = if wanted.is_empty() {
            HashMap::new()
        } else {
            self.store.load(&wanted).await?.into_iter().collect()
        };

        let mut changed: HashSet<Key> = HashSet::new();
        let mut readings = Vec::with_capacity(batch.len());
        for job in batch.iter() {
            let (reading, next) = tally(tallies.get(&job.key), &job.read);
            readings.push(reading);
            if let Some(mut next) = next {
                // A second change in one write is still one write, so one version.
                if !changed.insert(job.key.clone()) {
                    next.version -= 1;
                }
                tallies.insert(job.key.clone(), next);
            }
        }
        let rows = rows_to_save(batch, &changed, &tallies);
        let saved = if rows.is_empty() { Vec::new() } else { self.store.save(&rows).await? };
        for key in saved {
            changed.remove(&key);
        }

        let mut lost = Vec::new();
        for (job, reading) in batch.drain(..).zip(readings) {
            if changed.contains(&job.key) {
                lost.push(job);
                continue;
            }
            self.remember(&job.key, &tallies, reading);
            // The asker may be gone; what was counted stays counted, and is free to read again.
            let _ = job.answer.send(Ok(reading));
        }
        Ok(lost)
    }

    fn remember(&self, key: &Key, tallies: &HashMap<Key, Tally>, reading: Reading) {
        if reading.used >= reading.limit
            && let Some(tally) = tallies.get(key)
        {
            self.full.insert(key.clone(), Arc::new(tally.clone()));
        }
    }
}

/// One row for each changed count.
fn rows_to_save(batch: &[Job], changed: &HashSet<Key>, tallies: &HashMap<Key, Tally>) -> Vec<Row> {
    let mut to_save: HashMap<&Key, Row> = HashMap::with_capacity(changed.len());
    for job in batch.iter().filter(|job| changed.contains(&job.key)) {
        if let Some(tally) = tallies.get(&job.key) {
            to_save.entry(&job.key).or_insert_with(|| Row {
                key: job.key.clone(),
                ends_at: job.read.window.end(tally.started_at),
                tally: tally.clone(),
            });
        }
    }
    to_save.into_values().collect()
}

fn refuse(batch: &mut Vec<Job>, error: &MeterError) {
    for job in batch.drain(..) {
        let _ = job.answer.send(Err(error.clone()));
    }
}
