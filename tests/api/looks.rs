//! How the readers' pages of a site look, and what browsers load for it.

use std::fs;

use axum::{
    body::Body,
    http::{Request, header},
};
use pressgate::{
    clock::Clock,
    language::Language,
    mail::{address::Address, outbox},
    newsletter::link::Purpose,
    site::look::{
        logo::Logo,
        model::{Accent, Font, Look},
        store,
    },
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    app::{Answer, TestApp},
    newsletters::{link_of, receives},
    reader_pages::{Browser, mailed_link, signed_up},
};

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The address behind `attribute` in the first tag of `page` that has `mark`.
fn address(page: &str, mark: &str, attribute: &str) -> Option<String> {
    let tag = page.split('<').find(|tag| tag.contains(mark))?;
    let text = tag.split(&format!("{attribute}=\"")).nth(1)?;
    Some(text.split('"').next()?.to_owned())
}

fn style_of(page: &str) -> Option<String> {
    address(page, "/look.css", "href")
}

async fn again(t: &TestApp, path: &str, tag: &str) -> Answer {
    let request = Request::get(path).header(header::IF_NONE_MATCH, tag);
    t.send(request.body(Body::empty()).unwrap()).await
}

async fn dress(t: &TestApp, site: &str, look: &Look, logo: Option<&[u8]>) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    assert!(store::set(&mut tx, site, look).await.unwrap());
    match logo {
        Some(bytes) => {
            let logo = Logo::read(bytes.to_vec()).unwrap();
            store::set_logo(&mut tx, site, &logo, t.clock.now()).await.unwrap();
        }
        None => store::remove_logo(&mut tx, site).await.unwrap(),
    }
    tx.commit().await.unwrap();
    t.state.gate.directory.refresh().await.unwrap();
}

/// The same service with a catalog in which the newsletter "tide" belongs to `site` alone.
async fn with_a_newsletter_of(t: &TestApp, site: &str) -> (TestApp, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.toml");
    let catalog = include_str!("../../config/catalog.toml");
    let (before, after) = catalog.split_once("id = \"tide\"\n").unwrap();
    let own = format!("{before}id = \"tide\"\nsites = [\"{site}\"]\n{after}");
    fs::write(&path, own).unwrap();
    let settings = [("PRESSGATE__BILLING__CATALOG", path.to_str().unwrap())];
    (t.another_process_with(&settings).await, folder)
}

