//! What a role that may not see readers is shown: subscriptions and invoices without addresses, on
//! every route that it may call; and what the audit log says of those who do see lists of readers.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::TestApp,
    back_office::{hire, token_of},
    billing::OK,
    office_pages::on_duty,
    readers::ANNA,
};

const PAGES: &str = include_str!("../../src/staff/pages/mod.rs");

/// Every `GET` of the office's pages.
fn pages() -> Vec<&'static str> {
    let routes = PAGES.split(".route(\"").skip(1);
    let paths = routes.filter_map(|route| route.split_once("\", get("));
    paths.map(|(path, _)| path).filter(|path| path.starts_with("/staff")).collect()
}

/// Every `GET` of the API for staff.
async fn calls(t: &TestApp) -> Vec<String> {
    let described = t.get("/openapi.json").await.json();
    let paths = described["paths"].as_object().unwrap();
    let read = paths.iter().filter(|(_, path)| path.get("get").is_some());
    let paths = read.map(|(path, _)| path.clone());
    paths.filter(|path| path.starts_with("/v1/staff/")).collect()
}

/// A subscription with an invoice, part of which went back for a reason that names the reader, and a
/// gift for such a reason; the ids of both, of the reader and of the gift.
async fn subscriber(t: &TestApp) -> [String; 4] {
    subscriber_because(t, &format!("{ANNA} wrote")).await
}

/// The same, each for this reason.
async fn subscriber_because(t: &TestApp, reason: &str) -> [String; 4] {
    hire(t, Role::Admin).await;
    let admin = token_of(t, Role::Admin).await;
    let reader = t.reader(ANNA).await;
    let order = json!({"plan": "annual", "payment_method": OK, "trial": false});
    let id = t.subscribe(&reader, order).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/staff/subscriptions/{id}/refund");
    let body = json!({"amount": {"amount": 100, "currency": "USD"}, "reason": reason});
    let refunded = t.call(Method::POST, &path, &admin, Some(body)).await;
    assert_eq!(refunded.status, 200, "{}", refunded.text());
    let path = format!("/v1/staff/readers/{}/complimentary", reader.reader);
    let body = json!({"days": 3, "reason": reason});
    let given = t.call(Method::POST, &path, &admin, Some(body)).await;
    assert_eq!(given.status, 201, "{}", given.text());
    let list = t.call(Method::GET, "/v1/staff/invoices", &admin, None).await.json();
    let invoice = list["invoices"][0]["id"].as_str().unwrap().to_owned();
    let given = given.json()["id"].as_str().unwrap().to_owned();
    [id, invoice, reader.reader.clone(), given]
}

/// `path` with every id in it that there is something for.
fn with_ids(path: &str, ids: &[String; 4]) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let after = rest.split_once('}').unwrap().1;
    let words = ["refund", "subscriptions.svg"].map(str::to_owned);
    let paths =
        ids.iter().chain(&words).flat_map(|id| with_ids(&format!("{before}{id}{after}"), ids));
    paths.collect()
}

/// What says in the audit log that an address was shown.
const DISCLOSURES: [&str; 5] = [
    "reader.viewed",
    "reader.exported",
    "readers.listed",
    "subscriptions.exported",
    "newsletter.exported",
];

/// What an admin is answered, once logged in after an hour in which nothing was disclosed.
async fn seen_by_an_admin(t: &TestApp, path: &str) -> (String, Value) {
    t.clock.advance(Duration::HOUR + Duration::MINUTE);
    let shown = if path.starts_with("/v1/") {
        let admin = token_of(t, Role::Admin).await;
        t.call(Method::GET, path, &admin, None).await.text()
    } else {
        on_duty(t, Role::Admin).await.open(path).await.text()
    };
    let mut tx = t.state.databases.main.read().await.unwrap();
    let newest = pressgate::audit::store::list(&mut tx, None, 1).await.unwrap();
    (shown, newest[0].action.as_str().into())
}

async fn listings(t: &TestApp) -> Vec<(String, Value)> {
    let admin = token_of(t, Role::Admin).await;
    let log = t.call(Method::GET, "/v1/staff/audit", &admin, None).await.json();
    let entries = log["entries"].as_array().unwrap().iter().rev();
    let listed = entries.filter(|entry| entry["action"] == "readers.listed");
    listed
        .map(|it| (it["target"]["id"].as_str().unwrap().to_owned(), it["after"]["rows"].clone()))
        .collect()
}

