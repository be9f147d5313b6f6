//! An address that somebody has only typed claims nothing for good: its owner loses no trial, no gift
//! and no sign-up by it, and nobody gets two trials.

use std::fs;

use axum::http::Method;
use pressgate::{auth::staff::model::Role, clock::Clock};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::TestApp,
    back_office::{hire, token_of},
    office_billing::Clerk,
    reader_pages::{Browser, PASSWORD, mailed_link},
    readers::{ANNA, Tokens},
    subscribing::at_the_wall,
};

const OFFER: &str = "/subscribe?site=demo&plan=monthly";
const WALLED: &str = "/demo/articles/how-birds-find-their-way";

/// Begins a trial on the page; the status.
async fn begins(browser: &mut Browser, email: &str, card: &str) -> u16 {
    let fields = [("email", email), ("payment_method", card), ("agree", "yes")];
    browser.submit(OFFER, "/subscribe", &fields).await.status
}

async fn stranger_with(t: &TestApp, email: &str, card: &str) -> Browser {
    let mut browser = at_the_wall(t).await;
    assert_eq!(begins(&mut browser, email, card).await, 303);
    browser
}

async fn correct(browser: &mut Browser, email: &str) {
    let (page, action) = ("/subscribe/welcome", "/subscribe/welcome/address");
    assert_eq!(browser.submit(page, action, &[("email", email)]).await.status, 303);
}

async fn answer_mail(t: &TestApp, browser: &mut Browser, email: &str) {
    let link = mailed_link(t, email, "/login/link").await;
    assert_eq!(browser.submit(&link, "/login/link", &[]).await.status, 303);
}

/// A trial of the API by somebody who has an account: the status, and the code where it is refused.
async fn trial(t: &TestApp, who: &Tokens, card: &str) -> (u16, String) {
    let answer = t.subscribe(who, json!({"plan": "monthly", "payment_method": card})).await;
    if answer.status == 201 { (201, String::new()) } else { answer.problem() }
}

/// What happened to the reader's subscription, as staff see it.
async fn events(t: &TestApp, who: &Tokens) -> Vec<String> {
    let clerk = Clerk::hired(t, Role::Support).await;
    let mine = t.call(Method::GET, "/v1/subscriptions", &who.access, None).await.json();
    let told = clerk.told(mine["subscriptions"][0]["id"].as_str().unwrap()).await;
    told.into_iter().map(|(event, _)| event).collect()
}

