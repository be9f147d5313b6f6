//! Notices of cancellation at `/cancel`: received alike for every address, and in effect from the moment
//! of the receipt, whatever happens before they are worked off.

use std::sync::Arc;

use axum::http::Method;
use pressgate::{clock::Clock, db::statements::counted};
use serde_json::json;
use time::Duration;

use crate::{
    app::{Answer, TestApp, at},
    billing::OK,
    reader_pages::Browser,
    readers::{ANNA, Tokens, refused},
    subscribing::begun,
};

const BERT: &str = "bert@example.org";
const CORA: &str = "cora@example.org";
const DORA: &str = "dora@example.org";
const NOBODY: &str = "nora@example.org";

/// The same service where nothing is done in the background.
async fn quiet(t: &TestApp) -> TestApp {
    t.stop().await;
    quiet_process(t).await
}

async fn quiet_process(t: &TestApp) -> TestApp {
    let settings = [("PRESSGATE__BILLING__WORKER", "false")];
    TestApp::open(t.place.clone(), Arc::clone(&t.clock), &settings).await.unwrap()
}

async fn notice(t: &TestApp, email: &str, reason: &str) -> Answer {
    let fields = [("email", email), ("reason", reason)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = Browser::new(t).post("/cancel", &fields).await;
    assert_eq!(answer.status, 202, "{email}: {}", answer.text());
    answer
}

async fn waiting(t: &TestApp) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let sql = "SELECT COUNT(*) FROM cancellation_notices";
    tx.query(sql).optional::<(i64,)>().await.unwrap().unwrap().0
}

/// The texts of the mails that say when a subscription ends.
async fn receipts(t: &TestApp, email: &str) -> Vec<String> {
    let mails = t.mails_to(email).await.into_iter();
    let is_receipt = |subject: &str| subject.contains("cancel");
    mails
        .filter(|mail| is_receipt(mail["subject"].as_str().unwrap()))
        .map(|mail| mail["text"].as_str().unwrap().to_owned())
        .collect()
}

/// A reader with a trial by a card of their own.
async fn subscriber(t: &TestApp, email: &str) -> (Tokens, String) {
    let who = t.reader(email).await;
    let card = format!("{OK}:{}", email.split('@').next().unwrap());
    let id = t.subscribed(&who, "monthly", &card).await;
    (who, id)
}

