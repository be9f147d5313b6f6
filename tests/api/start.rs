//! What the service refuses to start with, and what several may do at once.

use std::sync::Arc;

use pressgate::{
    app::{Databases, StartError},
    clock::ManualClock,
};
use serde_json::json;

use crate::{
    app::{START, TestApp, at, config},
    place::Place,
};

const OWN_MASTER: &str = "q1LGgSPcZ0mC7ZSkZQ3nK4nOaXW8YV5tR2uJ6hE0fBw=";
const LIVE: [(&str, &str); 6] = [
    ("PRESSGATE__MODE", "live"),
    ("PRESSGATE__SERVER__PUBLIC_URL", "https://pay.example"),
    ("PRESSGATE__KEYS__MASTER", OWN_MASTER),
    ("PRESSGATE__DATABASE__MIGRATE_ON_START", "true"),
    ("PRESSGATE__MAIL__HOST", "127.0.0.1"),
    ("PRESSGATE__MAIL__FROM_ADDRESS", "news@pay.example"),
];

async fn open(place: &Place, settings: &[(&str, &str)]) -> Result<TestApp, StartError> {
    let clock = Arc::new(ManualClock::at(at(START)));
    TestApp::open(place.clone(), clock, settings).await
}

async fn an_empty_place(like: &TestApp) -> Place {
    match like.place {
        Place::Sqlite(_) => Place::sqlite(),
        Place::Postgres(_) => Place::postgres().await,
    }
}

/// A live service on a database of its own.
pub(crate) async fn a_live_one(like: &TestApp) -> TestApp {
    a_live_one_with(like, &[]).await
}

pub(crate) async fn a_live_one_with(like: &TestApp, settings: &[(&str, &str)]) -> TestApp {
    open(&an_empty_place(like).await, &[&LIVE, settings].concat()).await.unwrap()
}

on_both_databases! {
    async fn live_refuses_a_database_that_a_sandbox_made(t: TestApp) {
        let refused = open(&t.place, &LIVE).await.err().unwrap();
        assert!(matches!(refused, StartError::SandboxDatabase));
        assert!(refused.to_string().contains("database.url"), "{refused}");

        // The known administrator alone is as bad as the known key.
        let mut tx = t.state.databases.main.write().await.unwrap();
        tx.query("DELETE FROM site_keys").execute().await.unwrap();
        tx.commit().await.unwrap();
        let refused = open(&t.place, &LIVE).await.err().unwrap();
        assert!(matches!(refused, StartError::SandboxDatabase));
        let mut tx = t.state.databases.main.write().await.unwrap();
        tx.query("DELETE FROM staff").execute().await.unwrap();
        tx.commit().await.unwrap();
        let refused = open(&t.place, &LIVE).await.err().unwrap();
        assert!(matches!(refused, StartError::Keys(_)), "by another's keys: {refused}");
    }

    async fn live_serves_no_demonstration_and_knows_no_known_key(t: TestApp) {
        let place = an_empty_place(&t).await;
        let live = open(&place, &LIVE).await.unwrap();
        for path in [
            "/", "/demo/", "/sandbox/clock", "/sandbox/mail", "/sandbox/mailbox", "/sandbox/bar.css",
            "/metrics",
        ] {
            assert_eq!(live.get(path).await.problem().0, 404, "{path}");
        }
        // Nor does any page of a reader's have the sandbox's bar, or its cards.
        for path in ["/subscribe", "/login", "/signup", "/cancel", "/newsletters"] {
            let page = live.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(!page.text().to_lowercase().contains("sandbox"), "{path}: {}", page.text());
        }
        let answer = live.access(json!({"article": {"id": "a"}})).await;
        assert_eq!(answer.problem(), (401, "invalid_site_key".to_owned()));
        let site = live.site("times", "UTC", json!({"rules": []})).await;
        assert_eq!(site.access(json!({"article": {"id": "a"}})).await.status, 200);
        place.clear().await;
    }

    async fn an_older_schema_is_refused_where_migrating_is_a_step_of_its_own(t: TestApp) {
        let place = an_empty_place(&t).await;
        let by_hand = [("PRESSGATE__DATABASE__MIGRATE_ON_START", "false")];
        let refused = open(&place, &by_hand).await.err().unwrap();
        let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");
        let count = std::fs::read_dir(migrations).unwrap().count();
        assert!(matches!(refused, StartError::NotMigrated(n) if n == count), "{refused}");
        let words = format!("the database lacks {count} migrations; run `pressgate migrate`");
        assert!(refused.to_string().starts_with(&words), "{refused}");

        let databases = Databases::open(&config(&place.url(), &by_hand)).await.unwrap();
        databases.migrate().await.unwrap();
        databases.close().await;
        assert_eq!(open(&place, &by_hand).await.unwrap().get("/health/ready").await.status, 200);
        place.clear().await;
    }

    async fn several_processes_may_start_on_an_empty_database_at_once(t: TestApp) {
        for _ in 0..3 {
            let place = an_empty_place(&t).await;
            let starts = futures_util::future::join_all((0..4).map(|_| open(&place, &[])));
            let refused: Vec<StartError> = starts.await.into_iter().filter_map(Result::err).collect();
            assert!(refused.is_empty(), "{refused:?}");
            let t = open(&place, &[]).await.unwrap();
            let jwks = t.get("/.well-known/jwks.json").await.json();
            assert_eq!(jwks["keys"].as_array().unwrap().len(), 2, "one first key for each purpose");
            place.clear().await;
        }
    }

    async fn another_master_key_does_not_open_the_signing_keys(t: TestApp) {
        let other = [("PRESSGATE__KEYS__MASTER", OWN_MASTER)];
        let refused = open(&t.place, &other).await.err().unwrap().to_string();
        assert!(refused.contains("was written with another master key"), "{refused}");
    }
}
