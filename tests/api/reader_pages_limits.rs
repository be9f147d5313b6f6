//! The readers' own pages when something is wrong: who is slowed down, what is said, and where.

use axum::http::{Request, header};
use pressgate::mail::{address::Address, outbox};
use time::Duration;

use crate::reader_pages::{Browser, PASSWORD, logged_in, signed_up};

const ANNA: &str = "anna@example.org";

/// The part of a page that is the form sent to `action`.
fn form(page: &str, action: &str) -> String {
    let action = format!("action=\"{action}\"");
    let form = page.split("<form").find(|form| form.contains(&action)).unwrap();
    form.split("</form>").next().unwrap().to_owned()
}

on_both_databases! {
    async fn an_error_stands_in_the_form_that_was_sent_and_the_address_stays(t: TestApp) {
        let mut anna = signed_up(&t, ANNA).await;
        let fields = [("email", "new@example.org"), ("current_password", "not this one")];
        let refused = anna.submit("/account", "/account/email", &fields).await;
        assert_eq!(refused.status, 403);
        let page = refused.text();
        let (sent, other) = (form(&page, "/account/email"), form(&page, "/account/password"));
        for words in ["This is not your password.", "aria-invalid", "value=\"new@example.org\""] {
            assert!(sent.contains(words) && !other.contains(words), "{words}: {page}");
        }
        assert!(!page.contains("not this one"), "{page}");

        let mut nobody = Browser::new(&t);
        let refused = nobody.submit("/login", "/login/email", &[("email", "anna")]).await;
        assert_eq!(refused.status, 422);
        let page = refused.text();
        assert!(form(&page, "/login/email").contains("aria-invalid"), "{page}");
        assert!(!form(&page, "/login").contains("aria-invalid"), "{page}");
    }

    async fn unknown_and_repeated_fields_are_refused(t: TestApp) {
        let mut browser = Browser::new(&t);
        for (path, action, fields) in [
            ("/login", "/login", vec![("email", ANNA), ("password", PASSWORD), ("admin", "1")]),
            ("/login", "/login", vec![("email", ANNA), ("email", ANNA), ("password", PASSWORD)]),
            ("/signup/confirm?token=pgl_x", "/signup/confirm", vec![("admin", "1")]),
            ("/login/link?token=pgl_x", "/login/link", vec![("token", "pgl_y")]),
            ("/account/address?token=pgl_x", "/account/address", vec![("form_token", "x")]),
        ] {
            let answer = browser.submit(path, action, &fields).await;
            assert_eq!(answer.status, 422, "{action}: {}", answer.text());
        }
    }

    async fn the_cookie_of_an_ended_session_is_taken_away(t: TestApp) {
        let mut here = signed_up(&t, ANNA).await;
        logged_in(&t, ANNA, PASSWORD).await.submit("/account", "/account/sessions/end-all", &[]).await;
        for path in ["/account", "/login", "/account/erase", "/account/export"] {
            let mut browser = Browser::new(&t);
            browser.cookies.clone_from(&here.cookies);
            browser.open(path).await;
            assert!(!browser.is_logged_in(), "{path}");
        }
        for rubbish in ["", "x", "pgc_unknown"] {
            here.cookies.insert("pressgate_session".to_owned(), rubbish.to_owned());
            assert_eq!(here.open("/account").await.header("location"), "/login?return_to=/account");
            assert!(!here.is_logged_in(), "{rubbish:?}");
        }
    }

    async fn a_session_ends_when_it_was_idle_or_is_too_old(t: TestApp) {
        let mut browser = signed_up(&t, ANNA).await;
        t.clock.advance(Duration::days(90) - Duration::SECOND);
        assert_eq!(browser.open("/account").await.status, 200);
        t.clock.advance(Duration::days(90) - Duration::SECOND);
        assert_eq!(browser.open("/account").await.status, 200, "it was used meanwhile");
        t.clock.advance(Duration::days(90));
        assert_eq!(browser.open("/account").await.status, 303, "idle");
    }

    async fn too_many_wrong_passwords_lead_to_the_mail(t: TestApp) {
        signed_up(&t, ANNA).await;
        let mut browser = Browser::new(&t);
        let wrong = [("email", ANNA), ("password", "not this one")];
        for _ in 0..10 {
            assert_eq!(browser.submit("/login", "/login", &wrong).await.status, 401);
        }
        let right = [("email", ANNA), ("password", PASSWORD)];
        let answer = browser.submit("/login", "/login", &right).await;
        assert_eq!(answer.status, 429);
        assert!(answer.text().contains("Wait ") && answer.text().contains("by mail"));
        let wait: i64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=61).contains(&wait), "{wait}");
        let mailed = browser.submit("/login", "/login/email", &[("email", ANNA)]).await;
        assert_eq!(mailed.status, 202, "the way that is offered is open");
        t.clock.advance(Duration::seconds(wait));
        assert_eq!(browser.submit("/login", "/login", &right).await.status, 303);
    }

    async fn mails_that_are_asked_for_count_against_those_who_ask(t: TestApp) {
        let three = ("PRESSGATE__LIMITS__NETWORK_MAIL_BURST", "3");
        let live = crate::start::a_live_one_with(&t, &[three]).await;
        let mut browser = Browser::new(&live.from("203.0.113.7"));
        for (path, action, email) in [
            ("/login", "/login/email", "a@example.org"),
            ("/login/reset", "/login/reset", "b@example.org"),
            ("/login", "/login/email", "c@example.org"),
        ] {
            let answer = browser.submit(path, action, &[("email", email)]).await;
            assert_eq!(answer.status, 202, "{}", answer.text());
        }
        let answer = browser.submit("/login", "/login/email", &[("email", "d@example.org")]).await;
        assert_eq!((answer.status, answer.header("content-type")), (429, "text/html; charset=utf-8"));
        assert!(answer.text().contains("That was tried too often"), "{}", answer.text());
        assert!(!answer.header("retry-after").is_empty());
        live.place.clear().await;
    }

    async fn failures_of_ours_are_told_in_a_page(t: TestApp) {
        let mut browser = signed_up(&t, ANNA).await;
        let odd = browser.open("/signup/confirm?token=a&token=b").await;
        assert_eq!((odd.status, odd.header("content-type")), (400, "text/html; charset=utf-8"));
        t.state.databases.main.close().await;
        let failed = browser.open("/account").await;
        assert_eq!(failed.header("content-type"), "text/html; charset=utf-8");
        assert!(failed.status >= 500, "{}", failed.status);
        assert!(failed.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(failed.header("cache-control"), "no-store");
        assert!(failed.text().contains("Something went wrong"), "{}", failed.text());
    }

    async fn what_a_device_calls_itself_is_text_and_nothing_else(t: TestApp) {
        signed_up(&t, ANNA).await;
        let mut browser = Browser::new(&t);
        browser.user_agent = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>";
        let fields = [("email", ANNA), ("password", PASSWORD)];
        assert_eq!(browser.submit("/login", "/login", &fields).await.status, 303);
        let page = browser.open("/account").await.text();
        assert!(page.contains("alert(1)"), "it is shown: {page}");
        assert!(!page.contains("<script") && !page.contains("<img src=x"), "{page}");
        let answer = Browser::new(&t).open("/login?return_to=%22%3E%3Cscript%3E").await.text();
        assert!(!answer.contains("<script"), "{answer}");
        let answer = Browser::new(&t).open("/login/link?token=%22%3E%3Cscript%3E").await.text();
        assert!(!answer.contains("<script"), "{answer}");
    }

    async fn a_live_session_has_a_cookie_of_this_host_by_https(t: TestApp) {
        let live = crate::start::a_live_one(&t).await;
        let mut browser = Browser::new(&live);
        let fields = [("email", ANNA), ("password", PASSWORD)];
        assert_eq!(browser.submit("/signup", "/signup", &fields).await.status, 202);
        let mut tx = live.state.databases.main.read().await.unwrap();
        let address = Address::parse(ANNA).unwrap();
        let mails = outbox::newest(&mut tx, Some(&address)).await.unwrap();
        drop(tx);
        let text = &mails[0].body_text;
        let link = text.lines().find_map(|line| line.strip_prefix("https://pay.example")).unwrap();
        let made = browser.submit(link, "/signup/confirm", &[]).await;
        assert_eq!(made.status, 303, "{}", made.text());
        let set = made.header("set-cookie");
        assert!(set.starts_with("__Host-pressgate_session=pgc_"), "{set}");
        let mut attributes: Vec<&str> = set.split("; ").skip(1).collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Lax", "Secure"]);
        assert_eq!(browser.open("/account").await.status, 200);
        // A form that came by plain HTTP may be anybody's.
        let request = Request::post("/logout").header(header::ORIGIN, "http://pay.example");
        let request = request.header(header::HOST, "pay.example");
        assert_eq!(browser.send(request, String::new()).await.status, 403);
        live.place.clear().await;
    }
}
