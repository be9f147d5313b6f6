//! The installation's databases.

use std::path::{Path, PathBuf};

use super::exposure;
use crate::{
    config::Config,
    db::{DatabaseUrl, Db, Durability, StoreError},
};

/// Both databases: the installation's, and the meter's (the same one on PostgreSQL).
#[derive(Debug, Clone)]
pub struct Databases {
    /// Sites, keys, and all that matters.
    pub main: Db,
    /// Counts.
    pub meter: Db,
}

/// The two files of an installation on SQLite: the main database at `path`, and the meter's beside
/// it. The hot path's writes do not wait for the others', nor the others for them.
#[must_use]
pub fn sqlite_files(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), path.with_extension("meter.db")]
}

impl Databases {
    /// Opens both, and takes the permissions of other users away from their files.
    ///
    /// # Errors
    /// When one cannot be used.
    pub async fn open(config: &Config) -> Result<Self, StoreError> {
        exposure::narrow(&config.database.url);
        Self::open_as_they_are(config).await
    }

    /// Opens both, and leaves permissions as they are.
    ///
    /// # Errors
    /// When one cannot be used.
    pub async fn open_as_they_are(config: &Config) -> Result<Self, StoreError> {
        let database = &config.database;
        let main = Db::open(&database.url, database.limits, Durability::Full).await?;
        let meter = match &database.url {
            DatabaseUrl::Postgres(_) => main.clone(),
            DatabaseUrl::Sqlite(path) => {
                let [_, meter] = sqlite_files(path);
                let url = DatabaseUrl::Sqlite(meter);
                Db::open(&url, database.limits, config.meter.durability).await?
            }
        };
        Ok(Self { main, meter })
    }

    /// Whether the meter's counts are kept apart from the rest.
    #[must_use]
    pub fn has_own_meter(&self) -> bool {
        matches!(self.meter, Db::Sqlite { .. })
    }

    /// The files that these settings name and that are not there.
    #[must_use]
    pub fn missing_files(config: &Config) -> Vec<PathBuf> {
        let DatabaseUrl::Sqlite(path) = &config.database.url else { return Vec::new() };
        sqlite_files(path).into_iter().filter(|file| !file.exists()).collect()
    }

    /// Brings both up to date.
    ///
    /// # Errors
    /// When a migration fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.main.migrate().await?;
        self.meter.migrate_meter().await
    }

    /// How many migrations are missing.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let meter = match &self.meter {
            Db::Postgres(_) => 0, // The same database, counted once.
            Db::Sqlite { .. } => self.meter.pending_meter_migrations().await?,
        };
        Ok(self.main.pending_migrations().await? + meter)
    }

    /// How many migrations were applied that this program does not know.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unknown_migrations(&self) -> Result<usize, StoreError> {
        self.main.unknown_migrations().await
    }

    /// Closes both.
    pub async fn close(&self) {
        self.meter.close().await;
        self.main.close().await;
    }
}
