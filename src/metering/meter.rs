//! Asking the meter.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::{
    batch::Job,
    memory::FullWindows,
    outage::Outage,
    settle::Settler,
    store::{Key, MeterStore},
    tally::{Read, Reading},
};
use crate::{
    db::StoreError,
    supervisor::{Supervisor, Watch},
};

/// Every attempt at a batch is a beat, and each has bounds of its own in the store.
const WRITER: Watch = Watch::essential("meter").hanging_after(Duration::from_secs(45));

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
    /// The store failed a moment ago, and another read finds out whether it still does.
    #[error("the meter's store is down")]
    Down,
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

/// What is known of a visitor before the store is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// Made a moment ago, so nothing can be stored of it.
    New,
    /// Has only ever asked for itself, so its full window stays as it is.
    Alone,
    /// Has asked for a reader too, whose reads any process may have added to its own.
    WithReader,
}

/// Who asks, and in which pool.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The pool that counts.
    pub pool: Arc<str>,
    /// The visitor: a browser.
    pub visitor: Uuid,
    /// What is known of the visitor.
    pub past: Past,
    /// The reader who is logged in there, if any. Visitor and reader then count as one, and each
    /// keeps the reads of both.
    pub reader: Option<Uuid>,
}

/// A handle to the meter; clones share it.
#[derive(Clone)]
pub struct Meter {
    queue: mpsc::Sender<Job>,
    full: Arc<FullWindows>,
    outage: Arc<Outage>,
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl Meter {
    /// Starts the meter's writer on `store`, under `supervisor`.
    pub fn start(store: impl MeterStore, limits: MeterLimits, supervisor: &Supervisor) -> Self {
        let (queue, jobs) = mpsc::channel(limits.queue_max);
        let full = Arc::new(FullWindows::new(limits.cache_entries));
        let batch_max = limits.batch_max;
        let outage = Arc::<Outage>::default();
        let settler = Arc::new(Settler {
            store,
            full: Arc::clone(&full),
            outage: Arc::clone(&outage),
            batch_max,
            jobs: Mutex::new(jobs),
        });
        supervisor.spawn(WRITER, move |heartbeat| Arc::clone(&settler).run(heartbeat));
        Self { queue, full, outage }
    }

    /// Asks about one read.
    ///
    /// # Errors
    /// [`MeterError`]; nothing was counted then, or the answer was lost after counting, and
    /// asking again is free.
    pub async fn read(&self, asker: Asker, read: Read) -> Result<Reading, MeterError> {
        let Asker { pool, visitor, past, reader } = asker;
        let reader = reader.map(|subject| Key { pool: Arc::clone(&pool), subject });
        let visitor = Key { pool, subject: visitor };
        if reader.is_none()
            && past == Past::Alone
            && let Some(reading) = self.full.answer(&visitor, &read)
        {
            return Ok(reading);
        }
        if self.outage.refuses(Instant::now()) {
            return Err(MeterError::Down);
        }
        let (answer, answered) = oneshot::channel();
        let job = Job { visitor, reader, is_new: past == Past::New, read, answer };
        self.queue.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => MeterError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => MeterError::Stopped,
        })?;
        answered.await.map_err(|_| MeterError::Stopped)?
    }

    /// How many reads wait to be settled.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}
