//! The back office in a browser: coming on duty, who may open what, and nobody else.

use axum::{
    body::Body,
    http::{Request, header},
};
use pressgate::{auth::staff::model::Role, clock::Clock};
use serde_json::json;
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{self, PASSWORD, hire},
    billing::OK,
    reader_pages::{Browser, form_token},
    readers::ANNA,
};

/// Somebody of this role at a browser, on duty. The account is `<role>@office.example`.
pub(crate) async fn on_duty(t: &TestApp, role: Role) -> Browser {
    let mut browser = Browser::new(t);
    let came = log_in(&mut browser, role, "").await;
    assert_eq!(came.status, 303, "{}", came.text());
    browser
}

async fn log_in(browser: &mut Browser, role: Role, code: &str) -> Answer {
    let email = format!("{role}@office.example");
    let fields = [("email", email.as_str()), ("password", PASSWORD), ("code", code)];
    browser.submit("/staff/login", "/staff/login", &fields).await
}

/// The paths of this method among the routes, so that none is left out.
fn paths(method: &str) -> Vec<&'static str> {
    let file = include_str!("../../src/staff/pages/mod.rs");
    let routes =
        file.split(".route(").skip(1).filter(|route| route.contains(&format!("{method}(")));
    let path = |route: &'static str| route.split('"').nth(1).unwrap();
    let is_office = |path: &&str| path.starts_with("/staff") && *path != "/staff/login";
    routes.map(path).filter(is_office).collect()
}

const NOBODYS_ID: &str = "01900000-0000-7000-8000-000000000000";

