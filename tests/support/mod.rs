//! What all test crates share: a PostgreSQL database of one's own.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A fresh, empty database on the server that `./scripts/test` started.
#[derive(Debug, Clone)]
pub(crate) struct PostgresDatabase {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl PostgresDatabase {
    pub(crate) async fn create() -> Self {
        Self::created_by("").await
    }

    /// A copy of this one, to which nobody may be connected.
    #[allow(dead_code, reason = "not every test crate copies")]
    pub(crate) async fn copy(&self) -> Self {
        Self::created_by(&format!("TEMPLATE {}", self.name)).await
    }

    async fn created_by(how: &str) -> Self {
        let count = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("pressgate_test_{}_{count}", std::process::id());
        administer(&format!("CREATE DATABASE {name} {how}")).await;
        let (server, _) =
            server_url().rsplit_once('/').map(|(s, d)| (s.to_owned(), d.to_owned())).unwrap();
        Self { url: format!("{server}/{name}"), name }
    }

    /// Best effort: the whole server is thrown away after the tests.
    pub(crate) async fn drop(&self) {
        administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await;
    }
}

/// Runs one statement as the server's owner, outside any test's database.
pub(crate) async fn administer(sql: &str) {
    let mut connection = connect_as_owner().await;
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

pub(crate) async fn connect_as_owner() -> PgConnection {
    PgConnection::connect(&server_url()).await.unwrap()
}

fn server_url() -> String {
    let set = std::env::var("PRESSGATE_TEST_POSTGRES_URL");
    set.expect("run ./scripts/test, which starts PostgreSQL")
}
