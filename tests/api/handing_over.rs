//! From our pages back to a website on another origin, which learns by a code who has come.

use axum::http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    reader_pages::{Browser, PASSWORD, logged_in, mailed_link, signed_up},
    readers::{Tokens, refused},
};

const ANNA: &str = "anna@example.org";
pub(crate) const ARTICLE: &str = "https://news.example/tides?page=2#depth";

/// The website: another origin, with a key of its own.
pub(crate) async fn news(t: &TestApp) -> TestApp {
    t.site("news", "UTC", json!({"rules": [{"limit": 1, "window": "P30D"}]})).await
}

pub(crate) fn way(page: &str, return_to: &str) -> String {
    let query = [("site", "news"), ("return_to", return_to)];
    format!("{page}?{}", serde_urlencoded::to_string(query).unwrap())
}

/// The code that an answer leads back with, and the rest of the address.
pub(crate) fn code(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let to = answer.header("location");
    assert!(to.contains("pressgate_code="), "{to}");
    let (before, after) = to.split_once("pressgate_code=").unwrap();
    let end = after.find(['&', '#']).unwrap_or(after.len());
    let (code, rest) = after.split_at(end);
    assert!(code.len() == 47 && code.starts_with("pgh_"), "{to}");
    (code.to_owned(), format!("{before}{rest}"))
}

pub(crate) async fn redeem(site: &TestApp, code: &str) -> Answer {
    site.post("/v1/auth/handovers/redeem", json!({"code": code}).to_string()).await
}

/// What the website is told of an article for whoever shows this access token.
pub(crate) async fn reason(site: &TestApp, article: &str, access: &str) -> String {
    let answer = site.access(json!({"article": {"id": article}, "reader": access})).await;
    let body = answer.json();
    body["reason"].as_str().unwrap_or_else(|| body["code"].as_str().unwrap()).to_owned()
}

/// The one link of a page that leads to `start`.
fn href(page: &str, start: &str) -> String {
    let link = page.split("href=\"").skip(1).find(|link| link.starts_with(start));
    assert!(link.is_some(), "no link to {start}: {page}");
    link.unwrap().split('"').next().unwrap().replace("&#38;", "&")
}

/// A browser that has begun a trial on our pages, having come from the wall of `ARTICLE`.
pub(crate) async fn begun(t: &TestApp) -> Browser {
    let mut browser = Browser::new(t);
    let fields = [("email", ANNA), ("payment_method", "pm_sandbox_ok"), ("agree", "yes")];
    let offer = way("/subscribe", ARTICLE);
    let begun = browser.submit(&offer, "/subscribe", &fields).await;
    assert_eq!(begun.status, 303, "{}", begun.text());
    let welcome = begun.header("location").to_owned();
    assert!(welcome.starts_with("/subscribe/welcome?"), "{welcome}");
    let page = browser.open(&welcome).await.text();
    assert!(!page.contains("pressgate_code"), "a page that lies open holds no code: {page}");
    assert_eq!(href(&page, "/read-on"), way("/read-on", ARTICLE));
    browser
}

/// The tokens that the website gets for `browser`.
pub(crate) async fn handed_over(site: &TestApp, browser: &mut Browser) -> Tokens {
    Tokens::of(&redeem(site, &code(&browser.open(&way("/read-on", ARTICLE)).await).0).await)
}

