//! Trials that need no card: what the offer asks for, what it says, and how a card comes later.

use std::fs;

use pressgate::clock::Clock;
use serde_json::json;
use tempfile::TempDir;
use time::Duration;

use crate::{
    app::TestApp,
    reader_pages::{Browser, hidden_fields, mailed_link, signed_up},
    subscribing::at_the_wall,
};

const ANNA: &str = "anna@example.org";
const WALLED: &str = "/demo/articles/how-birds-find-their-way";
const OFFER: &str =
    "/subscribe?site=demo&plan=monthly&return_to=%2Fdemo%2Farticles%2Fhow-birds-find-their-way";

/// A service whose monthly trial needs no card, and ends like this where there is none by then.
async fn card_free(t: &TestApp, end: &str) -> (TestApp, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.toml");
    let setting = "# trial_without_card = \"cancel\"";
    let catalog = include_str!("../../config/catalog.toml");
    assert!(catalog.contains(setting));
    fs::write(&path, catalog.replace(setting, &format!("trial_without_card = \"{end}\""))).unwrap();
    let settings = [("PRESSGATE__BILLING__CATALOG", path.to_str().unwrap())];
    (t.another_process_with(&settings).await, folder)
}

/// A browser that has begun the trial with an address and a yes, and nothing else.
async fn begun(t: &TestApp) -> Browser {
    let mut browser = at_the_wall(t).await;
    let fields = [("email", ANNA), ("agree", "yes")];
    let begun = browser.submit(OFFER, "/subscribe", &fields).await;
    assert_eq!((begun.status, begun.header("location")), (303, WALLED), "{}", begun.text());
    browser
}

/// The month's free article has been read, and the next one is walled.
async fn is_walled(browser: &mut Browser) {
    browser.open("/demo/articles/how-tides-work").await;
    assert_eq!(browser.open(WALLED).await.status, 402);
}

async fn log_in_by_mail(t: &TestApp, browser: &mut Browser) {
    let link = mailed_link(t, ANNA, "/login/link").await;
    assert_eq!(browser.submit(&link, "/login/link", &[]).await.status, 303);
}

