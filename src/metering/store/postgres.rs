//! Counts in PostgreSQL, shared by any number of instances. A batch travels as arrays, so that
//! one statement serves any size and stays prepared.

use std::sync::Arc;

use sqlx::{PgExecutor, Postgres};
use uuid::Uuid;

use super::{Key, MeterStore, Row, articles_from_bytes, articles_to_bytes};
use crate::{
    clock::Timestamp,
    db::{Pool, StoreError},
    metering::tally::Tally,
};

/// Counts in PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: Pool<Postgres>,
}

impl PostgresStore {
    /// Keeps counts in the database behind `pool`.
    #[must_use]
    pub fn new(pool: Pool<Postgres>) -> Self {
        Self { pool }
    }

    async fn run<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        Ok(self.pool.guard().run(work).await?)
    }
}

type StoredRow = (String, Uuid, Timestamp, Vec<u8>, i64);

impl MeterStore for PostgresStore {
    async fn load(&self, keys: &[Key]) -> Result<Vec<(Key, Tally)>, StoreError> {
        let pools: Vec<&str> = keys.iter().map(|key| &*key.pool).collect();
        let subjects: Vec<Uuid> = keys.iter().map(|key| key.subject).collect();
        let load = sqlx::query_as(
            "SELECT w.pool, w.subject, w.started_at, w.articles, w.version
             FROM unnest($1::text[], $2::uuid[]) AS wanted (pool, subject)
             JOIN meter_windows w ON w.pool = wanted.pool AND w.subject = wanted.subject",
        )
        .bind(&pools)
        .bind(&subjects)
        .fetch_all(&*self.pool);
        let rows: Vec<StoredRow> = self.run(load).await?;
        rows.into_iter().map(tally_from_row).collect()
    }

    /// A single statement commits by itself.
    async fn save(&self, rows: &[Row]) -> Result<Vec<Key>, StoreError> {
        let saved = self.run(save_in(&*self.pool, rows)).await?;
        Ok(saved.into_iter().map(key_from_row).collect())
    }

    async fn save_all(&self, rows: &[Row]) -> Result<bool, StoreError> {
        let save = async {
            let mut tx = self.pool.begin().await?;
            let all = save_in(&mut *tx, rows).await?.len() == rows.len();
            if all {
                tx.commit().await?;
            } else {
                tx.rollback().await?;
            }
            Ok(all)
        };
        self.run(save).await
    }

    async fn purge(&self, before: Timestamp, most: i64) -> Result<u64, StoreError> {
        let purge = sqlx::query(
            "DELETE FROM meter_windows
             WHERE ends_at < $1 AND (pool, subject) IN (
                 SELECT pool, subject FROM meter_windows
                 WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)",
        )
        .bind(before)
        .bind(most)
        .execute(&*self.pool);
        Ok(self.run(purge).await?.rows_affected())
    }

    async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        let probe = sqlx::query(
            "INSERT INTO meter_probe (id, checked_at) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at",
        )
        .bind(now)
        .execute(&*self.pool);
        self.run(probe).await?;
        Ok(())
    }
}

/// Waits for another writer of the same row and then looks at the version again, so a lost race is
/// noticed under READ COMMITTED too. Rows go in the order of their keys, so that two batches cannot
/// wait for each other.
async fn save_in(
    on: impl PgExecutor<'_>,
    rows: &[Row],
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let pools: Vec<&str> = rows.iter().map(|row| &*row.key.pool).collect();
    let subjects: Vec<Uuid> = rows.iter().map(|row| row.key.subject).collect();
    let started: Vec<Timestamp> = rows.iter().map(|row| row.tally.started_at).collect();
    let ends: Vec<Timestamp> = rows.iter().map(|row| row.ends_at).collect();
    let articles: Vec<Vec<u8>> =
        rows.iter().map(|row| articles_to_bytes(&row.tally.articles)).collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.tally.version).collect();
    sqlx::query_as(
        "INSERT INTO meter_windows AS w
             (pool, subject, started_at, ends_at, articles, version)
         SELECT pool, subject, started_at, ends_at, articles, version
         FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::timestamptz[],
                     $5::bytea[], $6::bigint[])
              AS new (pool, subject, started_at, ends_at, articles, version)
         ON CONFLICT (pool, subject) DO UPDATE
         SET started_at = excluded.started_at, ends_at = excluded.ends_at,
             articles = excluded.articles, version = excluded.version
         WHERE w.version = excluded.version - 1
         RETURNING w.pool, w.subject",
    )
    .bind(&pools)
    .bind(&subjects)
    .bind(&started)
    .bind(&ends)
    .bind(&articles)
    .bind(&versions)
    .fetch_all(on)
    .await
}

fn key_from_row((pool, subject): (String, Uuid)) -> Key {
    Key { pool: Arc::from(pool), subject }
}

fn tally_from_row(row: StoredRow) -> Result<(Key, Tally), StoreError> {
    let (pool, subject, started_at, articles, version) = row;
    let key = key_from_row((pool, subject));
    let articles = articles_from_bytes(&articles, &key)?;
    Ok((key, Tally { started_at, articles, version }))
}
