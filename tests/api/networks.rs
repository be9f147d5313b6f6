//! What one network does shuts nobody else out: not by failing, and not by being right too often.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{Answer, TestApp},
    mails_asked_for::{link_of, live_with},
    reader_pages::Browser,
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens, proof_in, refused},
};

const BERT: &str = "bert@example.org";

/// A live service where each network may fail three times, and all together five times.
async fn live(t: &TestApp) -> TestApp {
    live_with(t, &[("PRESSGATE__LIMITS__INSTANCE_BURST", "5")]).await
}

/// A reader of a live service, who signed up from a network of their own.
async fn reader(t: &TestApp, email: &str, from: &str) -> Tokens {
    let there = t.from(from);
    let asked = there.sign_up(email, PASSWORD).await;
    let proof = json!({"proof": proof_in(&asked)});
    Tokens::of(&there.verify_with(&link_of(t, email).await, proof).await)
}

/// Refresh tokens that nobody has, one from each of sixty networks of a /48.
async fn attack(t: &TestApp) {
    for i in 0..60 {
        let there = t.from(&format!("2001:db8:1:{i:x}::1"));
        let wrong = there.refresh(&format!("pgr_{}", "x".repeat(43))).await;
        assert_eq!(wrong.problem(), refused(401, "invalid_refresh_token"), "{i}");
    }
}

async fn notice(t: &TestApp, email: &str) -> Answer {
    Browser::new(t).post("/cancel", &[("email".to_owned(), email.to_owned())]).await
}

