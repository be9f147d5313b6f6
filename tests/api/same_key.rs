//! A request that is sent again with its `Idempotency-Key` is told what came of it: passing states are
//! answered anew, facts are answered as before, and nothing is done or charged twice.

use axum::http::{Method, Request, header};
use pressgate::{auth::staff::model::Role, clock::Clock};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::token_of,
    billing::OK,
    office_billing::{Clerk, paid},
    readers::{ANNA, Tokens},
    second_person::careful,
};

const DECLINED: &str = "pm_sandbox_declined";
const PENDING: (u16, &str) = (409, "payment_pending");

/// A request under a key, which can be sent as often as one likes.
struct Keyed<'a> {
    method: Method,
    path: String,
    key: &'a str,
    body: Value,
}

impl<'a> Keyed<'a> {
    fn post(path: impl Into<String>, key: &'a str, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), key, body }
    }

    async fn sent(&self, t: &TestApp, token: &str) -> Answer {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", self.key);
        t.send(request.body(self.body.to_string().into()).unwrap()).await
    }

    async fn by(&self, t: &TestApp, who: &Tokens) -> Answer {
        self.sent(t, &t.fresh(who).await.access).await
    }
}

fn start<'a>(key: &'a str, plan: &str, card: &str) -> Keyed<'a> {
    let order = json!({"plan": plan, "payment_method": card, "trial": false});
    Keyed::post("/v1/subscriptions", key, order)
}

fn is_pending(answer: &Answer) -> bool {
    let (status, code) = answer.problem();
    (status, &*code) == PENDING && answer.header("retry-after").parse::<u32>().unwrap() > 0
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotency-replayed")
}

async fn minutes_later(t: &TestApp) {
    t.settle_until(t.clock.now().plus(Duration::minutes(5))).await;
}

