//! Counts in a SQLite file of their own. Each statement to SQLite is a trip to its thread and
//! back, so a batch travels as the values of one statement; batches of every size are cut into
//! powers of two, so that a handful of statements stay prepared.

use std::{fmt::Write, sync::Arc, sync::LazyLock};

use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::{Key, MeterStore, Row, articles_from_bytes, articles_to_bytes};
use crate::{clock::Timestamp, db::StoreError, metering::tally::Tally};

/// The largest chunk is 2 to this power; SQLite takes 32,766 values a statement.
const CHUNK_POWER_MAX: usize = 7;

static LOAD: LazyLock<Vec<String>> = LazyLock::new(|| {
    statements(|size| {
        format!(
            "WITH wanted (pool, subject) AS (VALUES {})
             SELECT w.pool, w.subject, w.started_at, w.articles, w.version
             FROM wanted CROSS JOIN meter_windows w
             ON w.pool = wanted.pool AND w.subject = wanted.subject",
            placeholders(size, "(?, ?)")
        )
    })
});

static SAVE: LazyLock<Vec<String>> = LazyLock::new(|| {
    statements(|size| {
        format!(
            "INSERT INTO meter_windows (pool, subject, started_at, ends_at, articles, version)
             VALUES {}
             ON CONFLICT (pool, subject) DO UPDATE
             SET started_at = excluded.started_at, ends_at = excluded.ends_at,
                 articles = excluded.articles, version = excluded.version
             WHERE version = excluded.version - 1
             RETURNING pool, subject",
            placeholders(size, "(?, ?, ?, ?, ?, ?)")
        )
    })
});

fn statements(of_size: impl Fn(usize) -> String) -> Vec<String> {
    (0..=CHUNK_POWER_MAX).map(|power| of_size(1 << power)).collect()
}

fn placeholders(count: usize, one: &str) -> String {
    let mut all = String::with_capacity(count * (one.len() + 2));
    for i in 0..count {
        // Writing into a `String` cannot fail.
        let _ = write!(all, "{}{one}", if i == 0 { "" } else { ", " });
    }
    all
}

/// Cuts `items` into chunks, each with the text of the statement made for its size.
fn chunks<'a, T>(
    mut items: &'a [T],
    statements: &'static [String],
) -> impl Iterator<Item = (&'static str, &'a [T])> {
    std::iter::from_fn(move || {
        let power = items.len().checked_ilog2()?.min(u32::try_from(CHUNK_POWER_MAX).ok()?);
        let statement = statements.get(usize::try_from(power).ok()?)?;
        let (chunk, rest) = items.split_at_checked(1 << power)?;
        items = rest;
        Some((statement.as_str(), chunk))
    })
}

/// Counts in a SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Keeps counts in the file behind `pool`, the one connection that writes to it.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }
}

type StoredRow = (String, Uuid, Timestamp, Vec<u8>, i64);

impl MeterStore for SqliteStore {
    async fn load(&self, keys: &[Key]) -> Result<Vec<(Key, Tally)>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut found = Vec::with_capacity(keys.len());
        for (sql, chunk) in chunks(keys, &LOAD) {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for key in chunk {
                query = query.bind(&*key.pool).bind(key.subject);
            }
            let rows: Vec<StoredRow> = query.fetch_all(&mut *connection).await?;
            for row in rows {
                found.push(tally_from_row(row)?);
            }
        }
        Ok(found)
    }

    async fn save(&self, rows: &[Row]) -> Result<Vec<Key>, StoreError> {
        // One statement is a transaction by itself.
        if rows.len().is_power_of_two() && rows.len() <= 1 << CHUNK_POWER_MAX {
            return save_in(&mut *self.pool.acquire().await?, rows).await;
        }
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let saved = save_in(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(saved)
    }

    async fn purge(&self, before: Timestamp, most: i64) -> Result<u64, StoreError> {
        let purged = sqlx::query(
            "DELETE FROM meter_windows
             WHERE (pool, subject) IN (
                 SELECT pool, subject FROM meter_windows
                 WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)",
        )
        .bind(before)
        .bind(most)
        .execute(&self.pool)
        .await?;
        Ok(purged.rows_affected())
    }

    async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO meter_probe (id, checked_at) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at",
        )
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

async fn save_in(on: &mut SqliteConnection, rows: &[Row]) -> Result<Vec<Key>, StoreError> {
    let mut saved = Vec::with_capacity(rows.len());
    for (sql, chunk) in chunks(rows, &SAVE) {
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for row in chunk {
            query = query
                .bind(&*row.key.pool)
                .bind(row.key.subject)
                .bind(row.tally.started_at)
                .bind(row.ends_at)
                .bind(articles_to_bytes(&row.tally.articles))
                .bind(row.tally.version);
        }
        let keys: Vec<(String, Uuid)> = query.fetch_all(&mut *on).await?;
        saved.extend(keys.into_iter().map(key_from_row));
    }
    Ok(saved)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_batch_is_cut_into_prepared_sizes() {
        let items: Vec<usize> = (0..300).collect();
        let cut: Vec<usize> = chunks(&items, &LOAD).map(|(_, chunk)| chunk.len()).collect();
        assert_eq!(cut, [128, 128, 32, 8, 4]);
        assert_eq!(chunks(&items[..0], &LOAD).count(), 0);
    }
}
