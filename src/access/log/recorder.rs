//! Takes decisions from the hot path and writes them down in batches.
//!
//! Nobody waits for it: a decision that finds the queue full is counted and left out, and the minute
//! in which that happened is known afterwards. So many a second are written at most, whatever
//! comes, that the database has time for what matters more.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::{
    code::SupportCode,
    logged::{CodeKey, Decided, is_kept},
    store,
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, StoreError, Tx},
    ids::Ids,
    reader::store as readers,
    supervisor::Heartbeat,
};

/// Most rows in one transaction.
const BATCH_MAX: usize = 200;
/// Decisions that are remembered, so that the same one is not queued again.
const REMEMBERED_MAX: usize = 20_000;
/// Longest wait for what is queued to be written.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// How much is written down, and for how long it is kept.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// For how many days a decision is kept; 0: nothing is written down.
    pub keep_days: u16,
    /// Decisions that may wait to be written.
    pub queue_max: usize,
    /// Most rows a second.
    pub rows_per_second: u32,
}

impl LogLimits {
    /// The moment before which nothing is kept at `now`.
    #[must_use]
    pub fn kept_since(&self, now: Timestamp) -> Timestamp {
        now.minus(time::Duration::days(self.keep_days.into()))
    }
}

enum Job {
    Write(Decided),
    /// Answers when everything before it is written.
    Flush(oneshot::Sender<()>),
}

/// Where decisions are handed in. Clones share one queue.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Job>,
    seen: Arc<Cache<u64, ()>>,
    lost: Arc<AtomicU64>,
    lost_in_all: Counter,
    key: CodeKey,
    limits: LogLimits,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Recorder {
    /// A recorder, and the work that must go on beside it: see [`Writer::run`].
    #[must_use]
    pub fn new(
        (db, clock, ids): (Db, Arc<dyn Clock>, Ids),
        key: CodeKey,
        limits: LogLimits,
        lost_in_all: Counter,
    ) -> (Self, Arc<Writer>) {
        let (queue, jobs) = mpsc::channel(limits.queue_max.max(1));
        let seen = Arc::new(Cache::new(REMEMBERED_MAX));
        let lost = Arc::new(AtomicU64::new(0));
        let recorder =
            Self { queue, seen, lost: Arc::clone(&lost), lost_in_all, key: key.clone(), limits };
        let jobs = Mutex::new(jobs);
        (recorder.clone(), Arc::new(Writer { jobs, db, clock, ids, key, limits, lost }))
    }

    /// How much is kept.
    #[must_use]
    pub fn limits(&self) -> LogLimits {
        self.limits
    }

    /// Whether a decision like this goes into the log.
    #[must_use]
    pub fn takes(&self, reason: crate::access::decision::Reason, is_reader: bool) -> bool {
        self.limits.keep_days > 0 && is_kept(reason, is_reader)
    }

    /// The support code of a decision.
    #[must_use]
    pub fn code(&self, decided: &Decided) -> SupportCode {
        self.key.code(decided)
    }

    /// Hands a decision in. Never waits.
    pub fn record(&self, decided: Decided) {
        let likeness = decided.likeness();
        if self.seen.get(&likeness).is_some() {
            return;
        }
        if self.queue.try_send(Job::Write(decided)).is_ok() {
            self.seen.insert(likeness, ());
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.lost_in_all.inc();
        }
    }

    /// Waits a moment until what was handed in before is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let flushed = async {
            if self.queue.send(Job::Flush(done)).await.is_ok() {
                // Without an answer the writer has ended, and there is nothing to wait for.
                let _ = written.await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_MAX, flushed).await;
    }
}

/// Writes what a [`Recorder`] was handed.
pub struct Writer {
    /// Held by the run that is at work; what waits outlives a run that failed.
    jobs: Mutex<mpsc::Receiver<Job>>,
    db: Db,
    clock: Arc<dyn Clock>,
    ids: Ids,
    key: CodeKey,
    limits: LogLimits,
    lost: Arc<AtomicU64>,
}

impl Writer {
    /// Writes for as long as somebody may hand something in.
    pub async fn run(self: Arc<Self>, heartbeat: Heartbeat) {
        let mut waiting_jobs = self.jobs.lock().await;
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        while waiting_jobs.recv_many(&mut jobs, BATCH_MAX).await > 0 {
            let (mut batch, mut waiting) = (Vec::with_capacity(jobs.len()), Vec::new());
            for job in jobs.drain(..) {
                match job {
                    Job::Write(decided) => batch.push(decided),
                    Job::Flush(done) => waiting.push(done),
                }
            }
            heartbeat.beat();
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if let Err(error) = self.write(&batch, lost).await {
                let rows = batch.len();
                tracing::warn!(rows, "decisions could not be written down: {error}");
                let rows = u64::try_from(rows).unwrap_or(u64::MAX);
                self.lost.fetch_add(lost.saturating_add(rows), Ordering::Relaxed);
            }
            for done in waiting {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            heartbeat.rest();
            let rows = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            let pace = Duration::from_secs(1) / self.limits.rows_per_second.max(1);
            tokio::time::sleep(pace.saturating_mul(rows)).await;
        }
    }

    async fn write(&self, batch: &[Decided], lost: u64) -> Result<(), StoreError> {
        if batch.is_empty() && lost == 0 {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        let gone = gone_among(&mut tx, batch).await?;
        for decided in batch {
            let is_gone = decided.reader.as_ref().is_some_and(|(id, _)| gone.contains(id));
            // Ids come from the moment of the decision: the log is in its order.
            if !is_gone && let Ok(id) = self.ids.uuid(decided.at) {
                store::insert(&mut tx, id, self.key.code(decided), decided).await?;
            }
        }
        if lost > 0 {
            store::add_lost(&mut tx, lost, self.clock.now()).await?;
        }
        tx.commit().await
    }
}

/// The readers of a batch who were erased since: nothing new is written about them. Those who are
/// there stay so until `tx` ends.
async fn gone_among(tx: &mut Tx, batch: &[Decided]) -> Result<BTreeSet<Uuid>, StoreError> {
    let asked = batch.iter().filter_map(|decided| decided.reader.as_ref());
    // In one order, so that two processes never wait for each other.
    let asked: BTreeSet<Uuid> = asked.map(|(id, _)| *id).collect();
    let mut gone = BTreeSet::new();
    for id in asked {
        if readers::take(tx, id).await?.is_none() {
            gone.insert(id);
        }
    }
    Ok(gone)
}
