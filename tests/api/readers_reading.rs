//! Readers who read: a token in the question, and what it changes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pressgate::auth::access_token::LIFE;
use serde_json::{Value, json};
use time::Duration;

use crate::app::TestApp;

/// A reader's access and refresh token, from sign-up through the mail.
async fn a_reader(t: &TestApp, email: &str) -> Value {
    let body = json!({"email": email, "password": "correct horse battery"}).to_string();
    assert_eq!(t.post("/v1/readers", body).await.status, 202);
    let mails = t.get(&format!("/sandbox/mail?to={email}")).await.json();
    let mut texts = mails["messages"].as_array().unwrap().iter().map(|m| m["text"].to_string());
    let text = texts.rfind(|text| text.contains("/signup/confirm")).unwrap();
    let token = text.split("token=").nth(1).unwrap().split('\\').next().unwrap();
    t.post("/v1/readers/verify", json!({"token": token}).to_string()).await.json()
}

/// Asks as a reader in the browser of `visitor`; gives the reason and the visitor's next token.
async fn read(t: &TestApp, article: &str, visitor: &Value, reader: &Value) -> (String, Value) {
    let body = json!({
        "article": {"id": article}, "visitor": visitor, "reader": reader["access_token"],
    });
    let answer = t.access(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    (answer["reason"].as_str().unwrap().to_owned(), answer["visitor"].clone())
}

on_both_databases! {
    async fn who_logs_in_keeps_the_reads_and_gets_no_second_allowance(t: TestApp) {
        let visitor = t.read("tides", &Value::Null).await["visitor"].clone();
        let anna = a_reader(&t, "anna@example.org").await;
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
        let anna = a_reader(&t, "anna@example.org").await;
        let (reason, here) = read(&t, "tides", &Value::Null, &anna).await;
        assert_eq!(reason, "metered");
        let there = t.visitor().await;
        assert_eq!(read(&t, "tides", &there, &anna).await.0, "already_read");
        assert_eq!(t.outcome("bread", &here).await.0, "meter_exhausted");
        let ben = a_reader(&t, "ben@example.org").await;
        assert_eq!(read(&t, "bread", &Value::Null, &ben).await.0, "metered", "another person");
    }

    async fn parallel_reads_of_one_reader_pass_exactly_the_limit(t: TestApp) {
        let site = t.site_with_limit(3).await;
        let other = site.another_process().await.with_key(site.key());
        for round in 0..5 {
            let reader = a_reader(&t, &format!("reader{round}@example.org")).await;
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
        let anna = a_reader(&t, "anna@example.org").await;
        let visitor = t.visitor().await;
        let good = anna["access_token"].as_str().unwrap().to_owned();
        let cut = good[..good.len() - 1].to_owned();
        let refresh = anna["refresh_token"].as_str().unwrap().to_owned();
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
        let anna = a_reader(&t, "anna@example.org").await;
        let visitor = t.visitor().await;
        let other = t.another_process().await;
        let ask = async |at: &TestApp, reader: &Value| {
            let body = json!({"article": {"id": "a"}, "visitor": visitor, "reader": reader["access_token"]});
            at.access(body).await.status
        };
        assert_eq!((ask(&t, &anna).await, ask(&other, &anna).await), (200, 200));
        t.clock.advance(LIFE - Duration::SECOND);
        assert_eq!(ask(&t, &anna).await, 200);
        t.clock.advance(Duration::SECOND);
        assert_eq!((ask(&t, &anna).await, ask(&other, &anna).await), (401, 401), "although remembered");

        let body = json!({"refresh_token": anna["refresh_token"]}).to_string();
        let anna = t.post("/v1/auth/refresh", body).await.json();
        assert_eq!((ask(&t, &anna).await, ask(&other, &anna).await), (200, 200));
        let body = json!({"refresh_token": anna["refresh_token"]}).to_string();
        assert_eq!(t.post("/v1/auth/logout", body).await.status, 204);
        assert_eq!(ask(&t, &anna).await, 401, "at once here");
        crate::app::eventually("elsewhere within seconds", || async { ask(&other, &anna).await == 401 }).await;
    }

    async fn each_token_costs_one_signature_check(t: TestApp) {
        let anna = a_reader(&t, "anna@example.org").await;
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
        let anna = a_reader(&t, "anna@example.org").await;
        let visitor = site.read("a", &Value::Null).await["visitor"].clone();
        assert_eq!(site.outcome("b", &visitor).await.0, "meter_exhausted");
        let body = json!({
            "article": {"id": "b"}, "visitor": visitor, "reader": anna["access_token"],
            "receipt": true, "explain": true,
        });
        let answer = site.access(body).await.json();
        assert_eq!((&answer["reason"], &answer["meter"]["used"]), (&json!("metered"), &json!(2)));
        assert!(answer["explain"].to_string().contains("A reader is logged in."), "{answer}");
        let claims = answer["receipt"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["sub"], anna["reader"]["id"]);
        assert_eq!(read(&site, "c", &visitor, &anna).await.0, "meter_exhausted");
    }

    async fn what_was_read_is_in_the_export_and_goes_with_the_reader(t: TestApp) {
        let anna = a_reader(&t, "anna@example.org").await;
        let (_, visitor) = read(&t, "tides", &Value::Null, &anna).await;
        let bearer = |method: &str, path: &str| {
            axum::http::Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", format!("Bearer {}", anna["access_token"].as_str().unwrap()))
                .body(axum::body::Body::empty())
                .unwrap()
        };
        let export = t.send(bearer("GET", "/v1/me/export")).await.json();
        assert_eq!(export["meters"][0]["meter"], "site/demo");
        assert_eq!(export["meters"][0]["articles"], 1);
        assert_eq!(t.send(bearer("DELETE", "/v1/me")).await.status, 204);
        // The same person again is another reader, who has read nothing; the browser has.
        let again = a_reader(&t, "anna@example.org").await;
        assert_ne!(again["reader"]["id"], anna["reader"]["id"]);
        assert_eq!(read(&t, "bread", &Value::Null, &again).await.0, "metered");
        assert_eq!(t.outcome("salt", &visitor).await.0, "meter_exhausted");
    }
}
