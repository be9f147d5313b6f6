//! Mails as the office sees them: where they stand, and whether they were acted on, which is that a link
//! was used by the page behind it. Programs that look into mails open every link, and that says nothing.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use pressgate::{
    auth::staff::model::Role,
    clock::Clock,
    language::Words,
    mail::{
        address::Address,
        letter::{Content, Letter},
        recipient::Recipient,
    },
    newsletter::{link::Purpose, store as newsletters},
    upkeep::forget,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::TestApp,
    back_office::{hire, token_of},
    office_billing::Clerk,
    office_pages::on_duty,
    reader_pages::{Browser, mailed_link},
    readers::{ANNA, OTHER_PASSWORD, PASSWORD, Tokens},
    subscribing::begun,
};

const NEW: &str = "anna.new@example.org";

/// The subjects of the mails that were acted on, the latest click first, and when.
async fn clicked(t: &TestApp) -> Vec<(String, String)> {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let found = tx.query(
        "SELECT subject, clicked_at FROM mail_outbox WHERE clicked_at IS NOT NULL
         ORDER BY clicked_at DESC, id DESC",
    );
    let rows: Vec<(String, pressgate::clock::Timestamp)> = found.all().await.unwrap();
    rows.into_iter().map(|(subject, at)| (subject, at.to_string())).collect()
}

/// What the last click was on.
async fn last(t: &TestApp) -> String {
    clicked(t).await.remove(0).0
}

async fn links_kept(t: &TestApp) -> i64 {
    let mut tx = t.state.databases.main.read().await.unwrap();
    let row: Option<(i64,)> = tx.query("SELECT COUNT(*) FROM mail_links").optional().await.unwrap();
    row.unwrap().0
}

async fn write(t: &TestApp, to: &str, content: Content) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    let to = Recipient::new(&Address::parse(to).unwrap(), Words::default());
    t.state.accounts.mail.enqueue(&mut tx, &to, content, t.clock.now()).unwrap();
    tx.commit().await.unwrap();
    t.clock.advance(Duration::SECOND);
}

/// A letter with a link that leaves a list by one click.
fn news(url: String) -> Content {
    Letter::AddressTaken.content(&Words::default()).unsubscribe(url)
}

