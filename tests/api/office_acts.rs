//! What staff do from the pages: they see what would come of it, say why, and do it once.

use pressgate::{auth::staff::model::Role, clock::Clock};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    billing::OK,
    office_pages::on_duty,
    reader_pages::{Browser, hidden_fields},
    readers::ANNA,
};

/// Somebody of support at a browser, and Anna's month, paid just now.
async fn at_the_desk(t: &TestApp) -> (Browser, String) {
    hire(t, Role::Support).await;
    let anna = t.reader(ANNA).await;
    let order = json!({"plan": "monthly", "payment_method": OK, "trial": false});
    let begun = t.subscribe(&anna, order).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    (on_duty(t, Role::Support).await, id)
}

/// Chooses, looks, and presses the button.
async fn act(browser: &mut Browser, id: &str, choice: &str, reason: &str) -> Answer {
    let page = format!("/staff/subscriptions/{id}/{choice}");
    let action = page.split('?').next().unwrap().to_owned();
    browser.submit(&page, &action, &[("reason", reason)]).await
}

async fn shown(t: &TestApp, id: &str) -> Value {
    let token = token_of(t, Role::Support).await;
    let path = format!("/v1/staff/subscriptions/{id}");
    let mut whole = t.call(axum::http::Method::GET, &path, &token, None).await.json();
    whole["subscription"]["reader"] = whole["reader"].take();
    whole["subscription"].take()
}

