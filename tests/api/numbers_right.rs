//! The business in numbers: whatever happens to subscriptions, every figure is what the rows, the
//! invoices and the ledger say when they are asked apart from it.

use std::{collections::BTreeMap, fs, sync::Arc};

use axum::http::Method;
use pressgate::{auth::staff::model::Role, billing::catalog::source::Source, numbers::proof};
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp, at},
    back_office::{hire, token_of},
    office_pages::on_duty,
    subscribing,
};

/// What one year of each plan brings in.
const YEARLY: [(&str, &str, i64); 4] = [
    ("monthly", "USD", 290 * 12),
    ("annual", "USD", 1_990),
    ("euro-monthly", "EUR", 450 * 12),
    ("euro-annual", "EUR", 4_505),
];

const EURO: &str = r#"
[[products]]
id = "weekend"
name = "Weekend"
sites = "all"

[[plans]]
id = "euro-monthly"
product = "weekend"
name = "Weekend"
price = { amount = 450, currency = "EUR" }
interval = "month"

[[plans]]
id = "euro-annual"
product = "weekend"
name = "Weekend, a year"
price = { amount = 4505, currency = "EUR" }
interval = "year"

[[tax]]
country = "DE"
rate = "19%"
inclusive = true
"#;

/// A subscription of a reader who is named by its plan and what is to happen to it.
struct Case {
    email: String,
    id: String,
}

/// A house that sells in two currencies.
struct House {
    t: TestApp,
    /// Keeps the catalog's file.
    _folder: tempfile::TempDir,
}

impl House {
    async fn opened(t: TestApp) -> Self {
        t.stop().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.toml");
        fs::write(&path, [Source::shipped().unwrap().text(), EURO].concat()).unwrap();
        let settings = [("PRESSGATE__BILLING__CATALOG", path.to_str().unwrap())];
        let t = TestApp::open(t.place.clone(), Arc::clone(&t.clock), &settings).await.unwrap();
        hire(&t, Role::Support).await;
        Self { t, _folder: folder }
    }

    /// A reader, and what they order.
    async fn begins(&self, name: &str, plan: &str, card: &str, trial: bool) -> Case {
        let email = format!("{name}@example.org");
        let reader = self.t.reader(&email).await;
        self.orders(&email, &reader.access, (plan, card, trial)).await
    }

    async fn orders(&self, email: &str, access: &str, what: (&str, &str, bool)) -> Case {
        let (plan, card, trial) = what;
        let name = email.split('@').next().unwrap();
        let order = json!({"plan": plan, "payment_method": format!("{card}:{name}"),
                           "trial": trial, "country": "DE"});
        let token = access.to_owned();
        let begun = self.t.call(Method::POST, "/v1/subscriptions", &token, Some(order)).await;
        assert_eq!(begun.status, 201, "{}", begun.text());
        Case { email: email.to_owned(), id: begun.json()["id"].as_str().unwrap().to_owned() }
    }

    /// What the reader does with the subscription.
    async fn reader_does(&self, case: &Case, act: &str, body: Value) -> Value {
        let reader = self.t.device(&case.email).await;
        let answer = self.t.about(&reader, &case.id, act, body).await;
        assert_eq!(answer.status, 200, "{act} {}: {}", case.email, answer.text());
        answer.json()
    }

    async fn switches(&self, case: &Case, plan: &str) {
        let preview = self.reader_does(case, "switch/preview", json!({"plan": plan})).await;
        let order = json!({"plan": plan, "preview": preview["preview"]});
        self.reader_does(case, "switch", order).await;
    }

    async fn office(&self, case: &Case, act: &str, body: Value) {
        let token = token_of(&self.t, Role::Support).await;
        let path = format!("/v1/staff/subscriptions/{}/{act}", case.id);
        let answer = self.t.call(Method::POST, &path, &token, Some(body)).await;
        assert_eq!(answer.status, 200, "{act}: {}", answer.text());
    }

    async fn asks(&self, path: &str) -> Answer {
        let token = token_of(&self.t, Role::Support).await;
        self.t.call(Method::GET, path, &token, None).await
    }

