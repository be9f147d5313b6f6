//! Opening the databases, with every setting that correctness depends on spelled out.

use std::{
    io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use sqlx::{
    Sqlite,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Db, StoreError,
    file::SqliteFile,
    migrate::lock_file_of,
    pool::{Guard, Pool},
};
use crate::{files, metering::store::CHUNK_MAX};

/// How many rows SQLite's thread reads on before it waits for whoever asked: a page of any list, so
/// that the two do not take turns within it.
const ROWS_AHEAD: usize = 512;

/// A database's address: `sqlite://path/to/file.db` or `postgres://user:password@host/name`.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Box<PgConnectOptions>),
}

/// The text is no address of a database that we know.
#[derive(Debug, Clone, thiserror::Error)]
#[error("must be `sqlite://path/to/file.db` or `postgres://user:password@host/name`")]
pub struct InvalidDatabaseUrl;

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            let in_memory = path.is_empty() || path.contains(":memory:");
            // Text after `?` would be options, and those are settings of our own.
            return if in_memory || path.contains('?') {
                Err(InvalidDatabaseUrl)
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(text).map_err(|_| InvalidDatabaseUrl)?;
            return Ok(Self::Postgres(Box::new(options)));
        }
        Err(InvalidDatabaseUrl)
    }
}

/// How many connections, and how long anything may wait.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Most connections at once.
    pub connections_max: u32,
    /// Longest wait for a free connection.
    pub acquire_timeout: Duration,
    /// Longest run of one statement, or wait for a lock.
    pub statement_timeout: Duration,
}

impl PoolLimits {
    /// Longest wait for an answer of any kind: a connection, a statement, and the way there.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.acquire_timeout + self.statement_timeout + Duration::from_secs(1)
    }
}

/// What a commit on SQLite survives. PostgreSQL is always safe against both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A crash of the process; a loss of power may take the last commits.
    Normal,
    /// A crash of the process and a loss of power.
    Full,
}

impl Db {
    /// Opens the database at `url`, creating a SQLite file (and its folder) that is not there,
    /// both for their owner alone.
    ///
    /// # Errors
    /// When the database cannot be reached or does not take the settings we depend on.
    pub async fn open(
        url: &DatabaseUrl,
        limits: PoolLimits,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, limits, durability).await,
            DatabaseUrl::Postgres(options) => open_postgres(options, limits).await,
        }
    }
}

async fn open_postgres(options: &PgConnectOptions, limits: PoolLimits) -> Result<Db, StoreError> {
    let millis = limits.statement_timeout.as_millis().to_string();
    let options = options.clone().application_name("pressgate").options([
        ("statement_timeout", millis.as_str()),
        ("lock_timeout", millis.as_str()),
        ("idle_in_transaction_session_timeout", "10000"),
        ("timezone", "UTC"),
    ]);
    let guard = Guard::of_server(limits.patience());
    let pool = PgPoolOptions::new()
        .max_connections(limits.connections_max)
        .acquire_timeout(limits.acquire_timeout);
    let pool = guard.watch(pool).connect_with(options).await?;
    Ok(Db::Postgres(Pool::new(pool, guard)))
}

async fn open_sqlite(
    path: &Path,
    limits: PoolLimits,
    durability: Durability,
) -> Result<Db, StoreError> {
    let at = |path: &Path, source| StoreError::File { path: path.display().to_string(), source };
    if let Some(folder) = path.parent() {
        files::create_folder(folder).map_err(|source| at(folder, source))?;
    }
    // WAL lets readers go on while one writes, and sqlx switches it on for nobody.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Normal => SqliteSynchronous::Normal,
            Durability::Full => SqliteSynchronous::Full,
        })
        .foreign_keys(true)
        // The meter has a statement for each size of a batch, twice.
        .statement_cache_capacity(4 * CHUNK_MAX)
        .row_buffer_size(ROWS_AHEAD)
        .busy_timeout(limits.statement_timeout);
    let file = {
        // Two processes that switch a new file to WAL at once do not wait for each other: SQLite
        // tells one of them that it is locked. Dropped, the lock is let go.
        let _lock = lock_file_of(path).await?;
        // SQLite would create it as the umask says.
        files::create_if_missing(path).map_err(|source| at(path, source))?;
        SqliteFile::open(path, &options).await?
    };
    let file = Arc::new(file);
    let pool = async |guard: Guard, connections, options| -> Result<_, StoreError> {
        let checked = Arc::clone(&file);
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            // There is no network that could have dropped the connection.
            .test_before_acquire(false)
            .acquire_timeout(limits.acquire_timeout)
            // Later connections must not open another file that has taken the name.
            .after_connect(move |_, _| {
                let checked =
                    checked.check().map_err(|error| sqlx::Error::Io(io::Error::other(error)));
                std::future::ready(checked).boxed()
            });
        Ok(Pool::new(guard.watch(pool).connect_with(options).await?, guard))
    };
    let write = pool(Guard::of_file(Some(Arc::clone(&file))), 1, options.clone()).await?;
    check_pragmas(&write, durability).await?;
    let reading = options.pragma("query_only", "ON");
    let read = pool(Guard::of_file(None), limits.connections_max, reading).await?;
    Ok(Db::Sqlite { write, read })
}

/// Reads back what was asked for: a file system without shared memory silently refuses WAL.
async fn check_pragmas(pool: &Pool<Sqlite>, durability: Durability) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    let (journal,): (String,) =
        sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
    let (synchronous,): (i64,) =
        sqlx::query_as("PRAGMA synchronous").fetch_one(&mut *connection).await?;
    let expected = if durability == Durability::Full { 2 } else { 1 };
    if journal != "wal" || synchronous != expected {
        let found = format!("journal_mode={journal}, synchronous={synchronous}");
        return Err(StoreError::Corrupt { table: "pragma", column: "journal_mode", id: found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_we_can_open_are_taken() {
        for text in ["sqlite://data/a.db", "sqlite:///var/lib/a.db", "postgres://u:p@h/d"] {
            assert!(text.parse::<DatabaseUrl>().is_ok(), "{text}");
        }
        for text in ["", "sqlite://", "sqlite://:memory:", "sqlite://a.db?mode=ro", "mysql://h/d"] {
            assert!(text.parse::<DatabaseUrl>().is_err(), "{text}");
        }
    }
}
