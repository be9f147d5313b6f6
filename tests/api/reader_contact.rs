//! Staff see to how a reader is reached: another address, a confirmed one, a letter once more.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    billing::OK,
    office_pages::on_duty,
    reader_pages::Browser,
    readers::{ANNA, PASSWORD, Tokens},
};

const NEW: &str = "anna.new@example.org";

async fn post(t: &TestApp, role: Role, path: &str, body: Value) -> Answer {
    let token = token_of(t, role).await;
    let path = format!("/v1/staff/readers/{path}");
    let answer = t.call(Method::POST, &path, &token, Some(body)).await;
    t.clock.advance(Duration::MILLISECOND);
    answer
}

async fn move_to(t: &TestApp, anna: &Tokens, email: &str) -> Answer {
    let body = json!({"email": email, "reason": "lost the mailbox, knows the last invoice"});
    post(t, Role::Support, &format!("{}/address", anna.reader), body).await
}

async fn address_of(t: &TestApp, anna: &Tokens) -> Value {
    let token = token_of(t, Role::Support).await;
    let path = format!("/v1/staff/readers/{}", anna.reader);
    t.call(Method::GET, &path, &token, None).await.json()["reader"]["email"].clone()
}

/// The actions of the audit log about readers, the youngest first.
async fn acts(t: &TestApp) -> Vec<String> {
    let token = token_of(t, Role::Admin).await;
    let log = t.call(Method::GET, "/v1/staff/audit?limit=200", &token, None).await.json();
    assert!(!log.to_string().contains("example.org"), "no address is in the log: {log}");
    let entries = log["entries"].as_array().unwrap().clone();
    let action = |it: &Value| it["action"].as_str().unwrap().to_owned();
    entries.iter().map(action).filter(|it| it.starts_with("reader.")).collect()
}