    /// All figures since before everything.
    async fn report(&self) -> Value {
        let answer = self.asks("/v1/staff/metrics?from=2026-01-01").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// What the database says to a question with a text and a number in each line.
    async fn counted(&self, sql: &'static str) -> BTreeMap<String, i64> {
        let mut tx = self.t.state.databases.main.read().await.unwrap();
        let rows: Vec<(String, i64)> = tx.query(sql).all().await.unwrap();
        rows.into_iter().filter(|(_, count)| *count != 0).collect()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        self.counted(sql).await.into_values().sum()
    }

    /// Asks everything twice: the report, and the rows.
    async fn the_figures_are_right(&self) {
        let report = self.report().await;
        self.stocks_are_right(&report).await;
        self.money_is_right(&report).await;
        self.trials_and_ends_are_right(&report).await;
        self.t.the_books_are_right().await;
        let mut tx = self.t.state.databases.main.snapshot().await.unwrap();
        assert_eq!(proof::differences(&mut tx).await.unwrap(), []);
    }

    async fn stocks_are_right(&self, report: &Value) {
        // By the year, not a cent is rounded.
        let counted = self
            .counted(
                "SELECT s.plan, COUNT(*) FROM subscriptions s
                 WHERE s.status IN ('active', 'past_due') AND EXISTS
                     (SELECT 1 FROM invoices i
                      WHERE i.subscription_id = s.id AND i.status = 'paid')
                 GROUP BY s.plan",
            )
            .await;
        let mut yearly = BTreeMap::<String, i64>::new();
        for (plan, count) in &counted {
            let (_, currency, price) = YEARLY.iter().find(|it| it.0 == plan).unwrap();
            *yearly.entry((*currency).to_owned()).or_default() += price * count;
        }
        let kept = self
            .counted(
                "SELECT currency, CAST(SUM(value) AS BIGINT) FROM number_days
                 WHERE name LIKE 'mrr.%' GROUP BY currency",
            )
            .await;
        assert_eq!(kept, yearly, "recurring revenue of a year");
        for mrr in report["mrr"].as_array().unwrap() {
            let year = yearly.get(mrr["currency"].as_str().unwrap()).copied().unwrap_or(0);
            assert_eq!(mrr["amount"], (year + 6).div_euclid(12), "{mrr}");
            let moved = ["new", "reactivation", "expansion", "contraction", "churn"];
            let moved: i64 = moved.iter().map(|it| mrr[it]["value"].as_i64().unwrap()).sum();
            let rounded = mrr["amount"].as_i64().unwrap() - mrr["at_start"].as_i64().unwrap();
            assert!((moved - rounded).abs() <= 3, "{mrr}");
        }
        assert_eq!(report["active"]["value"], counted.values().sum::<i64>());
        let trialing = "SELECT 'all', COUNT(*) FROM subscriptions WHERE status = 'trialing'";
        assert_eq!(report["trialing"]["value"], self.number(trialing).await);
        let last = report["days"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["active"], &last["trialing"]),
            (&report["active"]["value"], &report["trialing"]["value"])
        );
    }

    async fn money_is_right(&self, report: &Value) {
        for (name, sql) in [
            (
                "revenue",
                "SELECT currency, CAST(-SUM(revenue) AS BIGINT) FROM ledger_entries
                 GROUP BY currency",
            ),
            (
                "paid",
                "SELECT currency, CAST(SUM(cash) AS BIGINT) FROM ledger_entries
                 WHERE kind = 'paid' GROUP BY currency",
            ),
            (
                "refunded",
                "SELECT currency, CAST(-SUM(amount) AS BIGINT) FROM refunds
                 WHERE status = 'succeeded' GROUP BY currency",
            ),
        ] {
            let mut reported = BTreeMap::<String, i64>::new();
            for line in report["revenue"].as_array().unwrap() {
                let currency = line["currency"].as_str().unwrap().to_owned();
                *reported.entry(currency).or_default() += line[name]["value"].as_i64().unwrap();
            }
            reported.retain(|_, amount| *amount != 0);
            assert_eq!(reported, self.counted(sql).await, "{name}");
        }
        // What invoices say of it, asked once more: net of what was given back.
        let invoiced = self
            .counted(
                "SELECT currency, CAST(SUM(net) AS BIGINT) FROM invoices
                 WHERE status IN ('open', 'paid') GROUP BY currency",
            )
            .await;
        let credited = self
            .counted(
                "SELECT currency, CAST(SUM(revenue) AS BIGINT) FROM ledger_entries
                 WHERE kind = 'credited' GROUP BY currency",
            )
            .await;
        for (currency, net) in invoiced {
            let lines = report["revenue"].as_array().unwrap().iter();
            let own = lines.filter(|line| line["currency"] == currency.as_str());
            let sum: i64 = own.map(|line| line["revenue"]["value"].as_i64().unwrap()).sum();
            assert_eq!(sum, net - credited.get(&currency).copied().unwrap_or(0), "{currency}");
        }
    }

