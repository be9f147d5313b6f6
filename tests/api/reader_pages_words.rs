//! The readers' own pages in the language of their readers.

use std::collections::BTreeSet;

use pressgate::mail::address::Address;
use time::Duration;

use crate::{
    app::TestApp,
    reader_pages::{Browser, PASSWORD, logged_in, mailed_link, signed_up},
};

const ANNA: &str = "anna@example.org";
const FRENCH: &str = "fr-FR,fr;q=0.9,en;q=0.8";

/// Every stretch of English on these pages that is long enough to be one, and is not French too.
fn english() -> BTreeSet<&'static str> {
    let pieces = |files: &'static str| {
        let lines = files.lines().filter(|line| !line.starts_with('#'));
        let texts = lines.map(|line| line.split_once(" = ").map_or(line, |(_, text)| text));
        let pieces = texts.flat_map(|text| text.split(['{', '}', ']'])).map(str::trim);
        pieces.filter(|piece| piece.len() > 5 && !piece.contains(['$', '[', '*']))
    };
    let files = concat!(
        include_str!("../../src/language/en/page.ftl"),
        include_str!("../../src/language/en/account.ftl"),
        include_str!("../../src/language/en/subscribe.ftl"),
        include_str!("../../src/language/en/plan.ftl"),
        include_str!("../../src/language/en/invoice.ftl"),
        include_str!("../../src/language/en/newsletter.ftl"),
    );
    let french = concat!(
        include_str!("../../src/language/fr/page.ftl"),
        include_str!("../../src/language/fr/account.ftl"),
        include_str!("../../src/language/fr/subscribe.ftl"),
        include_str!("../../src/language/fr/plan.ftl"),
        include_str!("../../src/language/fr/invoice.ftl"),
        include_str!("../../src/language/fr/newsletter.ftl"),
    );
    // French parts some words with a space that does not break.
    let french: BTreeSet<&str> = pieces(french).map(|text| text.trim_matches('\u{a0}')).collect();
    pieces(files).filter(|piece| !french.contains(piece)).collect()
}

pub(crate) fn french(t: &TestApp) -> Browser {
    Browser { accept_language: FRENCH, ..Browser::new(t) }
}

pub(crate) fn is_french(name: &str, page: &str) {
    assert!(page.contains("<html lang=\"fr\" dir=\"ltr\">"), "{name}: {page}");
    // The sandbox's bar is for those who build, and in English.
    let page = page.split("<aside class=\"sandbox-bar\"").next().unwrap();
    let found: Vec<&str> = english().into_iter().filter(|text| page.contains(*text)).collect();
    assert!(found.is_empty(), "{name} says {found:?}: {page}");
    // Nor any that the catalog says,
    let found =
        [">Monthly", ">Annual", " Monthly", " Annual", "The Tide", "Lamplight", "Soundings"]
            .iter()
            .find(|name| page.contains(**name));
    assert!(found.is_none(), "{name} says {found:?}: {page}");
    // nor any that stands in a template instead of a message.
    let found = [" the ", " your ", " you ", " and ", " with ", " this "]
        .iter()
        .find(|word| page.contains(**word));
    assert!(found.is_none(), "{name} says{found:?}: {page}");
}

