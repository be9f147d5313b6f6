//! What every store of counts must do; one suite, run on each of them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pressgate::{
    clock::Timestamp,
    db::{Db, Durability, PoolLimits, StoreError},
    metering::{
        store::{Key, MeterStore, PostgresStore, Row, SqliteStore},
        tally::{Fingerprint, Tally},
    },
};
use sqlx::AssertSqlSafe;
use support::PostgresDatabase;
use tempfile::TempDir;
use uuid::Uuid;

const LIMITS: PoolLimits = PoolLimits {
    connections_max: 5,
    acquire_timeout: Duration::from_secs(5),
    statement_timeout: Duration::from_secs(5),
};

/// Statements that reach behind the store's back.
trait Behind {
    async fn run(&self, sql: &str);
    async fn probe_written(&self) -> Option<Timestamp>;
}

impl Behind for sqlx::SqlitePool {
    async fn run(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(self).await.unwrap();
    }

    async fn probe_written(&self) -> Option<Timestamp> {
        let sql = "SELECT checked_at FROM meter_probe";
        sqlx::query_scalar(sql).fetch_optional(self).await.unwrap()
    }
}

impl Behind for sqlx::PgPool {
    async fn run(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(self).await.unwrap();
    }

    async fn probe_written(&self) -> Option<Timestamp> {
        let sql = "SELECT checked_at FROM meter_probe";
        sqlx::query_scalar(sql).fetch_optional(self).await.unwrap()
    }
}

async fn sqlite() -> (SqliteStore, sqlx::SqlitePool, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("meter.db").display());
    let db = Db::open(&url.parse().unwrap(), LIMITS, Durability::Normal).await.unwrap();
    db.migrate_meter().await.unwrap();
    match db {
        Db::Sqlite { write, .. } => {
            let behind = sqlx::SqlitePool::clone(&write);
            (SqliteStore::new(write), behind, folder)
        }
        Db::Postgres(_) => unreachable!("the address names a file"),
    }
}

async fn postgres() -> (PostgresStore, sqlx::PgPool, PostgresDatabase) {
    let database = PostgresDatabase::create().await;
    let db = Db::open(&database.url.parse().unwrap(), LIMITS, Durability::Full).await.unwrap();
    db.migrate().await.unwrap();
    match db {
        Db::Postgres(pool) => {
            let behind = sqlx::PgPool::clone(&pool);
            (PostgresStore::new(pool), behind, database)
        }
        Db::Sqlite { .. } => unreachable!("the address names a server"),
    }
}

/// Runs a rule on both stores.
macro_rules! on_both_stores {
    ($(async fn $name:ident($store:ident, $behind:ident) $rule:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "some rules need little")]
            use super::*;

            async fn rule($store: impl MeterStore, $behind: impl Behind) {
                let _ = &$behind;
                $rule
            }

            #[tokio::test]
            async fn sqlite() {
                let (store, pool, _folder) = super::sqlite().await;
                rule(store, pool).await;
            }

            #[tokio::test]
            async fn postgres() {
                let (store, pool, database) = super::postgres().await;
                rule(store, pool.clone()).await;
                pool.close().await;
                database.drop().await;
            }
        }
    )+};
}

mod together;

fn start() -> Timestamp {
    Timestamp::parse("2026-11-23T04:05:06.000007Z").unwrap()
}

fn key(pool: &str, subject: u128) -> Key {
    Key { pool: Arc::from(pool), subject: Uuid::from_u128(subject) }
}

fn row(key: Key, version: i64, articles: &[&str]) -> Row {
    let articles = articles.iter().map(|article| Fingerprint::of("demo", article)).collect();
    let ends_at = start().plus(time::Duration::days(30));
    Row { key, tally: Tally { started_at: start(), articles, version }, ends_at }
}

async fn stored(store: &impl MeterStore, keys: &[Key]) -> BTreeMap<Key, Tally> {
    let loaded = store.load(keys).await.unwrap();
    let count = loaded.len();
    let by_key: BTreeMap<Key, Tally> = loaded.into_iter().collect();
    assert_eq!(by_key.len(), count, "each at most once");
    by_key
}

fn sorted(mut keys: Vec<Key>) -> Vec<Key> {
    keys.sort();
    keys
}

