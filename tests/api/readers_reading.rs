//! Readers who read: a token in the question, and what it changes.

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pressgate::auth::access_token::LIFE;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::TestApp,
    readers::{ANNA, Tokens},
};

/// Asks as a reader in the browser of `visitor`; gives the reason and the visitor's next token.
async fn read(t: &TestApp, article: &str, visitor: &Value, reader: &Tokens) -> (String, Value) {
    let body = json!({
        "article": {"id": article}, "visitor": visitor, "reader": reader.access,
    });
    let answer = t.access(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    (answer["reason"].as_str().unwrap().to_owned(), answer["visitor"].clone())
}

on_both_databases! {
    async fn who_logs_in_keeps_the_reads_and_gets_no_second_allowance(t: TestApp) {
        let visitor = t.read("tides", &Value::Null).await["visitor"].clone();
        let anna = t.reader(ANNA).await;
        let (reason, visitor) = read(&t, "bread", &visitor, &anna).await;
        assert_eq!(reason, "meter_exhausted", "the visitor's article counts for the reader");
        let (reason, visitor) = read(&t, "tides", &visitor, &anna).await;
        assert_eq!(reason, "already_read");
        // On another device, without a visitor token, the reader is the same.
        assert_eq!(read(&t, "tides", &Value::Null, &anna).await.0, "already_read");
        assert_eq!(read(&t, "salt", &Value::Null, &anna).await.0, "meter_exhausted");
        // And logged out again, this browser has had its article.
        assert_eq!(t.outcome("salt", &visitor).await.0, "meter_exhausted");
    }

    async fn what_a_reader_reads_follows_to_other_devices(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let (reason, here) = read(&t, "tides", &Value::Null, &anna).await;
        assert_eq!(reason, "metered");
        let there = t.visitor().await;
        assert_eq!(read(&t, "tides", &there, &anna).await.0, "already_read");
        assert_eq!(t.outcome("bread", &here).await.0, "meter_exhausted");
        let ben = t.reader("ben@example.org").await;
        assert_eq!(read(&t, "bread", &Value::Null, &ben).await.0, "metered", "another person");
    }

    async fn parallel_reads_of_one_reader_pass_exactly_the_limit(t: TestApp) {
        let site = t.site_with_limit(3).await;
        let other = site.another_process().await.with_key(site.key());
        for round in 0..5 {
            let reader = t.reader(&format!("reader{round}@example.org")).await;
            let visitor = site.visitor().await;
            let asked = (0..24).map(|i| {
                let at = if i % 2 == 0 { site.clone() } else { other.clone() };
                // Some with the visitor's token, some without: another device.
                let visitor = if i % 3 == 0 { Value::Null } else { visitor.clone() };
                let reader = reader.clone();
                async move { read(&at, &format!("a{i}"), &visitor, &reader).await.0 }
            });
            let reasons = futures_util::future::join_all(asked).await;
            let counted = reasons.iter().filter(|reason| *reason == "metered").count();
            assert_eq!(counted, 3, "{reasons:?}");
        }
    }

    async fn a_bad_reader_token_is_401_and_counts_nothing(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let visitor = t.visitor().await;
        let good = anna.access.clone();
        let cut = good[..good.len() - 1].to_owned();
        let refresh = anna.refresh.clone();
        let visitor_token = visitor.as_str().unwrap().to_owned();
        for bad in [String::new(), "x".into(), cut, refresh, visitor_token, "é".repeat(3_000)] {
            let body = json!({"article": {"id": "a"}, "visitor": visitor, "reader": bad});
            let answer = t.access(body.clone()).await;
            assert_eq!(answer.problem(), (401, "invalid_reader_token".to_owned()), "{bad}");
            let batch = json!({"requests": [{"article": {"id": "a"}}, body]}).to_string();
            assert_eq!(t.post("/v1/access/batch", batch).await.problem().0, 401);
        }
        assert_eq!(t.used(&visitor).await, Some(0));
        assert_eq!(read(&t, "a", &visitor, &anna).await.0, "metered");
    }

    async fn a_token_ends_after_its_time_and_with_its_session(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let visitor = t.visitor().await;
        let other = t.another_process().await;
        let ask = async |at: &TestApp, reader: &Tokens| {
            let body = json!({"article": {"id": "a"}, "visitor": visitor, "reader": reader.access});
            at.access(body).await.status
        };
        assert_eq!((ask(&t, &anna).await, ask(&other, &anna).await), (200, 200));
        t.clock.advance(LIFE - Duration::SECOND);
        assert_eq!(ask(&t, &anna).await, 200);
        t.clock.advance(Duration::SECOND);
        assert_eq!((ask(&t, &anna).await, ask(&other, &anna).await), (401, 401), "although remembered");

        let anna = Tokens::of(&t.refresh(&anna.refresh).await);
        assert_eq!((ask(&t, &anna).await, ask(&other, &anna).await), (200, 200));
        assert_eq!(t.log_out(&anna.refresh).await.status, 204);
        assert_eq!(ask(&t, &anna).await, 401, "at once here");
        crate::app::eventually("elsewhere within seconds", || async { ask(&other, &anna).await == 401 }).await;
    }

    async fn each_token_costs_one_signature_check(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let before = t.state.metrics.signature_checks.get();
        let asked = (0..50).map(|i| {
            let (t, anna) = (t.clone(), anna.clone());
            async move { read(&t, &format!("a{i}"), &Value::Null, &anna).await }
        });
        futures_util::future::join_all(asked).await;
        assert_eq!(t.state.metrics.signature_checks.get() - before, 1);
    }

    async fn rules_for_readers_and_receipts_name_the_reader(t: TestApp) {
        let policy = json!({"rules": [
            {"audience": "registered", "limit": 2, "window": "P30D"},
            {"limit": 1, "window": "P30D"},
        ]});
        let site = t.site("times", "UTC", policy).await;
        let anna = t.reader(ANNA).await;
        let visitor = site.read("a", &Value::Null).await["visitor"].clone();
        assert_eq!(site.outcome("b", &visitor).await.0, "meter_exhausted");
        let body = json!({
            "article": {"id": "b"}, "visitor": visitor, "reader": anna.access,
            "receipt": true, "explain": true,
        });
        let answer = site.access(body).await.json();
        assert_eq!((&answer["reason"], &answer["meter"]["used"]), (&json!("metered"), &json!(2)));
        assert!(answer["explain"].to_string().contains("A reader is logged in."), "{answer}");
        let claims = answer["receipt"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["sub"], anna.reader);
        assert_eq!(read(&site, "c", &visitor, &anna).await.0, "meter_exhausted");
    }

    async fn what_was_read_is_in_the_export_and_goes_with_the_reader(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let (_, visitor) = read(&t, "tides", &Value::Null, &anna).await;
        let export = t.call(Method::GET, "/v1/me/export", &anna.access, None).await.json();
        assert_eq!(export["meters"][0]["meter"], "site/demo");
        assert_eq!(export["meters"][0]["articles"], 1);
        let erased = t.call(Method::DELETE, "/v1/me", &anna.access, None).await;
        assert_eq!(erased.status, 204);
        // The same person again is another reader, who has read nothing; the browser has.
        let again = t.reader(ANNA).await;
        assert_ne!(again.reader, anna.reader);
        assert_eq!(read(&t, "bread", &Value::Null, &again).await.0, "metered");
        assert_eq!(t.outcome("salt", &visitor).await.0, "meter_exhausted");
    }
}
