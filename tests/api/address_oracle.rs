//! What an order, or a correction of an address, says about who has an account: nothing before a good
//! card, whatever the address is.

use pressgate::{clock::Clock, upkeep::forget};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    reader_pages::{Browser, hidden_fields, mailed_link, signed_up},
    subscribing::at_the_wall,
};

const MONTHLY: &str = "/subscribe?site=demo&plan=monthly";
const ANNUAL: &str = "/subscribe?site=demo&plan=annual";

/// What an address can be when a stranger types it.
const STATES: [&str; 7] = ["nobody", "guests", "reader", "subscr", "hadone", "erased", "lapsed"];

/// All addresses are of one length, so that pages of one length can be compared.
fn address(state: &str, case: usize) -> String {
    format!("{state}-{case:02}@example.org")
}

async fn order(browser: &mut Browser, offer: &str, email: &str, card: &str) -> Answer {
    let fields = [("email", email), ("payment_method", card), ("agree", "yes")];
    browser.submit(offer, "/subscribe", &fields).await
}

/// A browser in which a trial was begun with `email`, by a card of its own.
async fn trial(t: &TestApp, email: &str) -> Browser {
    let mut browser = at_the_wall(t).await;
    let card = format!("pm_sandbox_ok:{}", email.split('@').next().unwrap());
    let begun = order(&mut browser, MONTHLY, email, &card).await;
    assert_eq!(begun.status, 303, "{email}: {}", begun.text());
    browser
}

async fn answer_mail(t: &TestApp, browser: &mut Browser, email: &str) {
    let link = mailed_link(t, email, "/login/link").await;
    assert_eq!(browser.submit(&link, "/login/link", &[]).await.status, 303, "{email}");
}

/// Makes each address what its name says, then lets a month pass.
async fn prepare(t: &TestApp, cases: usize) {
    for case in 0..cases {
        for state in ["hadone", "erased"] {
            let email = address(state, case);
            let mut browser = trial(t, &email).await;
            answer_mail(t, &mut browser, &email).await;
            browser.submit("/account/cancel", "/account/cancel", &[]).await;
            if state == "erased" {
                let erase = browser.submit("/account/erase", "/account/erase", &[]);
                assert_eq!(erase.await.header("location"), "/signup");
            }
        }
        // A declined card begins nothing.
        let mut browser = at_the_wall(t).await;
        let lapsed = order(&mut browser, ANNUAL, &address("lapsed", case), "pm_sandbox_lost").await;
        assert_eq!(lapsed.status, 402);
    }
    t.settle_until(t.clock.now().plus(Duration::days(32))).await;
    forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
    for case in 0..cases {
        trial(t, &address("guests", case)).await;
        signed_up(t, &address("reader", case)).await;
        let email = address("subscr", case);
        let mut browser = trial(t, &email).await;
        answer_mail(t, &mut browser, &email).await;
    }
}

/// An answer without what is different each time: tokens, ids, and the address itself.
fn bare(answer: &Answer, email: &str) -> (u16, Vec<(String, String)>, String) {
    let url = email.replace('@', "%40");
    let blank = |text: &str| {
        let text = text.replace(email, "ADDRESS").replace(&url, "ADDRESS");
        let mut words: Vec<String> = Vec::new();
        for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
        {
            let bare =
                word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
            // The last digits of a card that each browser has for itself.
            if word.len() == 5 && word.ends_with(',') && bare.bytes().all(|it| it.is_ascii_digit())
            {
                words.push("CARD,".to_owned());
                continue;
            }
            let is_token = bare.len() >= 36;
            words.push(if is_token { word.replace(bare, "TOKEN") } else { word.to_owned() });
        }
        words.concat()
    };
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), blank(value.to_str().unwrap())))
        .collect();
    headers.sort();
    (answer.status, headers, blank(&answer.text()))
}

/// How many subscriptions the reader who is logged in here has.
async fn subscriptions(browser: &mut Browser) -> usize {
    let export = browser.open("/account/export").await.json();
    export["subscriptions"].as_array().unwrap().len()
}

async fn mails(t: &TestApp, email: &str) -> usize {
    t.mails_to(email).await.len()
}

/// One way to be refused: the name, the offer, the card, the consent, and the status.
type Refusal = (&'static str, &'static str, &'static str, &'static str, u16);

const REFUSALS: [Refusal; 11] = [
    ("no card", MONTHLY, "", "yes", 422),
    ("no consent", MONTHLY, "pm_sandbox_ok", "", 422),
    ("a card that the gateway does not know", MONTHLY, "pm_unheard_of", "yes", 422),
    ("a card that had the trial", MONTHLY, "pm_sandbox_ok:used", "yes", 409),
    (
        "a card that had the trial, before the bank asks",
        MONTHLY,
        "pm_sandbox_authentication:used",
        "yes",
        409,
    ),
    ("an unknown card, paid at once", ANNUAL, "pm_unheard_of", "yes", 422),
    ("declined softly", ANNUAL, "pm_sandbox_declined", "yes", 402),
    ("lost", ANNUAL, "pm_sandbox_lost", "yes", 402),
    ("declined for now", ANNUAL, "pm_sandbox_declined_once", "yes", 402),
    ("the bank asks about a trial", MONTHLY, "pm_sandbox_authentication", "yes", 303),
    ("the bank asks about a payment", ANNUAL, "pm_sandbox_authentication", "yes", 303),
];

