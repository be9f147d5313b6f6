//! Everything that is refused, as problem documents, and that none of it counts.

use axum::{
    body::{Body, Bytes},
    http::{Method, Request},
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

fn of(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

async fn request(t: &TestApp, method: &str, path: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    t.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
}

on_both_databases! {
    async fn what_is_no_json_is_400(t: TestApp) {
        let cases: [&[u8]; 7] = [
            b"", b"{", b"nonsense", b"{\"article\": {\"id\": \"a\"}} {}", b"\xff\xfe",
            b"{\"article\": {\"id\": \"\xff\xfe\"}}", b"{\"article\": {\"id\": \"\\ud800\"}}",
        ];
        for body in cases {
            let answer = t.post("/v1/access", body.to_vec()).await;
            let text = String::from_utf8_lossy(body);
            assert_eq!(answer.problem(), (400, "invalid_json".to_owned()), "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
        assert!([400, 422].contains(&t.post("/v1/access", deep).await.problem().0));
    }

    async fn a_field_that_breaks_a_rule_is_named_with_the_rule(t: TestApp) {
        let long = "x".repeat(201);
        for (body, field, code) in [
            (json!({}), "article", "required"),
            (json!({"article": {}}), "article.id", "required"),
            (json!({"article": "a"}), "article", "invalid_type"),
            (json!({"article": {"id": 7}}), "article.id", "invalid_type"),
            (json!({"article": {"id": null}}), "article.id", "invalid_type"),
            (json!({"article": {"id": ""}}), "article.id", "invalid_length"),
            (json!({"article": {"id": long}}), "article.id", "invalid_length"),
            (json!({"article": {"id": "a", "acess": "free"}}), "article.acess", "unknown_field"),
            (json!({"article": {"id": "a"}, "x": 1}), "x", "unknown_field"),
            (json!({"article": {"id": "a", "access": "no"}}), "article.access", "invalid_value"),
            (json!({"article": {"id": "a", "section": ""}}), "article.section", "invalid_length"),
            (json!({"article": {"id": "a", "tags": "x"}}), "article.tags", "invalid_type"),
            (json!({"article": {"id": "a", "tags": [1]}}), "article.tags[0]", "invalid_type"),
            (json!({"article": {"id": "a"}, "visitor": 1}), "visitor", "invalid_type"),
            (json!({"article": {"id": "a"}, "dry_run": "yes"}), "dry_run", "invalid_type"),
            (json!({"article": {"id": "a"}, "client": {"ip": "x"}}), "client.ip", "invalid_value"),
            (json!({"article": {"id": "a"}, "client": {"i": 1}}), "client.i", "unknown_field"),
            (json!([]), ".", "invalid_type"),
            (Value::Null, ".", "invalid_type"),
        ] {
            let answer = t.access(body.clone()).await;
            assert_eq!(answer.fields(), [of(field, code)], "{body}");
        }
        let doubled = r#"{"article": {"id": "a"}, "article": {"id": "b"}}"#;
        let answer = t.post("/v1/access", doubled).await;
        assert_eq!(answer.fields(), [of("article", "duplicate_field")]);
    }

    async fn several_wrong_fields_are_named_at_once(t: TestApp) {
        let tags = vec!["x"; 51];
        let answer = t
            .access(json!({
                "article": {"id": "", "section": "x".repeat(101), "tags": tags},
                "client": {"ip": "300.1.1.1"},
            }))
            .await;
        assert_eq!(
            answer.fields(),
            [
                of("article.id", "invalid_length"),
                of("article.section", "invalid_length"),
                of("article.tags", "invalid_length"),
                of("client.ip", "invalid_value"),
            ]
        );
        let errors = answer.json()["errors"].clone();
        assert_eq!(errors[0]["detail"], "must have 1 to 200 characters");
    }

    async fn a_body_over_64_kib_is_413_with_and_without_a_length(t: TestApp) {
        let fits = |length: usize| {
            let head = "{\"article\": {\"id\": \"a\"}, \"dry_run\": true";
            format!("{head}{}}}", " ".repeat(length - head.len() - 1))
        };
        let (largest, over) = (fits(65_536), fits(65_537));
        assert_eq!(t.post("/v1/access", largest.clone()).await.status, 200);
        let too_large = (413, "body_too_large".to_owned());
        assert_eq!(t.post("/v1/access", over.clone()).await.problem(), too_large);
        let chunked = |text: String| {
            let chunks: Vec<Result<Bytes, std::io::Error>> =
                text.as_bytes().chunks(1_000).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
            Body::from_stream(stream::iter(chunks))
        };
        assert_eq!(t.post("/v1/access", chunked(largest)).await.status, 200);
        assert_eq!(t.post("/v1/access", chunked(over.clone())).await.problem(), too_large);
        assert_eq!(t.post("/v1/access/batch", chunked(over)).await.problem(), too_large);
    }

    async fn a_body_that_breaks_off_is_400(t: TestApp) {
        let pieces = [
            Ok(Bytes::from_static(b"{\"article\": {\"id\"")),
            Err(std::io::Error::other("the client is gone")),
        ];
        let answer = t.post("/v1/access", Body::from_stream(stream::iter(pieces))).await;
        assert_eq!(answer.problem(), (400, "body_cut".to_owned()));
    }

    async fn another_media_type_is_415(t: TestApp) {
        for media_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"),
                           Some("application/jsonp"), Some("")] {
            let mut request = Request::post("/v1/access")
                .header("authorization", "Bearer sk_sandbox_demo");
            if let Some(media_type) = media_type {
                request = request.header("content-type", media_type);
            }
            let body = json!({"article": {"id": "a"}}).to_string();
            let answer = t.send(request.body(body.into()).unwrap()).await;
            assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
        }
        let request = Request::post("/v1/access")
            .header("authorization", "Bearer sk_sandbox_demo")
            .header("content-type", "Application/JSON; charset=utf-8");
        let body = json!({"article": {"id": "a"}}).to_string();
        assert_eq!(t.send(request.body(body.into()).unwrap()).await.status, 200);
    }

    async fn a_path_that_only_looks_like_ours_is_404(t: TestApp) {
        for path in ["/v1", "/v1/", "/v2/access", "/v1/access/", "/v1//access", "//v1/access",
                     "/v1%2faccess", "/v1/%61ccess", "/V1/access", "/v1/Access",
                     "/v1/access/batch/", "/v1/access/.", "/v1/x/../access", "/v1/access;x=1",
                     "/health/ready/", "/HEALTH/ready", "/openapi.json/",
                     "/.well-known/jwks.json/", "/sandbox/clock/"] {
            for method in ["GET", "POST"] {
                let answer = request(&t, method, path).await;
                assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{method} {path}");
            }
        }
    }

    async fn who_looks_for_a_page_that_is_not_there_is_told_so_in_a_page(t: TestApp) {
        let ask = async |method: &str, path: &str, accept: &str| {
            let request = Request::builder().method(method).uri(path).header("accept", accept);
            t.send(request.body(Body::empty()).unwrap()).await
        };
        let browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for path in ["/acount", "/account/nothing", "/acount?x=%22%3E%3Cscript%3E", "/login/%3Cscript%3E"] {
            let answer = ask("GET", path, browsers).await;
            assert_eq!((answer.status, answer.header("content-type")), (404, "text/html; charset=utf-8"));
            assert_eq!(answer.header("cache-control"), "no-store");
            let page = answer.text();
            assert!(page.contains("There is no such page") && !page.contains("<script"), "{page}");
        }
        // Programs get what they read, and so does everybody who calls the API by hand.
        for (method, path, accept) in [
            ("GET", "/acount", "application/json"),
            ("GET", "/acount", "*/*"),
            ("POST", "/acount", browsers),
            ("GET", "/v1/nothing", browsers),
        ] {
            let answer = ask(method, path, accept).await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{method} {path} {accept}");
        }
    }

    async fn a_method_that_a_path_does_not_take_is_405_with_allow(t: TestApp) {
        for (method, path, allow) in [
            ("GET", "/v1/access", "POST"),
            ("PUT", "/v1/access", "POST"),
            ("DELETE", "/v1/access/batch", "POST"),
            ("POST", "/health/live", "GET,HEAD"),
            ("POST", "/.well-known/jwks.json", "GET,HEAD"),
            ("BREW", "/health/ready", "GET,HEAD"),
        ] {
            let answer = request(&t, method, path).await;
            assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()), "{method}");
            let mut allowed: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            allowed.sort_unstable();
            assert_eq!(allowed.join(","), allow, "{method} {path}");
        }
    }

    async fn every_answer_carries_a_request_id(t: TestApp) {
        let with_id = |id: &str| {
            let request = Request::get("/health/live").header("x-request-id", id);
            t.send(request.body(Body::empty()).unwrap())
        };
        assert_eq!(with_id("the-callers_own.id-7").await.header("x-request-id"),
                   "the-callers_own.id-7");
        for hostile in ["", "a b", "a\tb", "<script>", "a;b", &"x".repeat(65)] {
            let answer = with_id(hostile).await;
            let id = answer.header("x-request-id").to_owned();
            assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        }
        let (one, other) = (t.get("/health/live").await, t.get("/nowhere").await);
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
        assert_eq!(one.header("x-content-type-options"), "nosniff");
    }

    async fn a_readers_token_that_is_bad_is_401_and_counts_nothing(t: TestApp) {
        let visitor = t.visitor().await;
        for reader in ["", "x", "eyJhbGciOiJub25lIn0.e30."] {
            let body = json!({"article": {"id": "a"}, "visitor": visitor, "reader": reader});
            let answer = t.access(body).await;
            assert_eq!(answer.problem(), (401, "invalid_reader_token".to_owned()));
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
        assert_eq!(t.used(&visitor).await, Some(0));
    }

    async fn nothing_that_is_refused_counts(t: TestApp) {
        let visitor = t.visitor().await;
        let article = json!({"id": "a"});
        let good = json!({"article": article, "visitor": visitor});
        let mut unknown = good.clone();
        unknown["x"] = json!(1);
        assert_eq!(t.access(unknown).await.status, 422);
        assert_eq!(t.post("/v1/access", format!("{good} x")).await.status, 400);
        assert_eq!(t.post("/v1/access/", good.to_string()).await.status, 404);
        assert_eq!(t.with_key("sk_x").access(good.clone()).await.status, 401);
        let put = t.json_request("/v1/access").method("PUT");
        assert_eq!(t.send(put.body(good.to_string().into()).unwrap()).await.status, 405);
        let padded = format!("{good}{}", " ".repeat(70_000));
        assert_eq!(t.post("/v1/access", padded).await.status, 413);
        assert_eq!(t.used(&visitor).await, Some(0));
        assert_eq!(t.access(good).await.json()["reason"], "metered");
    }
}
