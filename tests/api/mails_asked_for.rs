//! Mails that anybody may ask for, and secrets that anybody may try: a few, then slowly, and no
//! way in without that.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request},
};
use futures_util::future::join_all;
use pressgate::{
    auth::staff::model::Role,
    mail::{address::Address, outbox},
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    newsletters::receives,
    office_billing::Clerk,
    place::Place,
    reader_pages::{Browser, hidden_fields},
    readers::{ANNA, PASSWORD, Tokens, all_of, link_in, proof_in, refused},
    subscribing::begun,
};

/// A live service, where each network may be wrong three times, and have three mails sent.
const LIVE: [(&str, &str); 8] = [
    ("PRESSGATE__MODE", "live"),
    ("PRESSGATE__MAIL__HOST", "127.0.0.1"),
    ("PRESSGATE__MAIL__FROM_ADDRESS", "news@pay.example"),
    ("PRESSGATE__SERVER__PUBLIC_URL", "https://pay.example"),
    ("PRESSGATE__KEYS__MASTER", "q1LGgSPcZ0mC7ZSkZQ3nK4nOaXW8YV5tR2uJ6hE0fBw="),
    ("PRESSGATE__DATABASE__MIGRATE_ON_START", "true"),
    ("PRESSGATE__LIMITS__NETWORK_BURST", "3"),
    ("PRESSGATE__LIMITS__NETWORK_MAIL_BURST", "3"),
];

