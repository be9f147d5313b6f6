//! The day on which a reader last read an article, for staff who look for those who sleep. Noted out
//! of the way of the read itself: at most once a day for each reader, in batches, and not at all
//! where more come than can be written.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{Db, StoreError},
    supervisor::Heartbeat,
};

/// Most readers who wait to be written down.
const WAITING_MAX: usize = 10_000;
/// Most in one transaction.
const BATCH_MAX: usize = 500;
/// From one batch to the next.
const EVERY: Duration = Duration::from_secs(1);
/// Most readers of whom it is known that they were noted today.
const NOTED_MAX: usize = 100_000;
const DAY: i64 = 86_400_000_000;

/// Takes notes. Clones share them.
#[derive(Debug, Clone)]
pub struct LastReads {
    waiting: mpsc::Sender<(Uuid, Timestamp)>,
    noted: Arc<Cache<Uuid, i64>>,
}

impl LastReads {
    /// A notebook, and what is to keep its notes in `db`: see [`Notes::write_down`].
    #[must_use]
    pub fn new(db: Db) -> (Self, Arc<Notes>) {
        let (waiting, notes) = mpsc::channel(WAITING_MAX);
        let notes = Arc::new(Notes { db, waiting: Mutex::new(notes) });
        (Self { waiting, noted: Arc::new(Cache::new(NOTED_MAX)) }, notes)
    }

    /// `reader` read an article at `now`.
    pub fn note(&self, reader: Uuid, now: Timestamp) {
        let day = now.micros().div_euclid(DAY);
        if self.noted.get(&reader) != Some(day) && self.waiting.try_send((reader, now)).is_ok() {
            self.noted.insert(reader, day);
        }
    }
}

/// What was noted and is to be written down.
pub struct Notes {
    db: Db,
    /// Held by the run that is at work; what waits outlives a run that failed.
    waiting: Mutex<mpsc::Receiver<(Uuid, Timestamp)>>,
}

impl Notes {
    /// Writes notes down, for ever.
    pub async fn write_down(self: Arc<Self>, heartbeat: Heartbeat) {
        let mut notes = self.waiting.lock().await;
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while notes.recv_many(&mut batch, BATCH_MAX).await > 0 {
            heartbeat.beat();
            // In the order of their ids, so that two processes do not wait for each other.
            batch.sort_unstable();
            if let Err(error) = write(&self.db, &batch).await {
                tracing::warn!("who read was not noted: {error}");
            }
            batch.clear();
            heartbeat.rest();
            tokio::time::sleep(EVERY).await;
        }
    }
}

async fn write(db: &Db, batch: &[(Uuid, Timestamp)]) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    for (reader, at) in batch {
        let midnight = Timestamp::from_micros(at.micros() - at.micros().rem_euclid(DAY));
        tx.query(
            "UPDATE readers SET last_read_at = $2
             WHERE id = $1 AND erased_at IS NULL AND (last_read_at IS NULL OR last_read_at < $3)",
        )
        .bind(*reader)
        .bind(*at)
        .bind(midnight.unwrap_or(*at))
        .execute()
        .await?;
    }
    tx.commit().await
}
