//! The gateway: late, silent, forgetful or down, it never charges anybody twice, and never gets
//! money for nothing.

use axum::http::Method;
use pressgate::clock::Clock;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{TestApp, at},
    billing::OK,
    readers::{ANNA, Tokens},
};

impl TestApp {
    pub(crate) async fn disturb(&self, faults: Value) {
        let answer = self.post("/sandbox/gateway", faults.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// What the gateway's own book says: amount and status of each charge.
    pub(crate) async fn book(&self) -> Vec<(i64, String)> {
        let book = self.get("/sandbox/gateway/charges?limit=1000").await.json();
        let entry = |charge: &Value| {
            let status = charge["status"].as_str().unwrap().to_owned();
            (charge["amount"]["amount"].as_i64().unwrap(), status)
        };
        book["charges"].as_array().unwrap().iter().map(entry).collect()
    }

    pub(crate) async fn answer_bank(&self, url: &str, answer: &str) -> u16 {
        let request = axum::http::Request::post(url)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(format!("answer={answer}").into()).unwrap()).await.status
    }
}

fn paid(amount: i64) -> (i64, String) {
    (amount, "succeeded".to_owned())
}

async fn annual(t: &TestApp, who: &Tokens, method: &str) -> Value {
    let order = json!({"plan": "annual", "payment_method": method});
    let answer = t.subscribe(who, order).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

on_both_databases! {
    async fn an_answer_that_was_lost_is_looked_up_and_charged_once(t: TestApp) {
        for (fault, seen) in [("lose_answers", 1), ("nonsense", 1), ("fail_before", 0)] {
            let email = format!("{fault}@example.org");
            let anna = t.reader(&email).await;
            let before = t.book().await.len();
            t.disturb(json!({fault: 1})).await;
            let begun = annual(&t, &anna, OK).await;
            assert_eq!(begun["status"], "incomplete", "{fault}");
            assert_eq!(t.book().await.len(), before + seen, "{fault}");
            let twice = t.subscribe(&anna, json!({"plan": "annual", "payment_method": OK})).await;
            assert_eq!(twice.problem(), (409, "payment_pending".to_owned()), "{fault}");
            let soon = t.clock.now().plus(Duration::minutes(5));
            t.settle_until(soon).await;
            let path = format!("/v1/subscriptions/{}", begun["id"].as_str().unwrap());
            let now = t.call(Method::GET, &path, &anna.access, None).await.json();
            assert_eq!(now["status"], "active", "{fault}");
            assert_eq!(t.book().await[before..], [paid(1_990)], "{fault}");
        }
        t.the_books_are_right().await;
    }

    async fn a_gateway_that_is_down_holds_nobody_out(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        t.disturb(json!({"down": true})).await;
        t.settle_until(at("2026-12-24T04:05:06Z")).await;
        assert_eq!(t.subscription(&anna, &id).await["status"], "trialing", "not charged yet");
        assert_eq!(t.reason(&anna).await, "grace_period");
        let order = json!({"plan": "annual", "payment_method": OK});
        let bert = t.reader("bert@example.org").await;
        let answer = t.subscribe(&bert, order).await;
        assert_eq!(answer.problem(), (503, "payments_unavailable".to_owned()));
        t.disturb(json!({})).await;
        t.settle_until(at("2026-12-25T04:05:06Z")).await;
        assert_eq!(t.subscription(&anna, &id).await["status"], "active");
        assert_eq!(t.book().await, [paid(290)]);
    }

    async fn the_bank_asks_the_reader_and_then_it_begins(t: TestApp) {
        for (plan, status) in [("annual", "active"), ("monthly", "trialing")] {
            let anna = t.reader(&format!("{plan}@example.org")).await;
            let order = json!({"plan": plan, "payment_method": "pm_sandbox_authentication"});
            let begun = t.subscribe(&anna, order).await.json();
            assert_eq!(begun["status"], "incomplete", "{begun}");
            assert_eq!(t.reason(&anna).await, "metered");
            let url = begun["next_action"]["url"].as_str().unwrap();
            let page = t.get(url).await;
            assert_eq!((page.status, page.text().contains("Confirm")), (200, true));
            t.clock.advance(Duration::hours(5));
            assert_eq!(t.answer_bank(url, "confirm").await, 303);
            assert_eq!(t.get(url).await.status, 410);
            let path = format!("/v1/subscriptions/{}", begun["id"].as_str().unwrap());
            let anna = t.device(&format!("{plan}@example.org")).await;
            let now = t.call(Method::GET, &path, &anna.access, None).await.json();
            assert_eq!((&now["status"], &now["next_action"]), (&json!(status), &Value::Null));
            let start = t.clock.now().to_string();
            assert_eq!(now["current_period_start"], start, "nobody pays for waiting");
        }
    }

    async fn what_the_reader_does_not_confirm_is_over_after_23_hours(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let order = json!({"plan": "annual", "payment_method": "pm_sandbox_authentication"});
        let begun = t.subscribe(&anna, order.clone()).await.json();
        let refused = t.subscribe(&anna, order).await.json();
        let url = refused["next_action"]["url"].as_str().unwrap();
        assert_ne!(refused["id"], begun["id"], "a new start makes the old one give way");
        t.settle_until(at("2026-11-24T03:05:06Z")).await;
        assert_eq!(t.answer_bank(url, "refuse").await, 303);
        t.settle_until(at("2026-11-24T03:05:07Z")).await;
        for (id, reason) in [(&begun["id"], "superseded"), (&refused["id"], "payment_declined")] {
            let ended = t.subscription(&anna, id.as_str().unwrap()).await;
            assert_eq!((&ended["status"], &ended["end_reason"]), (&json!("expired"), &json!(reason)));
        }
        let anna = t.fresh(&anna).await;
        let third = json!({"plan": "monthly", "payment_method": "pm_sandbox_authentication"});
        let third = t.subscribe(&anna, third).await.json();
        t.settle_until(at("2026-11-25T03:05:07Z")).await;
        let ended = t.subscription(&anna, third["id"].as_str().unwrap()).await;
        assert_eq!(ended["end_reason"], "not_confirmed", "{ended}");
        let late = third["next_action"]["url"].as_str().unwrap();
        assert_eq!(t.answer_bank(late, "confirm").await, 303);
        assert_eq!(t.subscription(&anna, third["id"].as_str().unwrap()).await, ended);
        let anna = t.fresh(&anna).await;
        let again = t.subscribe(&anna, json!({"plan": "monthly", "payment_method": OK})).await;
        assert_eq!(again.json()["status"], "trialing", "a trial that never began is not used up");
        t.the_books_are_right().await;
    }

    async fn money_for_an_account_that_was_erased_goes_back(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.disturb(json!({"lose_answers": 1})).await;
        annual(&t, &anna, OK).await;
        assert_eq!(t.call(Method::DELETE, "/v1/me", &anna.access, None).await.status, 204);
        t.settle_until(at("2026-11-24T00:00:00Z")).await;
        let book = t.get("/sandbox/gateway/charges").await.json();
        assert_eq!(book["charges"][0]["refunded"]["amount"], 1_990, "{book}");
        assert_eq!(book["charges"].as_array().unwrap().len(), 1);
        t.the_books_are_right().await;
    }

    async fn a_clock_that_goes_back_undoes_nothing(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        t.settle_until(at("2027-01-31T00:00:00Z")).await;
        let paid = t.subscription(&anna, &id).await;
        for back in [Duration::SECOND, Duration::HOUR, Duration::DAY, Duration::days(39)] {
            t.clock.set(at("2027-01-31T00:00:00Z").minus(back));
            t.settle_until(t.clock.now()).await;
            assert_eq!(t.subscription(&anna, &id).await, paid, "{back}");
        }
        assert_eq!(t.book().await.len(), 2);
    }

    async fn a_clock_that_runs_years_ahead_empties_no_account(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.subscribed(&anna, "monthly", OK).await;
        t.clock.set(at("2029-11-23T04:05:06Z"));
        t.settle_until(t.clock.now()).await;
        assert_eq!(t.book().await.len(), 15, "and the rest on the days to come");
        t.clock.advance(Duration::days(1));
        t.settle_until(t.clock.now()).await;
        assert_eq!(t.book().await.len(), 30);
    }

    async fn nonsense_for_the_gateway_is_named(t: TestApp) {
        let anna = t.reader(ANNA).await;
        for method in ["pm_card_visa", "", "a b", "pm_sandbox_ok:", "pm_sandbox_ok:ü"] {
            let answer = t.subscribe(&anna, json!({"plan": "annual", "payment_method": method})).await;
            let field = [("payment_method".to_owned(), "invalid_value".to_owned())];
            assert_eq!(answer.fields(), field, "{method}");
        }
        for (faults, field) in [
            (json!({"latency_ms": 60_001}), "latency_ms"),
            (json!({"lose_answers": -1}), "lose_answers"),
            (json!({"explode": true}), "explode"),
        ] {
            let answer = t.post("/sandbox/gateway", faults.to_string()).await;
            assert_eq!(answer.fields()[0].0, field, "{faults}");
        }
        for query in ["limit=0", "limit=1001", "limit=x", "after=x"] {
            let answer = t.get(&format!("/sandbox/gateway/charges?{query}")).await;
            assert_eq!(answer.status, 422, "{query}");
        }
        assert_eq!(t.get("/sandbox/gateway/confirm/nothing").await.status, 404);
        assert_eq!(t.book().await, []);
    }
}
