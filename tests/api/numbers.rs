//! The business in numbers: a small publisher's months, and every figure against an independent sum
//! over what was kept of them.

use axum::http::Method;
use pressgate::{auth::staff::model::Role, clock::Clock};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    billing::OK,
    office_pages::on_duty,
    reader_pages::Browser,
    readers::Tokens,
    subscribing::{at_the_wall, order},
};

async fn asked(t: &TestApp, query: &str) -> Answer {
    let token = token_of(t, Role::Viewer).await;
    t.call(Method::GET, &format!("/v1/staff/metrics{query}"), &token, None).await
}

/// Every figure of the last `days` days.
async fn metrics(t: &TestApp, days: i64) -> Value {
    let from = t.clock.now().minus(Duration::days(days - 1)).date_time().date();
    let answer = asked(t, &format!("?from={from}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn pass(t: &TestApp, days: i64) {
    t.clock.advance(Duration::days(days));
    t.settle_until(t.clock.now()).await;
}

/// A sum over rows, in the words of a stranger to the figures.
async fn sum(t: &TestApp, sql: &'static str) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let row: Option<(Option<i64>,)> = tx.query(sql).optional().await.unwrap();
    row.and_then(|(sum,)| sum).unwrap_or(0)
}

/// What a list of money per plan comes to in one currency.
fn total(report: &Value, field: &str, currency: &str) -> i64 {
    let plans = report["revenue"].as_array().unwrap().iter();
    let plans = plans.filter(|plan| plan["currency"] == currency);
    plans.map(|plan| plan[field]["value"].as_i64().unwrap()).sum()
}

fn of_label(list: &Value, label: &str) -> i64 {
    let found = list.as_array().unwrap().iter().find(|one| one["label"] == label);
    found.map_or(0, |one| one["value"].as_i64().unwrap())
}

/// Recurring revenue of a year by what subscriptions say of themselves.
const YEARLY_NOW: &str = "SELECT CAST(SUM(CASE plan WHEN 'monthly' THEN 12 * 290 ELSE 1990 END) AS \
    BIGINT) FROM subscriptions WHERE status = 'active' OR (status = 'past_due' AND (trial_end IS \
    NULL OR period_index > 0))";

/// Every figure that rows can tell, against the rows.
async fn reconcile(t: &TestApp, report: &Value) {
    let mrr = report["mrr"].as_array().unwrap().iter().find(|mrr| mrr["currency"] == "USD");
    let yearly = sum(t, YEARLY_NOW).await;
    let monthly = (yearly + 6).div_euclid(12);
    let mrr = mrr.map_or(json!({"amount": 0}), Clone::clone);
    assert_eq!(mrr["amount"], monthly, "{mrr} {yearly}");
    let active = "SELECT COUNT(*) FROM subscriptions WHERE status = 'active' OR \
        (status = 'past_due' AND (trial_end IS NULL OR period_index > 0))";
    assert_eq!(report["active"]["value"], sum(t, active).await);
    let trialing = "SELECT COUNT(*) FROM subscriptions WHERE status = 'trialing'";
    assert_eq!(report["trialing"]["value"], sum(t, trialing).await);
    let revenue = "SELECT CAST(-SUM(revenue) AS BIGINT) FROM ledger_entries WHERE currency = 'USD'";
    assert_eq!(total(report, "revenue", "USD"), sum(t, revenue).await);
    let paid = "SELECT CAST(SUM(cash) AS BIGINT) FROM ledger_entries WHERE kind = 'paid' AND \
        currency = 'USD'";
    assert_eq!(total(report, "paid", "USD"), sum(t, paid).await);
    let refunded = "SELECT CAST(SUM(cash) AS BIGINT) FROM ledger_entries WHERE kind = 'refunded' \
        AND currency = 'USD'";
    assert_eq!(total(report, "refunded", "USD"), sum(t, refunded).await);
    let by_plan = "SELECT CAST(SUM(i.total - i.balance_applied) AS BIGINT) FROM invoices i JOIN invoice_lines l \
        ON l.invoice_id = i.id AND l.position = 0 WHERE l.plan = 'monthly' AND i.status = 'paid' \
        AND i.currency = 'USD'";
    let plans = report["revenue"].as_array().unwrap();
    let monthly = plans.iter().find(|it| it["plan"] == "monthly" && it["currency"] == "USD");
    let monthly = monthly.map_or(0, |it| it["paid"]["value"].as_i64().unwrap());
    assert_eq!(monthly, sum(t, by_plan).await);
    let last = report["days"].as_array().unwrap().last().unwrap();
    assert_eq!(last["active"], report["active"]["value"]);
    assert_eq!(last["mrr"]["USD"].as_i64().unwrap_or(0), mrr["amount"].as_i64().unwrap());
}

async fn paid(t: &TestApp, email: &str, plan: &str, card: &str) -> (Tokens, String) {
    let reader = t.reader(email).await;
    let order = json!({"plan": plan, "payment_method": card, "trial": false});
    let begun = t.subscribe(&reader, order).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    (reader, begun.json()["id"].as_str().unwrap().to_owned())
}

/// The first day: two free trials, of which one goes on and one is left; two who pay at once; one
/// whose card will fail. Gives the monthly subscription that was paid, cleo's.
async fn open_for_business(t: &TestApp) -> String {
    let anna = t.reader("anna@example.org").await;
    t.subscribed(&anna, "monthly", "pm_sandbox_ok:anna").await;
    let bert = t.reader("bert@example.org").await;
    let left = t.subscribed(&bert, "monthly", "pm_sandbox_ok:bert").await;
    t.about(&bert, &left, "cancel", json!({"at": "period_end"})).await;
    let (_, monthly) = paid(t, "cleo@example.org", "monthly", OK).await;
    paid(t, "dora@example.org", "annual", OK).await;
    let emil = t.reader("emil@example.org").await;
    t.subscribed(&emil, "monthly", "pm_sandbox_declined:emil").await;
    monthly
}

/// Switches a subscription of `email` to the annual plan.
async fn switch_to_annual(t: &TestApp, email: &str, id: &str) {
    let reader = t.device(email).await;
    let preview = t.about(&reader, id, "switch/preview", json!({"plan": "annual"})).await;
    assert_eq!(preview.status, 200, "{}", preview.text());
    let order = json!({"plan": "annual", "preview": preview.json()["preview"]});
    let done = t.about(&reader, id, "switch", order).await;
    assert_eq!(done.status, 200, "{}", done.text());
}

on_both_databases! {
    async fn a_publishers_months_reconcile_to_the_cent(t: TestApp) {
        hire(&t, Role::Viewer).await;
        hire(&t, Role::Support).await;
        let clerk = async |path: &str, body: Value| {
            let token = token_of(&t, Role::Support).await;
            let answer = t.call(Method::POST, &format!("/v1/staff/{path}"), &token, Some(body)).await;
            assert!(answer.status < 300, "{path}: {}", answer.text());
        };
        let monthly = open_for_business(&t).await;
        let begun = metrics(&t, 30).await;
        reconcile(&t, &begun).await;
        assert_eq!(begun["trialing"]["value"], 3);
        assert_eq!(begun["mrr"][0]["new"]["value"], 290 + 166, "$19.90 a year is $1.66 a month");
        assert_eq!(begun["funnel"]["trials"]["value"], 3);
        assert_eq!(begun["funnel"]["paid"]["value"], 2);
        assert_eq!(begun["funnel"]["signed_up"]["value"], 5);

        pass(&t, 31).await;
        let month = metrics(&t, 60).await;
        reconcile(&t, &month).await;
        let cohort = &month["trials"].as_array().unwrap()[0];
        assert_eq!((&cohort["started"], &cohort["converted"], &cohort["lost"]), (&json!(3), &json!(1), &json!(1)), "{month}");
        assert_eq!(cohort["conversion_ppm"], 500_000);
        assert_eq!(month["payments"]["failed"]["value"], 1, "emil's first payment");

        // A switch up, a pause and its end, a refund in part, an end with all given back.
        switch_to_annual(&t, "cleo@example.org", &monthly).await;
        let (_, pauses) = paid(&t, "finn@example.org", "monthly", OK).await;
        let (_, refunds) = paid(&t, "gina@example.org", "annual", OK).await;
        let (_, ends) = paid(&t, "hugo@example.org", "monthly", OK).await;
        clerk(&format!("subscriptions/{pauses}/pause"), json!({"reason": "asked for"})).await;
        let part = json!({"amount": {"amount": 500, "currency": "USD"}, "reason": "late paper"});
        clerk(&format!("subscriptions/{refunds}/refund"), part).await;
        clerk(&format!("subscriptions/{ends}/cancel"), json!({"at": "now", "refund": true})).await;
        t.settle_until(t.clock.now()).await;
        let busy = metrics(&t, 60).await;
        reconcile(&t, &busy).await;
        assert_eq!(of_label(&busy["churned"], "paused"), 1);
        assert_eq!(of_label(&busy["churned"], "canceled_by_staff"), 1);
        let usd = &busy["mrr"][0];
        assert!(usd["contraction"]["value"].as_i64().unwrap() < 0, "a year costs less a month: {usd}");
        assert_eq!(total(&busy, "refunded", "USD"), -790);

        clerk(&format!("subscriptions/{pauses}/resume"), json!({})).await;
        t.settle_until(t.clock.now()).await;
        let back = metrics(&t, 60).await;
        reconcile(&t, &back).await;
        assert_eq!(back["mrr"][0]["reactivation"]["value"], 290);

        // Emil never pays, hugo comes back, and a year goes by.
        pass(&t, 40).await;
        let hugo = t.device("hugo@example.org").await;
        let order = json!({"plan": "monthly", "payment_method": OK, "trial": false});
        assert_eq!(t.subscribe(&hugo, order).await.status, 201);
        let later = metrics(&t, 120).await;
        reconcile(&t, &later).await;
        assert_eq!(later["mrr"][0]["reactivation"]["value"], 580);
        assert_eq!(later["trials"][0]["lost"], 2);
        assert_eq!(later["payments"]["lost"]["value"], 1);
        for _ in 0..12 {
            pass(&t, 31).await;
        }
        let year = metrics(&t, 600).await;
        reconcile(&t, &year).await;
        // The same days in two halves: what stood at the end of one stands at the start of the next.
        let half = metrics(&t, 300).await;
        assert_eq!(half["active"]["value"], year["active"]["value"]);
        let line = year["days"].as_array().unwrap();
        let before = &line[line.len() - 301];
        assert_eq!(half["active"]["at_start"], before["active"]);
        assert_eq!(half["mrr"][0]["at_start"], before["mrr"]["USD"]);
    }

    async fn walls_and_offers_and_articles_are_counted(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let mut browser = at_the_wall(&t).await;
        order(&mut browser, "anna@example.org", OK).await;
        let report = metrics(&t, 30).await;
        let funnel = &report["funnel"];
        assert_eq!(funnel["walls"]["value"], 1, "{report}");
        assert!(funnel["offers"]["value"].as_i64().unwrap() >= 1, "{report}");
        assert_eq!((&funnel["signed_up"]["value"], &funnel["trials"]["value"]), (&json!(1), &json!(1)));
        assert_eq!(of_label(&report["decisions"], "demo meter_exhausted"), 1);
        let stopped = report["stop_rate_ppm"].as_i64().unwrap();
        assert!((1..1_000_000).contains(&stopped), "{stopped}");
        let article = &report["articles"][0];
        assert!(article["page"].as_str().unwrap().starts_with("/demo/articles/"), "{report}");
        assert_eq!((&article["subscribed"], &article["paid"]), (&json!(1), &json!(0)));
        // Asked twice, counted once; and the days before had nothing.
        assert_eq!(metrics(&t, 30).await["funnel"], *funnel);
        assert_eq!(funnel["walls"]["previous"], 0);
        t.clock.advance(Duration::days(30));
        let next = metrics(&t, 30).await;
        assert_eq!((&next["funnel"]["walls"]["value"], &next["funnel"]["walls"]["previous"]), (&json!(0), &json!(1)));
    }

    async fn the_office_shows_every_figure_with_its_picture_and_its_table(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let mut browser = on_duty(&t, Role::Viewer).await;
        let empty = browser.open("/staff/numbers").await;
        assert_eq!(empty.status, 200);
        assert!(empty.text().contains("Nobody has paid yet."), "{}", empty.text());
        assert!(browser.open("/staff").await.text().contains("Nothing waits for you."));
        paid(&t, "dora@example.org", "annual", OK).await;
        t.reader("anna@example.org").await;
        let page = browser.open("/staff/numbers").await.text();
        for told in ["$1.66", "$19.90", "Began to pay", "annual"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        for name in ["mrr-USD", "subscriptions", "walls"] {
            let picture = browser.open(&format!("/staff/numbers/{name}.svg")).await;
            assert_eq!((picture.status, picture.header("content-type")), (200, "image/svg+xml"));
            assert!(picture.text().starts_with("<svg"), "{name}");
        }
        let table = browser.open("/staff/numbers/days.csv?from=2026-01-01").await.text();
        assert!(table.starts_with("Day,Active,Trialing,Walls,MRR USD\r\n2026-01-01,0,0,0,0\r\n"), "{table}");
        assert!(table.ends_with(",1,0,0,166\r\n"), "{table}");
        assert_eq!(browser.open("/staff/numbers/other.svg").await.status, 404);
        assert_eq!(browser.open("/staff/numbers?from=x").await.status, 400);
        assert_eq!(Browser::new(&t).open("/staff/numbers/mrr-USD.svg").await.status, 303);
    }

    async fn money_of_no_currency_is_an_error_and_not_a_figure(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        let day = t.clock.now().date_time().date().to_string();
        tx.query(
            "INSERT INTO number_days (name, day, label, currency, value)
             VALUES ('paid', $1, 'monthly', 'QQQ', 290)",
        )
        .bind(day)
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(asked(&t, "").await.problem().0, 500);
    }

    async fn more_figures_than_one_report_holds_are_refused_and_not_cut(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let day = t.clock.now().date_time().date().to_string();
        let mut tx = t.state.databases.main.write().await.unwrap();
        tx.query(
            "INSERT INTO number_days (name, day, label, currency, value)
             WITH RECURSIVE site (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM site WHERE n <= 200000)
             SELECT 'decided', $1, CAST(n AS TEXT) || ' metered', '', 1 FROM site",
        )
        .bind(day.clone())
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let answer = asked(&t, "").await;
        assert_eq!(answer.problem(), (400, "invalid_query".to_owned()));
        assert_eq!(answer.json()["errors"][0]["code"], "too_many");
        assert_eq!(asked(&t, "?from=2026-01-01&to=2026-01-01").await.status, 200);
    }

    async fn days_that_cannot_be_are_refused_with_the_field(t: TestApp) {
        hire(&t, Role::Viewer).await;
        for (query, field) in [
            ("?from=yesterday", "from"),
            ("?from=2026-02-30", "from"),
            ("?to=2026-13-01", "to"),
            ("?to=99999-01-01", "to"),
            ("?from=2026-12-02&to=2026-12-01", "from"),
            ("?from=2001-01-01&to=2026-12-01", "from"),
            ("?from=%00", "from"),
            ("?limit=3", "query"),
        ] {
            let answer = asked(&t, query).await;
            assert_eq!(answer.problem(), (400, "invalid_query".to_owned()), "{query}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
        }
        assert_eq!(asked(&t, "?from=2026-01-01&to=2026-01-01").await.status, 200);
    }
}
