//! Settling questions that arrived together: one load, one decision each, one write; an answer is
//! given only when the write is durable.
//!
//! Reads of visitors are independent of each other, so each row is written or not by itself. A
//! read of a reader changes two rows, the reader's and the visitor's. Were one written and the
//! other lost to another process, the same allowance would be given twice; so these reads are
//! settled apart from the others, in a write that stores all of its rows or none.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, mpsc};

use super::{
    batch::{Count, Job, by_reader, decide, group, take_together},
    memory::FullWindows,
    meter::MeterError,
    outage::Outage,
    store::{Key, MeterStore, Row},
    tally::{Reading, Tally},
};
use crate::{db::StoreError, supervisor::Heartbeat};

/// How often a read is tried again after another process wrote to the same count first.
const ATTEMPTS_MAX: usize = 8;

/// A store that fails in less time costs those who wait behind it nothing, and may still answer reads
/// that need no write, as on a full disk.
const SLOW: Duration = Duration::from_millis(500);

/// How the rows of a batch are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saving {
    /// Each by itself.
    Each,
    /// Every one or none.
    All,
}

pub(super) struct Settler<S> {
    pub(super) store: S,
    pub(super) full: Arc<FullWindows>,
    pub(super) outage: Arc<Outage>,
    pub(super) batch_max: usize,
    /// Held by the run that is at work; what waits outlives a run that failed.
    pub(super) jobs: Mutex<mpsc::Receiver<Job>>,
}

impl<S: MeterStore> Settler<S> {
    pub(super) async fn run(self: Arc<Self>, heartbeat: Heartbeat) {
        let mut jobs = self.jobs.lock().await;
        // A run that failed may not have come to forget a window that it had changed.
        self.full.clear();
        // Nor to say how its last try ended.
        self.outage.note(true, Instant::now());
        let mut batch = Vec::with_capacity(self.batch_max);
        while jobs.recv_many(&mut batch, self.batch_max).await > 0 {
            // Requests that are ready to ask go first: fewer, fuller writes.
            tokio::task::yield_now().await;
            while batch.len() < self.batch_max
                && let Ok(job) = jobs.try_recv()
            {
                batch.push(job);
            }
            let mut together = take_together(&mut batch);
            self.settle(&mut batch, Saving::Each, &heartbeat).await;
            self.settle(&mut together, Saving::All, &heartbeat).await;
            heartbeat.rest();
        }
    }

    /// Answers every job in `batch` and leaves it empty. What fails in company is tried again in
    /// smaller parts, each smaller than the whole.
    async fn settle(&self, batch: &mut Vec<Job>, saving: Saving, heartbeat: &Heartbeat) {
        if batch.is_empty() {
            return;
        }
        let started = Instant::now();
        let tried = self.try_often(batch, saving, heartbeat).await;
        let Err(error) = tried else { return };
        let ended = Instant::now();
        self.outage.note(!(is_outage(&error) && ended - started >= SLOW), ended);
        let parts = match &error {
            // One visitor's corrupt row is nobody else's trouble,
            MeterError::Store(store) if matches!(**store, StoreError::Corrupt { .. }) => {
                batch.drain(..).map(|job| vec![job]).collect()
            }
            // and neither is a reader whom another process is busy with.
            MeterError::Contended if saving == Saving::All => by_reader(batch),
            _ => vec![std::mem::take(batch)],
        };
        let is_whole = parts.len() == 1;
        for mut part in parts {
            if is_whole {
                refuse(part, &error);
            } else {
                Box::pin(self.settle(&mut part, saving, heartbeat)).await;
            }
        }
    }

    /// Tries to answer every job in `batch`, and leaves there what it could not.
    async fn try_often(
        &self,
        batch: &mut Vec<Job>,
        saving: Saving,
        heartbeat: &Heartbeat,
    ) -> Result<(), MeterError> {
        for attempt in 0..ATTEMPTS_MAX {
            if batch.is_empty() {
                return Ok(());
            }
            heartbeat.beat();
            let trust_new = attempt == 0;
            let tried = self.try_settle(batch, trust_new, saving).await;
            *batch = tried.map_err(|error| MeterError::Store(Arc::new(error)))?;
        }
        if batch.is_empty() { Ok(()) } else { Err(MeterError::Contended) }
    }

