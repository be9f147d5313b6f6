//! What the service could not do by itself, in one place: seen, understood, tried again or settled.

use axum::http::Method;
use pressgate::{auth::staff::model::Role, clock::Clock};
use serde_json::{Value, json};

use crate::{
    app::{TestApp, at},
    back_office::{hire, token_of},
    office_billing::{BERT, Clerk, paid, usd, went_back},
    office_pages::on_duty,
    readers::ANNA,
};

/// Has the gateway think that all of its money went back already, or nothing.
async fn gateway_says(t: &TestApp, refunded: &str) {
    t.behind(&format!("UPDATE sandbox_charges SET refunded = {refunded}")).await.unwrap();
}

/// A month whose refund of $2.00 the gateway refused: the subscription, and the refund.
async fn refused(t: &TestApp, support: &Clerk) -> (crate::readers::Tokens, String, String) {
    let (anna, id) = paid(t, ANNA, "monthly").await;
    gateway_says(t, "amount").await;
    support.acts(&id, "refund", json!({"amount": usd(200), "reason": "sorry"})).await;
    t.settle_until(t.clock.now()).await;
    gateway_says(t, "0").await;
    let waiting = waiting(support).await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let it = &waiting[0];
    assert_eq!((&it["subscription_id"], &it["amount"]), (&json!(id), &usd(200)));
    assert_eq!(
        (&it["status"], &it["refusal"]),
        (&json!("failed"), &json!("that is more than was paid"))
    );
    (anna, id, it["id"].as_str().unwrap().to_owned())
}

async fn waiting(support: &Clerk) -> Vec<Value> {
    let list = support.get("refunds/refused").await.json();
    list["refunds"].as_array().unwrap().clone()
}

async fn balance(t: &TestApp) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let sum: Option<(i64,)> = tx
        .query("SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM reader_balances")
        .optional()
        .await
        .unwrap();
    sum.unwrap().0
}