on_both_databases! {
    async fn two_fields_and_one_button_open_the_article(t: TestApp) {
        let (t, _catalog) = card_free(&t, "cancel").await;
        let page = at_the_wall(&t).await.open(OFFER).await.text();
        let form = page.split("<form").find(|form| form.contains("action=\"/subscribe\"")).unwrap();
        let form = form.split("</form>").next().unwrap();
        let inputs = form.matches("<input").count() - form.matches("type=\"hidden\"").count();
        let fields = inputs + form.matches("<select").count() + form.matches("<textarea").count();
        assert_eq!((fields, form.matches("<button").count()), (2, 1), "{form}");
        let mut browser = begun(&t).await;
        assert_eq!(browser.open(WALLED).await.status, 200);
        log_in_by_mail(&t, &mut browser).await;
        let consents = browser.open("/account/export").await.json()["consents"].clone();
        let shown = consents[0]["shown"].as_str().unwrap();
        for words in ["Free for 30 days", "No card is needed", "it ends by itself", "$2.90 a month"] {
            assert!(shown.contains(words) && page.contains(words), "{words} in {shown}");
        }
        // The year has no trial, and asks for a card.
        let annual = browser.open("/subscribe?site=demo&plan=annual&trial=no").await.text();
        assert!(annual.contains("Your subscription") || annual.contains("subscribe already"), "{annual}");
        let annual = Browser::new(&t).open("/subscribe?site=demo&plan=annual").await.text();
        assert!(annual.contains("name=\"payment_method\""), "{annual}");
        let again = Browser::new(&t).open("/subscribe?site=demo&plan=monthly&trial=no").await.text();
        assert!(again.contains("name=\"payment_method\""), "{again}");
    }

    async fn what_is_missing_is_named_and_a_known_address_is_led_on_by_mail(t: TestApp) {
        let (t, _catalog) = card_free(&t, "cancel").await;
        let mut browser = at_the_wall(&t).await;
        for fields in [[("email", ""), ("agree", "yes")], [("email", ANNA), ("agree", "")]] {
            assert_eq!(browser.submit(OFFER, "/subscribe", &fields).await.status, 422);
        }
        signed_up(&t, "ben@example.org").await;
        let fields = [("email", "ben@example.org"), ("agree", "yes")];
        let told = browser.submit(OFFER, "/subscribe", &fields).await;
        assert_eq!((told.status, browser.open(WALLED).await.status), (202, 402));
        let link = mailed_link(&t, "ben@example.org", "/login/link").await;
        browser.submit(&link, "/login/link", &[]).await;
        let begun = browser.submit(OFFER, "/subscribe", &[("agree", "yes")]).await;
        assert_eq!((begun.status, begun.header("location")), (303, WALLED), "{}", begun.text());
        // A person has one trial, with a card or without.
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        t.settle_until(t.clock.now().plus(Duration::days(31))).await;
        let no_card = browser.submit(OFFER, "/subscribe", &[("agree", "yes")]).await;
        assert_eq!(no_card.status, 409, "{}", no_card.text());
        assert!(no_card.text().contains("name=\"payment_method\""), "{}", no_card.text());
    }

    async fn the_mail_before_the_end_leads_to_a_card_and_the_subscription_goes_on(t: TestApp) {
        let (t, _catalog) = card_free(&t, "cancel").await;
        let mut browser = begun(&t).await;
        log_in_by_mail(&t, &mut browser).await;
        let account = browser.open("/account").await.text();
        assert!(account.contains("the trial just ends") && account.contains("Add a card"), "{account}");
        t.settle_until(t.clock.now().plus(Duration::days(23))).await;
        let mails = t.get(&format!("/sandbox/mail?to={ANNA}")).await.json();
        let last = mails["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["subject"], "Your free trial ends soon");
        let text = last["text"].as_str().unwrap();
        assert!(text.contains("No card is known") && text.contains("/mail/card?token="), "{text}");
        let link = mailed_link(&t, ANNA, "/mail/card").await;
        let mut mailbox = Browser::new(&t);
        let page = mailbox.open(&link).await.text();
        assert!(page.contains("Add a card") && page.contains("$2.90 a month, next on"), "{page}");
        // What was not read is shown again.
        let mut unread = hidden_fields(&page, "/mail/card");
        unread.retain(|(name, _)| name != "shown");
        unread.push(("payment_method".to_owned(), "pm_sandbox_ok".to_owned()));
        assert_eq!(mailbox.post("/mail/card", &unread).await.status, 409);
        let card = [("payment_method", "pm_sandbox_ok")];
        let added = mailbox.submit(&link, "/mail/card", &card).await;
        assert_eq!(added.status, 200, "{}", added.text());
        let export = browser.open("/account/export").await.json();
        let consents = export["consents"].as_array().unwrap().clone();
        assert_eq!((consents.len(), &consents[0]["plan_id"]), (2, &json!("monthly")));
        assert!(consents[0]["shown"].as_str().unwrap().contains("$2.90 a month"), "{consents:?}");
        t.settle_until(t.clock.now().plus(Duration::days(8))).await;
        let mut browser = Browser::new(&t);
        browser.submit("/login", "/login/email", &[("email", ANNA)]).await;
        log_in_by_mail(&t, &mut browser).await;
        let export = browser.open("/account/export").await.json();
        assert_eq!(export["subscriptions"][0]["status"], "active");
        assert_eq!(browser.open(WALLED).await.status, 200);
        // Another card later changes only how it is paid: nothing new is agreed to.
        let other = browser.submit("/account/card", "/account/card", &card).await;
        assert_eq!(other.status, 303, "{}", other.text());
        let export = browser.open("/account/export").await.json();
        assert_eq!(export["consents"].as_array().unwrap().len(), 2);
    }

    async fn without_a_card_it_ends_and_nothing_is_charged(t: TestApp) {
        let (t, _catalog) = card_free(&t, "cancel").await;
        let mut browser = begun(&t).await;
        t.settle_until(t.clock.now().plus(Duration::days(30))).await;
        is_walled(&mut browser).await;
        log_in_by_mail_again(&t, &mut browser).await;
        let export = browser.open("/account/export").await.json();
        assert_eq!(export["subscriptions"][0]["status"], "expired");
        assert_eq!(export["charges"], json!([]));
    }

    async fn the_mail_of_a_trial_that_waits_takes_cards_until_one_pays(t: TestApp) {
        let (t, _catalog) = card_free(&t, "pause").await;
        begun(&t).await;
        t.settle_until(t.clock.now().plus(Duration::days(30))).await;
        let link = mailed_link(&t, ANNA, "/mail/card").await;
        let mut mailbox = Browser::new(&t);
        for (card, status) in [("pm_sandbox_declined", 402), ("pm_sandbox_lost", 402)] {
            let tried = mailbox.submit(&link, "/mail/card", &[("payment_method", card)]).await;
            assert_eq!(tried.status, status, "{}", tried.text());
            let page = mailbox.open(&link).await.text();
            assert!(page.contains("$2.90 today.") && page.contains("Save the card and pay"), "{page}");
        }
        let paid = mailbox.submit(&link, "/mail/card", &[("payment_method", "pm_sandbox_ok")]).await;
        assert!(paid.status == 200 && paid.text().contains("goes on"), "{}", paid.text());
    }

    async fn or_it_waits_for_a_card_which_pays_at_once(t: TestApp) {
        let (t, _catalog) = card_free(&t, "pause").await;
        let page = at_the_wall(&t).await.open(OFFER).await.text();
        assert!(page.contains("After the trial it waits"), "{page}");
        let mut browser = begun(&t).await;
        t.settle_until(t.clock.now().plus(Duration::days(30))).await;
        is_walled(&mut browser).await;
        log_in_by_mail_again(&t, &mut browser).await;
        let account = browser.open("/account").await.text();
        assert!(account.contains("Your trial is over. Add a card"), "{account}");
        assert!(!account.contains("action=\"/account/resume\""), "there is nothing to pay with");
        let page = browser.open("/account/card").await.text();
        assert!(page.contains("$2.90 today.") && page.contains("next on"), "{page}");
        let declined = [("payment_method", "pm_sandbox_declined")];
        let refused = browser.submit("/account/card", "/account/card", &declined).await;
        assert_eq!(refused.status, 402, "{}", refused.text());
        // What it takes is one card that pays: there is no second step, and no second way.
        let account = browser.open("/account").await.text();
        assert!(account.contains("your card did not pay"), "{account}");
        assert!(!account.contains("action=\"/account/resume\""), "{account}");
        let page = browser.open("/account/card").await.text();
        for said in ["Your card did not pay", "$2.90 today.", "next on", "Save the card and pay"] {
            assert!(page.contains(said), "{said}: {page}");
        }
        let mut unread = hidden_fields(&page, "/account/card");
        unread.retain(|(name, _)| name != "shown");
        unread.push(("payment_method".to_owned(), "pm_sandbox_ok".to_owned()));
        assert_eq!(browser.post("/account/card", &unread).await.status, 409, "not unread");
        let card = [("payment_method", "pm_sandbox_ok")];
        let added = browser.submit("/account/card", "/account/card", &card).await;
        assert_eq!((added.status, added.header("location")), (303, "/account"), "{}", added.text());
        assert_eq!(browser.open(WALLED).await.status, 200);
        let export = browser.open("/account/export").await.json();
        assert_eq!(export["subscriptions"][0]["status"], "active");
        let consent = &export["consents"][0]["shown"];
        assert!(consent.as_str().unwrap().contains("$2.90 today."), "{consent}");
        // Once only: a card that comes later pays nothing now.
        let charges = export["charges"].as_array().unwrap().len();
        browser.submit("/account/card", "/account/card", &card).await;
        let export = browser.open("/account/export").await.json();
        assert_eq!(export["charges"].as_array().unwrap().len(), charges);
    }
}

/// By a new mail, the link of the first being over.
async fn log_in_by_mail_again(t: &TestApp, browser: &mut Browser) {
    browser.cookies.clear();
    browser.submit("/login", "/login/email", &[("email", ANNA)]).await;
    log_in_by_mail(t, browser).await;
}
