//! Leaving, and everything else that a subscriber can do: on the account's pages, by a link in a
//! mail, and without logging in.

use pressgate::clock::Clock;
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    reader_pages::{Browser, mailed_link, signed_up},
    subscribing::{begun, order_plan},
};

const WALLED: &str = "/demo/articles/how-birds-find-their-way";

/// A browser whose reader subscribes, and has answered the mail.
async fn member(t: &TestApp, email: &str) -> Browser {
    let mut browser = begun(t, email).await;
    let link = mailed_link(t, email, "/login/link").await;
    let opened = browser.submit(&link, "/login/link", &[]).await;
    assert_eq!(opened.header("location"), "/account", "{}", opened.text());
    browser
}

async fn mails(t: &TestApp, email: &str) -> Vec<(String, String)> {
    let mails = t.get(&format!("/sandbox/mail?to={email}")).await.json();
    let text = |mail: &serde_json::Value, part: &str| mail[part].as_str().unwrap().to_owned();
    let all = mails["messages"].as_array().unwrap().iter();
    all.map(|mail| (text(mail, "subject"), text(mail, "text"))).collect()
}

async fn account(browser: &mut Browser) -> String {
    let page = browser.open("/account").await;
    assert_eq!(page.status, 200);
    page.text()
}

/// What was sent is done, and shown on the page to which it leads.
async fn followed(browser: &mut Browser, answer: Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let to = answer.header("location").to_owned();
    browser.open(&to).await.text()
}

