//! Staff switch a reader's plan by the reader's own rules, take a planned switch back, and are told
//! beforehand what would come of any act.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::at,
    back_office::hire,
    billing::OK,
    office_billing::{Clerk, paid, usd},
    office_pages::on_duty,
    reader_pages::hidden_fields,
    readers::ANNA,
};

/// The middle of a month that was paid when stories begin.
const MID_MONTH: &str = "2026-12-08T04:05:06.001Z";

impl Clerk {
    /// What would come of an act.
    async fn foresees(&self, id: &str, act: Value) -> Value {
        self.acts(id, "preview", act).await
    }
}

on_both_databases! {
    async fn staff_switch_for_what_the_preview_showed(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "monthly").await;
        t.settle_until(at(MID_MONTH)).await;
        let seen = support.foresees(&id, json!({"act": "switch", "plan": "annual"})).await;
        let own = t.about(&t.fresh(&anna).await, &id, "switch/preview", json!({"plan": "annual"})).await;
        for part in ["charge", "credit", "effective_at", "period_end"] {
            assert_eq!(seen["switch"][part], own.json()[part], "the reader's own money: {part}");
        }
        assert_eq!((&seen["switch"]["charge"], &seen["switch"]["credit"]), (&usd(1_845), &usd(145)));
        assert_eq!((&seen["after"]["plan"], &seen["after"]["status"]), (&json!("annual"), &json!("active")));
        let told = seen["sentences"].to_string();
        for one in ["begins now", "$1.45", "$18.45 is charged now", "told by mail"] {
            assert!(told.contains(one), "{one}: {told}");
        }
        let before = support.shown(&id).await["subscription"].take();
        assert_eq!((&before["plan"], &before["revision"]), (&json!("monthly"), &seen["revision"]));

        t.clock.advance(Duration::minutes(5));
        let order = json!({"plan": "annual", "preview": seen["switch"]["preview"],
                           "revision": seen["revision"], "reason": "asked on the phone"});
        let switched = support.acts(&id, "switch", order.clone()).await;
        assert_eq!((&switched["plan"], &switched["status"]), (&json!("annual"), &json!("active")));
        assert_eq!(switched["current_period_end"], seen["switch"]["period_end"]);
        assert_ne!(switched["revision"], seen["revision"]);
        let last = support.told(&id).await.pop().unwrap();
        assert_eq!(last, ("subscription.switched".to_owned(), support.actor.clone()));
        assert!(t.subjects_to(ANNA).await.contains(&"You switched to another plan".to_owned()));
        let book = t.get("/sandbox/gateway/charges").await.json();
        assert_eq!(book["charges"][1]["amount"], usd(1_845));
        let twice = support.tries(&id, "switch", order).await;
        assert_eq!(twice.problem(), (409, "preview_stale".to_owned()), "it has changed since");
        t.the_books_are_right().await;
    }

    async fn a_switch_that_waits_can_be_taken_back(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let end = support.shown(&id).await["subscription"]["current_period_end"].take();
        let seen = support.foresees(&id, json!({"act": "switch", "plan": "monthly"})).await;
        assert_eq!((&seen["switch"]["charge"], &seen["switch"]["effective_at"]), (&usd(0), &end));
        let told = seen["sentences"].to_string();
        assert!(told.contains("until then"), "{told}");
        let order = json!({"plan": "monthly", "reason": "too dear"});
        let planned = support.acts(&id, "switch", order).await;
        assert_eq!(planned["scheduled_change"], json!({"plan": "monthly", "at": end}));
        assert_eq!(planned["plan"], "annual", "what is paid goes on");
        let seen = support.foresees(&id, json!({"act": "keep_plan"})).await;
        assert_eq!(seen["after"]["scheduled_change"], Value::Null);
        let kept = support.acts(&id, "keep-plan", json!({"reason": "a mistake"})).await;
        assert_eq!(kept["scheduled_change"], Value::Null);
        let again = support.tries(&id, "keep-plan", json!({})).await;
        assert_eq!(again.problem(), (409, "invalid_transition".to_owned()));
        let subjects = t.subjects_to(ANNA).await;
        for subject in ["Your plan will change", "Your subscription goes on"] {
            assert!(subjects.iter().any(|it| it == subject), "{subject}: {subjects:?}");
        }
        let log = Clerk::hired(&t, Role::Admin).await.audited().await;
        let entry = |action: &str| log.iter().find(|it| it["action"] == action).unwrap();
        assert_eq!(entry("subscription.switched")["after"]["switch_to"], "monthly");
        assert_eq!(entry("subscription.switched")["after"]["reason"], "too dear");
        assert_eq!(entry("subscription.switch_revoked")["after"]["switch_to"], Value::Null);
    }

    async fn a_switch_that_cannot_be_changes_nothing(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "monthly").await;
        let (_, other) = paid(&t, "bert@example.org", "monthly").await;
        let seen = support.foresees(&other, json!({"act": "switch", "plan": "annual"})).await;
        let of_another = json!({"plan": "annual", "preview": seen["switch"]["preview"]});
        for (order, code) in [
            (json!({"plan": "monthly"}), "same_plan"),
            (of_another, "preview_stale"),
            (json!({"plan": "annual", "preview": "x.y"}), "preview_stale"),
            (json!({"plan": "annual", "revision": 99}), "preview_stale"),
        ] {
            let refused = support.tries(&id, "switch", order.clone()).await;
            assert_eq!(refused.problem(), (409, code.to_owned()), "{order}");
        }
        for (order, field) in [
            (json!({}), "plan"), (json!({"plan": "weekly"}), "plan"), (json!({"plan": 7}), "plan"),
            (json!({"plan": "annual", "revision": "1"}), "revision"),
            (json!({"plan": "annual", "reason": "x".repeat(501)}), "reason"),
        ] {
            assert_eq!(support.tries(&id, "switch", order).await.fields()[0].0, field);
        }
        assert_eq!(support.shown(&id).await["subscription"]["plan"], "monthly");
        let log = Clerk::hired(&t, Role::Admin).await.changes().await;
        assert!(log.is_empty(), "{log:?}");
    }

    async fn a_switch_that_is_declined_leaves_the_plan(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "monthly").await;
        let method = json!({"payment_method": "pm_sandbox_declined"});
        t.about(&anna, &id, "payment-method", method).await;
        let declined = support.tries(&id, "switch", json!({"plan": "annual"})).await;
        assert_eq!(declined.problem(), (402, "payment_declined".to_owned()));
        let shown = support.shown(&id).await["subscription"].take();
        assert_eq!((&shown["plan"], &shown["status"]), (&json!("monthly"), &json!("active")));
        let last = support.told(&id).await.pop().unwrap();
        assert_eq!(last, ("subscription.payment_failed".to_owned(), support.actor.clone()));
        let log = Clerk::hired(&t, Role::Admin).await.changes().await;
        assert_eq!(log[0]["action"], "subscription.switched", "that it was tried is known");
        t.the_books_are_right().await;
    }

    async fn every_act_is_foreseen_and_done_to_what_was_seen(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "monthly").await;
        t.settle_until(at(MID_MONTH)).await;
        let orders = [
            ("extend", json!({"act": "extend", "days": 3})),
            ("pause", json!({"act": "pause"})),
            ("resume", json!({"act": "resume"})),
            ("refund", json!({"act": "refund", "amount": usd(100)})),
            ("cancel", json!({"act": "cancel", "at": "period_end"})),
            ("resume", json!({"act": "resume"})),
            ("cancel", json!({"act": "cancel", "at": "now", "refund": true})),
        ];
        let mut seen = Vec::new();
        for (act, look) in orders {
            let foreseen = support.foresees(&id, look.clone()).await;
            let mut order = look.as_object().unwrap().clone();
            order.remove("act");
            order.insert("revision".to_owned(), json!(99));
            let stale = support.tries(&id, act, Value::Object(order.clone())).await;
            assert_eq!(stale.problem(), (409, "preview_stale".to_owned()), "{act}");
            order.insert("revision".to_owned(), foreseen["revision"].clone());
            let done = support.acts(&id, act, Value::Object(order)).await;
            for part in ["status", "current_period_end", "cancel_at_period_end", "end_reason"] {
                assert_eq!(done[part], foreseen["after"][part], "{act}: {part}");
            }
            seen.push(foreseen);
        }
        let [_, pause, resume, refund, at_end, _, now] = &seen[..] else { unreachable!("as many as acts") };
        // Of the month with three days more, some 18 of 33 days are left.
        assert_eq!(pause["to_balance"], usd(158), "{pause}");
        assert_eq!((&resume["charged"], &resume["from_balance"]), (&usd(290), &usd(158)));
        assert_eq!(refund["to_card"], usd(100));
        assert_eq!(at_end["after"]["cancel_at_period_end"], true);
        assert_eq!(now["to_card"], usd(32), "what is left of what the card paid");
        t.the_books_are_right().await;
    }

    async fn a_preview_that_cannot_be_says_which_part(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        for (look, field) in [
            (json!({}), "act"), (json!({"act": "erase"}), "act"), (json!({"act": "cancel"}), "at"),
            (json!({"act": "cancel", "at": "soon"}), "at"), (json!({"act": "extend"}), "days"),
            (json!({"act": "extend", "days": 0}), "days"), (json!({"act": "switch"}), "plan"),
            (json!({"act": "pause", "days": 3}), "days"),
            (json!({"act": "resume", "plan": "annual"}), "plan"),
            (json!({"act": "cancel", "at": "period_end", "refund": true}), "refund"),
            (json!({"act": "refund", "amount": usd(0)}), "amount.amount"),
            (json!({"act": "pause", "reason": "x"}), "reason"),
        ] {
            let refused = support.tries(&id, "preview", look.clone()).await;
            assert_eq!(refused.fields()[0].0, field, "{look}");
        }
        for (look, code) in [
            (json!({"act": "pause"}), "invalid_transition"),
            (json!({"act": "resume"}), "invalid_transition"),
            (json!({"act": "keep_plan"}), "invalid_transition"),
            (json!({"act": "refund"}), "refund_too_large"),
            (json!({"act": "switch", "plan": "monthly"}), "same_plan"),
        ] {
            let refused = support.tries(&id, "preview", look.clone()).await;
            assert_eq!(refused.problem(), (409, code.to_owned()), "{look}");
        }
        let (_, other) = paid(&t, "bert@example.org", "monthly").await;
        let euros = json!({"act": "refund", "amount": {"amount": 5, "currency": "EUR"}});
        assert_eq!(support.tries(&other, "preview", euros).await.fields()[0].0, "amount.currency");
        let path = format!("/v1/staff/subscriptions/{id}/preview");
        let as_reader = t.call(Method::POST, &path, &anna.access, Some(json!({"act": "pause"}))).await;
        assert_eq!(as_reader.problem().0, 401);
    }

    async fn a_plan_is_switched_from_its_page(t: TestApp) {
        hire(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let mut browser = on_duty(&t, Role::Support).await;
        let page = format!("/staff/subscriptions/{id}");
        let asks = browser.open(&format!("{page}/switch")).await.text();
        assert!(asks.contains("To which plan?") && asks.contains(">Monthly<"), "{asks}");
        assert!(!asks.contains(">Annual<"), "not to what it is: {asks}");
        let look = format!("{page}/switch?look=yes&plan=monthly");
        let shown = browser.open(&look).await.text();
        assert!(shown.contains("until then"), "{shown}");
        for (plan, says) in [("annual", "the plan already"), ("%3Cb%3E", "Not possible now")] {
            let none = browser.open(&format!("{page}/switch?look=yes&plan={plan}")).await.text();
            assert!(none.contains(says) && !none.contains("<b>"), "{none}");
        }
        let action = format!("{page}/switch");
        let done = browser.submit(&look, &action, &[("reason", "too dear")]).await;
        assert_eq!(done.header("location"), format!("{page}?done=switch"), "{}", done.text());
        let one = browser.open(&page).await.text();
        assert!(one.contains("Will switch from") && one.contains(&format!("/{id}/keep-plan\"")), "{one}");
        let keep = format!("{page}/keep-plan");
        let kept = browser.submit(&keep, &keep, &[("reason", "a mistake")]).await;
        assert_eq!(kept.status, 303, "{}", kept.text());
        assert!(browser.open(&page).await.text().contains("The planned switch was taken back"));
        // What lay open for too long holds no more.
        let old = browser.open(&look).await.text();
        let mut form = hidden_fields(&old, &action);
        form.push(("reason".to_owned(), "later".to_owned()));
        t.clock.advance(Duration::minutes(16));
        let stale = browser.post(&action, &form).await;
        assert_eq!(stale.status, 409);
        assert!(stale.text().contains("lay open for too long"), "{}", stale.text());
    }
}
