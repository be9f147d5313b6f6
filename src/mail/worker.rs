//! Sends what is in the outbox. Any number of instances may: each mail is claimed before it is
//! sent, and one that cannot be sent holds up no other.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;

use super::{
    outbox::{self, RETRIES, StoredMail},
    smtp::{SendError, Smtp},
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
};

/// Mails sent at once.
const AT_ONCE: usize = 4;
/// Between being told of a mail and looking for it: its transaction is not committed yet.
const UNTIL_COMMITTED: Duration = Duration::from_millis(100);

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
    /// Most mails claimed at a time.
    pub batch_max: i64,
    /// Mails that a server took.
    pub sent: Counter,
    /// Times that none did.
    pub failed: Counter,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("check", &self.check).finish_non_exhaustive()
    }
}

impl Worker {
    /// Sends what is due, for ever. Ends when it is dropped.
    pub async fn run(self) {
        loop {
            if tokio::time::timeout(self.check, self.news.notified()).await.is_ok() {
                tokio::time::sleep(UNTIL_COMMITTED).await;
            }
            if let Err(error) = self.send_due().await {
                tracing::warn!("the outbox could not be read: {error}");
            }
        }
    }

    /// Sends everything that is due now, and says how many mails were tried.
    ///
    /// # Errors
    /// When the database fails; what was claimed by then is due again after its lease.
    pub async fn send_due(&self) -> Result<usize, StoreError> {
        let mut tried = 0;
        loop {
            let mut tx = self.db.write().await?;
            let mails = outbox::claim_due(&mut tx, self.clock.now(), self.batch_max).await?;
            tx.commit().await?;
            if mails.is_empty() {
                return Ok(tried);
            }
            tried += mails.len();
            let settled = stream::iter(mails).map(|mail| async move { self.settle(&mail).await });
            let settled: Vec<_> = settled.buffer_unordered(AT_ONCE).collect().await;
            settled.into_iter().collect::<Result<(), _>>()?;
        }
    }

    /// Tries one mail, and notes what came of it.
    async fn settle(&self, mail: &StoredMail) -> Result<(), StoreError> {
        let outcome = if mail.expires_at <= self.clock.now() {
            Err(SendError::Permanent("expired".to_owned()))
        } else {
            self.smtp.send(mail).await
        };
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        match outcome {
            Ok(()) => {
                self.sent.inc();
                outbox::mark_sent(&mut tx, mail.id, now).await?;
            }
            Err(error) => {
                self.failed.inc();
                match next_try(&error, mail.attempts, now) {
                    Some(due_at) => {
                        outbox::mark_retry(&mut tx, mail.id, &error.to_string(), due_at).await?;
                        tracing::warn!(mail.id = %mail.id, "a mail will be tried again: {error}");
                    }
                    None => {
                        outbox::mark_dead(&mut tx, mail.id, &error.to_string(), now).await?;
                        tracing::error!(mail.id = %mail.id, "a mail was given up: {error}");
                    }
                }
            }
        }
        tx.commit().await
    }
}

/// When to try again after the failure of the try number `attempts`; `None` when not at all.
fn next_try(error: &SendError, attempts: i64, now: Timestamp) -> Option<Timestamp> {
    let place = usize::try_from(attempts - 1).ok()?;
    match error {
        SendError::Permanent(_) => None,
        SendError::Transient(_) => RETRIES.get(place).map(|wait| now.plus(*wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_tried_seven_times_in_a_day_and_a_half() {
        let now = Timestamp::UNIX_EPOCH;
        let later = SendError::Transient(String::new());
        let waits: Vec<i64> = (1..=7)
            .map(|attempts| next_try(&later, attempts, now).map_or(-1, Timestamp::unix_seconds))
            .collect();
        assert_eq!(waits, [60, 300, 1_800, 7_200, 21_600, 86_400, -1]);
        assert_eq!(next_try(&SendError::Permanent(String::new()), 1, now), None);
    }
}
