//! Readers' accounts by the API: made by a mail, opened by a password or a mail, changed, ended.

use axum::{
    body::Body,
    http::{Request, header},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use crate::app::{Answer, TestApp, eventually};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) async fn post(t: &TestApp, path: &str, body: Value) -> Answer {
    t.post(path, body.to_string()).await
}

/// A call with an access token.
pub(crate) async fn call(
    t: &TestApp,
    method: &str,
    path: &str,
    tokens: &Value,
    body: Value,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", text(&tokens["access_token"])));
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    t.send(request.body(body).unwrap()).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The mails to `email`, the oldest first.
async fn mails(t: &TestApp, email: &str) -> Vec<Value> {
    let mailbox = t.get(&format!("/sandbox/mail?to={email}")).await.json();
    mailbox["messages"].as_array().unwrap().clone()
}

/// The token of a link to `page` that was mailed to `email`.
pub(crate) async fn token(t: &TestApp, email: &str, page: &str) -> String {
    tokens_to(t, email, page).await.pop().unwrap()
}

async fn tokens_to(t: &TestApp, email: &str, page: &str) -> Vec<String> {
    let mails = mails(t, email).await;
    let texts = mails.iter().map(|mail| mail["text"].as_str().unwrap());
    let links = texts.flat_map(str::lines).filter(|line| line.contains(&format!("{page}?token=")));
    links.map(|link| link.split("token=").nth(1).unwrap().to_owned()).collect()
}

/// Makes an account through its mail; gives its tokens.
pub(crate) async fn reader(t: &TestApp, email: &str) -> Value {
    let asked = post(t, "/v1/readers", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let token = token(t, email, "/signup/confirm").await;
    let made = post(t, "/v1/readers/verify", json!({ "token": token })).await;
    assert_eq!(made.status, 200, "{}", made.text());
    made.json()
}

pub(crate) async fn log_in(t: &TestApp, email: &str, password: &str) -> Answer {
    post(t, "/v1/auth/login", json!({"email": email, "password": password})).await
}

pub(crate) async fn me(t: &TestApp, tokens: &Value) -> u16 {
    call(t, "GET", "/v1/me", tokens, Value::Null).await.status
}

pub(crate) async fn refresh(t: &TestApp, tokens: &Value) -> Answer {
    post(t, "/v1/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await
}

on_both_databases! {
    async fn an_account_exists_once_its_mail_was_answered(t: TestApp) {
        let body = json!({"email": " Anna@Example.org ", "password": PASSWORD});
        let asked = post(&t, "/v1/readers", body).await;
        assert_eq!((asked.status, asked.json()), (202, json!({"status": "check_mail"})));
        assert_eq!(log_in(&t, "anna@example.org", PASSWORD).await.status, 401, "not yet");
        let token = token(&t, "ANNA@example.org", "/signup/confirm").await;
        let made = post(&t, "/v1/readers/verify", json!({ "token": token })).await;
        assert_eq!(made.header("cache-control"), "no-store");
        let made = made.json();
        assert_eq!(made["reader"]["email"], "Anna@Example.org");
        assert_eq!((&made["token_type"], &made["expires_in"]), (&json!("Bearer"), &json!(900)));
        let profile = call(&t, "GET", "/v1/me", &made, Value::Null).await.json();
        assert_eq!(profile["id"], made["reader"]["id"]);
        let again = post(&t, "/v1/readers/verify", json!({ "token": token })).await;
        assert_eq!(again.problem(), (401, "invalid_link".to_owned()));
        assert_eq!(log_in(&t, "anna@EXAMPLE.org", PASSWORD).await.status, 200);
    }

    async fn nobody_learns_who_has_an_account(t: TestApp) {
        reader(&t, "anna@example.org").await;
        let same = |known: &Answer, unknown: &Answer| {
            let names = |answer: &Answer| {
                let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
                names.sort();
                names
            };
            assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
            assert_eq!(names(known), names(unknown));
        };
        for (path, password) in [
            ("/v1/readers", true), ("/v1/auth/magic-links", false), ("/v1/auth/password-resets", false),
            ("/v1/auth/login", true),
        ] {
            let body = |email: &str| {
                if password { json!({"email": email, "password": "no password of theirs"}) } else { json!({"email": email}) }
            };
            let hashes = t.state.accounts.hasher.computed();
            let known = post(&t, path, body("anna@example.org")).await;
            let between = t.state.accounts.hasher.computed();
            let unknown = post(&t, path, body(&format!("nobody{}@example.org", path.len()))).await;
            same(&known, &unknown);
            let after = t.state.accounts.hasher.computed();
            assert_eq!(between - hashes, after - between, "{path} does the same work");
        }
        let subjects: Vec<String> =
            mails(&t, "anna@example.org").await.iter().map(|mail| text(&mail["subject"])).collect();
        assert!(subjects.contains(&"You already have an account".to_owned()), "{subjects:?}");
        // The mail for a known address holds a way to log in.
        let link = token(&t, "anna@example.org", "/login/link").await;
        let redeemed = post(&t, "/v1/auth/magic-links/redeem", json!({ "token": link })).await;
        assert_eq!(redeemed.status, 200);
    }

    async fn of_many_who_answer_one_mail_at_once_one_gets_in(t: TestApp) {
        let other = t.another_process().await;
        for round in 0..5 {
            let email = format!("anna{round}@example.org");
            let body = json!({"email": email, "password": PASSWORD});
            for _ in 0..2 {
                assert_eq!(post(&t, "/v1/readers", body.clone()).await.status, 202);
            }
            let links = tokens_to(&t, &email, "/signup/confirm").await;
            assert_eq!(links.len(), 2, "either works");
            let tries = (0..20).map(|i| {
                let at = if i % 2 == 0 { t.clone() } else { other.clone() };
                let body = json!({"token": links[(i / 2) % 2]});
                async move { post(&at, "/v1/readers/verify", body).await.status }
            });
            let statuses = join_all(tries).await;
            assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|s| [200, 401].contains(s)), "{statuses:?}");
        }
    }

    async fn links_end_after_their_time_and_do_one_thing_only(t: TestApp) {
        reader(&t, "ben@example.org").await;
        post(&t, "/v1/readers", json!({"email": "anna@example.org", "password": PASSWORD})).await;
        post(&t, "/v1/auth/magic-links", json!({"email": "ben@example.org"})).await;
        post(&t, "/v1/auth/password-resets", json!({"email": "ben@example.org"})).await;
        let sign_up = token(&t, "anna@example.org", "/signup/confirm").await;
        let log_in = token(&t, "ben@example.org", "/login/link").await;
        let reset = token(&t, "ben@example.org", "/login/reset").await;
        let redeem = "/v1/auth/magic-links/redeem";
        for (path, token) in [("/v1/readers/verify", &log_in), ("/v1/readers/verify", &reset),
                              (redeem, &sign_up), (redeem, &reset)] {
            assert_eq!(post(&t, path, json!({ "token": token })).await.problem().0, 401);
        }
        for token in [&sign_up, &log_in] {
            let body = json!({"token": token, "password": "quite another phrase"});
            assert_eq!(post(&t, "/v1/auth/password-resets/redeem", body).await.problem().0, 401);
        }
        t.clock.advance(Duration::minutes(15) - Duration::SECOND);
        assert_eq!(post(&t, redeem, json!({ "token": log_in })).await.status, 200, "still unused");
        t.clock.advance(Duration::SECOND);
        let body = json!({"token": reset, "password": "quite another phrase"});
        assert_eq!(post(&t, "/v1/auth/password-resets/redeem", body).await.problem().0, 401);
        t.clock.advance(Duration::hours(24) - Duration::minutes(15));
        assert_eq!(post(&t, "/v1/readers/verify", json!({ "token": sign_up })).await.problem().0, 401);
    }

    async fn guesses_are_limited_across_instances_and_a_mail_always_lets_in(t: TestApp) {
        reader(&t, "anna@example.org").await;
        let other = t.another_process().await;
        for (i, email) in ["anna@example.org", "ANNA@example.org", " anna@Example.ORG"].iter().cycle().take(10).enumerate() {
            let at = if i % 2 == 0 { &t } else { &other };
            assert_eq!(log_in(at, email, "wrong password").await.status, 401, "guess {i}");
        }
        let hashes = t.state.accounts.hasher.computed();
        for at in [&t, &other] {
            let refused = log_in(at, "anna@example.org", PASSWORD).await;
            assert_eq!(refused.problem(), (429, "too_many_attempts".to_owned()));
            assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
        }
        assert_eq!(t.state.accounts.hasher.computed(), hashes, "nothing was hashed");
        assert_eq!(log_in(&t, "ben@example.org", PASSWORD).await.status, 401, "others are not limited");
        post(&t, "/v1/auth/magic-links", json!({"email": "anna@example.org"})).await;
        let link = token(&t, "anna@example.org", "/login/link").await;
        let back = post(&t, "/v1/auth/magic-links/redeem", json!({ "token": link })).await;
        assert_eq!(back.status, 200);
        assert_eq!(log_in(&t, "anna@example.org", PASSWORD).await.status, 200, "and the count is back");
        // A right password is never refused for having been given often.
        let right = join_all((0..30).map(|_| log_in(&t, "anna@example.org", PASSWORD))).await;
        assert!(right.iter().all(|answer| answer.status == 200));
        // Mails too are limited, but never for as long as a link works.
        let asked = async || post(&t, "/v1/auth/magic-links", json!({"email": "carl@example.org"})).await;
        for _ in 0..5 {
            assert_eq!(asked().await.status, 202);
        }
        let refused = asked().await;
        assert_eq!(refused.problem().0, 429);
        assert!(refused.header("retry-after").parse::<i64>().unwrap() < 15 * 60);
    }

    async fn a_refresh_token_works_once_and_once_more_when_the_answer_was_lost(t: TestApp) {
        let first = reader(&t, "anna@example.org").await;
        let second = refresh(&t, &first).await.json();
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        let again = refresh(&t, &first).await;
        assert_eq!(again.status, 200, "the answer was lost");
        let again = again.json();
        let third = refresh(&t, &again).await.json();
        assert_eq!(me(&t, &third).await, 200);
        // The lost one turns up: somebody has a copy.
        assert_eq!(refresh(&t, &second).await.problem(), (401, "invalid_refresh_token".to_owned()));
        assert_eq!(refresh(&t, &third).await.status, 401);
        for tokens in [&first, &second, &again, &third] {
            assert_eq!(me(&t, tokens).await, 401, "the whole family");
        }
        let told = mails(&t, "anna@example.org").await;
        assert!(told.iter().any(|mail| mail["subject"] == "We logged a device out"), "{told:?}");

        let first = log_in(&t, "anna@example.org", PASSWORD).await.json();
        refresh(&t, &first).await;
        refresh(&t, &first).await;
        assert_eq!(refresh(&t, &first).await.status, 401, "once more, not twice more");
        let first = log_in(&t, "anna@example.org", PASSWORD).await.json();
        let second = refresh(&t, &first).await.json();
        refresh(&t, &second).await;
        assert_eq!(refresh(&t, &first).await.status, 401, "its successor was used");
    }

    async fn however_many_refresh_at_once_one_chain_at_most_goes_on(t: TestApp) {
        let other = t.another_process().await;
        for round in 0..10 {
            let first = reader(&t, &format!("anna{round}@example.org")).await;
            let tries = (0..50).map(|i| {
                let (at, first) = (if i % 2 == 0 { t.clone() } else { other.clone() }, first.clone());
                async move { refresh(&at, &first).await }
            });
            let answers = join_all(tries).await;
            assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status)));
            let given: Vec<Value> =
                answers.iter().filter(|answer| answer.status == 200).map(Answer::json).collect();
            assert!(given.len() <= 2, "{} were given", given.len());
            let mut alive = 0;
            for tokens in &given {
                alive += usize::from(refresh(&t, tokens).await.status == 200);
            }
            assert!(alive <= 1, "{alive} chains");
        }
    }

    async fn sessions_end_when_idle_too_long_and_when_too_old(t: TestApp) {
        let anna = reader(&t, "anna@example.org").await;
        t.clock.advance(Duration::days(90) - Duration::SECOND);
        let anna = refresh(&t, &anna).await;
        assert_eq!(anna.status, 200);
        let mut anna = anna.json();
        t.clock.advance(Duration::days(90));
        assert_eq!(refresh(&t, &anna).await.status, 401, "idle");
        anna = log_in(&t, "anna@example.org", PASSWORD).await.json();
        let mut days = 0;
        while days < 350 {
            t.clock.advance(Duration::days(50));
            days += 50;
            anna = refresh(&t, &anna).await.json();
        }
        t.clock.advance(Duration::days(50) - Duration::SECOND);
        anna = refresh(&t, &anna).await.json();
        t.clock.advance(Duration::SECOND);
        assert_eq!(refresh(&t, &anna).await.status, 401, "old, however much it was used");
    }

    async fn what_ended_stays_ended_after_a_restart(t: TestApp) {
        let first = reader(&t, "anna@example.org").await;
        let second = refresh(&t, &first).await.json();
        let gone = log_in(&t, "anna@example.org", PASSWORD).await.json();
        let body = json!({"refresh_token": gone["refresh_token"]});
        assert_eq!(post(&t, "/v1/auth/logout", body.clone()).await.status, 204);
        assert_eq!(post(&t, "/v1/auth/logout", body).await.status, 204, "as good as ended");
        let unknown = json!({"refresh_token": "pgr_unknown"});
        assert_eq!(post(&t, "/v1/auth/logout", unknown).await.status, 204);
        t.stop().await;
        let t = TestApp::open(t.place.clone(), t.clock.clone(), &[]).await.unwrap();
        assert_eq!(me(&t, &gone).await, 401, "an unexpired access token of an ended session");
        assert_eq!(refresh(&t, &gone).await.status, 401);
        assert_eq!(me(&t, &second).await, 200);
        assert_eq!(refresh(&t, &first).await.status, 200, "the lost answer is still to be had");
    }

    async fn a_new_password_ends_every_session_everywhere(t: TestApp) {
        let (a, b) = (reader(&t, "anna@example.org").await, log_in(&t, "anna@example.org", PASSWORD).await.json());
        let other = t.another_process().await;
        assert_eq!((me(&other, &a).await, me(&other, &b).await), (200, 200));
        let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
        let path = "/v1/me/password";
        let wrong = call(&t, "PUT", path, &a, change("not mine", "quite another phrase")).await;
        assert_eq!(wrong.problem(), (403, "wrong_password".to_owned()));
        let none = call(&t, "PUT", path, &a, json!({"new_password": "quite another phrase"})).await;
        assert_eq!(none.problem().0, 403, "a stolen session alone changes nothing");
        let weak = call(&t, "PUT", path, &a, change(PASSWORD, "anna@example.org")).await;
        assert_eq!(weak.problem().0, 422, "nor one made of the address");
        let new = call(&t, "PUT", path, &a, change(PASSWORD, "quite another phrase")).await.json();
        for tokens in [&a, &b] {
            assert_eq!((me(&t, tokens).await, refresh(&t, tokens).await.status), (401, 401));
        }
        assert_eq!(me(&t, &new).await, 200);
        eventually("the other instance knows", || async { me(&other, &b).await == 401 }).await;
        assert_eq!(log_in(&t, "anna@example.org", PASSWORD).await.status, 401);
        assert_eq!(log_in(&t, "anna@example.org", "quite another phrase").await.status, 200);
        for almost in ["Quite another phrase", "quite another phrase ", "quite another phras"] {
            assert_eq!(log_in(&t, "anna@example.org", almost).await.status, 401, "{almost:?}");
        }
    }
}
