//! One invoice: what staff see of it, and giving back any that was paid, not just the last.

use axum::http::Method;
use pressgate::auth::staff::model::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{TestApp, at},
    back_office::hire,
    office_billing::{BERT, Clerk, paid, usd, went_back},
    office_pages::on_duty,
    readers::{ANNA, Tokens},
};

/// A subscription that was paid for three months, and the ids of its invoices, the oldest first.
async fn three_months(t: &TestApp, support: &Clerk) -> (Tokens, String, Vec<String>) {
    let (anna, id) = paid(t, ANNA, "monthly").await;
    t.settle_until(at("2027-01-24T00:00:00Z")).await;
    let ids = invoices(support, &id).await;
    assert_eq!(ids.len(), 3);
    (anna, id, ids)
}

async fn invoices(support: &Clerk, id: &str) -> Vec<String> {
    let invoices = support.shown(id).await["invoices"].take();
    let ids = invoices.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
    ids.rev().collect()
}

on_both_databases! {
    async fn each_invoice_gives_back_what_was_paid_and_no_more(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id, ids) = three_months(&t, &support).await;
        let give = async |invoice: &str, amount: Option<i64>| {
            let mut body = json!({"invoice": invoice, "reason": "sorry"});
            if let Some(amount) = amount {
                body["amount"] = usd(amount);
            }
            support.tries(&id, "refund", body).await
        };
        let too_much = (409, "refund_too_large".to_owned());
        assert_eq!(give(&ids[0], Some(100)).await.status, 200);
        assert_eq!(give(&ids[0], Some(191)).await.problem(), too_much);
        assert_eq!(give(&ids[1], Some(291)).await.problem(), too_much);
        assert_eq!(give(&ids[0], None).await.status, 200);
        assert_eq!(give(&ids[0], None).await.problem(), too_much);
        assert_eq!(went_back(&t).await, [290, 0, 0]);
        assert_eq!(give(&ids[1], Some(290)).await.status, 200);
        // Where nothing is said, it is the last.
        support.acts(&id, "refund", json!({"amount": usd(1)})).await;
        assert_eq!(went_back(&t).await, [290, 290, 1]);
        t.the_books_are_right().await;
        // Whose it is not, gives nothing back through it.
        let (_, other) = paid(&t, BERT, "annual").await;
        let strange = invoices(&support, &other).await;
        for wrong in [strange[0].as_str(), "00000000-0000-0000-0000-000000000000", "x", ""] {
            assert_eq!(give(wrong, None).await.fields()[0].0, "invoice", "{wrong}");
        }
        assert_eq!(went_back(&t).await, [290, 290, 1, 0]);
        let admin = Clerk::hired(&t, Role::Admin).await;
        let log = admin.changes().await;
        assert_eq!(log[0]["after"]["refunded"], usd(1), "{log:?}");
        assert_eq!(log[1]["after"]["invoice"], json!(ids[1]));
    }

    async fn an_older_invoice_takes_nothing_from_the_running_period(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id, ids) = three_months(&t, &support).await;
        support.acts(&id, "refund", json!({"invoice": ids[0]})).await;
        support.acts(&id, "refund", json!({"invoice": ids[1]})).await;
        support.acts(&id, "pause", json!({})).await;
        let newest = support.shown(&id).await["invoices"][0].take();
        // 30 days and 4 hours of 31 days are left.
        assert_eq!(newest["credit_notes"][0]["total"], usd(282), "{newest}");
        t.the_books_are_right().await;
    }

    /// The year was paid with what was left of the month: that cannot be given back twice.
    async fn what_a_switch_took_from_an_older_invoice_is_given_back_once(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "monthly").await;
        t.settle_until(at("2026-12-08T04:05:06.001Z")).await;
        let anna = t.fresh(&anna).await;
        let shown = t.about(&anna, &id, "switch/preview", json!({"plan": "annual"})).await.json();
        let order = json!({"plan": "annual", "preview": shown["preview"]});
        assert_eq!(t.about(&anna, &id, "switch", order).await.status, 200);
        let ids = invoices(&support, &id).await;
        let too_much = json!({"invoice": ids[0], "amount": usd(146)});
        assert_eq!(support.tries(&id, "refund", too_much).await.problem().1, "refund_too_large");
        support.acts(&id, "refund", json!({"invoice": ids[0]})).await;
        t.clock.advance(Duration::HOUR);
        support.acts(&id, "pause", json!({})).await;
        let notes = support.shown(&id).await["invoices"][0]["credit_notes"].take();
        assert_eq!(notes[0]["total"], usd(1_845), "{notes}");
        t.the_books_are_right().await;
    }

    async fn of_many_refunds_of_many_invoices_at_once_each_gives_its_own(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id, ids) = three_months(&t, &support).await;
        let token = crate::back_office::token_of(&t, Role::Support).await;
        let processes = [t.clone(), t.another_process().await];
        let asked = (0..12).map(|i| {
            let (t, token) = (processes[i % 2].clone(), token.clone());
            let path = format!("/v1/staff/subscriptions/{id}/refund");
            let body = json!({"invoice": ids[i % 3], "amount": usd(100)});
            tokio::spawn(async move { t.call(Method::POST, &path, &token, Some(body)).await.status })
        });
        let statuses = futures_util::future::join_all(asked).await;
        let statuses: Vec<u16> = statuses.into_iter().map(Result::unwrap).collect();
        assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
        assert_eq!(went_back(&t).await, [200, 200, 200], "{statuses:?}");
        t.the_books_are_right().await;
    }

    async fn an_invoice_is_shown_to_each_role_as_far_as_it_may_see(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id, ids) = three_months(&t, &support).await;
        let hostile = "</td><script>alert(1)</script>";
        let part = json!({"invoice": ids[0], "amount": usd(90), "reason": hostile});
        support.acts(&id, "refund", part).await;
        went_back(&t).await;
        hire(&t, Role::Viewer).await;
        let mut viewer = on_duty(&t, Role::Viewer).await;
        let mut clerk = on_duty(&t, Role::Support).await;
        let page = format!("/staff/invoices/{}", ids[0]);
        let seen = clerk.open(&page).await.text();
        for text in [
            "Invoice 2026-000001", ANNA, "$2.90", "$0.90", "the card", "C2027-000001", "re_",
            "On its way since", "$2.00 of it can still go back", "Print",
            &format!("/staff/subscriptions/{id}/refund?invoice={}", ids[0]),
            &format!("/staff/readers/{}", anna.reader), &format!("/staff/subscriptions/{id}\""),
        ] {
            assert!(seen.contains(text), "{text}: {seen}");
        }
        assert!(!seen.contains("<script>alert"), "{seen}");
        let seen = viewer.open(&page).await;
        assert_eq!(seen.status, 200);
        let seen = seen.text();
        assert!(seen.contains("Invoice 2026-000001") && seen.contains("$0.90"), "{seen}");
        for hidden in [ANNA, "/staff/readers/", "/refund?", "/print"] {
            assert!(!seen.contains(hidden), "{hidden}: {seen}");
        }
        assert_eq!(viewer.open(&format!("{page}/print")).await.status, 403);
        let paper = clerk.open(&format!("{page}/print")).await;
        assert!(paper.status == 200 && paper.text().contains(ANNA), "{}", paper.text());
        assert_eq!(paper.header("cache-control"), "no-store");
        assert!(!paper.text().contains("<script"), "{}", paper.text());
        for nobodys in ["00000000-0000-0000-0000-000000000000", "x"] {
            assert_eq!(clerk.open(&format!("/staff/invoices/{nobodys}")).await.status, 404);
            assert_eq!(clerk.open(&format!("/staff/invoices/{nobodys}/print")).await.status, 404);
        }
        // Wherever an invoice stands, it leads there.
        for list in [
            "/staff/invoices".to_owned(), "/staff/search?q=2026-000001".to_owned(),
            format!("/staff/readers/{}", anna.reader), format!("/staff/subscriptions/{id}"),
        ] {
            let text = clerk.open(&list).await.text();
            assert!(text.contains(&format!("href=\"{page}\"")), "{list}: {text}");
        }
        // The account goes, the paper stays.
        t.call(Method::DELETE, "/v1/me", &t.fresh(&anna).await.access, None).await;
        let gone = clerk.open(&page).await.text();
        assert!(gone.contains("erased") && !gone.contains(ANNA), "{gone}");
        let paper = clerk.open(&format!("{page}/print")).await;
        assert!(paper.status == 200 && !paper.text().contains(ANNA), "{}", paper.text());
    }

    async fn programs_see_an_invoice_as_its_page_shows_it(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let viewer = Clerk::hired(&t, Role::Viewer).await;
        let (anna, id, ids) = three_months(&t, &support).await;
        let part = json!({"invoice": ids[0], "amount": usd(90), "reason": "a torn paper"});
        support.acts(&id, "refund", part).await;
        went_back(&t).await;
        let path = format!("invoices/{}", ids[0]);
        let shown = support.get(&path).await;
        assert_eq!((shown.status, shown.header("cache-control")), (200, "no-store"));
        let shown = shown.json();
        for (place, expected) in [
            ("/id", json!(ids[0])),
            ("/number", json!("2026-000001")),
            ("/status", json!("paid")),
            ("/reader", json!({"id": anna.reader, "email": ANNA})),
            ("/subscription_id", json!(id)),
            ("/total", usd(290)),
            ("/credited", usd(90)),
            ("/refundable", usd(200)),
            ("/voided_at", Value::Null),
            ("/lines/0/plan", json!("monthly")),
            ("/lines/0/total", usd(290)),
            ("/credit_notes/0/number", json!("C2027-000001")),
            ("/credit_notes/0/reason", json!("a torn paper")),
            ("/refunds/0/amount", usd(90)),
            ("/refunds/0/status", json!("succeeded")),
            ("/refunds/0/decided_by", json!(support.actor.strip_prefix("staff:"))),
        ] {
            assert_eq!(shown.pointer(place), Some(&expected), "{place}: {shown}");
        }
        let sum = |part: &str| shown["lines"][0][part]["amount"].as_i64().unwrap();
        assert_eq!(sum("net") + sum("tax"), 290);
        assert!(shown["gateway_reference"].is_string() && shown["paid_at"].is_string(), "{shown}");
        let seen = viewer.get(&path).await.json();
        assert_eq!((&seen["reader"], &seen["total"]), (&Value::Null, &usd(290)));
        for nobodys in ["00000000-0000-0000-0000-000000000000", "x"] {
            assert_eq!(support.get(&format!("invoices/{nobodys}")).await.status, 404);
        }
        assert_eq!(t.call(Method::GET, &format!("/v1/staff/{path}"), &anna.access, None).await.status, 401);
        t.call(Method::DELETE, "/v1/me", &t.fresh(&anna).await.access, None).await;
        let gone = support.get(&path).await.json();
        assert_eq!(gone["reader"], json!({"id": anna.reader, "email": null}));
    }

    async fn the_page_of_a_refund_lets_one_choose_the_invoice(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id, ids) = three_months(&t, &support).await;
        support.acts(&id, "refund", json!({"invoice": ids[1]})).await;
        let mut clerk = on_duty(&t, Role::Support).await;
        let act = format!("/staff/subscriptions/{id}/refund");
        let selected = |invoice: &str| format!("<option value=\"{invoice}\" selected>");
        let page = clerk.open(&act).await.text();
        assert!(page.contains(&selected(&ids[2])), "the latest: {page}");
        assert!(!page.contains(&format!("value=\"{}\"", ids[1])), "nothing is left: {page}");
        let page = clerk.open(&format!("{act}?invoice={}", ids[0])).await.text();
        assert!(page.contains(&selected(&ids[0])), "{page}");
        let chosen = format!("{act}?look=yes&invoice={}&amount=1.10", ids[0]);
        let preview = clerk.open(&chosen).await.text();
        assert!(preview.contains("$1.10 goes back to the card that paid."), "{preview}");
        let done = clerk.submit(&chosen, &act, &[("reason", "a mistake")]).await;
        assert_eq!(done.header("location"), format!("/staff/subscriptions/{id}?done=refund"));
        assert_eq!(went_back(&t).await, [110, 290, 0]);
        let strange = format!("{act}?look=yes&invoice=00000000-0000-0000-0000-000000000000");
        assert!(clerk.open(&strange).await.text().contains("Not possible now"));
        assert_eq!(clerk.open(&format!("{act}?look=yes&invoice=x")).await.status, 422);
    }
}
