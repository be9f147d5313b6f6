//! Staff at work: coming on duty with two factors, acting by role, and leaving a trace of it.

use axum::{
    body::Body,
    http::{Request, header},
};
use pressgate::{
    audit::{chain::ChainKey, store as audit},
    auth::{
        hash_queue::TurnRequest,
        hashing::Turn,
        limit_store::LimitKey,
        password::Password,
        staff::{
            model::{Role, Staff},
            store::{self, NewSecondFactor},
        },
    },
    clock::Clock,
    ids::Ids,
    mail::address::Address,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    readers::{ANNA, Tokens},
};

pub(crate) const PASSWORD: &str = "a rather fine phrase";

/// Somebody of staff with this role; `email` is `<role>@demo.example`.
pub(crate) async fn hire(t: &TestApp, role: Role) -> Staff {
    let password = Password::parse(PASSWORD, &[]).unwrap();
    let now = t.clock.now();
    let staff = Staff {
        id: Ids::system().unwrap().uuid(now).unwrap(),
        email: Address::parse(&format!("{role}@office.example")).unwrap(),
        password_hash: turn(t).await.hash(&password).await.unwrap(),
        role,
        totp: None,
        created_at: now,
        password_changed_at: now,
        disabled_at: None,
        device_epoch: 0,
    };
    let mut tx = t.state.databases.main.write().await.unwrap();
    store::insert(&mut tx, &staff).await.unwrap();
    tx.commit().await.unwrap();
    staff
}

async fn turn(t: &TestApp) -> Turn {
    let request = TurnRequest::alone(LimitKey::staff_login("office"));
    t.state.desk.hasher.turn(request).await.unwrap()
}

pub(crate) async fn enrol(t: &TestApp, staff: &Staff) -> NewSecondFactor {
    let mut tx = t.state.databases.main.write().await.unwrap();
    let keys = (&t.state.config.master, &Ids::system().unwrap());
    let factor = store::enrol(&mut tx, keys, staff).await.unwrap();
    tx.commit().await.unwrap();
    factor
}

/// What an authenticator app shows now.
pub(crate) fn code(t: &TestApp, factor: &NewSecondFactor) -> String {
    let url = factor.url.expose_secret();
    let secret = url.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::try_from_base32(secret).unwrap())
        .with_account_name("x")
        .build_noncompliant();
    totp.generate(u64::try_from(t.clock.now().unix_seconds()).unwrap()).to_string()
}

async fn log_in(t: &TestApp, role: Role, factor: Value) -> Answer {
    let mut body = json!({"email": format!("{role}@office.example"), "password": PASSWORD});
    body.as_object_mut().unwrap().extend(factor.as_object().unwrap().clone());
    t.post("/v1/staff/login", body.to_string()).await
}