on_both_databases! {
    async fn every_refusal_is_the_same_whoever_has_the_address(t: TestApp) {
        let mut used = at_the_wall(&t).await;
        assert_eq!(order(&mut used, MONTHLY, "used@example.org", "pm_sandbox_ok:used").await.status, 303);
        let mut used = at_the_wall(&t).await;
        let waits = order(&mut used, MONTHLY, "user@example.org", "pm_sandbox_authentication:used").await;
        let answer = [("answer".to_owned(), "confirm".to_owned())];
        assert_eq!(used.post(waits.header("location"), &answer).await.status, 303);
        prepare(&t, REFUSALS.len()).await;
        for (case, (name, offer, card, agree, status)) in REFUSALS.into_iter().enumerate() {
            let mut first = None;
            for state in STATES {
                let email = address(state, case);
                let before = mails(&t, &email).await;
                let mut stranger = at_the_wall(&t).await;
                let fields = [("email", email.as_str()), ("payment_method", card), ("agree", agree)];
                let answer = stranger.submit(offer, "/subscribe", &fields).await;
                assert_eq!(answer.status, status, "{name}, {state}: {}", answer.text());
                let welcome = stranger.open("/subscribe/welcome").await;
                let said = (
                    bare(&answer, &email),
                    bare(&welcome, &email),
                    mails(&t, &email).await - before,
                );
                assert_eq!(said.2 > 0, status == 303, "{name}, {state}");
                let first = first.get_or_insert_with(|| said.clone());
                assert_eq!(*first, said, "{name}: {state} differs from {}", STATES[0]);
            }
        }
    }

    async fn only_a_good_unused_card_tells_and_a_mail_goes_with_it(t: TestApp) {
        prepare(&t, 2).await;
        for (case, offer) in [MONTHLY, ANNUAL].into_iter().enumerate() {
            for state in STATES {
                let email = address(state, case);
                let before = mails(&t, &email).await;
                let card = format!("pm_sandbox_ok:new-{state}-{case}");
                let mut stranger = at_the_wall(&t).await;
                let answer = order(&mut stranger, offer, &email, &card).await;
                let is_free = matches!(state, "nobody" | "lapsed")
                    // The trial was used; there is no account that a paid plan could belong to.
                    || (state == "erased" && offer == ANNUAL);
                assert_eq!(answer.status, if is_free { 303 } else { 202 }, "{state} {offer}");
                assert!(mails(&t, &email).await > before, "{state} {offer}");
                assert_eq!(stranger.is_logged_in(), is_free, "{state} {offer}");
            }
        }
        assert_eq!(t.book().await.iter().filter(|(_, status)| status == "succeeded").count(), 3);
    }

    /// The bank says yes, and only then it shows that the address is another reader's.
    async fn a_card_that_the_bank_confirms_begins_nothing_for_a_known_address(t: TestApp) {
        signed_up(&t, "reader@example.org").await;
        for (offer, paid) in [(MONTHLY, false), (ANNUAL, true)] {
            let mut stranger = at_the_wall(&t).await;
            let sent = order(&mut stranger, offer, "reader@example.org", "pm_sandbox_authentication").await;
            let bank = sent.header("location").to_owned();
            let answer = [("answer".to_owned(), "confirm".to_owned())];
            let confirmed = stranger.post(&bank, &answer).await;
            let welcome = stranger.open(confirmed.header("location")).await;
            assert!(welcome.status == 200 && welcome.text().contains("Look into your mail"), "{}", welcome.text());
            assert_eq!(stranger.open("/demo/articles/how-birds-find-their-way").await.status, 402);
            t.settle_until(t.clock.now().plus(Duration::minutes(5))).await;
            let book = t.get("/sandbox/gateway/charges").await.json();
            let charges = book["charges"].as_array().unwrap();
            assert_eq!(charges.len(), usize::from(paid));
            for charge in charges {
                assert_eq!(charge["refunded"], charge["amount"], "it is given back");
            }
            // The card is as good as before, and the account of the address is left alone.
            let link = mailed_link(&t, "reader@example.org", "/login/link").await;
            let mut owner = Browser::new(&t);
            owner.submit(&link, "/login/link", &[]).await;
            assert_eq!(subscriptions(&mut owner).await, 0);
        }
        t.the_books_are_right().await;
    }

    async fn a_corrected_address_says_nothing_and_few_are_taken(t: TestApp) {
        prepare(&t, 1).await;
        let mut first = None;
        for (number, state) in STATES.into_iter().enumerate() {
            let email = address(state, 0);
            let before = mails(&t, &email).await;
            let mut stranger = trial(&t, &format!("stranger-{number:02}@example.org")).await;
            let page = "/subscribe/welcome";
            let action = "/subscribe/welcome/address";
            let answer = stranger.submit(page, action, &[("email", &email)]).await;
            assert_eq!(answer.status, 303, "{state}: {}", answer.text());
            let welcome = stranger.open(answer.header("location")).await;
            let read = stranger.open("/demo/articles/how-birds-find-their-way").await;
            let again = stranger.submit(page, "/subscribe/welcome/mail", &[]).await;
            let said = [&answer, &welcome, &read, &again].map(|answer| bare(answer, &email));
            assert_eq!(mails(&t, &email).await - before, 2, "{state}");
            let first = first.get_or_insert_with(|| said.clone());
            assert_eq!(*first, said, "{state} differs from {}", STATES[0]);
        }
        // A fourth correction in a day is refused before anything is looked up.
        let mut refusals = Vec::new();
        for (last, number) in [(address("nobody", 5), 0), (address("reader", 0), 1)] {
            let mut stranger = trial(&t, &format!("another-{number:02}@example.org")).await;
            for typo in 0..3 {
                let email = format!("typo-{number}{typo}@example.org");
                let fields = [("email", email.as_str())];
                let taken = stranger.submit("/subscribe/welcome", "/subscribe/welcome/address", &fields);
                assert_eq!(taken.await.status, 303);
            }
            let before = mails(&t, &last).await;
            let fields = [("email", last.as_str())];
            let refused = stranger.submit("/subscribe/welcome", "/subscribe/welcome/address", &fields).await;
            assert_eq!((refused.status, mails(&t, &last).await), (429, before), "{}", refused.text());
            assert!(!refused.header("retry-after").is_empty());
            refusals.push(bare(&refused, &last).2.replace(&format!("typo-{number}"), "typo-"));
        }
        assert_eq!(refusals[0], refusals[1]);
    }

    /// The mail to a known address lets its owner in, and leaves the stranger's account alone.
    async fn an_address_stays_with_its_account(t: TestApp) {
        signed_up(&t, "anna@example.org").await;
        let mut stranger = trial(&t, "stranger@example.org").await;
        let fields = [("email", "anna@example.org")];
        stranger.submit("/subscribe/welcome", "/subscribe/welcome/address", &fields).await;
        assert_eq!(t.subjects_to("anna@example.org").await.last().unwrap(), "You already have an account");
        let mut anna = Browser::new(&t);
        answer_mail(&t, &mut anna, "anna@example.org").await;
        assert_eq!(subscriptions(&mut anna).await, 0);
        // The stranger goes on reading there, and may correct the address once more.
        assert_eq!(stranger.open("/demo/articles/how-birds-find-their-way").await.status, 200);
        let fields = [("email", "their-own@example.org")];
        stranger.submit("/subscribe/welcome", "/subscribe/welcome/address", &fields).await;
        answer_mail(&t, &mut stranger, "their-own@example.org").await;
        assert_eq!(subscriptions(&mut stranger).await, 1);
    }

    async fn a_card_that_is_declined_once_pays_the_second_time(t: TestApp) {
        let mut browser = at_the_wall(&t).await;
        let once = "pm_sandbox_declined_once";
        assert_eq!(order(&mut browser, ANNUAL, "anna@example.org", once).await.status, 402);
        assert_eq!(order(&mut browser, ANNUAL, "anna@example.org", once).await.status, 303);
        assert_eq!(t.book().await, [(1_990, "succeeded".to_owned())]);
    }

    async fn a_form_that_waits_for_the_bank_is_one_order_however_often_it_is_sent(t: TestApp) {
        for (number, email) in ["anna@example.org", "ben@example.org"].into_iter().enumerate() {
            if number == 1 {
                signed_up(&t, email).await;
            }
            let mut browser = at_the_wall(&t).await;
            let hidden = hidden_fields(&browser.open(MONTHLY).await.text(), "/subscribe").into_iter();
            let typed =
                [("email", email), ("payment_method", "pm_sandbox_authentication"), ("agree", "yes")];
            let typed = typed.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let fields: Vec<_> = hidden.chain(typed).collect();
            let first = browser.clone().post("/subscribe", &fields).await;
            // The answer was lost, and with it the session.
            let again = browser.clone().post("/subscribe", &fields).await;
            let anew = order(&mut browser, MONTHLY, email, "pm_sandbox_authentication").await;
            assert_eq!([first.status, again.status, anew.status], [303; 3], "{email}");
            assert_eq!(first.header("location"), again.header("location"), "{email}");
            assert!(anew.header("location").starts_with("/sandbox/gateway/confirm/"), "{email}");
        }
    }
}