on_both_databases! {
    async fn a_french_browser_reads_no_english(t: TestApp) {
        assert!(english().len() > 60, "{:?}", english());
        let mut browser = french(&t);
        for path in [
            "/signup", "/login", "/login/reset", "/login/reset?token=x", "/login/link?token=x",
            "/signup/confirm?token=x", "/account/address?token=x", "/login?token=a&return_to=a&return_to=b",
        ] {
            is_french(path, &browser.open(path).await.text());
        }
        let other = "nouvelle@example.org";
        for (path, action, fields) in [
            ("/signup", "/signup", vec![("email", "anna"), ("password", PASSWORD)]),
            ("/signup", "/signup", vec![("email", ANNA), ("password", "court")]),
            ("/signup", "/signup", vec![("email", ANNA), ("password", "password1")]),
            ("/signup", "/signup", vec![("email", ANNA), ("password", &"x".repeat(300))]),
            ("/signup", "/signup", vec![("email", ANNA), ("password", PASSWORD), ("x", "y")]),
            ("/signup", "/signup", vec![("email", ANNA), ("password", PASSWORD)]),
            ("/login", "/login", vec![("email", ANNA), ("password", "pas le bon")]),
            ("/login", "/login", vec![("email", ANNA), ("password", &"x".repeat(300))]),
            ("/login/link?token=x", "/login/link", vec![]),
            ("/login/reset?token=x", "/login/reset/set", vec![("password", PASSWORD)]),
            ("/account/address?token=x", "/account/address", vec![]),
            ("/login", "/login/email", vec![("email", ANNA)]),
        ] {
            is_french(action, &browser.submit(path, action, &fields).await.text());
        }
        let link = mailed_link(&t, ANNA, "/signup/confirm").await;
        assert_eq!(browser.submit(&link, "/signup/confirm", &[]).await.status, 303);
        for path in ["/account", "/account/erase"] {
            is_french(path, &browser.open(path).await.text());
        }
        assert!(browser.open("/account").await.text().contains("23 novembre 2026"));
        for (action, fields) in [
            ("/account/password", vec![("current_password", "pas le bon"), ("new_password", PASSWORD)]),
            ("/account/email", vec![("email", "anna"), ("current_password", PASSWORD)]),
            ("/account/email", vec![("email", other), ("current_password", PASSWORD)]),
        ] {
            is_french(action, &browser.submit("/account", action, &fields).await.text());
        }
        for (to, title) in [(ANNA, "Merci"), (other, "L’adresse a été changée")] {
            let link = mailed_link(&t, to, "/account/address").await;
            let agreed = browser.submit(&link, "/account/address", &[]).await.text();
            assert!(agreed.contains(title), "{agreed}");
            is_french("agreed", &agreed);
        }
        is_french("foreign", &browser.post("/logout", &[]).await.text());
        t.clock.advance(Duration::hours(2));
        is_french("again", &browser.open("/login?again=1").await.text());
        let late = [("email", ANNA), ("current_password", "")];
        is_french("late", &browser.submit("/account", "/account/email", &late).await.text());
        t.state.databases.main.close().await;
        is_french("failed", &browser.open("/account").await.text());
    }

    async fn who_is_slowed_down_is_told_in_french(t: TestApp) {
        signed_up(&t, ANNA).await;
        let mut browser = french(&t);
        let wrong = [("email", ANNA), ("password", "pas le bon")];
        let mut answer = browser.submit("/login", "/login", &wrong).await;
        while answer.status == 401 {
            answer = browser.submit("/login", "/login", &wrong).await;
        }
        assert_eq!(answer.status, 429);
        let page = answer.text();
        assert!(page.contains("Patientez une minute") || page.contains("\u{a0}minutes"), "{page}");
        is_french("slowed down", &page);
    }

    async fn a_language_is_chosen_in_the_browser_and_kept_in_the_account(t: TestApp) {
        let says = async |browser: &mut Browser, path: &str| {
            let page = browser.open(path).await.text();
            page.split("<html lang=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        let mut browser = Browser::new(&t);
        assert_eq!(says(&mut browser, "/login").await, "en");
        // The switch leads back to the very page, and what it was opened with.
        let path = "/login/link?token=pgl_x&return_to=/demo/";
        let chosen = browser.submit(path, "/language", &[("language", "fr")]).await;
        assert_eq!((chosen.status, chosen.header("location")), (303, path));
        assert!(chosen.header("set-cookie").contains("pressgate_language=fr"));
        assert_eq!(says(&mut browser, "/login").await, "fr");

        // An account made here speaks French, elsewhere too, and to whomever logs in.
        let fields = [("email", ANNA), ("password", PASSWORD)];
        browser.submit("/signup", "/signup", &fields).await;
        let link = mailed_link(&t, ANNA, "/signup/confirm").await;
        browser.submit(&link, "/signup/confirm", &[]).await;
        let mut elsewhere = logged_in(&t, ANNA, PASSWORD).await;
        elsewhere.accept_language = "en";
        assert_eq!(says(&mut elsewhere, "/account").await, "fr");
        let english = [("language", "en")];
        let chosen = elsewhere.submit("/account", "/language", &english).await;
        assert_eq!(chosen.header("location"), "/account");
        assert_eq!(says(&mut browser, "/account").await, "en", "the account before the cookie");
        elsewhere.submit("/account", "/logout", &[]).await;
        elsewhere.accept_language = "fr";
        assert_eq!(says(&mut elsewhere, "/login").await, "en", "the cookie before the browser");
        let mut tx = t.state.databases.main.read().await.unwrap();
        let address = Address::parse(ANNA).unwrap();
        let reader = pressgate::reader::store::find_by_email(&mut tx, &address).await.unwrap();
        assert_eq!(reader.unwrap().language, Some(pressgate::language::Language::English));
    }

    async fn only_our_languages_are_chosen_and_only_our_pages_follow(t: TestApp) {
        let mut browser = Browser::new(&t);
        for language in ["", "de", "EN", "fr\r\nset-cookie: x=y", "<script>", "\u{202e}fr"] {
            let refused = browser.submit("/login", "/language", &[("language", language)]).await;
            assert_eq!(refused.status, 422, "{language:?}");
            assert!(!browser.cookies.contains_key("pressgate_language"), "{language:?}");
        }
        let page = browser.open("/login").await.text();
        let token = crate::reader_pages::form_token(&page, "/language");
        for elsewhere in ["//evil.example", "https://evil.example", "/a%0D%0AX: y", ""] {
            let fields = [("form_token", token.as_str()), ("language", "fr"), ("return_to", elsewhere)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(browser.post("/language", &fields).await.header("location"), "/account");
        }
        let split = [("form_token", token.as_str()), ("language", "fr"), ("return_to", "/a\r\nX: y")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(browser.post("/language", &split).await.status, 422);
        for rubbish in ["de", "%00", "fr; Domain=x", ""] {
            browser.cookies.insert("pressgate_language".to_owned(), rubbish.to_owned());
            assert_eq!(browser.open("/login").await.status, 200, "{rubbish}");
        }
    }

    async fn what_search_engines_may_find_holds_no_secret(t: TestApp) {
        let mut browser = signed_up(&t, ANNA).await;
        for (path, is_found) in [
            ("/account", false), ("/account/erase", false), ("/signup/confirm?token=x", false),
            ("/login/link?token=x", false), ("/login/reset?token=x", false),
            ("/account/address?token=x", false), ("/signup", true), ("/login/reset", true),
        ] {
            let answer = browser.open(path).await;
            let page = answer.text();
            assert_eq!(page.contains("<meta name=\"description\" content=\""), is_found, "{path}");
            assert_eq!(page.contains("noindex"), !is_found, "{path}");
            assert_eq!(answer.header("referrer-policy"), "strict-origin");
            let denied = answer.header("permissions-policy");
            for feature in ["camera", "geolocation", "microphone", "payment", "usb"] {
                assert!(denied.contains(&format!("{feature}=()")), "{denied}");
            }
        }
        assert!(Browser::new(&t).open("/login").await.text().contains("name=\"description\""));
    }
}