pub(crate) async fn token_of(t: &TestApp, role: Role) -> String {
    let answer = log_in(t, role, json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn call(t: &TestApp, method: &str, path: &str, token: Option<&str>) -> Answer {
    t.call(method.parse().unwrap(), path, token.unwrap_or_default(), None).await
}

/// What each call of staff answers a viewer, a support agent and an admin. `READER` stands for the id of
/// a reader, `NOBODY` for one of nothing.
const TABLE: &[(&str, &str, &str, [u16; 3])] = &[
    ("GET", "/v1/staff/me", "/v1/staff/me", [200, 200, 200]),
    ("GET", "/v1/staff/readers", "/v1/staff/readers?email=a@b.org", [403, 200, 200]),
    ("GET", "/v1/staff/readers/{id}", "/v1/staff/readers/READER", [403, 200, 200]),
    (
        "GET",
        "/v1/staff/readers/{id}/timeline",
        "/v1/staff/readers/READER/timeline",
        [403, 200, 200],
    ),
    ("POST", "/v1/staff/readers/{id}/address", "/v1/staff/readers/READER/address", [403, 422, 422]),
    (
        "POST",
        "/v1/staff/readers/{id}/address/confirm",
        "/v1/staff/readers/READER/address/confirm",
        [403, 422, 422],
    ),
    ("GET", "/v1/staff/readers/{id}/letters", "/v1/staff/readers/READER/letters", [403, 200, 200]),
    ("POST", "/v1/staff/readers/{id}/letters", "/v1/staff/readers/READER/letters", [403, 422, 422]),
    ("GET", "/v1/staff/readers/{id}/export", "/v1/staff/readers/READER/export", [403, 200, 200]),
    (
        "DELETE",
        "/v1/staff/readers/{id}/sessions",
        "/v1/staff/readers/READER/sessions",
        [403, 204, 204],
    ),
    ("GET", "/v1/staff/search", "/v1/staff/search?q=anna", [200, 200, 200]),
    ("GET", "/v1/staff/subscriptions.csv", "/v1/staff/subscriptions.csv", [403, 403, 200]),
    ("GET", "/v1/staff/invoices", "/v1/staff/invoices", [200, 200, 200]),
    ("GET", "/v1/staff/invoices/{id}", "/v1/staff/invoices/NOBODY", [404, 404, 404]),
    ("GET", "/v1/staff/views", "/v1/staff/views", [200, 200, 200]),
    ("POST", "/v1/staff/views", "/v1/staff/views", [422, 422, 422]),
    ("DELETE", "/v1/staff/views/{id}", "/v1/staff/views/NOBODY", [404, 404, 404]),
    ("GET", "/v1/staff/mails/dead", "/v1/staff/mails/dead", [403, 200, 200]),
    ("POST", "/v1/staff/mails/{id}/retry", "/v1/staff/mails/NOBODY/retry", [403, 404, 404]),
    ("GET", "/v1/staff/newsletters", "/v1/staff/newsletters", [200, 200, 200]),
    (
        "GET",
        "/v1/staff/newsletters/{id}/subscribers.csv",
        "/v1/staff/newsletters/tide/subscribers.csv",
        [403, 403, 200],
    ),
    ("GET", "/v1/staff/subscriptions", "/v1/staff/subscriptions", [200, 200, 200]),
    ("GET", "/v1/staff/subscriptions/stuck", "/v1/staff/subscriptions/stuck", [200, 200, 200]),
    ("GET", "/v1/staff/subscriptions/{id}", "/v1/staff/subscriptions/NOBODY", [404, 404, 404]),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/retry",
        "/v1/staff/subscriptions/NOBODY/retry",
        [403, 404, 404],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/cancel",
        "/v1/staff/subscriptions/NOBODY/cancel",
        [403, 422, 422],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/refund",
        "/v1/staff/subscriptions/NOBODY/refund",
        [403, 404, 404],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/extend",
        "/v1/staff/subscriptions/NOBODY/extend",
        [403, 422, 422],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/pause",
        "/v1/staff/subscriptions/NOBODY/pause",
        [403, 404, 404],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/resume",
        "/v1/staff/subscriptions/NOBODY/resume",
        [403, 404, 404],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/switch",
        "/v1/staff/subscriptions/NOBODY/switch",
        [403, 422, 422],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/keep-plan",
        "/v1/staff/subscriptions/NOBODY/keep-plan",
        [403, 404, 404],
    ),
    (
        "POST",
        "/v1/staff/subscriptions/{id}/preview",
        "/v1/staff/subscriptions/NOBODY/preview",
        [403, 422, 422],
    ),
    ("POST", "/v1/staff/gifts", "/v1/staff/gifts", [403, 422, 422]),
    ("GET", "/v1/staff/gifts", "/v1/staff/gifts", [403, 200, 200]),
    ("POST", "/v1/staff/gifts/{id}/withdraw", "/v1/staff/gifts/NOBODY/withdraw", [403, 404, 404]),
    ("GET", "/v1/staff/complimentary", "/v1/staff/complimentary?state=running", [200, 200, 200]),
    (
        "POST",
        "/v1/staff/complimentary/{id}/end",
        "/v1/staff/complimentary/NOBODY/end",
        [403, 404, 404],
    ),
    ("GET", "/v1/staff/refund-requests", "/v1/staff/refund-requests", [403, 200, 200]),
    (
        "POST",
        "/v1/staff/refund-requests/{id}/approve",
        "/v1/staff/refund-requests/NOBODY/approve",
        [403, 404, 404],
    ),
    (
        "POST",
        "/v1/staff/refund-requests/{id}/decline",
        "/v1/staff/refund-requests/NOBODY/decline",
        [403, 422, 422],
    ),
    ("GET", "/v1/staff/refunds/refused", "/v1/staff/refunds/refused", [200, 200, 200]),
    ("POST", "/v1/staff/refunds/{id}/retry", "/v1/staff/refunds/NOBODY/retry", [403, 404, 404]),
    ("POST", "/v1/staff/refunds/{id}/settle", "/v1/staff/refunds/NOBODY/settle", [403, 404, 404]),
    (
        "POST",
        "/v1/staff/refunds/{id}/paid-out",
        "/v1/staff/refunds/NOBODY/paid-out",
        [403, 422, 422],
    ),
    (
        "POST",
        "/v1/staff/readers/{id}/complimentary",
        "/v1/staff/readers/READER/complimentary",
        [403, 422, 422],
    ),
    ("GET", "/v1/staff/readers/{id}/notes", "/v1/staff/readers/READER/notes", [403, 200, 200]),
    ("POST", "/v1/staff/readers/{id}/notes", "/v1/staff/readers/READER/notes", [403, 422, 422]),
    ("GET", "/v1/staff/decisions", "/v1/staff/decisions?reader=READER", [403, 200, 200]),
    ("GET", "/v1/staff/decisions/{id}", "/v1/staff/decisions/NOBODY", [403, 404, 404]),
    ("GET", "/v1/staff/audit", "/v1/staff/audit", [403, 403, 200]),
    ("GET", "/v1/staff/metrics", "/v1/staff/metrics", [200, 200, 200]),
    ("GET", "/v1/staff/metrics/{table}", "/v1/staff/metrics/mrr.csv", [200, 200, 200]),
    ("DELETE", "/v1/staff/readers/{id}", "/v1/staff/readers/READER", [403, 403, 204]),
    ("POST", "/v1/staff/logout", "/v1/staff/logout", [204, 204, 204]),
];

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

on_both_databases! {
    async fn the_sandbox_has_an_admin_everybody_knows(t: TestApp) {
        let body = json!({"email": "Admin@Demo.example", "password": "sandbox-admin"}).to_string();
        let came = t.post("/v1/staff/login", body).await;
        assert_eq!(came.status, 200, "{}", came.text());
        assert_eq!(came.header("cache-control"), "no-store");
        let came = came.json();
        assert_eq!((&came["staff"]["role"], &came["token_type"]), (&json!("admin"), &json!("Bearer")));
        let me = call(&t, "GET", "/v1/staff/me", came["access_token"].as_str()).await;
        assert_eq!(me.json(), came["staff"]);
    }

    async fn wrong_unknown_and_closed_look_the_same(t: TestApp) {
        let staff = hire(&t, Role::Support).await;
        let body = |email: &str, password: &str| json!({"email": email, "password": password}).to_string();
        let wrong = t.post("/v1/staff/login", body("support@office.example", "not this one")).await;
        let unknown = t.post("/v1/staff/login", body("nobody@office.example", PASSWORD)).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        store::disable(&mut tx, staff.id, t.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let closed = t.post("/v1/staff/login", body("support@office.example", PASSWORD)).await;
        assert_eq!(wrong.problem(), (401, "invalid_credentials".to_owned()));
        assert_eq!(wrong.body, unknown.body);
        assert_eq!(wrong.body, closed.body);
        assert_eq!(wrong.header("www-authenticate"), "Bearer realm=\"pressgate\"");
    }

    async fn wrong_passwords_are_limited_and_a_right_one_sets_the_count_back(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let wrong = async || {
            let body = json!({"email": "VIEWER@office.example", "password": "wrong"}).to_string();
            t.post("/v1/staff/login", body).await
        };
        for _ in 0..9 {
            assert_eq!(wrong().await.status, 401);
        }
        token_of(&t, Role::Viewer).await;
        for _ in 0..10 {
            assert_eq!(wrong().await.status, 401);
        }
        let hashes = t.state.desk.hasher.computed();
        let refused = wrong().await;
        assert_eq!(refused.problem(), (429, "too_many_attempts".to_owned()));
        assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 60);
        assert_eq!(t.state.desk.hasher.computed(), hashes, "nothing was hashed");
        t.clock.advance(Duration::MINUTE);
        token_of(&t, Role::Viewer).await;
    }

    async fn a_second_factor_is_asked_for_and_works_once(t: TestApp) {
        let staff = hire(&t, Role::Admin).await;
        let factor = enrol(&t, &staff).await;
        let without = log_in(&t, Role::Admin, json!({})).await;
        assert_eq!(without.problem(), (401, "second_factor_required".to_owned()));
        for (field, value) in [("totp", "12345"), ("totp", "abcdef"), ("recovery_code", "x")] {
            assert_eq!(log_in(&t, Role::Admin, json!({field: value})).await.fields()[0].0, field);
        }
        let now = code(&t, &factor);
        assert_eq!(log_in(&t, Role::Admin, json!({"totp": now})).await.status, 200);
        let again = log_in(&t, Role::Admin, json!({"totp": now})).await;
        assert_eq!(again.problem(), (401, "invalid_second_factor".to_owned()), "used already");
        let recovery = factor.codes[0].shown();
        assert_eq!(log_in(&t, Role::Admin, json!({"recovery_code": recovery})).await.status, 200);
        assert_eq!(log_in(&t, Role::Admin, json!({"recovery_code": recovery})).await.status, 401);
        t.clock.advance(Duration::seconds(30));
        assert_eq!(log_in(&t, Role::Admin, json!({"totp": code(&t, &factor)})).await.status, 200);
    }

    async fn codes_cannot_be_guessed(t: TestApp) {
        let staff = hire(&t, Role::Admin).await;
        let factor = enrol(&t, &staff).await;
        let right = code(&t, &factor);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let other = t.another_process().await;
        let tries = (0..20).map(|i| {
            let process = if i % 2 == 0 { t.clone() } else { other.clone() };
            async move { log_in(&process, Role::Admin, json!({"totp": wrong})).await.status }
        });
        let statuses = futures_util::future::join_all(tries).await;
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
        assert!(statuses.iter().all(|status| [401, 429].contains(status)));
        let right = log_in(&t, Role::Admin, json!({"totp": right})).await;
        assert_eq!(right.problem().0, 429, "not even the right one now");
        t.clock.advance(Duration::minutes(5));
        let later = log_in(&t, Role::Admin, json!({"totp": code(&t, &factor)})).await;
        assert_eq!(later.status, 200);
    }

    async fn nobody_is_on_duty_for_longer_than_twelve_hours(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let mut came = log_in(&t, Role::Viewer, json!({})).await.json();
        let mut step = Duration::ZERO;
        while step < Duration::hours(12) - Duration::minutes(20) {
            t.clock.advance(Duration::minutes(10));
            step += Duration::minutes(10);
            let body = json!({"refresh_token": came["refresh_token"]}).to_string();
            let answer = t.post("/v1/staff/refresh", body).await;
            assert_eq!(answer.status, 200, "after {step}");
            came = answer.json();
        }
        t.clock.advance(Duration::minutes(19) + Duration::seconds(59));
        let body = json!({"refresh_token": came["refresh_token"]}).to_string();
        let last = t.post("/v1/staff/refresh", body).await.json();
        let token = last["access_token"].as_str();
        assert_eq!(call(&t, "GET", "/v1/staff/me", token).await.status, 200);
        t.clock.advance(Duration::SECOND);
        assert_eq!(call(&t, "GET", "/v1/staff/me", token).await.status, 401);
        let body = json!({"refresh_token": last["refresh_token"]}).to_string();
        assert_eq!(t.post("/v1/staff/refresh", body).await.status, 401);
    }

    async fn tokens_of_one_realm_open_nothing_in_the_other(t: TestApp) {
        hire(&t, Role::Admin).await;
        let came = log_in(&t, Role::Admin, json!({})).await.json();
        let staff = came["access_token"].as_str();
        let reader = t.reader(ANNA).await.access;
        for path in ["/v1/staff/me", "/v1/staff/audit"] {
            assert_eq!(call(&t, "GET", path, Some(&reader)).await.problem().0, 401);
        }
        for path in ["/v1/me", "/v1/me/export", "/v1/me/sessions"] {
            assert_eq!(call(&t, "GET", path, staff).await.problem().0, 401);
        }
        let refresh = json!({"refresh_token": came["refresh_token"]}).to_string();
        assert_eq!(t.post("/v1/auth/refresh", refresh.clone()).await.status, 401);
        assert_eq!(t.post("/v1/auth/logout", refresh.clone()).await.status, 204);
        assert_eq!(t.post("/v1/staff/refresh", refresh).await.status, 200, "and ends nothing");
    }

    async fn each_call_is_open_to_the_roles_that_the_table_names_and_to_nobody_else(t: TestApp) {
        let Tokens { reader, access: reader_token, .. } = t.reader(ANNA).await;
        let mut tokens = Vec::new();
        for role in Role::ALL {
            hire(&t, role).await;
            tokens.push(token_of(&t, role).await);
        }
        let described = t.get("/openapi.json").await.json();
        let paths = described["paths"].as_object().unwrap();
        for (path, methods) in paths.iter().filter(|(path, _)| path.starts_with("/v1/staff/")) {
            for method in methods.as_object().unwrap().keys() {
                let open = ["/v1/staff/login", "/v1/staff/refresh"].contains(&path.as_str());
                let known = TABLE.iter().any(|row| row.0.to_lowercase() == *method && row.1 == path);
                assert!(open || known, "{method} {path} is not in the table");
            }
        }
        let call = async |t: &TestApp, method: &str, path: &str, token: Option<&str>| {
            let body = (method == "POST").then(|| json!({}));
            t.call(method.parse().unwrap(), path, token.unwrap_or_default(), body).await
        };
        for (method, _, path, expected) in TABLE {
            let path = path.replace("READER", &reader).replace("NOBODY", NOBODY);
            assert_eq!(call(&t, method, &path, None).await.problem().0, 401, "{method} {path}");
            let as_reader = call(&t, method, &path, Some(&reader_token)).await;
            assert_eq!(as_reader.problem().0, 401, "{method} {path}");
            for (token, status) in tokens.iter().zip(expected) {
                let answer = call(&t, method, &path, Some(token)).await;
                assert_eq!(answer.status, *status, "{method} {path}: {}", answer.text());
            }
        }
    }

    async fn a_role_that_is_taken_away_is_gone_at_the_next_call(t: TestApp) {
        let staff = hire(&t, Role::Admin).await;
        let token = token_of(&t, Role::Admin).await;
        let status = async || call(&t, "GET", "/v1/staff/audit", Some(&token)).await.status;
        assert_eq!(status().await, 200);
        let mut tx = t.state.databases.main.write().await.unwrap();
        store::set_role(&mut tx, staff.id, (Role::Admin, Role::Viewer)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(status().await, 403);
        let mut tx = t.state.databases.main.write().await.unwrap();
        store::disable(&mut tx, staff.id, t.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(status().await, 401);
    }

    async fn every_act_is_in_the_audit_log(t: TestApp) {
        let Tokens { reader, access: reader_token, .. } = t.reader(ANNA).await;
        let admin = hire(&t, Role::Admin).await;
        let wrong = json!({"email": "admin@office.example", "password": "wrong"}).to_string();
        t.post("/v1/staff/login", wrong).await;
        let token = token_of(&t, Role::Admin).await;
        let path = format!("/v1/staff/readers/{reader}");
        call(&t, "GET", &format!("{path}/export"), Some(&token)).await;
        call(&t, "DELETE", &format!("{path}/sessions"), Some(&token)).await;
        assert_eq!(call(&t, "GET", "/v1/me", Some(&reader_token)).await.status, 401);
        let request = Request::delete(&path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header("x-request-id", "erase-1");
        assert_eq!(t.send(request.body(Body::empty()).unwrap()).await.status, 204);
        assert_eq!(call(&t, "DELETE", &path, Some(&token)).await.problem().0, 404);

        let page = call(&t, "GET", "/v1/staff/audit?limit=3", Some(&token)).await.json();
        let first = &page["entries"][0];
        assert_eq!(first["action"], "reader.erased");
        assert_eq!(first["actor"], json!({"kind": "staff", "id": admin.id}));
        assert_eq!(first["target"], json!({"kind": "reader", "id": reader}));
        assert_eq!(first["request_id"], "erase-1");
        assert!(!page.to_string().contains("anna"), "{page}");
        let next = format!("/v1/staff/audit?limit=200&cursor={}", page["next_cursor"]);
        let rest = call(&t, "GET", &next, Some(&token)).await.json();
        let entries = page["entries"].as_array().unwrap().iter();
        let entries = entries.chain(rest["entries"].as_array().unwrap());
        let actions: Vec<&str> = entries.map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(
            actions[..5],
            ["reader.erased", "reader.sessions_ended", "reader.exported", "staff.logged_in",
             "staff.login_failed"]
        );
        assert_eq!(rest["next_cursor"], Value::Null);
        let mut tx = t.state.databases.main.read().await.unwrap();
        let head = audit::verify(&mut tx, &ChainKey::of(&t.state.config.master)).await.unwrap();
        assert_eq!(usize::try_from(head.seq).unwrap(), actions.len());
    }

    async fn pages_of_the_log_that_cannot_be_are_refused_or_clamped(t: TestApp) {
        hire(&t, Role::Admin).await;
        let token = token_of(&t, Role::Admin).await;
        for (query, status) in [
            ("limit=0", 200), ("limit=-1", 200), ("limit=9223372036854775807", 200),
            ("cursor=-5", 200), ("limit=x", 422), ("limit=99999999999999999999", 422),
            ("cursor=%27%3B--", 422), ("page=1", 422),
        ] {
            let path = format!("/v1/staff/audit?{query}");
            assert_eq!(call(&t, "GET", &path, Some(&token)).await.status, status, "{query}");
        }
        for query in ["?email=%00", "?q=a&email=b", "?email=a@b.org&role=admin", "?limit=0"] {
            let path = format!("/v1/staff/readers{query}");
            assert_eq!(call(&t, "GET", &path, Some(&token)).await.problem().0, 400, "{query}");
        }
        for id in ["x", "%ff", "..%2f..", "%27", "00000000-0000-0000-0000-000000000000"] {
            let path = format!("/v1/staff/readers/{id}");
            assert_eq!(call(&t, "DELETE", &path, Some(&token)).await.problem().0, 404, "{id}");
        }
    }
}
