//! What operators and programs look at: the description, health, metrics, and a sandbox's clock.

use pressgate::app::AppState;
use serde_json::{Value, json};

use crate::{
    app::{Answer, config},
    place::Place,
};

async fn on_this_machine(place: &Place) -> pressgate::http::edge::Edge {
    let state = AppState::open_on_this_machine(config(&place.url(), &[])).await.unwrap();
    state.service().unwrap()
}

async fn clock(edge: &pressgate::http::edge::Edge, body: Option<Value>) -> Answer {
    let request = match body {
        None => axum::http::Request::get("/sandbox/clock").body(axum::body::Body::empty()),
        Some(body) => axum::http::Request::post("/sandbox/clock")
            .header("content-type", "application/json")
            .body(body.to_string().into()),
    };
    Answer::of(edge.clone(), request.unwrap()).await
}

fn instant(answer: &Answer) -> time::OffsetDateTime {
    let now = answer.json()["now"].as_str().unwrap().to_owned();
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(&now, format).unwrap()
}

on_both_databases! {
    async fn the_description_is_openapi_3_1_and_names_every_call(t: TestApp) {
        let answer = t.get("/openapi.json").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        let description = answer.json();
        assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
        for (path, method) in [
            ("/v1/access", "post"),
            ("/v1/access/batch", "post"),
            ("/.well-known/jwks.json", "get"),
            ("/health/live", "get"),
            ("/health/ready", "get"),
        ] {
            assert!(description["paths"][path][method].is_object(), "{method} {path}");
        }
        let access = &description["paths"]["/v1/access"]["post"];
        assert_eq!(access["security"], json!([{"secret_key": []}]));
        for reference in references(&description) {
            let pointer = reference.trim_start_matches('#');
            assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    async fn what_is_answered_is_what_is_described(t: TestApp) {
        let description = t.get("/openapi.json").await.json();
        let described = description["components"]["schemas"]["AccessAnswer"]["properties"].clone();
        let body = json!({"article": {"id": "a"}, "receipt": true, "explain": true});
        let answer = t.access(body).await.json();
        let names = |object: &Value| {
            let mut names: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
            names.sort_unstable();
            names
        };
        let visitor = &answer["visitor"];
        let body = json!({"article": {"id": "b"}, "visitor": visitor, "support_code": true});
        let denied = t.access(body).await.json();
        // A support code is of a denial, a receipt of whatever asked for one.
        let mut all = [names(&answer), names(&denied)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, names(&described));
        let meter = &description["components"]["schemas"]["MeterBody"]["properties"];
        assert_eq!(names(&answer["meter"]), names(meter));
    }

    async fn the_documentation_can_be_browsed(t: TestApp) {
        let mut answer = t.get("/docs").await;
        if (300..400).contains(&answer.status) {
            answer = t.get(answer.header("location")).await;
        }
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/html"));
    }

    async fn health_says_live_and_ready(t: TestApp) {
        assert_eq!(t.get("/health/live").await.json(), json!({"status": "live"}));
        assert_eq!(t.get("/health/ready").await.json(), json!({"status": "ready"}));
        t.state.readiness.stop();
        let answer = t.get("/health/ready").await;
        assert_eq!(answer.problem(), (503, "not_ready".to_owned()));
        assert_eq!(answer.header("retry-after"), "2");
        assert_eq!(t.get("/health/live").await.status, 200);
    }

    async fn metrics_count_decisions_by_reason(t: TestApp) {
        let visitor = t.read("a", &Value::Null).await["visitor"].clone();
        t.read("b", &visitor).await;
        t.read("c", &visitor).await;
        t.access(json!({"article": {"id": "z"}, "dry_run": true})).await;
        let text = t.get("/metrics").await.text();
        for line in [
            "pressgate_decisions_total{decision=\"allow\",reason=\"metered\"} 1",
            "pressgate_decisions_total{decision=\"deny\",reason=\"meter_exhausted\"} 2",
            "pressgate_http_responses_total{status=\"2xx\"} 4",
            "pressgate_meter_waiting 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    async fn metrics_of_their_own_address_are_nowhere_else(t: TestApp) {
        let listen = [("PRESSGATE__METRICS__LISTEN", "127.0.0.1:0")];
        let t = t.another_process_with(&listen).await;
        assert_eq!(t.get("/metrics").await.status, 404);
        let request = |path: &str| {
            axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap()
        };
        let metrics = t.state.metrics_service();
        assert_eq!(Answer::of(metrics.clone(), request("/metrics")).await.status, 200);
        for path in ["/v1/access", "/health/live", "/"] {
            assert_eq!(Answer::of(metrics.clone(), request(path)).await.status, 404);
        }
    }

    async fn a_sandbox_clock_moves_forward_only(t: TestApp) {
        let edge = on_this_machine(&t.place).await;
        let before = instant(&clock(&edge, None).await);
        let moved = instant(&clock(&edge, Some(json!({"advance": "P31D"}))).await);
        assert!(moved - before >= time::Duration::days(31));
        assert!(moved - before < time::Duration::days(31) + time::Duration::MINUTE);
        let set = clock(&edge, Some(json!({"set": "2099-01-31T10:00:00Z"}))).await;
        assert!(set.status == 422 || set.json()["now"].as_str().unwrap().starts_with("2099"));
        for (body, field) in [
            (json!({"advance": "-P1D"}), "advance"),
            (json!({"advance": "soon"}), "advance"),
            (json!({"set": "2020-01-01T00:00:00Z"}), "set"),
            (json!({}), "advance"),
            (json!({"advance": "P1D", "set": "2099-01-01T00:00:00Z"}), "advance"),
        ] {
            let answer = clock(&edge, Some(body)).await;
            assert_eq!(answer.fields(), [(field.to_owned(), "invalid_value".to_owned())]);
        }
    }

    async fn a_window_ends_when_the_sandbox_clock_passes_its_end(t: TestApp) {
        let edge = on_this_machine(&t.place).await;
        let read = async |article: &str, visitor: &Value| {
            let body = json!({"article": {"id": article}, "visitor": visitor}).to_string();
            let request = t.json_request("/v1/access").body(body.into()).unwrap();
            Answer::of(edge.clone(), request).await.json()
        };
        let visitor = read("a", &Value::Null).await["visitor"].clone();
        assert_eq!(read("b", &visitor).await["reason"], "meter_exhausted");
        clock(&edge, Some(json!({"advance": "P30D"}))).await;
        assert_eq!(read("b", &visitor).await["reason"], "metered");
    }

    /// Only the machine's own clock can be moved, and only in a sandbox.
    async fn without_a_movable_clock_there_is_nothing_to_move(t: TestApp) {
        let answer = t.get("/sandbox/clock").await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
}

/// Every `$ref` in a document.
fn references(document: &Value) -> Vec<String> {
    match document {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == "$ref" => vec![text.clone()],
                value => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