    async fn trials_and_ends_are_right(&self, report: &Value) {
        let sum = |name: &str| -> i64 {
            let cohorts = report["trials"].as_array().unwrap();
            cohorts.iter().map(|cohort| cohort[name].as_i64().unwrap()).sum()
        };
        for (name, sql) in [
            ("started", "SELECT 'all', COUNT(*) FROM subscriptions WHERE trial_start IS NOT NULL"),
            (
                "converted",
                "SELECT 'all', COUNT(*) FROM subscriptions s
                 WHERE trial_start IS NOT NULL AND EXISTS
                     (SELECT 1 FROM invoices i
                      WHERE i.subscription_id = s.id AND i.status = 'paid')",
            ),
            (
                "lost",
                "SELECT 'all', COUNT(*) FROM subscriptions s
                 WHERE trial_start IS NOT NULL AND ended_at IS NOT NULL AND NOT EXISTS
                     (SELECT 1 FROM invoices i
                      WHERE i.subscription_id = s.id AND i.status = 'paid')",
            ),
        ] {
            assert_eq!(sum(name), self.number(sql).await, "{name}");
        }
        let mut churned = self
            .counted(
                "SELECT end_reason, COUNT(*) FROM subscriptions s
                 WHERE ended_at IS NOT NULL AND EXISTS
                     (SELECT 1 FROM invoices i
                      WHERE i.subscription_id = s.id AND i.status = 'paid')
                 GROUP BY end_reason",
            )
            .await;
        churned.extend(
            self.counted(
                "SELECT 'paused', COUNT(*) FROM subscription_events
                 WHERE kind = 'subscription.paused'",
            )
            .await,
        );
        let lines = report["churned"].as_array().unwrap().iter();
        let line =
            |it: &Value| (it["label"].as_str().unwrap().to_owned(), it["value"].as_i64().unwrap());
        assert_eq!(lines.map(line).collect::<BTreeMap<_, _>>(), churned);
        let failed = "SELECT 'all', COUNT(*) FROM
                          (SELECT DISTINCT subscription_id, period_start FROM charges
                           WHERE status = 'declined' AND purpose = 'renewal') AS failed";
        let recovered = "SELECT 'all', COUNT(*) FROM subscription_events
                         WHERE kind = 'subscription.recovered'";
        let waiting = "SELECT 'all', COUNT(*) FROM subscriptions WHERE status = 'past_due'";
        let (failed, recovered) = (self.number(failed).await, self.number(recovered).await);
        let lost = failed - recovered - self.number(waiting).await;
        let values = ["failed", "recovered", "lost"]
            .map(|name| report["payments"][name]["value"].as_i64().unwrap());
        assert_eq!(values, [failed, recovered, lost]);
        let readers = "SELECT 'all', COUNT(*) FROM readers";
        assert_eq!(report["funnel"]["signed_up"]["value"], self.number(readers).await);
    }
}

const OK: &str = "pm_sandbox_ok";
const DECLINED: &str = "pm_sandbox_declined";

