//! One storage for two databases: other rooms see [`Db`], [`Tx`] and SQL text, nothing else.
//!
//! `connect` opens and tunes the pools, `migrate` brings the schema up to date, `tx` is a transaction
//! on whichever database is open, and `query` one statement in it. `pool` gives up connections that
//! may not be trusted any more, by what `fault` reads from an error; `file` notices a SQLite file
//! that lost its name, and `file_copy` copies SQLite's files while they are in use. `statements` counts
//! what one piece of work sends.

mod connect;
mod fault;
mod file;
pub mod file_copy;
mod migrate;
mod pool;
mod probe;
mod query;
pub mod statements;
mod tx;

use std::time::Duration;

use sqlx::{Postgres, Sqlite};

use self::fault::Fault;
pub(crate) use self::tx::Ready;
pub use self::{
    connect::{DatabaseUrl, Durability, InvalidDatabaseUrl, PoolLimits},
    file::DisplacedFile,
    pool::Pool,
    query::{Bind, Param, Query, Row},
    tx::{Later, Tx},
};

/// Longest run of a statement in a snapshot.
const SNAPSHOT_MAX: Duration = Duration::from_mins(10);

/// What storage can report.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique key already exists.
    #[error("already exists")]
    Duplicate,
    /// The database failed, refused or did not answer in time.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
    /// A stored value breaks an invariant; never papered over with a default.
    #[error("{table}.{column} of {id} holds an impossible value")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Row.
        id: String,
    },
    /// More rows than one answer may hold; never a part of them as if it were all.
    #[error("{table} holds more for this than one answer may")]
    TooMany {
        /// Table.
        table: &'static str,
    },
    /// A SQLite file was deleted or replaced while it was open. What is written now would be lost
    /// with the process.
    #[error(transparent)]
    Displaced(#[from] DisplacedFile),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A file beside the database could not be used.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
}

impl StoreError {
    /// Whether the database cannot do its work now, as opposed to a fault of ours: the same call may
    /// pass later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(error) => Fault::of(error).is_unavailable,
            Self::Displaced(_) | Self::File { .. } => true,
            Self::Duplicate | Self::Corrupt { .. } | Self::TooMany { .. } | Self::Migrate(_) => {
                false
            }
        }
    }

    /// Whether nothing said no: an answer did not come in time.
    #[must_use]
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Database(error) if Fault::of(error).is_late)
    }
}

/// Whether `error`, or what caused it, says that a database cannot do its work now.
#[must_use]
pub fn is_unavailable(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.into_iter().any(|cause| {
        // An error that is `transparent` hides which of ours it was, not its causes.
        cause.downcast_ref::<StoreError>().is_some_and(StoreError::is_unavailable)
            || cause.downcast_ref().is_some_and(|error| Fault::of(error).is_unavailable)
            || cause.is::<DisplacedFile>()
    })
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            // SQLite names no constraint, so only the kind is portable.
            Some(database) if database.is_unique_violation() => Self::Duplicate,
            _ => Self::Database(error),
        }
    }
}

/// An open database.
#[derive(Debug, Clone)]
pub enum Db {
    /// The embedded default: one connection writes, so that writers queue instead of failing.
    Sqlite {
        /// The one connection that writes.
        write: Pool<Sqlite>,
        /// The connections that only read.
        read: Pool<Sqlite>,
    },
    /// A server, shared by any number of instances.
    Postgres(Pool<Postgres>),
}

impl Db {
    /// Starts a transaction that only reads.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { read, .. } => {
                Tx::sqlite(read.guard().run(read.begin()).await?, read.guard().clone())
            }
            Self::Postgres(pool) => begin(pool).await?,
        })
    }

    /// Starts a transaction that reads at length and sees everything as it is now, whatever is
    /// written meanwhile.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        let mut tx = self.read().await?;
        if let Tx::Postgres(open) = &mut tx {
            open.be_patient_for(SNAPSHOT_MAX + Duration::from_secs(5));
            let begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
            tx.query(begin).execute().await?;
            tx.query("SET LOCAL statement_timeout = '10min'").execute().await?;
        }
        Ok(tx)
    }

    /// Starts a transaction that may write. SQLite takes its write lock at once: a transaction
    /// that reads first and upgrades later fails under contention instead of waiting.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { write, .. } => {
                let guard = write.guard();
                guard.check_file()?;
                let tx = guard.run(write.begin_with("BEGIN IMMEDIATE")).await?;
                Tx::sqlite(tx, guard.clone())
            }
            Self::Postgres(pool) => begin(pool).await?,
        })
    }

    /// Closes every connection; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
                write.guard().close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

async fn begin(pool: &Pool<Postgres>) -> Result<Tx, StoreError> {
    let guard = pool.guard();
    Ok(Tx::postgres(guard.run(pool.begin()).await?, guard.clone()))
}
