//! What is sold: the plans that are offered, and the versions that are kept.

use std::{fs, sync::Arc};

use axum::{
    body::Body,
    http::{Request, header::ACCEPT_LANGUAGE},
};
use futures_util::future::join_all;
use pressgate::{
    app::StartError,
    billing::catalog::{model::Catalog, source::Source},
    db::StoreError,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::{TestApp, at},
    billing::OK,
    place::Place,
    readers::ANNA,
};

const HEAD: &str = "[seller]\ncountry = \"US\"\n";

/// Where a story's catalogs lie.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Puts a catalog there, and says where.
    fn put(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Starts another process that sells by it.
    async fn start(&self, like: &TestApp, text: &str) -> Result<TestApp, StartError> {
        let path = self.put(&format!("{}.toml", text.len()), text);
        open(like, &path).await
    }
}

async fn open(like: &TestApp, path: &str) -> Result<TestApp, StartError> {
    let settings = [("PRESSGATE__BILLING__CATALOG", path)];
    TestApp::open(like.place.clone(), Arc::clone(&like.clock), &settings).await
}

fn product(id: &str, sites: &str) -> String {
    format!("[[products]]\nid = \"{id}\"\nname = \"{id}\"\nsites = {sites}\n")
}

/// A plan by its id, product, amount, currency and interval.
fn plan((id, product): (&str, &str), amount: i64, currency: &str, rest: &str) -> String {
    format!(
        "[[plans]]\nid = \"{id}\"\nproduct = \"{product}\"\nname = \"{id}\"\n\
         price = {{ amount = {amount}, currency = \"{currency}\" }}\n{rest}\n"
    )
}

const MONTH: &str = "interval = \"month\"";
const YEAR: &str = "interval = \"year\"";

/// A catalog with one plan at this price.
fn at_price(amount: i64) -> String {
    let plan = plan(("monthly", "digital"), amount, "USD", MONTH);
    [HEAD, &product("digital", "\"all\""), &plan].concat()
}

/// What the first publisher sells, and the price of the month.
fn shipped_at(amount: i64) -> String {
    let shipped = Source::shipped().unwrap();
    shipped.text().replacen("amount = 290", &format!("amount = {amount}"), 1)
}

async fn versions(t: &TestApp) -> Vec<(i64, Vec<u8>)> {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let kept = tx.query("SELECT version, sha256 FROM catalog_versions ORDER BY version LIMIT 50");
    kept.all().await.unwrap()
}

fn price(catalog: &Catalog) -> i64 {
    catalog.plan("monthly").unwrap().price.amount
}