on_both_databases! {
    async fn a_mail_is_used_once_by_its_page_and_never_by_being_opened(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let confirmed = clicked(&t).await;
        assert_eq!(confirmed.len(), 1, "{confirmed:?}");
        assert_eq!(confirmed[0].0, "Confirm your address");
        t.clock.advance(Duration::HOUR);
        t.ask_for_mail("/v1/auth/magic-links", json!({"email": ANNA})).await;
        let link = mailed_link(&t, ANNA, "/login/link").await;
        for _ in 0..3 {
            assert_eq!(Browser::new(&t).open(&link).await.status, 200);
        }
        for wrong in ["pgl_x".to_owned(), format!("{}x", t.link(ANNA).await)] {
            assert_eq!(t.redeem(&wrong).await.status, 401);
        }
        assert_eq!(clicked(&t).await, confirmed, "nothing was done by any of it");
        t.clock.advance(Duration::MINUTE);
        let mut browser = Browser::new(&t);
        browser.submit(&link, "/login/link", &[]).await;
        assert!(browser.is_logged_in());
        let used = clicked(&t).await;
        assert_eq!((used[0].0.as_str(), used.len()), ("Your link to log in", 2));
        // Later clicks change nothing.
        t.clock.advance(Duration::MINUTE);
        assert_eq!(t.redeem(&t.link(ANNA).await).await.status, 401);
        assert_eq!(clicked(&t).await, used);

        let token = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/readers/{}", anna.reader);
        let whole = t.call(Method::GET, &path, &token, None).await.json();
        let of_mails: Vec<&Value> =
            whole["mails"].as_array().unwrap().iter().map(|it| &it["clicked_at"]).collect();
        assert_eq!(of_mails, [&used[0].1, &confirmed[0].1]);
        let timeline = format!("{path}/timeline?kind=mail");
        let timeline = t.call(Method::GET, &timeline, &token, None).await.json();
        let entry = &timeline["timeline"][0];
        assert_eq!(
            (&entry["event"], &entry["actor"], &entry["at"], &entry["text"]),
            (
                &json!("mail.clicked"),
                &json!("reader"),
                &json!(used[0].1),
                &json!("A link in the mail “Your link to log in” was used")
            )
        );
        let mut desk = on_duty(&t, Role::Support).await;
        for page in [format!("/staff/readers/{}", anna.reader), "/staff/mails".to_owned()] {
            let page = desk.open(&page).await.text();
            assert!(page.contains("link used 23 November 2026"), "{page}");
        }
        let access = t.device(ANNA).await.access;
        let export = t.call(Method::GET, "/v1/me/export", &access, None).await.json();
        assert_eq!(export["mails"][0]["clicked_at"], json!(confirmed[0].1));
    }

    async fn every_page_behind_a_link_counts(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        t.clock.advance(Duration::SECOND);
        let reset = t.reset_link(ANNA).await;
        let weak = json!({"token": reset, "password": "short"});
        assert_eq!(t.tell("/v1/auth/password-resets/redeem", weak).await.status, 422);
        assert_eq!(last(&t).await, "Confirm your address");
        assert!(t.reset(&reset, OTHER_PASSWORD).await.status < 300);
        assert_eq!(last(&t).await, "Set a new password");

        t.clock.advance(Duration::SECOND);
        let device = Tokens::of(&t.log_in(ANNA, OTHER_PASSWORD).await);
        let body = json!({"email": NEW, "password": OTHER_PASSWORD});
        let asked = t.call(Method::POST, "/v1/me/email", &device.access, Some(body)).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        t.clock.advance(Duration::SECOND);
        let (old, new) = (t.link(ANNA).await, t.link(NEW).await);
        for token in [&old, &new] {
            t.clock.advance(Duration::SECOND);
            let before = clicked(&t).await;
            let agreed = t.tell("/v1/me/email/confirm", json!({"token": token})).await;
            assert_eq!(agreed.status, 200, "{}", agreed.text());
            assert_ne!(clicked(&t).await, before, "each mailbox for itself");
        }
        // The mails to the address that was left are forgotten, and with them what was done.
        assert_eq!(clicked(&t).await.len(), 1, "{:?}", clicked(&t).await);

        t.clock.advance(Duration::SECOND);
        let path = format!("readers/{}/address", anna.reader);
        let moved = json!({"email": ANNA, "reason": "changed her mind"});
        assert_eq!(support.post(&path, moved).await.status, 202);
        t.clock.advance(Duration::SECOND);
        let object = mailed_link(&t, NEW, "/account/address/object").await;
        Browser::new(&t).submit(&object, "/account/address/object", &[]).await;
        let before = clicked(&t).await;
        assert_eq!(before.len(), 2, "{before:?}");

        t.clock.advance(Duration::SECOND);
        let gift = json!({"email": "carla@example.org", "days": 30, "reason": "a prize"});
        assert_eq!(support.post("gifts", gift).await.status, 201);
        t.clock.advance(Duration::SECOND);
        let link = mailed_link(&t, "carla@example.org", "/gift").await;
        assert_eq!(Browser::new(&t).submit(&link, "/gift", &[]).await.status, 200);
        assert_eq!(last(&t).await, "A gift for you");
    }

    async fn links_about_subscriptions_and_newsletters_count_too(t: TestApp) {
        begun(&t, ANNA).await;
        t.clock.advance(Duration::MINUTE);
        let by_mail = async |page: &str, fields: &[(&str, &str)]| {
            let link = mailed_link(&t, ANNA, page).await;
            assert_eq!(Browser::new(&t).open(&link).await.status, 200);
            let before = clicked(&t).await;
            let done = Browser::new(&t).submit(&link, page, fields).await;
            assert_eq!(done.status, 200, "{}", done.text());
            let after = clicked(&t).await;
            assert!(after.len() == before.len() + 1, "{page}: {before:?} {after:?}");
            t.clock.advance(Duration::MINUTE);
        };
        by_mail("/mail/cancel", &[]).await;
        by_mail("/mail/resume", &[]).await;
        t.settle_until(t.clock.now().plus(Duration::days(28))).await;
        let link = mailed_link(&t, ANNA, "/mail/cancel").await;
        let token = link.split("token=").nth(1).unwrap();
        let nothing = [("token".to_owned(), format!("{token}A"))];
        let before = clicked(&t).await;
        assert_eq!(Browser::new(&t).post("/mail/cancel", &nothing).await.status, 410);
        assert_eq!(clicked(&t).await, before);

        let asked = [("email", "berta@example.org"), ("list-tide", "on")];
        Browser::new(&t).submit("/newsletters", "/newsletters", &asked).await;
        t.clock.advance(Duration::SECOND);
        let link = mailed_link(&t, "berta@example.org", "/newsletters/confirm").await;
        Browser::new(&t).open(&link).await;
        assert_eq!(clicked(&t).await, before);
        Browser::new(&t).submit(&link, "/newsletters/confirm", &[]).await;
        assert_eq!(clicked(&t).await.len(), before.len() + 1);

        // A list that is left by one click, and its preferences.
        let berta = Address::parse("berta@example.org").unwrap();
        let list = {
            let mut tx = t.state.databases.main.read().await.unwrap();
            newsletters::list_of(&mut tx, &berta).await.unwrap().remove(0)
        };
        let url = |purpose| t.state.newsletters.link(purpose, list.id);
        write(&t, "berta@example.org", news(url(Purpose::Unsubscribe))).await;
        write(&t, "berta@example.org", news(url(Purpose::Preferences))).await;
        let before = clicked(&t).await.len();
        let path = url(Purpose::Preferences);
        let path = format!("/{}", path.splitn(4, '/').nth(3).unwrap());
        let page = "/newsletters/preferences";
        let kept = Browser::new(&t).submit(&path, page, &[("list-tide", "on")]).await;
        assert_eq!(kept.status, 200, "{}", kept.text());
        assert_eq!(clicked(&t).await.len(), before + 1);
        let path = url(Purpose::Unsubscribe);
        let path = format!("/{}", path.splitn(4, '/').nth(3).unwrap());
        let left = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("List-Unsubscribe=One-Click"));
        assert_eq!(t.send(left.unwrap()).await.status, 200);
        assert_eq!(clicked(&t).await.len(), before + 2);
    }

    async fn links_go_with_their_mails(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.magic_link(ANNA).await;
        assert_eq!(links_kept(&t).await, 2);
        assert_eq!(t.call(Method::DELETE, "/v1/me", &anna.access, None).await.status, 204);
        assert_eq!((links_kept(&t).await, clicked(&t).await.len()), (0, 0));
        // A letter without a link keeps none, and one that says the same link again neither.
        let link = || "https://pay.example/login/link?token=pgl_x".to_owned();
        write(&t, ANNA, Letter::AddressTaken.content(&Words::default())).await;
        assert_eq!(links_kept(&t).await, 0);
        for _ in 0..2 {
            write(&t, ANNA, Letter::LogIn { link: link() }.content(&Words::default())).await;
        }
        assert_eq!(links_kept(&t).await, 1);
        t.sign_up("berta@example.org", PASSWORD).await;
        let mut tx = t.state.databases.main.write().await.unwrap();
        let sent = "UPDATE mail_outbox SET status = 'sent', done_at = created_at";
        tx.query(sent).execute().await.unwrap();
        tx.commit().await.unwrap();
        t.clock.advance(Duration::days(31));
        forget(&t.state.databases.main, &*t.clock, t.state.config.decisions).await.unwrap();
        assert_eq!(links_kept(&t).await, 0);
    }

    async fn a_sandbox_says_of_mails_that_it_keeps_them(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let token = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/readers/{}", anna.reader);
        // The same database under a service that sends, to a server that is not there.
        let sending = t.another_process_with(&[
            ("PRESSGATE__MAIL__TRANSPORT", "smtp"),
            ("PRESSGATE__MAIL__HOST", "127.0.0.1"),
            ("PRESSGATE__MAIL__PORT", "1"),
            ("PRESSGATE__MAIL__TLS", "none"),
        ]).await;
        for (service, status, told, where_to) in [
            (&t, "kept", "Mail “Confirm your address”, kept in the sandbox", true),
            (&sending, "queued", "Mail “Confirm your address” waits to be sent", false),
        ] {
            let whole = service.call(Method::GET, &path, &token, None).await;
            assert_eq!(whole.status, 200, "{}", whole.text());
            assert_eq!(whole.json()["mails"][0]["status"], status);
            let page = format!("{path}/timeline?kind=mail");
            let timeline = service.call(Method::GET, &page, &token, None).await.json();
            let last = &timeline["timeline"][1];
            assert_eq!(last["event"], format!("mail.{status}"), "{timeline}");
            assert_eq!(last["text"], told);
            let mut desk = on_duty(service, Role::Support).await;
            let badge = format!(">{status}</span>");
            for page in [format!("/staff/readers/{}", anna.reader), "/staff/mails?status=queued".into()] {
                let page = desk.open(&page).await.text();
                assert!(page.contains(&badge), "{status}: {page}");
            }
            let page = desk.open("/staff/mails").await.text();
            assert_eq!(page.contains("href=\"/sandbox/mailbox\">its mailbox"), where_to, "{page}");
        }
    }
}