on_both_databases! {
    async fn whoever_is_not_on_duty_is_led_to_the_log_in_form_and_back(t: TestApp) {
        hire(&t, Role::Admin).await;
        let mut browser = Browser::new(&t);
        let paths = paths("get");
        assert!(paths.len() > 6, "{paths:?}");
        for path in paths {
            let path = path.replace("{id}", NOBODYS_ID);
            let sent = browser.open(&path).await;
            assert_eq!(sent.status, 303, "{path}");
            let place = sent.header("location").to_owned();
            assert!(place.starts_with("/staff/login?return_to=%2Fstaff"), "{path}: {place}");
        }
        let form = "/staff/login?return_to=%2Fstaff%2Faudit";
        let fields = [("email", "admin@office.example"), ("password", PASSWORD)];
        let came = browser.submit(form, "/staff/login", &fields).await;
        assert_eq!((came.status, came.header("location")), (303, "/staff/audit"));
        let page = browser.open("/staff/audit").await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("staff.logged_in"), "{}", page.text());
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    }

    async fn a_reader_is_not_on_duty_however_logged_in(t: TestApp) {
        let mut browser = crate::reader_pages::signed_up(&t, "anna@example.org").await;
        assert!(browser.is_logged_in());
        let session = browser.cookies["pressgate_session"].clone();
        browser.cookies.insert("pressgate_staff".to_owned(), session);
        assert_eq!(browser.open("/staff/sites").await.status, 303);
    }

    async fn a_second_factor_is_asked_for_here_too(t: TestApp) {
        let staff = hire(&t, Role::Admin).await;
        let factor = back_office::enrol(&t, &staff).await;
        let mut browser = Browser::new(&t);
        for (code, says) in [
            ("", "Type the code of your authenticator app too."),
            ("12", "This code is not right"),
            ("\"><script>", "This code is not right"),
        ] {
            let refused = log_in(&mut browser, Role::Admin, code).await;
            assert_eq!(refused.status, 401, "{code}");
            assert!(refused.text().contains(says), "{}", refused.text());
            assert!(!refused.text().contains(PASSWORD));
            assert!(!browser.cookies.contains_key("pressgate_staff"));
        }
        let code = back_office::code(&t, &factor);
        assert_eq!(log_in(&mut browser, Role::Admin, &code).await.status, 303);
        assert_eq!(browser.open("/staff/team").await.status, 200);
        let mut other = Browser::new(&t);
        assert_eq!(log_in(&mut other, Role::Admin, &code).await.status, 401, "used already");
        let paper = factor.codes[0].shown();
        assert_eq!(log_in(&mut other, Role::Admin, &paper).await.status, 303);
    }

    async fn wrong_passwords_say_the_same_of_everybody_and_are_limited(t: TestApp) {
        hire(&t, Role::Support).await;
        let mut browser = Browser::new(&t);
        let mut wrong = async |email: &str| {
            let fields = [("email", email), ("password", "not this one")];
            browser.submit("/staff/login", "/staff/login", &fields).await
        };
        let known = wrong("support@office.example").await;
        assert_eq!(known.status, 401);
        assert!(known.text().contains("The address or the password is not right."));
        for email in ["nobody@office.example", "no address", "<script>alert(1)</script>", ""] {
            let unknown = wrong(email).await;
            assert_eq!(unknown.status, 401, "{email}");
            assert!(!unknown.text().contains("<script>alert"), "{}", unknown.text());
        }
        for _ in 0..9 {
            assert_eq!(wrong("support@office.example").await.status, 401);
        }
        let refused = wrong("support@office.example").await;
        assert_eq!(refused.status, 429);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 60);
        assert!(refused.text().contains("<h1>"), "told in a page");
    }

    async fn each_role_opens_what_it_may_and_nothing_else(t: TestApp) {
        for role in Role::ALL {
            hire(&t, role).await;
            let mut browser = on_duty(&t, role).await;
            let first = browser.open("/staff/sites").await.text();
            for path in paths("get").into_iter().filter(|path| !path.contains('{')) {
                let page = browser.open(path).await;
                let is_offered = first.contains(&format!("href=\"{path}\""));
                let status = page.status;
                // What the navigation offers opens; what it hides says that the role may not.
                if is_offered {
                    assert!([200, 303].contains(&status), "{role} {path}: {status}");
                } else {
                    assert!([200, 303, 403].contains(&status), "{role} {path}: {status}");
                }
                if status == 403 {
                    assert!(page.text().contains("Your role may not do this."), "{role} {path}");
                }
            }
            let admin_only = ["/staff/team", "/staff/audit"];
            for path in admin_only {
                let status = browser.open(path).await.status;
                assert_eq!(status == 200, role == Role::Admin, "{role} {path}");
            }
        }
    }

    async fn no_form_is_taken_from_elsewhere_or_without_its_token(t: TestApp) {
        hire(&t, Role::Admin).await;
        let mut browser = on_duty(&t, Role::Admin).await;
        let all = paths("post");
        assert!(all.len() > 4, "{all:?}");
        for path in all {
            let path = path.replace("{id}", NOBODYS_ID);
            let bare = browser.post(&path, &[]).await;
            assert_eq!(bare.status, 403, "{path}");
            let token = form_token(&browser.open("/staff/sites").await.text(), "/staff/logout");
            if path != "/staff/logout" {
                let of_another = [("form_token".to_owned(), token)];
                assert_eq!(browser.post(&path, &of_another).await.status, 403, "{path}");
            }
            let request = Request::post(path.as_str())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "cross-site");
            assert_eq!(browser.send(request, String::new()).await.status, 403, "{path}");
        }
        let request = Request::post("/staff/login")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "https://evil.example");
        let body = "email=admin%40office.example&password=x".to_owned();
        assert_eq!(browser.send(request, body).await.status, 403);
    }

    async fn leaving_ends_the_session_on_our_side_too(t: TestApp) {
        hire(&t, Role::Viewer).await;
        let mut browser = on_duty(&t, Role::Viewer).await;
        let kept = browser.clone();
        let left = browser.submit("/staff/sites", "/staff/logout", &[]).await;
        assert_eq!((left.status, left.header("location")), (303, "/staff/login"));
        assert!(!browser.cookies.contains_key("pressgate_staff"));
        for mut again in [browser, kept] {
            assert_eq!(again.open("/staff/sites").await.status, 303);
        }
        let mut idle = on_duty(&t, Role::Viewer).await;
        t.clock.advance(Duration::hours(12));
        assert_eq!(idle.open("/staff/sites").await.status, 303, "nobody stays longer than that");
    }

    async fn cookies_of_staff_come_from_no_other_website(t: TestApp) {
        let live = crate::start::a_live_one(&t).await;
        let cookie = live.get("/staff/login").await.header("set-cookie").to_owned();
        assert!(cookie.starts_with("__Host-pressgate_staff_form=pgc_"), "{cookie}");
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!live.get("/staff/login").await.text().contains("sandbox-admin"));
        live.place.clear().await;
    }
}