on_both_databases! {
    async fn staff_change_an_address_once_the_new_mailbox_agrees(t: TestApp) {
        for role in Role::ALL {
            hire(&t, role).await;
        }
        let anna = t.reader(ANNA).await;
        t.reader("berta@example.org").await;
        let path = format!("{}/address", anna.reader);
        let body = json!({"email": NEW, "reason": "x"});
        assert_eq!(post(&t, Role::Viewer, &path, body).await.status, 403);
        for (body, field) in [
            (json!({"email": "no address", "reason": "x"}), "email"),
            (json!({"email": NEW, "reason": "  "}), "reason"),
            (json!({"email": NEW, "reason": "x".repeat(501)}), "reason"),
        ] {
            assert_eq!(post(&t, Role::Support, &path, body).await.fields()[0].0, field);
        }
        let taken = move_to(&t, &anna, "Berta@example.org").await;
        assert_eq!(taken.problem(), (409, "address_taken".to_owned()));
        let same = move_to(&t, &anna, &ANNA.to_uppercase()).await;
        assert_eq!(same.problem(), (409, "already_so".to_owned()));
        assert_eq!(t.mails_to(NEW).await.len(), 0);

        assert_eq!(move_to(&t, &anna, NEW).await.status, 202);
        assert_eq!(address_of(&t, &anna).await, ANNA, "not before the new mailbox agrees");
        let told = t.mails_to(ANNA).await;
        let told = told.last().unwrap()["text"].as_str().unwrap();
        assert!(told.contains(NEW) && told.contains("/account/address/object?token=pgl_"), "{told}");
        // The old mailbox's token objects and does not agree; the new one's agrees.
        let old = t.link(ANNA).await;
        let wrong = t.tell("/v1/me/email/confirm", json!({"token": old})).await;
        assert_eq!(wrong.problem(), (401, "invalid_link".to_owned()));
        let new = t.link(NEW).await;
        let agreed = t.tell("/v1/me/email/confirm", json!({"token": new})).await;
        assert_eq!(agreed.json(), json!({"status": "changed"}));
        assert_eq!(address_of(&t, &anna).await, NEW);
        assert!(t.opens(&anna.access).await, "devices stay logged in, as when readers change it");
        assert_eq!(t.log_in(NEW, PASSWORD).await.status, 200);
        let mut late = Browser::new(&t);
        let page = format!("/account/address/object?token={old}");
        let refused = late.submit(&page, "/account/address/object", &[]).await;
        assert_eq!(refused.status, 401, "once it is changed it is too late to object");
        let acts = acts(&t).await;
        assert!(acts.iter().any(|it| it == "reader.address_asked"), "{acts:?}");
        assert!(acts.iter().any(|it| it == "reader.address_changed"), "{acts:?}");
    }

    async fn the_old_mailbox_may_object(t: TestApp) {
        hire(&t, Role::Support).await;
        hire(&t, Role::Admin).await;
        let anna = t.reader(ANNA).await;
        assert_eq!(move_to(&t, &anna, NEW).await.status, 202);
        let (old, new) = (t.link(ANNA).await, t.link(NEW).await);
        let mut browser = Browser::new(&t);
        let page = format!("/account/address/object?token={old}");
        // Looking changes nothing: programs that look at mails open links, too.
        assert_eq!(browser.open(&page).await.status, 200);
        let said = browser.submit(&page, "/account/address/object", &[]).await;
        assert!(said.text().contains("Nothing changes"), "{}", said.text());
        let late = t.tell("/v1/me/email/confirm", json!({"token": new})).await;
        assert_eq!(late.problem(), (401, "invalid_link".to_owned()));
        assert_eq!(address_of(&t, &anna).await, ANNA);
        assert_eq!(acts(&t).await[1], "reader.address_objected");
    }

    async fn an_address_is_taken_for_confirmed_with_a_reason(t: TestApp) {
        hire(&t, Role::Support).await;
        hire(&t, Role::Admin).await;
        let anna = t.reader(ANNA).await;
        let path = format!("{}/address/confirm", anna.reader);
        let already = post(&t, Role::Support, &path, json!({"reason": "x"})).await;
        assert_eq!(already.problem(), (409, "already_so".to_owned()));
        assert_eq!(post(&t, Role::Support, &path, json!({"reason": ""})).await.fields()[0].0, "reason");
        // Somebody who subscribed and has not answered the mail.
        crate::subscribing::begun(&t, NEW).await;
        let token = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/readers?q={NEW}");
        let found = t.call(Method::GET, &path, &token, None).await.json();
        let begun = found["readers"][0]["id"].as_str().unwrap().to_owned();
        let mut desk = on_duty(&t, Role::Support).await;
        let page = format!("/staff/readers/{begun}/address");
        let action = format!("/staff/readers/{begun}/confirm-address");
        let empty = desk.submit(&page, &action, &[("reason", "")]).await;
        assert_eq!(empty.status, 422);
        let done = desk.submit(&page, &action, &[("reason", "came to the counter")]).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let shown = desk.open(&format!("/staff/readers/{begun}?done=confirmed")).await.text();
        assert!(shown.contains("Took the address for confirmed, because: “came to the counter”"), "{shown}");
        assert!(!desk.open(&page).await.text().contains("confirm-address"), "once is enough");
    }

    async fn letters_are_written_anew_and_not_too_often(t: TestApp) {
        hire(&t, Role::Support).await;
        hire(&t, Role::Admin).await;
        let anna = t.reader(ANNA).await;
        let order = json!({"plan": "monthly", "payment_method": OK, "trial": false});
        assert_eq!(t.subscribe(&anna, order).await.status, 201);
        t.clock.advance(Duration::MINUTE);
        let token = token_of(&t, Role::Support).await;
        let path = format!("{}/letters", anna.reader);
        let offered = t.call(Method::GET, &format!("/v1/staff/readers/{path}"), &token, None).await;
        let offered = offered.json();
        let letters: Vec<String> = offered["letters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["letter"].as_str().unwrap().to_owned())
            .collect();
        assert!(letters[0] == "log_in" && letters[1].starts_with("receipt:"), "{letters:?}");
        let write = async |letter: &str| post(&t, Role::Support, &path, json!({"letter": letter})).await;
        assert_eq!(write("password").await.fields()[0].0, "letter");
        let nobodys = "receipt:01900000-0000-7000-8000-000000000000";
        assert_eq!(write(nobodys).await.problem(), (404, "not_found".to_owned()));
        assert_eq!(write(&letters[1]).await.status, 202);
        let mails = t.mails_to(ANNA).await;
        let receipt = mails.last().unwrap()["text"].as_str().unwrap();
        assert!(receipt.contains("2026-000001"), "{receipt}");
        assert_eq!(write("log_in").await.status, 202);
        let link = t.link(ANNA).await;
        assert_eq!(t.redeem(&link).await.status, 200, "a fresh link");
        for _ in 0..3 {
            assert_eq!(write("log_in").await.status, 202);
        }
        let many = write("log_in").await;
        assert_eq!(many.problem(), (429, "too_many_attempts".to_owned()));
        assert!(!many.header("retry-after").is_empty());
        t.clock.advance(Duration::minutes(12));
        assert_eq!(write("log_in").await.status, 202);
        let written = acts(&t).await.iter().filter(|it| *it == "reader.written_again").count();
        assert_eq!(written, 6);
    }

    async fn a_letter_is_chosen_on_a_page(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        t.subscribed(&anna, "monthly", OK).await;
        t.clock.advance(Duration::MINUTE);
        let mut desk = on_duty(&t, Role::Support).await;
        let page = format!("/staff/readers/{}/write", anna.reader);
        let shown = desk.open(&page).await.text();
        assert!(shown.contains("The notice “receipt” for"), "the trial's terms: {shown}");
        assert_eq!(desk.submit(&page, &page, &[("letter", "x")]).await.status, 422);
        let before = t.mails_to(ANNA).await.len();
        let done = desk.submit(&page, &page, &[("letter", "log_in")]).await;
        let back = format!("/staff/readers/{}?done=written", anna.reader);
        assert_eq!((done.status, done.header("location")), (303, back.as_str()));
        assert_eq!(t.mails_to(ANNA).await.len(), before + 1);
        let page = format!("/staff/readers/{}/address", anna.reader);
        let taken = desk.submit(&page, &page, &[("email", ANNA), ("reason", "x")]).await;
        assert_eq!(taken.status, 409);
        let odd = desk.submit(&page, &page, &[("email", "<script>"), ("reason", "x")]).await;
        assert_eq!(odd.status, 422);
        assert!(!odd.text().contains("value=\"<script>"), "{}", odd.text());
        let fields = [("email", NEW), ("reason", "moved house")];
        assert_eq!(desk.submit(&page, &page, &fields).await.status, 303);
        assert!(desk.open(&page).await.text().contains("anna.new@example.org was asked"));
    }
}