on_both_databases! {
    async fn every_figure_is_what_the_rows_and_the_ledger_say(t: TestApp) {
        let house = House::opened(t).await;
        let t = &house.t;
        house.the_figures_are_right().await;
        let converts = house.begins("converts", "monthly", OK, true).await;
        let leaves = house.begins("leaves", "monthly", OK, true).await;
        house.begins("owes", "monthly", DECLINED, true).await;
        house.begins("stumbles", "monthly", "pm_sandbox_declined_once", true).await;
        let given = house.begins("given", "monthly", OK, true).await;
        let steps_down = house.begins("steps-down", "annual", OK, false).await;
        let withdraws = house.begins("withdraws", "annual", OK, false).await;
        let refunded = house.begins("refunded", "annual", OK, false).await;
        let recovers = house.begins("recovers", "monthly", OK, false).await;
        let defaults = house.begins("defaults", "monthly", OK, false).await;
        let returns = house.begins("returns", "monthly", OK, false).await;
        let pauses = house.begins("pauses", "monthly", OK, false).await;
        let thrown_out = house.begins("thrown-out", "euro-monthly", OK, false).await;
        house.begins("stays", "euro-annual", OK, false).await;
        let erased = house.begins("erased", "annual", OK, false).await;
        house.begins("never-confirms", "annual", "pm_sandbox_authentication", false).await;
        house.the_figures_are_right().await;

        house.reader_does(&leaves, "cancel", json!({"at": "period_end"})).await;
        house.reader_does(&withdraws, "cancel", json!({"at": "now"})).await;
        let part = json!({"amount": {"amount": 501, "currency": "USD"}, "reason": "late"});
        house.office(&refunded, "refund", part).await;
        house.office(&given, "extend", json!({"days": 10, "reason": "sorry"})).await;
        house.reader_does(&returns, "cancel", json!({"at": "period_end"})).await;
        for case in [&recovers, &defaults] {
            let card = format!("{DECLINED}:{}", case.email.split('@').next().unwrap());
            house.reader_does(case, "payment-method", json!({"payment_method": card})).await;
        }
        t.settle_until(at("2026-12-05T12:00:00Z")).await;
        house.the_figures_are_right().await;

        house.office(&pauses, "pause", json!({"reason": "holiday"})).await;
        let out = json!({"at": "now", "refund": true, "reason": "abuse"});
        house.office(&thrown_out, "cancel", out).await;
        t.settle_until(at("2026-12-24T00:00:00Z")).await;
        house.the_figures_are_right().await;

        t.settle_until(at("2026-12-28T00:00:00Z")).await;
        house.reader_does(&recovers, "payment-method", json!({"payment_method": OK})).await;
        house.office(&pauses, "resume", json!({"reason": "back"})).await;
        let access = t.device(&returns.email).await.access;
        house.orders(&returns.email, &access, ("monthly", OK, false)).await;
        house.switches(&converts, "annual").await;
        house.switches(&steps_down, "monthly").await;
        house.the_figures_are_right().await;

        // Whoever was given days pays late once, and has paid before all the same.
        t.settle_until(at("2027-01-10T00:00:00Z")).await;
        house.office(&given, "extend", json!({"days": 5, "reason": "again"})).await;
        let card = json!({"payment_method": format!("{DECLINED}:given")});
        house.reader_does(&given, "payment-method", card).await;
        let access = t.device(&erased.email).await.access;
        assert_eq!(t.call(Method::DELETE, "/v1/me", &access, None).await.status, 204);
        t.settle_until(at("2027-02-10T00:00:00Z")).await;
        house.the_figures_are_right().await;
        house.reader_does(&given, "payment-method", json!({"payment_method": OK})).await;
        t.settle_until(at("2027-12-24T00:00:00Z")).await;
        house.the_figures_are_right().await;
        let report = house.report().await;
        let usd = report["mrr"].as_array().unwrap().iter().find(|it| it["currency"] == "USD");
        let usd = usd.unwrap();
        for movement in ["new", "reactivation", "expansion", "contraction", "churn"] {
            assert_ne!(usd[movement]["value"], 0, "{movement}: nothing of it was told");
        }
        let causes: Vec<_> =
            report["churned"].as_array().unwrap().iter().map(|it| &it["label"]).collect();
        for cause in ["canceled_by_reader", "canceled_by_staff", "withdrawn", "payment_failed", "erased", "paused"] {
            assert!(causes.contains(&&json!(cause)), "{cause}: nothing of it was told");
        }
    }

    async fn who_subscribed_before_anything_was_counted_is_not_forgotten(t: TestApp) {
        let house = House::opened(t).await;
        let before = house.begins("before", "annual", OK, false).await;
        house.begins("trial", "monthly", OK, true).await;
        // As it was before there were figures.
        let mut tx = house.t.state.databases.main.write().await.unwrap();
        tx.query("DELETE FROM number_days").execute().await.unwrap();
        tx.query("DELETE FROM number_facts").execute().await.unwrap();
        tx.commit().await.unwrap();
        let another = house.t.another_process_with(&[]).await;
        house.stocks_are_right(&house.report().await).await;
        another.another_process_with(&[]).await;
        house.reader_does(&before, "cancel", json!({"at": "now"})).await;
        house.t.settle_until(at("2026-12-24T00:00:00Z")).await;
        let report = house.report().await;
        house.stocks_are_right(&report).await;
        let usd = report["mrr"].as_array().unwrap().iter().find(|it| it["currency"] == "USD");
        assert_eq!(usd.unwrap()["churn"]["value"], -166);
        // And the doctor sees what does not agree.
        let main = &house.t.state.databases.main;
        let mut tx = main.write().await.unwrap();
        let lost = "UPDATE number_days SET value = value + 1 WHERE name = 'mrr.churn'";
        tx.query(lost).execute().await.unwrap();
        tx.commit().await.unwrap();
        let found = proof::differences(&mut main.snapshot().await.unwrap()).await.unwrap();
        let found: Vec<_> = found.iter().map(|it| it.of.as_str()).collect();
        assert!(found.contains(&"yearly recurring revenue USD"), "{found:?}");
    }

    async fn an_article_made_a_reader_subscribe_once_something_came_of_it(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let report = async || {
            let token = token_of(&t, Role::Viewer).await;
            let path = "/v1/staff/metrics?from=2026-11-01";
            t.call(Method::GET, path, &token, None).await.json()
        };
        // Declined, and never heard of again.
        let mut browser = subscribing::at_the_wall(&t).await;
        let offer = subscribing::order(&mut browser, "bert@example.org", "pm_sandbox_nobodys").await;
        assert_ne!(offer.status, 303);
        assert_eq!(report().await["articles"], json!([]));
        subscribing::begun(&t, "anna@example.org").await;
        let article = report().await["articles"][0].take();
        assert_eq!((&article["subscribed"], &article["paid"]), (&json!(1), &json!(0)));
        t.settle_until(at("2026-12-24T00:00:00Z")).await;
        let article = report().await["articles"][0].take();
        assert_eq!((&article["subscribed"], &article["paid"]), (&json!(1), &json!(1)));
    }

    async fn days_that_are_none_are_refused_by_name(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let token = token_of(&t, Role::Viewer).await;
        let ask = async |path: String| t.call(Method::GET, &path, &token, None).await;
        for (query, field) in [
            ("from=2026-11-24&to=2026-11-23", "from"),
            ("from=yesterday", "from"),
            ("to=2026-02-30", "to"),
            ("from=2020-01-01", "from"),
            ("from=0000-00-00", "from"),
            ("from=99999-01-01", "from"),
            ("to=%27%3B--", "to"),
            ("form=2026-11-24", "query"),
            ("from=2026-11-01&from=2026-11-02", "query"),
        ] {
            for path in ["/v1/staff/metrics", "/v1/staff/metrics/mrr.csv"] {
                let refused = ask(format!("{path}?{query}")).await;
                assert_eq!(refused.problem().0, 400, "{path} {query}");
                assert_eq!(refused.json()["errors"][0]["field"], field, "{path} {query}");
            }
        }
        for file in ["mrr", "mrr.xml", "nothing.csv", "mrr.csv.csv", "..%2Fmrr.csv"] {
            let none = ask(format!("/v1/staff/metrics/{file}")).await;
            assert_eq!(none.status, 404, "{file}");
        }
    }

    async fn every_table_is_a_file_and_every_picture_opens(t: TestApp) {
        hire(&t, Role::Viewer).await;
        subscribing::begun(&t, "anna@example.org").await;
        t.settle_until(at("2026-12-24T00:00:00Z")).await;
        let mut browser = on_duty(&t, Role::Viewer).await;
        let page = browser.open("/staff/numbers?from=2026-11-20&to=2026-12-24").await;
        assert_eq!(page.status, 200, "{}", page.text());
        let text = page.text();
        assert!(!text.contains("style="), "{text}");
        let linked = |attribute: &str| -> Vec<String> {
            let start = format!("{attribute}=\"/staff/numbers/");
            let found = text.split(&start).skip(1);
            let path = |rest: &str| rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
            found.map(path).collect()
        };
        let files = linked("href");
        assert_eq!(files.len(), 10, "{files:?}");
        for file in files {
            let csv = browser.open(&format!("/staff/numbers/{file}")).await;
            assert_eq!(csv.status, 200, "{file}");
            assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
            assert!(csv.header("content-disposition").starts_with("attachment; "), "{file}");
            let mut lines = csv::Reader::from_reader(&csv.body[..]);
            assert!(lines.records().all(|line| line.is_ok()), "{file}");
        }
        let pictures = linked("src");
        assert_eq!(pictures.len(), 3, "{pictures:?}");
        for picture in pictures {
            let svg = browser.open(&format!("/staff/numbers/{picture}")).await;
            assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
            assert!(svg.text().starts_with("<svg") && !svg.text().contains("style="));
        }
        for file in ["nothing.svg", "mrr-EUR.svg", "mrr-USD.png", "mrr", "mrr-USD.csv"] {
            assert_eq!(browser.open(&format!("/staff/numbers/{file}")).await.status, 404, "{file}");
        }
    }
}