async fn ids_of(t: &TestApp, path: &str) -> Vec<String> {
    let answer = t.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let plans = answer.json()["plans"].as_array().unwrap().clone();
    plans.iter().map(|plan| plan["id"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn the_first_publishers_plans_are_offered(t: TestApp) {
        let answer = t.get("/v1/plans?site=demo").await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "public, max-age=60"));
        let expected = json!({"plans": [
            {"id": "monthly", "product": "digital", "name": "Monthly",
             "price": {"amount": 290, "currency": "USD"}, "interval": "month", "trial_days": 30,
             "savings": null},
            {"id": "annual", "product": "digital", "name": "Annual",
             "price": {"amount": 1990, "currency": "USD"}, "interval": "year", "trial_days": 0,
             "savings": {"amount": 1490, "currency": "USD"}, "badge": "best_value"},
        ]});
        assert_eq!(answer.json(), expected);
        assert_eq!(t.get("/v1/plans").await.json(), expected);

        // The same in the language that is asked for; caches are told.
        let asked = Request::get("/v1/plans?site=demo").header(ACCEPT_LANGUAGE, "fr-CH, en;q=0.5");
        let answer = t.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("vary").to_ascii_lowercase(), "accept-language");
        let names: Vec<Value> =
            answer.json()["plans"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
        assert_eq!(names, [json!("Mensuelle"), json!("Annuelle")]);
    }

    async fn what_does_not_exist_has_no_plans(t: TestApp) {
        for site in ["nowhere", "", "Demo", "demo%20", "%F0%9F%97%9E"] {
            let answer = t.get(&format!("/v1/plans?site={site}")).await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{site}");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        let control = t.get("/v1/plans?site=demo%00").await;
        assert_eq!(control.parameters(), [("site".to_owned(), "invalid_value".to_owned())]);
        for query in ["cite=demo", "site=demo&site=demo"] {
            let answer = t.get(&format!("/v1/plans?{query}")).await;
            assert_eq!(answer.problem(), (422, "invalid_fields".to_owned()), "{query}");
        }
    }

    async fn only_what_is_offered_for_the_site_is_shown(t: TestApp) {
        let gone = "interval = \"month\"\noffered = false";
        let text = [
            HEAD,
            &product("everything", "\"all\""),
            &product("weekend", "[\"weekend\"]"),
            &plan(("all", "everything"), 500, "USD", MONTH),
            &plan(("saturday", "weekend"), 300, "USD", MONTH),
            &plan(("sunday", "weekend"), 200, "USD", gone),
        ]
        .concat();
        let t = Desk::new().start(&t, &text).await.unwrap();
        t.site("weekend", "UTC", json!({"rules": []})).await;
        assert_eq!(ids_of(&t, "/v1/plans?site=demo").await, ["all"]);
        assert_eq!(ids_of(&t, "/v1/plans?site=weekend").await, ["all", "saturday"]);
        assert_eq!(ids_of(&t, "/v1/plans").await, ["all", "saturday"]);
        let anna = t.reader(ANNA).await;
        let order = json!({"plan": "sunday", "payment_method": OK});
        let refused = t.subscribe(&anna, order).await;
        assert_eq!(refused.fields(), [("plan".to_owned(), "invalid_value".to_owned())]);
    }

    async fn yen_and_dinars_have_their_own_minor_units(t: TestApp) {
        let text = [
            HEAD,
            &product("yen", "\"all\""),
            &product("dinar", "\"all\""),
            &plan(("jpy-month", "yen"), 290, "JPY", MONTH),
            &plan(("jpy-year", "yen"), 2_900, "JPY", YEAR),
            &plan(("kwd-month", "dinar"), 1_250, "KWD", MONTH),
            &plan(("kwd-year", "dinar"), 15_000, "KWD", YEAR),
        ]
        .concat();
        let t = Desk::new().start(&t, &text).await.unwrap();
        let plans = t.get("/v1/plans?site=demo").await.json()["plans"].clone();
        let money = |amount: i64, currency: &str| json!({"amount": amount, "currency": currency});
        for (i, id, price, savings) in [
            (0, "jpy-month", money(290, "JPY"), Value::Null),
            (1, "jpy-year", money(2_900, "JPY"), money(580, "JPY")),
            (2, "kwd-month", money(1_250, "KWD"), Value::Null),
            (3, "kwd-year", money(15_000, "KWD"), Value::Null),
        ] {
            let plan = &plans[i];
            assert_eq!((&plan["id"], &plan["price"]), (&json!(id), &price));
            assert_eq!(plan["savings"], savings, "{id}");
        }
        let page = t.get("/subscribe").await.text();
        for words in ["¥290 a month", "¥2,900 a year", "You save ¥580 a year", ">KWD</a>"] {
            assert!(page.contains(words), "{words} in {page}");
        }
        // Whoever reads in Kuwait is offered dinars, and can have yen.
        let request = axum::http::Request::get("/subscribe").header("accept-language", "en-KW");
        let page = t.send(request.body(axum::body::Body::empty()).unwrap()).await.text();
        assert!(page.contains("1.250 a month") && page.contains(">JPY</a>"), "{page}");
        let anna = t.reader(ANNA).await;
        for plan in ["jpy-year", "kwd-month"] {
            t.subscribed(&anna, plan, OK).await;
        }
    }

    async fn another_text_is_another_version_and_going_back_too(t: TestApp) {
        let desk = Desk::new();
        let numbers = async || versions(&t).await.into_iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(numbers().await, [1]);
        assert_eq!(t.another_process().await.state.catalogs.current().version, 1);
        assert_eq!(numbers().await, [1], "the same text again");
        let dearer = desk.start(&t, &shipped_at(390)).await.unwrap();
        let back = t.another_process().await;
        let sold = [&t, &dearer, &back].map(|it| {
            let catalog = it.state.catalogs.current();
            (catalog.version, price(&catalog))
        });
        assert_eq!(sold, [(1, 290), (2, 390), (3, 290)]);
        let kept = versions(&t).await;
        assert_eq!(kept.len(), 3);
        assert_eq!(kept[0].1, kept[2].1);
        assert_ne!(kept[0].1, kept[1].1);
        // Each knows also what others have added since it started.
        for (version, amount) in [(1, 290), (2, 390), (3, 290)] {
            for it in [&t, &dearer, &back] {
                let catalog = it.state.catalogs.version(version).await.unwrap();
                assert_eq!((catalog.version, price(&catalog)), (version, amount));
            }
        }
        for version in [0, -1, 4, i64::MAX] {
            let none = t.state.catalogs.version(version).await.unwrap_err();
            let is_corrupt = matches!(&none, StoreError::Corrupt { table, .. }
                if *table == "catalog_versions");
            assert!(is_corrupt, "{none}");
        }
    }

    async fn whoever_subscribed_keeps_the_price_of_then(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        let t = Desk::new().start(&t, &shipped_at(390)).await.unwrap();
        assert_eq!(t.get("/v1/plans").await.json()["plans"][0]["price"]["amount"], 390);
        t.settle_until(at("2027-03-01T00:00:00Z")).await;
        let paid = t.subscription(&anna, &id).await;
        assert_eq!(paid["current_period_end"], "2027-03-23T04:05:06.001Z");
        let mut tx = t.state.databases.main.read().await.unwrap();
        let charged = tx.query("SELECT DISTINCT catalog_version FROM charges LIMIT 9");
        assert_eq!(charged.all::<(i64,)>().await.unwrap(), [(1,)]);
    }

    async fn another_price_is_charged_once_it_was_announced(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.subscribed(&anna, "monthly", OK).await;
        let bert = t.reader("bert@example.org").await;
        let id = t.subscribed(&bert, "monthly", "pm_sandbox_ok:bert").await;
        let migrate = "migrate = { from = \"2027-03-01T00:00:00Z\", notice_days = 30 }";
        let text = shipped_at(390).replacen(
            "trial_days = 30",
            &format!("trial_days = 30\n{migrate}"),
            1,
        );
        let t = Desk::new().start(&t, &text).await.unwrap();
        t.settle_until(at("2027-02-01T00:00:00Z")).await;
        assert!(!t.subjects_to(ANNA).await.iter().any(|it| it.contains("price of")), "too early");
        t.settle_until(at("2027-02-21T00:00:00Z")).await;
        assert!(t.subjects_to(ANNA).await.iter().any(|it| it.contains("price of")));
        let answer = t.device("bert@example.org").await;
        let left = t.about(&answer, &id, "cancel", json!({"at": "period_end"})).await;
        assert_eq!(left.status, 200, "whoever does not like it leaves: {}", left.text());
        t.settle_until(at("2027-05-01T00:00:00Z")).await;
        let amounts: Vec<i64> = t.book().await.into_iter().map(|(amount, _)| amount).collect();
        assert_eq!(amounts, [290, 290, 290, 290, 290, 390, 390], "Bert paid until March");
        t.the_books_are_right().await;
    }

    async fn however_many_start_at_once_each_text_is_one_version(t: TestApp) {
        let desk = Desk::new();
        let path = desk.put("new.toml", &at_price(100));
        let started = join_all((0..4).map(|_| open(&t, &path))).await;
        let version = |it: Result<TestApp, StartError>| it.unwrap().state.catalogs.current().version;
        assert_eq!(started.into_iter().map(version).collect::<Vec<_>>(), [2; 4]);
        assert_eq!(versions(&t).await.len(), 2);
        // Four different ones: each becomes a version of its own.
        let paths: Vec<String> =
            (1..=4).map(|i| desk.put(&format!("{i}.toml"), &at_price(100 + i))).collect();
        let started = join_all(paths.iter().map(|path| open(&t, path))).await;
        let mut numbers: Vec<i64> = started.into_iter().map(version).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [3, 4, 5, 6]);
    }

    async fn no_version_is_ever_changed(t: TestApp) {
        for sql in [
            "UPDATE catalog_versions SET text = 'x'",
            "DELETE FROM catalog_versions",
        ] {
            let mut tx = t.state.databases.main.write().await.unwrap();
            let refused = tx.query(sql).execute().await.unwrap_err().to_string();
            assert!(refused.contains("catalog_versions only grow"), "{refused}");
        }
        assert_eq!(versions(&t).await.len(), 1);
    }

    async fn a_version_that_somebody_forged_is_not_sold_by(t: TestApp) {
        for (version, sha256, text) in [(2, vec![0; 32], at_price(1)), (3, vec![], String::new())] {
            let mut tx = t.state.databases.main.write().await.unwrap();
            let written = tx
                .query("INSERT INTO catalog_versions (version, sha256, text, created_at)
                        SELECT $1, $2, $3, created_at FROM catalog_versions WHERE version = 1")
                .bind(version).bind(sha256).bind(text).execute().await;
            match version {
                2 => tx.commit().await.map(|()| assert!(written.is_ok())).unwrap(),
                _ => assert!(written.is_err(), "the table itself refuses it"),
            }
        }
        let refused = t.state.catalogs.version(2).await.unwrap_err().to_string();
        assert_eq!(refused, "catalog_versions.sha256 of 2 holds an impossible value");
        let start = Desk::new().start(&t, &at_price(2)).await.err().unwrap();
        assert!(matches!(start, StartError::Store(StoreError::Corrupt { .. })), "{start}");
    }

    async fn a_wrong_catalog_stops_the_start_with_every_mistake(t: TestApp) {
        let desk = Desk::new();
        let wrong = at_price(0).replace("\"all\"", "\"some\"").replace("US", "us");
        let said = desk.start(&t, &wrong).await.err().unwrap().to_string();
        for part in [
            "billing.catalog: ",
            ".toml: the catalog is wrong:",
            "line 2: `seller.country` must be",
            "line 6: `products.sites` must be",
            "line 11: `plans.price.amount` must be",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        for path in ["/nowhere/catalog.toml", "/"] {
            let said = open(&t, path).await.err().unwrap().to_string();
            assert!(said.starts_with(&format!("billing.catalog: {path}: ")), "{said}");
        }
        let binary = desk.0.path().join("binary.toml");
        fs::write(&binary, [0xff, 0xfe]).unwrap();
        assert!(open(&t, binary.to_str().unwrap()).await.is_err());
        assert_eq!(versions(&t).await.len(), 1, "nothing of it is kept");
        // Nor is a database made for it.
        let place = Place::sqlite();
        let settings = [("PRESSGATE__BILLING__CATALOG", "/nowhere/catalog.toml")];
        let refused = TestApp::open(place.clone(), Arc::clone(&t.clock), &settings).await;
        assert!(refused.is_err() && !fs::exists(place.url().replace("sqlite://", "")).unwrap());
    }
}
