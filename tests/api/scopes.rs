//! What a session opens that was handed over to a website: its articles, who the reader is, and
//! nothing else.

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pressgate::{
    auth::access_token::{Caller, Realm, Scope},
    db::Db,
};
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    handing_over::{begun, handed_over, news, reason},
    reader_pages::signed_up,
    readers::{ANNA, Tokens, refused},
};

fn claims(token: &str) -> Value {
    let text = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// Every call that the description says takes a reader's token, by method and path.
async fn calls_of_readers(t: &TestApp) -> Vec<(Method, String)> {
    let description = t.get("/openapi.json").await.json();
    let mut calls = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            let own = ["/v1/me", "/v1/subscriptions", "/v1/invoices"];
            let is_own = own.iter().any(|start| path.starts_with(start));
            let takes_token = call["security"].to_string().contains("reader_token");
            // The one that a mailed token does.
            assert!(takes_token || !is_own || path == "/v1/me/email/confirm", "{method} {path}");
            if takes_token {
                let method = method.to_uppercase().parse().unwrap();
                calls.push((method, path.replace("{id}", "01963f2e-0000-7000-8000-000000000000")));
            }
        }
    }
    assert!(calls.len() >= 20, "{calls:?}");
    calls
}

/// Only `allowed` is answered otherwise than that the token opens too little.
async fn opens_only(t: &TestApp, token: &str, allowed: &[(Method, &str)]) {
    for (method, path) in calls_of_readers(t).await {
        let body = (method != Method::GET).then(|| json!({}));
        let answer = t.call(method.clone(), &path, token, body).await;
        if allowed.contains(&(method.clone(), path.as_str())) {
            assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
            continue;
        }
        assert_eq!(answer.problem(), refused(403, "insufficient_scope"), "{method} {path}");
        let challenge = "Bearer realm=\"pressgate\", error=\"insufficient_scope\"";
        assert_eq!(answer.header("www-authenticate"), challenge, "{method} {path}");
    }
}

/// Asks one site's key for a reader by this token, alone and in a batch.
async fn asked(site: &TestApp, token: &str) -> Vec<String> {
    let question = json!({"article": {"id": "tides"}, "reader": token, "dry_run": true});
    let one = site.access(question.clone()).await;
    let batch = json!({"requests": [{"article": {"id": "bread"}}, question]}).to_string();
    let batch = site.post("/v1/access/batch", batch).await;
    let said =
        |answer: &Value| answer["reason"].as_str().or(answer["code"].as_str()).map(str::to_owned);
    let last = match batch.json()["answers"].as_array() {
        Some(answers) => said(&answers[1]),
        None => said(&batch.json()),
    };
    vec![said(&one.json()).unwrap(), last.unwrap()]
}

/// The code that a session was made by is forgotten.
async fn forget_codes(t: &TestApp) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    tx.query("DELETE FROM handovers").execute().await.unwrap();
    tx.commit().await.unwrap();
}

/// Brings the database back to before sessions knew their sites, and forth again.
async fn migrate_again(t: &TestApp) {
    let back = "ALTER TABLE sessions DROP COLUMN site_id";
    match &t.state.databases.main {
        Db::Sqlite { write, .. } => {
            let forth = include_str!("../../migrations/sqlite/0031_session_sites.sql");
            sqlx::raw_sql(back).execute(&**write).await.unwrap();
            sqlx::raw_sql(forth).execute(&**write).await.unwrap();
        }
        Db::Postgres(pool) => {
            let forth = include_str!("../../migrations/postgres/0031_session_sites.sql");
            sqlx::raw_sql(back).execute(&**pool).await.unwrap();
            sqlx::raw_sql(forth).execute(&**pool).await.unwrap();
        }
    }
}

