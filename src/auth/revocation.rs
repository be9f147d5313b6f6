//! Which sessions have ended while access tokens of theirs are still in their quarter of an hour.
//!
//! An instance that ends a session knows at once; the others read it from the database every few
//! seconds. While the database does not answer, what is known stays known.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use uuid::Uuid;

use super::{access_token, session::store};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
};

/// Sessions read at a time.
const PAGE: i64 = 10_000;
/// By how much the clocks of two instances, and the time between a decision and its commit, may differ: twice
/// what access tokens may be ahead, and a minute. What an instance whose clock is behind has ended would
/// else be missed.
const OVERLAP: time::Duration = time::Duration::minutes(3);
/// Longest wait for an answer of the database.
const REFRESH_MAX: Duration = Duration::from_secs(5);

/// The sessions that ended lately.
pub struct Revocations {
    db: Db,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    ended: HashMap<Uuid, Timestamp>,
    /// When others' were read last. What was ended here since says nothing about theirs.
    read_at: Option<Timestamp>,
}

impl std::fmt::Debug for Revocations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revocations").finish_non_exhaustive()
    }
}

impl Revocations {
    /// Reads what ended lately.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(db: Db, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let revocations = Self { db, clock, known: RwLock::default() };
        revocations.refresh().await?;
        Ok(revocations)
    }

    /// Whether `session` has ended, as far as is known here.
    #[must_use]
    pub fn has_ended(&self, session: Uuid) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.ended.contains_key(&session)
    }

    /// Notes that these sessions have just been ended here.
    pub fn add(&self, sessions: impl IntoIterator<Item = Uuid>) {
        let now = self.clock.now();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.ended.extend(sessions.into_iter().map(|session| (session, now)));
    }

    /// Reads what others have ended, and forgets those whose tokens are all over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let oldest = now.minus(access_token::LIFE + OVERLAP);
        let read_at = {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.ended.retain(|_, at| *at >= oldest);
            known.read_at
        };
        let mut since = read_at.map_or(oldest, |at| at.min(now).minus(OVERLAP).max(oldest));
        loop {
            let page = store::ended_since(&mut self.db.read().await?, since, PAGE).await?;
            let (rows, last) = (page.len(), page.last().map(|(_, at)| *at));
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.ended.extend(page);
            match last {
                // More than a page that ended at one instant would never get past it.
                Some(at) if i64::try_from(rows) == Ok(PAGE) && at > since => since = at,
                _ => {
                    known.read_at = Some(now);
                    return Ok(());
                }
            }
        }
    }

    /// Refreshes every `every`, for ever. Ends when it is dropped.
    pub async fn keep_fresh(self: Arc<Self>, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            match tokio::time::timeout(REFRESH_MAX, self.refresh()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("ended sessions could not be read: {error}"),
                Err(_) => tracing::warn!("ended sessions could not be read in time"),
            }
        }
    }
}
