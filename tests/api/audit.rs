//! The audit log: whatever is done to it behind the service's back is found.

use base64::{Engine, engine::general_purpose::STANDARD};
use pressgate::{
    audit::{
        anchor::AnchorError,
        anchor_file::{AnchorFile, AnchorMetrics, read_required},
        chain::{ChainKey, Fault, Head},
        model::{Action, Actor, Entry},
        store::{self, VerifyError},
    },
    auth::seal::MasterKey,
    clock::Clock,
    db::{Db, StoreError},
};
use sqlx::AssertSqlSafe;

use crate::app::TestApp;

fn key(t: &TestApp) -> ChainKey {
    ChainKey::of(&t.state.config.master)
}

async fn append(t: &TestApp, id: i64) -> i64 {
    let entry = Entry::new(t.clock.now(), Actor::System, Action::ReaderExported).on("reader", id);
    let mut tx = t.state.databases.main.write().await.unwrap();
    let seq = store::append(&mut tx, &key(t), &entry).await.unwrap();
    tx.commit().await.unwrap();
    seq
}

async fn verify(t: &TestApp) -> Result<Head, VerifyError> {
    store::verify(&mut t.state.databases.main.read().await.unwrap(), &key(t)).await
}

/// How many entries the log has before the story adds any.
async fn begun(t: &TestApp) -> i64 {
    verify(t).await.unwrap().seq
}

async fn fault(t: &TestApp) -> Fault {
    match verify(t).await {
        Err(VerifyError::Fault(fault)) => fault,
        other => unreachable!("not found: {other:?}"),
    }
}

/// What somebody can do who holds the database and not the key.
async fn behind(t: &TestApp, sql: &str) -> Result<(), sqlx::Error> {
    let sql = AssertSqlSafe(sql.to_owned());
    match &t.state.databases.main {
        Db::Sqlite { write, .. } => sqlx::raw_sql(sql).execute(&**write).await.map(drop),
        Db::Postgres(pool) => sqlx::raw_sql(sql).execute(&**pool).await.map(drop),
    }
}

async fn drop_triggers(t: &TestApp) {
    let sql = match t.state.databases.main {
        Db::Sqlite { .. } => {
            "DROP TRIGGER audit_log_is_not_changed; DROP TRIGGER audit_log_is_not_deleted"
        }
        Db::Postgres(_) => "DROP TRIGGER audit_log_only_grows ON audit_log",
    };
    behind(t, sql).await.unwrap();
}

/// A log with `count` more entries, whose guards are gone; the place before the first of them.
async fn unguarded(t: &TestApp, count: i64) -> i64 {
    let begun = begun(t).await;
    for i in 1..=count {
        append(t, i).await;
    }
    drop_triggers(t).await;
    begun
}