on_both_databases! {
    async fn a_valid_token_works_however_often_others_have_failed(t: TestApp) {
        let t = live(&t).await;
        let anna = reader(&t, ANNA, "198.51.100.1").await;
        assert_eq!(t.from("198.51.100.2").sign_up(BERT, PASSWORD).await.status, 202);
        let sign_up = link_of(&t, BERT).await;
        let mut links = Vec::new();
        for (i, name) in ["cora", "dora", "emil"].iter().enumerate() {
            let (email, from) = (format!("{name}@example.org"), format!("192.0.2.{i}"));
            reader(&t, &email, &from).await;
            let path = ["/v1/auth/magic-links", "/v1/auth/password-resets"][i / 2];
            t.clock.advance(time::Duration::SECOND);
            assert_eq!(t.from(&from).tell(path, json!({"email": email})).await.status, 202);
            links.push(link_of(&t, &email).await);
        }

        attack(&t).await;
        // A household of that /48, where somebody fails as well.
        let here = t.from("2001:db8:1:7::1");
        for i in 1..6 {
            let wrong = here.redeem(&format!("pgl_{}", "x".repeat(43))).await;
            let expected = if i < 3 { (401, "invalid_link") } else { (429, "too_many_attempts") };
            assert_eq!(wrong.problem(), refused(expected.0, expected.1), "{i}");
        }
        assert_eq!(here.log_in(ANNA, PASSWORD).await.problem(), refused(429, "too_many_attempts"));
        let anna = Tokens::of(&here.refresh(&anna.refresh).await);
        assert_eq!(here.verify(&sign_up).await.status, 200);
        assert_eq!(here.redeem(&links[0]).await.status, 200);
        let page = format!("/login/link?token={}", links[1]);
        assert_eq!(Browser::new(&here).submit(&page, "/login/link", &[]).await.status, 303);
        assert_eq!(notice(&here, ANNA).await.status, 202);
        assert_eq!(here.reset(&links[2], OTHER_PASSWORD).await.status, 204);
        assert_eq!(here.log_out(&anna.refresh).await.status, 204);
        t.place.clear().await;
    }

    async fn a_right_password_passes_while_its_neighbours_are_refused(t: TestApp) {
        let t = live(&t).await;
        reader(&t, ANNA, "198.51.100.1").await;
        attack(&t).await;
        for (attacker, neighbour) in [
            ("203.0.113.7", "203.0.113.8"),
            ("2001:db8:2:1::1", "2001:db8:2:2::1"),
            ("2001:db8:2:1::2", "2001:db8:1:ffff::1"),
        ] {
            let (attacker, neighbour) = (t.from(attacker), t.from(neighbour));
            for i in 0..10 {
                attacker.log_in(&format!("nobody{i}@example.org"), PASSWORD).await;
            }
            let refused_here = attacker.log_in(ANNA, PASSWORD).await;
            assert_eq!(refused_here.problem(), refused(429, "too_many_attempts"));
            assert_eq!(neighbour.log_in(ANNA, PASSWORD).await.status, 200);
            let sign_up = neighbour.sign_up("cora@example.org", PASSWORD).await;
            assert_eq!(sign_up.status, 202, "{}", sign_up.text());
            assert_eq!(notice(&neighbour, "dora@example.org").await.status, 202);
        }
        t.place.clear().await;
    }

    async fn passwords_of_those_who_are_logged_in_count_as_well(t: TestApp) {
        let t = live(&t).await;
        let anna = reader(&t, ANNA, "198.51.100.1").await;
        let change = async |from: &str, path: &str, body: serde_json::Value| {
            let method = if path.ends_with("password") { Method::PUT } else { Method::POST };
            t.from(from).call(method, path, &anna.access, Some(body)).await
        };
        let wrong = json!({"current_password": OTHER_PASSWORD, "new_password": OTHER_PASSWORD});
        let address = |password| json!({"email": "new@example.org", "password": password});
        for i in 0..3 {
            let answer = match i {
                0 => change("203.0.113.7", "/v1/me/email", address(OTHER_PASSWORD)).await,
                _ => change("203.0.113.7", "/v1/me/password", wrong.clone()).await,
            };
            assert_eq!(answer.problem(), refused(403, "wrong_password"));
        }
        let hashes = t.state.accounts.hasher.computed();
        for (path, body) in [("/v1/me/password", wrong), ("/v1/me/email", address(PASSWORD))] {
            let answer = change("203.0.113.7", path, body).await;
            assert_eq!(answer.problem(), refused(429, "too_many_attempts"), "{path}");
        }
        assert_eq!(t.state.accounts.hasher.computed(), hashes, "nothing was hashed");
        let fresh = json!({"email": "new@example.org"});
        let without = change("203.0.113.7", "/v1/me/email", fresh).await;
        assert_eq!(without.status, 202, "a fresh session needs no password");
        assert_eq!(change("203.0.113.8", "/v1/me/email", address(PASSWORD)).await.status, 202);
        t.place.clear().await;
    }

    /// The queue has eight places, and one network sends sixty requests at once.
    async fn one_network_with_right_passwords_stops_nobody_else(t: TestApp) {
        t.reader(ANNA).await;
        t.reader(BERT).await;
        let settings =
            [("PRESSGATE__PASSWORDS__HASH_THREADS", "1"), ("PRESSGATE__PASSWORDS__QUEUE_MAX", "8")];
        let busy = t.another_process_with(&settings).await;
        let flood = (0..60).map(|_| {
            let there = busy.from("203.0.113.7");
            tokio::spawn(async move { there.log_in(ANNA, PASSWORD).await })
        });
        let flood: Vec<_> = flood.collect();
        let staff = json!({"email": "admin@demo.example", "password": "sandbox-admin"});
        let staff = busy.from("203.0.113.7").post("/v1/staff/login", staff.to_string()).await;
        assert_eq!(staff.status, 200, "{}", staff.text());
        for other in ["198.51.100.1", "203.0.113.8", "2001:db8::1"] {
            let answer = busy.from(other).log_in(BERT, PASSWORD).await;
            assert_eq!(answer.status, 200, "{other}: {}", answer.text());
        }
        let mut sent_away = 0;
        for answer in join_all(flood).await.into_iter().map(Result::unwrap) {
            if answer.status != 200 {
                assert_eq!(answer.problem(), refused(503, "overloaded"));
                assert_eq!(answer.header("retry-after"), "2");
                sent_away += 1;
            }
        }
        assert!((1..60).contains(&sent_away), "{sent_away}");
    }
}