/// As if every process had died after it did something and before it kept its answer.
async fn lose_kept_answers(t: &TestApp) {
    let mut tx = t.state.databases.main.write().await.unwrap();
    tx.query("UPDATE idempotency_keys SET status = NULL, body = NULL, leased_until = created_at")
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

on_both_databases! {
    async fn a_start_is_told_what_its_open_payment_came_to(t: TestApp) {
        for (fault, card, expected) in [
            ("lose_answers", OK, (201, "active")),
            ("fail_before", OK, (201, "active")),
            ("lose_answers", DECLINED, (402, "payment_declined")),
        ] {
            let case = format!("{fault} {card}");
            let anna = t.reader(ANNA).await;
            let before = t.book().await.len();
            t.disturb(json!({fault: 1})).await;
            let [own, other] = ["own", "other"].map(|key| start(key, "annual", card));
            let begun = own.by(&t, &anna).await;
            assert_eq!((begun.status, &begun.json()["status"]), (201, &json!("incomplete")), "{case}");
            for asked in [&own, &other, &own, &other] {
                let answer = asked.by(&t, &anna).await;
                assert!(is_pending(&answer), "{case} {}: {}", asked.key, answer.text());
            }
            let of_another_plan = start("third", "monthly", card);
            assert!(is_pending(&of_another_plan.by(&t, &anna).await), "{case}");
            minutes_later(&t).await;
            for asked in [&own, &other] {
                let first = asked.by(&t, &anna).await;
                let what = if expected.0 == 201 { "status" } else { "code" };
                let seen = (first.status, &first.json()[what]);
                assert_eq!(seen, (expected.0, &json!(expected.1)), "{case} {}", first.text());
                let again = asked.by(&t, &anna).await;
                assert_eq!((again.status, again.json()), (first.status, first.json()), "{case}");
                assert!(is_replayed(&again) && !is_replayed(&first), "{case}");
            }
            assert_eq!(t.book().await.len(), before + 1, "{case}: charged once");
            if expected.0 == 201 {
                let third = of_another_plan.by(&t, &anna).await;
                assert_eq!(third.problem(), (409, "already_subscribed".to_owned()), "{case}");
            }
            assert_eq!(t.call(Method::DELETE, "/v1/me", &anna.access, None).await.status, 204);
        }
        t.the_books_are_right().await;
    }

    async fn changes_are_told_what_their_open_payment_came_to(t: TestApp) {
        let clerk = Clerk::hired(&t, Role::Support).await;
        let staff = token_of(&t, Role::Support).await;
        for (act, card, by_staff) in [
            ("resume", OK, false), ("resume", DECLINED, false), ("switch", OK, false),
            ("switch", DECLINED, false), ("resume", OK, true), ("switch", DECLINED, true),
        ] {
            let case = format!("{act} {card} {by_staff}");
            let (anna, id) = paid(&t, ANNA, "monthly").await;
            t.clock.advance(Duration::days(3));
            if act == "resume" {
                clerk.acts(&id, "pause", json!({})).await;
            }
            let anna = t.fresh(&anna).await;
            let card = t.about(&anna, &id, "payment-method", json!({"payment_method": card})).await;
            assert_eq!(card.status, 200, "{}", card.text());
            let mut body = json!({});
            if act == "switch" {
                let shown = t.about(&anna, &id, "switch/preview", json!({"plan": "annual"})).await;
                body = json!({"plan": "annual", "preview": shown.json()["preview"]});
            }
            let place = if by_staff { "/v1/staff/subscriptions" } else { "/v1/subscriptions" };
            let staff = if by_staff { token_of(&t, Role::Support).await } else { staff.clone() };
            let asked = Keyed::post(format!("{place}/{id}/{act}"), "change", body);
            let token = if by_staff { &staff } else { &anna.access };
            let before = t.book().await.len();
            t.disturb(json!({"lose_answers": 1})).await;
            let first = asked.sent(&t, token).await;
            assert_eq!(first.status, 200, "{case}: {}", first.text());
            for _ in 0..2 {
                let answer = asked.sent(&t, token).await;
                assert!(is_pending(&answer), "{case}: {}", answer.text());
            }
            minutes_later(&t).await;
            for round in 0..2 {
                let answer = asked.sent(&t, token).await;
                let is_declined = case.contains(DECLINED);
                assert_eq!(answer.status, if is_declined { 402 } else { 200 }, "{case} {}", answer.text());
                assert_eq!(is_replayed(&answer), round == 1, "{case}");
                if !is_declined {
                    assert_eq!(answer.json()["status"], "active", "{case}");
                }
            }
            assert_eq!(t.book().await.len(), before + 1, "{case}: charged once");
            assert_eq!(t.call(Method::DELETE, "/v1/me", &anna.access, None).await.status, 204);
        }
        t.the_books_are_right().await;
    }

    async fn a_conflict_that_has_passed_is_no_answer_any_more(t: TestApp) {
        let clerk = Clerk::hired(&t, Role::Support).await;
        let staff = token_of(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        let second = start("a", "annual", OK);
        let refused = second.by(&t, &anna).await;
        assert_eq!(refused.problem(), (409, "already_subscribed".to_owned()));
        let resume = Keyed::post(
            format!("/v1/staff/subscriptions/{id}/resume"), "b", json!({"reason": "back"}));
        let refused = resume.sent(&t, &staff).await;
        assert_eq!(refused.problem(), (409, "invalid_transition".to_owned()));
        t.clock.advance(Duration::SECOND);
        clerk.acts(&id, "pause", json!({})).await;
        assert_eq!(resume.sent(&t, &staff).await.status, 200, "it is paused by now");
        assert!(is_replayed(&resume.sent(&t, &staff).await));
        clerk.acts(&id, "cancel", json!({"at": "now"})).await;
        assert_eq!(second.by(&t, &anna).await.status, 201, "it has ended by now");

        let offer = json!({"email": "carla@example.org", "days": 30});
        let waits = clerk.post("gifts", offer.clone()).await.json()["waits"]["id"].clone();
        let gift = Keyed::post("/v1/staff/gifts", "c", offer);
        assert_eq!(gift.sent(&t, &staff).await.problem(), (409, "gift_waits".to_owned()));
        let path = format!("gifts/{}/withdraw", waits.as_str().unwrap());
        assert_eq!(clerk.post(&path, json!({})).await.status, 204);
        assert_eq!(gift.sent(&t, &staff).await.status, 201);
        assert!(is_replayed(&gift.sent(&t, &staff).await), "and is given once");
        // A key that was released is free for another request, too.
        let unknown = "00000000-0000-7000-8000-000000000000";
        for (path, status) in [(unknown, 404), (&*id, 409)] {
            let path = format!("/v1/staff/subscriptions/{path}/pause");
            assert_eq!(Keyed::post(path, "d", json!({})).sent(&t, &staff).await.status, status);
        }
    }

    async fn a_refund_that_had_to_wait_for_another_is_asked_for_again(t: TestApp) {
        let t = careful(&t).await;
        let (support, admin) =
            (Clerk::hired(&t, Role::Support).await, Clerk::hired(&t, Role::Admin).await);
        let (_, id) = paid(&t, ANNA, "annual").await;
        let waits = support.tries(&id, "refund", json!({})).await.json()["id"].clone();
        let token = token_of(&t, Role::Support).await;
        let path = format!("/v1/staff/subscriptions/{id}/refund");
        let less = json!({"amount": {"amount": 1_500, "currency": "USD"}});
        let asked = Keyed::post(path, "a", less);
        assert_eq!(asked.sent(&t, &token).await.problem(), (409, "request_waits".to_owned()));
        let own = Keyed::post(
            format!("/v1/staff/refund-requests/{}/approve", waits.as_str().unwrap()), "b", json!({}));
        for replayed in [false, true] {
            let refused = own.sent(&t, &token).await;
            assert_eq!(refused.problem(), (409, "own_request".to_owned()));
            assert_eq!(is_replayed(&refused), replayed, "it stays one's own");
        }
        let path = format!("refund-requests/{}/decline", waits.as_str().unwrap());
        assert_eq!(admin.post(&path, json!({"reason": "too much"})).await.status, 200);
        assert_eq!(asked.sent(&t, &token).await.status, 202);
    }

    async fn what_was_declined_or_is_over_stays_so(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let declined = start("a", "annual", "pm_sandbox_declined_once");
        for replayed in [false, true] {
            let answer = declined.by(&t, &anna).await;
            assert_eq!(answer.problem(), (402, "payment_declined".to_owned()));
            assert_eq!(is_replayed(&answer), replayed);
        }
        assert_eq!(t.book().await.len(), 1, "a key is charged once, whatever came of it");
        let other = start("b", "monthly", OK).by(&t, &anna).await.json();
        let id = other["id"].as_str().unwrap();
        let stale = json!({"plan": "annual", "preview": "x.y"});
        let stale = Keyed::post(format!("/v1/subscriptions/{id}/switch"), "c", stale);
        for replayed in [false, true] {
            let answer = stale.by(&t, &anna).await;
            assert_eq!(answer.problem(), (409, "preview_stale".to_owned()));
            assert_eq!(is_replayed(&answer), replayed);
        }
    }

    async fn a_gateway_that_was_down_is_asked_again(t: TestApp) {
        let anna = t.reader(ANNA).await;
        t.disturb(json!({"down": true})).await;
        let asked = start("a", "annual", OK);
        let refused = asked.by(&t, &anna).await;
        assert_eq!(refused.problem(), (503, "payments_unavailable".to_owned()));
        let other = start("a", "monthly", OK).by(&t, &anna).await;
        assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
        t.disturb(json!({})).await;
        assert_eq!(asked.by(&t, &anna).await.status, 201);
        assert!(is_replayed(&asked.by(&t, &anna).await));
        assert_eq!(t.book().await.len(), 1);
    }

    /// The process died after the change and before its answer was kept.
    async fn what_was_done_is_not_refused_to_the_request_that_did_it(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let order = json!({"plan": "annual", "payment_method": OK, "country": "DE"});
        let id = t.subscribe(&anna, order).await.json()["id"].as_str().unwrap().to_owned();
        let path = |act: &str| format!("/v1/subscriptions/{id}/{act}");
        let post = |act: &str, key, body| Keyed::post(path(act), key, body);
        let shown = t.about(&anna, &id, "switch/preview", json!({"plan": "monthly"})).await.json();
        let plan = json!({"plan": "monthly", "preview": shown["preview"]});
        let leave = |key| post("cancel", key, json!({"at": "period_end"}));
        let card = json!({"payment_method": "pm_sandbox_ok:other"});
        let changes = [
            post("switch", "a", plan),
            Keyed { method: Method::DELETE, path: path("switch"), key: "b", body: json!({}) },
            leave("c"),
            post("resume", "d", json!({})),
            Keyed { method: Method::PUT, path: path("payment-method"), key: "e", body: card },
            post("cancel", "f", json!({"at": "now"})),
        ];
        for change in &changes {
            let done = change.by(&t, &anna).await;
            assert_eq!(done.status, 200, "{}: {}", change.path, done.text());
            lose_kept_answers(&t).await;
            let again = change.by(&t, &anna).await;
            assert_eq!((again.status, again.json()), (200, done.json()), "{}", change.path);
            assert!(!is_replayed(&again));
        }
        assert_eq!(t.book().await.len(), 1, "nothing more was charged");
        let told = Clerk::hired(&t, Role::Support).await.told(&id).await;
        let events = told.iter().map(|(event, _)| event.as_str()).collect::<Vec<_>>();
        for event in ["switch_scheduled", "switch_revoked", "cancel_scheduled", "cancel_revoked"] {
            let event = format!("subscription.{event}");
            assert_eq!(events.iter().filter(|it| **it == event).count(), 1, "{event}: {events:?}");
        }
    }

    /// An overdue period is paid by another card, and the process dies before it answers.
    async fn a_card_that_was_declined_is_not_charged_again_by_the_same_key(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let id = t.subscribed(&anna, "monthly", DECLINED).await;
        t.clock.set(crate::app::at("2026-12-23T05:00:00Z"));
        t.settle_until(t.clock.now()).await;
        assert_eq!(t.subscription(&anna, &id).await["status"], "past_due");
        let before = t.book().await.len();
        let asked = Keyed {
            method: Method::PUT,
            path: format!("/v1/subscriptions/{id}/payment-method"),
            key: "a",
            body: json!({"payment_method": "pm_sandbox_declined:other"}),
        };
        for _ in 0..3 {
            let answer = asked.by(&t, &anna).await;
            assert_eq!(answer.problem(), (402, "payment_declined".to_owned()));
            lose_kept_answers(&t).await;
        }
        assert_eq!(t.book().await.len(), before + 1);
        t.the_books_are_right().await;
    }
}
