//! The reader's own things: devices, the address, the data, and the end of it all.

use serde_json::{Value, json};
use time::Duration;

use crate::{
    accounts::{PASSWORD, call, log_in, me, post, reader, refresh, token},
    app::{Place, TestApp},
};

async fn ask_for(t: &TestApp, tokens: &Value, email: &str) -> u16 {
    let body = json!({ "email": email });
    call(t, "POST", "/v1/me/email", tokens, body).await.status
}

async fn agree(t: &TestApp, token: &str) -> (u16, Value) {
    let answer = post(t, "/v1/me/email/confirm", json!({ "token": token })).await;
    (answer.status, answer.json()["status"].clone())
}

/// Every text and blob in every table, as text.
async fn everything(t: &TestApp) -> Vec<(String, String)> {
    let mut found = Vec::new();
    match &t.place {
        Place::Sqlite(folder) => {
            let file = folder.path().join("t.db");
            let pool =
                sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
            let tables: Vec<(String,)> =
                sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'")
                    .fetch_all(&pool).await.unwrap();
            for (table,) in tables {
                let columns: Vec<(String,)> =
                    sqlx::query_as("SELECT name FROM pragma_table_info($1)")
                        .bind(&table)
                        .fetch_all(&pool)
                        .await
                        .unwrap();
                for (column,) in columns {
                    let sql = format!("SELECT COALESCE(CAST({column} AS TEXT), '') FROM {table}");
                    let rows: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                        .fetch_all(&pool)
                        .await
                        .unwrap_or_default();
                    found.extend(rows.into_iter().map(|(text,)| (table.clone(), text)));
                }
            }
            pool.close().await;
        }
        Place::Postgres(database) => {
            let pool = sqlx::PgPool::connect(&database.url).await.unwrap();
            let tables: Vec<(String,)> =
                sqlx::query_as("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%'")
                    .fetch_all(&pool).await.unwrap();
            for (table,) in tables {
                let sql = format!("SELECT {table}::text FROM {table}");
                let rows: Vec<(String,)> =
                    sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
                found.extend(rows.into_iter().map(|(text,)| (table.clone(), text)));
            }
            pool.close().await;
        }
    }
    found
}

