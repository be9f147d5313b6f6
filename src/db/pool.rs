//! A pool of connections that gives up those that may no longer be trusted.
//!
//! sqlx keeps a connection for as long as it answers. That is not enough: a full disk ends
//! SQLite's transaction behind sqlx's back, a failover leaves sessions on a server that only
//! reads, and a server that is gone without a word holds its connections for ever. So every error
//! is looked at here ([`Fault`]), and an error of that kind retires every connection of the pool
//! that was open at the time.

use std::{
    io,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use sqlx::{Connection, Database, pool::PoolOptions};
use tokio::time::Instant;

use super::{StoreError, fault::Fault, file::SqliteFile};

/// Longest wait for a sign of life from a connection whose user gave up on it.
const SIGN_OF_LIFE_MAX: Duration = Duration::from_secs(2);
/// For how long connections are looked at more closely after a user gave up on one.
const SUSPICION: Duration = Duration::from_secs(5);
/// A database that goes on failing makes us connect anew no more often than this.
const RETIRE_EVERY: Duration = Duration::from_secs(1);

/// A pool. Clones are the same one.
#[derive(Debug)]
pub struct Pool<DB: Database> {
    inner: sqlx::Pool<DB>,
    guard: Guard,
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), guard: self.guard.clone() }
    }
}

impl<DB: Database> Deref for Pool<DB> {
    type Target = sqlx::Pool<DB>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<DB: Database> Pool<DB> {
    /// Puts `inner`, whose options went through [`Guard::watch`], under `guard`.
    pub(super) fn new(inner: sqlx::Pool<DB>, guard: Guard) -> Self {
        Self { inner, guard }
    }

    /// What watches over the pool's connections.
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }
}

/// Watches over the connections of one pool. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    times: Arc<Times>,
    /// Longest wait for any answer, where one may never come.
    patience: Option<Duration>,
    file: Option<Arc<SqliteFile>>,
}

/// When something happened last, in microseconds after `epoch`; zero: never.
#[derive(Debug)]
struct Times {
    epoch: Instant,
    retired: AtomicU64,
    abandoned: AtomicU64,
}

impl Times {
    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// Whether `event` happened, and less than `span` ago.
    fn is_within(&self, event: &AtomicU64, span: Duration) -> bool {
        let at = event.load(Ordering::Relaxed);
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        at != 0 && self.now().saturating_sub(at) < span
    }
}

/// A use of a connection; dropped before it landed, the connection may be in any state.
struct Flight<'g> {
    times: &'g Times,
    has_landed: bool,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if !self.has_landed {
            self.times.abandoned.store(self.times.now(), Ordering::Relaxed);
        }
    }
}

impl Guard {
    /// For a server that may fall silent: nothing is waited for longer than `patience`.
    pub(super) fn of_server(patience: Duration) -> Self {
        Self { patience: Some(patience), ..Self::of_file(None) }
    }

    /// For connections to a SQLite file; those that write say which.
    pub(super) fn of_file(file: Option<Arc<SqliteFile>>) -> Self {
        let epoch = Instant::now();
        let times = Times { epoch, retired: AtomicU64::new(0), abandoned: AtomicU64::new(0) };
        Self { times: Arc::new(times), patience: None, file }
    }

    /// The same, but patient for `patience` where it is not patient for ever.
    pub(super) fn patient_for(self, patience: Duration) -> Self {
        Self { patience: self.patience.map(|_| patience), ..self }
    }

    /// Has the pool that `options` make ask this guard about each connection.
    pub(super) fn watch<DB: Database>(&self, options: PoolOptions<DB>) -> PoolOptions<DB> {
        let (before, after) = (self.clone(), self.clone());
        let options = options.before_acquire(move |connection, its| {
            // sqlx's idea of the depth is wrong where the database ended the transaction.
            let is_good = !before.is_retired(its.age) && !connection.is_in_transaction();
            std::future::ready(Ok(is_good)).boxed()
        });
        options.after_release(move |connection, _| after.check_released::<DB>(connection))
    }

