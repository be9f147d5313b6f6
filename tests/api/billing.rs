//! Readers subscribe, leave, come back and switch; and are let in accordingly.

use axum::http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp, at},
    readers::{ANNA, Tokens},
};

pub(crate) const OK: &str = "pm_sandbox_ok";

impl TestApp {
    pub(crate) async fn subscribe(&self, who: &Tokens, order: Value) -> Answer {
        self.call(Method::POST, "/v1/subscriptions", &who.access, Some(order)).await
    }

    /// A reader's subscription that was just begun.
    pub(crate) async fn subscribed(&self, who: &Tokens, plan: &str, method: &str) -> String {
        let answer = self.subscribe(who, json!({"plan": plan, "payment_method": method})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// A `POST` about a subscription, or a `PUT` for its card.
    pub(crate) async fn about(&self, who: &Tokens, id: &str, act: &str, body: Value) -> Answer {
        let method = if act == "payment-method" { Method::PUT } else { Method::POST };
        let path = format!("/v1/subscriptions/{id}/{act}");
        self.call(method, &path, &who.access, Some(body)).await
    }

    pub(crate) async fn subscription(&self, who: &Tokens, id: &str) -> Value {
        let who = self.fresh(who).await;
        let path = format!("/v1/subscriptions/{id}");
        let answer = self.call(Method::GET, &path, &who.access, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The same reader with an access token for now.
    pub(crate) async fn fresh(&self, who: &Tokens) -> Tokens {
        if self.opens(&who.access).await {
            return who.clone();
        }
        self.device(ANNA).await
    }

    /// Why a reader may read an article that is new to them, or may not.
    pub(crate) async fn reason(&self, who: &Tokens) -> String {
        let who = self.fresh(who).await;
        let article = format!("article-{}", pressgate::clock::Clock::now(&*self.clock));
        let body = json!({"article": {"id": article}, "reader": who.access});
        let answer = self.access(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["reason"].as_str().unwrap().to_owned()
    }
}

fn status(subscription: &Value) -> (&str, &str) {
    let text = |key: &str| subscription[key].as_str().unwrap_or("");
    (text("status"), text("current_period_end"))
}

on_both_databases! {
    async fn a_trial_is_free_then_paid_each_month_on_its_day(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let answer = t.subscribe(&anna, json!({"plan": "monthly", "payment_method": OK})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let begun = answer.json();
        assert_eq!(status(&begun), ("trialing", "2026-12-23T04:05:06.001Z"));
        assert_eq!(begun["trial_end"], "2026-12-23T04:05:06.001Z");
        let id = begun["id"].as_str().unwrap();
        assert_eq!(t.reason(&anna).await, "trial");
        t.settle_until(at("2026-12-23T04:05:06Z")).await;
        assert_eq!(status(&t.subscription(&anna, id).await).0, "trialing");
        t.settle_until(at("2026-12-23T04:05:07Z")).await;
        let paid = t.subscription(&anna, id).await;
        assert_eq!(status(&paid), ("active", "2027-01-23T04:05:06.001Z"));
        assert_eq!(t.reason(&anna).await, "subscriber");
        t.settle_until(at("2027-04-01T00:00:00Z")).await;
        let paid = t.subscription(&anna, id).await;
        assert_eq!(status(&paid), ("active", "2027-04-23T04:05:06.001Z"));
    }

    async fn whoever_cancels_reads_to_the_end_and_is_metered_after(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        let canceled = t.about(&anna, &id, "cancel", json!({"at": "period_end"})).await;
        assert_eq!(canceled.json()["cancel_at_period_end"], true, "{}", canceled.text());
        let again = t.about(&anna, &id, "cancel", json!({"at": "period_end"})).await;
        assert_eq!((again.status, again.json()), (200, canceled.json()));
        let resumed = t.about(&anna, &id, "resume", json!({})).await;
        assert_eq!(resumed.json()["cancel_at_period_end"], false, "{}", resumed.text());
        t.about(&anna, &id, "cancel", json!({"at": "period_end"})).await;
        t.clock.set(at("2026-12-23T04:05:06Z"));
        assert_eq!(t.reason(&anna).await, "trial");
        // Nobody has done what is due, and still it is over.
        t.clock.set(at("2026-12-23T04:05:06.001Z"));
        assert_eq!(t.reason(&anna).await, "metered");
        let ended = t.subscription(&anna, &id).await;
        assert_eq!(ended["status"], "canceled");
        assert_eq!(ended["ended_at"], "2026-12-23T04:05:06.001Z");
        t.settle_until(at("2026-12-24T00:00:00Z")).await;
        assert_eq!(t.subscription(&anna, &id).await, ended);
        let anna = t.fresh(&anna).await;
        let late = t.about(&anna, &id, "resume", json!({})).await;
        assert_eq!(late.problem(), (409, "invalid_transition".to_owned()));
        let second = t.subscribe(&anna, json!({"plan": "monthly", "payment_method": OK})).await;
        assert_eq!(second.problem(), (409, "trial_already_used".to_owned()));
        let order = json!({"plan": "monthly", "payment_method": OK, "trial": false});
        let paid = t.subscribe(&anna, order).await;
        assert_eq!((paid.status, paid.json()["status"].as_str()), (201, Some("active")));
    }

    async fn a_year_is_paid_at_once_or_not_begun(t: TestApp) {
        let anna = t.reader(ANNA).await;
        for method in ["pm_sandbox_declined", "pm_sandbox_lost", "pm_sandbox_declined_once"] {
            let order = json!({"plan": "annual", "payment_method": method});
            let declined = t.subscribe(&anna, order).await;
            assert_eq!(declined.problem(), (402, "payment_declined".to_owned()));
            assert_ne!(t.reason(&anna).await, "subscriber");
        }
        let id = t.subscribed(&anna, "annual", "pm_sandbox_declined_once").await;
        let begun = t.subscription(&anna, &id).await;
        assert_eq!(status(&begun), ("active", "2027-11-23T04:05:06.001Z"));
        let twice = t.subscribe(&anna, json!({"plan": "monthly", "payment_method": OK})).await;
        assert_eq!(twice.problem(), (409, "already_subscribed".to_owned()));
        let listed = t.call(Method::GET, "/v1/subscriptions", &anna.access, None).await.json();
        assert_eq!(listed["subscriptions"].as_array().unwrap().len(), 1);
    }

    async fn declines_are_tried_again_and_a_new_card_pays_at_once(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", "pm_sandbox_declined").await;
        t.settle_until(at("2026-12-23T04:05:07Z")).await;
        let overdue = t.subscription(&anna, &id).await;
        assert_eq!(status(&overdue), ("past_due", "2027-01-23T04:05:06.001Z"));
        assert_eq!(overdue["grace_until"], "2027-01-06T04:05:06.001Z");
        assert_eq!(t.reason(&anna).await, "grace_period");
        t.settle_until(at("2026-12-31T00:00:00Z")).await;
        let anna = t.fresh(&anna).await;
        let method = json!({"payment_method": OK});
        let paid = t.about(&anna, &id, "payment-method", method).await;
        assert_eq!(status(&paid.json()), ("active", "2027-01-23T04:05:06.001Z"), "{}", paid.text());
    }

    async fn what_is_never_paid_ends_with_the_grace(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", "pm_sandbox_lost").await;
        t.settle_until(at("2027-01-06T04:05:06Z")).await;
        assert_eq!(t.reason(&anna).await, "grace_period");
        t.settle_until(at("2027-01-06T04:05:07Z")).await;
        let ended = t.subscription(&anna, &id).await;
        assert_eq!((&ended["status"], &ended["end_reason"]), (&json!("canceled"), &json!("payment_failed")));
        assert_eq!(ended["ended_at"], "2027-01-06T04:05:06.001Z");
        assert_eq!(t.reason(&anna).await, "metered");
    }

    async fn a_switch_does_what_its_preview_showed(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let order = json!({"plan": "monthly", "payment_method": OK, "trial": false});
        let id = t.subscribe(&anna, order).await.json()["id"].as_str().unwrap().to_owned();
        t.settle_until(at("2026-12-08T04:05:06.001Z")).await;
        let anna = t.fresh(&anna).await;
        let preview = t.about(&anna, &id, "switch/preview", json!({"plan": "annual"})).await.json();
        let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
        assert_eq!((&preview["charge"], &preview["credit"]), (&usd(1_845), &usd(145)), "{preview}");
        t.clock.advance(Duration::minutes(5));
        let order = json!({"plan": "annual", "preview": preview["preview"]});
        let switched = t.about(&anna, &id, "switch", order.clone()).await;
        assert_eq!(switched.status, 200, "{}", switched.text());
        assert_eq!(status(&switched.json()), ("active", preview["period_end"].as_str().unwrap()));
        let again = t.about(&anna, &id, "switch", order).await;
        assert_eq!(again.problem(), (409, "same_plan".to_owned()));
        let back = t.about(&anna, &id, "switch/preview", json!({"plan": "monthly"})).await.json();
        assert_eq!((&back["charge"], &back["effective_at"]), (&usd(0), &preview["period_end"]));
        let order = json!({"plan": "monthly", "preview": back["preview"]});
        let planned = t.about(&anna, &id, "switch", order.clone()).await.json();
        assert_eq!(planned["scheduled_change"]["plan"], "monthly");
        let stale = t.about(&anna, &id, "switch", order).await;
        assert_eq!(stale.status, 409);
    }

    async fn another_process_lets_a_new_subscriber_in_within_a_second(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let another = t.another_process().await;
        assert_eq!(another.reason(&anna).await, "metered");
        t.subscribed(&anna, "annual", OK).await;
        assert_eq!(t.reason(&anna).await, "subscriber", "here at once");
        t.clock.advance(Duration::SECOND);
        assert_eq!(another.reason(&anna).await, "subscriber");
    }

    async fn erasing_ends_what_is_paid(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.subscribed(&anna, "annual", OK).await;
        let erased = t.call(Method::DELETE, "/v1/me", &anna.access, None).await;
        assert_eq!(erased.status, 204, "{}", erased.text());
        t.settle_until(at("2028-01-01T00:00:00Z")).await;
    }
}
