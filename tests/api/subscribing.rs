//! From the wall to reading as a subscriber, on one page, before any mail is answered.

use pressgate::clock::Clock;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    reader_pages::{Browser, hidden_fields, mailed_link, signed_up},
};

const WALLED: &str = "/demo/articles/how-birds-find-their-way";
const OFFER: &str =
    "/subscribe?site=demo&plan=monthly&return_to=%2Fdemo%2Farticles%2Fhow-birds-find-their-way";

/// A browser that has met the wall.
pub(crate) async fn at_the_wall(t: &TestApp) -> Browser {
    let mut browser = Browser::new(t);
    assert_eq!(browser.open("/demo/articles/how-tides-work").await.status, 200);
    assert_eq!(browser.open(WALLED).await.status, 402);
    browser
}

/// Sends the offer's form as filled in.
pub(crate) async fn order(browser: &mut Browser, email: &str, card: &str) -> Answer {
    let fields = [("email", email), ("payment_method", card), ("agree", "yes")];
    browser.submit(OFFER, "/subscribe", &fields).await
}

/// Orders a plan without having met any wall.
pub(crate) async fn order_plan(
    browser: &mut Browser,
    plan: &str,
    email: &str,
    card: &str,
) -> Answer {
    let fields = [("email", email), ("payment_method", card), ("agree", "yes")];
    browser.submit(&format!("/subscribe?site=demo&plan={plan}"), "/subscribe", &fields).await
}

/// A browser that has just subscribed by the month with a free trial.
pub(crate) async fn begun(t: &TestApp, email: &str) -> Browser {
    let mut browser = at_the_wall(t).await;
    let begun = order(&mut browser, email, "pm_sandbox_ok").await;
    assert_eq!((begun.status, begun.header("location")), (303, WALLED), "{}", begun.text());
    browser
}

/// What the reader says at the bank.
fn answer(said: &str) -> [(String, String); 1] {
    [("answer".to_owned(), said.to_owned())]
}

