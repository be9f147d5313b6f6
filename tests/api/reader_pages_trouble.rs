//! The readers' own pages and what can happen to a form: hostile texts, links that are over, other
//! tabs, the back button, and a browser without cookies.

use axum::http::Request;
use time::Duration;

use crate::{
    app::Answer,
    reader_pages::{
        Browser, PASSWORD, form_token, hidden_fields, logged_in, mailed_link, posts, signed_up,
    },
    subscribing::begun,
};

const ANNA: &str = "anna@example.org";

/// Where each form stands, and what it asks for.
const FORMS: &[(&str, &str, &[&str])] = &[
    ("/signup", "/signup", &["email", "password"]),
    ("/signup/confirm?token=x", "/signup/confirm", &["token"]),
    ("/login", "/login", &["email", "password", "site", "return_to"]),
    ("/login", "/login/email", &["email", "site", "return_to"]),
    ("/login/link?token=x", "/login/link", &["token", "site", "return_to"]),
    ("/login/reset", "/login/reset", &["email"]),
    ("/login/reset?token=x", "/login/reset/set", &["token", "password"]),
    ("/account/address?token=x", "/account/address", &["token"]),
    ("/account/address/object?token=x", "/account/address/object", &["token"]),
    ("/account", "/account/sessions/end", &["session"]),
    ("/account", "/account/password", &["current_password", "new_password"]),
    ("/account", "/account/email", &["email", "current_password"]),
    ("/account", "/language", &["language", "return_to"]),
];
/// Forms that are only a button.
const BUTTONS: &[&str] = &["/logout", "/account/sessions/end-all", "/account/erase"];

pub(crate) fn hostile() -> Vec<String> {
    [
        "\"><script>alert(1)</script>",
        "' onfocus='alert(1)' autofocus='",
        "{{ 7 * 777 }}{% include \"base.html\" %}${7*777}",
        "a@b.org\r\nBcc: everybody@example.org\r\nSet-Cookie: x=1",
        "'; DROP TABLE readers; --",
        "\u{1f642}\u{1f469}\u{200d}\u{1f692}",
        "an\u{200b}na@example\u{feff}.org",
        "\u{202e}gro.elpmaxe@anna\u{2066}",
        "\0",
        "anna\u{0}@example.org",
        "\u{200f}\u{061c}\u{2067}anna@example.org",
        "&lt;b&gt;&#x22;",
        "{ $minutes }",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["x".repeat(100_000), "\u{1f642}".repeat(10_000)])
    .collect()
}

