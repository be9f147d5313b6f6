//! Mails that anybody may ask for, and secrets that anybody may try: a few, then slowly, and no
//! way in without that.

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::Body,
    http::{Method, Request},
};
use futures_util::future::join_all;
use pressgate::{http::client_ip::Peer, mail::outbox};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    place::Place,
    readers::{ANNA, PASSWORD, all_of, link_in, proof_in, refused},
};

/// A live service, where each network may be wrong three times.
const LIVE: [(&str, &str); 7] = [
    ("PRESSGATE__MODE", "live"),
    ("PRESSGATE__MAIL__HOST", "127.0.0.1"),
    ("PRESSGATE__MAIL__FROM_ADDRESS", "news@pay.example"),
    ("PRESSGATE__SERVER__PUBLIC_URL", "https://pay.example"),
    ("PRESSGATE__KEYS__MASTER", "q1LGgSPcZ0mC7ZSkZQ3nK4nOaXW8YV5tR2uJ6hE0fBw="),
    ("PRESSGATE__DATABASE__MIGRATE_ON_START", "true"),
    ("PRESSGATE__LIMITS__NETWORK_BURST", "3"),
];

/// Calls that change something and are not slowed down, each with the reason.
const NOT_LIMITED: &[(&str, &str)] = &[
    ("delete /v1/me", "needs a token that was checked, and a fresh login"),
    ("delete /v1/me/sessions", "needs a token that was checked"),
    ("delete /v1/me/sessions/{id}", "needs a token that was checked"),
    ("post /v1/access", "a website's call, by a key of 256 bits"),
    ("post /v1/access/batch", "a website's call, by a key of 256 bits"),
    ("post /v1/auth/handovers/redeem", "a website's call, by a key of 256 bits"),
    ("post /v1/staff/logout", "needs a token that was checked"),
    ("post /v1/staff/views", "needs a token that was checked"),
    ("delete /v1/staff/views/{id}", "needs a token that was checked"),
    ("post /v1/staff/readers/{id}/notes", "needs a token that was checked"),
    ("post /v1/staff/mails/{id}/retry", "needs a token that was checked"),
    ("delete /v1/staff/readers/{id}", "needs a token that was checked"),
    ("delete /v1/staff/readers/{id}/sessions", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/retry", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/cancel", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/refund", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/extend", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/pause", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/resume", "needs a token that was checked"),
    ("post /v1/staff/readers/{id}/address", "needs a token that was checked"),
    ("post /v1/staff/readers/{id}/address/confirm", "needs a token that was checked"),
    ("post /v1/staff/readers/{id}/letters", "needs a token that was checked"),
    ("post /v1/staff/gifts", "needs a token that was checked"),
    ("post /v1/staff/gifts/{id}/withdraw", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/switch", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/keep-plan", "needs a token that was checked"),
    ("post /v1/staff/subscriptions/{id}/preview", "needs a token that was checked"),
    ("post /v1/staff/complimentary/{id}/end", "needs a token that was checked"),
    ("post /v1/staff/readers/{id}/complimentary", "needs a token that was checked"),
    ("post /v1/staff/refunds/{id}/retry", "needs a token that was checked"),
    ("post /v1/staff/refunds/{id}/settle", "needs a token that was checked"),
    ("post /v1/staff/refunds/{id}/paid-out", "needs a token that was checked"),
    ("post /v1/staff/refund-requests/{id}/approve", "needs a token that was checked"),
    ("post /v1/staff/refund-requests/{id}/decline", "needs a token that was checked"),
    ("post /v1/subscriptions", "needs a token that was checked"),
    ("post /v1/subscriptions/{id}/cancel", "needs a token that was checked"),
    ("post /v1/subscriptions/{id}/resume", "needs a token that was checked"),
    ("post /v1/subscriptions/{id}/switch", "needs a token that was checked"),
    ("delete /v1/subscriptions/{id}/switch", "needs a token that was checked"),
    ("post /v1/subscriptions/{id}/switch/preview", "needs a token that was checked"),
    ("put /v1/subscriptions/{id}/payment-method", "needs a token that was checked"),
    ("post /v1/auth/logout", "says the same of every token, so there is nothing to learn"),
];

