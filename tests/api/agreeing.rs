//! What stands beside the buttons that cost money later: kept word for word, and shown again where it
//! has moved on.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::TestApp,
    reader_pages::{Browser, hidden_fields, mailed_link},
    subscribing::begun,
};

const ANNA: &str = "anna@example.org";
const READ_AGAIN: &str = "What you would agree to has changed";

/// A browser of a reader in her trial, whose mail was answered.
async fn in_trial(t: &TestApp) -> Browser {
    let mut browser = begun(t, ANNA).await;
    let link = mailed_link(t, ANNA, "/login/link").await;
    assert_eq!(browser.submit(&link, "/login/link", &[]).await.status, 303);
    browser
}

async fn consents(browser: &mut Browser) -> Vec<Value> {
    browser.open("/account/export").await.json()["consents"].as_array().unwrap().clone()
}

/// That the last consent is to this plan, in words that stand on `page` and hold `parts`.
fn is_kept(consent: &Value, plan: &str, (page, parts): (&str, &[&str])) {
    assert_eq!((&consent["plan_id"], &consent["language"]), (&json!(plan), &json!("en")));
    let shown = consent["shown"].as_str().unwrap();
    for line in shown.lines() {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let is_fact = page.contains(&format!("<dt>{name}</dt><dd>{value}</dd>"));
        assert!(page.contains(line) || is_fact, "{line} in {page}");
    }
    for part in parts {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

/// Staff give days, and with them another day of the next charge.
async fn extend(t: &TestApp) {
    let staff = json!({"email": "admin@demo.example", "password": "sandbox-admin"});
    let tokens = t.post("/v1/staff/login", staff.to_string()).await.json();
    let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let found = Request::get("/v1/staff/subscriptions").header("authorization", &token);
    let found = t.send(found.body(Body::empty()).unwrap()).await.json();
    let id = found["subscriptions"][0]["id"].as_str().unwrap().to_owned();
    let body = json!({"days": 3, "reason": "sorry"}).to_string();
    let extend = Request::post(format!("/v1/staff/subscriptions/{id}/extend"))
        .header("authorization", &token)
        .header("content-type", "application/json");
    let extended = t.send(extend.body(Body::from(body)).unwrap()).await;
    assert_eq!(extended.status, 200, "{}", extended.text());
}

on_both_databases! {
    async fn a_switch_is_agreed_to_word_for_word(t: TestApp) {
        let mut browser = in_trial(&t).await;
        t.clock.advance(Duration::MINUTE);
        let page = browser.open("/account/switch").await.text();
        let fields = hidden_fields(&page, "/account/switch");
        let switched = browser.post("/account/switch", &fields).await;
        assert_eq!((switched.status, switched.header("location")), (303, "/account"));
        let kept = consents(&mut browser).await;
        assert_eq!(kept.len(), 2);
        let parts = ["$19.90 a year", "next on", "You can cancel anytime", "Change to Annual"];
        is_kept(&kept[0], "annual", (&page, &parts));
        assert_eq!(kept[1]["plan_id"], "monthly", "what was agreed to at first is still there");
        // Sent twice it is agreed to once.
        assert_eq!(browser.post("/account/switch", &fields).await.header("location"), "/account");
        assert_eq!(consents(&mut browser).await.len(), 2);
    }

    async fn a_switch_in_other_words_is_shown_again(t: TestApp) {
        let mut browser = in_trial(&t).await;
        t.clock.advance(Duration::MINUTE);
        let page = browser.open("/account/switch").await.text();
        let fields = hidden_fields(&page, "/account/switch");
        let with = |name: &str, value: &str| {
            let mut fields = fields.clone();
            let field = fields.iter_mut().find(|(field, _)| field == name).unwrap();
            value.clone_into(&mut field.1);
            fields
        };
        let old = fields.iter().filter(|(name, _)| name != "shown").cloned().collect();
        for fields in [with("shown", ""), with("shown", "?"), with("preview", "x.y"), old] {
            let again = browser.post("/account/switch", &fields).await;
            assert_eq!(again.status, 409);
            assert!(again.text().contains("These are the figures of now"), "{}", again.text());
        }
        // In another tab, the reader now reads French.
        let mut french = browser.clone();
        french.submit("/account", "/language", &[("language", "fr")]).await;
        let again = french.post("/account/switch", &fields).await;
        assert_eq!(again.status, 409);
        let next = french.post("/account/switch", &hidden_fields(&again.text(), "/account/switch")).await;
        assert_eq!(next.status, 303);
        assert_eq!(consents(&mut french).await[0]["language"], "fr");
    }

    async fn to_go_on_is_agreed_to_word_for_word(t: TestApp) {
        let mut browser = in_trial(&t).await;
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        t.clock.advance(Duration::MINUTE);
        let page = browser.open("/account").await.text();
        let fields = hidden_fields(&page, "/account/resume");
        assert_eq!(browser.post("/account/resume", &fields).await.header("location"), "/account");
        let kept = consents(&mut browser).await;
        assert_eq!(kept.len(), 2);
        let parts = ["If you take it back", "$2.90 a month, next on", "Take the cancellation back", "without logging in"];
        is_kept(&kept[0], "monthly", (&page, &parts));
        // Sent twice: there is nothing to take back.
        assert_eq!(browser.post("/account/resume", &fields).await.header("location"), "/account");
        assert_eq!(consents(&mut browser).await.len(), 2);
    }

    async fn to_go_on_by_a_link_in_a_mail_too(t: TestApp) {
        let mut browser = in_trial(&t).await;
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        t.clock.advance(Duration::MINUTE);
        let link = mailed_link(&t, ANNA, "/mail/resume").await;
        let mut mailbox = Browser::new(&t);
        let page = mailbox.open(&link).await.text();
        let mut fields = hidden_fields(&page, "/mail/resume");
        fields.retain(|(name, _)| name != "form_token");
        extend(&t).await;
        let again = mailbox.post("/mail/resume", &fields).await;
        assert_eq!(again.status, 409);
        assert!(again.text().contains(READ_AGAIN), "{}", again.text());
        assert_eq!(consents(&mut browser).await.len(), 1);
        let page = again.text();
        let done = mailbox.post("/mail/resume", &hidden_fields(&page, "/mail/resume")).await;
        assert_eq!(done.status, 200, "{}", done.text());
        is_kept(&consents(&mut browser).await[0], "monthly", (&page, &["$2.90 a month"]));
    }

    async fn what_would_be_charged_on_another_day_is_shown_again(t: TestApp) {
        let mut browser = in_trial(&t).await;
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        let before = hidden_fields(&browser.open("/account").await.text(), "/account/resume");
        extend(&t).await;
        let again = browser.post("/account/resume", &before).await;
        assert_eq!(again.status, 409);
        let page = again.text();
        assert!(page.contains(READ_AGAIN), "{page}");
        assert!(browser.open("/account").await.text().contains("/account/resume"), "as it was");
        let next = hidden_fields(&page, "/account/resume");
        assert_eq!(browser.post("/account/resume", &next).await.header("location"), "/account");
        assert_eq!(consents(&mut browser).await.len(), 2);
    }
}
