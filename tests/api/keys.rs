//! The keys by which websites are known.

use pressgate::{
    clock::Clock,
    site::store::{self, SiteStoreError},
};
use serde_json::json;

use crate::app::TestApp;

async fn revoke(t: &TestApp, site: &str, key_id: &str) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    store::revoke_key(&mut tx, site, key_id, t.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn status(t: &TestApp, key: &str) -> u16 {
    t.with_key(key).access(json!({"article": {"id": "a"}, "dry_run": true})).await.status
}

on_both_databases! {
    async fn a_key_is_changed_over_without_an_outage(t: TestApp) {
        t.site("times", "UTC", json!({"rules": []})).await;
        let second = t.add_key("times").await.unwrap();
        assert_eq!(status(&t, &second.text).await, 200, "a new key works at once");
        let third = t.add_key("times").await;
        assert!(matches!(third, Err(SiteStoreError::TooManyKeys(site)) if site == "times"));

        revoke(&t, "times", &second.id).await;
        t.state.gate.directory.refresh().await.unwrap();
        assert_eq!(status(&t, &second.text).await, 401);
        let third = t.add_key("times").await.unwrap();
        assert_eq!(status(&t, &third.text).await, 200);
        assert_eq!(status(&t, &second.text).await, 401, "a revoked key never comes back");
    }

    async fn a_key_made_by_another_process_works_at_once(t: TestApp) {
        let another = t.another_process().await;
        let site = another.site("times", "UTC", json!({"rules": []})).await;
        let answer = t.with_key(site.key()).access(json!({"article": {"id": "a"}})).await;
        assert_eq!(answer.json()["reason"], "subscription_required");
    }

    async fn a_website_without_a_good_key_is_refused(t: TestApp) {
        let body = || json!({"article": {"id": "a"}}).to_string();
        for authorization in [
            None,
            Some("Bearer sk_sandbox_unknown"),
            Some("Bearer pk_sandbox_demo"),
            Some("Bearer "),
            Some("Bearer"),
            Some("Basic c2tfc2FuZGJveF9kZW1v"),
            Some("sk_sandbox_demo"),
            Some("Bearer sk_sandbox_demo2"),
            Some("Bearer sk_sandbox_dem"),
        ] {
            let mut request = axum::http::Request::post("/v1/access")
                .header("content-type", "application/json");
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let answer = t.send(request.body(body().into()).unwrap()).await;
            assert_eq!(answer.problem(), (401, "invalid_site_key".to_owned()));
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"pressgate\"");
        }
        let request = axum::http::Request::post("/v1/access")
            .header("content-type", "application/json")
            .header("authorization", "bearer sk_sandbox_demo");
        assert_eq!(t.send(request.body(body().into()).unwrap()).await.status, 200);
    }
}
