//! Bringing the schema up to date: `migrations/postgres` and its twins for SQLite, where the meter
//! has a file, and so a folder, of its own.

use std::{fs::File, path::Path};

use sqlx::{
    Connection,
    migrate::{Migrate, Migrator},
    sqlite::SqliteConnection,
};

use super::{Db, StoreError};
use crate::files;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static SQLITE_METER: Migrator = sqlx::migrate!("migrations/sqlite-meter");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const TABLE: &str = "_sqlx_migrations";

impl Db {
    /// Applies the migrations that this database lacks. Any number of processes may call it at
    /// once: one works, the others wait and find nothing left to do.
    ///
    /// # Errors
    /// When a migration fails, or the database is newer than this program.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_with(&SQLITE).await
    }

    /// [`Db::migrate`] for the meter's database, which is a file of its own on SQLite and the
    /// same database on PostgreSQL.
    ///
    /// # Errors
    /// As [`Db::migrate`].
    pub async fn migrate_meter(&self) -> Result<(), StoreError> {
        self.migrate_with(&SQLITE_METER).await
    }

    /// How many migrations this database lacks, the meter's not counted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        self.pending_with(&SQLITE).await
    }

    /// [`Db::pending_migrations`] for the meter's database.
    ///
    /// # Errors
    /// As [`Db::pending_migrations`].
    pub async fn pending_meter_migrations(&self) -> Result<usize, StoreError> {
        self.pending_with(&SQLITE_METER).await
    }

    /// How many migrations were applied that this program does not know, the meter's not counted:
    /// a newer version of it was here.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unknown_migrations(&self) -> Result<usize, StoreError> {
        let (known, applied) = self.compare(&SQLITE).await?;
        Ok(applied.iter().filter(|version| !known.version_exists(**version)).count())
    }

    async fn migrate_with(&self, sqlite: &Migrator) -> Result<(), StoreError> {
        match self {
            Self::Postgres(pool) => POSTGRES.run(&**pool).await?,
            Self::Sqlite { write, .. } => {
                let mut connection = write.acquire().await?;
                // sqlx's own lock does nothing on SQLite; the file is let go when it is dropped.
                let _lock = lock_beside(&mut connection).await?;
                sqlite.run(&mut *connection).await?;
            }
        }
        Ok(())
    }

    async fn pending_with(&self, sqlite: &'static Migrator) -> Result<usize, StoreError> {
        let (known, applied) = self.compare(sqlite).await?;
        Ok(known.iter().filter(|migration| !applied.contains(&migration.version)).count())
    }

    /// The migrations that this program knows, and the versions that were applied.
    async fn compare(
        &self,
        sqlite: &'static Migrator,
    ) -> Result<(&'static Migrator, Vec<i64>), StoreError> {
        let (known, applied) = match self {
            Self::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                connection.ensure_migrations_table(TABLE).await?;
                (&POSTGRES, connection.list_applied_migrations(TABLE).await?)
            }
            Self::Sqlite { write, .. } => {
                let mut connection = write.acquire().await?;
                connection.ensure_migrations_table(TABLE).await?;
                (sqlite, connection.list_applied_migrations(TABLE).await?)
            }
        };
        Ok((known, applied.into_iter().map(|done| done.version).collect()))
    }
}

async fn lock_beside(connection: &mut SqliteConnection) -> Result<File, StoreError> {
    let (_, _, path): (i64, String, String) =
        sqlx::query_as("PRAGMA database_list").fetch_one(&mut *connection).await?;
    let file = lock_file_of(Path::new(&path)).await?;
    connection.ping().await?;
    Ok(file)
}

/// Waits for the lock of the database in the file `database`, and holds it until it is dropped.
pub(super) async fn lock_file_of(database: &Path) -> Result<File, StoreError> {
    let path = files::lock_of(database);
    let at = |source| StoreError::File { path: path.display().to_string(), source };
    let file = files::open(&path).map_err(at)?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    locked.map_err(|joined| at(joined.into()))?.map_err(at)
}