on_both_databases! {
    async fn a_refused_refund_is_tried_again_as_a_new_one(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id, refund) = refused(&t, &support).await;
        t.the_books_are_right().await;
        let again = support.post(&format!("refunds/{refund}/retry"), json!({"reason": "the bank says yes"})).await;
        assert_eq!(again.status, 200, "{}", again.text());
        let again = again.json();
        assert_eq!((&again["status"], &again["amount"]), (&json!("pending"), &usd(200)));
        assert_ne!(again["id"], json!(refund));
        assert_eq!(went_back(&t).await, [200]);
        assert_eq!(waiting(&support).await, Vec::<Value>::new());
        for act in ["retry", "settle"] {
            let twice = support.post(&format!("refunds/{refund}/{act}"), json!({})).await;
            assert_eq!(twice.problem(), (409, "invalid_transition".to_owned()), "{act}");
        }
        let of_success = support.post(&format!("refunds/{}/settle", again["id"].as_str().unwrap()), json!({})).await;
        assert_eq!(of_success.problem().0, 409, "it went back");
        assert_eq!(balance(&t).await, 0);
        // What is left of the invoice is what it was.
        assert_eq!(support.tries(&id, "refund", json!({"amount": usd(91)})).await.status, 409);
        support.acts(&id, "refund", json!({"amount": usd(90)})).await;
        assert_eq!(went_back(&t).await, [290]);
        t.the_books_are_right().await;
        let log = Clerk::hired(&t, Role::Admin).await.audited().await;
        let entry = log.iter().find(|entry| entry["action"] == "refund.retried").unwrap();
        assert_eq!(entry["target"], json!({"kind": "refund", "id": refund}));
        assert_eq!(entry["after"]["reason"], "the bank says yes");
    }

    async fn a_refused_refund_is_put_on_the_balance_once(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id, refund) = refused(&t, &support).await;
        let token = token_of(&t, Role::Support).await;
        let processes = [t.clone(), t.another_process().await];
        let asked = (0..6).map(|i| {
            let (t, token) = (processes[i % 2].clone(), token.clone());
            let act = if i < 4 { "settle" } else { "retry" };
            let path = format!("/v1/staff/refunds/{refund}/{act}");
            let body = json!({"reason": "the card is gone"});
            tokio::spawn(async move { (act, t.call(Method::POST, &path, &token, Some(body)).await.status) })
        });
        let answers = futures_util::future::join_all(asked).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        let done: Vec<&str> = answers.iter().filter(|it| it.1 == 200).map(|it| it.0).collect();
        assert_eq!(done.len(), 1, "{answers:?}");
        assert!(answers.iter().all(|it| [200, 409].contains(&it.1)), "{answers:?}");
        let settled = done[0] == "settle";
        assert_eq!(went_back(&t).await, [if settled { 0 } else { 200 }]);
        assert_eq!(balance(&t).await, if settled { 200 } else { 0 });
        assert_eq!(waiting(&support).await, Vec::<Value>::new());
        t.the_books_are_right().await;
        assert_eq!(support.shown(&id).await["subscription"]["status"], "active");
    }

    async fn the_page_says_what_waits_and_does_something_about_it(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id, refund) = refused(&t, &support).await;
        hire(&t, Role::Viewer).await;
        let mut viewer = on_duty(&t, Role::Viewer).await;
        let mut clerk = on_duty(&t, Role::Support).await;
        let today = clerk.open("/staff").await.text();
        assert!(today.contains("1 thing that the service"), "{today}");
        let seen = viewer.open("/staff/trouble").await.text();
        assert!(seen.contains("$2.00") && seen.contains("that is more than was paid"), "{seen}");
        assert!(!seen.contains("<form method=\"post\" action=\"/staff/trouble"), "{seen}");
        assert!(!seen.contains("Mails that could not be sent"), "{seen}");
        let page = "/staff/trouble";
        let form = "/staff/trouble/refund";
        let empty = clerk.submit(page, form, &[("act", "settle"), ("reason", " ")]).await;
        assert_eq!(empty.status, 422);
        let hostile = "<script>alert(1)</script>";
        let done = clerk.submit(page, form, &[("act", "settle"), ("reason", hostile)]).await;
        assert_eq!(done.header("location"), "/staff/trouble?done=settled", "{}", done.text());
        let after = clerk.open("/staff/trouble?done=settled").await.text();
        assert!(after.contains("No refund was refused.") && after.contains("is on the reader’s balance"), "{after}");
        let told = clerk.open(&format!("/staff/subscriptions/{id}")).await.text();
        assert!(told.contains("$2.00 could not go back to the card and went to the balance"), "{told}");
        assert!(!told.contains("<script>alert"), "{told}");
        let subjects = t.subjects_to(ANNA).await;
        assert!(subjects.contains(&"Your money is on your account".to_owned()), "{subjects:?}");
        // The next month is paid with it.
        t.settle_until(at("2026-12-24T00:00:00Z")).await;
        let invoice = support.shown(&id).await["invoices"][0].take();
        assert_eq!(invoice["balance_applied"], usd(200), "{invoice}");
        let invoices = support.shown(&id).await["invoices"].take();
        let old = invoices[1]["id"].as_str().unwrap();
        let mut clerk = on_duty(&t, Role::Support).await;
        let shown = clerk.open(&format!("/staff/invoices/{old}")).await.text();
        assert!(shown.contains("It went to the balance."), "{shown}");
        t.the_books_are_right().await;
        let log = Clerk::hired(&t, Role::Admin).await.audited().await;
        let entry = log.iter().find(|entry| entry["action"] == "refund.settled").unwrap();
        assert_eq!((&entry["target"]["id"], &entry["after"]["reason"]), (&json!(refund), &json!(hostile)));
    }

    async fn nobodys_balance_takes_nothing(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, _, refund) = refused(&t, &support).await;
        t.call(Method::DELETE, "/v1/me", &t.fresh(&anna).await.access, None).await;
        let settle = support.post(&format!("refunds/{refund}/settle"), json!({})).await;
        assert_eq!(settle.problem(), (409, "invalid_transition".to_owned()));
        assert_eq!(waiting(&support).await.len(), 1, "it waits still");
        let retry = support.post(&format!("refunds/{refund}/retry"), json!({})).await;
        assert_eq!(retry.status, 200, "{}", retry.text());
        assert_eq!(went_back(&t).await, [200]);
        t.the_books_are_right().await;
    }

    async fn an_erased_readers_money_is_paid_in_another_way(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id, refund) = refused(&t, &support).await;
        t.call(Method::DELETE, "/v1/me", &t.fresh(&anna).await.access, None).await;
        let path = format!("refunds/{refund}/paid-out");
        for (body, status) in [
            (json!({}), 422), (json!({"reason": " "}), 422), (json!({"reason": "x".repeat(501)}), 422),
        ] {
            let refused = support.post(&path, body).await;
            assert_eq!((refused.status, &*refused.fields()[0].0), (status, "reason"));
        }
        assert_eq!(waiting(&support).await.len(), 1, "it waits still");
        let paid = support.post(&path, json!({"reason": "by transfer to DE…42"})).await;
        assert_eq!(paid.status, 200, "{}", paid.text());
        assert_eq!(paid.json()["settled_as"], "paid_out");
        assert_eq!(waiting(&support).await, Vec::<Value>::new());
        t.the_books_are_right().await;
        for act in ["paid-out", "retry", "settle"] {
            let path = format!("refunds/{refund}/{act}");
            let twice = support.post(&path, json!({"reason": "again"})).await;
            assert_eq!(twice.problem(), (409, "invalid_transition".to_owned()), "{act}");
        }
        assert_eq!(went_back(&t).await, [0], "nothing went by the card");
        assert_eq!(t.subjects_to(ANNA).await, ["Your account was erased"]);
        let last = support.told(&id).await.pop().unwrap();
        assert_eq!(last, ("subscription.refund_paid_out".to_owned(), support.actor.clone()));
        t.the_books_are_right().await;
        let log = Clerk::hired(&t, Role::Admin).await.audited().await;
        let entry = log.iter().find(|entry| entry["action"] == "refund.settled").unwrap();
        assert_eq!(entry["target"], json!({"kind": "refund", "id": refund}));
        assert_eq!(
            (&entry["after"]["to"], &entry["after"]["reason"]),
            (&json!("paid_out"), &json!("by transfer to DE…42"))
        );
    }

    async fn what_was_paid_in_another_way_is_told_on_every_page_and_once(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id, _) = refused(&t, &support).await;
        let mut clerk = on_duty(&t, Role::Support).await;
        let (page, form) = ("/staff/trouble", "/staff/trouble/refund");
        let empty = clerk.submit(page, form, &[("act", "paid-out"), ("reason", " ")]).await;
        assert_eq!(empty.status, 422);
        let hostile = "<script>alert(1)</script>";
        let done = clerk.submit(page, form, &[("act", "paid-out"), ("reason", hostile)]).await;
        assert_eq!(done.header("location"), "/staff/trouble?done=paid-out", "{}", done.text());
        let invoice = support.shown(&id).await["invoices"][0]["id"].as_str().unwrap().to_owned();
        for (page, told) in [
            ("/staff/trouble?done=paid-out".to_owned(), "No refund was refused."),
            (format!("/staff/subscriptions/{id}"), "and was paid in another way"),
            (format!("/staff/invoices/{invoice}"), "It was paid in another way."),
            (format!("/staff/readers/{}", anna.reader), "Paid back in another way for invoice"),
        ] {
            let page = clerk.open(&page).await.text();
            assert!(page.contains(told) && !page.contains("<script>alert"), "{told}: {page}");
        }
        let subjects = t.subjects_to(ANNA).await;
        assert_eq!(subjects.iter().filter(|it| *it == "Your money was paid back").count(), 1);
        assert_eq!(balance(&t).await, 0);
        // What is left of the invoice is what it was.
        assert_eq!(support.tries(&id, "refund", json!({"amount": usd(91)})).await.status, 409);
        support.acts(&id, "refund", json!({"amount": usd(90)})).await;
        assert_eq!(went_back(&t).await, [90]);
        t.the_books_are_right().await;
    }

    async fn what_takes_two_is_not_said_to_be_paid_by_who_asked_for_it(t: TestApp) {
        let t = t.another_process_with(&[("PRESSGATE__BILLING__REFUND_ALONE_MAX", "USD 100")]).await;
        let support = Clerk::hired(&t, Role::Support).await;
        let admin = Clerk::hired(&t, Role::Admin).await;
        let (_, id) = paid(&t, ANNA, "monthly").await;
        gateway_says(&t, "amount").await;
        let asked = support.tries(&id, "refund", json!({"amount": usd(200), "reason": "sorry"})).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        let request = asked.json()["id"].as_str().unwrap().to_owned();
        let path = format!("refund-requests/{request}/approve");
        assert_eq!(admin.post(&path, json!({"reason": "right"})).await.status, 200);
        t.settle_until(t.clock.now()).await;
        let refund = waiting(&support).await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("refunds/{refund}/paid-out");
        let own = support.post(&path, json!({"reason": "by transfer"})).await;
        assert_eq!(own.problem(), (409, "own_request".to_owned()));
        assert_eq!(waiting(&support).await.len(), 1);
        let other = admin.post(&path, json!({"reason": "by transfer"})).await;
        assert_eq!(other.status, 200, "{}", other.text());
        t.the_books_are_right().await;
    }

    async fn what_is_stuck_is_looked_at_again_from_the_page(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, bent) = paid(&t, ANNA, "monthly").await;
        paid(&t, BERT, "monthly").await;
        let hex = bent.replace('-', "");
        let id = if t.place.url().starts_with("sqlite") { format!("X'{hex}'") } else { format!("'{bent}'") };
        t.behind(&format!("UPDATE subscriptions SET plan = 'weekly' WHERE id = {id}")).await.unwrap();
        t.settle_until(at("2026-12-26T00:00:00Z")).await;
        let stuck = support.get("subscriptions/stuck").await.json()["subscriptions"].take();
        assert!(stuck[0]["since"].as_str().unwrap().starts_with("2026-12-23T04:0"), "{stuck}");
        let mut clerk = on_duty(&t, Role::Support).await;
        let page = clerk.open("/staff/trouble").await.text();
        for text in [bent.as_str(), "cannot be read", "12", "23 December 2026"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        t.behind(&format!("UPDATE subscriptions SET plan = 'monthly' WHERE id = {id}")).await.unwrap();
        let looked = clerk.submit("/staff/trouble", "/staff/trouble/look", &[]).await;
        assert_eq!(looked.header("location"), "/staff/trouble?done=looked", "{}", looked.text());
        t.settle_until(at("2026-12-26T00:00:01Z")).await;
        let page = clerk.open("/staff/trouble?done=looked").await.text();
        assert!(page.contains("Every subscription is looked after."), "{page}");
        assert_eq!(support.shown(&bent).await["invoices"].as_array().unwrap().len(), 2);
        hire(&t, Role::Viewer).await;
        let mut viewer = on_duty(&t, Role::Viewer).await;
        let fields = [("id".to_owned(), bent.clone())];
        assert_eq!(viewer.post("/staff/trouble/look", &fields).await.status, 403);
    }
}
