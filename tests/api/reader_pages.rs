//! The readers' own pages, as a browser uses them: forms, cookies, and nothing else.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::json;
use time::Duration;

use crate::app::{Answer, TestApp};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A browser: it keeps cookies and sends the forms that it was shown.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) t: TestApp,
    pub(crate) cookies: BTreeMap<String, String>,
    /// What it calls itself.
    pub(crate) user_agent: &'static str,
    /// Which languages it asks for; empty where it asks for none.
    pub(crate) accept_language: &'static str,
}

impl Browser {
    pub(crate) fn new(t: &TestApp) -> Self {
        let (user_agent, accept_language) = ("Browser/1.0", "");
        Self { t: t.clone(), cookies: BTreeMap::new(), user_agent, accept_language }
    }

    pub(crate) async fn send(
        &mut self,
        request: axum::http::request::Builder,
        body: String,
    ) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let request = request.header(header::COOKIE, cookies.join("; "));
        let request = request.header(header::USER_AGENT, self.user_agent);
        let request = request.header(header::ACCEPT_LANGUAGE, self.accept_language);
        let answer = self.t.send(request.body(Body::from(body)).unwrap()).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(set.to_str().unwrap().to_owned()).unwrap();
            if cookie.max_age() == Some(Duration::ZERO) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        answer
    }

    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// Sends the form with this action from the page at `path`, as the browser saw it there.
    pub(crate) async fn submit(
        &mut self,
        path: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut all = hidden_fields(&self.open(path).await.text(), action);
        all.extend(fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        self.post(action, &all).await
    }

    pub(crate) async fn post(&mut self, action: &str, fields: &[(String, String)]) -> Answer {
        let request = Request::post(action)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.send(request, body).await
    }

    pub(crate) fn is_logged_in(&self) -> bool {
        self.cookies.contains_key("pressgate_session")
    }
}

/// What the form on `page` that is sent to `action` holds already.
pub(crate) fn hidden_fields(page: &str, action: &str) -> Vec<(String, String)> {
    let form = page.split("<form").find(|form| form.contains(&format!("action=\"{action}\"")));
    assert!(form.is_some(), "no form {action}: {page}");
    let form = form.unwrap().split("</form>").next().unwrap();
    let hidden = form.split("type=\"hidden\"").skip(1).map(|input| {
        let attribute = |name: &str| {
            let text = input.split(&format!("{name}=\"")).nth(1).unwrap();
            text.split('"').next().unwrap().replace("&#38;", "&")
        };
        (attribute("name"), attribute("value"))
    });
    hidden.collect()
}

/// The hidden token of the form on `page` that is sent to `action`.
pub(crate) fn form_token(page: &str, action: &str) -> String {
    let form = page.split("<form").find(|form| form.contains(&format!("action=\"{action}\"")));
    let token = form.unwrap().split("name=\"form_token\" value=\"").nth(1).unwrap();
    token.split('"').next().unwrap().to_owned()
}

/// Every path that takes a form, from the routes themselves, so that none is left out.
pub(crate) fn posts() -> Vec<&'static str> {
    let files = [
        include_str!("../../src/reader/pages/mod.rs"),
        include_str!("../../src/reader/pages/subscription/mod.rs"),
    ];
    let routes = files.iter().flat_map(|file| file.split(".route(").skip(1));
    let quoted = |route: &'static str| route.split('"').nth(1).unwrap();
    let all = routes.filter(|route| route.contains("post(")).map(quoted);
    // What does nothing in the name of whoever is logged in works without a token.
    all.filter(|path| *path != "/cancel" && !path.starts_with("/mail/")).collect()
}