on_both_databases! {
    async fn what_was_seen_is_what_is_done(t: TestApp) {
        let (mut browser, id) = at_the_desk(&t).await;
        let one = browser.open(&format!("/staff/subscriptions/{id}")).await.text();
        for offered in ["switch", "cancel", "refund", "extend", "pause"] {
            assert!(one.contains(&format!("/{id}/{offered}\"")), "{offered}: {one}");
        }
        assert!(!one.contains(&format!("/{id}/resume\"")), "{one}");
        let asks = browser.open(&format!("/staff/subscriptions/{id}/extend")).await.text();
        assert!(asks.contains("How many days") && !asks.contains("What would come of it</h2>"));
        let preview = format!("/staff/subscriptions/{id}/extend?look=yes&days=10");
        let preview = browser.open(&preview).await.text();
        assert!(preview.contains("The reader is told by mail."), "{preview}");
        let before = shown(&t, &id).await["current_period_end"].clone();
        assert_eq!(shown(&t, &id).await["current_period_end"], before, "looking changes nothing");
        let done = act(&mut browser, &id, "extend?look=yes&days=10", "a late paper").await;
        let back = format!("/staff/subscriptions/{id}?done=extend");
        assert_eq!((done.status, done.header("location")), (303, back.as_str()), "{preview}");
        assert!(browser.open(&back).await.text().contains("The days were given."));
        assert_ne!(shown(&t, &id).await["current_period_end"], before);

        let pause = browser.open(&format!("/staff/subscriptions/{id}/pause")).await.text();
        assert!(pause.contains("goes to the account&#39;s balance"), "{pause}");
        assert_eq!(act(&mut browser, &id, "pause", "asked on the phone").await.status, 303);
        t.clock.advance(Duration::HOUR);
        let resume = browser.open(&format!("/staff/subscriptions/{id}/resume")).await.text();
        assert!(resume.contains("$2.90 is charged now"), "{resume}");
        assert_eq!(act(&mut browser, &id, "resume", "back from holiday").await.status, 303);
        assert_eq!(shown(&t, &id).await["status"], "active");
        let cancel = "cancel?look=yes&at=period_end";
        let preview = browser.open(&format!("/staff/subscriptions/{id}/{cancel}")).await.text();
        assert!(preview.contains("because staff canceled it"), "{preview}");
        assert_eq!(act(&mut browser, &id, cancel, "asked by mail").await.status, 303);
        assert_eq!(shown(&t, &id).await["cancel_at_period_end"], true);
        assert_eq!(act(&mut browser, &id, "resume", "changed their mind").await.status, 303);
        assert_eq!(shown(&t, &id).await["cancel_at_period_end"], false);
        let told = browser.open(&format!("/staff/subscriptions/{id}")).await.text();
        for one in ["10 days given", "Paused; ", "Goes on after a pause", "The cancellation was taken back"] {
            assert!(told.contains(one), "{one}: {told}");
        }
    }

    async fn of_two_who_act_at_once_the_second_sees_what_changed(t: TestApp) {
        let (mut first, id) = at_the_desk(&t).await;
        let mut second = on_duty(&t, Role::Support).await;
        let page = format!("/staff/subscriptions/{id}/cancel?look=yes&at=refunded");
        let seen = second.open(&page).await.text();
        let action = format!("/staff/subscriptions/{id}/cancel");
        let mut form = hidden_fields(&seen, &action);
        form.push(("reason".to_owned(), "wants the money back".to_owned()));
        assert_eq!(act(&mut first, &id, "extend?look=yes&days=3", "kindness").await.status, 303);
        let refused = second.post(&action, &form).await;
        assert_eq!(refused.status, 409);
        let text = refused.text();
        assert!(text.contains("Somebody changed this subscription while you looked"), "{text}");
        assert!(text.contains("wants the money back"), "what was typed is kept: {text}");
        assert_eq!(shown(&t, &id).await["status"], "active", "nothing was done");
        assert_eq!(act(&mut second, &id, "cancel?look=yes&at=refunded", "again").await.status, 303);
        assert_eq!(shown(&t, &id).await["status"], "canceled");
        let twice = second.post(&action, &form).await;
        assert_eq!(twice.status, 409, "an old button does nothing");
    }

    async fn a_refund_is_bounded_by_what_was_paid(t: TestApp) {
        let (mut browser, id) = at_the_desk(&t).await;
        for (amount, says) in [
            ("2.91", "Not possible now"),
            ("0", "Not possible now"),
            ("-1", "must be an amount in USD"),
            ("1e9", "must be an amount in USD"),
            ("9223372036854775807", "must be an amount in USD"),
            ("<b>", "must be an amount in USD"),
        ] {
            let query = serde_urlencoded::to_string([("look", "yes"), ("amount", amount)]).unwrap();
            let page = browser.open(&format!("/staff/subscriptions/{id}/refund?{query}")).await;
            assert!(page.text().contains(says) && !page.text().contains("<b>"), "{amount}: {}", page.text());
        }
        let preview = format!("/staff/subscriptions/{id}/refund?look=yes&amount=1.50");
        let preview = browser.open(&preview).await.text();
        assert!(preview.contains("$1.50 goes back to the card that paid."), "{preview}");
        let empty = act(&mut browser, &id, "refund?look=yes&amount=1.50", " ").await;
        assert_eq!(empty.status, 409);
        assert!(empty.text().contains("Say why"), "{}", empty.text());
        let hostile = "</textarea><script>alert(1)</script>";
        assert_eq!(act(&mut browser, &id, "refund?look=yes&amount=1.50", hostile).await.status, 303);
        assert_eq!(act(&mut browser, &id, "refund?look=yes", "the rest").await.status, 303);
        t.settle_until(t.clock.now()).await;
        let one = browser.open(&format!("/staff/subscriptions/{id}")).await.text();
        assert!(one.contains("$1.50 given back") && one.contains("$1.40 given back"), "{one}");
        assert!(!one.contains("<script>alert"), "{one}");
        let none = browser.open(&format!("/staff/subscriptions/{id}/refund?look=yes")).await.text();
        assert!(none.contains("Not possible now"), "{none}");
    }

    async fn a_viewer_looks_and_does_nothing(t: TestApp) {
        let (_, id) = at_the_desk(&t).await;
        hire(&t, Role::Viewer).await;
        let mut viewer = on_duty(&t, Role::Viewer).await;
        let one = viewer.open(&format!("/staff/subscriptions/{id}")).await;
        assert!(one.status == 200 && !one.text().contains("What you can do"), "{}", one.text());
        for kind in ["cancel", "refund", "extend", "pause", "resume", "switch", "keep-plan"] {
            let path = format!("/staff/subscriptions/{id}/{kind}");
            assert_eq!(viewer.open(&path).await.status, 403, "{kind}");
        }
        let reader = shown(&t, &id).await["reader"]["id"].as_str().unwrap().to_owned();
        for page in ["", "/give", "/erase"] {
            assert_eq!(viewer.open(&format!("/staff/readers/{reader}{page}")).await.status, 403);
        }
    }

    async fn an_account_is_given_days_logged_out_taken_out_and_erased(t: TestApp) {
        let (mut browser, id) = at_the_desk(&t).await;
        let reader = shown(&t, &id).await["reader"]["id"].as_str().unwrap().to_owned();
        let page = format!("/staff/readers/{reader}");
        let give = format!("{page}/give");
        for (days, reason) in [("0", "x"), ("4000", "x"), ("x", "x"), ("7", " ")] {
            let refused = browser.submit(&give, &give, &[("days", days), ("reason", reason)]).await;
            assert_eq!(refused.status, 422, "{days} {reason}");
        }
        let done = browser.submit(&give, &give, &[("days", "7"), ("reason", "a letter")]).await;
        assert_eq!(done.header("location"), format!("{page}?done=given"));
        let told = browser.open(&format!("{page}?done=given")).await.text();
        assert!(told.contains("It was given") && told.contains("a letter"), "{told}");

        let out = browser.submit(&page, &format!("{page}/sign-out"), &[]).await;
        assert_eq!(out.status, 303);
        assert!(browser.open(&page).await.text().contains("Logged in nowhere."));
        let export = browser.submit(&page, &format!("{page}/export"), &[]).await;
        assert_eq!((export.status, export.header("cache-control")), (200, "no-store"));
        assert_eq!(export.json()["reader"]["email"], ANNA);

        assert_eq!(browser.open(&format!("{page}/erase")).await.status, 403, "an admin's");
        hire(&t, Role::Admin).await;
        let mut admin = on_duty(&t, Role::Admin).await;
        let erase = format!("{page}/erase");
        let wrong = admin.submit(&erase, &erase, &[("email", "bert@example.org")]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text().contains("nothing was erased"), "{}", wrong.text());
        let gone = admin.submit(&erase, &erase, &[("email", "ANNA@example.org")]).await;
        assert_eq!(gone.header("location"), "/staff/readers?done=erased", "{}", gone.text());
        assert_eq!(browser.open(&page).await.status, 404, "it was open on another screen");
        assert_eq!(browser.open(&give).await.status, 404);
    }
}
