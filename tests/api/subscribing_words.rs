//! The pages of subscriptions in French, and with hostile texts in every field.

use crate::{
    app::TestApp,
    reader_pages::{Browser, mailed_link},
    reader_pages_trouble::{hostile, is_harmless},
    reader_pages_words::{french, is_french},
    subscribing::begun,
};

const ANNA: &str = "anna@example.org";
const OFFER: &str = "/subscribe?site=demo&plan=monthly&return_to=%2Fdemo%2F";

/// A browser that has subscribed and answered the mail, and the id of its subscription.
async fn subscribed(t: &TestApp, mut browser: Browser) -> (Browser, String) {
    let fields = [("email", ANNA), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
    let begun = browser.submit(OFFER, "/subscribe", &fields).await;
    assert_eq!(begun.status, 303, "{}", begun.text());
    let link = mailed_link(t, ANNA, "/login/link").await;
    assert_eq!(browser.submit(&link, "/login/link", &[]).await.status, 303);
    let account = browser.open("/account").await.text();
    let id = account.split("/account/cancel?id=").nth(1).unwrap().split('"').next().unwrap();
    let id = id.to_owned();
    (browser, id)
}

on_both_databases! {
    async fn a_french_subscriber_reads_no_english(t: TestApp) {
        let mut browser = french(&t);
        is_french("offer", &browser.open(OFFER).await.text());
        for fields in [
            [("email", "anna"), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")],
            [("email", ANNA), ("payment_method", "pm_sandbox_ok"), ("agree", "")],
        ] {
            is_french("order", &browser.submit(OFFER, "/subscribe", &fields).await.text());
        }
        let at_once = OFFER.replace("monthly", "monthly&trial=no");
        let fields = [("email", ANNA), ("payment_method", "pm_sandbox_declined"), ("agree", "yes")];
        let declined = browser.submit(&at_once, "/subscribe", &fields).await;
        assert_eq!(declined.status, 402);
        is_french("declined", &declined.text());
        for path in ["/cancel", "/mail/cancel?token=x", "/mail/resume?token=x", "/mail/card?token=x"] {
            is_french(path, &browser.open(path).await.text());
        }
        let notice = [("email", "anna"), ("reason", "trop cher")];
        is_french("notice", &browser.submit("/cancel", "/cancel", &notice).await.text());
        let (mut browser, id) = subscribed(&t, browser).await;
        for path in ["/account".to_owned(), "/subscribe/welcome".to_owned(), OFFER.to_owned()] {
            let page = browser.open(&path).await;
            if page.status != 303 {
                is_french(&path, &page.text());
            }
        }
        for part in ["switch", "card", "cancel"] {
            let page = browser.open(&format!("/account/{part}?id={id}")).await;
            is_french(part, &page.text());
        }
    }

    async fn hostile_texts_about_subscriptions_stay_texts(t: TestApp) {
        let guest = begun(&t, "guest@example.org").await;
        let (member, id) = subscribed(&t, Browser::new(&t)).await;
        let mut browsers = [Browser::new(&t), guest, member];
        let (nobody, guest, member) = (0, 1, 2);
        let card = format!("/account/card?id={id}");
        for text in hostile() {
            for (who, path, action, names) in [
                (nobody, "/cancel", "/cancel", &["email", "reason"][..]),
                (guest, "/subscribe/welcome", "/subscribe/welcome/address", &["email"]),
                (member, card.as_str(), "/account/card", &["payment_method"]),
            ] {
                for name in names {
                    // The others as they should be, so that this one is looked at.
                    let value = |of: &str| match of {
                        of if of == *name => text.as_str(),
                        "email" => "nobody@example.org",
                        _ => "",
                    };
                    let fields: Vec<(&str, &str)> =
                        names.iter().map(|of| (*of, value(of))).collect();
                    let answer = browsers[who].submit(path, action, &fields).await;
                    is_harmless(&answer, &text, &format!("{action}, {name}"));
                }
            }
            for name in ["email", "payment_method", "agree"] {
                let value = |of: &str| match of {
                    of if of == name => text.clone(),
                    "email" => "nobody@example.org".to_owned(),
                    "agree" => "yes".to_owned(),
                    _ => "pm_sandbox_declined".to_owned(),
                };
                let [email, card, agree] = ["email", "payment_method", "agree"].map(value);
                let fields = [("email", &*email), ("payment_method", &*card), ("agree", &*agree)];
                let at_once = OFFER.replace("monthly", "monthly&trial=no");
                let answer = browsers[nobody].submit(&at_once, "/subscribe", &fields).await;
                is_harmless(&answer, &text, &format!("/subscribe, {name}"));
            }
            // A way out that nobody knows is the usual one, and a reason is kept once.
            let cancel = format!("/account/cancel?id={id}");
            let way = [("at", text.as_str())];
            if browsers[member].open(&cancel).await.text().contains("action=\"/account/cancel\"") {
                let answer = browsers[member].submit(&cancel, "/account/cancel", &way).await;
                is_harmless(&answer, &text, "/account/cancel");
            }
            let canceled = format!("/account/canceled?id={id}");
            let why = [("reason", text.as_str())];
            let page = browsers[member].open(&canceled).await.text();
            if page.contains("action=\"/account/cancel/reason\"") {
                let answer =
                    browsers[member].submit(&canceled, "/account/cancel/reason", &why).await;
                is_harmless(&answer, &text, "/account/cancel/reason");
            }
            if text.len() < 5_000 {
                let query = serde_urlencoded::to_string(
                    ["site", "plan", "trial", "return_to", "id", "token"].map(|name| (name, &text)),
                );
                let query = query.unwrap();
                for path in ["/subscribe", "/cancel", "/mail/cancel", "/mail/card", "/account/switch"] {
                    let answer = browsers[member].open(&format!("{path}?{query}")).await;
                    is_harmless(&answer, &text, path);
                }
            }
        }
        assert_eq!(browsers[member].open("/account").await.status, 200);
    }
}
