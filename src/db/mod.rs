//! One storage for two databases: other rooms see [`Db`], [`Tx`] and SQL text, nothing else.
//!
//! `connect` opens and tunes the pools, `migrate` brings the schema up to date, `tx` is a transaction
//! on whichever database is open, and `query` one statement in it. `file_copy` copies SQLite's files
//! while they are in use.

mod connect;
pub mod file_copy;
mod migrate;
mod query;
mod tx;

use sqlx::{PgPool, SqlitePool};

pub use self::{
    connect::{DatabaseUrl, Durability, InvalidDatabaseUrl, PoolLimits},
    query::{Bind, Param, Query, Row},
    tx::{Later, Tx},
};

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
        write: SqlitePool,
        /// The connections that only read.
        read: SqlitePool,
    },
    /// A server, shared by any number of instances.
    Postgres(PgPool),
}

impl Db {
    /// Starts a transaction that only reads.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { read, .. } => Tx::sqlite(read.begin().await?),
            Self::Postgres(pool) => Tx::postgres(pool.begin().await?),
        })
    }

    /// Starts a transaction that reads at length and sees everything as it is now, whatever is
    /// written meanwhile.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        let mut tx = self.read().await?;
        if let Tx::Postgres(_) = tx {
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
            Self::Sqlite { write, .. } => Tx::sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::postgres(pool.begin().await?),
        })
    }

    /// Closes every connection; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