on_both_databases! {
    async fn a_stranger_who_corrects_the_address_leaves_its_owner_the_trial(t: TestApp) {
        let mut stranger = stranger_with(&t, ANNA, "pm_sandbox_ok:theirs").await;
        correct(&mut stranger, "stranger@example.org").await;
        let anna = t.reader(ANNA).await;
        assert_eq!(trial(&t, &anna, "pm_sandbox_ok:hers").await, (201, String::new()));
        // The stranger's own trial goes on, and is the only one of that card.
        assert_eq!(stranger.open(WALLED).await.status, 200);
        let mut another = at_the_wall(&t).await;
        assert_eq!(begins(&mut another, "third@example.org", "pm_sandbox_ok:theirs").await, 409);
    }

    async fn a_stranger_who_leaves_the_address_leaves_its_owner_the_trial_too(t: TestApp) {
        let mut stranger = stranger_with(&t, ANNA, "pm_sandbox_ok:theirs").await;
        stranger.submit("/account/cancel", "/account/cancel", &[]).await;
        t.settle_until(t.clock.now().plus(Duration::days(31))).await;
        // A sign-up with this address works as any, and its password is the owner's.
        let anna = t.reader(ANNA).await;
        assert_eq!(trial(&t, &anna, "pm_sandbox_ok:theirs").await.1, "trial_already_used");
        assert_eq!(trial(&t, &anna, "pm_sandbox_ok:hers").await, (201, String::new()));
        assert_eq!(t.log_in(ANNA, crate::readers::PASSWORD).await.status, 200);
    }

    async fn a_trial_that_runs_when_its_mail_is_answered_is_the_owners(t: TestApp) {
        let mut anna = stranger_with(&t, ANNA, "pm_sandbox_ok:hers").await;
        answer_mail(&t, &mut anna, ANNA).await;
        assert!(anna.open("/account").await.text().contains("Your subscription"));
        let erase = anna.submit("/account/erase", "/account/erase", &[]).await;
        assert_eq!(erase.header("location"), "/signup", "{}", erase.text());
        // Leaving and coming back is no second trial: not here, and not with another card.
        let mut again = at_the_wall(&t).await;
        assert_eq!(begins(&mut again, ANNA, "pm_sandbox_ok:other").await, 202, "a mail leads on");
        assert_eq!(t.subjects_to(ANNA).await.last().unwrap(), "The free trial was used already");
        let anna = t.reader(ANNA).await;
        assert_eq!(trial(&t, &anna, "pm_sandbox_ok:other").await.1, "trial_already_used");
    }

    async fn one_browser_begins_one_trial_until_the_mail_is_answered(t: TestApp) {
        let mut browser = stranger_with(&t, "one@example.org", "pm_sandbox_ok:one").await;
        let mut logged_out = browser.clone();
        logged_out.cookies.remove("pressgate_session");
        assert_eq!(begins(&mut logged_out, "two@example.org", "pm_sandbox_ok:two").await, 409);
        answer_mail(&t, &mut browser, "one@example.org").await;
        assert_eq!(begins(&mut logged_out, "two@example.org", "pm_sandbox_ok:two").await, 303);
    }

    async fn an_address_that_had_the_trial_keeps_the_one_that_runs_and_it_is_written_down(t: TestApp) {
        let mut anna = stranger_with(&t, ANNA, "pm_sandbox_ok:first").await;
        answer_mail(&t, &mut anna, ANNA).await;
        anna.submit("/account/erase", "/account/erase", &[]).await;
        let mut again = stranger_with(&t, "ana@example.org", "pm_sandbox_ok:second").await;
        correct(&mut again, ANNA).await;
        answer_mail(&t, &mut again, ANNA).await;
        assert_eq!(again.open(WALLED).await.status, 200);
        let link = t.magic_link(ANNA).await;
        let anna = Tokens::of(&t.redeem(&link).await);
        let told = events(&t, &anna).await;
        assert!(told.iter().any(|event| event.contains("trial_repeated")), "{told:?}");
    }

    /// Where a trial needs no card only the browser stands for a person until the mail is answered.
    async fn without_a_card_the_address_is_claimed_by_the_answered_mail(t: TestApp) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.toml");
        let catalog = include_str!("../../config/catalog.toml");
        let setting = "# trial_without_card = \"cancel\"";
        fs::write(&path, catalog.replace(setting, "trial_without_card = \"cancel\"")).unwrap();
        let settings = [("PRESSGATE__BILLING__CATALOG", path.to_str().unwrap())];
        let t = t.another_process_with(&settings).await;
        let mut stranger = at_the_wall(&t).await;
        assert_eq!(begins_free(&mut stranger, ANNA).await, 303);
        let mut logged_out = stranger.clone();
        logged_out.cookies.remove("pressgate_session");
        assert_eq!(begins_free(&mut logged_out, "other@example.org").await, 409);
        correct(&mut stranger, "stranger@example.org").await;
        let mut anna = at_the_wall(&t).await;
        assert_eq!(begins_free(&mut anna, ANNA).await, 303);
        answer_mail(&t, &mut anna, ANNA).await;
        anna.submit("/account/erase", "/account/erase", &[]).await;
        let mut again = at_the_wall(&t).await;
        assert_eq!(begins_free(&mut again, ANNA).await, 202);
    }

    async fn a_gift_and_newsletters_are_not_for_somebody_who_has_only_typed_the_address(t: TestApp) {
        let clerk = Clerk::hired(&t, Role::Support).await;
        stranger_with(&t, ANNA, "pm_sandbox_ok:theirs").await;
        let gift = json!({"email": ANNA, "days": 30, "reason": "a prize"});
        let offered = clerk.post("gifts", gift).await.json();
        assert_eq!((&offered["given"], &offered["waits"]["days"]), (&Value::Null, &json!(30)));
        // Erasing the stranger's account leaves what waits for the address.
        let found = clerk.get(&format!("readers?q={ANNA}")).await.json();
        let id = found["readers"][0]["id"].as_str().unwrap().to_owned();
        hire(&t, Role::Admin).await;
        let admin = token_of(&t, Role::Admin).await;
        let erased = t.call(Method::DELETE, &format!("/v1/staff/readers/{id}"), &admin, None).await;
        assert_eq!(erased.status, 204, "{}", erased.text());
        let waiting = clerk.get("gifts").await.json();
        assert_eq!(waiting["gifts"].as_array().unwrap().len(), 1, "{waiting}");
        let link = mailed_link(&t, ANNA, "/gift").await;
        assert_eq!(Browser::new(&t).submit(&link, "/gift", &[]).await.status, 200);
    }

    async fn a_sign_up_on_the_page_is_not_in_the_way_of_a_strangers_order(t: TestApp) {
        stranger_with(&t, ANNA, "pm_sandbox_ok:theirs").await;
        let mut anna = Browser::new(&t);
        let fields = [("email", ANNA), ("password", PASSWORD)];
        assert_eq!(anna.submit("/signup", "/signup", &fields).await.status, 202);
        let link = mailed_link(&t, ANNA, "/signup/confirm").await;
        assert_eq!(anna.submit(&link, "/signup/confirm", &[]).await.status, 303);
        assert_eq!(anna.open("/account").await.status, 200);
    }
}

async fn begins_free(browser: &mut Browser, email: &str) -> u16 {
    browser.submit(OFFER, "/subscribe", &[("email", email), ("agree", "yes")]).await.status
}
