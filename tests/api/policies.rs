//! Which rule of a site applies, and what changes when the publisher changes it.

use pressgate::{metering::policy::Policy, site::store};
use serde_json::{Value, json};

use crate::app::TestApp;

/// Reads an article of a section and with tags as a new visitor; the limit that applied, if any.
async fn limit_of(t: &TestApp, section: Option<&str>, tags: &[&str]) -> (String, Option<u64>) {
    let article = json!({"id": "a", "section": section, "tags": tags});
    let answer = t.access(json!({"article": article})).await.json();
    let reason = answer["reason"].as_str().unwrap().to_owned();
    (reason, answer["meter"]["limit"].as_u64())
}

async fn set_policy(t: &TestApp, site: &str, policy: Value) {
    let policy = Policy::parse(&policy.to_string()).unwrap();
    let mut tx = t.state.databases.main.write().await.unwrap();
    store::set_policy(&mut tx, site, &policy).await.unwrap();
    tx.commit().await.unwrap();
    t.state.gate.directory.refresh().await.unwrap();
}

on_both_databases! {
    async fn the_first_rule_that_fits_applies(t: TestApp) {
        let policy = json!({"rules": [
            {"tags": ["exclusive"], "limit": 1, "window": "month", "pool": "exclusive"},
            {"sections": ["science", "arts"], "limit": 5, "window": "P30D"},
            {"audience": "registered", "limit": 9, "window": "P30D"},
            {"audience": "anonymous", "sections": ["news"], "limit": 3, "window": "P30D"},
        ]});
        let t = t.site("times", "UTC", policy).await;
        let metered = |limit| ("metered".to_owned(), Some(limit));
        assert_eq!(limit_of(&t, Some("science"), &["exclusive", "x"]).await, metered(1));
        assert_eq!(limit_of(&t, Some("science"), &["x"]).await, metered(5));
        assert_eq!(limit_of(&t, Some("arts"), &[]).await, metered(5));
        assert_eq!(limit_of(&t, Some("news"), &[]).await, metered(3));
        let closed = ("subscription_required".to_owned(), None);
        assert_eq!(limit_of(&t, Some("sport"), &[]).await, closed);
        assert_eq!(limit_of(&t, Some("Science"), &[]).await, closed);
        assert_eq!(limit_of(&t, None, &[]).await, closed);
    }

    async fn rules_without_a_pool_count_together_and_those_with_one_apart(t: TestApp) {
        let policy = json!({"rules": [
            {"sections": ["puzzles"], "limit": 1, "window": "P30D", "pool": "puzzles"},
            {"sections": ["news"], "limit": 1, "window": "P30D"},
            {"limit": 2, "window": "P30D"},
        ]});
        let t = t.site("times", "UTC", policy).await;
        let visitor = t.visitor().await;
        let read = async |id: &str, section: &str| {
            let article = json!({"id": id, "section": section});
            let answer = t.access(json!({"article": article, "visitor": visitor})).await.json();
            (answer["reason"].as_str().unwrap().to_owned(), answer["meter"]["used"].as_u64())
        };
        assert_eq!(read("n1", "news").await, ("metered".to_owned(), Some(1)));
        assert_eq!(read("n2", "news").await, ("meter_exhausted".to_owned(), Some(1)));
        assert_eq!(read("s1", "sport").await, ("metered".to_owned(), Some(2)));
        assert_eq!(read("s2", "sport").await, ("meter_exhausted".to_owned(), Some(2)));
        assert_eq!(read("p1", "puzzles").await, ("metered".to_owned(), Some(1)));
        assert_eq!(read("p2", "puzzles").await, ("meter_exhausted".to_owned(), Some(1)));
    }

    async fn where_no_rule_fits_only_a_subscription_helps(t: TestApp) {
        let t = t.site("times", "UTC", json!({"rules": []})).await;
        let answer = t.access(json!({"article": {"id": "a"}, "explain": true})).await.json();
        assert_eq!(answer["decision"], "deny");
        assert_eq!(answer["reason"], "subscription_required");
        assert_eq!(answer["meter"], Value::Null);
        assert_eq!(answer["offer_url"], "http://127.0.0.1:8080/subscribe?site=times");
        assert_eq!(
            answer["explain"][1],
            "No rule of the site's meter gives this article away."
        );
    }

    async fn a_lowered_limit_takes_nothing_back_and_a_raised_one_opens_at_once(t: TestApp) {
        let site = t.site_with_limit(4).await;
        let visitor = site.visitor().await;
        for article in ["a", "b", "c", "d"] {
            assert_eq!(site.outcome(article, &visitor).await.0, "metered");
        }
        let limit = |limit: u32| json!({"rules": [{"limit": limit, "window": "P30D"}]});
        set_policy(&t, "limit-4", limit(3)).await;
        let answer = site.read("a", &visitor).await;
        assert_eq!(answer["reason"], "already_read");
        assert_eq!(answer["meter"]["used"], 4);
        assert_eq!(answer["meter"]["remaining"], 0);
        assert_eq!(site.outcome("e", &visitor).await.0, "meter_exhausted");

        set_policy(&t, "limit-4", limit(5)).await;
        assert_eq!(site.outcome("e", &visitor).await, ("metered".to_owned(), 5));
        assert_eq!(site.outcome("f", &visitor).await, ("meter_exhausted".to_owned(), 5));
    }
}