async fn tables(t: &TestApp) -> Vec<String> {
    let sql = match &t.place {
        Place::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Place::Postgres(_) => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let mut tx = t.state.databases.main.read().await.unwrap();
    let rows: Vec<(String,)> = tx.query(sql).all().await.unwrap();
    let is_ours = |name: &String| !name.starts_with('_') && !name.starts_with("sqlite");
    rows.into_iter().map(|(name,)| name).filter(is_ours).collect()
}

on_both_databases! {
    async fn devices_are_listed_and_ended_by_their_owner_only(t: TestApp) {
        let anna = reader(&t, "anna@example.org").await;
        let other = log_in(&t, "anna@example.org", PASSWORD).await.json();
        let ben = reader(&t, "ben@example.org").await;
        let list = async |tokens: &Value| call(&t, "GET", "/v1/me/sessions", tokens, Value::Null).await.json();
        let sessions = list(&anna).await["sessions"].as_array().unwrap().clone();
        assert_eq!(sessions.len(), 2);
        let id = |current: bool| sessions.iter().find(|s| s["current"] == current).unwrap()["id"].as_str().unwrap().to_owned();
        let end = async |tokens: &Value, id: &str| {
            call(&t, "DELETE", &format!("/v1/me/sessions/{id}"), tokens, Value::Null).await.status
        };
        assert_eq!(end(&ben, &id(false)).await, 404, "not his");
        assert_eq!((end(&anna, "not-an-id").await, end(&anna, "%ff").await), (404, 404));
        assert_eq!(me(&t, &other).await, 200);
        assert_eq!(end(&anna, &id(false)).await, 204);
        assert_eq!((me(&t, &other).await, refresh(&t, &other).await.status), (401, 401));
        assert_eq!(end(&anna, &id(false)).await, 404, "it has ended");
        assert_eq!(call(&t, "DELETE", "/v1/me/sessions", &anna, Value::Null).await.status, 204);
        assert_eq!((me(&t, &anna).await, me(&t, &ben).await), (401, 200));
    }

    async fn an_address_changes_when_both_ends_have_agreed(t: TestApp) {
        let anna = reader(&t, "anna@example.org").await;
        assert_eq!(ask_for(&t, &anna, "new@example.org").await, 202);
        let old = token(&t, "anna@example.org", "/account/address").await;
        let new = token(&t, "new@example.org", "/account/address").await;
        assert_eq!(agree(&t, &new).await, (200, json!("waits_for_other")));
        assert_eq!(agree(&t, &new).await, (200, json!("waits_for_other")), "twice is once");
        assert_eq!(log_in(&t, "new@example.org", PASSWORD).await.status, 401, "not yet");
        assert_eq!(agree(&t, &old).await, (200, json!("changed")));
        assert_eq!(post(&t, "/v1/me/email/confirm", json!({"token": old})).await.status, 401);
        assert_eq!(log_in(&t, "new@example.org", PASSWORD).await.status, 200);
        assert_eq!(log_in(&t, "anna@example.org", PASSWORD).await.status, 401);
        reader(&t, "anna@example.org").await;
    }

    async fn an_address_needs_a_fresh_login_or_the_password_and_tells_nothing(t: TestApp) {
        let anna = reader(&t, "anna@example.org").await;
        reader(&t, "ben@example.org").await;
        assert_eq!(ask_for(&t, &anna, "ben@example.org").await, 202, "nobody learns that it is taken");
        let mailbox = t.get("/sandbox/mail?to=ben@example.org").await.text();
        assert!(mailbox.contains("This address has an account already"), "{mailbox}");
        let old = token(&t, "anna@example.org", "/account/address").await;
        assert_eq!(agree(&t, &old).await.1, json!("waits_for_other"), "for ever");

        t.clock.advance(Duration::hours(1));
        let anna = refresh(&t, &anna).await.json();
        assert_eq!(ask_for(&t, &anna, "new@example.org").await, 403);
        let wrong = json!({"email": "new@example.org", "password": "wrong one"});
        assert_eq!(call(&t, "POST", "/v1/me/email", &anna, wrong).await.problem().1, "wrong_password");
        let right = json!({"email": "new@example.org", "password": PASSWORD});
        assert_eq!(call(&t, "POST", "/v1/me/email", &anna, right).await.status, 202);
        t.clock.advance(Duration::hours(24));
        let late = token(&t, "new@example.org", "/account/address").await;
        assert_eq!(post(&t, "/v1/me/email/confirm", json!({"token": late})).await.status, 401);
        // Somebody made an account with the new address while the change waited.
        let anna = log_in(&t, "anna@example.org", PASSWORD).await.json();
        assert_eq!(ask_for(&t, &anna, "carl@example.org").await, 202);
        let new = token(&t, "carl@example.org", "/account/address").await;
        reader(&t, "carl@example.org").await;
        let mails = t.get("/sandbox/mail?to=anna@example.org").await.json();
        let olds = mails["messages"].as_array().unwrap().iter().filter_map(|m| m["text"].as_str())
            .filter(|text| text.contains("carl@example.org")).collect::<Vec<_>>();
        let old = olds[0].split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
        assert_eq!(agree(&t, &new).await.0, 200);
        let done = post(&t, "/v1/me/email/confirm", json!({"token": old})).await;
        assert_eq!(done.status, 401, "it is another's now: {}", done.text());
    }

    async fn the_export_knows_every_table_about_people(t: TestApp) {
        let anna = reader(&t, "anna@example.org").await;
        ask_for(&t, &anna, "new@example.org").await;
        let export = call(&t, "GET", "/v1/me/export", &anna, Value::Null).await.json();
        for (part, about) in [
            ("reader", "anna@example.org"), ("sessions", "unnamed device"),
            ("address_change", "new@example.org"), ("mails", "Confirm your address"),
        ] {
            assert!(export[part].to_string().contains(about), "{part}: {}", export[part]);
        }
        assert!(!export.to_string().contains("argon2") && !export.to_string().contains("pgl_"));
        // A new table must be put into one of these lists, and where it belongs into the export.
        let exported = ["readers", "sessions", "address_changes", "mail_outbox", "meter_windows"];
        let not_people = [
            "sites", "site_keys", "signing_keys", "meter_probe", "audit_log", "audit_head", "limits",
            "staff", "staff_recovery_codes",
            // Opens and proves, and says nothing that is not in `sessions` or `mails`.
            "refresh_tokens", "mailed_links",
        ];
        for table in tables(&t).await {
            let known = exported.contains(&table.as_str()) || not_people.contains(&table.as_str());
            assert!(known, "is `{table}` about people?");
        }
    }

    async fn after_erasing_nothing_tells_who_it_was(t: TestApp) {
        let anna = reader(&t, "anna.canary@example.org").await;
        ask_for(&t, &anna, "new.canary@example.org").await;
        post(&t, "/v1/auth/magic-links", json!({"email": "anna.canary@example.org"})).await;
        t.clock.advance(Duration::minutes(59));
        let anna = refresh(&t, &anna).await.json();
        assert!(everything(&t).await.iter().any(|(_, text)| text.contains("anna.canary")));
        assert_eq!(call(&t, "DELETE", "/v1/me", &anna, Value::Null).await.status, 204);
        assert_eq!((me(&t, &anna).await, refresh(&t, &anna).await.status), (401, 401));
        assert_eq!(log_in(&t, "anna.canary@example.org", PASSWORD).await.status, 401);
        let left: Vec<String> = everything(&t).await.into_iter()
            .filter(|(_, text)| text.contains("anna.canary") || text.contains("unnamed device"))
            .map(|(table, _)| table).collect();
        assert!(left.iter().all(|table| table == "mail_outbox"), "only the farewell: {left:?}");
        let mails = t.get("/sandbox/mail?to=anna.canary@example.org").await.json();
        assert_eq!(mails["messages"].as_array().unwrap().len(), 1);
        let again = reader(&t, "anna.canary@example.org").await;
        assert_ne!(again["reader"]["id"], anna["reader"]["id"]);
    }

    async fn erasing_asks_for_a_fresh_login(t: TestApp) {
        let anna = reader(&t, "anna@example.org").await;
        t.clock.advance(Duration::hours(1));
        let anna = refresh(&t, &anna).await.json();
        let refused = call(&t, "DELETE", "/v1/me", &anna, Value::Null).await;
        assert_eq!(refused.problem(), (403, "fresh_login_required".to_owned()));
        let fresh = log_in(&t, "anna@example.org", PASSWORD).await.json();
        assert_eq!(call(&t, "DELETE", "/v1/me", &fresh, Value::Null).await.status, 204);
        assert_eq!(call(&t, "DELETE", "/v1/me", &fresh, Value::Null).await.status, 401);
    }
}