on_both_databases! {
    async fn appends_of_many_processes_at_once_form_one_chain(t: TestApp) {
        let begun = begun(&t).await;
        let another = t.another_process().await;
        let writers = (0..50).map(|i| {
            let t = if i % 2 == 0 { t.clone() } else { another.clone() };
            tokio::spawn(async move { append(&t, i).await })
        });
        let places = futures_util::future::join_all(writers).await;
        let mut places: Vec<i64> = places.into_iter().map(Result::unwrap).collect();
        places.sort_unstable();
        assert_eq!(places, (begun + 1..=begun + 50).collect::<Vec<i64>>());
        assert_eq!(verify(&t).await.unwrap().seq, begun + 50);
        assert_eq!(verify(&another).await.unwrap().seq, begun + 50);
    }

    async fn a_change_that_is_rolled_back_leaves_no_entry(t: TestApp) {
        let begun = begun(&t).await;
        let entry = Entry::new(t.clock.now(), Actor::System, Action::KeysRotated);
        let mut tx = t.state.databases.main.write().await.unwrap();
        assert_eq!(store::append(&mut tx, &key(&t), &entry).await.unwrap(), begun + 1);
        drop(tx);
        assert_eq!(append(&t, 1).await, begun + 1, "the place is taken by the next");
        assert_eq!(verify(&t).await.unwrap().seq, begun + 1);
    }

    async fn a_log_longer_than_a_page_is_read_to_its_end(t: TestApp) {
        let begun = begun(&t).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        for i in 1..=1_001_i64 {
            let entry =
                Entry::new(t.clock.now(), Actor::System, Action::ReaderErased).on("reader", i);
            store::append(&mut tx, &key(&t), &entry).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(verify(&t).await.unwrap().seq, begun + 1_001);

        let mut tx = t.state.databases.main.read().await.unwrap();
        let last = store::list(&mut tx, None, 2).await.unwrap();
        let ids: Vec<_> = last.iter().map(|record| record.target_id.as_deref()).collect();
        assert_eq!(ids, [Some("1001"), Some("1000")]);
        let before = last.last().map(|record| record.seq);
        let earlier = store::list(&mut tx, before, i64::MAX).await.unwrap();
        assert_eq!(earlier.len(), 500, "a list has an end");
        assert_eq!(earlier[0].target_id.as_deref(), Some("999"));
    }

    async fn the_database_itself_refuses_to_change_an_entry(t: TestApp) {
        append(&t, 1).await;
        for sql in ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log"] {
            let refused = behind(&t, sql).await.unwrap_err().to_string();
            assert!(refused.contains("audit_log only grows"), "{refused}");
        }
        assert!(verify(&t).await.is_ok());
    }

    async fn an_entry_taken_away_is_missed(t: TestApp) {
        let begun = unguarded(&t, 5).await;
        let sql = format!("DELETE FROM audit_log WHERE seq = {}", begun + 3);
        behind(&t, &sql).await.unwrap();
        assert_eq!(fault(&t).await, Fault::Missing(begun + 3));
    }

    async fn the_last_entry_taken_away_is_missed(t: TestApp) {
        let begun = unguarded(&t, 5).await;
        let sql = format!("DELETE FROM audit_log WHERE seq = {}", begun + 5);
        behind(&t, &sql).await.unwrap();
        assert_eq!(fault(&t).await, Fault::CutOff { from: begun + 5, to: begun + 5 });
        // Saying that the log ends earlier takes the key.
        let sql = "UPDATE audit_head SET seq = seq - 1, hash =
                   (SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1)";
        behind(&t, sql).await.unwrap();
        assert_eq!(fault(&t).await, Fault::Head);
        assert_eq!(append(&t, 6).await, begun + 5, "the service goes on");
        assert_eq!(fault(&t).await, Fault::Head, "and no later entry heals what was done");
    }

    async fn a_changed_field_is_found(t: TestApp) {
        let begun = unguarded(&t, 5).await;
        let sql = format!("UPDATE audit_log SET target_id = '99' WHERE seq = {}", begun + 2);
        behind(&t, &sql).await.unwrap();
        assert_eq!(fault(&t).await, Fault::Changed(begun + 2));
    }

    async fn entries_that_changed_places_are_found(t: TestApp) {
        let begun = unguarded(&t, 5).await;
        let (second, third) = (begun + 2, begun + 3);
        let sql = format!(
            "UPDATE audit_log SET seq = 9999 WHERE seq = {second};
             UPDATE audit_log SET seq = {second} WHERE seq = {third};
             UPDATE audit_log SET seq = {third} WHERE seq = 9999"
        );
        behind(&t, &sql).await.unwrap();
        assert_eq!(fault(&t).await, Fault::Changed(second));
    }

    async fn an_entry_put_in_is_found(t: TestApp) {
        let begun = unguarded(&t, 5).await;
        let (fifth, sixth) = (begun + 5, begun + 6);
        let sql = format!(
            "INSERT INTO audit_log (seq, at, actor_kind, action, previous_hash, hash)
             SELECT {sixth}, at, actor_kind, action, hash, hash FROM audit_log
             WHERE seq = {fifth}"
        );
        behind(&t, &sql).await.unwrap();
        assert_eq!(fault(&t).await, Fault::Changed(sixth));
    }

    async fn a_log_written_under_another_master_key_does_not_pass(t: TestApp) {
        append(&t, 1).await;
        let bytes: Vec<u8> = (0..32).collect();
        let other = MasterKey::parse(&STANDARD.encode(bytes)).unwrap();
        let mut tx = t.state.databases.main.read().await.unwrap();
        let found = store::verify(&mut tx, &ChainKey::of(&other)).await;
        assert!(matches!(found, Err(VerifyError::Fault(Fault::Changed(1)))), "{found:?}");
    }

    async fn without_its_head_the_log_takes_nothing_more(t: TestApp) {
        behind(&t, "DELETE FROM audit_head").await.unwrap();
        let entry = Entry::new(t.clock.now(), Actor::System, Action::KeysRotated);
        let mut tx = t.state.databases.main.write().await.unwrap();
        let refused = store::append(&mut tx, &key(&t), &entry).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { table: "audit_head", .. })));
    }

    async fn an_emptied_log_is_found(t: TestApp) {
        let begun = unguarded(&t, 3).await;
        behind(&t, "DELETE FROM audit_log").await.unwrap();
        assert_eq!(fault(&t).await, Fault::CutOff { from: 1, to: begun + 3 });
    }

    async fn a_log_with_old_entries_must_have_been_anchored(t: TestApp) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors");
        let db = &t.state.databases.main;
        let required = async |age| {
            let since = t.clock.now().minus(time::Duration::seconds(age));
            read_required(&mut db.read().await.unwrap(), &path, &key(&t), since).await
        };
        append(&t, 1).await;
        t.clock.advance(time::Duration::SECOND * 10);
        assert!(required(11).await.is_ok(), "no entry is so old");
        assert!(matches!(required(9).await, Err(AnchorError::NeverAnchored { .. })));

        let metrics = AnchorMetrics::default();
        let file = AnchorFile::open(&path, key(&t), metrics.clone()).unwrap();
        file.record_loudly(db, t.clock.now()).await;
        assert_eq!(required(9).await.unwrap().newest().unwrap().seq, begun(&t).await);
        assert_eq!(metrics.anchored_at.get(), t.clock.now().unix_seconds());

        // Another process anchors too, and this one goes on from there.
        append(&t, 2).await;
        let other = AnchorFile::open(&path, key(&t), AnchorMetrics::default()).unwrap();
        other.record(db, t.clock.now()).await.unwrap();
        append(&t, 3).await;
        file.record(db, t.clock.now()).await.unwrap();
        assert_eq!(required(9).await.unwrap().count(), 3);

        std::fs::remove_file(&path).unwrap();
        file.record_loudly(db, t.clock.now()).await;
        assert_eq!(metrics.failures.get(), 1);
        assert!(matches!(required(60).await, Err(AnchorError::Missing { .. })), "it is remembered");
    }
}