    /// One load, one decision each in the order of asking, one write. Jobs whose count another
    /// process changed meanwhile come back unanswered; on an error the whole batch stays.
    async fn try_settle(
        &self,
        batch: &mut Vec<Job>,
        trust_new: bool,
        saving: Saving,
    ) -> Result<Vec<Job>, StoreError> {
        let (mut counts, places) = group(batch, trust_new);
        self.load(&mut counts).await?;
        let readings: Vec<Option<Reading>> = batch
            .iter()
            .zip(&places)
            .map(|(job, place)| decide(&mut counts, *place, &job.read))
            .collect();
        self.save(&mut counts, saving).await?;
        // Before any answer leaves: the next question must not be answered from before.
        self.outage.note(true, Instant::now());
        for count in &mut counts {
            count.remember_in(&self.full);
        }

        let mut lost = Vec::new();
        let is_lost = |place| counts.get(place).is_some_and(|count: &Count| count.changed);
        for ((job, place), reading) in batch.drain(..).zip(places).zip(readings) {
            if is_lost(place.visitor) || place.reader.is_some_and(is_lost) {
                lost.push(job);
            } else if let Some(reading) = reading {
                // The asker may be gone; what was counted stays counted, and is free to read
                // again.
                let _ = job.answer.send(Ok(reading));
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
    async fn save(&self, counts: &mut [Count], saving: Saving) -> Result<(), StoreError> {
        let rows: Vec<Row> = counts.iter().filter_map(Count::row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let (all, saved) = match saving {
            Saving::Each => {
                let saved = self.store.save(&rows).await?;
                let all = saved.len() == rows.len();
                (all, if all { HashSet::new() } else { saved.into_iter().collect() })
            }
            Saving::All => (self.store.save_all(&rows).await?, HashSet::new()),
        };
        for count in counts {
            count.changed = count.changed && !all && !saved.contains(&count.key);
        }
        Ok(())
    }
}

/// Whether the store failed, rather than one row of it.
fn is_outage(error: &MeterError) -> bool {
    matches!(error, MeterError::Store(error) if !matches!(**error, StoreError::Corrupt { .. }))
}

fn refuse(batch: Vec<Job>, error: &MeterError) {
    if let MeterError::Store(error) = error {
        tracing::error!(reads = batch.len(), "the meter's store failed: {error}");
    }
    for job in batch {
        let _ = job.answer.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use futures_util::future::join_all;
    use jiff::tz::TimeZone;
    use prometheus_client::metrics::family::Family;
    use uuid::Uuid;

    use super::*;
    use crate::{
        clock::Timestamp,
        metering::{
            meter::{Asker, Meter, MeterLimits, Past},
            tally::{Fingerprint, Read, Verdict},
            window::Window,
        },
        supervisor::Supervisor,
    };

    const CORRUPT: u128 = 1;
    const BUSY: u128 = 2;
    const DEADLY: u128 = 3;

    /// A store in which one row cannot be read, another is always changed by another request, and a third
    /// is the end of the task that asks for it.
    #[derive(Clone, Default)]
    struct Troubled(Arc<Mutex<Vec<u128>>>);

    impl Troubled {
        fn saved(&self) -> Vec<u128> {
            let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            saved.sort_unstable();
            saved
        }
    }

    impl MeterStore for Troubled {
        async fn load(&self, keys: &[Key]) -> Result<Vec<(Key, Tally)>, StoreError> {
            assert!(keys.iter().all(|key| key.subject.as_u128() != DEADLY), "as the test wants it");
            match keys.iter().find(|key| key.subject.as_u128() == CORRUPT) {
                Some(key) => {
                    let id = key.subject.to_string();
                    Err(StoreError::Corrupt { table: "meter_windows", column: "articles", id })
                }
                None => Ok(Vec::new()),
            }
        }

        async fn save(&self, rows: &[Row]) -> Result<Vec<Key>, StoreError> {
            let keys = rows.iter().map(|row| row.key.clone());
            let saved: Vec<Key> = keys.filter(|key| key.subject.as_u128() != BUSY).collect();
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(saved.iter().map(|key| key.subject.as_u128()));
            Ok(saved)
        }

        async fn save_all(&self, rows: &[Row]) -> Result<bool, StoreError> {
            let free = rows.iter().all(|row| row.key.subject.as_u128() != BUSY);
            Ok(free && self.save(rows).await?.len() == rows.len())
        }

        async fn purge(&self, _: Timestamp, _: i64) -> Result<u64, StoreError> {
            Ok(0)
        }

        async fn probe(&self, _: Timestamp) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn question(reader: Option<u128>, visitor: u128) -> (Asker, Read) {
        let asker = Asker {
            pool: "site/demo".into(),
            visitor: Uuid::from_u128(visitor),
            past: Past::Alone,
            reader: reader.map(Uuid::from_u128),
        };
        let read = Read {
            article: Fingerprint::of("demo", "a"),
            limit: 1,
            window: Window::new("P30D".parse().unwrap(), TimeZone::UTC),
            at: Timestamp::UNIX_EPOCH,
            dry_run: false,
        };
        (asker, read)
    }

    /// What becomes of one read each, asked at once: of a visitor, or of a reader on its browser.
    async fn ask(
        store: &Troubled,
        askers: &[(Option<u128>, u128)],
    ) -> Vec<Result<Verdict, MeterError>> {
        let limits = MeterLimits { queue_max: 8, batch_max: 8, cache_entries: 8 };
        let supervisor = Supervisor::new(Family::default());
        let meter = Meter::start(store.clone(), limits, &supervisor);
        let asked = askers.iter().map(|(reader, visitor)| {
            let (asker, read) = question(*reader, *visitor);
            meter.read(asker, read)
        });
        let answers = join_all(asked).await.into_iter();
        answers.map(|answer| answer.map(|reading| reading.verdict)).collect()
    }

    #[tokio::test]
    async fn a_corrupt_row_is_nobody_elses_trouble() {
        let store = Troubled::default();
        let askers = [(None, CORRUPT), (None, 10), (Some(20), CORRUPT), (Some(20), 11)];
        let answers = ask(&store, &askers).await;
        for (answer, is_whole) in answers.iter().zip([false, true, false, true]) {
            match answer {
                Ok(verdict) => assert!(is_whole && *verdict == Verdict::Counted),
                Err(error) => assert!(!is_whole && matches!(error, MeterError::Store(_))),
            }
        }
        assert_eq!(store.saved(), [10, 11, 20]);
    }

    #[tokio::test]
    async fn a_reader_who_is_busy_elsewhere_holds_up_nobody() {
        let store = Troubled::default();
        let askers = [(Some(BUSY), 10), (None, 10), (Some(20), 11), (Some(21), 12), (None, 13)];
        let answers = ask(&store, &askers).await;
        for (answer, is_free) in answers.iter().zip([false, false, true, true, true]) {
            match answer {
                Ok(verdict) => assert!(is_free && *verdict == Verdict::Counted),
                Err(error) => assert!(!is_free && matches!(error, MeterError::Contended)),
            }
        }
        assert_eq!(store.saved(), [11, 12, 13, 20, 21], "all rows of a read or none");
    }

    #[tokio::test]
    async fn a_writer_that_dies_is_replaced_and_what_waits_is_counted() {
        let store = Troubled::default();
        let limits = MeterLimits { queue_max: 8, batch_max: 1, cache_entries: 8 };
        let supervisor = Supervisor::new(Family::default());
        let meter = Meter::start(store.clone(), limits, &supervisor);
        let read = |visitor| {
            let (asker, read) = question(None, visitor);
            meter.read(asker, read)
        };
        // In batches of one: the second waits while the writer dies of the first.
        let (died, counted) = tokio::join!(read(DEADLY), read(10));
        assert!(matches!(died, Err(MeterError::Stopped)));
        assert_eq!(counted.unwrap().verdict, Verdict::Counted);
        assert_eq!(read(11).await.unwrap().verdict, Verdict::Counted);
        assert_eq!(store.saved(), [10, 11]);
        assert_eq!(supervisor.check(), Ok(()));
    }
}