async fn devices(t: &TestApp, access: &str) -> Vec<Value> {
    let answer = t.call(Method::GET, "/v1/me/sessions", access, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["sessions"].as_array().unwrap().clone()
}

/// The access token of a program in which Anna has just logged in by the password of the pages.
async fn logged_in_program(t: &TestApp) -> String {
    Tokens::of(&t.log_in(ANNA, PASSWORD).await).access
}

on_both_databases! {
    async fn from_the_wall_of_a_website_and_back_as_a_subscriber(t: TestApp) {
        let site = news(&t).await;
        let visitor = site.read("first", &Value::Null).await["visitor"].clone();
        let walled = site.read("tides", &visitor).await;
        assert_eq!(walled["decision"], "deny");
        let offer = walled["offer_url"].as_str().unwrap();
        assert!(way("http://127.0.0.1:8080/subscribe", ARTICLE).starts_with(offer), "{offer}");

        let mut browser = begun(&t).await;
        let (code, address) = code(&browser.open(&way("/read-on", ARTICLE)).await);
        assert_eq!(address, "https://news.example/tides?page=2&#depth");
        let redeemed = redeem(&site, &code).await;
        let tokens = Tokens::of(&redeemed);
        assert_eq!(redeemed.header("cache-control"), "no-store");
        let body = redeemed.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(reason(&site, "tides", &tokens.access).await, "trial");
        // It goes on reading there.
        let next = Tokens::of(&t.refresh(&tokens.refresh).await);
        assert_eq!(reason(&site, "bread", &next.access).await, "trial");
    }

    /// Nobody has proved to be Anna yet: whoever typed her address reads, and nothing else.
    async fn a_provisional_reader_reads_on_the_site_and_nothing_else(t: TestApp) {
        let site = news(&t).await;
        let mut browser = begun(&t).await;
        let redeemed = redeem(&site, &code(&browser.open(&way("/read-on", ARTICLE)).await).0).await;
        let reader = redeemed.json()["reader"].clone();
        assert_eq!((&reader["email"], &reader["email_verified"]), (&Value::Null, &json!(false)));
        let reads_only = |tokens: Tokens| {
            let (t, site) = (t.clone(), site.clone());
            async move {
                assert_eq!(reason(&site, "tides", &tokens.access).await, "trial");
                for (method, path, body) in [
                    (Method::GET, "/v1/me", None),
                    (Method::GET, "/v1/me/export", None),
                    (Method::GET, "/v1/me/sessions", None),
                    (Method::DELETE, "/v1/me/sessions", None),
                    (Method::DELETE, "/v1/me", None),
                    (Method::GET, "/v1/subscriptions", None),
                    (Method::GET, "/v1/invoices", None),
                    (Method::POST, "/v1/me/email", Some(json!({"email": "ben@example.org"}))),
                    (Method::POST, "/v1/subscriptions", Some(json!({"plan": "annual", "payment_method": "pm_sandbox_ok"}))),
                ] {
                    let answer = t.call(method, path, &tokens.access, body).await;
                    assert_eq!(answer.problem(), refused(403, "insufficient_scope"), "{path}");
                }
                tokens
            }
        };
        let tokens = reads_only(Tokens::of(&redeemed)).await;
        // Anna answers the mail, in this browser. What was handed over before knows no more of her.
        let link = mailed_link(&t, ANNA, "/login/link").await;
        assert_eq!(browser.submit(&link, "/login/link", &[]).await.status, 303);
        let refreshed = t.refresh(&tokens.refresh).await;
        assert_eq!(refreshed.json()["reader"]["email"], Value::Null);
        let tokens = reads_only(Tokens::of(&refreshed)).await;
        // Now she is handed over as herself.
        let whole = redeem(&site, &code(&browser.open(&way("/login", ARTICLE)).await).0).await;
        assert_eq!(whole.json()["reader"]["email"], ANNA);
        let whole = Tokens::of(&whole);
        assert_eq!(t.call(Method::GET, "/v1/me", &whole.access, None).await.status, 200);
        assert_eq!(whole.reader, tokens.reader);
        // And logging out here ends both.
        browser.submit("/account", "/logout", &[]).await;
        for tokens in [tokens, whole] {
            assert_eq!(reason(&site, "tides", &tokens.access).await, "invalid_reader_token");
            assert_eq!(t.refresh(&tokens.refresh).await.status, 401);
        }
    }

    async fn whoever_is_logged_in_already_types_nothing(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        let (code, address) = code(&browser.open(&way("/login", "https://news.example")).await);
        assert_eq!(address, "https://news.example?");
        assert_eq!(Tokens::of(&redeem(&site, &code).await).reader.len(), 36);
        // Once logged out, the form is there again, and no code.
        browser.submit("/account", "/logout", &[]).await;
        let form = browser.open(&way("/login", ARTICLE)).await;
        assert_eq!((form.status, form.header("location")), (200, ""));
        let back = browser.open(&way("/read-on", ARTICLE)).await;
        assert_eq!((back.status, back.header("location")), (303, ARTICLE), "nobody is handed over");
    }

    async fn a_password_and_a_link_in_a_mail_lead_back_too(t: TestApp) {
        let site = news(&t).await;
        signed_up(&t, ANNA).await;
        let login = way("/login", ARTICLE);
        let mut browser = Browser::new(&t);
        let page = browser.open(&login).await;
        // Browsers follow a form to another origin only where its page says so.
        let policy = page.header("content-security-policy");
        assert!(policy.contains("form-action 'self' https://news.example;"), "{policy}");
        let plain = browser.open("/login").await;
        assert!(plain.header("content-security-policy").contains("form-action 'self';"));
        let wrong = [("email", ANNA), ("password", "not this one")];
        let refused = browser.submit(&login, "/login", &wrong).await;
        assert_eq!(refused.status, 401);
        assert!(refused.text().contains("value=\"https://news.example/tides"), "{}", refused.text());
        let right = [("email", ANNA), ("password", PASSWORD)];
        let back = code(&browser.submit(&login, "/login", &right).await);
        Tokens::of(&redeem(&site, &back.0).await);

        let mut browser = Browser::new(&t);
        browser.submit(&login, "/login/email", &[("email", ANNA)]).await;
        let link = mailed_link(&t, ANNA, "/login/link").await;
        let back = code(&browser.submit(&link, "/login/link", &[]).await);
        assert_eq!(back.1, "https://news.example/tides?page=2&#depth");
        Tokens::of(&redeem(&site, &back.0).await);
    }

    async fn whoever_subscribes_already_is_led_back_by_the_offer(t: TestApp) {
        let site = news(&t).await;
        let mut browser = begun(&t).await;
        let already = browser.open(&way("/subscribe", ARTICLE)).await.text();
        let back = href(&already, "/read-on");
        let tokens = Tokens::of(&redeem(&site, &code(&browser.open(&back).await).0).await);
        assert_eq!(reason(&site, "tides", &tokens.access).await, "trial");
        // The log-in page offers the same, and a log-in.
        let login = browser.open(&way("/login", ARTICLE)).await.text();
        assert_eq!(href(&login, "/read-on"), way("/read-on", ARTICLE));
        assert!(login.contains("action=\"/login\""));
    }

    async fn a_code_is_good_once_for_a_minute_at_one_site(t: TestApp) {
        let site = news(&t).await;
        let other = t.site("other", "UTC", json!({"rules": []})).await;
        let mut browser = signed_up(&t, ANNA).await;
        let invalid = |answer: Answer| assert_eq!(answer.problem(), refused(400, "invalid_code"));
        let (first, _) = code(&browser.open(&way("/read-on", ARTICLE)).await);
        let bodies = [redeem(&other, &first).await, redeem(&t, &first).await];
        for answer in bodies {
            invalid(answer);
        }
        let nobody = site.with_key("sk_sandbox_unheard_of");
        assert_eq!(redeem(&nobody, &first).await.problem(), refused(401, "invalid_site_key"));
        let elsewhere = json!({"code": first, "origin": "https://www.news.example"});
        invalid(site.post("/v1/auth/handovers/redeem", elsewhere.to_string()).await);
        t.clock.advance(Duration::minutes(1) - Duration::MICROSECOND);
        let there = json!({"code": first, "origin": "https://news.example"});
        Tokens::of(&site.post("/v1/auth/handovers/redeem", there.to_string()).await);

        let (late, _) = code(&browser.open(&way("/read-on", ARTICLE)).await);
        t.clock.advance(Duration::minutes(1));
        invalid(redeem(&site, &late).await);
        let changed = format!("{}x", &late[..late.len() - 1]);
        for text in ["", "pgh_", "~", &"x".repeat(5_000), &changed, &late.replace("pgh_", "pgl_")] {
            invalid(redeem(&site, text).await);
        }
        let more = json!({"code": "x", "site": "other"}).to_string();
        let answer = site.post("/v1/auth/handovers/redeem", more).await;
        assert_eq!(answer.fields(), [("site".to_owned(), "unknown_field".to_owned())]);

        // A code of a session that has ended meanwhile hands nobody over.
        let (ended, _) = code(&browser.open(&way("/read-on", ARTICLE)).await);
        browser.submit("/account", "/logout", &[]).await;
        invalid(redeem(&site, &ended).await);
    }

    async fn a_code_that_comes_twice_ends_what_it_made(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        let (shown, _) = code(&browser.open(&way("/read-on", ARTICLE)).await);
        let tokens = Tokens::of(&redeem(&site, &shown).await);
        // Whoever has it without the site's key brings nothing about.
        let other = t.site("other", "UTC", json!({"rules": []})).await;
        assert_eq!(redeem(&other, &shown).await.status, 400);
        assert_eq!(reason(&site, "tides", &tokens.access).await, "metered");
        t.clock.advance(Duration::minutes(5));
        assert_eq!(redeem(&site, &shown).await.problem(), refused(400, "invalid_code"));
        assert_eq!(reason(&site, "tides", &tokens.access).await, "invalid_reader_token");
        assert_eq!(t.refresh(&tokens.refresh).await.status, 401);
        assert!(browser.open("/account").await.text().contains(ANNA), "our own pages know her still");
    }

    async fn of_many_who_redeem_a_code_at_once_one_is_answered_and_nobody_keeps_it(t: TestApp) {
        let site = news(&t).await;
        let there = site.another_process().await.with_key(site.key());
        let mut browser = signed_up(&t, ANNA).await;
        let (shown, _) = code(&browser.open(&way("/read-on", ARTICLE)).await);
        let asked = (0..12).map(|i| {
            let (at, shown) = (if i % 2 == 0 { site.clone() } else { there.clone() }, shown.clone());
            tokio::spawn(async move { redeem(&at, &shown).await })
        });
        let answers = futures_util::future::join_all(asked).await.into_iter().map(Result::unwrap);
        let (made, others): (Vec<Answer>, Vec<Answer>) = answers.partition(|it| it.status == 200);
        assert_eq!(made.len(), 1);
        for answer in others {
            assert_eq!(answer.problem(), refused(400, "invalid_code"));
        }
        let tokens = Tokens::of(&made[0]);
        assert_eq!(t.refresh(&tokens.refresh).await.status, 401);
        assert_eq!(site.another_process().await.refresh(&tokens.refresh).await.status, 401);
    }

    async fn the_website_stands_among_the_devices_and_ends_with_them(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        let tokens = handed_over(&site, &mut browser).await;
        let listed = devices(&t, &logged_in_program(&t).await).await;
        let of_site: Vec<&Value> = listed.iter().filter(|it| it["device"] == "news").collect();
        assert_eq!((listed.len(), of_site.len()), (3, 1), "{listed:?}");
        assert!(browser.open("/account").await.text().contains("news"));
        // Its own log-out ends it alone.
        assert_eq!(t.log_out(&tokens.refresh).await.status, 204);
        assert!(browser.open("/account").await.text().contains(ANNA));
        // A fresh log-in in the same browser takes over what was handed over before, ...
        let tokens = handed_over(&site, &mut browser).await;
        let mut again = browser.clone();
        t.clock.advance(Duration::hours(2));
        let fields = [("email", ANNA), ("password", PASSWORD)];
        let entered = again.submit("/login?again=1&return_to=/account", "/login", &fields).await;
        assert_eq!(entered.status, 303, "{}", entered.text());
        let tokens = Tokens::of(&t.refresh(&tokens.refresh).await);
        assert_eq!(reason(&site, "a", &tokens.access).await, "metered");
        // ... and everywhere is everywhere.
        let mut elsewhere = logged_in(&t, ANNA, PASSWORD).await;
        elsewhere.submit("/account", "/account/sessions/end-all", &[]).await;
        assert_eq!(reason(&site, "a", &tokens.access).await, "invalid_reader_token");
        assert_eq!(t.refresh(&tokens.refresh).await.status, 401);
    }

    async fn what_is_handed_over_lives_no_longer_than_the_log_in(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        t.clock.advance(Duration::hours(2));
        handed_over(&site, &mut browser).await;
        t.clock.advance(Duration::HOUR);
        let listed = devices(&t, &logged_in_program(&t).await).await;
        assert_eq!(listed.len(), 3, "{listed:?}");
        assert_eq!(listed[1]["expires_at"], listed[2]["expires_at"], "{listed:?}");
        assert_ne!(listed[0]["expires_at"], listed[1]["expires_at"], "{listed:?}");
    }

    async fn nobody_is_handed_over_to_places_that_are_not_the_sites(t: TestApp) {
        news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        for place in [
            "https://evil.example/",
            "https://news.example.evil.example/",
            "https://news.example@evil.example/",
            "https://news.example:8443/",
            "http://news.example/",
            "//news.example/",
            "https://news.example\\@evil.example",
            "javascript:alert(1)//https://news.example",
            "https://other.example/",
            "/%2fevil.example",
            "",
        ] {
            for page in ["/login", "/read-on"] {
                let answer = browser.open(&way(page, place)).await;
                assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{place}");
            }
        }
        // A page of ours needs no code, nor does a website on our own origin.
        for place in ["/demo/", "http://127.0.0.1:8080/demo/"] {
            let query = [("site", "demo"), ("return_to", place)];
            let query = serde_urlencoded::to_string(query).unwrap();
            let answer = browser.open(&format!("/read-on?{query}")).await;
            assert_eq!((answer.status, answer.header("location")), (303, place));
        }
        let nameless = browser.open("/read-on?return_to=https://news.example/").await;
        assert_eq!(nameless.header("location"), "/account");
    }

    async fn codes_without_end_are_not_given(t: TestApp) {
        let site = news(&t).await;
        let mut browser = signed_up(&t, ANNA).await;
        let mut last = String::new();
        for _ in 0..20 {
            last = code(&browser.open(&way("/read-on", ARTICLE)).await).0;
        }
        let none = browser.open(&way("/read-on", ARTICLE)).await;
        assert_eq!((none.status, none.header("location")), (303, ARTICLE), "only the way back");
        Tokens::of(&redeem(&site, &last).await);
        t.clock.advance(Duration::minutes(1));
        code(&browser.open(&way("/read-on", ARTICLE)).await);
    }
}