on_both_stores! {
    async fn what_was_saved_is_loaded_to_the_last_bit(store, behind) {
        let wanted = key("site/demo", 1);
        assert!(store.load(std::slice::from_ref(&wanted)).await.unwrap().is_empty());
        let first = row(wanted.clone(), i64::MAX / 4, &["a", "b", "c"]);
        let saved = store.save(std::slice::from_ref(&first)).await.unwrap();
        assert_eq!(saved.as_slice(), std::slice::from_ref(&wanted));
        let found = store.load(std::slice::from_ref(&wanted)).await.unwrap();
        assert_eq!(found, [(wanted, first.tally)]);
    }

    async fn a_pool_and_a_subject_together_are_the_key(store, behind) {
        let keys = [key("a", 1), key("a", 2), key("b", 1), key("A", 1), key("é'\"%_", 1)];
        let rows: Vec<Row> = keys
            .iter()
            .enumerate()
            .map(|(i, key)| row(key.clone(), i64::try_from(i).unwrap() * 1_024, &["x"]))
            .collect();
        assert_eq!(sorted(store.save(&rows).await.unwrap()), sorted(keys.to_vec()));
        let found = stored(&store, &keys).await;
        for row in &rows {
            assert_eq!(found.get(&row.key), Some(&row.tally));
        }
        assert_eq!(stored(&store, &keys[..2]).await.len(), 2);
        assert_eq!(stored(&store, &[key("a", 3), key("c", 1)]).await.len(), 0);
    }

    async fn only_the_next_version_replaces_what_is_stored(store, behind) {
        let wanted = key("site/demo", 1);
        let save = async |version, articles: &[&str]| {
            store.save(&[row(wanted.clone(), version, articles)]).await.unwrap()
        };
        assert_eq!(save(1_024, &["a"]).await.len(), 1);
        for stale in [0, 1_023, 1_026, 2_048, 0] {
            assert!(save(stale, &["z"]).await.is_empty(), "version {stale}");
        }
        assert!(save(1_024, &["z"]).await.is_empty(), "somebody else was first");
        let found = stored(&store, std::slice::from_ref(&wanted)).await;
        assert_eq!(found.get(&wanted), Some(&row(wanted.clone(), 1_024, &["a"]).tally));
        assert_eq!(save(1_025, &["a", "b"]).await.len(), 1);
        assert_eq!(save(1_026, &["c"]).await.len(), 1);
        assert!(save(1_026, &["d"]).await.is_empty());
        let found = stored(&store, std::slice::from_ref(&wanted)).await;
        assert_eq!(found.get(&wanted), Some(&row(wanted.clone(), 1_026, &["c"]).tally));
    }

    async fn a_batch_of_any_size_saves_what_it_may_and_names_it(store, behind) {
        for size in [0_u128, 1, 2, 3, 63, 64, 65, 127, 128, 129, 300] {
            let pool = format!("size-{size}");
            let keys: Vec<Key> = (0..size).map(|i| key(&pool, i)).collect();
            let rows: Vec<Row> =
                keys.iter().map(|key| row(key.clone(), 1_024, &["a"])).collect();
            assert_eq!(sorted(store.save(&rows).await.unwrap()), keys, "{size} new");
            assert_eq!(stored(&store, &keys).await.len(), keys.len(), "{size} loaded");

            // Every third one is a write on top of a version that nobody has stored.
            let stale = |i: usize| i % 3 == 1;
            let next: Vec<Row> = keys
                .iter()
                .enumerate()
                .map(|(i, key)| row(key.clone(), if stale(i) { 5 } else { 1_025 }, &["a", "b"]))
                .collect();
            let expected: Vec<Key> = next
                .iter()
                .enumerate()
                .filter(|(i, _)| !stale(*i))
                .map(|(_, row)| row.key.clone())
                .collect();
            assert_eq!(sorted(store.save(&next).await.unwrap()), expected, "{size} mixed");
            let found = stored(&store, &keys).await;
            for (i, key) in keys.iter().enumerate() {
                let (old, new) = (rows.get(i).unwrap(), next.get(i).unwrap());
                let expected = if stale(i) { &old.tally } else { &new.tally };
                assert_eq!(found.get(key), Some(expected), "{size}: row {i}");
            }
        }
    }

    async fn writers_at_once_replace_a_version_once(store, behind) {
        let wanted = key("site/demo", 1);
        store.save(&[row(wanted.clone(), 1_024, &["a"])]).await.unwrap();
        for version in 1_025..1_045 {
            let writers = (0..8).map(|i| {
                let article = format!("{version}-{i}");
                let row = row(wanted.clone(), version, &[article.as_str()]);
                let store = store.clone();
                tokio::spawn(async move { (store.save(&[row]).await.unwrap(), article) })
            });
            let done: Vec<_> = futures_util::future::join_all(writers).await;
            let winners: Vec<String> = done
                .into_iter()
                .map(Result::unwrap)
                .filter(|(saved, _)| !saved.is_empty())
                .map(|(_, article)| article)
                .collect();
            assert_eq!(winners.len(), 1, "{winners:?}");
            let found = stored(&store, std::slice::from_ref(&wanted)).await;
            let expected = Fingerprint::of("demo", winners.first().unwrap());
            assert_eq!(found.get(&wanted).unwrap().articles.as_slice(), [expected]);
        }
    }

    async fn batches_in_opposite_order_do_not_wait_for_each_other(store, behind) {
        let keys: Vec<Key> = (0..200).map(|i| key("site/demo", i)).collect();
        for version in 1_024..1_034 {
            let forward: Vec<Row> =
                keys.iter().map(|key| row(key.clone(), version, &["a"])).collect();
            let backward: Vec<Row> =
                keys.iter().rev().map(|key| row(key.clone(), version, &["b"])).collect();
            let (one, other) = tokio::join!(store.save(&forward), store.save(&backward));
            let (one, other) = (one.unwrap(), other.unwrap());
            let all = sorted(one.into_iter().chain(other).collect());
            assert_eq!(all, keys, "each by exactly one");
        }
    }

    async fn purging_takes_what_has_ended_and_nothing_else_in_steps(store, behind) {
        let mut rows: Vec<Row> =
            (0..10).map(|i| row(key("site/demo", i), 1_024, &["a"])).collect();
        let ends: Vec<Timestamp> =
            (0..10).map(|i| start().plus(time::Duration::microseconds(i))).collect();
        rows.iter_mut().zip(&ends).for_each(|(row, end)| row.ends_at = *end);
        store.save(&rows).await.unwrap();
        let left = async || {
            let keys: Vec<Key> = rows.iter().map(|row| row.key.clone()).collect();
            stored(&store, &keys).await.into_keys().collect::<Vec<Key>>()
        };
        let keys = |from: u128| (from..10).map(|i| key("site/demo", i)).collect::<Vec<Key>>();

        assert_eq!(store.purge(start(), 100).await.unwrap(), 0, "ends now, not before now");
        let seventh = *ends.get(7).unwrap();
        assert_eq!(store.purge(seventh, 3).await.unwrap(), 3);
        assert_eq!(left().await, keys(3), "the oldest first");
        assert_eq!(store.purge(seventh, 3).await.unwrap(), 3);
        assert_eq!(store.purge(seventh, 3).await.unwrap(), 1);
        assert_eq!(store.purge(seventh, 3).await.unwrap(), 0);
        assert_eq!(left().await, keys(7));
    }

    async fn a_probe_writes(store, behind) {
        assert_eq!(behind.probe_written().await, None);
        store.probe(start()).await.unwrap();
        assert_eq!(behind.probe_written().await, Some(start()));
        let later = start().plus(time::Duration::SECOND);
        store.probe(later).await.unwrap();
        assert_eq!(behind.probe_written().await, Some(later));
    }

    async fn a_row_that_cannot_be_is_an_error_with_its_address(store, behind) {
        let wanted = key("site/demo", 1);
        store.save(&[row(wanted.clone(), 1_024, &["a"])]).await.unwrap();
        // No fingerprint at all, and half of one.
        for broken in ["substr(articles, 1, 0)", "substr(articles, 1, 8)"] {
            let sql = format!("UPDATE meter_windows SET articles = {broken}");
            behind.run(&sql).await;
            let error = store.load(std::slice::from_ref(&wanted)).await.unwrap_err();
            let StoreError::Corrupt { table, column, id } = error else {
                unreachable!("another error: {error}")
            };
            assert_eq!((table, column), ("meter_windows", "articles"));
            assert_eq!(id, "site/demo/00000000-0000-0000-0000-000000000001");
            behind.run("DELETE FROM meter_windows").await;
            store.save(&[row(wanted.clone(), 1_024, &["a"])]).await.unwrap();
        }
    }
}
