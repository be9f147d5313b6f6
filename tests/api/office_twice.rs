//! What staff send twice is done once, and answered as the first time: by key from programs, by the
//! name in the form from browsers.

use axum::http::{Request, header};
use futures_util::future::join_all;
use pressgate::{
    audit::model::{Action, Actor, Entry},
    auth::staff::{model::Role, store},
    billing::{
        engine::{BillingError, Office},
        subscription::change::Refusal,
    },
    clock::Clock,
};
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::{Answer, TestApp},
    back_office::{hire, token_of},
    office_billing::{Clerk, paid},
    office_pages::on_duty,
    reader_pages::hidden_fields,
    readers::ANNA,
};

pub(crate) async fn with_key(
    t: &TestApp,
    token: &str,
    (path, key): (&str, &str),
    body: Value,
) -> Answer {
    let request = Request::post(format!("/v1/staff/{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key);
    t.send(request.body(body.to_string().into()).unwrap()).await
}

/// How often something of this kind is in the timeline of a subscription.
async fn times(clerk: &Clerk, id: &str, event: &str) -> usize {
    let told = clerk.told(id).await;
    told.iter().filter(|(told, _)| *told == format!("subscription.{event}")).count()
}

on_both_databases! {
    async fn ten_calls_with_one_key_are_one(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "annual").await;
        let token = token_of(&t, Role::Support).await;
        let processes = [t.clone(), t.another_process().await];
        let path = format!("subscriptions/{id}/extend");
        let order = json!({"days": 3, "reason": "an outage"});
        let calls = (0..10).map(|i| {
            let (t, token, path) = (processes[i % 2].clone(), token.clone(), path.clone());
            let order = order.clone();
            tokio::spawn(async move { with_key(&t, &token, (&path, "a"), order).await })
        });
        let answers: Vec<Answer> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (200, &answers[0].body), "{}", answer.text());
        }
        assert_eq!(times(&support, &id, "extended").await, 1);
        let other = with_key(&t, &token, (&path, "a"), json!({"days": 4})).await;
        assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
        let refused = with_key(&t, &token, (&path, "x y"), order.clone()).await;
        assert_eq!(refused.problem(), (400, "invalid_idempotency_key".to_owned()));
        // A key is its owner's own, and a request without one is a request of its own.
        Clerk::hired(&t, Role::Admin).await;
        let admin = token_of(&t, Role::Admin).await;
        assert_eq!(with_key(&t, &admin, (&path, "a"), order.clone()).await.status, 200);
        support.acts(&id, "extend", order.clone()).await;
        assert_eq!(times(&support, &id, "extended").await, 3);

        let path = format!("readers/{}/complimentary", anna.reader);
        let give = async |key: &str| with_key(&t, &token, (&path, key), json!({"days": 5})).await;
        let (given, again, another) = (give("b").await, give("b").await, give("c").await);
        assert_eq!((given.status, &given.body), (201, &again.body), "{}", given.text());
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_ne!(given.json()["id"], another.json()["id"]);
    }

    async fn what_a_role_forbids_is_asked_again_with_the_next_role(t: TestApp) {
        let staff = hire(&t, Role::Viewer).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let token = token_of(&t, Role::Viewer).await;
        let path = format!("subscriptions/{id}/extend");
        let ask = async || with_key(&t, &token, (&path, "a"), json!({"days": 3})).await.status;
        assert_eq!(ask().await, 403);
        let mut tx = t.state.databases.main.write().await.unwrap();
        store::set_role(&mut tx, staff.id, (Role::Viewer, Role::Support)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ask().await, 200);
    }

    /// The process died after the act and before its answer was kept; the next one takes over.
    async fn an_act_that_was_done_is_not_done_by_whoever_takes_over(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        let (_, other) = paid(&t, "bert@example.org", "annual").await;
        let now = t.clock.now();
        let office = |action| Office {

            entry: Entry::new(now, Actor::System, action),
            reason: "again".to_owned(),
            seen: None,
            operation: Some(uuid::Uuid::max()),
        };
        let billing = &t.state.billing;
        let extend = office(Action::SubscriptionExtended);
        billing.office_extend(id.parse().unwrap(), 3, &extend).await.unwrap();
        let again = billing.office_extend(id.parse().unwrap(), 3, &extend).await;
        assert!(matches!(again, Err(BillingError::Repeated)), "{again:?}");
        let elsewhere = billing.office_extend(other.parse().unwrap(), 3, &extend).await;
        let stale = |it: &Result<_, BillingError>| {
            matches!(it, Err(BillingError::Refused(Refusal::PreviewStale)))
        };
        assert!(stale(&elsewhere), "a name is for one act: {elsewhere:?}");
        let pause = office(Action::SubscriptionPaused);
        let another = billing.office_pause(id.parse().unwrap(), &pause).await;
        assert!(stale(&another), "{another:?}");
        assert_eq!(times(&support, &id, "extended").await, 1);
        assert_eq!(times(&support, &other, "extended").await, 0);
    }

    async fn a_button_that_is_pressed_twice_acts_once(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (anna, id) = paid(&t, ANNA, "monthly").await;
        let mut browser = on_duty(&t, Role::Support).await;
        let page = format!("/staff/subscriptions/{id}");
        for (act, query, twice, event) in [
            ("extend", "?look=yes&days=3", "extend", "extended"),
            ("pause", "", "pause", "paused"),
            ("resume", "", "sent-twice", "unpaused"),
            ("switch", "?look=yes&plan=annual", "sent-twice", "switched"),
            ("refund", "?look=yes&amount=1", "refund", "refunded"),
        ] {
            t.clock.advance(Duration::MINUTE);
            let action = format!("{page}/{act}");
            let shown = browser.open(&format!("{action}{query}")).await.text();
            let mut form = hidden_fields(&shown, &action);
            form.push(("reason".to_owned(), "a nervous finger".to_owned()));
            let mut same = browser.clone();
            let (one, two) = tokio::join!(browser.post(&action, &form), same.post(&action, &form));
            for answer in [&one, &two] {
                assert_eq!(answer.status, 303, "{act}: {}", answer.text());
            }
            let last = browser.post(&action, &form).await;
            let place = last.header("location").to_owned();
            assert_eq!(place, format!("{page}?done={twice}"), "{act}");
            let told = browser.open(&place).await.text();
            assert!(told.contains("role=\"status\""), "it says what was done: {told}");
            assert_eq!(times(&support, &id, event).await, 1, "{act}");
        }
        let give = format!("/staff/readers/{}/give", anna.reader);
        let mut form = hidden_fields(&browser.open(&give).await.text(), &give);
        form.extend([("days", "7"), ("reason", "a letter")].map(|(k, v)| (k.into(), v.into())));
        for _ in 0..3 {
            assert_eq!(browser.post(&give, &form).await.status, 303);
        }
        let export = support.get(&format!("readers/{}/export", anna.reader)).await.json();
        assert_eq!(export["complimentary"].as_array().unwrap().len(), 1, "{export}");
        let rubbish = form.iter().map(|(name, value)| {
            (name.clone(), if name == "operation" { "<x>".to_owned() } else { value.clone() })
        });
        let rubbish: Vec<(String, String)> = rubbish.collect();
        assert_eq!(browser.post(&give, &rubbish).await.status, 303, "no name, so once more");
        t.the_books_are_right().await;
    }

    async fn a_note_that_comes_twice_is_one_and_its_answer_says_nothing_of_the_reader(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let anna = t.reader(ANNA).await;
        let token = token_of(&t, Role::Support).await;
        let path = format!("readers/{}/notes", anna.reader);
        let processes = [t.clone(), t.another_process().await];
        let calls = (0..6).map(|i| {
            let (t, token, path) = (processes[i % 2].clone(), token.clone(), path.clone());
            let note = json!({"text": "moves to Lyon"});
            tokio::spawn(async move { with_key(&t, &token, (&path, "n"), note).await })
        });
        let answers: Vec<Answer> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (201, &answers[0].body), "{}", answer.text());
        }
        assert!(!answers[0].text().contains("Lyon"), "answers are kept for a day");
        let other = with_key(&t, &token, (&path, "n"), json!({"text": "moves to Nice"})).await;
        assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
        // Also where another note was written between the first time and the second.
        t.clock.advance(Duration::SECOND);
        assert_eq!(support.post(&path, json!({"text": "called"})).await.status, 201);
        let again = with_key(&t, &token, (&path, "n"), json!({"text": "moves to Lyon"})).await;
        assert_eq!((again.status, &again.body), (201, &answers[0].body));
        let texts = async || {
            let notes = support.get(&path).await.json()["notes"].take();
            let text = |it: &Value| it["text"].as_str().unwrap().to_owned();
            notes.as_array().unwrap().iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(texts().await, ["called", "moves to Lyon"]);
        // And by the button.
        let mut browser = on_duty(&t, Role::Support).await;
        let page = format!("/staff/readers/{}", anna.reader);
        let mut form = hidden_fields(&browser.open(&page).await.text(), "/staff/notes");
        form.push(("text".to_owned(), "wants a paper bill".to_owned()));
        for between in ["no", "yes"] {
            t.clock.advance(Duration::SECOND);
            assert_eq!(browser.post("/staff/notes", &form).await.status, 303);
            support.post(&path, json!({"text": between})).await;
        }
        let expected = ["yes", "no", "wants a paper bill", "called", "moves to Lyon"];
        assert_eq!(texts().await, expected);
        // A name is for one note.
        let bert = t.reader("bert@example.org").await;
        for field in &mut form {
            if field.0 == "id" {
                field.1.clone_from(&bert.reader);
            }
        }
        assert_eq!(browser.post("/staff/notes", &form).await.status, 409);
        let told = support.get(&format!("readers/{}/timeline?kind=note", anna.reader)).await.json();
        assert_eq!(told["timeline"].as_array().unwrap().len(), 5);
    }

    async fn names_of_acts_are_forgotten_after_two_days(t: TestApp) {
        let support = Clerk::hired(&t, Role::Support).await;
        let (_, id) = paid(&t, ANNA, "annual").await;
        support.acts(&id, "extend", json!({"days": 3})).await;
        let count = async || {
            let mut tx = t.state.databases.main.read().await.unwrap();
            let query = tx.query("SELECT COUNT(*) FROM staff_operations");
            query.optional::<(i64,)>().await.unwrap().unwrap().0
        };
        assert_eq!(count().await, 1);
        t.clock.advance(Duration::days(2));
        let log = t.state.config.decisions;
        pressgate::upkeep::forget(&t.state.databases.main, &*t.clock, log).await.unwrap();
        assert_eq!(count().await, 0);
    }
}
