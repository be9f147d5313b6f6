//! A website of somebody else's, built with axum, behind the paywall's layer.

use axum::{
    Extension, Router,
    body::Body,
    extract::Request,
    http::{Method, request::Builder},
    routing::get,
};
use pressgate::access::{
    decision::ArticleAccess,
    middleware::{Admission, Paywall, RequestedArticle},
};

use crate::app::{Answer, TestApp};

const PAID: &str = "the paid text";

fn website(t: &TestApp, secure: bool) -> Router {
    let article_of = |request: &Request| {
        let id = request.uri().path().strip_prefix("/stories/")?.to_owned();
        let access = if id == "open" { ArticleAccess::Free } else { ArticleAccess::Metered };
        Some(RequestedArticle { id, section: None, access })
    };
    let paywall = Paywall::new(t.state.gate.clone(), "demo", secure, article_of);
    let story = async |admission: Option<Extension<Admission>>| match admission {
        Some(Extension(admission)) if admission.is_allowed() => PAID,
        Some(_) => "lead-in",
        None => "no admission",
    };
    Router::new()
        .route("/stories/{id}", get(story))
        .route(
            "/about",
            get(async |admission: Option<Extension<Admission>>| {
                admission.map_or("untouched", |_| "metered")
            }),
        )
        .layer(paywall)
}

fn story(id: &str) -> Builder {
    Request::get(format!("/stories/{id}"))
}

async fn ask(site: &Router, request: Builder) -> Answer {
    Answer::of(site.clone(), request.body(Body::empty()).unwrap()).await
}

/// The cookie that an answer sets, as the browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

on_both_databases! {
    async fn the_paid_text_never_leaves_the_server_for_a_denied_reader(t: TestApp) {
        let site = website(&t, false);
        let first = ask(&site, story("a")).await;
        assert_eq!((first.status, first.text()), (200, PAID.to_owned()));
        let visitor = cookie(&first);

        let second = ask(&site, story("b").header("cookie", &visitor)).await;
        assert_eq!(second.text(), "lead-in");
        let again = ask(&site, story("a").header("cookie", &visitor)).await;
        assert_eq!(again.text(), PAID);
        let open = ask(&site, story("open").header("cookie", &visitor)).await;
        assert_eq!(open.text(), PAID);
        for answer in [&first, &second, &again, &open] {
            assert_eq!(answer.header("cache-control"), "private, no-store");
            assert_eq!(answer.header("vary"), "Cookie, Sec-Purpose");
        }
        assert_eq!(second.header("set-cookie"), "", "a good cookie is left alone");
    }

    async fn the_cookie_is_out_of_reach_for_scripts_and_other_sites(t: TestApp) {
        let plain = ask(&website(&t, false), story("a")).await;
        let attributes: Vec<&str> = plain.header("set-cookie").split("; ").skip(1).collect();
        assert_eq!(attributes, ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=33696000"]);
        assert!(cookie(&plain).starts_with("pressgate_visitor="));

        let secure = ask(&website(&t, true), story("a")).await;
        let attributes: Vec<&str> = secure.header("set-cookie").split("; ").skip(1).collect();
        let expected = ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=33696000"];
        assert_eq!(attributes, expected);
        assert!(cookie(&secure).starts_with("__Host-pressgate_visitor="));
        assert!(!secure.header("set-cookie").contains("Domain"));
        let plain_name = cookie(&secure).replace("__Host-", "");
        let answer = ask(&website(&t, true), story("b").header("cookie", plain_name)).await;
        assert_eq!(answer.text(), PAID, "a cookie without the prefix is nobody's");
    }

    async fn a_prefetch_gets_nothing_and_counts_nothing(t: TestApp) {
        let site = website(&t, false);
        let visitor = cookie(&ask(&site, story("open")).await);
        for purpose in ["prefetch", "prefetch;prerender", "Prefetch"] {
            let request = story("a").header("cookie", &visitor).header("sec-purpose", purpose);
            let answer = ask(&site, request).await;
            assert_eq!((answer.status, answer.text()), (204, String::new()));
            assert_eq!(answer.header("cache-control"), "private, no-store");
        }
        let without_cookie = ask(&site, story("a").header("sec-purpose", "prefetch")).await;
        assert_eq!((without_cookie.status, without_cookie.header("set-cookie")), (204, ""));

        assert_eq!(ask(&site, story("b").header("cookie", &visitor)).await.text(), PAID);
        let request = |id| story(id).header("cookie", &visitor).header("sec-purpose", "prefetch");
        assert_eq!(ask(&site, request("b")).await.text(), PAID, "already read");
        assert_eq!(ask(&site, request("c")).await.text(), "lead-in", "nothing to give away");
    }

    async fn a_head_request_counts_nothing(t: TestApp) {
        let site = website(&t, false);
        let visitor = cookie(&ask(&site, story("open")).await);
        for _ in 0..3 {
            let head = story("a").method(Method::HEAD).header("cookie", &visitor);
            let answer = ask(&site, head).await;
            assert_eq!((answer.status, answer.text()), (200, String::new()));
        }
        assert_eq!(ask(&site, story("b").header("cookie", &visitor)).await.text(), PAID);
    }

    async fn whatever_the_cookie_header_holds_is_no_failure(t: TestApp) {
        let site = website(&t, false);
        let good = cookie(&ask(&site, story("a")).await);
        let long = format!("pressgate_visitor={}", "x".repeat(5_000));
        let hostile = [
            long.as_bytes(), b"", b";;;", b"=", b"pressgate_visitor", b"pressgate_visitor=",
            b"pressgate_visitor=\xff\xfe", b"\xff", b"a=b; pressgate_visitor=%00; c",
        ];
        for cookies in hostile {
            let value = axum::http::HeaderValue::from_bytes(cookies).unwrap();
            let answer = ask(&site, story("b").header("cookie", value)).await;
            assert_eq!((answer.status, answer.text()), (200, PAID.to_owned()));
            assert!(cookie(&answer).starts_with("pressgate_visitor="));
        }
        for cookies in [format!("{good}; {long}"), format!("a=b; {good}; c=d")] {
            let answer = ask(&site, story("b").header("cookie", cookies)).await;
            assert_eq!((answer.status, answer.text()), (200, "lead-in".to_owned()));
        }
        let answer = ask(&site, story("b").header("cookie", format!("{long}; {good}"))).await;
        assert_eq!(answer.status, 200);
        let two_headers = story("b").header("cookie", "a=b").header("cookie", &good);
        assert_eq!(ask(&site, two_headers).await.text(), "lead-in");
    }

    async fn what_is_no_article_passes_untouched(t: TestApp) {
        let site = website(&t, false);
        let answer = ask(&site, Request::get("/about")).await;
        assert_eq!((answer.status, answer.text()), (200, "untouched".to_owned()));
        assert_eq!((answer.header("set-cookie"), answer.header("cache-control")), ("", ""));
        assert_eq!(ask(&site, Request::get("/nowhere")).await.status, 404);
    }

    async fn a_website_counts_for_the_api_too(t: TestApp) {
        let site = website(&t, false);
        let cookie = cookie(&ask(&site, story("a")).await);
        let visitor = serde_json::json!(cookie.split_once('=').unwrap().1);
        assert_eq!(t.outcome("a", &visitor).await.0, "already_read");
        assert_eq!(t.outcome("b", &visitor).await.0, "meter_exhausted");
    }
}