/// What makes a call that takes a secret fail for the secret.
fn wrong(path: &str, email: &str) -> Value {
    let link = format!("pgl_{}", "x".repeat(43));
    match path {
        "/v1/readers" | "/v1/auth/login" => json!({"email": email, "password": PASSWORD}),
        "/v1/auth/magic-links" | "/v1/auth/password-resets" => json!({"email": email}),
        "/v1/staff/login" => json!({"email": email, "password": PASSWORD}),
        "/v1/auth/refresh" | "/v1/staff/refresh" | "/v1/auth/logout" => {
            json!({"refresh_token": "pgr_x"})
        }
        "/v1/auth/password-resets/redeem" => json!({"token": link, "password": PASSWORD}),
        "/v1/me/password" => json!({"current_password": PASSWORD, "new_password": PASSWORD}),
        "/v1/me/email" => json!({"email": email}),
        _ => json!({"token": link}),
    }
}

/// Each call has an address of its own, so that no other limit is met.
fn address_for(path: &str) -> String {
    let name: String = path.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{name}@example.org")
}

async fn call_from(t: &TestApp, from: [u8; 4], method: &Method, path: &str) -> Answer {
    let body = Body::from(wrong(path, &address_for(path)).to_string());
    let request = Request::builder()
        .method(method.clone())
        .uri(path)
        .header("content-type", "application/json")
        .extension(Peer(IpAddr::from(from)));
    t.send(request.body(body).unwrap()).await
}

/// Every call of the description that is no mere reading, as `post /v1/readers`.
async fn calls(t: &TestApp) -> Vec<(Method, String)> {
    let description = t.get("/openapi.json").await.json();
    let paths = description["paths"].as_object().unwrap();
    let mut calls = Vec::new();
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            if [Method::POST, Method::PUT, Method::DELETE, Method::PATCH].contains(&method) {
                calls.push((method, path.clone()));
            }
        }
    }
    calls
}

/// A live service on the kind of database that `t` has, for a sandbox's own is refused.
async fn live(t: &TestApp) -> TestApp {
    let place = match &t.place {
        Place::Sqlite(_) => Place::sqlite(),
        Place::Postgres(_) => Place::postgres().await,
    };
    TestApp::open(place, Arc::clone(&t.clock), &LIVE).await.unwrap()
}

