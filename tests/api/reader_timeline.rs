//! Everything about a reader in one order: nothing lost between pages, nothing told twice, and
//! nobody else's.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    billing::OK,
    office_pages::on_duty,
    reader_pages::Browser,
    readers::{ANNA, Tokens},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";

/// A reader to whom something of every kind has happened.
async fn eventful(t: &TestApp) -> Tokens {
    let pass = || t.clock.advance(Duration::minutes(3));
    let anna = t.reader(ANNA).await;
    pass();
    for article in ["tides", "bread"] {
        t.access(json!({"article": {"id": article}, "reader": anna.access})).await;
    }
    pass();
    let order = json!({"plan": "monthly", "payment_method": OK, "trial": false});
    let begun = t.subscribe(&anna, order).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    pass();
    let token = token_of(t, Role::Support).await;
    let act = async |path: String, body: Value| {
        let done = t.call(Method::POST, &path, &token, Some(body)).await;
        assert!(done.status < 300, "{path}: {}", done.text());
        pass();
    };
    let reader = &anna.reader;
    act(format!("/v1/staff/readers/{reader}/notes"), json!({"text": "asked <b>why</b>"})).await;
    let days = json!({"days": 7, "reason": "a late paper"});
    act(format!("/v1/staff/subscriptions/{id}/extend"), days).await;
    let part = json!({"amount": {"amount": 100, "currency": "USD"}, "reason": "a torn paper"});
    act(format!("/v1/staff/subscriptions/{id}/refund"), part).await;
    let gift = json!({"days": 3, "reason": "a birthday"});
    act(format!("/v1/staff/readers/{reader}/complimentary"), gift).await;
    let mut browser = Browser::new(t);
    browser.user_agent = FIREFOX;
    let fields = [("email", ANNA), ("password", crate::readers::PASSWORD)];
    browser.submit("/login", "/login", &fields).await;
    assert!(browser.is_logged_in());
    t.clock.advance(Duration::MINUTE);
    browser.submit("/account", "/logout", &[]).await;
    t.settle_until(pressgate::clock::Clock::now(&*t.clock)).await;
    anna
}

async fn timeline(t: &TestApp, token: &str, reader: &str, query: &str) -> Answer {
    let path = format!("/v1/staff/readers/{reader}/timeline{query}");
    t.call(Method::GET, &path, token, None).await
}

fn entries(page: &Value) -> Vec<Value> {
    page["timeline"].as_array().unwrap().clone()
}

