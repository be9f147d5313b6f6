//! Many at once: whoever comes first wins, nobody is charged twice, and the books stay right.

use axum::http::{Method, Request, header};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp, at},
    billing::OK,
    readers::{ANNA, Tokens},
};

async fn with_key(t: &TestApp, who: &Tokens, (path, key): (&str, &str), body: Value) -> Answer {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", who.access))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key);
    t.send(request.body(body.to_string().into()).unwrap()).await
}

async fn start(t: &TestApp, who: &Tokens, key: &str, plan: &str) -> Answer {
    let order = json!({"plan": plan, "payment_method": OK});
    with_key(t, who, ("/v1/subscriptions", key), order).await
}

/// So many times the same thing at the same time, from two processes.
async fn at_once<F: Future<Output = Answer> + Send + 'static>(
    t: &TestApp,
    times: usize,
    act: impl Fn(TestApp, usize) -> F,
) -> Vec<Answer> {
    let other = t.another_process().await;
    let calls = (0..times).map(|i| {
        let t = if i % 2 == 0 { t.clone() } else { other.clone() };
        tokio::spawn(act(t, i))
    });
    join_all(calls.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect()
}

on_both_databases! {
    async fn of_ten_starts_one_begins(t: TestApp) {
        for plan in ["monthly", "annual"] {
            let anna = t.reader(&format!("{plan}@example.org")).await;
            let answers = at_once(&t, 10, |t, _| {
                let anna = anna.clone();
                async move { t.subscribe(&anna, json!({"plan": plan, "payment_method": OK})).await }
            }).await;
            let begun = answers.iter().filter(|answer| answer.status == 201).count();
            assert_eq!(begun, 1, "{plan}: {:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
            for refused in answers.iter().filter(|answer| answer.status != 201) {
                let (status, code) = refused.problem();
                let expected = ["already_subscribed", "payment_pending", "trial_already_used"];
                assert!(status == 409 && expected.contains(&&*code), "{code}");
            }
        }
        assert_eq!(t.book().await.len(), 1, "the year is charged once, the trial not at all");
        t.the_books_are_right().await;
    }

    async fn ten_clicks_with_one_key_are_one(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let answers = at_once(&t, 10, |t, _| {
            let anna = anna.clone();
            async move { start(&t, &anna, "click", "annual").await }
        }).await;
        for answer in &answers {
            assert_eq!((answer.status, answer.json()), (201, answers[0].json()));
        }
        assert_eq!(t.book().await.len(), 1);
        let later = start(&t, &anna, "click", "annual").await;
        assert_eq!(later.json(), answers[0].json());
        assert_eq!(later.header("idempotency-replayed"), "true");
        let other = start(&t, &anna, "click", "monthly").await;
        assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
        let bert = t.reader("bert@example.org").await;
        let own = start(&t, &bert, "click", "annual").await;
        assert_ne!(own.json()["id"], answers[0].json()["id"], "a key is its reader's own");
    }

    async fn a_key_that_is_no_key_is_refused_and_others_are_forgotten_after_a_day(t: TestApp) {
        let anna = t.reader(ANNA).await;
        for key in ["", "with space", &"x".repeat(256)] {
            let answer = start(&t, &anna, key, "annual").await;
            assert_eq!(answer.problem(), (400, "invalid_idempotency_key".to_owned()), "{key:?}");
        }
        let wrong = start(&t, &anna, "k", "nonsense").await;
        assert_eq!(wrong.fields(), [("plan".to_owned(), "invalid_value".to_owned())]);
        let right = start(&t, &anna, "k", "annual").await;
        assert_eq!(right.status, 201, "what was wrong is not kept: {}", right.text());
        t.clock.advance(time::Duration::hours(24));
        let anna = t.fresh(&anna).await;
        let again = start(&t, &anna, "k", "annual").await;
        assert_eq!(again.problem(), (409, "already_subscribed".to_owned()));
        assert_eq!(start(&t, &Tokens { access: "x".into(), ..anna }, "k", "annual").await.status, 401);
    }

    async fn of_two_switches_one_is_made(t: TestApp) {
        let anna = t.reader(ANNA).await;
        let order = json!({"plan": "monthly", "payment_method": OK, "trial": false});
        let id = t.subscribe(&anna, order).await.json()["id"].as_str().unwrap().to_owned();
        t.clock.set(at("2026-12-08T00:00:00Z"));
        let anna = t.fresh(&anna).await;
        let preview = t.about(&anna, &id, "switch/preview", json!({"plan": "annual"})).await.json();
        let order = json!({"plan": "annual", "preview": preview["preview"]});
        let answers = at_once(&t, 6, |t, _| {
            let (anna, id, order) = (anna.clone(), id.clone(), order.clone());
            async move { t.about(&anna, &id, "switch", order).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status)));
        assert_eq!(t.book().await.len(), 2);
        t.the_books_are_right().await;
    }

    async fn canceled_as_it_renews_it_is_charged_or_not_but_not_in_between(t: TestApp) {
        for round in 0..6 {
            let email = format!("r{round}@example.org");
            let anna = t.reader(&email).await;
            let id = t.subscribed(&anna, "monthly", OK).await;
            let end = t.call(Method::GET, &format!("/v1/subscriptions/{id}"), &anna.access, None).await;
            let end = at(end.json()["trial_end"].as_str().unwrap());
            let before = t.book().await.len();
            t.clock.set(end);
            let anna = t.device(&email).await;
            let canceling = {
                let (t, anna, id) = (t.clone(), anna.clone(), id.clone());
                tokio::spawn(async move {
                    t.about(&anna, &id, "cancel", json!({"at": "period_end"})).await
                })
            };
            let another = t.another_process().await;
            let (worked, also) = tokio::join!(t.state.billing.work(), another.state.billing.work());
            worked.unwrap();
            also.unwrap();
            assert_eq!(canceling.await.unwrap().status, 200);
            t.settle_until(end.plus(time::Duration::MINUTE * 3)).await;
            let charged = t.book().await.len() - before;
            let anna = t.device(&email).await;
            let path = format!("/v1/subscriptions/{id}");
            let now = t.call(Method::GET, &path, &anna.access, None).await.json();
            if charged == 0 {
                let ended = (&json!("canceled"), &json!(end.to_string()));
                assert_eq!((&now["status"], &now["ended_at"]), ended, "{now}");
            } else {
                let leaving = (&json!("active"), &json!(true));
                assert_eq!((&now["status"], &now["cancel_at_period_end"]), leaving, "{now}");
                assert_eq!(charged, 1);
            }
        }
        t.the_books_are_right().await;
    }

    async fn erased_while_it_is_charged_nothing_is_kept(t: TestApp) {
        for round in 0..4 {
            let email = format!("r{round}@example.org");
            let anna = t.reader(&email).await;
            let path = "/v1/me";
            let (begun, erased) = tokio::join!(
                t.subscribe(&anna, json!({"plan": "annual", "payment_method": OK})),
                t.call(Method::DELETE, path, &anna.access, None),
            );
            assert_eq!(erased.status, 204, "{}", erased.text());
            assert!([201, 401, 404].contains(&begun.status), "{}", begun.text());
        }
        let soon = pressgate::clock::Clock::now(&*t.clock).plus(time::Duration::hours(1));
        t.settle_until(soon).await;
        let later = soon.plus(time::Duration::days(800));
        let before = t.book().await.len();
        t.settle_until(later).await;
        assert_eq!(t.book().await.len(), before, "nobody is charged after the end");
        t.the_books_are_right().await;
    }
}
