//! Copying SQLite databases that are in use: several files, as all of them were at one instant.
//!
//! SQLite's own `VACUUM INTO` copies one file at a time, so two copies would be of two instants.
//! Here every file is locked against writers for as long as its write-ahead log takes to copy
//! (a few megabytes), and then held by a reader while the much larger database file is copied:
//! SQLite neither changes a page that a reader needs nor restarts the log under it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode},
};

use super::StoreError;
use crate::files;

/// A database file and where its copy goes.
#[derive(Debug, Clone)]
pub struct FileCopy {
    /// The database in use.
    pub from: PathBuf,
    /// The copy, which must not exist.
    pub to: PathBuf,
}

/// Copies database files that other processes may be writing to. The copies are of one instant,
/// complete, and need no write-ahead log beside them. Writers wait at most for the copying of the
/// logs; a writer that does not let go for `patience` is an error.
///
/// # Errors
/// [`StoreError`].
pub async fn copy_together(copies: &[FileCopy], patience: Duration) -> Result<(), StoreError> {
    // Closing a file lets go of every lock that this process holds on it, so what was opened here
    // stays open until SQLite's connections are closed.
    let mut open = Vec::new();
    let mut pinned = Vec::new();
    {
        let mut locked = Vec::new();
        for copy in copies {
            let mut writer = connect(&copy.from, patience).await?;
            sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await?;
            locked.push(writer);
        }
        for copy in copies {
            let mut reader = connect(&copy.from, patience).await?;
            sqlx::query("BEGIN").execute(&mut reader).await?;
            // The snapshot begins with the first read.
            sqlx::query("SELECT COUNT(*) FROM sqlite_schema").execute(&mut reader).await?;
            pinned.push(reader);
            let (from, to) = (beside(&copy.from, "-wal"), beside(&copy.to, "-wal"));
            if from.exists() {
                open.push(copy_bytes(from, to).await?);
            }
        }
        for mut writer in locked {
            sqlx::query("ROLLBACK").execute(&mut writer).await?;
            writer.close().await?;
        }
    }
    for copy in copies {
        open.push(copy_bytes(copy.from.clone(), copy.to.clone()).await?);
    }
    for reader in pinned {
        reader.close().await?;
    }
    drop(open);
    for copy in copies {
        fold(&copy.to, patience).await?;
    }
    Ok(())
}

/// How many rows each table of the database in `path` has, by name, after checking every page,
/// index and reference of it.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Corrupt`] where the check finds a fault.
pub async fn check_and_count(path: &Path) -> Result<Vec<(String, i64)>, StoreError> {
    let mut connection = connect(path, Duration::from_secs(1)).await?;
    let corrupt = |column, id| StoreError::Corrupt { table: "sqlite_schema", column, id };
    let (found,): (String,) =
        sqlx::query_as("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    if found != "ok" {
        return Err(corrupt("integrity_check", found));
    }
    let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut connection).await?;
    if let Some(row) = dangling {
        return Err(corrupt("foreign_key_check", row.try_get::<String, _>(0)?));
    }
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .fetch_all(&mut connection)
    .await?;
    let mut counts = Vec::new();
    for (table,) in tables {
        // A name from the schema itself, quoted as SQL quotes names.
        let sql = format!("SELECT COUNT(*) FROM \"{}\"", table.replace('"', "\"\""));
        let (count,): (i64,) =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
        counts.push((table, count));
    }
    connection.close().await?;
    Ok(counts)
}

async fn connect(path: &Path, patience: Duration) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(patience);
    Ok(options.connect().await?)
}

/// Writes the log of a copy into its database file.
async fn fold(path: &Path, patience: Duration) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(patience)
        .journal_mode(SqliteJournalMode::Delete);
    options.connect().await?.close().await?;
    Ok(())
}

/// Copies a file as it is, and leaves the original open.
async fn copy_bytes(from: PathBuf, to: PathBuf) -> Result<File, StoreError> {
    let at = |path: &Path, source| StoreError::File { path: path.display().to_string(), source };
    let name = from.clone();
    let copied = tokio::task::spawn_blocking(move || {
        let mut source = File::open(&from).map_err(|error| at(&from, error))?;
        let mut target = files::create_new(&to).map_err(|error| at(&to, error))?;
        io::copy(&mut source, &mut target).map_err(|error| at(&to, error))?;
        Ok(source)
    });
    copied.await.map_err(|joined| at(&name, joined.into()))?
}

/// The file that SQLite keeps beside a database under its name and `suffix`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