on_both_databases! {
    async fn everything_stands_in_one_order_and_pages_lose_nothing(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = eventful(&t).await;
        let token = token_of(&t, Role::Support).await;
        let whole = timeline(&t, &token, &anna.reader, "?limit=200").await;
        assert_eq!(whole.status, 200, "{}", whole.text());
        let whole = whole.json();
        assert_eq!(whole["next_cursor"], Value::Null);
        let all = entries(&whole);
        let at: Vec<&str> = all.iter().map(|it| it["at"].as_str().unwrap()).collect();
        let millis: Vec<&str> = at.iter().map(|at| &at[..19]).collect();
        assert!(millis.is_sorted_by(|a, b| a >= b), "{millis:?}");
        let told: Vec<String> = all
            .iter()
            .map(|it| format!("{} {} {}", it["kind"], it["event"], it["text"]).replace('"', ""))
            .collect();
        for expected in [
            "account account.begun The account was begun",
            "account account.confirmed The address was confirmed by a mail",
            "account session.started Logged in: Firefox on Linux",
            "account session.ended Logged out: Firefox on Linux",
            "read read.metered Read a free article on demo: 1 of 1 free articles used",
            "read read.meter_exhausted Met the wall on demo: 1 of 1 free articles used",
            "subscription subscription.activated First payment of $2.90 made",
            "payment charge.succeeded Card charged: $2.90 for the first period",
            "payment invoice.paid Invoice 2026-000001 of $2.90: paid",
            "staff subscription.extended Gave days, because: “a late paper”",
            "staff subscription.refunded Gave money back, because: “a torn paper”",
            "note note.written Noted: “asked <b>why</b>”",
        ] {
            assert!(told.iter().any(|it| it == expected), "{expected}\n{}", told.join("\n"));
        }
        for begins in ["payment refund.", "subscription grant.given Given ", "mail mail."] {
            assert!(told.iter().any(|it| it.starts_with(begins)), "{begins}\n{}", told.join("\n"));
        }
        for most in [1, 3, 7] {
            let (mut paged, mut cursor) = (Vec::new(), String::new());
            loop {
                let query = format!("?limit={most}{cursor}");
                let page = timeline(&t, &token, &anna.reader, &query).await.json();
                assert!(entries(&page).len() <= most + 2, "a page has a bound");
                paged.extend(entries(&page));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(paged, all, "in pages of {most}");
        }
        let mut by_kind = 0;
        for kind in ["subscription", "payment", "mail", "account", "newsletter", "note", "read"] {
            let query = format!("?limit=200&kind={kind}");
            let found = entries(&timeline(&t, &token, &anna.reader, &query).await.json());
            assert!(found.iter().all(|it| it["kind"] == kind));
            by_kind += found.len();
        }
        let staff = all.iter().filter(|it| it["kind"] == "staff").count();
        assert_eq!(by_kind + staff, all.len());
        let looks = timeline(&t, &token, &anna.reader, "?kind=staff").await.json();
        assert_eq!(entries(&looks).len(), staff + 1, "that staff looked, once: {looks}");
    }

    async fn a_timeline_is_for_those_who_may_see_who_a_reader_is(t: TestApp) {
        for role in Role::ALL {
            hire(&t, role).await;
        }
        let anna = t.reader(ANNA).await;
        let berta = t.reader("berta@example.org").await;
        for path in ["", "/timeline"] {
            let path = format!("/v1/staff/readers/{}{path}", anna.reader);
            for (role, status) in [(Role::Viewer, 403), (Role::Support, 200), (Role::Admin, 200)] {
                let token = token_of(&t, role).await;
                assert_eq!(t.call(Method::GET, &path, &token, None).await.status, status, "{role}");
            }
            assert_eq!(t.call(Method::GET, &path, &anna.access, None).await.status, 401);
        }
        let token = token_of(&t, Role::Support).await;
        for (query, field) in [
            ("?kind=everything", "kind"),
            ("?kind=%00", "kind"),
            ("?limit=0", "limit"),
            ("?limit=201", "limit"),
            ("?cursor=AAAA", "cursor"),
            ("?from=1", "query"),
        ] {
            let refused = timeline(&t, &token, &anna.reader, query).await;
            assert_eq!(refused.parameters()[0].0, field, "{query}");
        }
        let first = timeline(&t, &token, &anna.reader, "?limit=1").await.json();
        let cursor = first["next_cursor"].as_str().unwrap();
        for query in [format!("?limit=1&kind=mail&cursor={cursor}"), format!("?cursor={cursor}")] {
            let of = if query.contains("kind") { &anna } else { &berta };
            let refused = timeline(&t, &token, &of.reader, &query).await;
            assert_eq!(refused.parameters()[0].0, "cursor", "a cursor is of one list");
        }
        assert_eq!(t.call(Method::DELETE, "/v1/me", &anna.access, None).await.status, 204);
        let gone = timeline(&t, &token, &anna.reader, "").await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    }

    async fn a_reader_is_one_document_with_a_ledger_that_comes_out_even(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = eventful(&t).await;
        let token = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/readers/{}", anna.reader);
        let whole = t.call(Method::GET, &path, &token, None).await;
        assert_eq!(whole.header("cache-control"), "no-store");
        let whole = whole.json();
        assert_eq!(whole["reader"]["email"], ANNA);
        assert_eq!(whole["subscriptions"][0]["status"], "active");
        assert_eq!(whole["complimentary"][0]["reason"], "a birthday");
        assert_eq!(whole["invoices"][0]["status"], "paid");
        assert_eq!(whole["notes"][0]["text"], "asked <b>why</b>");
        assert_eq!(whole["devices"].as_array().unwrap().len(), 1, "one was logged out");
        let lines = whole["ledger"].as_array().unwrap();
        let steps: Vec<_> = lines
            .iter()
            .rev()
            .map(|it| (it["kind"].as_str().unwrap(), it["standing"]["amount"].as_i64().unwrap()))
            .collect();
        let expected = [("issued", 290), ("paid", 0), ("credited", -100), ("refunded", 0)];
        assert_eq!(steps, expected);
        assert!(!whole.to_string().contains("password_hash"));
    }

    async fn the_page_shows_it_with_links_that_need_no_script(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = eventful(&t).await;
        t.device(ANNA).await;
        let mut browser = on_duty(&t, Role::Support).await;
        let path = format!("/staff/readers/{}", anna.reader);
        let page = browser.open(&path).await.text();
        for shown in [
            "Logged in: Firefox on Linux",
            "Noted: “asked &#60;b&#62;why&#60;/b&#62;”",
            "support@office.example",
            "Card paid invoice 2026-000001",
            "we owe $1.00",
            "/staff/why?code=",
            &format!("href=\"{path}?kind=payment#timeline\""),
        ] {
            assert!(page.contains(shown), "{shown}: {page}");
        }
        assert!(!page.contains("Mozilla/5.0"), "devices are called as people call them");
        let payments = browser.open(&format!("{path}?kind=payment")).await.text();
        assert!(payments.contains("Card charged: $2.90"), "{payments}");
        assert!(!payments.contains("Logged in: Firefox"), "{payments}");
        // A long story has an earlier part.
        let token = token_of(&t, Role::Support).await;
        for n in 0..60 {
            t.clock.advance(Duration::SECOND);
            let body = json!({"text": format!("note {n}")});
            let notes = format!("/v1/staff/readers/{}/notes", anna.reader);
            assert_eq!(t.call(Method::POST, &notes, &token, Some(body)).await.status, 201);
        }
        let page = browser.open(&path).await.text();
        let earlier = page.split("href=\"").find(|it| it.contains("cursor=")).unwrap();
        let earlier = earlier.split('"').next().unwrap().replace("&#38;", "&");
        let earlier = earlier.split('#').next().unwrap();
        let next = browser.open(earlier).await;
        assert_eq!(next.status, 200, "{earlier}");
        assert!(next.text().contains(">Latest</a>") && next.text().contains("The account was begun"));
        assert_eq!(browser.open(&format!("{path}?kind=x")).await.status, 400);
    }
}