on_both_databases! {
    async fn a_page_wears_the_look_of_its_site_and_browsers_keep_it(t: TestApp) {
        t.site("plain", "UTC", json!({"rules": []})).await;
        let mut browser = Browser::new(&t);
        let demo = browser.open("/login").await.text();
        let style = style_of(&demo).unwrap();
        let css = t.get(&style).await;
        assert_eq!((css.status, css.header("content-type")), (200, "text/css; charset=utf-8"));
        assert_eq!(css.header("cache-control"), FOR_EVER);
        assert!(css.text().contains("--accent:#98351f"), "{}", css.text());
        let unchanged = again(&t, &style, css.header("etag")).await;
        assert_eq!((unchanged.status, unchanged.text().as_str()), (304, ""));

        let plain = browser.open("/login?site=plain").await.text();
        assert_eq!(style_of(&plain), None, "it has none of its own");
        assert!(plain.contains("<p class=\"name\">plain</p>"), "{plain}");

        let accent = Accent { light: "#1a6b3c".parse().unwrap(), dark: None };
        let look = Look { accent: Some(accent), font: Font::Sans, ..Look::default() };
        dress(&t, "plain", &look, None).await;
        let green = style_of(&browser.open("/login").await.text()).unwrap();
        let css = t.get(&green).await.text();
        assert!(css.contains("--accent:#1a6b3c") && css.contains("--display:"), "{css}");

        dress(&t, "plain", &Look { font: Font::Serif, ..look }, None).await;
        let later = style_of(&browser.open("/login").await.text()).unwrap();
        assert_ne!(later, green, "another style, another address");
        let old = t.get(&green).await;
        assert_eq!((old.status, old.header("cache-control")), (200, "public, max-age=60"));
        for path in ["/assets/site/nobody/look.css", "/assets/site/%00/look.css"] {
            assert_eq!(t.get(path).await.status, 404, "{path}");
        }
    }

    async fn newsletters_are_asked_for_in_the_name_of_the_site(t: TestApp) {
        t.site("matin", "Europe/Paris", json!({"rules": []})).await;
        let accent = Accent { light: "#1a6b3c".parse().unwrap(), dark: None };
        let language = Some(Language::French);
        dress(&t, "matin", &Look { accent: Some(accent), language, ..Look::default() }, None).await;
        let mut browser = Browser::new(&t);
        let fields = [("email", "anna@example.org"), ("list-tide", "on")];
        let asked = browser.submit("/newsletters?site=matin", "/newsletters", &fields).await;
        assert_eq!(asked.status, 202);
        let mut tx = t.state.databases.main.read().await.unwrap();
        let to = Address::parse("anna@example.org").unwrap();
        let mail = outbox::newest(&mut tx, Some(&to)).await.unwrap().pop().unwrap();
        drop(tx);
        assert_eq!(mail.subject, "Confirmez votre inscription à nos lettres");
        assert!(mail.body_text.contains("-- \nmatin\n"), "{}", mail.body_text);
        assert!(mail.body_html.contains("background:#1a6b3c"), "{}", mail.body_html);

        // Another browser, which was never on that site.
        let link = mailed_link(&t, "anna@example.org", "/newsletters/confirm").await;
        let mut other = Browser::new(&t);
        let page = other.open(&link).await.text();
        assert!(page.contains("<p class=\"name\">matin</p>"), "{page}");
        assert!(page.contains("<html lang=\"fr\""), "{page}");
        let confirmed = other.submit(&link, "/newsletters/confirm", &[]).await;
        assert_eq!(confirmed.status, 200);
        assert!(confirmed.text().contains("<p class=\"name\">matin</p>"), "{}", confirmed.text());
    }

    async fn a_link_about_newsletters_opens_in_the_name_of_its_site_in_any_browser(t: TestApp) {
        t.site("matin", "Europe/Paris", json!({"rules": []})).await;
        let look = Look { language: Some(Language::French), ..Look::default() };
        dress(&t, "matin", &look, None).await;
        let (t, _catalog) = with_a_newsletter_of(&t, "matin").await;
        let of_matin = |answer: &Answer| {
            let page = answer.text();
            page.contains("<p class=\"name\">matin</p>") && page.contains("<html lang=\"fr\"")
        };
        receives(&t, "anna@example.org", &["tide", "lamplight"]).await;
        let link = |purpose, list| link_of(&t, purpose, "anna@example.org", list);

        // A browser of the other site, which stays that: only the page is of this one.
        let mut browser = Browser::new(&t);
        browser.open("/login?site=demo").await;
        let preferences = link(Purpose::Preferences, "tide").await;
        let named = format!("{preferences}&site=demo");
        for path in [&preferences, &named] {
            let page = browser.open(path).await;
            assert!(page.status == 200 && of_matin(&page), "{}", page.text());
        }
        assert!(!of_matin(&browser.open("/login").await));
        let wanted = [("list-lamplight", "on"), ("list-tide", "on"), ("list-deep-end", "on")];
        let asked = browser.submit(&preferences, "/newsletters/preferences", &wanted).await;
        assert!(asked.status == 202 && of_matin(&asked), "{}", asked.text());
        let subject = "Confirmez votre inscription à nos lettres";
        assert_eq!(t.subjects_to("anna@example.org").await.last().unwrap(), subject);
        let leave = link(Purpose::Unsubscribe, "tide").await;
        assert!(of_matin(&browser.open(&leave).await));
        let left = browser.submit(&leave, "/newsletters/leave", &[]).await;
        assert!(left.status == 200 && of_matin(&left), "{}", left.text());
        assert!(of_matin(&browser.open(&leave).await), "left before");

        // A newsletter of all sites: where the browser is, until an account says where its reader is.
        let leave = link(Purpose::Unsubscribe, "lamplight").await;
        assert!(!of_matin(&browser.open(&leave).await));
        assert!(of_matin(&Browser::new(&t).open(&format!("{leave}&site=matin")).await));
        signed_up(&t, "anna@example.org").await;
        let begun_on = async |site: Option<&str>| {
            let mut tx = t.state.databases.main.write().await.unwrap();
            let query = tx.query("UPDATE readers SET site = $1").bind(site);
            assert_eq!(query.execute().await.unwrap(), 1);
            tx.commit().await.unwrap();
        };
        begun_on(Some("matin")).await;
        assert!(of_matin(&browser.open(&leave).await));
        // A site that is gone says nothing.
        begun_on(Some("gone")).await;
        assert!(!of_matin(&browser.open(&leave).await));
        // Nor does a link that is none.
        let over = browser.open("/newsletters/preferences?token=x").await;
        assert!(over.status == 404 && !of_matin(&over));
    }

    async fn a_logo_stands_for_the_name_and_can_do_nothing(t: TestApp) {
        let mut browser = Browser::new(&t);
        let logo = address(&browser.open("/login").await.text(), "class=\"logo\"", "src").unwrap();
        let answer = t.get(&logo).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/svg+xml"));
        assert_eq!(answer.header("cache-control"), FOR_EVER);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
        );
        assert_eq!(again(&t, &logo, answer.header("etag")).await.status, 304);
        assert_eq!(t.get("/assets/site/demo/logo?v=other").await.header("cache-control"),
            "public, max-age=60");

        let before = t.another_process().await;
        let png = b"\x89PNG\r\n\x1a\n and so on";
        dress(&t, "demo", &Look::default(), Some(png)).await;
        let page = browser.open("/login").await.text();
        let newer = address(&page, "class=\"logo\"", "src").unwrap();
        assert_ne!(newer, logo);
        assert!(page.contains("alt=\"The Fathom\""), "{page}");
        for process in [&t, &before] {
            let answer = process.get(&newer).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
            assert_eq!(answer.header("cache-control"), FOR_EVER);
            assert_eq!(answer.body, png);
        }

        dress(&t, "demo", &Look::default(), None).await;
        assert_eq!(t.get(&newer).await.status, 404);
        assert_eq!(before.get(&newer).await.status, 404);
        let page = browser.open("/login").await.text();
        assert!(page.contains("<p class=\"name\">The Fathom</p>"), "{page}");
    }

    async fn a_site_that_speaks_one_language_speaks_it_to_all(t: TestApp) {
        let french = |page: &str| page.contains("<html lang=\"fr\"");
        let mut browser = Browser::new(&t);
        let page = browser.open("/login").await.text();
        assert!(!french(&page) && page.contains("Français"), "{page}");
        let look = Look { language: Some(Language::French), ..Look::default() };
        dress(&t, "demo", &look, None).await;
        let page = browser.open("/login").await.text();
        assert!(french(&page) && !page.contains("English"), "{page}");
    }
}
