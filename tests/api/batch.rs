//! `POST /v1/access/batch`: the same as single calls, one after the other.

use serde_json::{Value, json};

use crate::app::TestApp;

async fn batch(t: &TestApp, requests: &[Value]) -> Vec<Value> {
    let answer = t.post("/v1/access/batch", json!({"requests": requests}).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["answers"].as_array().unwrap().clone()
}

fn read(article: &str, visitor: &Value) -> Value {
    json!({"article": {"id": article}, "visitor": visitor})
}

on_both_databases! {
    async fn a_batch_answers_as_single_calls_in_the_same_order_would(t: TestApp) {
        let t = t.site_with_limit(3).await;
        let (one, other) = (t.visitor().await, t.visitor().await);
        let sequence = |visitor: &Value| {
            let mut requests = ["a", "b", "a", "c", "d", "b", "e"].map(|id| read(id, visitor));
            requests[1]["dry_run"] = json!(true);
            requests[4]["article"]["access"] = json!("free");
            requests[5]["explain"] = json!(true);
            requests
        };
        let together = batch(&t, &sequence(&one)).await;
        for (i, request) in sequence(&other).iter().enumerate() {
            let mut single = t.access(request.clone()).await.json();
            single["visitor"] = one.clone();
            assert_eq!(together[i], single, "request {i}");
        }
    }

    async fn sixty_new_articles_of_one_visitor_pass_exactly_the_first_three(t: TestApp) {
        let t = t.site_with_limit(3).await;
        let visitor = t.visitor().await;
        let requests: Vec<Value> = (0..60).map(|i| read(&format!("a{i}"), &visitor)).collect();
        let answers = batch(&t, &requests).await;
        for (i, answer) in answers.iter().enumerate() {
            let expected = if i < 3 { "metered" } else { "meter_exhausted" };
            assert_eq!(answer["reason"], expected, "request {i}");
            assert_eq!(answer["meter"]["used"], (i + 1).min(3), "request {i}");
        }
        let again = batch(&t, &requests).await;
        assert!(again[..3].iter().all(|answer| answer["reason"] == "already_read"));
        assert_eq!(again[3..], answers[3..]);
    }

    async fn a_hundred_new_visitors_are_a_hundred_visitors(t: TestApp) {
        let requests: Vec<Value> = (0..100).map(|_| read("a", &Value::Null)).collect();
        let answers = batch(&t, &requests).await;
        assert_eq!(answers.len(), 100);
        assert!(answers.iter().all(|answer| answer["reason"] == "metered"));
        let mut visitors: Vec<&str> =
            answers.iter().map(|answer| answer["visitor"].as_str().unwrap()).collect();
        visitors.sort_unstable();
        visitors.dedup();
        assert_eq!(visitors.len(), 100);
    }

    async fn none_or_more_than_a_hundred_are_refused(t: TestApp) {
        for count in [0, 101] {
            let requests = vec![read("a", &Value::Null); count];
            let body = json!({"requests": requests}).to_string();
            let answer = t.post("/v1/access/batch", body).await;
            let expected = [("requests".to_owned(), "invalid_length".to_owned())];
            assert_eq!(answer.fields(), expected);
        }
    }

    async fn one_wrong_request_stops_all_before_anything_is_counted(t: TestApp) {
        let visitor = t.visitor().await;
        let long = "x".repeat(201);
        let body = json!({"requests": [read("a", &visitor), read("", &visitor),
                                       read(&long, &visitor)]});
        let answer = t.post("/v1/access/batch", body.to_string()).await;
        let expected = ["requests[1].article.id", "requests[2].article.id"]
            .map(|field| (field.to_owned(), "invalid_length".to_owned()));
        assert_eq!(answer.fields(), expected);

        let body = json!({"requests": [read("a", &visitor), {"article": {"id": 7}}]});
        let answer = t.post("/v1/access/batch", body.to_string()).await;
        let expected = [("requests[1].article.id".to_owned(), "invalid_type".to_owned())];
        assert_eq!(answer.fields(), expected);

        let mut with_reader = read("b", &visitor);
        with_reader["reader"] = json!("not.a.token");
        let body = json!({"requests": [read("a", &visitor), with_reader]});
        let answer = t.post("/v1/access/batch", body.to_string()).await;
        assert_eq!(answer.problem(), (401, "invalid_reader_token".to_owned()));
        assert_eq!(t.used(&visitor).await, Some(0));
    }
}
