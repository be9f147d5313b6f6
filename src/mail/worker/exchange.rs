//! The worker and the outbox: reports go in and claimed mails come out, in one transaction.
//!
//! Connections that are free at the same time share a transaction, so that the worker never holds
//! more than one of the database's connections, and a slow commit does not add up.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Turn, oneshot};

use super::{
    Worker,
    report::{Fate, Report},
};
use crate::{
    db::StoreError,
    mail::outbox::{self, ClaimedMail},
};

/// What waits for the next transaction.
#[derive(Debug, Default)]
pub struct Exchange {
    reports: Mutex<Vec<Report>>,
    waiting: Mutex<Vec<oneshot::Sender<ClaimedMail>>>,
    turn: Turn<()>,
}

impl Worker {
    /// Keeps a report until it is written, however often the database fails.
    pub(super) fn report(&self, report: Report) {
        locked(&self.exchange.reports).push(report);
    }

    /// Claims the next mail for a free connection; `None` when none is due.
    pub(super) async fn claim(&self) -> Result<Option<ClaimedMail>, StoreError> {
        let (sender, mut receiver) = oneshot::channel();
        locked(&self.exchange.waiting).push(sender);
        let _turn = self.exchange.turn.lock().await;
        match receiver.try_recv() {
            Ok(claimed) => return Ok(Some(claimed)),
            // The connection that had its turn before claimed for this one, too, and found none.
            Err(oneshot::error::TryRecvError::Closed) => return Ok(None),
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let mut waiting = std::mem::take(&mut *locked(&self.exchange.waiting));
        // Those of a worker that was ended wait for nothing.
        waiting.retain(|sender| !sender.is_closed());
        let claimed = self.exchange(waiting.len()).await?;
        for (sender, claimed) in waiting.into_iter().zip(claimed) {
            // A connection that is gone leaves its mail to the end of the lease.
            let _ = sender.send(claimed);
        }
        Ok(receiver.try_recv().ok())
    }

    /// Writes the reports that are left.
    pub(super) async fn write_reports(&self) -> Result<(), StoreError> {
        let _turn = self.exchange.turn.lock().await;
        if locked(&self.exchange.reports).is_empty() {
            return Ok(());
        }
        self.exchange(0).await.map(drop)
    }

    /// Only with the turn: reports are removed once they are committed, even if this is cut off.
    async fn exchange(&self, claims: usize) -> Result<Vec<ClaimedMail>, StoreError> {
        let reports = locked(&self.exchange.reports).clone();
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        outbox::take_claim_lock(&mut tx);
        for Report { id, leased_until, fate, reason, .. } in &reports {
            let claim = (*id, *leased_until);
            match fate {
                Fate::Sent => outbox::mark_sent(&mut tx, *id, now),
                Fate::Released => outbox::release(&mut tx, claim, reason, now),
                Fate::Retry(due_at) => outbox::mark_retry(&mut tx, claim, reason, *due_at),
                Fate::Dead => outbox::mark_dead(&mut tx, claim, reason, now),
            }
        }
        let claimed = match i64::try_from(claims) {
            Ok(0) | Err(_) => Vec::new(),
            Ok(most) => outbox::claim_due(&mut tx, self.lane.least, now, most).await?,
        };
        tx.commit().await?;
        locked(&self.exchange.reports).drain(..reports.len());
        for report in &reports {
            self.count(report);
        }
        Ok(claimed)
    }

    fn count(&self, Report { id, attempt, fate, reason, .. }: &Report) {
        match fate {
            Fate::Sent => {
                self.counts.sent.inc();
            }
            Fate::Released => {}
            Fate::Retry(_) => {
                self.counts.failed.inc();
                tracing::warn!(mail.id = %id, attempt, "mail `{id}` will be retried: {reason}");
            }
            Fate::Dead => {
                self.counts.failed.inc();
                self.counts.dead.inc();
                tracing::error!(mail.id = %id, attempt, "mail `{id}` was given up: {reason}");
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
