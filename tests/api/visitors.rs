//! Who is known again by a token, and who is new.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pressgate::auth::{keys::PUBLISHED_BEFORE, store as key_store};
use serde_json::{Value, json};
use time::Duration;

use crate::app::TestApp;

/// Rotates the signing keys and lets the new ones become active.
async fn rotate(t: &TestApp) {
    let ids = pressgate::ids::Ids::system().unwrap();
    let (config, now) = (&t.state.config, pressgate::clock::Clock::now(&*t.clock));
    let life = config.meter.token.total;
    let mut tx = t.state.databases.main.write().await.unwrap();
    key_store::rotate(&mut tx, &config.master, &ids, now, life).await.unwrap();
    tx.commit().await.unwrap();
    t.clock.advance(PUBLISHED_BEFORE);
    t.state.gate.directory.refresh().await.unwrap();
}

async fn key_ids(t: &TestApp) -> Vec<String> {
    let jwks = t.get("/.well-known/jwks.json").await.json();
    let keys = jwks["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn a_forged_token_is_a_new_visitor(t: TestApp) {
        let token = t.read("a", &Value::Null).await["visitor"].as_str().unwrap().to_owned();
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        let mut forged: Vec<String> = (0..bytes.len())
            .map(|i| {
                let mut changed = bytes.clone();
                changed[i] ^= 1;
                URL_SAFE_NO_PAD.encode(changed)
            })
            .collect();
        forged.extend([String::new(), "é".repeat(71), "A".repeat(71), token[1..].to_owned()]);
        forged.extend([format!("{token}A"), "A".repeat(5_000)]);
        for forged in forged {
            let answer = t.read("b", &json!(forged)).await;
            assert_eq!(answer["reason"], "metered", "{forged}");
            assert_ne!(answer["visitor"], json!(forged));
        }
        assert_eq!(t.outcome("b", &json!(token)).await.0, "meter_exhausted");
    }

    async fn a_token_is_renewed_while_it_is_used_and_ends_when_it_is_not(t: TestApp) {
        let old = t.visitor().await;
        t.clock.advance(Duration::days(30));
        assert_eq!(t.read("a", &old).await["visitor"], old);
        t.clock.advance(Duration::seconds(1));
        let renewed = t.read("a", &old).await;
        assert_eq!(renewed["reason"], "already_read");
        assert_ne!(renewed["visitor"], old);
        assert_eq!(t.outcome("b", &renewed["visitor"]).await.0, "meter_exhausted");

        t.clock.advance(Duration::days(360));
        assert_eq!(t.outcome("c", &old).await.0, "metered", "the old token has expired");
        let read = t.read("d", &renewed["visitor"]).await;
        assert_eq!(read["reason"], "metered", "a new window of the same visitor");
        assert_eq!(t.outcome("e", &renewed["visitor"]).await.0, "meter_exhausted");
    }

    async fn a_token_of_another_site_is_a_new_visitor(t: TestApp) {
        let other = t.site_with_limit(3).await;
        let token = t.read("a", &Value::Null).await["visitor"].clone();
        let answer = other.read("a", &token).await;
        assert_eq!((&answer["reason"], &answer["meter"]["used"]), (&json!("metered"), &json!(1)));
        assert_ne!(answer["visitor"], token);
        assert_eq!(other.used(&token).await, Some(0), "still nobody there");
    }

    async fn sites_of_one_pool_know_each_others_visitors_and_count_together(t: TestApp) {
        let policy = json!({"rules": [{"limit": 2, "window": "P30D", "pool": "all-titles"}]});
        let morning = t.site("morning", "UTC", policy.clone()).await;
        let evening = t.site("evening", "UTC", policy).await;
        t.state.gate.directory.refresh().await.unwrap();

        let visitor = morning.read("1", &Value::Null).await["visitor"].clone();
        let answer = evening.read("1", &visitor).await;
        assert_eq!((&answer["reason"], &answer["meter"]["used"]), (&json!("metered"), &json!(2)));
        assert_eq!(answer["visitor"], visitor);
        assert_eq!(morning.outcome("2", &visitor).await, ("meter_exhausted".to_owned(), 2));
        assert_eq!(morning.outcome("1", &visitor).await, ("already_read".to_owned(), 2));
        assert_eq!(t.outcome("1", &visitor).await, ("metered".to_owned(), 1), "demo is apart");
    }

    async fn rotation_keeps_visitors_and_publishes_both_keys(t: TestApp) {
        let old = t.read("a", &Value::Null).await["visitor"].clone();
        let before = key_ids(&t).await;
        assert_eq!(before.len(), 2, "one for receipts, one for access tokens");
        rotate(&t).await;
        let both = key_ids(&t).await;
        assert!(both.len() == 4 && before.iter().all(|key| both.contains(key)), "{both:?}");

        let answer = t.read("a", &old).await;
        assert_eq!(answer["reason"], "already_read");
        assert_ne!(answer["visitor"], old, "renewed with the new key");
        let renewed = &answer["visitor"];
        assert_eq!(t.read("a", renewed).await["visitor"], *renewed);
        assert_eq!(t.outcome("b", renewed).await.0, "meter_exhausted");
        assert_eq!(t.outcome("b", &old).await.0, "meter_exhausted");

        t.clock.advance(Duration::days(2));
        t.state.gate.directory.refresh().await.unwrap();
        assert_eq!(key_ids(&t).await.len(), 2, "what the old ones signed is long over");
        assert_eq!(t.outcome("b", &old).await.0, "meter_exhausted", "visitor tokens are not");
    }

    async fn a_token_says_nothing_of_what_was_read(t: TestApp) {
        let before = t.visitor().await;
        let after = t.read("a", &before).await["visitor"].clone();
        assert_eq!(before, after);
    }
}
