//! One reader on one page: notes, hostile ones too, who looked, and a reader who is gone.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::json;

use crate::{
    back_office::{hire, token_of},
    office_pages::on_duty,
    readers::ANNA,
};

const HOSTILE: &str =
    "<script>alert(1)</script> \"'&amp; =HYPERLINK(1) \u{202e}'; DROP TABLE readers;--";

on_both_databases! {
    async fn notes_are_kept_shown_escaped_exported_and_erased(t: TestApp) {
        let anna = t.reader(ANNA).await;
        hire(&t, Role::Support).await;
        let token = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/readers/{}/notes", anna.reader);
        let note = json!({"text": HOSTILE});
        let kept = t.call(Method::POST, &path, &token, Some(note.clone())).await;
        assert_eq!(kept.status, 201, "{}", kept.text());
        // The same again is the same note.
        let again = t.call(Method::POST, &path, &token, Some(note)).await;
        assert_eq!(again.json()["id"], kept.json()["id"]);
        for text in [String::new(), "  ".to_owned(), "a".repeat(2_001), "a\0b".to_owned()] {
            let refused = t.call(Method::POST, &path, &token, Some(json!({"text": text}))).await;
            assert_eq!(refused.fields()[0].0, "text");
        }
        let listed = t.call(Method::GET, &path, &token, None).await.json();
        assert_eq!(listed["notes"].as_array().unwrap().len(), 1);
        assert_eq!(listed["notes"][0]["text"], HOSTILE);
        let mut browser = on_duty(&t, Role::Support).await;
        let page = browser.open(&format!("/staff/readers/{}", anna.reader)).await;
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("<script>alert"), "{}", page.text());
        assert!(page.text().contains("DROP TABLE readers"));
        let export = t.call(Method::GET, "/v1/me/export", &anna.access, None).await.json();
        assert_eq!(export["notes"][0]["text"], HOSTILE);
        assert_eq!(t.call(Method::DELETE, "/v1/me", &anna.access, None).await.status, 204);
        let listed = t.call(Method::GET, &path, &token, None).await.json();
        assert_eq!(listed["notes"], json!([]));
        let late = t.call(Method::POST, &path, &token, Some(json!({"text": "x"}))).await;
        assert_eq!(late.problem(), (404, "not_found".to_owned()));
        let gone = browser.open(&format!("/staff/readers/{}", anna.reader)).await;
        assert_eq!(gone.status, 404);
    }

    async fn a_note_is_written_on_the_page_and_looking_is_one_entry_an_hour(t: TestApp) {
        let anna = t.reader(ANNA).await;
        hire(&t, Role::Support).await;
        hire(&t, Role::Admin).await;
        let mut browser = on_duty(&t, Role::Support).await;
        let page = format!("/staff/readers/{}", anna.reader);
        for _ in 0..3 {
            browser.open(&page).await;
        }
        let fields = [("text", "called about a card")];
        let kept = browser.submit(&page, "/staff/notes", &fields).await;
        assert_eq!(kept.status, 303, "{}", kept.text());
        assert!(browser.open(&page).await.text().contains("called about a card"));
        let entries = async || {
            let admin = token_of(&t, Role::Admin).await;
            let audit = t.call(Method::GET, "/v1/staff/audit?limit=200", &admin, None).await.json();
            let entries = audit["entries"].as_array().unwrap().clone();
            let count = |action: &str| entries.iter().filter(|it| it["action"] == action).count();
            assert!(!audit.to_string().contains("called about"), "a note is not in the log");
            (count("reader.viewed"), count("reader.noted"))
        };
        assert_eq!(entries().await, (1, 1));
        t.clock.advance(time::Duration::minutes(61));
        browser.open(&page).await;
        assert_eq!(entries().await, (2, 1));
    }

    async fn why_has_a_page_that_takes_a_support_code(t: TestApp) {
        let visitor = t.read("tides", &serde_json::Value::Null).await["visitor"].clone();
        let body = json!({"article": {"id": "bread"}, "visitor": visitor, "support_code": true});
        let denied = t.access(body).await.json();
        let code = denied["support_code"].as_str().unwrap().to_owned();
        hire(&t, Role::Support).await;
        let mut browser = on_duty(&t, Role::Support).await;
        let page = browser.open(&format!("/staff/why?code={code}")).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("The limit was reached: 1 of 1 used."), "{}", page.text());
        assert!(page.text().contains("What it would be now"));
        let wrong = browser.open("/staff/why?code=%3Cscript%3E").await;
        assert!(wrong.text().contains("There is no decision with this code"));
        assert!(!wrong.text().contains("value=\"<script>"));
        let token = visitor.as_str().unwrap();
        let path = format!("/staff/why?visitor={token}&site=demo&article=bread");
        let page = browser.open(&path).await.text();
        assert!(page.contains("had used 1 of 1 in the meter of demo, until <time"), "{page}");
        for plain in [
            "<time datetime=\"2026-12-23T04:05:06Z\">23 December 2026 at 04:05:06 UTC</time>",
            "So: walled, because the free articles are used up.",
        ] {
            assert!(page.contains(plain), "{plain}: {page}");
        }
        for code in ["meter_exhausted", "`", "site/demo"] {
            assert!(!page.contains(code), "{code}: {page}");
        }
    }
}