    /// sqlx waits for a sign of life from every connection that comes back, and for ever.
    fn check_released<'c, DB: Database>(
        &self,
        connection: &'c mut DB::Connection,
    ) -> BoxFuture<'c, Result<bool, sqlx::Error>> {
        let is_suspect = self.times.is_within(&self.times.abandoned, SUSPICION);
        if self.patience.is_none() || !is_suspect {
            return std::future::ready(Ok(true)).boxed();
        }
        async move {
            let sign = tokio::time::timeout(SIGN_OF_LIFE_MAX, connection.ping()).await;
            sign.unwrap_or_else(|_| Err(silent())).map(|()| true)
        }
        .boxed()
    }

    fn is_retired(&self, age: Duration) -> bool {
        let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        let opened = self.times.now().saturating_sub(age);
        let retired = self.times.retired.load(Ordering::Relaxed);
        retired != 0 && opened <= retired
    }

    /// Waits for `work`, which uses a connection of the pool, and draws the consequences of its
    /// errors.
    pub(crate) async fn run<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let mut flight = Flight { times: &self.times, has_landed: false };
        let done = match self.patience {
            None => work.await,
            Some(patience) => {
                tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(silent()))
            }
        };
        if let Err(error) = &done {
            self.note(error);
        }
        // A wait that was cut short leaves the flight as it is: the connection is suspect.
        flight.has_landed = !matches!(&done, Err(error) if is_silence(error));
        done
    }

    fn note(&self, error: &sqlx::Error) {
        let is_soon = self.times.is_within(&self.times.retired, RETIRE_EVERY);
        if Fault::of(error).spoils_connection && !is_soon {
            self.times.retired.store(self.times.now(), Ordering::Relaxed);
        }
    }

    /// Whether what is written still lands in the file that has the database's name.
    ///
    /// # Errors
    /// [`StoreError::Displaced`].
    pub(crate) fn check_file(&self) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// Closes what the guard itself holds open.
    pub(super) async fn close(&self) {
        if let Some(file) = &self.file {
            file.close().await;
        }
    }
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(io::ErrorKind::TimedOut.into())
}

fn is_silence(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fails_with(guard: &Guard, error: sqlx::Error) {
        let failed: Result<(), _> = guard.run(std::future::ready(Err(error))).await;
        assert!(failed.is_err());
    }

    #[tokio::test]
    async fn an_error_of_the_connection_retires_all_that_were_open() {
        let guard = Guard::of_file(None);
        let old = Duration::from_hours(1);
        fails_with(&guard, sqlx::Error::RowNotFound).await;
        assert!(!guard.is_retired(old), "the statement's own trouble");
        fails_with(&guard, sqlx::Error::PoolTimedOut).await;
        assert!(!guard.is_retired(old), "nothing is known of any connection");
        fails_with(&guard, sqlx::Error::WorkerCrashed).await;
        assert!(guard.is_retired(old));
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(!guard.is_retired(Duration::ZERO), "it was opened since");
    }

    #[tokio::test]
    async fn a_use_that_was_given_up_makes_connections_suspect() {
        let guard = Guard::of_server(Duration::from_millis(1));
        let is_suspect = |guard: &Guard| guard.times.is_within(&guard.times.abandoned, SUSPICION);
        guard.run(std::future::ready(Ok(()))).await.unwrap();
        fails_with(&guard, sqlx::Error::RowNotFound).await;
        assert!(!is_suspect(&guard));
        let silence: Result<(), _> = guard.run(std::future::pending()).await;
        assert!(is_silence(&silence.unwrap_err()) && is_suspect(&guard));
        assert!(guard.is_retired(Duration::from_hours(1)));

        let guard = Guard::of_file(None);
        let forever = guard.run(std::future::pending::<Result<(), _>>());
        assert!(tokio::time::timeout(Duration::from_millis(1), forever).await.is_err());
        assert!(is_suspect(&guard), "its user was cut off");
    }
}
