//! Where the application of a story keeps its data.

use std::{ffi::OsString, fs, sync::Arc};

use pressgate::app::Databases;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{app::config, support::PostgresDatabase};

/// Where an application keeps its data.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Sqlite(Arc<TempDir>),
    Postgres(PostgresDatabase),
}

/// Brought up to date once, and copied for each story.
static SQLITE_TABLES: OnceCell<Vec<(OsString, Vec<u8>)>> = OnceCell::const_new();
static POSTGRES_TABLES: OnceCell<PostgresDatabase> = OnceCell::const_new();

impl Place {
    /// Nothing at all yet.
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Nothing at all yet.
    pub(crate) async fn postgres() -> Self {
        Self::Postgres(PostgresDatabase::create().await)
    }

    /// All tables, and nothing in them.
    pub(crate) async fn sqlite_with_tables() -> Self {
        let files = SQLITE_TABLES.get_or_init(async || {
            let folder = tempfile::tempdir().unwrap();
            let place = Self::Sqlite(Arc::new(folder));
            place.migrate().await;
            place.files()
        });
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files.await {
            fs::write(folder.path().join(name), content).unwrap();
        }
        Self::Sqlite(Arc::new(folder))
    }

    /// All tables, and nothing in them.
    pub(crate) async fn postgres_with_tables() -> Self {
        let tables = POSTGRES_TABLES.get_or_init(async || {
            let database = PostgresDatabase::create().await;
            Self::Postgres(database.clone()).migrate().await;
            database
        });
        Self::Postgres(tables.await.copy().await)
    }

    async fn migrate(&self) {
        let databases = Databases::open(&config(&self.url(), &[])).await.unwrap();
        databases.migrate().await.unwrap();
        // Only what nobody is connected to can be copied.
        databases.close().await;
    }

    fn files(&self) -> Vec<(OsString, Vec<u8>)> {
        let Self::Sqlite(folder) = self else { return Vec::new() };
        let files = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        files.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect()
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}", folder.path().join("t.db").display()),
            Self::Postgres(database) => database.url.clone(),
        }
    }

    pub(crate) async fn clear(&self) {
        if let Self::Postgres(database) = self {
            database.drop().await;
        }
    }
}
