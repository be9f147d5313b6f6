//! Staff on a device that they have logged in from before: strangers' wrong passwords cannot keep
//! them out of it, and it opens nothing by itself.

use pressgate::{
    auth::staff::{
        model::{Role, Staff},
        store::{self, NewSecondFactor},
    },
    clock::Clock,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{PASSWORD, code, enrol, hire},
    mails_asked_for::live,
    reader_pages::Browser,
    readers::refused,
};

const EMAIL: &str = "admin@office.example";

/// An admin with both factors.
async fn admin(t: &TestApp) -> (Staff, NewSecondFactor) {
    let staff = hire(t, Role::Admin).await;
    let factor = enrol(t, &staff).await;
    (staff, factor)
}

async fn log_in(t: &TestApp, more: Value) -> Answer {
    let mut body = json!({"email": EMAIL, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    t.post("/v1/staff/login", body.to_string()).await
}

/// Logs in with the next code, and gives the token of the device.
async fn known(t: &TestApp, factor: &NewSecondFactor, more: Value) -> String {
    t.clock.advance(Duration::seconds(30));
    let mut more = more;
    more["totp"] = code(t, factor).into();
    let answer = log_in(t, more).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["device_token"].as_str().unwrap().to_owned()
}

/// What a right login with this device token is answered while the account is locked.
async fn while_locked(t: &TestApp, factor: &NewSecondFactor, token: &str) -> u16 {
    t.clock.advance(Duration::seconds(30));
    guess(t, 12).await;
    log_in(t, json!({"totp": code(t, factor), "device_token": token})).await.status
}

/// A stranger tries this many passwords.
async fn guess(t: &TestApp, times: usize) {
    for _ in 0..times {
        let answer = log_in(t, json!({"password": "not this one"})).await;
        assert!([401, 429].contains(&answer.status), "{}", answer.text());
    }
}

on_both_databases! {
    async fn a_stranger_who_guesses_keeps_nobody_out_of_a_known_device(t: TestApp) {
        let (_, factor) = admin(&t).await;
        let mut token = known(&t, &factor, json!({})).await;
        assert!(token.starts_with("pgd_"), "{token}");
        guess(&t, 12).await;
        for minute in 0..40 {
            t.clock.advance(Duration::MINUTE);
            guess(&t, 2).await;
            if minute % 10 == 0 {
                let unknown = log_in(&t, json!({"totp": code(&t, &factor)})).await;
                assert_eq!(unknown.problem(), refused(429, "too_many_attempts"));
                token = known(&t, &factor, json!({"device_token": token})).await;
                // That the owner came in gives the stranger no further tries.
                guess(&t, 1).await;
                let stranger = log_in(&t, json!({"password": "not this one"})).await;
                assert_eq!(stranger.problem(), refused(429, "too_many_attempts"));
            }
        }
    }

    async fn a_known_device_has_a_limit_of_its_own_and_replaces_no_factor(t: TestApp) {
        let (_, factor) = admin(&t).await;
        let device = json!({"device_token": known(&t, &factor, json!({})).await});
        let with = |more: Value| {
            let mut all = device.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let alone = log_in(&t, device.clone()).await;
        assert_eq!(alone.problem(), refused(401, "second_factor_required"));
        t.clock.advance(Duration::seconds(30));
        for _ in 0..10 {
            let wrong = with(json!({"password": "not this one", "totp": code(&t, &factor)}));
            assert_eq!(log_in(&t, wrong).await.problem(), refused(401, "invalid_credentials"));
        }
        let right = json!({"totp": code(&t, &factor)});
        let hashes = t.state.desk.hasher.computed();
        assert_eq!(log_in(&t, with(right.clone())).await.problem(), refused(429, "too_many_attempts"));
        assert_eq!(t.state.desk.hasher.computed(), hashes, "nothing was hashed");
        assert_eq!(log_in(&t, right).await.status, 200, "other devices are not concerned");
    }

    async fn codes_that_a_stranger_tries_keep_nobody_out_of_a_known_device(t: TestApp) {
        let (_, factor) = admin(&t).await;
        let token = known(&t, &factor, json!({})).await;
        for _ in 0..6 {
            log_in(&t, json!({"totp": "000000"})).await;
        }
        t.clock.advance(Duration::seconds(30));
        let right = code(&t, &factor);
        assert_eq!(log_in(&t, json!({"totp": right})).await.problem(), refused(429, "too_many_attempts"));
        known(&t, &factor, json!({"device_token": token})).await;
    }

    async fn a_device_is_forgotten_with_the_password_the_second_factor_and_the_account(t: TestApp) {
        let (staff, mut factor) = admin(&t).await;
        for change in ["password", "second factor", "account", "nothing"] {
            let token = known(&t, &factor, json!({})).await;
            let mut tx = t.state.databases.main.write().await.unwrap();
            let now = t.clock.now();
            match change {
                "password" => {
                    let hash = &staff.password_hash;
                    assert!(store::set_password_hash(&mut tx, staff.id, hash, now).await.unwrap());
                }
                "account" => {
                    assert!(store::disable(&mut tx, staff.id, now).await.unwrap());
                    assert!(store::enable(&mut tx, staff.id).await.unwrap());
                }
                _ => {}
            }
            tx.commit().await.unwrap();
            if change == "second factor" {
                factor = enrol(&t, &staff).await;
            }
            let expected = if change == "nothing" { 200 } else { 429 };
            assert_eq!(while_locked(&t, &factor, &token).await, expected, "{change}");
            // The lock is over.
            t.clock.advance(Duration::hours(1));
        }
    }

    async fn a_device_is_known_for_ninety_days_to_its_owner_alone(t: TestApp) {
        let (_, factor) = admin(&t).await;
        let token = known(&t, &factor, json!({})).await;
        let other = hire(&t, Role::Viewer).await;
        let others = enrol(&t, &other).await;
        let body = json!({"email": other.email.typed(), "password": PASSWORD, "totp": code(&t, &others)});
        let others = t.post("/v1/staff/login", body.to_string()).await.json();
        let others = others["device_token"].as_str().unwrap();
        // What is not known is ignored: such a login is one from any device.
        for unknown in [others, "", "pgd_", "x", &"é".repeat(1_000), &token[..token.len() - 1]] {
            assert_eq!(while_locked(&t, &factor, unknown).await, 429, "{unknown:.20}");
        }
        t.clock.advance(Duration::hours(1));
        assert!(known(&t, &factor, json!({"device_token": "pgd_rubbish"})).await != token);
        let token = known(&t, &factor, json!({})).await;
        let start = t.clock.now();
        t.clock.set(start.plus(Duration::days(90)).minus(Duration::SECOND));
        assert_eq!(while_locked(&t, &factor, &token).await, 429, "over by half a minute");
        t.clock.advance(Duration::hours(1));
        let token = known(&t, &factor, json!({})).await;
        let start = t.clock.now();
        t.clock.set(start.plus(Duration::days(90)).minus(Duration::MINUTE));
        assert_eq!(while_locked(&t, &factor, &token).await, 200);
    }

    async fn a_refresh_makes_no_device_known(t: TestApp) {
        let answer = t.post(
            "/v1/staff/login",
            json!({"email": "admin@demo.example", "password": "sandbox-admin"}).to_string(),
        ).await.json();
        assert!(answer["device_token"].is_string(), "one factor is all that there is here");
        let body = json!({"refresh_token": answer["refresh_token"]}).to_string();
        let refreshed = t.post("/v1/staff/refresh", body).await;
        assert_eq!(refreshed.status, 200);
        assert!(refreshed.json().get("device_token").is_none(), "{}", refreshed.text());
        let body = json!({"email": "admin@demo.example", "password": "x", "device_token": 7});
        let refused = t.post("/v1/staff/login", body.to_string()).await;
        assert_eq!(refused.fields(), [("device_token".to_owned(), "invalid_type".to_owned())]);
    }

    async fn a_browser_is_known_by_a_cookie(t: TestApp) {
        hire(&t, Role::Admin).await;
        let mut browser = Browser::new(&t);
        let fields = [("email", EMAIL), ("password", PASSWORD)];
        let came = browser.submit("/staff/login", "/staff/login", &fields).await;
        let set = came.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
        let set = set.filter(|set| set.starts_with("pressgate_staff_device=pgd_"));
        let set: Vec<&str> = set.collect();
        assert_eq!(set.len(), 1, "{:?}", came.headers);
        let mut attributes: Vec<&str> = set[0].split("; ").skip(1).collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["HttpOnly", "Max-Age=7776000", "Path=/", "SameSite=Strict"]);
        browser.submit("/staff", "/staff/logout", &[]).await;
        assert!(browser.cookies.contains_key("pressgate_staff_device"), "it stays known");
        guess(&t, 12).await;
        let other = Browser::new(&t).submit("/staff/login", "/staff/login", &fields).await;
        assert_eq!(other.status, 429);
        let came = browser.submit("/staff/login", "/staff/login", &fields).await;
        assert_eq!((came.status, came.header("location")), (303, "/staff"));
    }

    /// Behind one address with somebody who fails: the network's limit does not concern it either.
    async fn a_known_device_gets_past_the_failures_of_its_own_network(t: TestApp) {
        let t = live(&t).await;
        let (_, factor) = admin(&t).await;
        let here = t.from("203.0.113.7");
        let token = known(&here, &factor, json!({})).await;
        t.clock.advance(Duration::seconds(30));
        for i in 0..4 {
            here.log_in(&format!("nobody{i}@example.org"), "not this one").await;
        }
        let right = json!({"totp": code(&t, &factor)});
        let unknown = log_in(&here, right.clone()).await;
        assert_eq!(unknown.problem(), refused(429, "too_many_attempts"));
        let known = json!({"totp": right["totp"], "device_token": token});
        assert_eq!(log_in(&here, known).await.status, 200);
        t.place.clear().await;
    }
}
