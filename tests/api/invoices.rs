//! Invoices as their readers see and print them.

use axum::http::Method;
use pressgate::{
    billing::invoice::{credit::CreditTo, model::Invoice, store},
    clock::Clock,
};
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::{
    app::{Answer, TestApp},
    books::{draft_for, line},
    readers::{ANNA, Tokens, refused},
};

async fn get(t: &TestApp, who: &Tokens, path: &str) -> Answer {
    t.call(Method::GET, path, &who.access, None).await
}

async fn invoices(t: &TestApp, who: &Tokens) -> Vec<Value> {
    let answer = get(t, who, "/v1/invoices").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    answer.json()["invoices"].as_array().unwrap().clone()
}

fn id_of(who: &Tokens) -> Uuid {
    who.reader.parse().unwrap()
}

/// An invoice that waits to be paid, or a draft of one.
async fn unpaid(t: &TestApp, who: &Tokens, is_open: bool) -> Invoice {
    let now = t.clock.now();
    let draft = draft_for(id_of(who), vec![line(290, now)], 0, now);
    let mut tx = t.tx().await;
    let kept = if is_open {
        store::record_open(&mut tx, draft, now).await.unwrap()
    } else {
        store::insert_draft(&mut tx, &draft).await.unwrap();
        draft
    };
    tx.commit().await.unwrap();
    kept
}

on_both_databases! {
    async fn a_reader_sees_all_of_an_invoice(t: TestApp) {
        let anna = t.reader(ANNA).await;
        assert_eq!(invoices(&t, &anna).await, [json!(null); 0]);
        let paid = t.paid_invoice(id_of(&anna), 290).await;
        t.clock.advance(Duration::HOUR);
        t.give_back(paid.head.id, 100, CreditTo::Refund).await.unwrap();
        let refund = t.refund(&paid, 60).await.unwrap();
        t.refund(&paid, 40).await.unwrap();
        assert!(t.refund_goes_through(&refund).await);
        let anna = t.device(ANNA).await;
        let euro = |amount: i64| json!({"amount": amount, "currency": "EUR"});
        let expected = json!({
            "id": paid.head.id,
            "number": "2026-000001",
            "status": "paid",
            "total": euro(290),
            "tax": euro(46),
            "balance_applied": euro(0),
            "due": euro(0),
            "lines": [{
                "description": "Monthly",
                "amount": euro(290),
                "tax": euro(46),
                "period_start": "2026-11-23T04:05:06.001Z",
                "period_end": "2026-12-23T04:05:06.001Z",
            }],
            "credit_notes": [{
                "number": "C2026-000001",
                "total": euro(100),
                "tax": euro(16),
                "reason": "Time not used",
                "to": "refund",
                "created_at": "2026-11-23T05:05:06.001Z",
            }],
            // The other forty are still on their way.
            "refunded": euro(60),
            "period_start": "2026-11-23T04:05:06.001Z",
            "period_end": "2026-12-23T04:05:06.001Z",
            "created_at": "2026-11-23T04:05:06.001Z",
            "paid_at": "2026-11-23T04:05:06.001Z",
        });
        assert_eq!(invoices(&t, &anna).await, vec![expected.clone()]);
        let one = get(&t, &anna, &format!("/v1/invoices/{}", paid.head.id)).await;
        assert_eq!((one.status, one.json()), (200, expected));
        t.the_books_are_right().await;
    }

    async fn the_newest_come_first_and_drafts_not_at_all(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.paid_invoice(id_of(&anna), 290).await;
        t.clock.advance(Duration::MINUTE);
        let open = unpaid(&t, &anna, true).await;
        let draft = unpaid(&t, &anna, false).await;
        let listed = invoices(&t, &anna).await;
        let seen: Vec<(&Value, &Value, &Value)> =
            listed.iter().map(|it| (&it["number"], &it["status"], &it["due"]["amount"])).collect();
        let (second, first) = (json!("2026-000002"), json!("2026-000001"));
        let expected =
            [(&second, &json!("open"), &json!(290)), (&first, &json!("paid"), &json!(0))];
        assert_eq!(seen, expected);
        assert_eq!(listed[0]["paid_at"], Value::Null);
        let mut tx = t.tx().await;
        let now = t.clock.now();
        store::void(&mut tx, open, now).await.unwrap().unwrap();
        store::void(&mut tx, draft.clone(), now).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        let listed = invoices(&t, &anna).await;
        assert_eq!((listed.len(), &listed[0]["status"]), (2, &json!("void")));
        assert_eq!(listed[0]["due"]["amount"], 0);
        let hidden = get(&t, &anna, &format!("/v1/invoices/{}", draft.head.id)).await;
        assert_eq!(hidden.problem(), refused(404, "not_found"));
    }

    async fn invoices_are_their_readers_own(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let bert = t.reader("bert@example.org").await;
        let paid = t.paid_invoice(id_of(&anna), 290).await;
        assert_eq!(invoices(&t, &bert).await.len(), 0);
        let id = paid.head.id;
        for path in ["", "/print", "/receipt"].map(|end| format!("/v1/invoices/{id}{end}")) {
            assert_eq!(get(&t, &anna, &path).await.status, 200, "{path}");
            assert_eq!(get(&t, &bert, &path).await.problem(), refused(404, "not_found"), "{path}");
            let nobody = t.call(Method::GET, &path, "", None).await;
            assert_eq!(nobody.problem(), refused(401, "invalid_token"), "{path}");
        }
        for id in ["x", "00000000-0000-0000-0000-000000000000", "%00", "2026-000001"] {
            for end in ["", "/print", "/receipt"] {
                let answer = get(&t, &anna, &format!("/v1/invoices/{id}{end}")).await;
                assert_eq!(answer.problem(), refused(404, "not_found"), "{id}{end}");
            }
        }
        let nobody = t.call(Method::GET, "/v1/invoices", "nonsense", None).await;
        assert_eq!(nobody.problem(), refused(401, "invalid_token"));
    }

    async fn invoices_and_receipts_are_pages_that_load_nothing(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let paid = t.paid_invoice(id_of(&anna), 290).await;
        t.give_back(paid.head.id, 100, CreditTo::Balance).await.unwrap();
        let open = unpaid(&t, &anna, true).await;
        for (id, kind, texts) in [
            (paid.head.id, "print", &["Invoice 2026-000001", "C2026-000001", "19 % tax"][..]),
            (paid.head.id, "receipt", &["Receipt for invoice 2026-000001", "€2.90", ANNA]),
            (open.head.id, "print", &["Invoice 2026-000002", "To be paid", "23 November 2026"]),
        ] {
            let page = get(&t, &anna, &format!("/v1/invoices/{id}/{kind}")).await;
            assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
            let policy = page.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            let html = page.text();
            for text in texts {
                assert!(html.contains(text), "{text}: {html}");
            }
            for forbidden in ["<script", "<link", "<img", "http"] {
                assert!(!html.contains(forbidden), "{forbidden}: {html}");
            }
        }
        let unpaid = get(&t, &anna, &format!("/v1/invoices/{}/receipt", open.head.id)).await;
        assert_eq!(unpaid.problem(), refused(404, "not_found"));
    }
}
