//! Limits count exactly, whoever counts, and keep nobody out for longer than they must.

use futures_util::future::join_all;
use pressgate::{
    auth::{
        limit_store::{LimitError, LimitKey, check, clear, purge, record, take},
        limits::{Policy, RetryAfter},
    },
    clock::Clock,
    mail::address::Address,
};
use time::Duration;

use crate::app::TestApp;

const KEY: fn(&str) -> LimitKey = LimitKey::login;

fn policy() -> Policy {
    Policy::new(5, Duration::minutes(1))
}

fn said(outcome: Result<(), LimitError>) -> Option<i64> {
    match outcome {
        Ok(()) => None,
        Err(LimitError::Exceeded(RetryAfter(wait))) => Some(wait.whole_seconds()),
        Err(LimitError::Store(error)) => unreachable!("{error}"),
    }
}

/// Seconds to wait before one more; `None` when it may be tried.
async fn wait(t: &TestApp, key: LimitKey) -> Option<i64> {
    let mut tx = t.state.databases.main.read().await.unwrap();
    said(check(&mut tx, key, policy(), t.clock.now()).await)
}

async fn fail(t: &TestApp, key: LimitKey) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    record(&mut tx, key, policy(), t.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn ask(t: &TestApp, key: LimitKey) -> Option<i64> {
    let mut tx = t.state.databases.main.write().await.unwrap();
    let taken = take(&mut tx, key, policy(), t.clock.now()).await;
    tx.commit().await.unwrap();
    said(taken)
}

/// Asks `count` times at once, in turn through each of `processes`: how many passed.
async fn ask_at_once(processes: &[TestApp], key: LimitKey, count: usize) -> usize {
    let asked = (0..count).map(|i| {
        let t = processes[i % processes.len()].clone();
        tokio::spawn(async move { ask(&t, key).await })
    });
    let waits = join_all(asked).await.into_iter().map(Result::unwrap);
    waits.filter(Option::is_none).count()
}

on_both_databases! {
    async fn of_fifty_at_once_exactly_the_burst_passes(t: TestApp) {
        for round in 0..10 {
            let key = KEY(&format!("anna{round}@example.org"));
            assert_eq!(ask_at_once(std::slice::from_ref(&t), key, 50).await, 5);
        }
    }

    async fn two_processes_pass_the_burst_together_and_then_one_a_minute(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        let key = KEY("anna@example.org");
        assert_eq!(ask_at_once(&processes, key, 50).await, 5);
        for _ in 0..3 {
            t.clock.advance(Duration::seconds(59));
            assert_eq!(ask(&t, key).await, Some(1));
            t.clock.advance(Duration::seconds(1));
            assert_eq!(ask_at_once(&processes, key, 20).await, 1);
        }
    }

    async fn failures_at_once_all_count_and_a_flood_keeps_nobody_out_for_long(t: TestApp) {
        let (six, flood) = (KEY("six@example.org"), KEY("flood@example.org"));
        join_all((0..6).map(|_| fail(&t, six))).await;
        assert_eq!(wait(&t, six).await, Some(120));
        join_all((0..60).map(|_| fail(&t, flood))).await;
        assert_eq!(wait(&t, flood).await, Some(360));
        t.clock.advance(Duration::seconds(360));
        assert_eq!((wait(&t, six).await, wait(&t, flood).await), (None, None));
    }

    async fn asking_whether_changes_nothing_and_a_success_sets_the_count_back(t: TestApp) {
        let key = KEY("anna@example.org");
        for _ in 0..4 {
            fail(&t, key).await;
        }
        for _ in 0..20 {
            assert_eq!(wait(&t, key).await, None);
        }
        fail(&t, key).await;
        assert_eq!(wait(&t, key).await, Some(60));
        assert_eq!(wait(&t, KEY("bert@example.org")).await, None);
        let anna = Address::parse("anna@example.org").unwrap();
        assert_eq!(wait(&t, LimitKey::mail(&anna)).await, None);

        let mut tx = t.state.databases.main.write().await.unwrap();
        clear(&mut tx, key).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(wait(&t, key).await, None);
    }

    async fn a_restart_forgets_nothing_and_a_clock_set_back_locks_nobody_out(t: TestApp) {
        let key = KEY("anna@example.org");
        t.clock.advance(Duration::days(31));
        for _ in 0..5 {
            fail(&t, key).await;
        }
        let after = t.another_process().await;
        assert_eq!(wait(&after, key).await, Some(60));
        t.clock.advance(Duration::days(-31));
        assert_eq!((wait(&t, key).await, ask(&t, key).await), (None, None));
        assert_eq!(ask_at_once(std::slice::from_ref(&t), key, 20).await, 4);
    }

    async fn what_is_owed_no_more_is_forgotten_in_steps(t: TestApp) {
        for i in 0..5 {
            fail(&t, KEY(&format!("{i}@example.org"))).await;
        }
        t.clock.advance(Duration::minutes(1));
        let forget = async |most| {
            let mut tx = t.state.databases.main.write().await.unwrap();
            let forgotten = purge(&mut tx, t.clock.now(), most).await.unwrap();
            tx.commit().await.unwrap();
            forgotten
        };
        assert_eq!(forget(10).await, 0);
        t.clock.advance(Duration::microseconds(1));
        assert_eq!((forget(3).await, forget(3).await, forget(3).await), (3, 2, 0));
    }

    async fn an_address_is_not_kept_in_plain(t: TestApp) {
        fail(&t, KEY("anna@example.org")).await;
        let mut tx = t.state.databases.main.read().await.unwrap();
        let rows: Vec<(Vec<u8>,)> = tx.query("SELECT key FROM limits LIMIT 9").all().await.unwrap();
        assert!(rows.len() == 1 && rows[0].0.len() == 32, "{rows:?}");
    }
}