/// The path of the last link to `page` that was mailed to `email`.
pub(crate) async fn mailed_link(t: &TestApp, email: &str, page: &str) -> String {
    let mails = t.get(&format!("/sandbox/mail?to={email}")).await.json();
    let texts = mails["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap());
    let mut links =
        texts.flat_map(|text| text.lines()).filter(|line| line.contains(&format!("{page}?token=")));
    let link = links.next_back().unwrap().to_owned();
    format!("/{}", link.splitn(4, '/').nth(3).unwrap())
}

/// A browser in which the reader `email` has just made an account.
pub(crate) async fn signed_up(t: &TestApp, email: &str) -> Browser {
    let mut browser = Browser::new(t);
    let fields = [("email", email), ("password", PASSWORD)];
    let sent = browser.submit("/signup", "/signup", &fields).await;
    assert!(sent.text().contains("Look into your mail"), "{}", sent.text());
    let link = mailed_link(t, email, "/signup/confirm").await;
    let made = browser.submit(&link, "/signup/confirm", &[]).await;
    assert_eq!((made.status, made.header("location")), (303, "/account"), "{}", made.text());
    browser
}

pub(crate) async fn logged_in(t: &TestApp, email: &str, password: &str) -> Browser {
    let mut browser = Browser::new(t);
    let fields = [("email", email), ("password", password)];
    let answer = browser.submit("/login", "/login", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    browser
}

on_both_databases! {
    async fn from_the_form_to_the_account_and_out_again(t: TestApp) {
        let mut browser = Browser::new(&t);
        let fields = [("email", "Anna@Example.org"), ("password", PASSWORD)];
        browser.submit("/signup", "/signup", &fields).await;
        let link = mailed_link(&t, "anna@example.org", "/signup/confirm").await;
        // Whatever looks into mails may open the link as often as it likes.
        for _ in 0..3 {
            let page = Browser::new(&t).open(&link).await;
            assert_eq!((page.status, page.header("referrer-policy")), (200, "strict-origin"));
            assert_eq!(page.header("cache-control"), "no-store");
        }
        assert!(!browser.is_logged_in());
        let made = browser.submit(&link, "/signup/confirm", &[]).await;
        assert_eq!(made.header("location"), "/account");
        assert!(browser.is_logged_in());
        let account = browser.open("/account").await.text();
        assert!(account.contains("Anna@Example.org") && account.contains("this one"), "{account}");

        let old = browser.cookies.clone();
        let out = browser.submit("/account", "/logout", &[]).await;
        assert_eq!(out.header("location"), "/login");
        assert!(!browser.is_logged_in());
        browser.cookies = old;
        let dead = browser.open("/account").await;
        assert_eq!((dead.status, dead.header("location")), (303, "/login?return_to=/account"));
        let used = browser.submit("/login", "/login/email", &[("email", "anna@example.org")]).await;
        assert_eq!(used.status, 202);
        let link = mailed_link(&t, "anna@example.org", "/login/link").await;
        assert_eq!(browser.submit(&link, "/login/link", &[]).await.status, 303);
        let again = Browser::new(&t).submit(&link, "/login/link", &[]).await;
        assert_eq!(again.status, 401);
        assert!(again.text().contains("was used already"), "{}", again.text());
    }

    async fn a_log_in_leads_back_and_only_to_our_own_pages(t: TestApp) {
        signed_up(&t, "anna@example.org").await;
        for (wanted, expected) in [
            ("/demo/articles/how-tides-work", "/demo/articles/how-tides-work"),
            ("//evil.example", "/account"),
            ("https://evil.example", "/account"),
        ] {
            let mut browser = Browser::new(&t);
            let path = format!("/login?return_to={wanted}");
            let fields = [("email", "anna@example.org"), ("password", PASSWORD)];
            let answer = browser.submit(&path, "/login", &fields).await;
            assert_eq!(answer.header("location"), expected);
        }
    }

    async fn what_is_wrong_is_said_beside_the_field_and_nothing_typed_runs(t: TestApp) {
        signed_up(&t, "anna@example.org").await;
        let mut browser = Browser::new(&t);
        let hostile = "\"><script>alert(1)</script>@b.org";
        for (path, action, fields, status, said) in [
            ("/signup", "/signup", [("email", hostile), ("password", PASSWORD)], 422, "Enter a whole address"),
            ("/signup", "/signup", [("email", "b@example.org"), ("password", "short")], 422, "at least 8"),
            ("/signup", "/signup", [("email", "b@example.org"), ("password", "password1")], 422, "too common"),
            ("/login", "/login", [("email", "anna@example.org"), ("password", "wrong one")], 401, "do not go together"),
            ("/login", "/login", [("email", "nobody@example.org"), ("password", "wrong one")], 401, "do not go together"),
        ] {
            let answer = browser.submit(path, action, &fields).await;
            let text = answer.text();
            assert_eq!(answer.status, status, "{text}");
            assert!(text.contains(said), "{said}: {text}");
            assert!(!text.contains("<script") && !text.contains(fields[1].1), "{text}");
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        }
    }

    async fn a_form_is_taken_only_from_our_own_page_in_the_same_browser(t: TestApp) {
        let mut anna = signed_up(&t, "anna@example.org").await;
        let mut ben = signed_up(&t, "ben@example.org").await;
        let bens = form_token(&ben.open("/account").await.text(), "/logout");
        let own = form_token(&anna.open("/account").await.text(), "/logout");
        let actions = posts();
        assert!(actions.len() >= 14 && actions.contains(&"/logout"), "{actions:?}");
        for action in actions {
            let of_another_form = if action == "/logout" { "" } else { own.as_str() };
            for token in ["", "x", bens.as_str(), of_another_form] {
                let fields = [("form_token".to_owned(), token.to_owned())];
                let answer = anna.post(action, &fields).await;
                assert_eq!(answer.status, 403, "{action} with {token:?}");
            }
            for (name, value) in [
                ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.example"), ("origin", "null"),
            ] {
                let request = Request::post(action)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(name, value);
                let answer = anna.send(request, format!("form_token={own}")).await;
                assert_eq!(answer.status, 403, "{action} with {name}: {value}");
            }
        }
        assert_eq!(anna.open("/account").await.status, 200, "nothing was done");
        t.clock.advance(Duration::hours(12));
        let late = [("form_token".to_owned(), own)];
        assert_eq!(anna.post("/logout", &late).await.status, 403, "too late");
        let big = vec![("form_token".to_owned(), "x".repeat(70_000))];
        assert_eq!(anna.post("/logout", &big).await.status, 422);
    }

    async fn devices_are_ended_one_by_one_and_all_at_once(t: TestApp) {
        let mut here = signed_up(&t, "anna@example.org").await;
        let mut there = logged_in(&t, "anna@example.org", PASSWORD).await;
        let mut third = logged_in(&t, "anna@example.org", PASSWORD).await;
        let page = here.open("/account").await.text();
        let devices: Vec<&str> = page.split("<li>").skip(1).filter(|li| li.contains("name=\"session\"")).collect();
        assert_eq!(devices.len(), 3);
        let other = devices.iter().find(|li| !li.contains("this one")).unwrap();
        let id = other.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [("form_token".to_owned(), form_token(other, "/account/sessions/end")), ("session".to_owned(), id.to_owned())];
        assert_eq!(here.post("/account/sessions/end", &fields).await.header("location"), "/account");
        let left = [there.open("/account").await.status, third.open("/account").await.status];
        assert!(left == [200, 303] || left == [303, 200], "{left:?}");
        here.submit("/account", "/account/sessions/end-all", &[]).await;
        for browser in [&mut here, &mut there, &mut third] {
            assert_eq!(browser.open("/account").await.status, 303);
        }
    }

    async fn a_new_password_ends_the_other_browsers_and_the_programs(t: TestApp) {
        let mut here = signed_up(&t, "anna@example.org").await;
        let mut there = logged_in(&t, "anna@example.org", PASSWORD).await;
        let before = here.cookies.clone();
        let wrong = [("current_password", "not this"), ("new_password", "quite another phrase")];
        let refused = here.submit("/account", "/account/password", &wrong).await;
        assert_eq!(refused.status, 403);
        assert!(refused.text().contains("This is not your password."), "{}", refused.text());
        let right = [("current_password", PASSWORD), ("new_password", "quite another phrase")];
        assert_eq!(here.submit("/account", "/account/password", &right).await.status, 303);
        assert_eq!(here.open("/account").await.status, 200, "goes on in a new session");
        assert_ne!(here.cookies, before);
        assert_eq!(there.open("/account").await.status, 303);
        here.cookies = before;
        assert_eq!(here.open("/account").await.status, 303, "the old cookie is dead");
        logged_in(&t, "anna@example.org", "quite another phrase").await;
    }

    async fn a_forgotten_password_is_set_by_mail(t: TestApp) {
        let mut here = signed_up(&t, "anna@example.org").await;
        let mut lost = Browser::new(&t);
        lost.submit("/login/reset", "/login/reset", &[("email", "anna@example.org")]).await;
        let link = mailed_link(&t, "anna@example.org", "/login/reset").await;
        let weak = lost.submit(&link, "/login/reset/set", &[("password", "password1")]).await;
        assert_eq!(weak.status, 422, "and the link still works");
        let set = lost.submit(&link, "/login/reset/set", &[("password", "quite another phrase")]).await;
        assert_eq!((set.status, set.header("location")), (303, "/login"));
        assert!(!lost.is_logged_in(), "nobody is logged in by it");
        assert_eq!(here.open("/account").await.status, 303);
        logged_in(&t, "anna@example.org", "quite another phrase").await;
    }

    async fn data_is_taken_along_and_erased(t: TestApp) {
        let mut browser = signed_up(&t, "anna@example.org").await;
        let export = browser.open("/account/export").await;
        assert_eq!(export.json()["reader"]["email"], "anna@example.org");
        assert!(export.header("content-disposition").contains("attachment"));
        let open = browser.open("/account/erase").await.text();
        let token = [("form_token".to_owned(), form_token(&open, "/account/erase"))];
        t.clock.advance(Duration::hours(1));
        // Before the form and after it: log in once more, and come back.
        let again = "/login?again=1&return_to=/account/erase";
        for late in [browser.open("/account/erase").await, browser.post("/account/erase", &token).await] {
            assert_eq!((late.status, late.header("location")), (303, again));
        }
        let before = browser.cookies.clone();
        let fields = [("email", "anna@example.org"), ("password", PASSWORD)];
        let back = browser.submit(again, "/login", &fields).await;
        assert_eq!(back.header("location"), "/account/erase");
        assert_eq!(browser.open(again).await.header("location"), "/account/erase", "once is enough");
        let after = std::mem::replace(&mut browser.cookies, before);
        assert_eq!(browser.open("/account").await.status, 303, "the session before has ended");
        browser.cookies = after;
        assert_eq!(browser.submit("/account/erase", "/account/erase", &[]).await.status, 303);
        assert!(!browser.is_logged_in());
        let body = json!({"email": "anna@example.org", "password": PASSWORD}).to_string();
        assert_eq!(t.post("/v1/auth/login", body).await.status, 401);
    }

    async fn the_newspaper_knows_who_is_logged_in(t: TestApp) {
        let mut browser = Browser::new(&t);
        assert_eq!(browser.open("/demo/articles/how-tides-work").await.status, 200);
        let mut member = signed_up(&t, "anna@example.org").await;
        assert_eq!(member.open("/demo/articles/why-bread-rises").await.status, 200);
        // The same reader in the first browser: both articles are known, and no third.
        let fields = [("email", "anna@example.org"), ("password", PASSWORD)];
        browser.submit("/login", "/login", &fields).await;
        assert_eq!(browser.open("/demo/articles/why-bread-rises").await.status, 200);
        assert_eq!(browser.open("/demo/articles/how-tides-work").await.status, 200);
        assert_eq!(browser.open("/demo/articles/the-night-trains").await.status, 402);
        assert_eq!(member.open("/demo/articles/how-tides-work").await.status, 200);
    }

    async fn cookies_outside_a_sandbox_belong_to_this_host_alone(t: TestApp) {
        let sandbox = t.get("/login").await;
        assert!(sandbox.header("set-cookie").starts_with("pressgate_form=pgc_"));
        let live = crate::start::a_live_one(&t).await;
        let cookie = live.get("/login").await.header("set-cookie").to_owned();
        assert!(cookie.starts_with("__Host-pressgate_form=pgc_"), "{cookie}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        live.place.clear().await;
    }
}

on_both_databases! {
    async fn a_page_belongs_to_the_site_that_the_browser_came_from(t: TestApp) {
        let policy = json!({"rules": []});
        t.site("other", "Europe/Paris", policy).await;
        let mut browser = Browser::new(&t);
        let title = async |browser: &mut Browser, path: &str| {
            let page = browser.open(path).await.text();
            page.split(" · ").nth(1).unwrap().split('<').next().unwrap().to_owned()
        };
        assert_eq!(title(&mut browser, "/login").await, "The Fathom", "the first that was added");
        assert_eq!(title(&mut browser, "/login?site=nobody").await, "The Fathom");
        assert_eq!(browser.cookies.get("pressgate_site"), None);
        assert_eq!(title(&mut browser, "/login?site=other").await, "other");
        assert_eq!(browser.cookies.get("pressgate_site").map(String::as_str), Some("other"));
        assert_eq!(title(&mut browser, "/login").await, "other", "as it was before");
        for hostile in ["%3Cscript%3E", "a".repeat(3_000).as_str()] {
            assert_eq!(title(&mut browser, &format!("/login?site={hostile}")).await, "other");
        }
        for control in ["%00", "demo%0d%0aX:1"] {
            assert_eq!(browser.open(&format!("/login?site={control}")).await.status, 400);
        }
        browser.cookies.insert("pressgate_site".into(), "gone".into());
        assert_eq!(title(&mut browser, "/login").await, "The Fathom", "that site is no more");
    }
}
