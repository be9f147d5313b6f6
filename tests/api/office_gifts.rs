//! A gift to an address: at once where it has an account; else one click on the link in its mail
//! makes the account, and the days begin. The link logs nobody in.

use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{TestApp, at},
    back_office::hire,
    office_billing::Clerk,
    office_pages::on_duty,
    reader_pages::{Browser, hidden_fields, mailed_link, signed_up},
    reader_pages_trouble::{hostile, is_harmless},
    readers::{ANNA, Tokens},
    subscribing::begun,
};

const CARLA: &str = "carla@example.org";

impl Clerk {
    /// A gift to an address; the answer.
    async fn offers(&self, email: &str, more: Value) -> Value {
        let mut order = json!({"email": email, "days": 30, "reason": "a prize"});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.post("gifts", order).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    async fn waiting(&self) -> Vec<Value> {
        let mut answer = self.get("gifts").await.json();
        answer["gifts"].as_array_mut().unwrap().drain(..).collect()
    }
}

async fn accounts(t: &TestApp) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let query = tx.query("SELECT COUNT(*) FROM readers WHERE email_key IS NOT NULL");
    query.optional::<(i64,)>().await.unwrap().unwrap().0
}

on_both_databases! {
    async fn one_click_makes_the_account_and_the_days_begin(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let offered = support.offers(CARLA, json!({})).await;
        assert_eq!((&offered["given"], &offered["waits"]["days"]), (&Value::Null, &json!(30)));
        assert!(!offered.to_string().contains("carla"), "answers are kept for a day: {offered}");
        assert_eq!(support.waiting().await[0]["email"], CARLA);
        assert_eq!(t.subjects_to(CARLA).await, ["A gift for you"]);
        assert_eq!(accounts(&t).await, 0, "nobody has an account who did not ask for one");

        t.clock.set(at("2027-01-01T00:00:00Z"));
        let link = mailed_link(&t, CARLA, "/gift").await;
        let mut browser = Browser::new(&t);
        let page = browser.open(&link).await;
        assert!(page.status == 200 && page.text().contains("Accept the gift"), "{}", page.text());
        assert_eq!(accounts(&t).await, 0, "a program that looks at mails accepts nothing");
        let mut second = browser.clone();
        let accepted = browser.submit(&link, "/gift", &[]).await;
        assert!(accepted.status == 200 && accepted.text().contains("The days have begun"), "{}", accepted.text());
        assert!(!accepted.text().contains(CARLA), "whoever was forwarded the mail may have clicked");
        assert!(!browser.is_logged_in(), "a link of 60 days logs nobody in");
        let by_mail = mailed_link(&t, CARLA, "/login/link").await;
        assert_eq!(browser.submit(&by_mail, "/login/link", &[]).await.header("location"), "/account");
        let account = browser.open("/account").await.text();
        assert!(account.contains("31 January 2027"), "thirty days from the click: {account}");
        assert!(support.waiting().await.is_empty());
        let over = second.open(&link).await.text();
        assert!(over.contains("accepted already, or is over") && !over.contains("Accept the gift</button>"), "{over}");
        let given = support.get("complimentary?state=running").await.json()["complimentary"].take();
        assert_eq!((&given[0]["reader"]["email"], &given[0]["reason"]), (&json!(CARLA), &json!("a prize")));
        assert_eq!(given[0]["given_by"], json!(support.actor));
        assert_eq!(given.as_array().unwrap().len(), 1);
        let log = Clerk::hired(&t, Role::Admin).await.audited().await;
        let actions: Vec<&str> = log.iter().map(|it| it["action"].as_str().unwrap()).collect();
        assert!(actions.contains(&"gift.offered"), "{actions:?}");
        assert!(!json!(log).to_string().contains("carla"), "{log:?}");
    }

    async fn whoever_has_an_account_has_it_at_once(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let offered = support.offers("Anna@Example.org", json!({"days": 5})).await;
        assert_eq!((&offered["given"]["state"], &offered["waits"]), (&json!("running"), &Value::Null));
        assert_eq!(t.reason(&anna).await, "complimentary");
    }

    async fn whoever_made_an_account_meanwhile_has_it_by_the_link(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        support.offers(ANNA, json!({})).await;
        let anna = t.reader(ANNA).await;
        assert_eq!(t.reason(&anna).await, "metered", "it was not accepted yet");
        let link = mailed_link(&t, ANNA, "/gift").await;
        let mut browser = Browser::new(&t);
        t.clock.advance(Duration::days(59));
        assert_eq!(browser.submit(&link, "/gift", &[]).await.status, 200);
        assert!(!browser.is_logged_in());
        assert_eq!(browser.open("/account").await.header("location"), "/login?return_to=/account");
        let anna = Tokens::of(&t.refresh(&anna.refresh).await);
        t.clock.advance(Duration::SECOND);
        assert_eq!(t.reason(&anna).await, "complimentary");
        assert_eq!(accounts(&t).await, 1);
    }

    async fn the_link_that_follows_a_gift_logs_in_once_for_a_quarter_of_an_hour(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        support.offers(CARLA, json!({})).await;
        let link = mailed_link(&t, CARLA, "/gift").await;
        assert_eq!(Browser::new(&t).submit(&link, "/gift", &[]).await.status, 200);
        let subjects = t.subjects_to(CARLA).await;
        assert!(subjects.contains(&"Your link to log in".to_owned()), "{subjects:?}");
        let by_mail = mailed_link(&t, CARLA, "/login/link").await;
        t.clock.advance(Duration::minutes(15));
        assert_eq!(Browser::new(&t).submit(&by_mail, "/login/link", &[]).await.status, 401);
    }

    /// Where the mailbox has had its mails, the days still begin.
    async fn a_gift_is_accepted_although_too_many_mails_were_asked_for(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        support.offers(CARLA, json!({})).await;
        let link = mailed_link(&t, CARLA, "/gift").await;
        while t.ask_for_mail("/v1/auth/magic-links", json!({"email": CARLA})).await.status == 202 {}
        let mails = t.subjects_to(CARLA).await.len();
        let accepted = Browser::new(&t).submit(&link, "/gift", &[]).await;
        assert!(accepted.status == 200 && !accepted.text().contains("We have just mailed"), "{}", accepted.text());
        let subjects = t.subjects_to(CARLA).await.split_off(mails);
        assert_eq!(subjects, ["A subscription for you"]);
    }

    async fn whoever_is_logged_in_stays_and_nobody_else_comes_in(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        support.offers(CARLA, json!({})).await;
        support.offers("dora@example.org", json!({})).await;
        let mut carla = signed_up(&t, CARLA).await;
        let to_dora = mailed_link(&t, "dora@example.org", "/gift").await;
        // Forwarded to Carla, who stays herself.
        assert_eq!(carla.submit(&to_dora, "/gift", &[]).await.status, 200);
        let account = carla.open("/account").await.text();
        assert!(account.contains(CARLA) && !account.contains("dora"), "{account}");
        let mails = t.subjects_to(CARLA).await.len();
        let own = mailed_link(&t, CARLA, "/gift").await;
        let accepted = carla.submit(&own, "/gift", &[]).await;
        assert_eq!((accepted.status, accepted.header("location")), (303, "/account"));
        assert!(carla.open("/account").await.text().contains("with our compliments"));
        assert_eq!(t.subjects_to(CARLA).await.split_off(mails), ["A subscription for you"]);
    }

    /// The mail was answered, so the account is whole; the browser that typed the address reads.
    async fn a_gift_to_an_address_that_somebody_typed_confirms_it_and_logs_nobody_in(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        support.offers(CARLA, json!({})).await;
        let mut typed = begun(&t, CARLA).await;
        let link = mailed_link(&t, CARLA, "/gift").await;
        let mut other = Browser::new(&t);
        assert_eq!(other.submit(&link, "/gift", &[]).await.status, 200);
        for browser in [&mut typed, &mut other] {
            let account = browser.open("/account").await;
            assert_eq!((account.status, account.header("location")), (303, "/login?return_to=/account"));
        }
        assert_eq!(accounts(&t).await, 1);
    }

    async fn what_waits_is_seen_taken_back_and_over(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let id = support.offers(CARLA, json!({})).await["waits"]["id"].as_str().unwrap().to_owned();
        let twice = support.post("gifts", json!({"email": "CARLA@example.org", "days": 5})).await;
        assert_eq!(twice.problem(), (409, "gift_waits".to_owned()));
        assert_eq!(t.subjects_to(CARLA).await.len(), 1);
        let link = mailed_link(&t, CARLA, "/gift").await;
        let path = format!("gifts/{id}/withdraw");
        assert_eq!(support.post(&path, json!({"reason": "wrong address"})).await.status, 204);
        assert_eq!(support.post(&path, json!({})).await.problem().0, 404);
        let page = Browser::new(&t).open(&link).await.text();
        assert!(page.contains("accepted already, or is over"), "{page}");
        let entry = Clerk::hired(&t, Role::Admin).await.audited().await.remove(0);
        assert_eq!((&entry["action"], &entry["after"]["reason"]), (&json!("gift.withdrawn"), &json!("wrong address")));

        support.offers(CARLA, json!({"language": "fr"})).await;
        assert!(t.subjects_to(CARLA).await.contains(&"Un cadeau pour vous".to_owned()));
        let link = mailed_link(&t, CARLA, "/gift").await;
        let mut browser = Browser::new(&t);
        t.clock.advance(Duration::days(60) - Duration::SECOND);
        assert!(browser.open(&link).await.text().contains("name=\"token\""));
        t.clock.advance(Duration::SECOND);
        assert!(!browser.open(&link).await.text().contains("name=\"token\""));
        assert!(support.waiting().await.is_empty());
        // Nobody has forgotten it yet, and still the address is free for another.
        support.offers(CARLA, json!({})).await;
        t.clock.advance(Duration::days(60));
        let log = t.state.config.decisions;
        pressgate::upkeep::forget(&t.state.databases.main, &*t.clock, log).await.unwrap();
        let mut tx = t.state.databases.main.read().await.unwrap();
        let left = tx.query("SELECT COUNT(*) FROM waiting_gifts").optional::<(i64,)>().await;
        assert_eq!(left.unwrap().unwrap().0, 0, "an address that wanted nothing is forgotten");
    }

    async fn of_many_clicks_on_one_gift_one_counts(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        support.offers(CARLA, json!({})).await;
        let link = mailed_link(&t, CARLA, "/gift").await;
        let processes = [t.clone(), t.another_process().await];
        let clicks = (0..8).map(|i| {
            let (t, link) = (processes[i % 2].clone(), link.clone());
            tokio::spawn(async move {
                let mut browser = Browser::new(&t);
                let page = browser.open(&link).await.text();
                if !page.contains("name=\"token\"") {
                    return 401;
                }
                let form = hidden_fields(&page, "/gift");
                browser.post("/gift", &form).await.status
            })
        });
        let statuses = futures_util::future::join_all(clicks).await;
        let statuses: Vec<u16> = statuses.into_iter().map(Result::unwrap).collect();
        assert_eq!(statuses.iter().filter(|it| **it == 200).count(), 1, "{statuses:?}");
        assert_eq!(accounts(&t).await, 1);
        let given = support.get("complimentary").await.json()["complimentary"].take();
        assert_eq!(given.as_array().unwrap().len(), 1);
    }

    async fn an_offer_that_cannot_be_says_which_part(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        for (order, field) in [
            (json!({"days": 5}), "email"),
            (json!({"email": "carla", "days": 5}), "email"),
            (json!({"email": "a@b.org\r\nBcc: c@d.org", "days": 5}), "email"),
            (json!({"email": CARLA}), "days"),
            (json!({"email": CARLA, "days": 0}), "days"),
            (json!({"email": CARLA, "days": 5, "product": "magazine"}), "product"),
            (json!({"email": CARLA, "days": 5, "language": "tlh"}), "language"),
            (json!({"email": CARLA, "days": 5, "reason": "x".repeat(501)}), "reason"),
            (json!({"email": CARLA, "days": 5, "admin": true}), "admin"),
        ] {
            let refused = support.post("gifts", order.clone()).await;
            assert_eq!(refused.fields()[0].0, field, "{order}");
        }
        assert!(t.subjects_to(CARLA).await.is_empty());
        for token in ["", "x", "pgl_x", "%ff%00", "%3Cscript%3E"] {
            let page = Browser::new(&t).open(&format!("/gift?token={token}")).await;
            assert!([200, 400].contains(&page.status), "{token}: {}", page.status);
            assert!(!page.text().contains("<script>"), "{token}");
        }
    }

    async fn hostile_texts_accept_nothing(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        support.offers(CARLA, json!({})).await;
        let link = mailed_link(&t, CARLA, "/gift").await;
        let mut browser = Browser::new(&t);
        let page = browser.open(&link).await.text();
        for text in hostile() {
            let fields = hidden_fields(&page, "/gift").into_iter().map(|(name, value)| {
                let value = if name == "token" { text.clone() } else { value };
                (name, value)
            });
            let answer = browser.post("/gift", &fields.collect::<Vec<_>>()).await;
            is_harmless(&answer, &text, "/gift");
        }
        assert_eq!((accounts(&t).await, support.waiting().await.len()), (0, 1));
    }

    async fn a_gift_is_sent_from_its_page(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let mut browser = on_duty(&t, Role::Support).await;
        assert!(browser.open("/staff/readers").await.text().contains("href=\"/staff/gifts\""));
        let page = "/staff/gifts";
        let wish = |email: &'static str, days: &'static str, reason: &'static str| {
            [("email", email), ("days", days), ("reason", reason), ("language", "en")]
        };
        for (email, days, reason) in [("carla", "5", "x"), (CARLA, "0", "x"), (CARLA, "5", " ")] {
            let refused = browser.submit(page, page, &wish(email, days, reason)).await;
            assert_eq!(refused.status, 422, "{email} {days} {reason}");
            assert!(refused.text().contains(email), "what was typed is kept");
        }
        let hostile = "<script>alert(1)</script>";
        let sent = browser.submit(page, page, &wish(CARLA, "5", hostile)).await;
        assert_eq!(sent.header("location"), "/staff/gifts?done=sent", "{}", sent.text());
        let listed = browser.open(page).await.text();
        assert!(listed.contains(CARLA) && !listed.contains(hostile), "{listed}");
        let again = browser.submit(page, page, &wish(CARLA, "5", "x")).await;
        assert_eq!(again.status, 409);
        let action = "/staff/gifts/withdraw";
        let back = browser.submit(page, action, &[("reason", "a mistake")]).await;
        assert_eq!(back.header("location"), "/staff/gifts?done=withdrawn", "{}", back.text());
        let known = browser.submit(page, page, &wish(ANNA, "5", "a letter")).await;
        let place = format!("/staff/readers/{}?done=given", anna.reader);
        assert_eq!(known.header("location"), place, "{}", known.text());
        hire(&t, Role::Viewer).await;
        let mut viewer = on_duty(&t, Role::Viewer).await;
        assert_eq!(viewer.open(page).await.status, 403);
    }
}
