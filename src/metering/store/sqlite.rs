//! Counts in a SQLite file of their own. Each statement to SQLite is a trip to its thread and
//! back, and so is each row that returns; so a batch travels as the values of one statement, and
//! what became of it comes back as one number.

use std::{fmt::Write, sync::Arc, sync::LazyLock};

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};
use uuid::Uuid;

use super::{Key, MeterStore, Row, articles_from_bytes, articles_to_bytes};
use crate::{
    clock::Timestamp,
    db::{Pool, StoreError},
    metering::tally::Tally,
};

/// Most rows in one statement. There is a statement for each size up to this one, and the
/// connection keeps them all prepared.
pub(crate) const CHUNK_MAX: usize = 64;

static LOAD: LazyLock<Vec<String>> = LazyLock::new(|| {
    statements("(?, ?)", |values| {
        format!(
            "WITH wanted (pool, subject) AS (VALUES {values})
             SELECT w.pool, w.subject, w.started_at, w.articles, w.version
             FROM wanted CROSS JOIN meter_windows w
             ON w.pool = wanted.pool AND w.subject = wanted.subject"
        )
    })
});

static SAVE: LazyLock<Vec<String>> = LazyLock::new(|| {
    statements("(?, ?, ?, ?, ?, ?)", |values| {
        format!(
            "INSERT INTO meter_windows (pool, subject, started_at, ends_at, articles, version)
             VALUES {values}
             ON CONFLICT (pool, subject) DO UPDATE
             SET started_at = excluded.started_at, ends_at = excluded.ends_at,
                 articles = excluded.articles, version = excluded.version
             WHERE version = excluded.version - 1"
        )
    })
});

/// One text for each number of rows from 1 to [`CHUNK_MAX`].
fn statements(one: &str, with_values: impl Fn(&str) -> String) -> Vec<String> {
    let mut values = one.to_owned();
    let mut all = Vec::with_capacity(CHUNK_MAX);
    for _ in 0..CHUNK_MAX {
        all.push(with_values(&values));
        // Writing into a `String` cannot fail.
        let _ = write!(values, ", {one}");
    }
    all
}

/// Cuts `items` into chunks, each with the text of the statement made for its size.
fn chunks<'a, T>(
    items: &'a [T],
    statements: &'static [String],
) -> impl Iterator<Item = (&'static str, &'a [T])> {
    let statement = |chunk: &[T]| statements.get(chunk.len() - 1).map_or("", String::as_str);
    items.chunks(CHUNK_MAX).map(move |chunk| (statement(chunk), chunk))
}

/// Counts in a SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: Pool<Sqlite>,
}

impl SqliteStore {
    /// Keeps counts in the file behind `pool`, the one connection that writes to it.
    #[must_use]
    pub fn new(pool: Pool<Sqlite>) -> Self {
        Self { pool }
    }
}

impl SqliteStore {
    /// Waits for a write, and for the certainty that it went into the file that has the name.
    async fn write<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let done = self.pool.guard().run(work).await?;
        self.pool.guard().check_file()?;
        Ok(done)
    }

    /// Which of `rows` stand as they were to be written. Another process may have written the
    /// very same count; then it is as good as ours.
    async fn written_among(&self, rows: &[Row]) -> Result<Vec<Key>, StoreError> {
        let keys: Vec<Key> = rows.iter().map(|row| row.key.clone()).collect();
        let stored = self.load(&keys).await?;
        let stands = |row: &&Row| stored.iter().any(|(k, t)| *k == row.key && *t == row.tally);
        Ok(rows.iter().filter(stands).map(|row| row.key.clone()).collect())
    }
}

type StoredRow = (String, Uuid, Timestamp, Vec<u8>, i64);

impl MeterStore for SqliteStore {
    async fn load(&self, keys: &[Key]) -> Result<Vec<(Key, Tally)>, StoreError> {
        let load = async {
            let mut connection = self.pool.acquire().await?;
            let mut found: Vec<StoredRow> = Vec::with_capacity(keys.len());
            for (sql, chunk) in chunks(keys, &LOAD) {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for key in chunk {
                    query = query.bind(&*key.pool).bind(key.subject);
                }
                found.append(&mut query.fetch_all(&mut *connection).await?);
            }
            Ok(found)
        };
        let found = self.pool.guard().run(load).await?;
        found.into_iter().map(tally_from_row).collect()
    }

    async fn save(&self, rows: &[Row]) -> Result<Vec<Key>, StoreError> {
        let save = async {
            // One statement is a transaction by itself.
            if rows.len() <= CHUNK_MAX {
                return save_in(&mut *self.pool.acquire().await?, rows).await;
            }
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let written = save_in(&mut tx, rows).await?;
            tx.commit().await?;
            Ok(written)
        };
        let written = self.write(save).await?;
        if usize::try_from(written) == Ok(rows.len()) {
            return Ok(rows.iter().map(|row| row.key.clone()).collect());
        }
        self.written_among(rows).await
    }

    async fn save_all(&self, rows: &[Row]) -> Result<bool, StoreError> {
        let save = async {
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let all = usize::try_from(save_in(&mut tx, rows).await?) == Ok(rows.len());
            if all {
                tx.commit().await?;
            } else {
                tx.rollback().await?;
            }
            Ok(all)
        };
        self.write(save).await
    }

    async fn purge(&self, before: Timestamp, most: i64) -> Result<u64, StoreError> {
        let purge = sqlx::query(
            "DELETE FROM meter_windows
             WHERE (pool, subject) IN (
                 SELECT pool, subject FROM meter_windows
                 WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)",
        )
        .bind(before)
        .bind(most)
        .execute(&*self.pool);
        Ok(self.write(purge).await?.rows_affected())
    }

    async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        let probe = sqlx::query(
            "INSERT INTO meter_probe (id, checked_at) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at",
        )
        .bind(now)
        .execute(&*self.pool);
        self.write(probe).await.map(drop)
    }
}

async fn save_in(on: &mut SqliteConnection, rows: &[Row]) -> Result<u64, sqlx::Error> {
    let mut written = 0;
    for (sql, chunk) in chunks(rows, &SAVE) {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in chunk {
            query = query
                .bind(&*row.key.pool)
                .bind(row.key.subject)
                .bind(row.tally.started_at)
                .bind(row.ends_at)
                .bind(articles_to_bytes(&row.tally.articles))
                .bind(row.tally.version);
        }
        written += query.execute(&mut *on).await?.rows_affected();
    }
    Ok(written)
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
        let items: Vec<usize> = (0..150).collect();
        let cut: Vec<_> = chunks(&items, &LOAD)
            .map(|(sql, chunk)| (chunk.len(), sql.matches("(?, ?)").count()))
            .collect();
        assert_eq!(cut, [(64, 64), (64, 64), (22, 22)]);
        assert_eq!(chunks(&items[..0], &LOAD).count(), 0);
    }
}