on_both_databases! {
    async fn an_admin_changes_roles_and_closes_accounts(t: TestApp) {
        hire(&t, Role::Admin).await;
        let viewer = hire(&t, Role::Viewer).await;
        let mut theirs = on_duty(&t, Role::Viewer).await;
        let mut browser = on_duty(&t, Role::Admin).await;
        let id = viewer.id.to_string();
        let role = async |browser: &mut Browser, from: &str, to: &str| {
            let fields = [("id", id.as_str()), ("from", from), ("role", to)];
            let token = form_token(&browser.open("/staff/team").await.text(), "/staff/team/role");
            let mut all: Vec<_> =
                fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            all.push(("form_token".to_owned(), token));
            browser.post("/staff/team/role", &all).await
        };
        assert_eq!(role(&mut browser, "viewer", "support").await.status, 303);
        assert_eq!(theirs.open("/staff/sites").await.status, 303, "logged out");
        let again = role(&mut browser, "viewer", "admin").await;
        assert_eq!(again.status, 409, "another admin was faster");
        assert!(again.text().contains("changed meanwhile"), "{}", again.text());
        assert_eq!(role(&mut browser, "support", "root").await.status, 422);

        let act = async |browser: &mut Browser, action: &str, id: &str| {
            let page = browser.open("/staff/team").await.text();
            let token = form_token(&page, action);
            let all = [("form_token".to_owned(), token), ("id".to_owned(), id.to_owned())];
            browser.post(action, &all).await
        };
        assert_eq!(act(&mut browser, "/staff/team/close", &id).await.status, 303);
        let mut closed = Browser::new(&t);
        assert_eq!(log_in(&mut closed, Role::Viewer, "").await.status, 401);
        assert_eq!(act(&mut browser, "/staff/team/open", &id).await.status, 303);
        assert_eq!(log_in(&mut closed, Role::Viewer, "").await.status, 303);
        assert_eq!(closed.open("/staff/mails").await.status, 200, "support now");
        let log = browser.open("/staff/audit").await.text();
        for action in ["staff.role_changed", "staff.disabled", "staff.enabled"] {
            assert!(log.contains(action), "{log}");
        }
        assert!(act(&mut browser, "/staff/team/close", NOBODYS_ID).await.status == 404);
        assert_eq!(act(&mut browser, "/staff/team/close", "x").await.status, 422);
    }

    async fn there_is_always_an_admin(t: TestApp) {
        let admin = hire(&t, Role::Admin).await;
        let mut browser = on_duty(&t, Role::Admin).await;
        let demo = {
            let mut tx = t.state.databases.main.read().await.unwrap();
            let found = pressgate::auth::staff::store::find_by_email_key(&mut tx, "admin@demo.example");
            found.await.unwrap().unwrap()
        };
        let close = async |browser: &mut Browser, id: String| {
            let page = browser.open("/staff/team").await.text();
            let token = form_token(&page, "/staff/team/close");
            let all = [("form_token".to_owned(), token), ("id".to_owned(), id)];
            browser.post("/staff/team/close", &all).await
        };
        let own = close(&mut browser, admin.id.to_string()).await;
        assert_eq!(own.status, 409);
        assert!(own.text().contains("nobody changes the own account"), "{}", own.text());
        // Two close each other's account at once: one of them stays.
        let mut other = Browser::new(&t.another_process().await);
        let fields = [("email", "admin@demo.example"), ("password", "sandbox-admin")];
        assert_eq!(other.submit("/staff/login", "/staff/login", &fields).await.status, 303);
        // Both have the page open before either presses the button.
        let mut both = Vec::new();
        for (mut browser, id) in [(browser, demo.id), (other, admin.id)] {
            let page = browser.open("/staff/team").await.text();
            let token = form_token(&page, "/staff/team/close");
            let all = [("form_token".to_owned(), token), ("id".to_owned(), id.to_string())];
            both.push(async move { browser.post("/staff/team/close", &all).await });
        }
        let answers = futures_util::future::join_all(both).await;
        let done = |answer: &Answer| answer.header("location") == "/staff/team?done=closed";
        assert_eq!(answers.iter().filter(|answer| done(answer)).count(), 1);
        let mut tx = t.state.databases.main.write().await.unwrap();
        let admins = pressgate::auth::staff::store::count_admins(&mut tx).await.unwrap();
        assert_eq!(admins, 1);
    }

    async fn mails_that_were_given_up_are_tried_again_from_the_page(t: TestApp) {
        hire(&t, Role::Support).await;
        let mut browser = on_duty(&t, Role::Support).await;
        let page = browser.open("/staff/mails").await.text();
        assert!(page.contains("There are no such mails."), "{page}");
        t.post("/v1/readers", json!({"email": "anna@example.org", "password": "a fine long phrase"}).to_string()).await;
        let page = browser.open("/staff/mails?status=queued").await.text();
        assert!(page.contains("anna@example.org"), "{page}");
        assert_eq!(browser.open("/staff/mails?status=lost").await.status, 422);
        assert_eq!(browser.open("/staff/mails?cursor=%3Cscript%3E").await.status, 400);
        let mut tx = t.state.databases.main.write().await.unwrap();
        let due = pressgate::mail::outbox::list(&mut tx, None, None).await.unwrap();
        let why = "no <b>such</b> mailbox";
        let claim = (due[0].id, due[0].due_at);
        pressgate::mail::outbox::mark_dead(&mut tx, claim, why, t.clock.now());
        tx.commit().await.unwrap();
        let page = browser.open("/staff/mails?status=dead").await.text();
        assert!(page.contains("no &#60;b&#62;such&#60;/b&#62; mailbox"), "{page}");
        let done = browser.submit("/staff/mails?status=dead", "/staff/mails/retry", &[]).await;
        assert_eq!(done.status, 303, "{}", done.text());
        assert!(browser.open("/staff/mails?status=dead").await.text().contains("no such mails"));
    }
}

