//! Plays one vector: does its steps and compares what it expects with what can be seen.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use pressgate::clock::{Clock, ManualClock, Timestamp};
use serde_json::{Map, Value, json};
use time::Duration;

use super::{
    catalog,
    format::{Action, Catalog, Step, Vector, Worker, instant},
    seen,
};
use crate::{
    app::{Answer, TestApp},
    place::Place,
    readers::PASSWORD,
};

/// Access tokens are good for 15 minutes, and a session for 90 days without being used.
const TOKEN_IS_FRESH: Duration = Duration::minutes(14);
const SESSION_IS_ALIVE: Duration = Duration::days(80);

/// One reader of a vector, with a program that is logged in.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) email: String,
    access: String,
    refresh: String,
    logged_in_at: Timestamp,
    refreshed_at: Timestamp,
    pub(crate) subscription: Option<String>,
}

/// A vector that is being played.
pub(crate) struct Player {
    pub(crate) t: TestApp,
    pub(crate) begun: Timestamp,
    readers: BTreeMap<String, Reader>,
    works: bool,
    writes: u32,
}

/// Plays a vector up to the first step that differs; what differs there, a line each.
pub(crate) async fn play(vector: &Vector, catalog: Option<&Catalog>, place: Place) -> Vec<String> {
    let begun = instant(&vector.start);
    let clock = Arc::new(ManualClock::at(begun.minus(Duration::minutes(1))));
    let t = catalog::open(place, clock, catalog).await;
    let mut player = Player { t, begun, readers: BTreeMap::new(), works: true, writes: 0 };
    let mut emails = vector.readers.clone();
    emails.insert(String::new(), "anna@example.org".to_owned());
    for (name, email) in emails {
        let reader = player.new_reader(&email).await;
        player.readers.insert(name, reader);
    }
    player.t.clock.set(begun);
    for (number, step) in vector.steps.iter().enumerate() {
        let found = player.step(step).await;
        if !found.is_empty() {
            // What comes after it would differ too.
            let place = format!("step {} at {}", number + 1, step.at);
            return found.iter().map(|difference| format!("{place}: {difference}")).collect();
        }
    }
    Vec::new()
}

impl Player {
    async fn new_reader(&self, email: &str) -> Reader {
        let tokens = self.t.reader(email).await;
        let now = self.t.clock.now();
        Reader {
            email: email.to_owned(),
            access: tokens.access,
            refresh: tokens.refresh,
            logged_in_at: now,
            refreshed_at: now,
            subscription: None,
        }
    }

    async fn step(&mut self, step: &Step) -> Vec<String> {
        let at = instant(&step.at);
        if self.works {
            self.t.settle_until(at).await;
        } else {
            self.t.clock.set(at);
        }
        let mut differences = Vec::new();
        if let Some(action) = &step.action {
            let answer = self.act(&step.reader, action).await;
            differences.extend(seen::differences(&step.answer, &answer));
        }
        if let Some(expected) = &step.expect {
            let found = self.see(&step.reader, expected).await;
            differences.extend(seen::differences(expected, &found));
        }
        differences
    }

    /// Does it; the answer's status, code, and what the preview of a switch says.
    async fn act(&mut self, reader: &str, action: &Action) -> Map<String, Value> {
        match action {
            Action::Start(body) => {
                let body = Value::Object(body.clone());
                let answer = self.write(Method::POST, "/v1/subscriptions", reader, &body).await;
                if answer.status == 201 {
                    let id = answer.json()["id"].as_str().unwrap().to_owned();
                    self.readers.get_mut(reader).unwrap().subscription = Some(id);
                }
                seen::outcome(&answer)
            }
            Action::Cancel(body) => {
                let body = Value::Object(body.clone());
                seen::outcome(&self.change(Method::POST, "cancel", reader, &body).await)
            }
            Action::Resume {} => {
                seen::outcome(&self.change(Method::POST, "resume", reader, &json!({})).await)
            }
            Action::Switch { plan } => self.switch(reader, plan).await,
            Action::PaymentMethod { payment_method } => {
                let body = json!({"payment_method": payment_method});
                seen::outcome(&self.change(Method::PUT, "payment-method", reader, &body).await)
            }
            Action::Worker(worker) => {
                self.works = *worker == Worker::On;
                if self.works {
                    self.t.settle_until(self.t.clock.now()).await;
                }
                Map::new()
            }
        }
    }

    /// Previews a switch and commits it at the same instant.
    async fn switch(&mut self, reader: &str, plan: &str) -> Map<String, Value> {
        let body = json!({"plan": plan});
        let preview = self.change(Method::POST, "switch/preview", reader, &body).await;
        if preview.status != 200 {
            return seen::outcome(&preview);
        }
        let preview = preview.json();
        let body = json!({"plan": plan, "preview": preview["preview"]});
        let mut found = seen::outcome(&self.change(Method::POST, "switch", reader, &body).await);
        for name in ["charge", "credit"] {
            found.insert(name.to_owned(), preview[name]["amount"].clone());
        }
        for name in ["effective_at", "period_end"] {
            found.insert(name.to_owned(), preview[name].clone());
        }
        found
    }

    async fn change(&mut self, method: Method, verb: &str, reader: &str, body: &Value) -> Answer {
        let id = self.readers[reader].subscription.clone().unwrap();
        self.write(method, &format!("/v1/subscriptions/{id}/{verb}"), reader, body).await
    }

    async fn write(&mut self, method: Method, path: &str, reader: &str, body: &Value) -> Answer {
        self.writes += 1;
        let token = self.token(reader).await;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", format!("write-{}", self.writes));
        self.t.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn read(&mut self, path: &str, reader: &str) -> Value {
        let token = self.token(reader).await;
        let answer = self.t.call(Method::GET, path, &token, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub(crate) fn reader(&self, name: &str) -> &Reader {
        &self.readers[name]
    }

    /// An access token that is still good: the reader's program asks for a new one in time.
    pub(crate) async fn token(&mut self, name: &str) -> String {
        let now = self.t.clock.now();
        let reader = self.readers.get_mut(name).unwrap();
        if now.since(reader.refreshed_at) < TOKEN_IS_FRESH {
            return reader.access.clone();
        }
        let used_lately = now.since(reader.refreshed_at) < SESSION_IS_ALIVE;
        let answer = if used_lately && now.since(reader.logged_in_at) < Duration::days(390) {
            self.t.refresh(&reader.refresh).await
        } else {
            reader.logged_in_at = now;
            self.t.log_in(&reader.email, PASSWORD).await
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let tokens = answer.json();
        tokens["access_token"].as_str().unwrap().clone_into(&mut reader.access);
        tokens["refresh_token"].as_str().unwrap().clone_into(&mut reader.refresh);
        reader.refreshed_at = now;
        reader.access.clone()
    }
}
