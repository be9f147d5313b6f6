//! The ends of sessions: logging out, the list of devices, another password.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use axum::http::Method;

use crate::{
    app::{Answer, TestApp},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, link_in, refused},
};

async fn change(t: &TestApp, access: &str, body: Value) -> Answer {
    t.call(Method::PUT, "/v1/me/password", access, Some(body)).await
}

fn to_other() -> Value {
    json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD})
}

async fn execute(t: &TestApp, sql: &'static str) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    tx.query(sql).execute().await.unwrap();
    tx.commit().await.unwrap();
}

async fn is_dead(t: &TestApp, tokens: &Tokens) {
    assert!(!t.opens(&tokens.access).await, "the access token");
    let answer = t.refresh(&tokens.refresh).await;
    assert_eq!(answer.problem(), refused(401, "invalid_refresh_token"));
}

async fn devices(t: &TestApp, access: &str) -> Vec<Value> {
    let answer = t.call(Method::GET, "/v1/me/sessions", access, None).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    answer.json()["sessions"].as_array().unwrap().clone()
}

async fn end(t: &TestApp, access: &str, id: &str) -> Answer {
    t.call(Method::DELETE, &format!("/v1/me/sessions/{id}"), access, None).await
}

/// The id of the session that holds `tokens`.
async fn session_of(t: &TestApp, tokens: &Tokens) -> String {
    let devices = devices(t, &tokens.access).await;
    let current = devices.iter().find(|device| device["current"] == true).unwrap();
    current["id"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn logging_out_ends_the_session_and_is_never_refused(t: TestApp) {
        let (first, other) = (t.reader(ANNA).await, t.device(ANNA).await);
        let second = Tokens::of(&t.refresh(&first.refresh).await);
        // A token that was used already still says which session is meant.
        assert_eq!(t.log_out(&first.refresh).await.status, 204);
        is_dead(&t, &second).await;
        assert!(t.opens(&other.access).await);
        for _ in 0..2 {
            assert_eq!(t.log_out(&second.refresh).await.status, 204);
        }
        let unknown = format!("pgr_{}", "x".repeat(43));
        let answer = t.log_out(&unknown).await;
        assert_eq!((answer.status, answer.text().as_str()), (204, ""));
        assert_eq!(t.subjects_to(ANNA).await, ["Confirm your address"]);
    }

    async fn nobody_is_told_of_a_logout_that_failed(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        execute(&t, "ALTER TABLE sessions RENAME TO out_of_reach").await;
        assert_eq!(t.log_out(&tokens.refresh).await.problem(), refused(500, "internal"));
        execute(&t, "ALTER TABLE out_of_reach RENAME TO sessions").await;
        assert!(t.opens(&tokens.access).await);
        let next = Tokens::of(&t.refresh(&tokens.refresh).await);
        assert_eq!(t.log_out(&next.refresh).await.status, 204);
        is_dead(&t, &next).await;
    }

    async fn a_changed_password_ends_every_device_at_once(t: TestApp) {
        let another = t.another_process().await;
        let devices =
            [t.reader(ANNA).await, t.device(ANNA).await, Tokens::of(&another.log_in(ANNA, PASSWORD).await)];
        let magic = t.magic_link(ANNA).await;
        let here = Tokens::of(&change(&t, &devices[0].access, to_other()).await);
        for tokens in &devices {
            is_dead(&t, tokens).await;
        }
        another.state.accounts.tokens.revocations().refresh().await.unwrap();
        for tokens in &devices {
            is_dead(&another, tokens).await;
        }
        assert_eq!(t.redeem(&magic).await.problem(), refused(401, "invalid_link"));
        assert!(t.opens(&here.access).await, "the device that changed it goes on");
        assert_eq!(t.refresh(&here.refresh).await.status, 200);
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 401);
        assert_eq!(t.log_in(ANNA, OTHER_PASSWORD).await.status, 200);
        assert_eq!(t.subjects_to(ANNA).await.last().unwrap(), "Your password was changed");
    }

    async fn a_stolen_session_cannot_change_the_password(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let (wrong, new) = ("not the one that was set", OTHER_PASSWORD);
        let body = json!({"current_password": wrong, "new_password": new});
        for _ in 0..10 {
            let answer = change(&t, &tokens.access, body.clone()).await;
            assert_eq!(answer.problem(), refused(403, "wrong_password"));
        }
        let before = t.state.accounts.hasher.computed();
        for body in [body, to_other()] {
            let answer = change(&t, &tokens.access, body).await;
            assert_eq!(answer.problem(), refused(429, "too_many_attempts"));
            assert_eq!(answer.header("retry-after"), "60");
        }
        assert_eq!(t.state.accounts.hasher.computed(), before);
        for nothing in [json!({"new_password": new}), json!({"current_password": null, "new_password": new})] {
            let answer = change(&t, &tokens.access, nothing).await;
            assert_eq!(answer.problem(), refused(403, "wrong_password"), "however fresh it is");
        }
        t.clock.advance(Duration::minutes(1));
        assert_eq!(change(&t, &tokens.access, to_other()).await.status, 200);
    }

    async fn a_reader_without_a_password_sets_one_after_a_fresh_login(t: TestApp) {
        let stale = t.reader(ANNA).await;
        execute(&t, "UPDATE readers SET password_hash = NULL").await;
        t.clock.advance(Duration::HOUR);
        let stale = Tokens::of(&t.refresh(&stale.refresh).await);
        let new = json!({"new_password": OTHER_PASSWORD});
        let answer = change(&t, &stale.access, new.clone()).await;
        assert_eq!(answer.problem(), refused(403, "fresh_login_required"));
        let fresh = Tokens::of(&t.redeem(&t.magic_link(ANNA).await).await);
        let answer = change(&t, &fresh.access, to_other()).await;
        assert_eq!(answer.problem(), refused(403, "wrong_password"), "there is none to give");
        assert_eq!(change(&t, &fresh.access, new).await.status, 200);
        assert_eq!(t.log_in(ANNA, OTHER_PASSWORD).await.status, 200);
        is_dead(&t, &stale).await;
    }

    async fn a_bad_new_password_changes_nothing(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        for (new, code) in [
            ("short".to_owned(), "too_short"),
            ("anna@example.org".to_owned(), "too_common"),
            ("x".repeat(257), "too_long"),
            ("password1234".to_owned(), "too_common"),
        ] {
            let body = json!({"current_password": PASSWORD, "new_password": new});
            let answer = change(&t, &tokens.access, body).await;
            assert_eq!(answer.fields(), [("new_password".to_owned(), code.to_owned())]);
        }
        let body = json!({"current_password": "x".repeat(257), "new_password": OTHER_PASSWORD});
        let answer = change(&t, &tokens.access, body).await;
        assert_eq!(answer.fields(), [("current_password".to_owned(), "too_long".to_owned())]);
        assert!(t.opens(&tokens.access).await);
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
    }

    async fn of_changes_at_once_one_counts_and_leaves_one_session(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        let tokens = t.reader(ANNA).await;
        let new = |i: usize| format!("{OTHER_PASSWORD} {i}");
        let answers = join_all((0..6).map(|i| {
            let (t, access) = (processes[i % 2].clone(), tokens.access.clone());
            let body = json!({"current_password": PASSWORD, "new_password": new(i)});
            tokio::spawn(async move { change(&t, &access, body).await })
        }));
        let answers: Vec<Answer> = answers.await.into_iter().map(Result::unwrap).collect();
        let changed: Vec<usize> = (0..6).filter(|i| answers[*i].status == 200).collect();
        assert_eq!(changed.len(), 1);
        let others = answers.iter().filter(|answer| answer.status != 200);
        for answer in others {
            assert!([401, 403].contains(&answer.problem().0), "{}", answer.text());
        }
        assert_eq!(t.log_in(ANNA, &new(changed[0])).await.status, 200);
        let winner = Tokens::of(&answers[changed[0]]);
        assert_eq!(devices(&t, &winner.access).await.len(), 2, "and the one just now");
    }

    async fn a_reset_ends_everything_and_logs_nobody_in(t: TestApp) {
        let (one, two) = (t.reader(ANNA).await, t.device(ANNA).await);
        let (first, magic) = (t.reset_link(ANNA).await, t.magic_link(ANNA).await);
        let second = t.reset_link(ANNA).await;
        for (weak, code) in [("1234567", "too_short"), ("password1234", "too_common")] {
            let answer = t.reset(&second, weak).await;
            assert_eq!(answer.fields(), [("password".to_owned(), code.to_owned())]);
        }
        let answer = t.reset(&second, OTHER_PASSWORD).await;
        assert_eq!((answer.status, answer.text().as_str()), (204, ""));
        for tokens in [one, two] {
            is_dead(&t, &tokens).await;
        }
        let not_here = refused(401, "invalid_link");
        assert_eq!(t.reset(&second, PASSWORD).await.problem(), not_here, "once");
        assert_eq!(t.reset(&first, PASSWORD).await.problem(), not_here, "asked for before");
        assert_eq!(t.redeem(&magic).await.problem(), not_here, "asked for before");
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 401);
        assert_eq!(t.log_in(ANNA, OTHER_PASSWORD).await.status, 200);
        let late = t.reset_link(ANNA).await;
        t.clock.advance(Duration::minutes(15));
        assert_eq!(t.reset(&late, PASSWORD).await.problem(), not_here);
    }

    async fn of_everything_mailed_one_is_taken_when_all_come_at_once(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        for round in 0..5 {
            let email = format!("anna{round}@example.org");
            t.reader(&email).await;
            for _ in 0..3 {
                t.reset_link(&email).await;
            }
            let magic = t.magic_link(&email).await;
            let mails = t.mails_to(&email).await;
            let is_reset = |mail: &&Value| mail["subject"] == "Set a new password";
            let resets: Vec<String> = mails.iter().filter(is_reset).map(link_in).collect();
            let taken = join_all(resets.into_iter().enumerate().map(|(i, link)| {
                let t = processes[i % 2].clone();
                let password = format!("{OTHER_PASSWORD} {i}");
                tokio::spawn(async move { t.reset(&link, &password).await.status })
            }));
            let redeemed = {
                let t = t.clone();
                tokio::spawn(async move { t.redeem(&magic).await.status })
            };
            let taken: Vec<u16> = taken.await.into_iter().map(Result::unwrap).collect();
            let all: Vec<u16> = taken.into_iter().chain([redeemed.await.unwrap()]).collect();
            assert_eq!(all.iter().filter(|status| **status < 300).count(), 1, "{all:?}");
            assert_eq!(all.iter().filter(|status| **status == 401).count(), 3, "{all:?}");
        }
    }

    async fn a_reset_for_an_unknown_address_says_the_same_and_opens_nothing(t: TestApp) {
        t.reader(ANNA).await;
        for path in ["/v1/auth/password-resets", "/v1/auth/magic-links"] {
            let known = t.tell(path, json!({"email": ANNA})).await;
            let unknown = t.tell(path, json!({"email": "bert@example.org"})).await;
            assert_eq!(crate::readers::all_of(&known), crate::readers::all_of(&unknown));
            assert_eq!(known.json(), json!({"status": "check_mail"}));
        }
        let mails = t.mails_to("bert@example.org").await;
        assert_eq!(mails.len(), 2);
        for mail in mails {
            assert_eq!(mail["subject"], "There is no account with this address");
            assert!(!mail["text"].as_str().unwrap().contains("token"), "{mail}");
        }
    }

    async fn a_reader_sees_devices_and_ends_one(t: TestApp) {
        let (one, two) = (t.reader(ANNA).await, t.device(ANNA).await);
        let listed = devices(&t, &one.access).await;
        assert_eq!(listed.len(), 2);
        for device in &listed {
            let names: Vec<&String> = device.as_object().unwrap().keys().collect();
            let expected = ["current", "device", "expires_at", "id", "last_used_at", "started_at"];
            assert_eq!(names, expected);
        }
        let id = session_of(&t, &two).await;
        assert_eq!(end(&t, &one.access, &id).await.status, 204);
        is_dead(&t, &two).await;
        assert!(t.opens(&one.access).await);
        assert_eq!(devices(&t, &one.access).await.len(), 1);
        assert_eq!(end(&t, &one.access, &id).await.problem(), refused(404, "not_found"));
        let own = session_of(&t, &one).await;
        assert_eq!(end(&t, &one.access, &own).await.status, 204);
        is_dead(&t, &one).await;
    }

    async fn a_reader_cannot_end_anothers_device(t: TestApp) {
        let (anna, bert) = (t.reader(ANNA).await, t.reader("bert@example.org").await);
        let id = session_of(&t, &anna).await;
        let unknown = "01963f2e-0000-7000-8000-000000000000";
        let others = end(&t, &bert.access, &id).await;
        assert_eq!(others.problem(), refused(404, "not_found"));
        let answer = end(&t, &bert.access, unknown).await;
        assert_eq!(crate::readers::all_of(&answer), crate::readers::all_of(&others));
        for rubbish in ["x", "%ff", "%00", "..%2f", "' or 1=1", &"9".repeat(5_000)] {
            let answer = end(&t, &bert.access, &rubbish.replace(' ', "%20")).await;
            assert_eq!(answer.problem(), refused(404, "not_found"), "{rubbish}");
        }
        assert!(t.opens(&anna.access).await);
        assert_eq!(devices(&t, &bert.access).await.len(), 1);
    }

    async fn a_reader_ends_all_devices(t: TestApp) {
        let (one, two) = (t.reader(ANNA).await, t.device(ANNA).await);
        let other = t.reader("bert@example.org").await;
        let answer = t.call(Method::DELETE, "/v1/me/sessions", &one.access, None).await;
        assert_eq!(answer.status, 204);
        is_dead(&t, &one).await;
        is_dead(&t, &two).await;
        assert!(t.opens(&other.access).await);
        assert_eq!(t.log_in(ANNA, PASSWORD).await.status, 200);
    }
}
