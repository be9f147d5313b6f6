//! Writes that wait in their transaction until somebody asks, or commits.

use pressgate::db::{StoreError, Tx};

use crate::app::TestApp;

/// More than are handed over at once.
const MANY: i64 = 40;

async fn writing(t: &TestApp) -> Tx {
    t.state.databases.main.write().await.unwrap()
}

fn add(tx: &mut Tx, key: u8) {
    tx.later("INSERT INTO limits (key, arrival) VALUES ($1, $2)").bind(vec![key; 32]).bind(0_i64);
}

fn set(tx: &mut Tx, key: u8, arrival: i64) {
    tx.later("UPDATE limits SET arrival = $2 WHERE key = $1").bind(vec![key; 32]).bind(arrival);
}

async fn arrivals(tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
    let rows = tx.query("SELECT arrival FROM limits ORDER BY key").all::<(i64,)>().await?;
    Ok(rows.into_iter().map(|(arrival,)| arrival).collect())
}

on_both_databases! {
    async fn what_waits_is_seen_by_the_next_question_and_is_gone_with_its_transaction(t: TestApp) {
        let mut tx = writing(&t).await;
        add(&mut tx, 1);
        set(&mut tx, 1, 7);
        assert_eq!(arrivals(&mut tx).await.unwrap(), [7]);
        add(&mut tx, 2);
        drop(tx);
        assert!(arrivals(&mut writing(&t).await).await.unwrap().is_empty());
    }

    async fn what_waits_is_written_in_its_order_before_the_commit(t: TestApp) {
        let mut tx = writing(&t).await;
        for key in [1, 2] {
            add(&mut tx, key);
        }
        for arrival in 1..=MANY {
            set(&mut tx, 1, arrival);
            set(&mut tx, 2, -arrival);
        }
        let three = tx.later_rows("INSERT INTO limits (key, arrival) VALUES", (3, 2), "");
        (3..6_u8).fold(three, |later, key| later.bind(vec![key; 32]).bind(i64::from(key)));
        tx.commit().await.unwrap();
        let mut tx = t.state.databases.main.read().await.unwrap();
        assert_eq!(arrivals(&mut tx).await.unwrap(), [MANY, -MANY, 3, 4, 5]);
    }

    async fn a_write_that_is_refused_fails_what_comes_next_and_changes_nothing(t: TestApp) {
        let mut tx = writing(&t).await;
        add(&mut tx, 1);
        add(&mut tx, 1);
        let failed = arrivals(&mut tx).await.unwrap_err();
        assert!(matches!(failed, StoreError::Database(_)), "who asks has doubled nothing: {failed}");
        drop(tx);
        let mut tx = writing(&t).await;
        add(&mut tx, 1);
        add(&mut tx, 1);
        assert!(tx.commit().await.is_err());
        assert!(arrivals(&mut writing(&t).await).await.unwrap().is_empty());
    }
}