on_both_databases! {
    async fn a_websites_token_opens_who_the_reader_is_and_no_other_call(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        let tokens = handed_over(&site, &mut browser).await;
        let said = claims(&tokens.access);
        assert_eq!((&said["scope"], &said["aud"]), (&json!("site"), &json!("site:news")));
        let allowed = [(Method::GET, "/v1/me")];
        opens_only(&t, &tokens.access, &allowed).await;
        let profile = t.call(Method::GET, "/v1/me", &tokens.access, None).await.json();
        assert_eq!((&profile["id"], &profile["email"]), (&json!(tokens.reader), &json!(ANNA)));
        // It was refused although its reader has just logged in, and stays so when it is renewed.
        let tokens = Tokens::of(&t.refresh(&tokens.refresh).await);
        let said = claims(&tokens.access);
        assert_eq!((&said["scope"], &said["aud"]), (&json!("site"), &json!("site:news")));
        opens_only(&t, &tokens.access, &allowed).await;
        assert_eq!(t.log_out(&tokens.refresh).await.status, 204);
        assert_eq!(t.refresh(&tokens.refresh).await.status, 401);
        assert!(browser.open("/account").await.text().contains(ANNA));
    }

    async fn a_guests_token_opens_articles_and_no_call(t: TestApp) {
        let site = news(&t).await;
        let mut browser = begun(&t).await;
        let tokens = handed_over(&site, &mut browser).await;
        for tokens in [tokens.clone(), Tokens::of(&t.refresh(&tokens.refresh).await)] {
            let said = claims(&tokens.access);
            assert_eq!((&said["scope"], &said["aud"]), (&json!("read"), &json!("site:news")));
            opens_only(&t, &tokens.access, &[]).await;
            assert_eq!(asked(&site, &tokens.access).await, ["trial", "trial"]);
        }
    }

    async fn a_websites_token_is_for_its_own_articles(t: TestApp) {
        let site = news(&t).await;
        let other = t.site("newsletter", "UTC", json!({"rules": [{"limit": 1, "window": "P30D"}]})).await;
        let mut reader = signed_up(&t, "ben@example.org").await;
        let mut guest = begun(&t).await;
        for tokens in [handed_over(&site, &mut reader).await, handed_over(&site, &mut guest).await] {
            // Checked once and remembered, by one key and the other, in either order.
            for tokens in [tokens.clone(), Tokens::of(&t.refresh(&tokens.refresh).await)] {
                for elsewhere in [&other, &t, &other] {
                    let said = asked(elsewhere, &tokens.access).await;
                    assert_eq!(said, ["invalid_reader_token", "invalid_reader_token"]);
                    assert_ne!(reason(&site, "tides", &tokens.access).await, "invalid_reader_token");
                }
            }
        }
        // A reader's own log-in is for every site.
        let own = t.reader("carla@example.org").await;
        for any in [&site, &other, &t] {
            assert_ne!(asked(any, &own.access).await[0], "invalid_reader_token");
        }
    }

    /// Whatever a token says: what cannot be undone asks the session itself.
    async fn a_session_of_a_website_is_never_fresh(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        let tokens = handed_over(&site, &mut browser).await;
        let id = |name: &str| claims(&tokens.access)[name].as_str().unwrap().parse().unwrap();
        let caller = Caller { subject: id("sub"), session: id("sid") };
        let full = t.state.accounts.tokens.issue(Realm::Reader, caller, &Scope::Full).unwrap();
        for (method, path, body) in [
            (Method::DELETE, "/v1/me", None),
            (Method::POST, "/v1/me/email", Some(json!({"email": "eve@example.org"}))),
            (Method::PUT, "/v1/me/password", Some(json!({"new_password": "quartz owl borrows"}))),
        ] {
            let answer = t.call(method, path, &full, body).await;
            assert_eq!(answer.problem(), refused(401, "invalid_token"), "{path}");
        }
    }

    async fn sessions_from_before_are_tied_to_their_site_or_end(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, "carla@example.org").await;
        let by_name = handed_over(&site, &mut browser).await;
        forget_codes(&t).await;
        let mut guest = begun(&t).await;
        let of_guest = handed_over(&site, &mut guest).await;
        let by_code = handed_over(&site, &mut browser).await;
        let own = browser.clone();
        let nameless = {
            let mut other = signed_up(&t, "ben@example.org").await;
            let tokens = handed_over(&site, &mut other).await;
            let mut tx = t.state.databases.main.write().await.unwrap();
            let sql = "UPDATE sessions SET device = 'The News'
                       WHERE handed_from IS NOT NULL AND subject = $1";
            let subject: uuid::Uuid = tokens.reader.parse().unwrap();
            tx.query(sql).bind(subject).execute().await.unwrap();
            let sql = "DELETE FROM handovers WHERE made_session IN
                           (SELECT id FROM sessions WHERE device = 'The News')";
            tx.query(sql).execute().await.unwrap();
            tx.commit().await.unwrap();
            tokens
        };
        migrate_again(&t).await;
        let t = t.another_process().await;
        for (tokens, scope) in [(&by_name, "site"), (&by_code, "site"), (&of_guest, "read")] {
            let renewed = Tokens::of(&t.refresh(&tokens.refresh).await);
            let said = claims(&renewed.access);
            assert_eq!((&said["scope"], &said["aud"]), (&json!(scope), &json!("site:news")));
        }
        assert_eq!(t.refresh(&nameless.refresh).await.problem(), refused(401, "invalid_refresh_token"));
        let account = crate::reader_pages::Browser { t, ..own }.open("/account").await;
        assert_eq!(account.status, 200, "a log-in on our own pages is untouched");
    }

    /// An instance of an earlier version may still hand over while this one runs.
    async fn a_handed_over_session_of_no_known_site_opens_nothing(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        let tokens = handed_over(&site, &mut browser).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        tx.query("UPDATE sessions SET site_id = NULL").execute().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.refresh(&tokens.refresh).await.problem(), refused(401, "invalid_refresh_token"));
        assert_eq!(browser.open("/account").await.status, 200);
    }
}