on_both_databases! {
    async fn a_subscription_is_found_and_told_on_one_page(t: TestApp) {
        hire(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", OK).await;
        t.clock.advance(Duration::days(30));
        t.settle_until(t.clock.now()).await;
        let anna = t.fresh(&anna).await;
        let why = json!({"at": "period_end", "reason": "</ol><script>alert(1)</script>"});
        let canceled = t.about(&anna, &id, "cancel", why).await;
        assert_eq!(canceled.status, 200, "{}", canceled.text());

        let mut browser = on_duty(&t, Role::Support).await;
        let list = browser.open("/staff/subscriptions?q=ANNA&status=active&plan=monthly").await;
        let list = list.text();
        assert!(list.contains(&format!("/staff/subscriptions/{id}")), "{list}");
        assert!(list.contains("because the reader canceled"), "{list}");
        for nothing in ["?q=nobody", "?status=paused", "?plan=annual", "?q=%25", "?q=%3Cb%3E"] {
            let page = browser.open(&format!("/staff/subscriptions{nothing}")).await.text();
            assert!(page.contains("No subscription is like this."), "{nothing}: {page}");
            assert!(!page.contains("<b>"), "{page}");
        }
        for odd in ["?status=lost", "?cursor=x", "?limit=0", "?limit=x", "?x=1"] {
            let page = browser.open(&format!("/staff/subscriptions{odd}")).await;
            assert_eq!(page.status, 400, "{odd}");
            assert!(page.text().contains("Log out"), "the navigation stays");
        }

        assert_eq!(browser.open("/staff/subscriptions?q=%00").await.status, 400);

        let one = browser.open(&format!("/staff/subscriptions/{id}")).await.text();
        for told in ["Free trial began", "First payment after the trial: $2.90", "Canceled, to end", "the reader"] {
            assert!(one.contains(told), "{told}: {one}");
        }
        assert!(one.contains("alert(1)") && !one.contains("<script>alert"), "{one}");
        let reader = one.split("/staff/readers/").nth(1).unwrap().split('"').next().unwrap();
        let reader = format!("/staff/readers/{reader}");
        let page = browser.open(&reader).await.text();
        for told in [ANNA, "First payment after the trial: $2.90", &id, "2026-", "Logs in"] {
            assert!(page.contains(told), "{told}: {page}");
        }
    }

    async fn a_reader_who_was_erased_meanwhile_is_gone_politely(t: TestApp) {
        hire(&t, Role::Admin).await;
        let anna = t.reader(ANNA).await;
        t.subscribed(&anna, "annual", OK).await;
        let mut browser = on_duty(&t, Role::Admin).await;
        let list = browser.open("/staff/subscriptions").await.text();
        let id = list.split("/staff/subscriptions/").nth(1).unwrap().split('"').next().unwrap();
        let page = browser.open(&format!("/staff/subscriptions/{id}")).await.text();
        let reader = page.split("/staff/readers/").nth(1).unwrap().split('"').next().unwrap();
        let token = crate::back_office::token_of(&t, Role::Admin).await;
        let path = format!("/v1/staff/readers/{reader}");
        assert_eq!(t.call(axum::http::Method::DELETE, &path, &token, None).await.status, 204);
        let gone = browser.open(&format!("/staff/readers/{reader}")).await;
        assert_eq!(gone.status, 404);
        assert!(gone.text().contains("It may have been erased"), "{}", gone.text());
        let page = browser.open(&format!("/staff/subscriptions/{id}")).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("erased") && !page.text().contains(ANNA), "{}", page.text());
        for nobody in [NOBODYS_ID, "x", "%00"] {
            for kind in ["readers", "subscriptions"] {
                let path = format!("/staff/{kind}/{nobody}");
                assert_eq!(browser.open(&path).await.status, 404, "{path}");
            }
        }
    }
}

/// What nobody could have sent by a page does not reach the office's pages either.
#[tokio::test]
async fn the_log_in_form_takes_no_more_than_a_form() {
    let t = TestApp::start(crate::place::Place::sqlite()).await;
    let long = "x".repeat(3_000_000);
    let request = Request::post("/staff/login").body(Body::from(long)).unwrap();
    let answer = t.send(request).await;
    assert!([413, 422].contains(&answer.status), "{}", answer.status);
    t.stop().await;
}
