//! Refunds that one member of staff alone may not decide: they wait, and another agrees or not.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{TestApp, at},
    back_office::{hire, token_of},
    billing::OK,
    office_billing::{Clerk, paid, usd, went_back},
    office_pages::on_duty,
    readers::ANNA,
};

/// The same service where one person alone gives back $10.00 a day to a reader.
pub(crate) async fn careful(t: &TestApp) -> TestApp {
    t.another_process_with(&[("PRESSGATE__BILLING__REFUND_ALONE_MAX", "USD 1000")]).await
}

async fn two(t: &TestApp) -> (Clerk, Clerk) {
    (Clerk::hired(t, Role::Support).await, Clerk::hired(t, Role::Admin).await)
}

/// Asks for a refund that waits, and gives its id.
async fn waits(clerk: &Clerk, id: &str, act: &str, body: Value) -> String {
    let answer = clerk.tries(id, act, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let request = answer.json();
    assert_eq!(request["status"], "waiting");
    request["id"].as_str().unwrap().to_owned()
}

async fn decides(clerk: &Clerk, request: &str, how: &str) -> crate::app::Answer {
    clerk.post(&format!("refund-requests/{request}/{how}"), json!({"reason": "looked at it"})).await
}

async fn waiting(clerk: &Clerk) -> Vec<Value> {
    let list = clerk.get("refund-requests").await.json();
    list["waiting"].as_array().unwrap().clone()
}

on_both_databases! {
    async fn a_large_refund_waits_for_somebody_else(t: TestApp) {
        let t = careful(&t).await;
        let (support, admin) = two(&t).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        let request = waits(&support, &id, "refund", json!({"reason": "a mistake of ours"})).await;
        assert_eq!(went_back(&t).await, [0], "nothing was done");
        let listed = waiting(&admin).await;
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0]["id"], &listed[0]["amount"]), (&json!(request), &usd(1_990)));
        assert_eq!((&listed[0]["reader_id"], &listed[0]["reason"]),
            (&json!(anna.reader), &json!("a mistake of ours")));
        assert_eq!(listed[0]["expires_at"], "2026-11-30T04:05:06.001Z");
        // The same again is the same; another one waits until this one is decided.
        assert_eq!(waits(&support, &id, "refund", json!({"reason": "again"})).await, request);
        for (clerk, body) in [(&support, json!({"amount": usd(1_500)})), (&admin, json!({}))] {
            let other = clerk.tries(&id, "refund", body).await;
            assert_eq!(other.problem(), (409, "request_waits".to_owned()));
        }
        for how in ["approve", "decline"] {
            let own = decides(&support, &request, how).await;
            assert_eq!(own.problem(), (409, "own_request".to_owned()), "{how}");
        }
        let silent = admin.post(&format!("refund-requests/{request}/decline"), json!({})).await;
        assert_eq!(silent.fields()[0].0, "reason");
        let approved = decides(&admin, &request, "approve").await;
        assert_eq!(approved.status, 200, "{}", approved.text());
        let approved = approved.json();
        assert_eq!((&approved["status"], &approved["decision"]), (&json!("approved"), &json!("looked at it")));
        assert_eq!(went_back(&t).await, [1_990]);
        // Twice is once, and what was decided stays decided.
        assert_eq!(decides(&admin, &request, "approve").await.status, 200);
        let other = decides(&admin, &request, "decline").await;
        assert_eq!(other.problem(), (409, "already_decided".to_owned()));
        assert_eq!(went_back(&t).await, [1_990]);
        assert_eq!(waiting(&admin).await, Vec::<Value>::new());
        let told = support.told(&id).await;
        assert_eq!(told.last(), Some(&("subscription.refunded".to_owned(), admin.actor.clone())));
        t.the_books_are_right().await;
        let log = admin.changes().await;
        let acts: Vec<&Value> = log.iter().rev().map(|entry| &entry["action"]).collect();
        assert_eq!(acts, ["refund.requested", "refund.approved", "subscription.refunded"]);
        assert!(log.iter().all(|entry| entry["target"] == json!({"kind": "subscription", "id": id})));
        assert_eq!((&log[0]["after"]["reason"], &log[1]["after"]["reason"]),
            (&json!("a mistake of ours"), &json!("looked at it")));
    }

    async fn a_large_refund_is_not_made_of_small_ones(t: TestApp) {
        let t = careful(&t).await;
        let (support, admin) = two(&t).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        support.acts(&id, "refund", json!({"amount": usd(600)})).await;
        support.acts(&id, "cancel", json!({"at": "now"})).await;
        let order = json!({"plan": "annual", "payment_method": OK, "trial": false});
        let again = t.subscribe(&t.fresh(&anna).await, order).await.json();
        let second = again["id"].as_str().unwrap();
        // The same person, the same reader, another subscription.
        let request = waits(&support, second, "refund", json!({"amount": usd(401)})).await;
        support.acts(second, "refund", json!({"amount": usd(400)})).await;
        assert_eq!(support.tries(second, "refund", json!({"amount": usd(1)})).await.status, 409);
        assert_eq!(decides(&admin, &request, "decline").await.status, 200);
        let request = waits(&support, second, "refund", json!({"amount": usd(1)})).await;
        // Another person has given nothing yet, and another reader got nothing.
        admin.acts(second, "refund", json!({"amount": usd(500)})).await;
        let (_, other) = paid(&t, "bert@example.org", "annual").await;
        support.acts(&other, "refund", json!({"amount": usd(1_000)})).await;
        t.clock.advance(Duration::DAY - Duration::SECOND);
        assert_eq!(decides(&admin, &request, "approve").await.status, 200);
        waits(&support, second, "refund", json!({"amount": usd(1)})).await;
        t.clock.advance(Duration::SECOND);
        // What was given a day ago counts no more; the cent that another agreed to still does.
        let request = waiting(&admin).await[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(decides(&admin, &request, "decline").await.status, 200);
        waits(&support, second, "refund", json!({"amount": usd(1_000)})).await;
        support.acts(second, "refund", json!({"amount": usd(999)})).await;
        t.the_books_are_right().await;
    }

    async fn of_many_at_once_no_more_than_the_limit_passes_alone(t: TestApp) {
        let t = careful(&t).await;
        let (support, _) = two(&t).await;
        let (anna, first) = paid(&t, ANNA, "annual").await;
        support.acts(&first, "cancel", json!({"at": "now"})).await;
        let order = json!({"plan": "annual", "payment_method": OK, "trial": false});
        let again = t.subscribe(&t.fresh(&anna).await, order).await.json();
        let ids = [first, again["id"].as_str().unwrap().to_owned()];
        let token = token_of(&t, Role::Support).await;
        let processes = [t.clone(), careful(&t).await];
        let asked = (0..8).map(|i| {
            let (t, token) = (processes[i / 4].clone(), token.clone());
            let path = format!("/v1/staff/subscriptions/{}/refund", ids[i % 2]);
            let body = json!({"amount": usd(300)});
            tokio::spawn(async move { t.call(Method::POST, &path, &token, Some(body)).await.status })
        });
        let statuses = futures_util::future::join_all(asked).await;
        let statuses: Vec<u16> = statuses.into_iter().map(Result::unwrap).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
        let back: i64 = went_back(&t).await.iter().map(|it| it.as_i64().unwrap()).sum();
        assert_eq!(back, 900, "{statuses:?}");
        t.the_books_are_right().await;
    }

    async fn an_end_with_a_large_refund_waits_as_a_whole(t: TestApp) {
        let t = careful(&t).await;
        let (support, admin) = two(&t).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        let order = json!({"at": "now", "refund": true, "reason": "moved away"});
        let request = waits(&support, &id, "cancel", order.clone()).await;
        assert_eq!(t.reason(&anna).await, "subscriber", "it goes on until somebody agrees");
        assert_eq!(waiting(&admin).await[0]["cancels"], true);
        let token = token_of(&t, Role::Admin).await;
        let processes = [t.clone(), careful(&t).await];
        let asked = (0..6).map(|i| {
            let (t, token) = (processes[i % 2].clone(), token.clone());
            let path = format!("/v1/staff/refund-requests/{request}/approve");
            tokio::spawn(async move { t.call(Method::POST, &path, &token, Some(json!({}))).await.status })
        });
        let statuses = futures_util::future::join_all(asked).await;
        let statuses: Vec<u16> = statuses.into_iter().map(Result::unwrap).collect();
        assert_eq!(statuses, [200; 6]);
        assert_eq!(went_back(&t).await, [1_990]);
        let shown = support.shown(&id).await;
        assert_eq!(shown["subscription"]["end_reason"], "canceled_by_staff");
        assert_eq!(shown["invoices"][0]["credit_notes"].as_array().unwrap().len(), 1);
        // Without money, or of little, one person ends it alone.
        let (_, month) = paid(&t, "bert@example.org", "monthly").await;
        support.acts(&month, "cancel", order).await;
        t.the_books_are_right().await;
    }

    async fn what_was_asked_for_is_looked_at_anew(t: TestApp) {
        let t = careful(&t).await;
        let (support, admin) = two(&t).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let request = waits(&support, &id, "refund", json!({"amount": usd(1_500)})).await;
        admin.acts(&id, "refund", json!({"amount": usd(500)})).await;
        let too_much = decides(&admin, &request, "approve").await;
        assert_eq!(too_much.problem(), (409, "refund_too_large".to_owned()));
        assert_eq!(went_back(&t).await, [500]);
        assert_eq!(waiting(&admin).await.len(), 1, "it waits still");
        assert_eq!(decides(&admin, &request, "decline").await.json()["status"], "declined");
        let ends = waits(&support, &id, "cancel", json!({"at": "now", "refund": true})).await;
        support.acts(&id, "cancel", json!({"at": "now"})).await;
        let ended = decides(&admin, &ends, "approve").await;
        assert_eq!(ended.problem(), (409, "invalid_transition".to_owned()));
        assert_eq!(went_back(&t).await, [500]);
        for nobodys in ["00000000-0000-0000-0000-000000000000", "x"] {
            assert_eq!(decides(&admin, nobodys, "approve").await.problem().0, 404);
        }
        t.the_books_are_right().await;
    }

    async fn nothing_waits_for_longer_than_seven_days(t: TestApp) {
        let t = careful(&t).await;
        let (support, admin) = two(&t).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let request = waits(&support, &id, "refund", json!({})).await;
        t.settle_until(at("2026-11-30T04:05:06Z")).await;
        assert_eq!(waiting(&admin).await.len(), 1);
        t.settle_until(at("2026-11-30T04:05:06.001Z")).await;
        assert_eq!(waiting(&admin).await, Vec::<Value>::new());
        let late = decides(&admin, &request, "approve").await;
        assert_eq!(late.problem(), (409, "request_expired".to_owned()));
        let over = admin.get("refund-requests").await.json()["over"][0].take();
        assert_eq!((&over["id"], &over["status"]), (&json!(request), &json!("expired")));
        assert_ne!(waits(&support, &id, "refund", json!({})).await, request, "it can be asked anew");
        assert_eq!(went_back(&t).await, [0]);
    }

    async fn a_currency_without_a_limit_always_takes_two(t: TestApp) {
        let limits = [("PRESSGATE__BILLING__REFUND_ALONE_MAX", "EUR 5000")];
        let t = t.another_process_with(&limits).await;
        let (support, _) = two(&t).await;
        let (_, id) = paid(&t, ANNA, "monthly").await;
        waits(&support, &id, "refund", json!({"amount": usd(1)})).await;
    }

    async fn the_pages_say_that_it_waits_and_let_another_decide(t: TestApp) {
        let t = careful(&t).await;
        two(&t).await;
        hire(&t, Role::Viewer).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let (mut clerk, mut admin) =
            (on_duty(&t, Role::Support).await, on_duty(&t, Role::Admin).await);
        let act = format!("/staff/subscriptions/{id}/refund");
        let preview = clerk.open(&format!("{act}?look=yes")).await.text();
        assert!(preview.contains("waits until another member of staff agrees"), "{preview}");
        let little = clerk.open(&format!("{act}?look=yes&amount=10")).await.text();
        assert!(!little.contains("another member of staff"), "{little}");
        let hostile = "<script>alert(1)</script>";
        let asked = clerk.submit(&format!("{act}?look=yes"), &act, &[("reason", hostile)]).await;
        let there = format!("/staff/subscriptions/{id}?done=waits");
        assert_eq!(asked.header("location"), there, "{}", asked.text());
        assert!(clerk.open(&there).await.text().contains("waits for a second person"));
        let mine = clerk.open("/staff/refunds").await.text();
        assert!(mine.contains("You asked for this: somebody else decides."), "{mine}");
        assert!(!mine.contains("value=\"approve\"") && !mine.contains("<script>alert"), "{mine}");
        let today = admin.open("/staff").await.text();
        assert!(today.contains("1 refund waits for a second person"), "{today}");
        let fields = [("act", "approve"), ("reason", " ")];
        assert_eq!(admin.submit("/staff/refunds", "/staff/refunds", &fields).await.status, 422);
        let fields = [("act", "approve"), ("reason", hostile)];
        let done = admin.submit("/staff/refunds", "/staff/refunds", &fields).await;
        assert_eq!(done.header("location"), "/staff/refunds?done=approved", "{}", done.text());
        let list = admin.open("/staff/refunds?done=approved").await.text();
        assert!(list.contains("You agreed") && list.contains("support@office.example"), "{list}");
        assert!(list.contains("Nothing waits.") && !list.contains("<script>alert"), "{list}");
        assert_eq!(went_back(&t).await, [1_990]);
        let mut viewer = on_duty(&t, Role::Viewer).await;
        assert_eq!(viewer.open("/staff/refunds").await.status, 403);
        assert!(!viewer.open("/staff").await.text().contains("href=\"/staff/refunds\""));
    }
}
