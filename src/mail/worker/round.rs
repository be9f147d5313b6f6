//! One round of sending: everything that is due, over as many connections as are allowed.

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use super::{
    RoundError, Worker,
    report::{Fate, Report},
};
use crate::{
    db::StoreError,
    mail::{outbox, priority::Priority, smtp::SendError},
    supervisor::Heartbeat,
};

/// Most mails given up for their age in one transaction.
const EXPIRED_STEP: i64 = 500;

/// What was done over one connection, or in a whole round.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Mails that were tried.
    pub(super) tried: usize,
    /// Mails for which the server answered yes or no.
    pub(super) answered: usize,
    pub(super) failure: Option<RoundError>,
}

impl Served {
    /// Whether the server took or refused some mails before it could no longer be used.
    pub(super) fn has_progressed(&self) -> bool {
        self.answered > 0 && !matches!(self.failure, Some(RoundError::Store(_)))
    }
}

impl Worker {
    /// Sends until nothing is due, or the server cannot be used by any connection.
    pub(super) async fn round(&self, heartbeat: &Heartbeat) -> Served {
        let mut round = Served::default();
        heartbeat.beat();
        if let Err(error) = self.prepare().await {
            round.failure = Some(error.into());
            return round;
        }
        let mut open = FuturesUnordered::new();
        // Fewer than are allowed while the server turns some away.
        let mut usable = self.lane.connections;
        loop {
            if open.len() < usable {
                match self.count_due(usable - open.len()).await {
                    // What one connection could not send, others did.
                    Ok(0) if open.is_empty() => return Served { failure: None, ..round },
                    Ok(due) => open.extend((0..due).map(|_| self.serve(heartbeat))),
                    Err(error) => {
                        round.failure = Some(error.into());
                        usable = 0;
                    }
                }
            }
            let may_open = open.len() < usable;
            tokio::select! {
                served = open.next() => {
                    let Some(Served { tried, answered, failure }) = served else { return round };
                    round.tried += tried;
                    round.answered += answered;
                    usable = match failure {
                        None if usable > 0 => (usable + 1).min(self.lane.connections),
                        Some(RoundError::Server(_)) => usable.saturating_sub(1),
                        None | Some(RoundError::Store(_)) => 0,
                    };
                    round.failure = failure.or(round.failure);
                }
                () = self.arrivals.arrived(self.lane.least), if may_open => {}
            }
        }
    }

    /// Sends over one connection until nothing is due, it has served enough or it is of no more use.
    async fn serve(&self, heartbeat: &Heartbeat) -> Served {
        let mut served = Served::default();
        let failed = self.serve_connection(&mut served, heartbeat).await.err();
        // A connection that ends after some mails is no failure.
        served.failure =
            failed.filter(|error| served.answered == 0 || matches!(error, RoundError::Store(_)));
        if let (Err(error), None) = (self.write_reports().await, &served.failure) {
            served.failure = Some(error.into());
        }
        served
    }

    async fn serve_connection(
        &self,
        served: &mut Served,
        heartbeat: &Heartbeat,
    ) -> Result<(), RoundError> {
        let of_server = |error: SendError| RoundError::Server(error.to_string());
        let mut connection = self.smtp.connect().await.map_err(of_server)?;
        heartbeat.beat();
        for _ in 0..self.lane.batch_max {
            self.wait_for_pace().await?;
            // Only now: whatever is queued before this instant may be the next.
            let Some(claimed) = self.claim().await? else { break };
            heartbeat.beat();
            let outcome = connection.send(&claimed.mail).await;
            heartbeat.beat();
            let report = Report::new(&claimed, &outcome, served.answered > 0, self.clock.now());
            served.tried += usize::from(report.fate != Fate::Released);
            self.report(report);
            let is_answer = outcome.as_ref().err().is_none_or(SendError::is_about_mail);
            served.answered += usize::from(is_answer);
            connection = match (connection.after(&outcome).await, outcome) {
                (Some(connection), _) => connection,
                (None, Ok(())) => return Ok(()),
                (None, Err(error)) => return Err(of_server(error)),
            };
        }
        self.write_reports().await?;
        connection.close().await;
        Ok(())
    }

    async fn wait_for_pace(&self) -> Result<(), StoreError> {
        let now = Instant::now();
        let reserved = self.pace.reserve(now);
        if reserved > now {
            self.write_reports().await?;
            tokio::time::sleep_until(reserved).await;
        }
        Ok(())
    }

    async fn count_due(&self, most: usize) -> Result<usize, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut tx = self.db.read().await?;
        outbox::count_due(&mut tx, self.lane.least, self.clock.now(), most).await
    }

    /// Writes what an earlier round could not, and gives up what has expired.
    async fn prepare(&self) -> Result<(), StoreError> {
        self.write_reports().await?;
        let now = self.clock.now();
        // One of the lanes is enough.
        if self.lane.least != Priority::Bulk
            || !outbox::has_expired(&mut self.db.read().await?, now).await?
        {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        let expired = outbox::expire(&mut tx, now, EXPIRED_STEP).await?;
        tx.commit().await?;
        self.counts.dead.inc_by(expired);
        tracing::warn!(expired, "gave up {expired} mails whose links are over");
        Ok(())
    }
}