on_both_databases! {
    /// A new call stands in neither list until somebody thinks of it.
    async fn every_call_that_takes_a_secret_is_slowed_down(t: TestApp) {
        let t = live(&t).await;
        let mut limited = 0;
        for (i, (method, path)) in (1_u8..).zip(calls(&t).await) {
            let name = format!("{} {path}", method.as_str().to_lowercase());
            if NOT_LIMITED.iter().any(|(listed, _)| *listed == name) {
                continue;
            }
            let mut statuses = Vec::new();
            for _ in 0..3 {
                statuses.push(call_from(&t, [203, 0, i, 1], &method, &path).await.status);
            }
            assert!(statuses.iter().all(|status| *status != 429), "{name}: {statuses:?}");
            let before = t.state.accounts.hasher.computed();
            let last = call_from(&t, [203, 0, i, 200], &method, &path).await;
            assert_eq!(last.problem(), refused(429, "too_many_attempts"), "{name}: {statuses:?}");
            assert_eq!(last.header("retry-after"), "1", "{name}");
            assert_eq!(t.state.accounts.hasher.computed(), before, "{name}");
            let elsewhere = call_from(&t, [198, 51, i, 1], &method, &path).await;
            assert_ne!(elsewhere.status, 429, "{name}: others are left alone");
            limited += 1;
        }
        assert!(limited >= 11, "{limited}");
        t.place.clear().await;
    }

    async fn a_right_secret_is_never_slowed_down(t: TestApp) {
        let t = live(&t).await;
        let login = "/v1/auth/login";
        let (from, email) = ([203, 0, 113, 7], address_for(login));
        let asked = t.sign_up(&email, PASSWORD).await;
        let mails = {
            let mut tx = t.state.databases.main.read().await.unwrap();
            outbox::newest(&mut tx, None).await.unwrap()
        };
        let link = link_in(&json!({"text": mails[0].body_text}));
        let proof = json!({"proof": proof_in(&asked)});
        assert_eq!(t.verify_with(&link, proof).await.status, 200);
        for _ in 0..50 {
            assert_eq!(call_from(&t, from, &Method::POST, login).await.status, 200);
        }
        t.place.clear().await;
    }

    async fn an_address_gets_five_mails_and_then_one_each_five_minutes(t: TestApp) {
        t.reader("bert@example.org").await;
        let paths = ["/v1/auth/magic-links", "/v1/auth/password-resets"];
        for (email, had) in [("Anna@example.org", 0), ("bert@example.org", 1)] {
            for i in had..5 {
                let body = json!({"email": email});
                assert_eq!(t.tell(paths[i % 2], body).await.status, 202);
            }
        }
        let another = t.another_process().await;
        let mut answers = Vec::new();
        for (process, email) in [(&t, "anna@EXAMPLE.org"), (&another, "bert@example.org")] {
            let hashes = process.state.accounts.hasher.computed();
            let answer = process.sign_up(email, PASSWORD).await;
            assert_eq!(answer.problem(), refused(429, "too_many_attempts"));
            assert_eq!(answer.header("retry-after"), "300");
            assert_eq!(process.state.accounts.hasher.computed(), hashes, "nothing was hashed");
            let answer = process.tell(paths[0], json!({"email": email})).await;
            assert_eq!(answer.problem(), refused(429, "too_many_attempts"));
            answers.push(all_of(&answer));
        }
        assert_eq!(answers[0], answers[1], "nobody learns who has an account");
        assert_eq!(t.mails_to(ANNA).await.len(), 5);
        t.clock.advance(Duration::minutes(5));
        assert_eq!(t.tell(paths[0], json!({"email": ANNA})).await.status, 202);
        assert_eq!(t.tell(paths[0], json!({"email": ANNA})).await.status, 429);
        assert_eq!(t.mails_to(ANNA).await.len(), 6);
    }

    async fn of_fifty_who_ask_at_once_five_are_written_to(t: TestApp) {
        let processes = [t.clone(), t.another_process().await];
        let paths = ["/v1/auth/magic-links", "/v1/auth/password-resets", "/v1/readers"];
        let asked = (0..50).map(|i| {
            let (t, path) = (processes[i % 2].clone(), paths[i % 3]);
            tokio::spawn(async move { t.tell(path, wrong(path, ANNA)).await.status })
        });
        let statuses = join_all(asked).await.into_iter().map(Result::unwrap);
        let statuses: Vec<u16> = statuses.collect();
        assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 5);
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 45);
        assert_eq!(t.mails_to(ANNA).await.len(), 5);
    }

    async fn whoever_is_logged_in_cannot_flood_mailboxes_either(t: TestApp) {
        let tokens = t.reader(ANNA).await;
        let ask = async |to: String| {
            let body = Some(json!({"email": to}));
            t.call(Method::POST, "/v1/me/email", &tokens.access, body).await.status
        };
        // One mail of the reader's five is gone for the sign-up.
        for i in 0..4 {
            assert_eq!(ask(format!("bert{i}@example.org")).await, 202);
        }
        assert_eq!(ask("bert5@example.org".to_owned()).await, 429, "not even to ever new ones");
        assert_eq!(t.mails_to(ANNA).await.len(), 5);
        assert_eq!(t.mails_to("bert5@example.org").await.len(), 0);
    }
}