/// The fields of the offer's form as this browser would send them.
async fn filled_in(browser: &mut Browser, email: &str) -> Vec<(String, String)> {
    let hidden = hidden_fields(&browser.open(OFFER).await.text(), "/subscribe").into_iter();
    let typed = [("email", email), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
    hidden.chain(typed.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

async fn subscriptions(t: &TestApp) -> Vec<Value> {
    let staff = json!({"email": "admin@demo.example", "password": "sandbox-admin"});
    let tokens = t.post("/v1/staff/login", staff.to_string()).await.json();
    let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let request =
        axum::http::Request::get("/v1/staff/subscriptions").header("authorization", token);
    let found = t.send(request.body(axum::body::Body::empty()).unwrap()).await.json();
    let all = found["subscriptions"].as_array().unwrap().iter();
    // One whose first payment was declined never came about.
    all.filter(|it| it["status"] != "expired").cloned().collect()
}

on_both_databases! {
    async fn one_form_opens_the_article_at_once(t: TestApp) {
        let mut browser = begun(&t, "anna@example.org").await;
        let article = browser.open(WALLED).await;
        assert_eq!(article.status, 200);
        // Everything else waits for the mail.
        let account = browser.open("/account").await;
        assert_eq!((account.status, account.header("location")), (303, "/subscribe/welcome"));
        let welcome = browser.open("/subscribe/welcome").await.text();
        assert!(welcome.contains("anna@example.org") && welcome.contains("free trial"), "{welcome}");
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        let opened = browser.submit(&link, "/login/link", &[]).await;
        assert_eq!((opened.status, opened.header("location")), (303, "/account"));
        let account = browser.open("/account").await.text();
        assert!(account.contains("Your subscription") && account.contains("$2.90"), "{account}");
    }

    async fn at_most_four_fields_and_one_button(t: TestApp) {
        let page = at_the_wall(&t).await.open(OFFER).await.text();
        let form = page.split("<form").find(|form| form.contains("action=\"/subscribe\"")).unwrap();
        let form = form.split("</form>").next().unwrap();
        let inputs = form.matches("<input").count() - form.matches("type=\"hidden\"").count();
        let fields = inputs + form.matches("<select").count() + form.matches("<textarea").count();
        assert_eq!((fields, form.matches("<button").count()), (3, 1), "{form}");
    }

    async fn what_was_agreed_to_is_kept_word_for_word(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let page = browser.open(OFFER).await.text();
        for words in ["30 days free, then $2.90 a month", "You can cancel anytime", "until you cancel"] {
            assert!(page.contains(words), "{words} in {page}");
        }
        order(&mut browser, "anna@example.org", "pm_sandbox_ok").await;
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        browser.submit(&link, "/login/link", &[]).await;
        let export = browser.open("/account/export").await.json();
        let consent = &export["consents"][0];
        assert_eq!((&consent["plan_id"], &consent["language"]), (&json!("monthly"), &json!("en")));
        let shown = consent["shown"].as_str().unwrap();
        assert!(shown.starts_with("Free for 30 days, until ") && shown.contains("$2.90 a month"), "{shown}");
        for line in shown.lines() {
            assert!(page.contains(line), "{line} in {page}");
        }
    }

    async fn a_form_that_shows_another_day_is_shown_again(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        t.clock.advance(Duration::hours(11));
        let before = filled_in(&mut browser, "anna@example.org").await;
        // Midnight comes while the form lies open, and the day of the first charge moves on.
        t.clock.advance(Duration::hours(10));
        let again = browser.post("/subscribe", &before).await;
        assert_eq!(again.status, 409);
        assert!(again.text().contains("Please read it once more"), "{}", again.text());
        assert_eq!(subscriptions(&t).await.len(), 0);
        let begun = order(&mut browser, "anna@example.org", "pm_sandbox_ok").await;
        assert_eq!(begun.status, 303);
    }

    async fn a_double_click_subscribes_once(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let fields = filled_in(&mut browser, "anna@example.org").await;
        let (mut one, mut two) = (browser.clone(), browser.clone());
        let (one, two) = tokio::join!(one.post("/subscribe", &fields), two.post("/subscribe", &fields));
        assert_eq!((one.status, two.status), (303, 303), "{} {}", one.text(), two.text());
        // The answer was lost, and the form is sent once more.
        assert_eq!(browser.post("/subscribe", &fields).await.status, 303);
        assert_eq!(subscriptions(&t).await.len(), 1);
        assert_eq!(browser.open(WALLED).await.status, 200);
    }

    async fn a_form_that_is_sent_many_times_at_once_subscribes_once(t: TestApp) {
        for round in 0..8 {
            let mut browser = at_the_wall(&t).await;
            let fields = filled_in(&mut browser, &format!("anna-{round}@example.org")).await;
            let clicks = (0..6).map(|_| {
                let (mut browser, fields) = (browser.clone(), fields.clone());
                tokio::spawn(async move { browser.post("/subscribe", &fields).await })
            });
            for answer in futures_util::future::join_all(clicks).await {
                let answer = answer.unwrap();
                assert_eq!(answer.status, 303, "{}", answer.text());
            }
        }
        assert_eq!(subscriptions(&t).await.len(), 8);
    }

    async fn what_is_refused_leaves_no_account_behind(t: TestApp) {
        let mut first = at_the_wall(&t).await;
        assert_eq!(order(&mut first, "anna@example.org", "pm_sandbox_ok:hers").await.status, 303);
        let mut second = at_the_wall(&t).await;
        let had_it = order(&mut second, "ben@example.org", "pm_sandbox_ok:hers").await;
        assert_eq!(had_it.status, 409, "the card had its trial");
        // The address is nobody's yet: on another device it begins at once, without a mail first.
        let mut third = at_the_wall(&t).await;
        assert_eq!(order(&mut third, "ben@example.org", "pm_sandbox_ok:his").await.status, 303);
        assert_eq!(third.open(WALLED).await.status, 200);
    }

    async fn a_form_opened_anew_after_a_lost_answer_leads_on(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let fields = filled_in(&mut browser, "anna@example.org").await;
        // Taken, but this browser never hears of it.
        let lost = browser.clone().post("/subscribe", &fields).await;
        assert_eq!(lost.status, 303, "{}", lost.text());
        assert_eq!(browser.open(WALLED).await.status, 402);
        let again = order(&mut browser, "anna@example.org", "pm_sandbox_ok").await;
        assert_eq!((again.status, again.header("location")), (303, WALLED), "{}", again.text());
        assert_eq!(browser.open(WALLED).await.status, 200);
        assert_eq!(subscriptions(&t).await.len(), 1);
    }

    async fn a_known_address_is_led_on_by_mail(t: TestApp) {
        signed_up(&t, "anna@example.org").await;
        let mut stranger = at_the_wall(&t).await;
        let refused = order(&mut stranger, "anna@example.org", "pm_unheard_of").await;
        assert_eq!(refused.status, 422, "the card is tried first");
        let told = order(&mut stranger, "anna@example.org", "pm_sandbox_ok").await;
        assert_eq!(told.status, 202);
        assert!(!stranger.is_logged_in());
        assert_eq!(stranger.open(WALLED).await.status, 402);
        assert_eq!(subscriptions(&t).await.len(), 0);
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        let back = stranger.submit(&link, "/login/link", &[]).await;
        assert!(back.header("location").starts_with("/subscribe?plan=monthly"), "{:?}", back.headers);
        let fields = [("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
        let begun = stranger.submit(OFFER, "/subscribe", &fields).await;
        assert_eq!((begun.status, begun.header("location")), (303, WALLED), "{}", begun.text());
        assert_eq!(stranger.open(WALLED).await.status, 200);
    }

    async fn a_provisional_account_belongs_to_the_browser_that_began_it(t: TestApp) {
        begun(&t, "anna@example.org").await;
        let mut other = at_the_wall(&t).await;
        let told = order(&mut other, "anna@example.org", "pm_sandbox_ok:other").await;
        assert_eq!(told.status, 202);
        assert_eq!(other.open(WALLED).await.status, 402);
    }

    async fn each_mistake_is_named_and_changes_nothing(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let long = "x".repeat(60_000);
        for (email, card, agree, words) in [
            ("", "pm_sandbox_ok", "yes", "Type the address where we can reach you."),
            ("nobody", "pm_sandbox_ok", "yes", "aria-invalid=\"true\""),
            (&long, "pm_sandbox_ok", "yes", "aria-invalid=\"true\""),
            ("<script>alert(1)</script>@example.org", "pm_sandbox_ok", "yes", "aria-invalid"),
            ("anna@example.org", "", "yes", "Choose a card."),
            ("anna@example.org", "pm_real", "yes", "We do not know this card."),
            ("anna@example.org", "pm_sandbox_ok", "", "Please agree before you begin."),
        ] {
            let fields = [("email", email), ("payment_method", card), ("agree", agree)];
            let answer = browser.submit(OFFER, "/subscribe", &fields).await;
            let page = answer.text();
            assert_eq!(answer.status, 422, "{email:.20} {card}");
            assert!(page.contains(words) && !page.contains("<script>alert"), "{words} in {page}");
        }
        let annual = OFFER.replace("monthly", "annual");
        let fields =
            [("email", "anna@example.org"), ("payment_method", "pm_sandbox_lost"), ("agree", "yes")];
        let declined = browser.submit(&annual, "/subscribe", &fields).await;
        assert_eq!(declined.status, 402);
        assert!(declined.text().contains("Your card was declined"), "{}", declined.text());
        assert_eq!(subscriptions(&t).await.len(), 0);
        assert_eq!(browser.open(WALLED).await.status, 402);
    }

    async fn what_was_chosen_is_kept_after_a_refusal(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let card = ("payment_method", "pm_sandbox_lost");
        let fields = [("email", "anna@example.org"), card, ("agree", "yes")];
        let refused = browser.submit(&format!("{OFFER}&trial=no"), "/subscribe", &fields).await;
        let page = refused.text();
        assert_eq!(refused.status, 402, "{page}");
        assert!(page.contains("<option value=\"pm_sandbox_lost\" selected>"), "{page}");
        assert!(page.contains("value=\"anna@example.org\""), "{page}");
    }

    async fn an_address_without_a_card_begins_nothing(t: TestApp) {
        let mut stranger = at_the_wall(&t).await;
        let refused = order(&mut stranger, "anna@example.org", "pm_unheard_of").await;
        assert_eq!(refused.status, 422);
        let mut anna = at_the_wall(&t).await;
        let begun = order(&mut anna, "anna@example.org", "pm_sandbox_ok").await;
        assert_eq!((begun.status, begun.header("location")), (303, WALLED), "{}", begun.text());
    }

    async fn nobody_is_led_elsewhere(t: TestApp) {
        let evils =
            ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"];
        for (place, evil) in evils.into_iter().enumerate() {
            let query = serde_urlencoded::to_string([("site", "demo"), ("return_to", evil)]).unwrap();
            let mut browser = at_the_wall(&t).await;
            let email = format!("reader{place}@example.org");
            let fields =
                [("email", email.as_str()), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
            let begun = browser.submit(&format!("/subscribe?{query}"), "/subscribe", &fields).await;
            let to = "/subscribe/welcome?plan=monthly&site=demo";
            assert_eq!((begun.status, begun.header("location")), (303, to));
            let welcome = browser.open("/subscribe/welcome").await.text();
            assert!(!welcome.contains("evil"), "{welcome}");
        }
    }

    async fn whoever_had_the_trial_is_offered_the_plan_without_it(t: TestApp) {
        let mut browser = begun(&t, "anna@example.org").await;
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        browser.submit(&link, "/login/link", &[]).await;
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        t.settle_until(t.clock.now().plus(Duration::days(31))).await;
        let fields = [("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
        let told = browser.submit(OFFER, "/subscribe", &fields).await;
        assert_eq!(told.status, 409);
        assert!(told.text().contains("Subscribe and pay $2.90"), "{}", told.text());
        let paid = format!("{OFFER}&trial=no");
        let paid = browser.submit(&paid, "/subscribe", &fields).await;
        assert_eq!((paid.status, paid.header("location")), (303, WALLED), "{}", paid.text());
    }

    async fn a_wrong_address_is_corrected_while_it_is_provisional(t: TestApp) {
        let mut browser = begun(&t, "ana@example.org").await;
        let (welcome, correct) = ("/subscribe/welcome", "/subscribe/welcome/address");
        let corrected = browser.submit(welcome, correct, &[("email", "anna@example.org")]).await;
        assert_eq!(corrected.status, 303, "{}", corrected.text());
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        assert_eq!(browser.submit(&link, "/login/link", &[]).await.header("location"), "/account");
        // Whoever has the wrong mailbox opens nothing.
        let stale = mailed_link(&t, "ana@example.org", "/login/link").await;
        assert_eq!(Browser::new(&t).submit(&stale, "/login/link", &[]).await.status, 401);
    }

    async fn a_bank_that_asks_is_answered_first(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let sent = order(&mut browser, "anna@example.org", "pm_sandbox_authentication").await;
        let bank = sent.header("location").to_owned();
        assert!(bank.starts_with("/sandbox/gateway/confirm/"), "{bank}");
        assert_eq!(browser.open(WALLED).await.status, 402, "not yet");
        let to = "/subscribe/welcome?plan=monthly&site=demo&\
            return_to=%2Fdemo%2Farticles%2Fhow-birds-find-their-way";
        let welcome = browser.open(to).await.text();
        assert!(welcome.contains("Confirm the payment"), "{welcome}");
        assert!(welcome.contains(&bank.replace('&', "&#38;")), "{welcome}");
        assert!(!welcome.contains("works here already") && !welcome.contains(">Go on reading<"));
        // The mail once more leads to the same page, which still knows the way.
        let again = browser.submit(to, "/subscribe/welcome/mail", &[]).await;
        assert_eq!(again.header("location"), format!("{to}&sent=1"));
        // Nobody is told that every article is open now.
        let offer = browser.open(OFFER).await;
        assert_eq!((offer.status, offer.header("location")), (303, to), "{}", offer.text());
        let confirmed = browser.post(&bank, &answer("confirm")).await;
        assert_eq!((confirmed.status, confirmed.header("location")), (303, to));
        let welcome = browser.open(to).await.text();
        assert!(welcome.contains(&format!("href=\"{WALLED}\">Go on reading<")), "{welcome}");
        assert!(welcome.contains("works here already"), "{welcome}");
        assert_eq!(browser.open(WALLED).await.status, 200);
        // The bank's page knows the way too, once there is nothing to ask.
        let over = browser.open(&bank).await;
        assert!(over.status == 410 && over.text().contains("href=\"/subscribe/welcome?"));
    }

    async fn a_bank_that_says_no_leads_back_to_the_plan(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let annual = OFFER.replace("monthly", "annual");
        let fields =
            [("email", "anna@example.org"), ("payment_method", "pm_sandbox_authentication"), ("agree", "yes")];
        let sent = browser.submit(&annual, "/subscribe", &fields).await;
        let bank = sent.header("location").to_owned();
        let refused = browser.post(&bank, &answer("refuse")).await;
        let welcome = browser.open(refused.header("location")).await;
        let offer = welcome.header("location").to_owned();
        assert!(offer.starts_with("/subscribe?plan=annual&site=demo&return_to="), "{offer}");
        let page = browser.open(&offer).await.text();
        assert!(page.contains("Your bank did not confirm"), "{page}");
        assert!(page.contains("name=\"plan\" value=\"annual\""), "{page}");
        let fields = [("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
        let begun = browser.submit(&offer, "/subscribe", &fields).await;
        assert_eq!((begun.status, begun.header("location")), (303, WALLED), "{}", begun.text());
    }

    async fn nobody_is_told_by_an_address_that_a_bank_said_no(t: TestApp) {
        let page = at_the_wall(&t).await.open(&format!("{OFFER}&refused=bank")).await.text();
        assert!(!page.contains("did not confirm"), "{page}");
    }

    async fn a_bank_leads_nobody_elsewhere(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let sent = order(&mut browser, "anna@example.org", "pm_sandbox_authentication").await;
        let bank = sent.header("location").split('?').next().unwrap().to_owned();
        for evil in ["https://evil.example/", "//evil.example", "/\\evil", "/%2fevil.example", ""] {
            let query = serde_urlencoded::to_string([("return_to", evil)]).unwrap();
            let answered = browser.post(&format!("{bank}?{query}"), &answer("confirm")).await;
            assert_eq!((answered.status, answered.header("location")), (303, "/account"), "{evil}");
            let over = browser.open(&format!("{bank}?{query}")).await.text();
            assert!(over.contains("href=\"/account\"") && !over.contains("evil"), "{over}");
        }
    }
}
