//! Sending what is in the outbox, a mail at a time.
//!
//! Any number of instances may do so at once: each mail is claimed before it is sent. A mail that
//! fails waits longer each time and lets the others pass. When nothing can be sent at all, because
//! the server is down or does not let us in, no mail pays for it: all wait until it is mended.
//!
//! A mail whose sender dies between the server's yes and our note of it is sent again once its
//! claim is over, five minutes later: twice now and then, but never not at all.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;

use super::{
    outbox::{self, RETRIES, StoredMail},
    smtp::{Connection, SendError, Smtp},
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
};

/// Most connections at once.
const AT_ONCE: i64 = 4;
/// Whoever tells us of a mail has yet to commit.
const UNTIL_COMMITTED: Duration = Duration::from_millis(100);
/// Longest pause while the server cannot be used.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// Most mails given up for their age in one transaction.
const EXPIRED_STEP: i64 = 500;

/// Sends mails.
pub struct Worker {
    /// Where they are.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where they go.
    pub smtp: Smtp,
    /// Told of each new mail of this instance.
    pub news: Arc<Notify>,
    /// Longest wait before looking again.
    pub check: Duration,
    /// Most mails over one connection.
    pub batch_max: usize,
    /// Counts what became of them.
    pub counts: Counts,
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
        f.debug_struct("Worker").field("check", &self.check).finish_non_exhaustive()
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

/// What becomes of a mail that was not sent.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It is tried again then.
    Retry(Timestamp),
    /// It is due as before; this was no attempt.
    AsItWas,
    /// It is given up.
    Dead,
}

/// The mail was tried `attempts` times, the last one at `now`.
fn fate(error: &SendError, attempts: i64, now: Timestamp) -> Fate {
    let tried_before = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    match (error, RETRIES.get(tried_before)) {
        (SendError::Server(_), _) => Fate::AsItWas,
        (SendError::Later(_), Some(wait)) => Fate::Retry(now.plus(*wait)),
        (SendError::Later(_), None) | (SendError::Refused(_), _) => Fate::Dead,
    }
}

impl Worker {
    /// Sends what is due, for ever. Ends when it is dropped.
    pub async fn run(self: Arc<Self>) {
        let mut pause = self.check;
        loop {
            match self.send_due().await {
                Ok(_) => {
                    pause = self.check;
                    if tokio::time::timeout(pause, self.news.notified()).await.is_ok() {
                        tokio::time::sleep(UNTIL_COMMITTED).await;
                    }
                }
                Err(error) => {
                    tracing::warn!("mails could not be sent: {error}");
                    // A new mail is no reason to knock again sooner.
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX.max(self.check));
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
            let due =
                outbox::count_due(&mut self.db.read().await?, self.clock.now(), AT_ONCE).await?;
            if due == 0 {
                return Ok(tried);
            }
            self.give_up_expired().await?;
            let lines: Vec<_> = join_all((0..due).map(|_| self.send_over_one_line())).await;
            for line in lines {
                tried += line?;
            }
        }
    }

    /// Sends over one connection until nothing is due or it has served enough.
    async fn send_over_one_line(&self) -> Result<usize, RoundError> {
        let mut open = None;
        for tried in 0..self.batch_max {
            let Some(mail) = self.claim().await? else {
                close(open).await;
                return Ok(tried);
            };
            let connected = match open.take() {
                Some(connection) => Ok(connection),
                None => self.smtp.connect().await,
            };
            let outcome = match connected {
                Ok(mut connection) => {
                    let outcome = connection.send(&mail).await;
                    open = connection.after(&outcome).await;
                    outcome
                }
                Err(error) => Err(error),
            };
            self.note(&mail, &outcome).await?;
            if let Err(error @ SendError::Server(_)) = outcome {
                return Err(RoundError::Server(error.to_string()));
            }
        }
        close(open).await;
        Ok(self.batch_max)
    }

    async fn give_up_expired(&self) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        let expired = outbox::expire(&mut tx, self.clock.now(), EXPIRED_STEP).await?;
        tx.commit().await?;
        if expired > 0 {
            self.counts.dead.inc_by(expired);
            tracing::warn!(expired, "gave up {expired} mails whose links are over");
        }
        Ok(())
    }

    /// One at a time, so that a claim need not last longer than one mail takes.
    async fn claim(&self) -> Result<Option<StoredMail>, StoreError> {
        let mut tx = self.db.write().await?;
        let claimed = outbox::claim_due(&mut tx, self.clock.now(), 1).await?;
        tx.commit().await?;
        Ok(claimed.into_iter().next())
    }

    async fn note(
        &self,
        mail: &StoredMail,
        outcome: &Result<(), SendError>,
    ) -> Result<(), StoreError> {
        let (id, attempt, now) = (mail.id, mail.attempts, self.clock.now());
        let mut tx = self.db.write().await?;
        match outcome {
            Ok(()) => {
                outbox::mark_sent(&mut tx, id, now).await?;
                self.counts.sent.inc();
            }
            Err(error) => {
                let why = error.to_string();
                match fate(error, attempt, now) {
                    Fate::AsItWas => outbox::release(&mut tx, id, &why, now).await?,
                    Fate::Retry(due_at) => {
                        outbox::mark_retry(&mut tx, id, &why, due_at).await?;
                        self.counts.failed.inc();
                        tracing::warn!(mail.id = %id, attempt, "mail `{id}` will be retried: {why}");
                    }
                    Fate::Dead => {
                        outbox::mark_dead(&mut tx, id, &why, now).await?;
                        self.counts.failed.inc();
                        self.counts.dead.inc();
                        tracing::error!(mail.id = %id, attempt, "mail `{id}` was given up: {why}");
                    }
                }
            }
        }
        tx.commit().await
    }
}

async fn close(open: Option<Connection<'_>>) {
    if let Some(connection) = open {
        connection.close().await;
    }
}

#[cfg(test)]
mod tests {
    use time::Duration as Span;

    use super::*;

    #[test]
    fn a_mail_waits_longer_each_time_and_is_then_given_up() {
        let now = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let later = SendError::Later("the server said 451".to_owned());
        let waits = [1, 5, 30, 120, 360, 1_440].map(Span::minutes);
        for (attempts, wait) in (1..).zip(waits) {
            assert_eq!(fate(&later, attempts, now), Fate::Retry(now.plus(wait)), "{attempts}");
        }
        assert_eq!(fate(&later, 7, now), Fate::Dead);
        let refused = SendError::Refused("the server said 550".to_owned());
        assert_eq!(fate(&refused, 1, now), Fate::Dead);
        let server = SendError::Server("connection refused".to_owned());
        assert_eq!(fate(&server, 7, now), Fate::AsItWas);
    }
}
