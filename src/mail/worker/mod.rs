//! Sending what is in the outbox.
//!
//! A mail is claimed when a connection is free for it, the highest priority first. So a mail that is
//! queued now waits at most for those of lower priority that are being handed over already. Each
//! instance has two workers: one for security mails, with a connection of its own, and one for mails
//! of any priority. Any number of instances may send at once.
//!
//! A mail that fails waits longer each time and lets the others pass. When nothing can be sent at
//! all, because the server is down or does not let us in, no mail pays for it: all wait until it is
//! mended. A server that ends connections after some mails is connected to again at once; one that
//! takes nothing is left alone for a while.
//!
//! A mail whose sender dies between the server's yes and our note of it is sent again once its lease
//! is over, five minutes later: twice now and then, but never not at all. A note that the database
//! does not take is kept, and written before anything else is claimed.

mod backoff;
mod exchange;
mod pace;
mod report;
mod round;

use std::{sync::Arc, time::Duration};

use prometheus_client::metrics::counter::Counter;

use self::backoff::Backoff;
pub use self::{exchange::Exchange, pace::Pace};
use super::{Arrivals, priority::Priority, smtp::Smtp};
use crate::{
    clock::Clock,
    db::{Db, StoreError},
    ids::Ids,
    supervisor::Heartbeat,
};

/// Sends the mails of one lane.
pub struct Worker {
    /// Where they are.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Ids,
    /// Where they go.
    pub smtp: Arc<Smtp>,
    /// Where new mails of this instance are announced.
    pub arrivals: Arc<Arrivals>,
    /// Which mails, over how many connections.
    pub lane: Lane,
    /// How fast; shared by the lanes of an instance.
    pub pace: Arc<Pace>,
    /// Counts what became of them.
    pub counts: Counts,
    /// Reports and claims on their way to the outbox.
    pub exchange: Exchange,
}

/// Which mails a worker sends, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// The lowest priority that it sends.
    pub least: Priority,
    /// Most connections at once.
    pub connections: usize,
    /// Most mails over one connection.
    pub batch_max: usize,
    /// Longest wait before looking again.
    pub check: Duration,
}

/// How mails are sent, as it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    /// Longest wait before looking again.
    pub check: Duration,
    /// Most connections at once, at least two.
    pub connections: usize,
    /// Most mails over one connection.
    pub batch_max: usize,
    /// Most mails a second; 0 for no limit.
    pub per_second_max: u32,
}

impl Sending {
    /// One connection is reserved for security mails; the others take mails of any priority.
    #[must_use]
    pub fn lanes(&self) -> [Lane; 2] {
        let Self { check, connections, batch_max, .. } = *self;
        let lane = |least, connections| Lane { least, connections, batch_max, check };
        [lane(Priority::Security, 1), lane(Priority::Bulk, connections.saturating_sub(1).max(1))]
    }
}

/// Counters without addresses.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Mails that a server took.
    pub sent: Counter,
    /// Times that a mail was tried and not taken.
    pub failed: Counter,
    /// Mails that were given up.
    pub dead: Counter,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("lane", &self.lane).finish_non_exhaustive()
    }
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server cannot be used.
    #[error("the server cannot be used: {0}")]
    Server(String),
}

impl Worker {
    /// Sends what is due, for ever. Ends when it is dropped.
    pub async fn run(self: Arc<Self>, heartbeat: Heartbeat) {
        let mut backoff = Backoff::default();
        loop {
            let round = self.round(&heartbeat).await;
            heartbeat.rest();
            if round.answered > 0 || round.failure.is_none() {
                backoff.reset();
            }
            let has_progressed = round.has_progressed();
            match round.failure {
                None => {
                    let arrived = self.arrivals.arrived(self.lane.least);
                    // Timely or not, the outbox is looked into.
                    let _ = tokio::time::timeout(self.lane.check, arrived).await;
                }
                Some(_) if has_progressed => {}
                Some(error) => {
                    tracing::warn!("mails could not be sent: {error}");
                    // A new mail is no reason to try sooner.
                    let random = self.ids.bytes::<2>().map_or(u16::MAX, u16::from_be_bytes);
                    tokio::time::sleep(backoff.pause(random)).await;
                }
            }
        }
    }

    /// Sends everything that is due now, and says how many mails were tried.
    ///
    /// # Errors
    /// [`RoundError`]; what was done before stays done, and everything else stays due.
    pub async fn send_due(&self) -> Result<usize, RoundError> {
        let mut tried = 0;
        loop {
            let round = self.round(&Heartbeat::default()).await;
            tried += round.tried;
            let has_progressed = round.has_progressed();
            match round.failure {
                None => return Ok(tried),
                Some(_) if has_progressed => {}
                Some(error) => return Err(error),
            }
        }
    }
}
