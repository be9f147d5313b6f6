//! The first whole way through `POST /v1/access`: its shapes, word for word.

use serde_json::{Value, json};

on_both_databases! {
    async fn the_first_article_is_free_and_the_second_meets_the_wall(t: TestApp) {
        let first = t.access(json!({"article": {"id": "how-tides-work"}})).await;
        assert_eq!(first.status, 200);
        assert_eq!(first.header("content-type"), "application/json");
        assert_eq!(first.header("cache-control"), "no-store");
        let first = first.json();
        let visitor = first["visitor"].clone();
        assert_eq!(visitor.as_str().unwrap().len(), 71);
        let meter =
            json!({"limit": 1, "used": 1, "remaining": 0, "resets_at": "2026-12-23T04:05:06Z"});
        assert_eq!(
            first,
            json!({"decision": "allow", "reason": "metered", "meter": meter,
                   "visitor": visitor, "receipt": null, "offer_url": null})
        );
        assert_eq!(
            t.read("why-bread-rises", &visitor).await,
            json!({"decision": "deny", "reason": "meter_exhausted", "meter": meter,
                   "visitor": visitor, "receipt": null,
                   "offer_url": "http://127.0.0.1:8080/subscribe?site=demo"})
        );
        assert_eq!(
            t.read("how-tides-work", &visitor).await,
            json!({"decision": "allow", "reason": "already_read", "meter": meter,
                   "visitor": visitor, "receipt": null, "offer_url": null})
        );
    }

    async fn every_field_of_the_contract_is_taken(t: TestApp) {
        let body = json!({
            "article": {"id": "a", "section": "science", "tags": ["tides"], "access": "metered"},
            "visitor": null, "reader": null,
            "client": {"ip": "2001:db8::1", "user_agent": "Mozilla/5.0 …",
                       "referrer": "https://search.example/?q=tides"},
            "dry_run": false, "receipt": false, "explain": false,
        });
        let answer = t.access(body).await;
        assert_eq!((answer.status, &answer.json()["reason"]), (200, &json!("metered")));
    }

    async fn free_articles_and_those_for_subscribers_touch_no_meter(t: TestApp) {
        for (access, decision, reason) in [
            ("free", "allow", "free_article"),
            ("subscribers", "deny", "subscription_required"),
        ] {
            let body = json!({"article": {"id": "a", "access": access}});
            let answer = t.access(body).await.json();
            assert_eq!(answer["decision"], decision);
            assert_eq!(answer["reason"], reason);
            assert_eq!(answer["meter"], Value::Null);
            assert_eq!(t.used(&answer["visitor"]).await, Some(0));
        }
    }

    async fn a_denied_read_counts_nothing(t: TestApp) {
        let t = t.site_with_limit(2).await;
        let visitor = t.visitor().await;
        for (article, expected) in
            [("a", ("metered", 1)), ("b", ("metered", 2)), ("c", ("meter_exhausted", 2))]
        {
            let (reason, used) = t.outcome(article, &visitor).await;
            assert_eq!((reason.as_str(), used), expected);
        }
        for _ in 0..3 {
            assert_eq!(t.outcome("c", &visitor).await, ("meter_exhausted".to_owned(), 2));
        }
        assert_eq!(t.outcome("a", &visitor).await, ("already_read".to_owned(), 2));
        assert_eq!(t.outcome("b", &visitor).await, ("already_read".to_owned(), 2));
    }

    async fn a_dry_run_foretells_and_counts_nothing(t: TestApp) {
        let dry = |article: &str, visitor: &Value| {
            let article = json!({"id": article});
            t.access(json!({"article": article, "visitor": visitor, "dry_run": true}))
        };
        let visitor = t.visitor().await;
        for _ in 0..2 {
            let answer = dry("a", &visitor).await.json();
            assert_eq!(answer["reason"], "metered");
            let meter = json!({"limit": 1, "used": 0, "remaining": 1, "resets_at": null});
            assert_eq!(answer["meter"], meter);
        }
        assert_eq!(t.outcome("a", &visitor).await, ("metered".to_owned(), 1));
        assert_eq!(dry("a", &visitor).await.json()["reason"], "already_read");
        assert_eq!(dry("b", &visitor).await.json()["reason"], "meter_exhausted");
        assert_eq!(t.outcome("a", &visitor).await, ("already_read".to_owned(), 1));
    }

    async fn a_decision_explains_itself_when_asked(t: TestApp) {
        let ask = |article: &str, visitor: &Value| {
            let article = json!({"id": article});
            t.access(json!({"article": article, "visitor": visitor, "explain": true}))
        };
        let first = ask("a", &Value::Null).await.json();
        assert_eq!(
            first["explain"],
            json!([
                "The site says this article is metered.",
                "Rule 1 applies to everyone: 1 free article in 30 days from the first.",
                "It is within the limit: 1 of 1 used with it.",
                "The count starts anew at 2026-12-23T04:05:06Z.",
                "So: allow, because `metered`.",
            ])
        );
        let second = ask("b", &first["visitor"]).await.json();
        assert_eq!(second["explain"][2], "The limit is reached: 1 of 1 used.");
        assert_eq!(second["explain"][4], "So: deny, because `meter_exhausted`.");
    }

    async fn ids_are_told_apart_exactly(t: TestApp) {
        let t = t.site_with_limit(1).await;
        let visitor = t.visitor().await;
        let two_hundred = "é".repeat(200);
        assert_eq!(t.outcome(&two_hundred, &visitor).await.0, "metered");
        assert_eq!(t.outcome(&two_hundred, &visitor).await.0, "already_read");
        assert_eq!(t.outcome(&"é".repeat(199), &visitor).await.0, "meter_exhausted");
        let visitor = t.visitor().await;
        assert_eq!(t.outcome("a\u{a0}\" ", &visitor).await.0, "metered");
        for other in ["A\u{a0}\" ", "a\u{a0}\"", "a"] {
            assert_eq!(t.outcome(other, &visitor).await.0, "meter_exhausted");
        }
    }
}
