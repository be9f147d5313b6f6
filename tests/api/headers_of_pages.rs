//! What browsers are told with everything that they show: each page that can be reached, by a visitor, a
//! reader and a member of staff.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, Request},
};
use pressgate::auth::staff::model::Role;

use crate::{
    app::Answer,
    back_office::hire,
    office_pages::on_duty,
    reader_pages::{Browser, signed_up},
    start::a_live_one_with,
};

const BEGINNINGS: [&str; 14] = [
    "/",
    "/login",
    "/signup",
    "/subscribe",
    "/cancel",
    "/withdraw",
    "/account",
    "/newsletters",
    "/demo/",
    "/sandbox/mail",
    "/docs",
    "/docs/",
    "/staff",
    "/nowhere",
];
/// Enough to find every kind of page; lists of the office lead on for ever.
const PAGES_MAX: usize = 250;

fn is_shown(answer: &Answer) -> bool {
    let media_type = answer.header("content-type");
    media_type.starts_with("text/html") || media_type.starts_with("image/svg+xml")
}

fn check(answer: &Answer, path: &str) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    if !is_shown(answer) {
        return;
    }
    let policy = answer.header("content-security-policy");
    let framed = policy.split(';').map(str::trim).find(|it| it.starts_with("frame-ancestors "));
    // The sandbox's mailbox shows each mail in a frame of its own.
    let by_ours = path.starts_with("/sandbox/mailbox/") && path.ends_with("/html");
    let expected = if by_ours { "frame-ancestors 'self'" } else { "frame-ancestors 'none'" };
    assert_eq!(framed, Some(expected), "{path}: {policy}");
    assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
    let referrer = answer.header("referrer-policy");
    let ours = ["strict-origin", "same-origin", "no-referrer"];
    assert!(ours.contains(&referrer), "{path}: {referrer}");
}

/// Where a page leads to, and what it loads, on this host.
fn links(page: &str) -> Vec<String> {
    let attributes = ["href=\"", "src=\""];
    let all = attributes.iter().flat_map(|start| page.split(start).skip(1));
    let paths = all.filter_map(|rest| rest.split('"').next());
    let ours = paths.filter(|path| path.starts_with('/') && !path.starts_with("//"));
    ours.map(|path| path.replace("&#38;", "&").replace("&amp;", "&")).collect()
}

/// Opens everything that can be reached; how many pages it were.
async fn walk(mut browser: Browser) -> usize {
    let mut to_come: Vec<String> = BEGINNINGS.iter().rev().map(|it| (*it).to_owned()).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut pages = 0;
    while let Some(path) = to_come.pop().filter(|_| pages < PAGES_MAX) {
        let path = path.split('#').next().unwrap().to_owned();
        if !seen.insert(path.clone()) {
            continue;
        }
        let request = Request::get(&path).header("accept", "text/html,*/*;q=0.8");
        let answer = browser.send(request, String::new()).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
        check(&answer, &path);
        let location = answer.header("location").to_owned();
        to_come.extend((location.starts_with('/')).then_some(location));
        if is_shown(&answer) {
            pages += 1;
            to_come.extend(links(&answer.text()));
        }
    }
    pages
}

on_both_databases! {
    async fn every_page_says_who_may_frame_it_and_what_it_may_load(t: TestApp) {
        let by_a_visitor = walk(Browser::new(&t)).await;
        let by_a_reader = walk(signed_up(&t, "anna@example.org").await).await;
        hire(&t, Role::Admin).await;
        let by_staff = walk(on_duty(&t, Role::Admin).await).await;
        let all = [by_a_visitor, by_a_reader, by_staff];
        assert!(by_a_visitor > 20 && by_a_reader > 25 && by_staff > 35, "{all:?}");
    }

    async fn the_browsable_description_is_kept_apart_from_our_pages(t: TestApp) {
        for path in ["/docs", "/docs/", "/docs/swagger-initializer.js", "/docs/nothing"] {
            let policy = t.get(path).await.header("content-security-policy").to_owned();
            // Without `allow-same-origin`: no cookies are sent from there.
            assert!(policy.starts_with("sandbox allow-scripts; default-src 'none'"), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        }
        let request = Request::get("/openapi.json").header("origin", "null");
        let document = t.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(document.header("access-control-allow-origin"), "*");
        assert_eq!(document.header("access-control-allow-credentials"), "");
        let initializer = t.get("/docs/swagger-initializer.js").await.text();
        assert!(initializer.contains("\"supportedSubmitMethods\": []"), "{initializer}");
    }

    async fn a_live_service_is_reached_by_https_only(t: TestApp) {
        let live = a_live_one_with(&t, &[]).await;
        for (method, path, accept) in [
            (Method::GET, "/login", "text/html"),
            (Method::GET, "/health/live", "*/*"),
            (Method::GET, "/nowhere", "*/*"),
            (Method::PUT, "/v1/access", "*/*"),
            (Method::POST, "/v1/access", "*/*"),
            (Method::GET, "/login?return_to=%00", "text/html"),
            (Method::GET, "/docs", "text/html"),
        ] {
            let request = Request::builder().method(method).uri(path).header("accept", accept);
            let answer = live.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}");
        }
        let off = [("PRESSGATE__SERVER__HSTS_DAYS", "0")];
        let by_the_proxy = a_live_one_with(&t, &off).await;
        assert_eq!(by_the_proxy.get("/login").await.header("strict-transport-security"), "");
        live.place.clear().await;
        by_the_proxy.place.clear().await;
        assert_eq!(t.get("/login").await.header("strict-transport-security"), "");
    }
}
