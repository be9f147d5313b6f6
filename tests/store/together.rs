//! Rows that belong together: written every one or none, whoever else writes.

use futures_util::future::join_all;
use pressgate::{
    db::{Db, Durability},
    metering::store::{Key, MeterStore, PostgresStore, Row, SqliteStore},
};

use crate::{Behind, LIMITS, key, postgres, row, sqlite, stored};

on_both_stores! {
    async fn rows_of_any_number_are_written_together(store, behind) {
        for size in [0_u128, 1, 2, 63, 64, 65, 130] {
            let pool = format!("size-{size}");
            let keys: Vec<Key> = (0..size).map(|i| key(&pool, i)).collect();
            let rows = |version, article| {
                let rows = keys.iter().map(|key| row(key.clone(), version, &[article]));
                rows.collect::<Vec<Row>>()
            };
            assert!(store.save_all(&rows(1_024, "a")).await.unwrap());
            assert!(store.save_all(&rows(1_025, "b")).await.unwrap());
            let found = stored(&store, &keys).await;
            let expected = rows(1_025, "b").into_iter().map(|row| (row.key, row.tally));
            assert_eq!(found, expected.collect());
        }
    }

    async fn one_row_that_may_not_be_written_holds_back_all(store, behind) {
        for size in [2_u128, 64, 65, 130] {
            let pool = format!("size-{size}");
            let keys: Vec<Key> = (0..size).map(|i| key(&pool, i)).collect();
            let half = &keys[..keys.len() / 2];
            let first: Vec<Row> = half.iter().map(|key| row(key.clone(), 1_024, &["a"])).collect();
            assert!(store.save_all(&first).await.unwrap());
            // Of the stored half one has moved on; the other half would be new.
            for moved in [0, half.len() - 1] {
                let version = |i: usize| if i < half.len() && i != moved { 1_025 } else { 1_024 };
                let next: Vec<Row> = keys
                    .iter()
                    .enumerate()
                    .map(|(i, key)| row(key.clone(), version(i), &["b"]))
                    .collect();
                assert!(!store.save_all(&next).await.unwrap());
            }
            let found = stored(&store, &keys).await;
            assert_eq!(found, first.into_iter().map(|row| (row.key, row.tally)).collect());
        }
    }
}

/// Writers through two stores on one database: each wants a row of its own and one that all want.
async fn one_writer_gets_all_its_rows(stores: [impl MeterStore; 2]) {
    let shared = key("site/demo", 1_000);
    for version in 1_024..1_054 {
        let writers = (0..8_u128).map(|i| {
            let own = key(&format!("round-{version}"), i);
            let article = i.to_string();
            let mut rows =
                vec![row(own, 1_024, &[&article]), row(shared.clone(), version, &[&article])];
            // Some ask in the other order, and must not wait for each other for ever.
            rows.rotate_left(usize::from(i % 3 == 0));
            let store = stores[usize::from(i % 2 == 0)].clone();
            tokio::spawn(async move { store.save_all(&rows).await.unwrap() })
        });
        let done: Vec<bool> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().filter(|is_done| **is_done).count(), 1, "{done:?}");
        let winner = done.iter().position(|is_done| *is_done).unwrap();
        let own: Vec<Key> = (0..8).map(|i| key(&format!("round-{version}"), i)).collect();
        let mut keys = own.clone();
        keys.push(shared.clone());
        let found = stored(&stores[0], &keys).await;
        let article = winner.to_string();
        let expected = [
            row(own[winner].clone(), 1_024, &[&article]),
            row(shared.clone(), version, &[&article]),
        ];
        assert_eq!(found, expected.map(|row| (row.key, row.tally)).into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_sqlite_file() {
    let (store, pool, folder) = sqlite().await;
    let url = format!("sqlite://{}", folder.path().join("meter.db").display());
    let db = Db::open(&url.parse().unwrap(), LIMITS, Durability::Normal).await.unwrap();
    let Db::Sqlite { write, .. } = db else { unreachable!("the address names a file") };
    one_writer_gets_all_its_rows([store, SqliteStore::new(write)]).await;
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_postgres_database() {
    let (store, pool, database) = postgres().await;
    let db = Db::open(&database.url.parse().unwrap(), LIMITS, Durability::Full).await.unwrap();
    let Db::Postgres(other) = db else { unreachable!("the address names a server") };
    one_writer_gets_all_its_rows([store, PostgresStore::new(other.clone())]).await;
    other.close().await;
    pool.close().await;
    database.drop().await;
}
