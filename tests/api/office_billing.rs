//! Staff and subscriptions: finding and showing them, ending, extending and pausing them, giving
//! money back and products away; and what is left to people because the service could not do it.

use axum::http::Method;
use pressgate::{
    audit::{chain::ChainKey, store as audit},
    auth::staff::model::Role,
    clock::Clock,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp, at},
    back_office::{hire, token_of},
    billing::OK,
    readers::{ANNA, Tokens},
};

pub(crate) const BERT: &str = "bert@example.org";

/// Somebody at the back office.
pub(crate) struct Clerk {
    pub(crate) t: TestApp,
    role: Role,
    /// As timelines name them.
    pub(crate) actor: String,
}

impl Clerk {
    pub(crate) async fn hired(t: &TestApp, role: Role) -> Self {
        let staff = hire(t, role).await;
        Self { t: t.clone(), role, actor: format!("staff:{}", staff.id) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let token = token_of(&self.t, self.role).await;
        self.t.call(Method::GET, &format!("/v1/staff/{path}"), &token, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let token = token_of(&self.t, self.role).await;
        self.t.call(Method::POST, &format!("/v1/staff/{path}"), &token, Some(body)).await
    }

    /// Acts on a subscription, and gives the answer whatever it is.
    pub(crate) async fn tries(&self, id: &str, act: &str, body: Value) -> Answer {
        self.post(&format!("subscriptions/{id}/{act}"), body).await
    }

    pub(crate) async fn acts(&self, id: &str, act: &str, body: Value) -> Value {
        let answer = self.tries(id, act, body).await;
        assert_eq!(answer.status, 200, "{act}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn shown(&self, id: &str) -> Value {
        let answer = self.get(&format!("subscriptions/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The ids of those that are found, and where the next page begins.
    async fn found(&self, query: &str) -> (Vec<String>, Option<String>) {
        let answer = self.get(&format!("subscriptions?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let page = answer.json();
        let id = |listed: &Value| listed["id"].as_str().unwrap().to_owned();
        let ids = page["subscriptions"].as_array().unwrap().iter().map(id).collect();
        (ids, page["next_cursor"].as_str().map(str::to_owned))
    }

    /// What happened to a subscription, and who did it, the first thing first.
    pub(crate) async fn told(&self, id: &str) -> Vec<(String, String)> {
        let shown = self.shown(id).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let entry = |it: &Value| (text(&it["event"]), text(&it["actor"]));
        shown["timeline"].as_array().unwrap().iter().map(entry).collect()
    }

    /// What staff did of late, the latest first, without their comings and goings.
    pub(crate) async fn audited(&self) -> Vec<Value> {
        let mut tx = self.t.state.databases.main.read().await.unwrap();
        audit::verify(&mut tx, &ChainKey::of(&self.t.state.config.master)).await.unwrap();
        drop(tx);
        let mut entries = self.get("audit?limit=200").await.json()["entries"].take();
        let entries = entries.as_array_mut().unwrap();
        entries.retain(|entry| !entry["action"].as_str().unwrap().starts_with("staff."));
        std::mem::take(entries)
    }

    /// [`Clerk::audited`] without what was only looked at.
    pub(crate) async fn changes(&self) -> Vec<Value> {
        let mut entries = self.audited().await;
        entries.retain(|entry| entry["action"] != "reader.viewed");
        entries
    }
}

pub(crate) fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// A reader whose year, or month, was paid just now.
pub(crate) async fn paid(t: &TestApp, email: &str, plan: &str) -> (Tokens, String) {
    let reader = t.reader(email).await;
    let order = json!({"plan": plan, "payment_method": OK, "trial": false});
    let begun = t.subscribe(&reader, order).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    (reader, begun.json()["id"].as_str().unwrap().to_owned())
}

/// What the gateway's own book says went back of each charge, in its order.
pub(crate) async fn went_back(t: &TestApp) -> Vec<Value> {
    t.settle_until(t.clock.now()).await;
    let book = t.get("/sandbox/gateway/charges").await.json();
    book["charges"].as_array().unwrap().iter().map(|it| it["refunded"]["amount"].clone()).collect()
}

on_both_databases! {
    async fn subscriptions_are_found_by_whose_they_are_and_how_they_stand(t: TestApp) {
        let viewer = Clerk::hired(&t, Role::Viewer).await;
        let (anna, annual) = paid(&t, ANNA, "annual").await;
        t.clock.advance(Duration::SECOND);
        let bert = t.reader(BERT).await;
        let trial = t.subscribed(&bert, "monthly", OK).await;
        let both = vec![trial.clone(), annual.clone()];
        for (query, ids) in [
            ("", both.clone()),
            ("q=&status=&plan=&cursor=", both.clone()),
            ("q=ANNA%40exam", vec![]),
            ("q=%25", vec![]),
            ("q=a_nx", vec![]),
            ("q=example.org", vec![]),
            (&*format!("q={annual}"), vec![annual.clone()]),
            (&*format!("q={}", bert.reader), vec![trial.clone()]),
            ("q=00000000-0000-0000-0000-000000000000", vec![]),
            ("status=trialing", vec![trial.clone()]),
            ("status=paused", vec![]),
            ("plan=annual", vec![annual.clone()]),
            ("plan=weekly", vec![]),
            ("q=bert&status=active", vec![]),
        ] {
            assert_eq!(viewer.found(query).await, (ids, None), "{query}");
        }
        // An address finds only for those who may see it.
        let support = Clerk::hired(&t, Role::Support).await;
        assert_eq!(support.found("q=ANNA%40exam").await, (vec![annual.clone()], None));
        let (first, next) = viewer.found("limit=1").await;
        assert_eq!(first, vec![trial.clone()]);
        let rest = viewer.found(&format!("limit=1&cursor={}", next.unwrap())).await;
        assert_eq!(rest, (vec![annual.clone()], None));
        let hidden = viewer.get("subscriptions?plan=annual").await.json()["subscriptions"][0].take();
        assert_eq!(hidden["reader"], json!({"id": anna.reader, "email": null}));
        let listed = support.get("subscriptions?q=anna").await.json()["subscriptions"][0].take();
        assert_eq!(listed["reader"], json!({"id": anna.reader, "email": ANNA}));
        assert_eq!((&listed["plan"], &listed["status"]), (&json!("annual"), &json!("active")));
    }

    async fn a_search_that_cannot_be_says_which_part(t: TestApp) {
        let viewer = Clerk::hired(&t, Role::Viewer).await;
        let long = format!("q={}", "x".repeat(255));
        for (query, field) in [
            ("status=unpaid", "status"), ("limit=0", "limit"), ("limit=201", "limit"),
            ("limit=x", "limit"), ("cursor=7", "cursor"), ("page=1", "query"), (&long, "q"),
            ("q=%00", "q"), ("plan=%00", "plan"),
        ] {
            let answer = viewer.get(&format!("subscriptions?{query}")).await;
            assert_eq!(answer.parameters()[0].0, field, "{query}");
        }
        for id in ["x", "%ff", "00000000-0000-0000-0000-000000000000"] {
            let answer = viewer.get(&format!("subscriptions/{id}")).await;
            assert_eq!(answer.problem().0, 404, "{id}");
        }
    }

    async fn one_subscription_is_shown_with_its_invoices_and_its_past(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        t.about(&anna, &id, "cancel", json!({"at": "period_end", "reason": "too dear"})).await;
        t.about(&anna, &id, "resume", json!({})).await;
        t.settle_until(at("2026-12-23T04:05:07Z")).await;
        support.acts(&id, "extend", json!({"days": 3})).await;
        let shown = support.shown(&id).await;
        assert_eq!(shown["reader"], json!({"id": anna.reader, "email": ANNA}));
        assert_eq!(shown["subscription"]["status"], "active");
        let invoice = &shown["invoices"][0];
        assert_eq!((&invoice["number"], &invoice["total"]), (&json!("2026-000001"), &usd(290)));
        let (reader, system) = ("reader".to_owned(), "system".to_owned());
        let told = [
            ("trial_started", &reader), ("cancel_scheduled", &reader), ("cancel_revoked", &reader),
            ("notice_sent", &system), ("renewed", &system), ("extended", &support.actor),
        ];
        let told = told.map(|(event, actor)| (format!("subscription.{event}"), actor.clone()));
        assert_eq!(support.told(&id).await, told);
        assert_eq!(shown["timeline"][1]["detail"]["comment"], "too dear");
        t.call(Method::DELETE, "/v1/me", &t.fresh(&anna).await.access, None).await;
        let shown = support.shown(&id).await;
        assert_eq!(shown["reader"], json!({"id": anna.reader, "email": null}));
        assert_eq!(shown["subscription"]["end_reason"], "erased");
    }

    async fn staff_end_a_subscription_at_once_or_with_its_period(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        let at_end = support.acts(&id, "cancel", json!({"at": "period_end"})).await;
        assert_eq!((&at_end["status"], &at_end["cancel_at_period_end"]), (&json!("active"), &json!(true)));
        let resumed = support.acts(&id, "resume", json!({})).await;
        assert_eq!(resumed["cancel_at_period_end"], false);
        let ended = support.acts(&id, "cancel", json!({"at": "now", "reason": "asked by phone"})).await;
        assert_eq!((&ended["status"], &ended["end_reason"]), (&json!("canceled"), &json!("canceled_by_staff")));
        assert_eq!(went_back(&t).await, [0], "nothing was said of money");
        assert_eq!(t.reason(&anna).await, "metered");
        let again = support.tries(&id, "cancel", json!({"at": "now"})).await;
        assert_eq!(again.problem(), (409, "invalid_transition".to_owned()));
        for (body, field) in [
            (json!({}), "at"), (json!({"at": "soon"}), "at"), (json!({"at": "now", "x": 1}), "x"),
            (json!({"at": "now", "reason": "x".repeat(501)}), "reason"),
            (json!({"at": "period_end", "refund": true}), "refund"),
        ] {
            let answer = support.tries(&id, "cancel", body).await;
            assert_eq!(answer.fields()[0].0, field);
        }
        t.the_books_are_right().await;
    }

    async fn with_the_end_the_running_period_can_be_given_back(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        support.acts(&id, "refund", json!({"amount": usd(90)})).await;
        let order = json!({"at": "now", "refund": true, "reason": "sorry"});
        support.acts(&id, "cancel", order.clone()).await;
        assert_eq!(went_back(&t).await, [1_990]);
        let events: Vec<String> = support.told(&id).await.into_iter().map(|(event, _)| event).collect();
        assert_eq!(events[2..], ["subscription.refunded", "subscription.ended", "subscription.refunded"]);
        // Where nothing was paid, or nothing is left, it ends all the same.
        let bert = t.reader(BERT).await;
        let trial = t.subscribed(&bert, "monthly", OK).await;
        support.acts(&trial, "cancel", order.clone()).await;
        let (_, third) = paid(&t, "carla@example.org", "monthly").await;
        support.acts(&third, "refund", json!({})).await;
        support.acts(&third, "cancel", order).await;
        assert_eq!(went_back(&t).await, [1_990, 290]);
        t.the_books_are_right().await;
    }

    /// What was read was paid for: a period that failed gives nothing back of the one before.
    async fn the_period_before_is_not_given_back(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "monthly").await;
        let method = json!({"payment_method": "pm_sandbox_declined"});
        t.about(&anna, &id, "payment-method", method).await;
        t.settle_until(at("2026-12-24T00:00:00Z")).await;
        let ended = support.acts(&id, "cancel", json!({"at": "now", "refund": true})).await;
        assert_eq!(ended["status"], "canceled");
        assert_eq!(went_back(&t).await[0], 0);
        let invoices = support.shown(&id).await["invoices"].take();
        assert_eq!((&invoices[0]["status"], &invoices[1]["status"]), (&json!("void"), &json!("paid")));
        t.the_books_are_right().await;
    }

    async fn money_goes_back_in_parts_and_never_more_than_came(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        let try_it = async |amount: Value| support.tries(&id, "refund", json!({"amount": amount})).await;
        for wrong in [0, -1] {
            assert_eq!(try_it(usd(wrong)).await.fields()[0].0, "amount.amount");
        }
        let other = json!({"amount": 5, "currency": "EUR"});
        assert_eq!(try_it(other).await.fields()[0].0, "amount.currency");
        let none = json!({"amount": 5, "currency": "XYZ"});
        assert_eq!(try_it(none).await.fields()[0].0, "amount.currency");
        assert_eq!(try_it(usd(1_991)).await.problem(), (409, "refund_too_large".to_owned()));
        assert_eq!(try_it(usd(i64::MAX)).await.problem(), (409, "refund_too_large".to_owned()));
        assert_eq!(try_it(usd(990)).await.status, 200);
        assert_eq!(try_it(usd(1_001)).await.problem(), (409, "refund_too_large".to_owned()));
        assert_eq!(went_back(&t).await, [990]);
        let invoice = support.shown(&id).await["invoices"][0].take();
        assert_eq!((&invoice["refunded"], &invoice["status"]), (&usd(990), &json!("paid")));
        assert_eq!(invoice["credit_notes"][0]["number"], "C2026-000001");
        // Without an amount, all that is left.
        support.acts(&id, "refund", json!({"reason": "goodwill"})).await;
        assert_eq!(went_back(&t).await, [1_990]);
        let nothing = support.tries(&id, "refund", json!({})).await;
        assert_eq!(nothing.problem(), (409, "refund_too_large".to_owned()));
        assert_eq!(t.reason(&anna).await, "subscriber", "a refund ends nothing");
        let subjects = t.subjects_to(ANNA).await;
        assert_eq!(subjects.iter().filter(|subject| subject.contains("back")).count(), 2, "{subjects:?}");
        t.the_books_are_right().await;
        let bert = t.reader(BERT).await;
        let trial = t.subscribed(&bert, "monthly", OK).await;
        let unpaid = support.tries(&trial, "refund", json!({})).await;
        assert_eq!(unpaid.problem(), (409, "refund_too_large".to_owned()));
    }

    async fn of_many_refunds_at_once_no_more_pass_than_was_paid(t: TestApp) {
        let clerk = Clerk::hired(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let token = token_of(&t, clerk.role).await;
        let processes = [t.clone(), t.another_process().await];
        let asked = (0..10).map(|i| {
            let (t, token) = (processes[i % 2].clone(), token.clone());
            let path = format!("/v1/staff/subscriptions/{id}/refund");
            let body = if i < 8 { json!({"amount": usd(600)}) } else { json!({}) };
            tokio::spawn(async move { t.call(Method::POST, &path, &token, Some(body)).await.status })
        });
        let statuses = futures_util::future::join_all(asked).await;
        let statuses: Vec<u16> = statuses.into_iter().map(Result::unwrap).collect();
        assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
        // One that asked for all that is left was among them.
        assert_eq!(went_back(&t).await, [1_990], "{statuses:?}");
        t.the_books_are_right().await;
    }

    async fn days_are_given_to_a_trial_and_to_a_paid_period(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        for (days, field) in [(json!(0), "days"), (json!(3_661), "days"), (json!(-1), "days"), (json!("5"), "days")] {
            assert_eq!(support.tries(&id, "extend", json!({"days": days})).await.fields()[0].0, field);
        }
        let longer = support.acts(&id, "extend", json!({"days": 7})).await;
        assert_eq!(longer["trial_end"], "2026-12-30T04:05:06.001Z");
        t.settle_until(at("2026-12-30T04:05:06Z")).await;
        assert_eq!(t.reason(&anna).await, "trial");
        t.settle_until(at("2026-12-30T04:05:07Z")).await;
        let paid = t.subscription(&anna, &id).await;
        assert_eq!(paid["current_period_end"], "2027-01-30T04:05:06.001Z");
        let longer = support.acts(&id, "extend", json!({"days": 1, "reason": "an outage"})).await;
        assert_eq!(longer["current_period_end"], "2027-01-31T04:05:06.001Z");
        t.settle_until(at("2027-01-31T04:05:06Z")).await;
        assert_eq!(t.reason(&anna).await, "subscriber");
        assert_eq!(support.shown(&id).await["invoices"].as_array().unwrap().len(), 1);
        // The new end is the new anchor: the 31st, wherever a month has one.
        for (until, end) in [("2027-02-01", "2027-02-28"), ("2027-03-01", "2027-03-31")] {
            t.settle_until(at(&format!("{until}T00:00:00Z"))).await;
            let renewed = t.subscription(&anna, &id).await;
            assert_eq!(renewed["current_period_end"], format!("{end}T04:05:06.001Z"));
        }
        // What was given back after that still counts against what a pause credits.
        support.acts(&id, "extend", json!({"days": 10})).await;
        support.acts(&id, "refund", json!({})).await;
        support.acts(&id, "pause", json!({})).await;
        let paused = support.tries(&id, "extend", json!({"days": 1})).await;
        assert_eq!(paused.problem(), (409, "invalid_transition".to_owned()));
        t.the_books_are_right().await;
    }

    async fn a_pause_credits_what_is_unused_and_the_next_charge_uses_it(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "monthly").await;
        t.settle_until(at("2026-12-08T04:05:06.001Z")).await;
        let paused = support.acts(&id, "pause", json!({"reason": "travels"})).await;
        assert_eq!((&paused["status"], &paused["current_period_end"]), (&json!("paused"), &Value::Null));
        assert_eq!(t.reason(&anna).await, "metered");
        let invoice = support.shown(&id).await["invoices"][0].take();
        let note = &invoice["credit_notes"][0];
        assert_eq!((&note["total"], &note["to"]), (&usd(145), &json!("balance")));
        t.the_books_are_right().await;
        // Nothing happens by itself, however long it takes.
        t.settle_until(at("2027-06-01T00:00:00Z")).await;
        assert_eq!(support.shown(&id).await["subscription"]["status"], "paused");
        let resumed = support.acts(&id, "resume", json!({"reason": "is back"})).await;
        assert_eq!((&resumed["status"], &resumed["current_period_end"]),
            (&json!("active"), &json!("2027-07-01T00:00:00Z")));
        let invoice = support.shown(&id).await["invoices"][0].take();
        assert_eq!((&invoice["total"], &invoice["balance_applied"]), (&usd(290), &usd(145)));
        let book = t.get("/sandbox/gateway/charges").await.json();
        assert_eq!(book["charges"][1]["amount"], usd(145));
        assert_eq!(t.reason(&anna).await, "subscriber");
        t.the_books_are_right().await;
        for act in ["resume", "pause"] {
            let trial = if act == "pause" {
                let bert = t.reader(BERT).await;
                t.subscribed(&bert, "monthly", OK).await
            } else {
                id.clone()
            };
            let refused = support.tries(&trial, act, json!({})).await;
            assert_eq!(refused.problem(), (409, "invalid_transition".to_owned()), "{act}");
        }
    }

    /// The year was paid with the rest of the month, and all of that is credited.
    async fn a_pause_soon_after_a_switch_credits_what_the_switch_did(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "monthly").await;
        t.settle_until(at("2026-12-08T04:05:06.001Z")).await;
        let anna = t.fresh(&anna).await;
        let shown = t.about(&anna, &id, "switch/preview", json!({"plan": "annual"})).await.json();
        assert_eq!((&shown["charge"], &shown["credit"]), (&usd(1_845), &usd(145)));
        let order = json!({"plan": "annual", "preview": shown["preview"]});
        assert_eq!(t.about(&anna, &id, "switch", order).await.status, 200);
        t.clock.advance(Duration::HOUR);
        support.acts(&id, "pause", json!({})).await;
        let invoices = support.shown(&id).await["invoices"].take();
        let credited = |invoice: &Value| invoice["credit_notes"][0]["total"].clone();
        assert_eq!([credited(&invoices[0]), credited(&invoices[1])], [usd(1_845), usd(145)]);
        t.the_books_are_right().await;
        t.clock.advance(Duration::HOUR);
        support.acts(&id, "resume", json!({})).await;
        let book = t.get("/sandbox/gateway/charges").await.json();
        assert_eq!(book["charges"].as_array().unwrap().len(), 2, "the balance paid it all");
        t.the_books_are_right().await;
    }

    async fn what_is_given_away_opens_to_the_instant(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let path = format!("readers/{}/complimentary", anna.reader);
        for (body, field) in [
            (json!({}), "days"), (json!({"days": 0}), "days"), (json!({"days": 3_661}), "days"),
            (json!({"days": 1, "product": "magazine"}), "product"),
        ] {
            assert_eq!(support.post(&path, body).await.fields()[0].0, field);
        }
        let given = support.post(&path, json!({"days": 10, "reason": "won a prize"})).await;
        assert_eq!(given.status, 201, "{}", given.text());
        let given = given.json();
        assert_eq!(given["ends_at"], "2026-12-03T04:05:06.001Z");
        assert_eq!(t.reason(&anna).await, "complimentary");
        t.clock.set(at("2026-12-03T04:05:06Z"));
        assert_eq!(t.reason(&anna).await, "complimentary");
        t.clock.set(at("2026-12-03T04:05:06.001Z"));
        assert_eq!(t.reason(&anna).await, "metered");
        // What is paid goes before what is given.
        support.post(&path, json!({"days": 10})).await;
        let anna = t.fresh(&anna).await;
        t.subscribed(&anna, "annual", OK).await;
        assert_eq!(t.reason(&anna).await, "subscriber");
        let nobody = "readers/00000000-0000-0000-0000-000000000000/complimentary";
        assert_eq!(support.post(nobody, json!({"days": 1})).await.problem().0, 404);
        let entry = Clerk::hired(&t, Role::Admin).await.audited().await.pop().unwrap();
        assert_eq!(entry["action"], "reader.complimentary");
        assert_eq!(entry["target"], json!({"kind": "reader", "id": anna.reader}));
        assert_eq!(entry["after"]["reason"], "won a prize");
    }

    async fn what_is_stuck_holds_nobody_up_and_is_mended_by_people(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, bent) = paid(&t, ANNA, "monthly").await;
        let (_, other) = paid(&t, BERT, "monthly").await;
        let not_stuck = support.tries(&bent, "retry", json!({})).await;
        assert_eq!(not_stuck.problem().0, 404);
        let hex = bent.replace('-', "");
        let id = if t.place.url().starts_with("sqlite") { format!("X'{hex}'") } else { format!("'{bent}'") };
        t.behind(&format!("UPDATE subscriptions SET plan = 'weekly' WHERE id = {id}")).await.unwrap();
        t.settle_until(at("2026-12-26T00:00:00Z")).await;
        let renewed = support.shown(&other).await;
        assert_eq!(renewed["invoices"].as_array().unwrap().len(), 2, "the other goes on");
        let stuck = support.get("subscriptions/stuck").await.json()["subscriptions"].take();
        assert_eq!(stuck.as_array().unwrap().len(), 1, "{stuck}");
        assert_eq!((&stuck[0]["id"], &stuck[0]["attempts"]), (&json!(bent), &json!(12)));
        assert!(stuck[0]["trouble"].as_str().unwrap().contains("plan"), "{stuck}");
        assert_eq!(support.found("q=bert").await.0, std::slice::from_ref(&other), "others are found");
        // Asked again before it is mended, it is stuck again.
        assert_eq!(support.tries(&bent, "retry", json!({})).await.status, 204);
        t.settle_until(at("2026-12-29T00:00:00Z")).await;
        t.behind(&format!("UPDATE subscriptions SET plan = 'monthly' WHERE id = {id}")).await.unwrap();
        assert_eq!(support.shown(&bent).await["invoices"].as_array().unwrap().len(), 1);
        let again = support.tries(&bent, "retry", json!({"reason": "the plan is back"})).await;
        assert_eq!(again.status, 204, "{}", again.text());
        t.settle_until(at("2026-12-29T00:00:01Z")).await;
        let shown = support.shown(&bent).await;
        assert_eq!(shown["subscription"]["current_period_end"], "2027-01-23T04:05:06.001Z");
        assert_eq!(support.get("subscriptions/stuck").await.json()["subscriptions"], json!([]));
        t.the_books_are_right().await;
    }

    async fn every_act_on_a_subscription_is_in_the_audit_log(t: TestApp) {
        let (support, admin) =
            (Clerk::hired(&t, Role::Support).await, Clerk::hired(&t, Role::Admin).await);
        let viewer = Clerk::hired(&t, Role::Viewer).await;
        let (_, id) = paid(&t, ANNA, "monthly").await;
        let acts = [
            ("extend", json!({"days": 2}), "subscription.extended"),
            ("refund", json!({"amount": usd(10)}), "subscription.refunded"),
            ("pause", json!({}), "subscription.paused"),
            ("resume", json!({}), "subscription.resumed"),
            ("cancel", json!({"at": "period_end"}), "subscription.canceled"),
            ("resume", json!({}), "subscription.resumed"),
            ("cancel", json!({"at": "now"}), "subscription.canceled"),
        ];
        for (act, mut body, _) in acts.clone() {
            body["reason"] = json!(format!("because of {act}"));
            let refused = viewer.tries(&id, act, body.clone()).await;
            assert_eq!(refused.problem(), (403, "not_permitted".to_owned()), "{act}");
            support.acts(&id, act, body).await;
            t.clock.advance(Duration::SECOND);
        }
        // What was refused is not in it.
        assert_eq!(support.tries(&id, "pause", json!({})).await.status, 409);
        let log = admin.audited().await;
        assert_eq!(log.len(), acts.len(), "{log:?}");
        for ((act, _, action), entry) in acts.iter().zip(log.iter().rev()) {
            assert_eq!(entry["action"], *action);
            assert_eq!(entry["actor"]["id"], support.actor.trim_start_matches("staff:"));
            assert_eq!(entry["target"], json!({"kind": "subscription", "id": id}));
            assert_eq!(entry["after"]["reason"], format!("because of {act}"));
        }
        let ended = &log[0];
        assert_eq!((&ended["before"]["status"], &ended["after"]["status"]), (&json!("active"), &json!("canceled")));
        t.the_books_are_right().await;
    }
}
