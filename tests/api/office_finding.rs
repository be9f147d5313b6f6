//! Finding anybody in a browser: the box, the lists, kept filters, the table to take away.

use pressgate::auth::staff::model::Role;
use serde_json::json;
use time::Duration;

use crate::{app::TestApp, back_office::hire, billing::OK, office_pages::on_duty, readers::ANNA};

const BERT: &str = "bert@example.org";

/// Two readers who pay, and their subscriptions.
async fn two(t: &TestApp) -> [String; 2] {
    let mut ids = Vec::new();
    for (email, plan) in [(ANNA, "annual"), (BERT, "monthly")] {
        let reader = t.reader(email).await;
        let order = json!({"plan": plan, "payment_method": OK, "trial": false});
        let begun = t.subscribe(&reader, order).await.json();
        ids.push(begun["id"].as_str().unwrap().to_owned());
        t.clock.advance(Duration::SECOND);
    }
    ids.try_into().unwrap()
}

on_both_databases! {
    async fn the_box_finds_whom_somebody_means(t: TestApp) {
        let [anna, _] = two(&t).await;
        hire(&t, Role::Support).await;
        let mut browser = on_duty(&t, Role::Support).await;
        for q in ["anma%40example.org", "Anna", "2026-000001"] {
            let page = browser.open(&format!("/staff/search?q={q}")).await;
            let text = page.text();
            assert_eq!(page.status, 200);
            assert!(text.contains(&format!("/staff/subscriptions/{anna}")), "{q}: {text}");
            assert!(!text.contains(BERT), "{q}: {text}");
        }
        let none = browser.open("/staff/search?q=%3Cscript%3Ealert(1)%3C/script%3E").await.text();
        assert!(none.contains("&#60;script&#62;") && !none.contains("<script>alert"), "{none}");
        assert_eq!(browser.open("/staff/search").await.status, 200);
        assert_eq!(browser.open("/staff/search?q=%00").await.status, 400);
    }

    async fn lists_have_filters_pages_and_links(t: TestApp) {
        let [anna, bert] = two(&t).await;
        hire(&t, Role::Admin).await;
        let mut browser = on_duty(&t, Role::Admin).await;
        let first = browser.open("/staff/subscriptions?limit=1&status=active").await.text();
        assert!(first.contains(&bert) && !first.contains(&anna), "{first}");
        let next = first.split("href=\"/staff/subscriptions?").find(|it| it.contains("cursor=")).unwrap();
        let next = next.split('"').next().unwrap().replace("&#38;", "&");
        let second = browser.open(&format!("/staff/subscriptions?{next}")).await.text();
        assert!(second.contains(&anna) && !second.contains(&bert), "{second}");
        let chosen = browser.open("/staff/subscriptions?q=&plan=monthly&created_to=&payment_failed=").await;
        assert!(chosen.text().contains(&bert) && !chosen.text().contains(&anna));
        assert_eq!(browser.open("/staff/subscriptions?status=x").await.status, 400);
        assert_eq!(browser.open(&format!("/staff/subscriptions?plan=annual&{next}")).await.status, 400);
        let readers = browser.open("/staff/readers").await.text();
        assert!(readers.contains(ANNA) && readers.contains(BERT) && readers.contains("/staff/readers/"));
        let found = browser.open("/staff/readers?q=brt%40example.org").await.text();
        assert!(found.contains(BERT) && !found.contains(ANNA), "{found}");
        let invoices = browser.open("/staff/invoices?status=paid&created_from=2026-11-01").await.text();
        assert!(invoices.contains("2026-000001") && invoices.contains("2026-000002"), "{invoices}");
        let none = browser.open("/staff/invoices?status=open").await.text();
        assert!(none.contains("No invoice is like this."), "{none}");
        let table = browser.open("/staff/subscriptions.csv?plan=annual").await;
        assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(table.text().lines().count(), 2);
    }

    async fn filters_are_kept_and_forgotten(t: TestApp) {
        two(&t).await;
        hire(&t, Role::Viewer).await;
        let mut browser = on_duty(&t, Role::Viewer).await;
        let list = "/staff/subscriptions?plan=annual";
        let fields = [("name", "<i>Years</i>")];
        let kept = browser.submit(list, "/staff/views", &fields).await;
        assert_eq!((kept.status, kept.header("location")), (303, list));
        let page = browser.open(list).await.text();
        assert!(page.contains("&#60;i&#62;Years") && !page.contains("<i>Years"), "{page}");
        let gone = browser.submit(list, "/staff/views/remove", &[]).await;
        assert_eq!(gone.status, 303);
        assert!(!browser.open(list).await.text().contains("Years"));
        assert_eq!(browser.open("/staff/subscriptions.csv").await.status, 403);
        assert_eq!(browser.open("/staff/readers").await.status, 403);
    }
}