on_both_databases! {
    async fn no_route_shows_a_viewer_an_address(t: TestApp) {
        let ids = subscriber(&t).await;
        hire(&t, Role::Viewer).await;
        let viewer = token_of(&t, Role::Viewer).await;
        let mut answered = 0;
        for call in calls(&t).await {
            let queries = ["", "?q=anna", "?q=anma%40example.org", "?q=2026-000001"];
            for path in with_ids(&call, &ids) {
                for query in queries {
                    let path = format!("{path}{query}");
                    let answer = t.call(Method::GET, &path, &viewer, None).await;
                    answered += u32::from(answer.status == 200);
                    let text = answer.text();
                    assert!(!text.contains("anna@") && !text.contains(ANNA), "{path}: {text}");
                    assert!(answer.status < 500, "{path}: {text}");
                }
            }
        }
        let mut browser = on_duty(&t, Role::Viewer).await;
        assert!(pages().len() > 25, "{:?}", pages());
        for page in pages() {
            for path in with_ids(page, &ids) {
                let shown = browser.open(&path).await;
                answered += u32::from(shown.status == 200);
                assert!(!shown.text().contains("anna@"), "{path}: {}", shown.text());
            }
        }
        assert!(answered > 25, "{answered} answers are not what a viewer may see");
    }

    async fn an_address_finds_nothing_for_a_viewer(t: TestApp) {
        let [subscription, ..] = subscriber(&t).await;
        hire(&t, Role::Viewer).await;
        let mut browser = on_duty(&t, Role::Viewer).await;
        for (q, is_found) in [("anna", false), ("anna%40example.org", false), ("2026-000001", true)] {
            for list in ["/staff/subscriptions", "/staff/search"] {
                let hint = browser.open(list).await.text().to_lowercase();
                assert!(!hint.contains("address") && !hint.contains("find a reader"), "{list}: {hint}");
                let page = browser.open(&format!("{list}?q={q}")).await.text();
                let link = format!("href=\"/staff/subscriptions/{subscription}\"");
                assert_eq!(page.contains(&link), is_found, "{list} {q}: {page}");
            }
        }
        let page = browser.open(&format!("/staff/subscriptions/{subscription}")).await.text();
        assert!(page.contains("hidden") && !page.contains("erased"), "{page}");
    }

    async fn whatever_shows_an_address_is_in_the_audit_log(t: TestApp) {
        let ids = subscriber_because(&t, "an outage").await;
        let admin = token_of(&t, Role::Admin).await;
        let gift = json!({"email": "anna@other.example", "days": 3, "reason": "an outage"});
        let offered = t.call(Method::POST, "/v1/staff/gifts", &admin, Some(gift)).await;
        assert_eq!(offered.status, 201, "{}", offered.text());
        let mut browser = on_duty(&t, Role::Admin).await;
        let mut naming = Vec::new();
        let calls = calls(&t).await;
        for route in calls.iter().map(String::as_str).chain(pages()) {
            for path in with_ids(route, &ids) {
                for path in [path.clone(), format!("{path}?q=anna")] {
                    let shown = if path.starts_with("/v1/") {
                        t.call(Method::GET, &path, &admin, None).await
                    } else {
                        browser.open(&path).await
                    };
                    if shown.text().contains("anna@") {
                        naming.push(path);
                    }
                }
            }
        }
        for known in ["/staff/gifts", "/v1/staff/gifts", "/staff/mails", "/v1/staff/search?q=anna"] {
            assert!(naming.iter().any(|path| path == known), "{known} is not among {naming:?}");
        }
        assert!(naming.len() > 20, "{naming:?}");
        for path in naming {
            let (shown, said) = seen_by_an_admin(&t, &path).await;
            let is_said = DISCLOSURES.iter().any(|action| said == **action);
            assert!(is_said || !shown.contains("anna@"), "{path} shows an address, and the log has {said}");
        }
    }

    async fn lists_with_addresses_are_in_the_audit_log_and_do_not_flood_it(t: TestApp) {
        subscriber(&t).await;
        assert_eq!(listings(&t).await, [("invoices".to_owned(), json!(1))], "the admin looked it up");
        hire(&t, Role::Support).await;
        hire(&t, Role::Viewer).await;
        let support = token_of(&t, Role::Support).await;
        let viewer = token_of(&t, Role::Viewer).await;
        for _ in 0..5 {
            for list in ["subscriptions", "readers", "complimentary", "search?q=anna"] {
                let path = format!("/v1/staff/{list}");
                assert_eq!(t.call(Method::GET, &path, &support, None).await.status, 200);
            }
            t.call(Method::GET, "/v1/staff/subscriptions", &viewer, None).await;
        }
        let found = |hour: &[(String, Value)]| -> Vec<String> {
            hour.iter().map(|(list, rows)| format!("{list} {rows}")).collect()
        };
        let first = listings(&t).await;
        assert_eq!(
            found(&first[1..]),
            ["subscriptions 1", "readers 1", "complimentary 1", "search 2"],
            "one entry a list, and none of a viewer, who saw no address"
        );
        t.clock.advance(Duration::HOUR);
        let support = token_of(&t, Role::Support).await;
        t.call(Method::GET, "/v1/staff/readers", &support, None).await;
        let later = listings(&t).await;
        assert_eq!(found(&later[first.len()..]), ["readers 5", "readers 1"], "what the hour before had");
    }
}