/// What nobody may bring about by what is typed.
pub(crate) fn is_harmless(answer: &Answer, text: &str, about: &str) {
    let about = format!("{about}: {text:.40?} -> {}", answer.status);
    assert!(
        matches!(
            answer.status,
            200 | 202 | 303 | 400 | 401 | 402 | 403 | 404 | 409 | 410 | 422 | 429
        ),
        "{about}"
    );
    let page = answer.text();
    for part in ["<script", "onfocus='", "5439"] {
        assert!(!page.contains(part), "{about}: {page}");
    }
    assert!(
        !answer.headers.get_all("set-cookie").iter().any(|set| set.as_bytes().starts_with(b"x="))
    );
    assert!(answer.header("bcc").is_empty(), "{about}");
    assert!(page.len() < 150_000, "{about}");
    if answer.status == 303 {
        let to = answer.header("location");
        assert!(to.starts_with('/') && !to.starts_with("//"), "{about}: {to}");
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_form_is_tried() {
    // Tried in `newsletters`, `subscribing_words`, `leaving` and `office_gifts`.
    let elsewhere = [
        "/gift",
        "/newsletters",
        "/subscribe",
        "/account/newsletters",
        "/account/cancel",
        "/account/resume",
        "/account/switch",
        "/account/card",
    ];
    let is_here = |action: &&str| !elsewhere.iter().any(|start| action.starts_with(start));
    for action in posts().into_iter().filter(is_here) {
        let is_tried = FORMS.iter().any(|(_, of, _)| *of == action) || BUTTONS.contains(&action);
        assert!(is_tried, "{action}");
    }
}

on_both_databases! {
    async fn hostile_texts_in_every_field_stay_texts(t: TestApp) {
        for (path, action, names) in FORMS {
            let mut browser = if path.starts_with("/account") {
                let email = format!("a{}@example.org", action.len());
                signed_up(&t, &email).await
            } else {
                Browser::new(&t)
            };
            for text in hostile() {
                for name in *names {
                    let page = browser.open(path).await.text();
                    let token = form_token(&page, action);
                    // The other fields are as they should be, so that this one is looked at.
                    let value = |of: &str| match of {
                        of if of == *name => text.clone(),
                        "email" => format!("b{}@example.org", text.len()),
                        "return_to" => "/account".to_owned(),
                        "site" => "demo".to_owned(),
                        _ => PASSWORD.to_owned(),
                    };
                    let mut fields: Vec<(String, String)> =
                        names.iter().map(|of| ((*of).to_owned(), value(of))).collect();
                    fields.push(("form_token".to_owned(), token));
                    let answer = browser.post(action, &fields).await;
                    is_harmless(&answer, &text, &format!("{action}, {name}"));
                    // What was typed stands in the field again, and nowhere else.
                    if text.starts_with("\"><script") && *name == "email" {
                        let page = answer.text();
                        let typed = "value=\"&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;\"";
                        assert!(page.contains(typed), "{action}: {page}");
                        assert!(!page.replace(typed, "").contains("alert(1)"), "{page}");
                    }
                }
            }
        }
        let again = logged_in(&t, "a9@example.org", PASSWORD).await;
        assert!(again.is_logged_in(), "readers are still there");
    }

    async fn what_no_page_of_ours_would_send_is_read_by_nobody(t: TestApp) {
        for (path, action, names) in FORMS {
            let mut browser = match *path {
                "/account" => signed_up(&t, &format!("c{}@example.org", action.len())).await,
                _ => Browser::new(&t),
            };
            let token = form_token(&browser.open(path).await.text(), action);
            let mut good = owned(&[("form_token", &token)]);
            good.extend(names.iter().map(|name| ((*name).to_owned(), "x".to_owned())));
            let plain = serde_urlencoded::to_string(&good).unwrap();
            for media_type in ["", "text/plain", "application/json", "multipart/form-data; boundary=x"] {
                let request = Request::post(*action)
                    .header("content-type", media_type)
                    .header("sec-fetch-site", "same-origin");
                let answer = browser.send(request, plain.clone()).await;
                assert_eq!(answer.status, 422, "{action} as {media_type:?}");
                assert!(answer.text().contains("<html"), "{action}");
            }
            // Twice the same field, a field that nobody asked for, and more fields than there are.
            for name in *names {
                let mut twice = good.clone();
                twice.push(((*name).to_owned(), "y".to_owned()));
                assert_eq!(browser.post(action, &twice).await.status, 422, "{action}, {name} twice");
            }
            let many = (0..100).map(|i| (format!("more{i}"), String::new()));
            let many: Vec<(String, String)> = good.iter().cloned().chain(many).collect();
            assert_eq!(browser.post(action, &many).await.status, 422, "{action}, with many");
        }
    }

    async fn forms_about_subscriptions_do_nothing_once_another_tab_logged_out(t: TestApp) {
        let mut browser = begun(&t, ANNA).await;
        let link = mailed_link(&t, ANNA, "/login/link").await;
        browser.submit(&link, "/login/link", &[]).await;
        let mut open = Vec::new();
        for action in ["/account/cancel", "/account/switch", "/account/card"] {
            open.push((action, hidden_fields(&browser.open(action).await.text(), action)));
        }
        browser.submit("/account", "/logout", &[]).await;
        browser.open("/login").await;
        for (action, mut fields) in open {
            fields.extend(owned(&[("payment_method", "pm_sandbox_ok:other")]).into_iter().filter(|_| action.ends_with("card")));
            let answer = browser.post(action, &fields).await;
            assert_eq!(answer.status, 403, "{action}");
            assert!(answer.text().contains("Nothing was done."), "{action}");
        }
        browser.submit("/login", "/login/email", &[("email", ANNA)]).await;
        let link = mailed_link(&t, ANNA, "/login/link").await;
        browser.submit(&link, "/login/link", &[]).await;
        let export = browser.open("/account/export").await.json();
        assert_eq!(export["subscriptions"][0]["status"], "trialing");
        let happened = export["timeline"].to_string();
        for event in ["cancel_scheduled", "switch", "payment_method_changed"] {
            assert!(!happened.contains(event), "{event} in {happened}");
        }
        assert_eq!(export["consents"].as_array().unwrap().len(), 1);
    }

    async fn hostile_texts_in_addresses_stay_texts(t: TestApp) {
        let mut browser = Browser::new(&t);
        for text in hostile().into_iter().filter(|text| text.len() < 5_000) {
            let query = serde_urlencoded::to_string([("token", &text), ("return_to", &text)]).unwrap();
            for page in ["/login", "/login/link", "/login/reset", "/signup/confirm", "/account/address"] {
                let answer = browser.open(&format!("{page}?{query}&again=1")).await;
                let expected = if text.chars().any(char::is_control) { 400 } else { 200 };
                assert_eq!(answer.status, expected, "{page}: {text:?}");
                let page = answer.text();
                assert!(!page.contains("<script") && !page.contains("onfocus='") && !page.contains("5439"));
            }
        }
    }

    async fn links_that_are_over_or_used_say_so_and_lead_on(t: TestApp) {
        let mut browser = Browser::new(&t);
        let fields = [("email", ANNA), ("password", PASSWORD)];
        browser.submit("/signup", "/signup", &fields).await;
        let confirm = mailed_link(&t, ANNA, "/signup/confirm").await;
        t.clock.advance(Duration::hours(24));
        let over = browser.submit(&confirm, "/signup/confirm", &[]).await;
        browser.submit("/signup", "/signup", &fields).await;
        let confirm = mailed_link(&t, ANNA, "/signup/confirm").await;
        assert_eq!(browser.submit(&confirm, "/signup/confirm", &[]).await.status, 303);
        let used = browser.submit(&confirm, "/signup/confirm", &[]).await;

        browser.submit("/login/reset", "/login/reset", &[("email", ANNA)]).await;
        let reset = mailed_link(&t, ANNA, "/login/reset").await;
        let new = [("password", "quite another phrase")];
        assert_eq!(browser.submit(&reset, "/login/reset/set", &new).await.status, 303);
        let reset_twice = browser.submit(&reset, "/login/reset/set", &new).await;

        let mut browser = Browser::new(&t);
        browser.submit("/login", "/login/email", &[("email", ANNA)]).await;
        let link = mailed_link(&t, ANNA, "/login/link").await;
        t.clock.advance(Duration::minutes(15));
        let late = browser.submit(&link, "/login/link", &[]).await;
        for (answer, way) in [(over, "/signup"), (used, "/signup"), (reset_twice, "/login/reset"), (late, "/login")] {
            let page = answer.text();
            assert_eq!(answer.status, 401, "{page}");
            assert!(page.contains("This link was used already or is too old. Ask for a new one."), "{page}");
            assert!(page.contains(&format!("<a href=\"{way}\">Ask for a new link</a>")), "{page}");
        }
        assert!(!browser.is_logged_in());
    }

    async fn the_back_button_and_a_reload_find_nothing_old(t: TestApp) {
        let mut browser = signed_up(&t, ANNA).await;
        for path in ["/account", "/account/erase", "/login/reset", "/login/link?token=x", "/account/export"] {
            assert_eq!(browser.open(path).await.header("cache-control"), "no-store", "{path}");
        }
        // What was done answers with another page, so that a reload only opens that one.
        let fields = [("current_password", PASSWORD), ("new_password", "quite another phrase")];
        let done = browser.submit("/account", "/account/password", &fields).await;
        assert_eq!((done.status, done.header("location")), (303, "/account"));
        // The page before still holds the token of the session before.
        let old = form_token(&browser.open("/account").await.text(), "/logout");
        assert_eq!(browser.submit("/account", "/logout", &[]).await.status, 303);
        assert_eq!(browser.open("/account").await.header("location"), "/login?return_to=/account");
        let again = browser.post("/logout", &owned(&[("form_token", &old)])).await;
        assert_eq!(again.status, 403);
    }

    async fn two_tabs_are_two_forms_of_one_browser(t: TestApp) {
        signed_up(&t, ANNA).await;
        let mut browser = Browser::new(&t);
        let (one, other) = (browser.open("/login").await.text(), browser.open("/login").await.text());
        let fields = |page: &str, password: &str| {
            let token = form_token(page, "/login");
            owned(&[("form_token", &token), ("email", ANNA), ("password", password), ("return_to", "")])
        };
        // The older of two pages works as the newer one does.
        assert_eq!(browser.post("/login", &fields(&one, "not this one")).await.status, 401);
        assert_eq!(browser.post("/login", &fields(&other, PASSWORD)).await.status, 303);
        // But not once the other tab has logged in: this form is nobody's now.
        let stale = browser.post("/login", &fields(&one, PASSWORD)).await;
        assert_eq!(stale.status, 403);
        assert!(stale.text().contains("logged in or out since, in another tab"), "{}", stale.text());
        assert!(browser.is_logged_in());
        // A second log-in, by a page that was opened since, is a new session in place of the old.
        assert_eq!(browser.open("/login").await.header("location"), "/account");
    }

    async fn a_form_that_was_open_when_another_tab_logged_out_does_nothing(t: TestApp) {
        let mut browser = signed_up(&t, ANNA).await;
        let open = browser.open("/account").await.text();
        browser.submit("/account", "/logout", &[]).await;
        browser.open("/login").await;
        let phrase = "quite another phrase";
        for (action, fields) in [
            ("/account/password", vec![("current_password", PASSWORD), ("new_password", phrase)]),
            ("/account/email", vec![("email", "b@example.org"), ("current_password", PASSWORD)]),
            ("/account/sessions/end-all", vec![]),
        ] {
            let token = form_token(&open, action);
            let mut fields = owned(&fields);
            fields.push(("form_token".to_owned(), token));
            let answer = browser.post(action, &fields).await;
            assert_eq!(answer.status, 403, "{action}");
            let page = answer.text();
            assert!(page.contains("Nothing was done.") && page.contains("<a href=\"/login\">"), "{page}");
        }
        logged_in(&t, ANNA, PASSWORD).await;
    }

    async fn a_browser_that_keeps_no_cookies_is_told_so(t: TestApp) {
        signed_up(&t, ANNA).await;
        let mut browser = Browser::new(&t);
        let token = form_token(&browser.open("/login").await.text(), "/login");
        browser.cookies.clear();
        let fields = owned(&[("form_token", &token), ("email", ANNA), ("password", PASSWORD)]);
        let answer = browser.post("/login", &fields).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains("Your browser keeps no cookies from us"), "{}", answer.text());
        assert!(!answer.text().contains("another tab"));
    }
}