on_both_databases! {
    async fn the_request_runs_the_same_statements_for_every_address(t: TestApp) {
        subscriber(&t, ANNA).await;
        t.reader(BERT).await;
        let (cora, id) = subscriber(&t, CORA).await;
        t.about(&cora, &id, "cancel", json!({"at": "period_end"})).await;
        begun(&t, DORA).await;
        let t = quiet(&t).await;
        let mut seen = Vec::new();
        // The last rounds are beyond the limit of mails to one mailbox.
        for _ in 0..7 {
            for email in [ANNA, BERT, CORA, DORA, NOBODY] {
                let (answer, statements) = counted(notice(&t, email, "too dear")).await;
                let page = answer.text().replace(email, "…");
                let main = page.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
                seen.push((email, statements, main.to_owned(), answer.headers.len()));
            }
        }
        let (_, statements, page, headers) = seen[0].clone();
        assert!((4..8).contains(&statements), "{statements}");
        for it in &seen {
            assert_eq!((it.1, &it.2, it.3), (statements, &page, headers), "{}", it.0);
        }
        assert_eq!(waiting(&t).await, 35);
    }

    async fn a_notice_counts_against_the_mails_of_every_address_alike(t: TestApp) {
        subscriber(&t, ANNA).await;
        let t = quiet(&t).await;
        for email in [ANNA, NOBODY] {
            for _ in 0..5 {
                notice(&t, email, "").await;
            }
            let asked = t.tell("/v1/auth/magic-links", json!({"email": email})).await;
            assert_eq!(asked.problem(), refused(429, "too_many_attempts"), "{email}");
        }
    }

    async fn it_takes_effect_after_a_crash_as_at_its_receipt(t: TestApp) {
        let (anna, id) = subscriber(&t, ANNA).await;
        t.reader(BERT).await;
        let t = quiet(&t).await;
        let received_at = t.clock.now().to_string();
        for email in [ANNA, BERT, NOBODY] {
            notice(&t, email, "too dear").await;
        }
        t.stop().await;
        t.clock.advance(Duration::hours(3));
        let t = quiet_process(&t).await;
        assert_eq!(waiting(&t).await, 3, "nothing happened yet");
        t.state.billing.work().await.unwrap();
        assert_eq!(waiting(&t).await, 0);
        for email in [ANNA, BERT, NOBODY] {
            let mail = t.mails_to(email).await.pop().unwrap();
            let text = mail["text"].as_str().unwrap();
            assert!(text.contains("23 November 2026 at 04:05:06 UTC"), "{text}");
            assert_eq!(mail["sent_at"], received_at);
        }
        assert_eq!(t.subscription(&anna, &id).await["cancel_at_period_end"], true);
        let anna = t.fresh(&anna).await;
        let export = t.call(Method::GET, "/v1/me/export", &anna.access, None).await.json();
        let canceled = &export["timeline"][0];
        assert_eq!(canceled["event"], "subscription.cancel_scheduled", "{canceled}");
        assert_eq!(canceled["at"], received_at);
        assert_eq!(canceled["detail"]["comment"], "too dear");
        // Once, however often it is looked for.
        let mails = t.mails_to(ANNA).await.len();
        t.state.billing.work().await.unwrap();
        assert_eq!(t.mails_to(ANNA).await.len(), mails);
    }

    async fn of_several_processes_one_lets_it_take_effect(t: TestApp) {
        subscriber(&t, ANNA).await;
        let t = quiet(&t).await;
        let others = [quiet_process(&t).await, quiet_process(&t).await];
        for _ in 0..3 {
            notice(&t, ANNA, "").await;
            notice(&t, NOBODY, "").await;
        }
        let [one, other] = &others;
        let (a, b, c) = tokio::join!(
            t.state.billing.work(),
            one.state.billing.work(),
            other.state.billing.work(),
        );
        for done in [a, b, c] {
            done.unwrap();
        }
        t.state.billing.work().await.unwrap();
        assert_eq!(waiting(&t).await, 0);
        assert_eq!(receipts(&t, ANNA).await.len(), 1);
        assert_eq!(t.mails_to(NOBODY).await.len(), 3);
    }

    async fn the_reader_sees_it_with_the_next_request(t: TestApp) {
        let (anna, id) = subscriber(&t, ANNA).await;
        let t = quiet(&t).await;
        notice(&t, ANNA, "").await;
        let path = format!("/v1/subscriptions/{id}");
        let now = t.call(Method::GET, &path, &anna.access, None).await.json();
        assert_eq!(now["cancel_at_period_end"], true, "{now}");
        let back = t.about(&anna, &id, "resume", json!({})).await;
        assert_eq!(back.json()["cancel_at_period_end"], false, "{}", back.text());
        t.state.billing.work().await.unwrap();
        assert_eq!(t.subscription(&anna, &id).await["cancel_at_period_end"], false);
    }

    async fn what_is_received_in_time_is_not_charged(t: TestApp) {
        let (anna, id) = subscriber(&t, ANNA).await;
        let end = at(t.subscription(&anna, &id).await["trial_end"].as_str().unwrap());
        let t = quiet(&t).await;
        t.clock.set(end.minus(Duration::SECOND));
        notice(&t, ANNA, "").await;
        t.clock.set(end.plus(Duration::SECOND));
        t.state.billing.work().await.unwrap();
        t.settle_until(end.plus(Duration::HOUR)).await;
        assert_eq!(t.book().await, []);
        let ended = t.subscription(&anna, &id).await;
        assert_eq!((&ended["status"], &ended["ended_at"]), (&json!("canceled"), &json!(end.to_string())));
    }

    /// As where the database refused the first tries.
    async fn what_was_renewed_in_spite_of_it_is_given_back(t: TestApp) {
        let (anna, id) = subscriber(&t, ANNA).await;
        let end = at(t.subscription(&anna, &id).await["trial_end"].as_str().unwrap());
        let t = quiet(&t).await;
        t.clock.set(end.minus(Duration::SECOND));
        notice(&t, ANNA, "").await;
        let due_at = end.plus(Duration::HOUR);
        let mut tx = t.state.databases.main.write().await.unwrap();
        let sql = "UPDATE cancellation_notices SET due_at = $1";
        tx.query(sql).bind(due_at).execute().await.unwrap();
        tx.commit().await.unwrap();
        t.settle_until(end.plus(Duration::MINUTE)).await;
        assert_eq!(t.book().await.len(), 1, "it was renewed");
        t.settle_until(due_at).await;
        let ended = t.subscription(&anna, &id).await;
        assert_eq!((&ended["status"], &ended["ended_at"]), (&json!("canceled"), &json!(end.to_string())));
        let anna = t.fresh(&anna).await;
        let invoices = t.call(Method::GET, "/v1/invoices", &anna.access, None).await.json();
        let note = &invoices["invoices"][0]["credit_notes"][0];
        assert_eq!((&note["total"]["amount"], &note["reason"]), (&json!(290), &json!("cancellation")));
        assert!(receipts(&t, ANNA).await.pop().unwrap().contains("$2.90"));
        t.the_books_are_right().await;
    }

    async fn it_waits_for_the_outcome_of_a_payment(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let t = quiet(&t).await;
        t.disturb(json!({"lose_answers": 1})).await;
        let order = json!({"plan": "annual", "payment_method": OK});
        let begun = t.subscribe(&anna, order).await.json();
        assert_eq!(begun["status"], "incomplete", "{begun}");
        notice(&t, ANNA, "").await;
        t.state.billing.work_off_notices().await.unwrap();
        assert_eq!(waiting(&t).await, 1, "nobody knows yet whether there is a contract");
        t.settle_until(t.clock.now().plus(Duration::minutes(5))).await;
        assert_eq!(waiting(&t).await, 0);
        let now = t.subscription(&anna, begun["id"].as_str().unwrap()).await;
        assert_eq!((&now["status"], &now["cancel_at_period_end"]), (&json!("active"), &json!(true)));
    }

    async fn what_waits_is_exported_and_erased(t: TestApp) {
        let (anna, _) = subscriber(&t, ANNA).await;
        t.reader(BERT).await;
        let t = quiet(&t).await;
        notice(&t, ANNA, "too dear").await;
        notice(&t, BERT, "").await;
        let export = t.call(Method::GET, "/v1/me/export", &anna.access, None).await.json();
        let shown = json!([{"received_at": t.clock.now(), "comment": "too dear"}]);
        assert_eq!(export["cancellation_notices"], shown);
        assert_eq!(t.call(Method::DELETE, "/v1/me", &anna.access, None).await.status, 204);
        assert_eq!(waiting(&t).await, 1, "the other one is another reader's");
        t.state.billing.work().await.unwrap();
        assert_eq!(t.subjects_to(ANNA).await, ["Your account was erased"]);
    }
}
