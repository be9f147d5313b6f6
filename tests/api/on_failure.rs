//! What each site's visitors get while reads cannot be counted: an error, the article or the wall.

use std::sync::Arc;

use pressgate::clock::ManualClock;
use serde_json::{Value, json};

use crate::{
    app::{START, TestApp, at, eventually},
    place::Place,
    trouble::{IMPATIENT, Proxy, lock},
};

async fn open(place: Place) -> TestApp {
    let clock = Arc::new(ManualClock::at(at(START)));
    let settings = [&IMPATIENT[..], &[("PRESSGATE__METER__UNMETERED_MAX", "2")]].concat();
    TestApp::open(place, clock, &settings).await.unwrap()
}

/// Two sites that decide for themselves; the third is the demonstration.
async fn sites(t: &TestApp) -> [TestApp; 2] {
    let policy =
        |on_failure| json!({"rules": [{"limit": 2, "window": "P30D"}], "on_failure": on_failure});
    [t.site("open", "UTC", policy("open")).await, t.site("closed", "UTC", policy("closed")).await]
}

/// Decision, reason and the next token.
async fn ask(site: &TestApp, article: &str, visitor: &Value) -> (String, String, Value) {
    let body = json!({"article": {"id": article}, "visitor": visitor, "explain": true});
    let answer = site.access(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let word = |field: &str| answer[field].as_str().unwrap().to_owned();
    if answer["reason"] == "meter_unavailable" {
        assert_eq!(answer["meter"], Value::Null);
        assert_eq!(answer["offer_url"].is_null(), answer["decision"] == "allow");
        let last = answer["explain"].as_array().unwrap().last().unwrap();
        assert_eq!(*last, format!("So: {}, because `meter_unavailable`.", word("decision")));
    }
    (word("decision"), word("reason"), answer["visitor"].clone())
}

fn said(decision: &str, reason: &str) -> (String, String) {
    (decision.to_owned(), reason.to_owned())
}

/// While nothing can be counted. The token of the open site's visitor comes back.
async fn each_site_decides(t: &TestApp, [open, closed]: &[TestApp; 2], visitor: &Value) -> Value {
    let body = json!({"article": {"id": "new"}});
    assert_eq!(t.access(body).await.problem(), (503, "meter_unavailable".to_owned()));
    let (decision, reason, _) = ask(closed, "new", &Value::Null).await;
    assert_eq!((decision, reason), said("deny", "meter_unavailable"));

    let mut token = visitor.clone();
    for expected in ["allow", "allow", "deny", "deny"] {
        let dry = json!({"article": {"id": "x"}, "visitor": token, "dry_run": true});
        assert_eq!(open.access(dry).await.json()["decision"], expected, "a dry run counts nothing");
        let (decision, reason, next) = ask(open, "b", &token).await;
        assert_eq!((decision, reason), said(expected, "meter_unavailable"));
        assert_eq!(next == token, expected == "deny", "what is allowed is in the token");
        token = next;
    }
    let free = json!({"article": {"id": "x", "access": "free"}, "visitor": token});
    assert_eq!(open.access(free).await.json()["reason"], "free_article");
    let metrics = t.get("/metrics").await.text();
    let allowed = r#"pressgate_decisions_total{decision="allow",reason="meter_unavailable"} 2"#;
    assert!(metrics.contains(allowed), "{metrics}");
    token
}

/// When reads are counted again, the count is as it was, and another outage finds a fresh token.
async fn all_is_as_before([open, closed]: &[TestApp; 2], token: &Value) {
    eventually("counting again", || async { open.used(token).await == Some(1) }).await;
    let (decision, reason, next) = ask(open, "b", token).await;
    assert_eq!((decision, reason), said("allow", "metered"));
    assert_ne!(next, *token, "the uncounted reads are forgotten");
    assert_eq!(ask(closed, "new", &Value::Null).await.1, "metered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_process_locks_sqlite() {
    let place = Place::sqlite();
    let t = open(place.clone()).await;
    let sites = sites(&t).await;
    let (_, reason, visitor) = ask(&sites[0], "a", &Value::Null).await;
    assert_eq!(reason, "metered");
    let mut other = lock(&place).await;
    let token = each_site_decides(&t, &sites, &visitor).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    all_is_as_before(&sites, &token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgres_is_out_of_reach() {
    let (database, proxy, behind) = Proxy::before_a_database().await;
    let t = open(behind).await;
    let sites = sites(&t).await;
    let (_, reason, visitor) = ask(&sites[0], "a", &Value::Null).await;
    assert_eq!(reason, "metered");
    proxy.cut();
    let token = each_site_decides(&t, &sites, &visitor).await;
    proxy.restore();
    all_is_as_before(&sites, &token).await;
    database.drop().await;
}