/// Calls that change something and are not slowed down, each with the reason.
const NOT_LIMITED: &[(&str, &str)] = &[
    ("put /v1/me/password", "needs a token that was checked; a wrong password counts"),
    ("post /v1/me/email", "needs a token that was checked; a wrong password and the mails count"),
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

async fn call_from(t: &TestApp, from: &str, method: &Method, path: &str) -> Answer {
    let body = Body::from(wrong(path, &address_for(path)).to_string());
    let request = Request::builder().method(method.clone()).uri(path);
    let request = request.header("content-type", "application/json").body(body).unwrap();
    t.from(from).send(request).await
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
pub(crate) async fn live(t: &TestApp) -> TestApp {
    live_with(t, &[]).await
}

pub(crate) async fn live_with(t: &TestApp, settings: &[(&str, &str)]) -> TestApp {
    let place = match &t.place {
        Place::Sqlite(_) => Place::sqlite(),
        Place::Postgres(_) => Place::postgres().await,
    };
    TestApp::open(place, Arc::clone(&t.clock), &[&LIVE, settings].concat()).await.unwrap()
}

/// The token of the newest link to `email`, of a service whose mails cannot be looked at.
pub(crate) async fn link_of(t: &TestApp, email: &str) -> String {
    let address = Address::parse(email).unwrap();
    let mut tx = t.state.databases.main.read().await.unwrap();
    let mails = outbox::newest(&mut tx, Some(&address)).await.unwrap();
    link_in(&json!({"text": mails.last().unwrap().body_text}))
}

/// The path of every link in every mail to `addresses`.
async fn links(t: &TestApp, addresses: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for address in addresses {
        for mail in t.mails_to(address).await {
            let words = mail["text"].as_str().unwrap().split_whitespace();
            let ours = words.filter_map(|word| word.strip_prefix("http://127.0.0.1:8080"));
            found.extend(ours.filter(|path| path.starts_with('/')).map(str::to_owned));
        }
    }
    found
}

/// Opens a link in a new browser and presses every button there; says whether that logs in.
async fn logs_in(t: &TestApp, link: &str) -> bool {
    let mut browser = Browser::new(t);
    let page = browser.open(link).await.text();
    let actions = page.split("<form").skip(1).filter_map(|form| {
        let action = form.split("action=\"").nth(1)?.split('"').next()?;
        (!["/language", "/sandbox"].iter().any(|other| action.starts_with(other))).then_some(action)
    });
    for action in actions {
        browser.post(action, &hidden_fields(&page, action)).await;
    }
    let session = browser.is_logged_in();
    // The same by the calls of programs.
    let token = link.split("token=").nth(1).map(|rest| rest.split('&').next().unwrap());
    let mut tokens = false;
    for path in ["/v1/auth/magic-links/redeem", "/v1/readers/verify"] {
        let body = json!({"token": token.unwrap_or_default()});
        tokens |= t.tell(path, body).await.status == 200;
    }
    session || tokens
}

on_both_databases! {
    async fn no_link_that_lives_longer_than_a_day_logs_in(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        for (email, days) in [("carla@example.org", 30), ("fay@example.org", 5)] {
            support.post("gifts", json!({"email": email, "days": days, "reason": "a prize"})).await;
        }
        // One of the two has made an account since.
        let fay = t.reader("fay@example.org").await;
        begun(&t, ANNA).await;
        let dora = t.reader("dora@example.org").await;
        t.magic_link("dora@example.org").await;
        t.reset_link("dora@example.org").await;
        let body = Some(json!({"email": "new@example.org"}));
        t.call(Method::POST, "/v1/me/email", &dora.access, body).await;
        t.sign_up("eve@example.org", PASSWORD).await;
        receives(&t, "bert@example.org", &["tide"]).await;
        let addresses = [
            "carla@example.org", "fay@example.org", ANNA, "dora@example.org", "new@example.org",
            "eve@example.org", "bert@example.org",
        ];
        let all = links(&t, &addresses).await;
        for kind in [
            "/gift", "/login/link", "/login/reset", "/signup/confirm", "/account/address",
            "/newsletters/confirm", "/mail/cancel",
        ] {
            assert!(all.iter().any(|link| link.starts_with(kind)), "no link to {kind}: {all:?}");
        }
        let short = ["/login/link", "/signup/confirm"];
        let is_short = |link: &&String| short.iter().any(|start| link.starts_with(start));
        for link in all.iter().filter(|link| !is_short(link)) {
            assert!(!logs_in(&t, link).await, "{link}");
        }
        t.clock.advance(Duration::DAY);
        for link in &all {
            assert!(!logs_in(&t, link).await, "{link} of yesterday");
        }
        assert_eq!(t.reason(&Tokens::of(&t.refresh(&fay.refresh).await)).await, "complimentary");
    }

    /// A new call stands in neither list until somebody thinks of it.
    async fn every_call_that_takes_a_secret_is_slowed_down(t: TestApp) {
        let t = live(&t).await;
        let mut limited = 0;
        for (i, (method, path)) in (1_u8..).zip(calls(&t).await) {
            let name = format!("{} {path}", method.as_str().to_lowercase());
            if NOT_LIMITED.iter().any(|(listed, _)| *listed == name) {
                continue;
            }
            let from = format!("203.0.{i}.1");
            let mut statuses = Vec::new();
            for _ in 0..3 {
                statuses.push(call_from(&t, &from, &method, &path).await.status);
            }
            assert!(statuses.iter().all(|status| *status != 429), "{name}: {statuses:?}");
            let before = t.state.accounts.hasher.computed();
            let last = call_from(&t, &from, &method, &path).await;
            assert_eq!(last.problem(), refused(429, "too_many_attempts"), "{name}: {statuses:?}");
            let wait = if statuses[0] == 202 { "120" } else { "1" };
            assert_eq!(last.header("retry-after"), wait, "{name}");
            assert_eq!(t.state.accounts.hasher.computed(), before, "{name}");
            for other in [format!("203.0.{i}.2"), format!("198.51.{i}.1")] {
                let other = call_from(&t, &other, &method, &path).await;
                assert_ne!(other.status, 429, "{name}: others are left alone");
            }
            limited += 1;
        }
        assert!(limited >= 10, "{limited}");
        t.place.clear().await;
    }

    async fn a_right_secret_is_never_slowed_down(t: TestApp) {
        let t = live(&t).await;
        let login = "/v1/auth/login";
        let (from, email) = ("203.0.113.7", address_for(login));
        let asked = t.sign_up(&email, PASSWORD).await;
        let proof = json!({"proof": proof_in(&asked)});
        assert_eq!(t.verify_with(&link_of(&t, &email).await, proof).await.status, 200);
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

    /// Whatever is added to its name, a mailbox has one count.
    async fn a_mailbox_is_not_flooded_by_other_spellings_of_its_address(t: TestApp) {
        let paths = ["/v1/auth/magic-links", "/v1/readers", "/v1/auth/password-resets"];
        let plus: fn(usize) -> String = |i| format!("anna+{i}@example.org");
        let dots: fn(usize) -> String = |i| {
            let mut name = "berta.example".to_owned();
            name.insert(1 + i % 4, '.');
            format!("{name}+{i}@{}", ["gmail.com", "googlemail.com"][i % 2])
        };
        for (spell, others) in [
            (plus, ["anna@example.org", "ANNA+x+y@example.org"]),
            (dots, ["bertaexample@gmail.com", "b.e.r.t.a.e.x.a.m.p.l.e@GoogleMail.com"]),
        ] {
            let mut sent = 0;
            for i in 0..30 {
                let path = paths[i % 3];
                match t.tell(path, wrong(path, &spell(i))).await.status {
                    202 => sent += 1,
                    status => assert_eq!(status, 429),
                }
            }
            assert_eq!(sent, 5);
            for other in others {
                let page = Browser::new(&t).submit("/login", "/login/email", &[("email", other)]).await;
                assert_eq!(page.status, 429, "{other}");
                let answer = t.tell(paths[0], json!({"email": other})).await;
                assert_eq!(answer.problem(), refused(429, "too_many_attempts"), "{other}");
            }
        }
        assert_eq!(t.tell(paths[0], json!({"email": "an.na@example.org"})).await.status, 202);
    }

    async fn a_network_has_thirty_mails_sent_by_any_call_and_then_one_each_two_minutes(t: TestApp) {
        let t = live_with(&t, &[("PRESSGATE__LIMITS__NETWORK_MAIL_BURST", "30")]).await;
        let here = t.from("2001:db8:1:2::1");
        let list = format!("list-{}", t.state.newsletters.catalogs.current().newsletters[0].id);
        for i in 0..30 {
            let email = format!("reader{i}@example.org");
            let mut browser = Browser::new(&t.from(&format!("2001:db8:1:2::{i}")));
            let status = match i % 6 {
                0 => here.sign_up(&email, PASSWORD).await.status,
                1 => here.tell("/v1/auth/magic-links", json!({"email": email})).await.status,
                2 => here.tell("/v1/auth/password-resets", json!({"email": email})).await.status,
                3 => browser.submit("/login", "/login/email", &[("email", &email)]).await.status,
                4 => browser.submit("/login/reset", "/login/reset", &[("email", &email)]).await.status,
                _ => {
                    let fields = [("email", email.as_str()), (&list, "on")];
                    browser.submit("/newsletters", "/newsletters", &fields).await.status
                }
            };
            assert_eq!(status, 202, "{i}");
        }
        for path in ["/v1/readers", "/v1/auth/magic-links", "/v1/auth/password-resets"] {
            let refused_here = here.tell(path, wrong(path, "last@example.org")).await;
            assert_eq!(refused_here.problem(), refused(429, "too_many_attempts"), "{path}");
            assert_eq!(refused_here.header("retry-after"), "120", "{path}");
        }
        let fields = [("email", "last@example.org"), (&list, "on")];
        let page = Browser::new(&here).submit("/newsletters", "/newsletters", &fields).await;
        assert_eq!(page.status, 429, "{}", page.text());
        let page = Browser::new(&here).submit("/login", "/login/email", &fields[..1]).await;
        assert_eq!(page.status, 429, "{}", page.text());
        // A notice is taken all the same, and answered alike; others are left alone.
        let notice = [("email".to_owned(), "last@example.org".to_owned())];
        assert_eq!(Browser::new(&here).post("/cancel", &notice).await.status, 202);
        assert_eq!(t.from("2001:db8:1:3::1").sign_up("last@example.org", PASSWORD).await.status, 202);
        t.clock.advance(Duration::minutes(2));
        assert_eq!(here.sign_up("more@example.org", PASSWORD).await.status, 202);
        assert_eq!(here.sign_up("evenmore@example.org", PASSWORD).await.status, 429);
        t.place.clear().await;
    }
}