on_both_databases! {
    async fn two_clicks_and_no_question_before_the_end(t: TestApp) {
        let mut browser = member(&t, "anna@example.org").await;
        let page = account(&mut browser).await;
        let first = page.split("href=\"/account/cancel").nth(1).expect("a way out on the account");
        let path = format!("/account/cancel{}", first.split('"').next().unwrap());
        let asked = browser.open(&path).await.text();
        let form = asked.split("<form").find(|form| form.contains("\"/account/cancel\"")).unwrap();
        let form = form.split("</form>").next().unwrap();
        let questions = form.matches("<input").count() - form.matches("type=\"hidden\"").count()
            + form.matches("<textarea").count() + form.matches("<select").count();
        assert_eq!(questions, 0, "{form}");
        let canceled = browser.submit(&path, "/account/cancel", &[]).await;
        let done = followed(&mut browser, canceled).await;
        assert!(done.contains("It is canceled") && done.contains("23 December 2026"), "{done}");
        let (subject, text) = mails(&t, "anna@example.org").await.pop().unwrap();
        assert!(subject.contains("cancel") && text.contains("23 November 2026 at"), "{text}");
        // The reader reads on, pays nothing, and then meets the wall.
        t.settle_until(t.clock.now().plus(Duration::days(29))).await;
        assert_eq!(browser.open(WALLED).await.status, 200);
        t.settle_until(t.clock.now().plus(Duration::days(1))).await;
        let page = account(&mut browser).await;
        assert!(page.contains("It ended on 23 December 2026"), "{page}");
        assert!(!page.contains("Invoice"), "nothing was charged: {page}");
    }

    async fn a_reason_may_be_given_afterwards_in_any_words(t: TestApp) {
        let mut browser = member(&t, "anna@example.org").await;
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        let export = browser.open("/account/export").await.json();
        let id = export["subscriptions"][0]["id"].as_str().unwrap().to_owned();
        let done = format!("/account/canceled?id={id}");
        let words = "<script>alert(1)</script> {{7*7}} '; DROP TABLE readers; -- \u{202e}\u{200b}😀";
        let said = browser.submit(&done, "/account/cancel/reason", &[("reason", words)]).await;
        assert_eq!(said.status, 200, "{}", said.text());
        assert!(!said.text().contains("<script>"));
        let export = browser.open("/account/export").await.text();
        assert!(export.contains("subscription.commented"), "{export}");
        let long = "x".repeat(60_000);
        let said = browser.submit(&done, "/account/cancel/reason", &[("reason", &long)]).await;
        assert_eq!(said.status, 200, "cut, not refused");
    }

    async fn what_was_canceled_can_be_taken_back(t: TestApp) {
        let mut browser = member(&t, "anna@example.org").await;
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        let resumed = browser.submit("/account", "/account/resume", &[]).await;
        let page = followed(&mut browser, resumed).await;
        assert!(page.contains("$2.90 on 23 December 2026"), "{page}");
        // The second of two tabs: it is done, and nothing more happens.
        browser.submit("/account/cancel", "/account/cancel", &[]).await;
        let mut other = browser.clone();
        browser.submit("/account", "/account/resume", &[]).await;
        let page = account(&mut other).await;
        assert!(!page.contains("action=\"/account/resume\""));
    }

    async fn whoever_has_just_subscribed_may_leave_before_the_mail_is_answered(t: TestApp) {
        let mut browser = begun(&t, "anna@example.org").await;
        let canceled = browser.submit("/account/cancel", "/account/cancel", &[]).await;
        let done = followed(&mut browser, canceled).await;
        assert!(done.contains("It is canceled"), "{done}");
        // Once somebody has proved to be the reader, this browser only reads.
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        Browser::new(&t).submit(&link, "/login/link", &[]).await;
        let refused = browser.open("/account/cancel").await;
        assert_eq!((refused.status, refused.header("location")), (303, "/login?return_to=/account/cancel"));
        assert_eq!(browser.open(WALLED).await.status, 200);
    }

    async fn notice_is_given_without_logging_in_and_without_cookies(t: TestApp) {
        member(&t, "anna@example.org").await;
        signed_up(&t, "free@example.org").await;
        for email in ["anna@example.org", "free@example.org", "nobody@example.org"] {
            let fields = [("email".to_owned(), email.to_owned()), ("reason".to_owned(), String::new())];
            let told = Browser::new(&t).post("/cancel", &fields).await;
            assert_eq!(told.status, 202);
            let page = told.text().replace(email, "…");
            assert!(page.contains("It arrived on 23 November 2026 at 04:05:06 UTC"), "{page}");
        }
        let (subject, text) = mails(&t, "anna@example.org").await.pop().unwrap();
        assert!(subject.contains("cancel") && text.contains("23 December 2026"), "{subject} {text}");
        for nothing in ["free@example.org", "nobody@example.org"] {
            let (subject, text) = mails(&t, nothing).await.pop().unwrap();
            assert_eq!(subject, "Your notice has arrived");
            assert!(text.contains("23 November 2026 at 04:05:06 UTC"), "{text}");
        }
        // A stranger's notice is taken back by one click in that mail.
        let link = mailed_link(&t, "anna@example.org", "/mail/resume").await;
        let back = Browser::new(&t).submit(&link, "/mail/resume", &[]).await;
        assert!(back.text().contains("Your subscription goes on"), "{}", back.text());
    }

    /// A stranger who asks for mails to an address keeps nobody from leaving.
    async fn a_notice_is_taken_however_many_mails_were_asked_for(t: TestApp) {
        let mut browser = member(&t, "anna@example.org").await;
        signed_up(&t, "free@example.org").await;
        let all = ["anna@example.org", "free@example.org", "nobody@example.org"];
        for email in all {
            let mut stranger = Browser::new(&t);
            for _ in 0..6 {
                stranger.submit("/login", "/login/email", &[("email", email)]).await;
            }
            let refused = stranger.submit("/login", "/login/email", &[("email", email)]).await;
            assert_eq!(refused.status, 429, "{email}");
        }
        let before = [mails(&t, all[1]).await.len(), mails(&t, all[2]).await.len()];
        let mut pages = Vec::new();
        for email in all {
            for _ in 0..3 {
                let fields = [("email".to_owned(), email.to_owned())];
                let told = Browser::new(&t).post("/cancel", &fields).await;
                assert_eq!(told.status, 202, "{email}: {}", told.text());
                let page = told.text().replace(email, "…");
                pages.push(page.split("<main").nth(1).unwrap().split("</main>").next().unwrap().to_owned());
            }
        }
        assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
        let (subject, text) = mails(&t, "anna@example.org").await.pop().unwrap();
        assert!(subject.contains("cancel") && text.contains("23 December 2026"), "{subject} {text}");
        let page = account(&mut browser).await;
        assert!(page.contains("nothing is charged"), "{page}");
        let after = [mails(&t, all[1]).await.len(), mails(&t, all[2]).await.len()];
        assert_eq!(after, before, "only the mail that nothing is left to cancel is left out");
    }

    async fn a_notice_needs_an_address(t: TestApp) {
        for wrong in ["", "nobody", "a@b@c", "<b>@example.org", "x\r\nBcc: all@example.org"] {
            let fields = [("email".to_owned(), wrong.to_owned())];
            let refused = Browser::new(&t).post("/cancel", &fields).await;
            assert_eq!(refused.status, 422, "{wrong:?}");
            assert!(!refused.text().contains("<b>@"), "{}", refused.text());
        }
    }

    async fn a_link_in_a_mail_cancels_by_a_button_and_not_by_being_opened(t: TestApp) {
        let mut browser = member(&t, "anna@example.org").await;
        let link = mailed_link(&t, "anna@example.org", "/mail/cancel").await;
        for _ in 0..3 {
            let page = Browser::new(&t).open(&link).await;
            assert_eq!(page.status, 200);
            assert!(!page.text().contains("anna@example.org"), "a link says nothing of whose it is");
        }
        assert!(account(&mut browser).await.contains("$2.90 on 23 December 2026"));
        let token = link.split("token=").nth(1).unwrap().to_owned();
        let sent = Browser::new(&t).post("/mail/cancel", &[("token".to_owned(), token)]).await;
        assert!(sent.text().contains("It is canceled"), "{}", sent.text());
        let page = account(&mut browser).await;
        assert!(page.contains("nothing is charged"), "{page}");
        let again = Browser::new(&t).open(&link).await;
        assert!(again.text().contains("It is canceled"), "{}", again.text());
    }

    async fn a_link_that_is_not_ours_or_is_over_does_nothing(t: TestApp) {
        let mut browser = member(&t, "anna@example.org").await;
        let link = mailed_link(&t, "anna@example.org", "/mail/cancel").await;
        let token = link.split("token=").nth(1).unwrap().to_owned();
        let flipped = format!("{}{}", &token[..token.len() - 2], "AA");
        for (path, token) in [
            ("/mail/cancel", ""),
            ("/mail/cancel", &flipped),
            ("/mail/resume", &token),
            ("/mail/card", &token),
            ("/mail/cancel", "<script>alert(1)</script>"),
        ] {
            let query = serde_urlencoded::to_string([("token", token)]).unwrap();
            let opened = Browser::new(&t).open(&format!("{path}?{query}")).await;
            assert_eq!(opened.status, 410, "{path} {token}");
            let fields = [("token".to_owned(), token.to_owned())];
            assert_eq!(Browser::new(&t).post(path, &fields).await.status, 410, "{path} {token}");
        }
        t.settle_until(t.clock.now().plus(Duration::days(61))).await;
        assert_eq!(Browser::new(&t).open(&link).await.status, 410);
        assert!(account(&mut browser).await.contains("active"));
    }

    async fn another_card_pays_what_is_overdue(t: TestApp) {
        let mut browser = Browser::new(&t);
        let begun = order_plan(&mut browser, "monthly", "anna@example.org", "pm_sandbox_lost").await;
        assert_eq!(begun.status, 303, "{}", begun.text());
        t.settle_until(t.clock.now().plus(Duration::days(30))).await;
        // What helps is the button that is seen first, and what happens otherwise stands beside it.
        let link = {
            browser.submit("/login", "/login/email", &[("email", "anna@example.org")]).await;
            mailed_link(&t, "anna@example.org", "/login/link").await
        };
        browser.submit(&link, "/login/link", &[]).await;
        let page = account(&mut browser).await;
        let button = page.split("<a class=\"button\" href=\"/account/card?id=").nth(1);
        assert!(button.is_some_and(|it| it.contains("We do not try this card again")), "{page}");
        let link = mailed_link(&t, "anna@example.org", "/mail/card").await;
        let mut mailbox = Browser::new(&t);
        let declined = [("payment_method", "pm_sandbox_declined")];
        let refused = mailbox.submit(&link, "/mail/card", &declined).await;
        assert_eq!(refused.status, 402);
        assert!(refused.text().contains("This card was declined"), "{}", refused.text());
        let kept = "<option value=\"pm_sandbox_declined\" selected>";
        assert!(refused.text().contains(kept), "{}", refused.text());
        let paid = mailbox.submit(&link, "/mail/card", &[("payment_method", "pm_sandbox_ok")]).await;
        assert!(paid.text().contains("From now on we charge this card"), "{}", paid.text());
        let page = account(&mut browser).await;
        assert!(page.contains("2026-000001") && page.contains("active"), "{page}");
        let print = page.split("/account/invoices/").nth(2).unwrap().split('"').next().unwrap();
        let receipt = browser.open(&format!("/account/invoices/{print}")).await;
        assert!(receipt.status == 200 && receipt.text().contains("2026-000001"));
        let name = t.state.gate.directory.site("demo").unwrap().site.name.clone();
        assert!(receipt.text().contains(&format!("<p>{name}</p>")), "{}", receipt.text());
        assert_eq!(Browser::new(&t).open(&format!("/account/invoices/{print}")).await.status, 303);
        let mut other = signed_up(&t, "other@example.org").await;
        assert_eq!(other.open(&format!("/account/invoices/{print}")).await.status, 404);
    }

    async fn who_could_not_be_charged_learns_when_that_is_tried_again(t: TestApp) {
        let mut browser = Browser::new(&t);
        let card = "pm_sandbox_declined_once";
        order_plan(&mut browser, "monthly", "anna@example.org", card).await;
        t.settle_until(t.clock.now().plus(Duration::days(30))).await;
        browser.submit("/login", "/login/email", &[("email", "anna@example.org")]).await;
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        browser.submit(&link, "/login/link", &[]).await;
        let page = account(&mut browser).await;
        let button = page.split("<a class=\"button\" href=\"/account/card?id=").nth(1);
        assert!(button.is_some_and(|it| it.contains("We try this card again on ")), "{page}");
    }

    async fn a_switch_is_shown_to_the_cent_and_done_exactly_so(t: TestApp) {
        let mut browser = member(&t, "anna@example.org").await;
        t.settle_until(t.clock.now().plus(Duration::days(30))).await;
        t.clock.advance(Duration::days(10));
        let shown = browser.open("/account/switch").await.text();
        let pay = shown.split("Change to Annual and pay ").nth(1).unwrap();
        let amount = pay.split('<').next().unwrap().to_owned();
        let mut tab = browser.clone();
        let stale = {
            let page = tab.open("/account/switch").await.text();
            let of = |name: &str| {
                let value = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
                (name.to_owned(), value.split('"').next().unwrap().to_owned())
            };
            let form = page.split("action=\"/account/switch\"").nth(1).unwrap();
            let token = form.split("name=\"form_token\" value=\"").nth(1).unwrap();
            let token = ("form_token".to_owned(), token.split('"').next().unwrap().to_owned());
            vec![token, of("id"), of("plan"), of("preview")]
        };
        let switched = browser.submit("/account/switch", "/account/switch", &[]).await;
        let page = followed(&mut browser, switched).await;
        assert!(page.contains("Annual") && page.contains("2027-000001"), "{page}");
        assert!(page.contains(&amount), "{amount} in {page}");
        // The other tab shows what no longer holds: nothing is paid twice.
        let again = tab.post("/account/switch", &stale).await;
        assert!(matches!(again.status, 303 | 409), "{}", again.text());
        assert!(!account(&mut browser).await.contains("2027-000002"));
    }

    async fn what_is_somebody_elses_is_as_good_as_not_there(t: TestApp) {
        let mut anna = member(&t, "anna@example.org").await;
        let export = anna.open("/account/export").await.json();
        let id = export["subscriptions"][0]["id"].as_str().unwrap().to_owned();
        let mut eve = signed_up(&t, "eve@example.org").await;
        for page in ["cancel", "canceled", "card", "switch"] {
            let answer = eve.open(&format!("/account/{page}?id={id}")).await;
            assert!(matches!(answer.status, 200 | 404), "{page}: {}", answer.status);
            assert!(!answer.text().contains("Monthly"), "{page}: {}", answer.text());
        }
        let mut mallory = member(&t, "mallory@example.org").await;
        for (page, action) in [
            ("/account/cancel", "/account/cancel"),
            ("/account/card", "/account/card"),
        ] {
            let html = mallory.open(page).await.text();
            let form = html.split(&format!("action=\"{action}\"")).nth(1).unwrap();
            let token = form.split("name=\"form_token\" value=\"").nth(1).unwrap();
            let token = token.split('"').next().unwrap();
            let mut fields = vec![
                ("form_token".to_owned(), token.to_owned()),
                ("id".to_owned(), id.clone()),
            ];
            if page == "/account/card" {
                fields.push(("payment_method".to_owned(), "pm_sandbox_ok:mine".to_owned()));
            }
            let answer = mallory.post(action, &fields).await;
            assert!(matches!(answer.status, 200 | 404), "{action} {}", answer.status);
        }
        assert!(account(&mut anna).await.contains("$2.90 on 23 December 2026"));
    }
}
