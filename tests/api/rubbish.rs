//! Rubbish, thrown at each call: never a failure of ours, always a problem document or an answer.

use axum::body::Body;
use proptest::{
    collection::{hash_map, vec},
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config as ProptestConfig, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

const CASES: usize = 2_000;
/// Names and words of our own calls.
const WORDS: &[&str] = &[
    "article", "id", "section", "tags", "access", "visitor", "reader", "client", "ip", "dry_run",
    "receipt", "explain", "requests", "advance", "set", "free", "metered", "P31D",
];
/// Where a question may be wrong.
const PLACES: &[&str] = &[
    "/article",
    "/article/id",
    "/article/section",
    "/article/tags",
    "/article/tags/0",
    "/article/access",
    "/visitor",
    "/reader",
    "/client",
    "/client/ip",
    "/client/user_agent",
    "/dry_run",
    "/receipt",
    "/explain",
];

/// The same cases at each run, so that what fails once fails again.
fn cases<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> Vec<T> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    (0..CASES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Any JSON, with the names and words of our own calls more often than chance would have it.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![3 => prop::sample::select(WORDS).prop_map(str::to_owned),
                           1 => any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            hash_map(word.clone(), inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A question that is right but for one value somewhere.
fn almost_right() -> impl Strategy<Value = Value> {
    (prop::sample::select(PLACES), any_json()).prop_map(|(place, value)| {
        let mut request = json!({
            "article": {"id": "a", "section": "s", "tags": ["t"], "access": "metered"},
            "visitor": null, "reader": null,
            "client": {"ip": "203.0.113.7", "user_agent": "x", "referrer": "x"},
            "dry_run": false, "receipt": false, "explain": false,
        });
        if let Some(at) = request.pointer_mut(place) {
            *at = value;
        }
        request
    })
}

fn check(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{} for {what}", answer.status);
    if answer.status == 200 {
        assert_eq!(answer.header("content-type"), "application/json");
    } else {
        answer.problem();
    }
}

async fn throw(t: &TestApp, path: &str, body: impl Into<Vec<u8>>) {
    let body = body.into();
    let what = format!("{path} with {:?}", String::from_utf8_lossy(&body));
    check(&t.post(path, Body::from(body)).await, &what);
}

on_both_databases! {
    async fn random_bytes_are_refused_politely(t: TestApp) {
        for bytes in cases(vec(any::<u8>(), 0..300)) {
            throw(&t, "/v1/access", bytes.clone()).await;
            throw(&t, "/v1/access/batch", bytes.clone()).await;
            throw(&t, "/sandbox/clock", bytes).await;
        }
    }

    async fn random_json_is_refused_politely(t: TestApp) {
        for body in cases(any_json()) {
            throw(&t, "/v1/access", body.to_string()).await;
            throw(&t, "/v1/access/batch", body.to_string()).await;
            throw(&t, "/sandbox/clock", body.to_string()).await;
        }
    }

    async fn almost_right_questions_are_answered_or_refused(t: TestApp) {
        for body in cases(almost_right()) {
            throw(&t, "/v1/access", body.to_string()).await;
            throw(&t, "/v1/access/batch", json!({"requests": [body]}).to_string()).await;
        }
    }

    async fn broken_json_is_refused_politely(t: TestApp) {
        let whole = json!({"article": {"id": "é\n\"", "tags": ["x"]}, "visitor": null});
        let whole = whole.to_string();
        for cut in 0..whole.len() {
            throw(&t, "/v1/access", &whole.as_bytes()[..cut]).await;
        }
        for (at, byte) in cases((0..whole.len(), any::<u8>())) {
            let mut changed = whole.clone().into_bytes();
            changed[at] = byte;
            throw(&t, "/v1/access", changed).await;
        }
    }

    async fn any_path_and_header_is_answered(t: TestApp) {
        for (path, header) in cases(("[!-~]{0,60}", vec(32_u8..255, 0..80))) {
            let uri = format!("/{path}");
            let Ok(uri) = uri.parse::<axum::http::Uri>() else { continue };
            let Ok(value) = axum::http::HeaderValue::from_bytes(&header) else { continue };
            let mut request = axum::http::Request::get(uri.clone());
            for name in ["cookie", "authorization", "x-request-id", "sec-purpose"] {
                request = request.header(name, value.clone());
            }
            let answer = t.send(request.body(Body::empty()).unwrap()).await;
            assert!(answer.status < 500, "{} for {uri}", answer.status);
        }
    }
}
