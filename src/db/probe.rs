//! Whether the database can be used now: a small write, as little else as possible.

use std::time::Duration;

use sqlx::ConnectOptions;

use super::{Db, StoreError};
use crate::clock::Timestamp;

/// A server that answered nothing for this long is asked on a connection of its own.
const DIAL_AFTER: Duration = Duration::from_millis(500);

const WRITE: &str = "INSERT INTO write_probe (slot, checked_at) VALUES ($1, $2)
     ON CONFLICT (slot) DO UPDATE SET checked_at = excluded.checked_at";
const READ: &str = "SELECT id FROM sites LIMIT 1";

impl Db {
    /// Writes a little, and reads where that takes another connection.
    ///
    /// # Errors
    /// When this database cannot be used now; [`StoreError::is_late`] says that nothing refused.
    pub async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        // Processes that share a server share its rows without waiting for each other.
        let slot = i64::from(std::process::id() % 256);
        match self {
            Self::Sqlite { write, read } => {
                write.guard().check_file()?;
                let written = sqlx::query(WRITE).bind(slot).bind(now).execute(&**write);
                write.guard().run(written).await?;
                read.guard().run(sqlx::query(READ).execute(&**read)).await?;
                write.guard().check_file()
            }
            Self::Postgres(pool) => {
                let written = sqlx::query(WRITE).bind(slot).bind(now).execute(&**pool);
                let written = pool.guard().run(written);
                tokio::select! {
                    done = written => Ok(done.map(drop)?),
                    refused = self.refusal() => Err(refused),
                }
            }
        }
    }

    /// The pool tries again, silently, while a server refuses to be connected to. So this asks once,
    /// by itself, and ends only if it is refused.
    async fn refusal(&self) -> StoreError {
        tokio::time::sleep(DIAL_AFTER).await;
        if let Self::Postgres(pool) = self {
            match pool.connect_options().connect().await {
                Ok(connection) => drop(sqlx::Connection::close(connection).await),
                Err(error) => return error.into(),
            }
        }
        std::future::pending().await
    }
}
