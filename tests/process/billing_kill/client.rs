//! A reader who changes their mind all the time, and remembers what they were told.

use std::sync::{Arc, atomic::Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::service::{Ask, Dice, Service, get, post};

const PASSWORD: &str = "correct horse battery";
/// Mostly cards that pay.
const CARDS: [&str; 8] =
    ["ok", "ok", "ok", "ok", "declined_once", "declined_once", "declined", "lost"];
/// One may withdraw within 14 days in some.
const COUNTRIES: [&str; 2] = ["US", "DE"];
const PLANS: [&str; 2] = ["monthly", "annual"];

/// That an answer said a period was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) subscription: String,
    pub(super) period_start: String,
}

pub(super) struct Client {
    service: Arc<Service>,
    dice: Dice,
    email: String,
    token: String,
    refresh: String,
    keys: u64,
    /// The subscription as the last answer showed it. Nobody else changes it, so all that may have
    /// happened since is time.
    told: Option<Value>,
    /// The plan of a switch that was asked for. It may come about later, where the gateway's answer
    /// was lost.
    wanted: Option<&'static str>,
    pub(super) claims: Vec<Claim>,
}

/// The key of the next request, which no other client uses.
fn next(keys: &mut u64, email: &str) -> String {
    *keys += 1;
    format!("{email}:{keys}")
}

impl Client {
    pub(super) async fn sign_up(service: Arc<Service>, name: &str, dice: Dice) -> Self {
        let email = format!("{name}@example.org");
        let body = json!({"email": email, "password": PASSWORD});
        let asked = service.insist(&post("/v1/readers", &body)).await;
        assert_eq!(asked.0, 202);
        let mails = service.insist(&get(&format!("/sandbox/mail?to={email}"))).await.1;
        let text = mails["messages"][0]["text"].as_str().unwrap();
        let link = text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
        let body = json!({ "token": link, "proof": asked.1["proof"] });
        let made = service.insist(&post("/v1/readers/verify", &body)).await;
        assert_eq!(made.0, 200, "{}", made.1);
        let [token, refresh] = ["access_token", "refresh_token"]
            .map(|token| made.1[token].as_str().unwrap().to_owned());
        Self {
            service,
            dice,
            email,
            token,
            refresh,
            keys: 0,
            told: None,
            wanted: None,
            claims: Vec::new(),
        }
    }

    /// Comes for a new token, since time has gone on: with the refresh token, which is cheap, and
    /// where that was used up in a request without an answer, with the password.
    async fn log_in(&mut self) {
        let body = json!({"refresh_token": self.refresh});
        let (mut status, mut tokens) = self.service.insist(&post("/v1/auth/refresh", &body)).await;
        if status != 200 {
            let body = json!({"email": self.email, "password": PASSWORD});
            (status, tokens) = self.service.insist(&post("/v1/auth/login", &body)).await;
        }
        assert_eq!(status, 200, "{tokens}");
        tokens["access_token"].as_str().unwrap().clone_into(&mut self.token);
        tokens["refresh_token"].as_str().unwrap().clone_into(&mut self.refresh);
    }

    /// Asks until there is an answer, always with the same key.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let key = next(&mut self.keys, &self.email);
        let key = (method != Method::GET).then_some(key.as_str());
        let mut refused = 0;
        loop {
            assert!(refused < 50, "{method} {path} gets nowhere");
            refused += 1;
            let token = self.token.clone();
            let ask = Ask { method: method.clone(), path, token: &token, key, body };
            if key.is_some() && self.dice.roll(8) == 0 {
                // Hangs up before the answer comes, and asks again.
                let patience = self.dice.millis(60);
                let _ = tokio::time::timeout(patience, self.service.once(&ask)).await;
            }
            match self.service.insist(&ask).await {
                (401, _) => self.log_in().await,
                (409, why) if why["code"] == "idempotency_key_in_use" => {}
                (status, answer) => return (status, answer),
            }
        }
    }

    /// Looks at the subscription, which must be what the last answer said, but for time.
    pub(super) async fn look(&mut self) {
        let seen = match &self.told {
            Some(told) => {
                let path = format!("/v1/subscriptions/{}", told["id"].as_str().unwrap());
                let (status, seen) = self.ask(Method::GET, &path, None).await;
                assert_eq!(status, 200, "{} was forgotten: {seen}", self.told.as_ref().unwrap());
                Some(seen)
            }
            None => {
                let (status, all) = self.ask(Method::GET, "/v1/subscriptions", None).await;
                assert_eq!(status, 200, "{all}");
                let all = all["subscriptions"].as_array().unwrap();
                let open = |it: &&Value| it["ended_at"].is_null();
                assert!(all.iter().filter(open).count() <= 1, "two are open: {all:?}");
                all.iter().find(open).cloned()
            }
        };
        if let (Some(told), Some(seen)) = (&self.told, &seen) {
            self.service.tally.told.fetch_add(1, Ordering::Relaxed);
            assert_holds(told, seen, self.wanted);
        }
        self.told = seen.filter(|seen| seen["ended_at"].is_null());
    }

    /// Does one thing with the subscription, or begins one.
    pub(super) async fn step(&mut self) {
        self.look().await;
        let (status, answer) = match self.told.clone() {
            None => self.start().await,
            Some(current) => self.change(&current).await,
        };
        assert!([200, 201, 402, 409].contains(&status), "{status} {answer}");
        // A refusal tells nothing of the subscription; the key may have been forgotten too, and
        // what was asked for done before.
        self.told = (status < 300 && answer["id"].is_string()).then_some(answer.clone());
        if self.told.is_some() && answer["status"] == "active" {
            self.claims.push(Claim {
                subscription: answer["id"].as_str().unwrap().to_owned(),
                period_start: answer["current_period_start"].as_str().unwrap().to_owned(),
            });
        }
    }

    fn card(&mut self) -> Value {
        let kind = self.dice.pick(&CARDS);
        let name = self.email.split('@').next().unwrap_or_default();
        json!(format!("pm_sandbox_{kind}:{name}-{}", self.keys))
    }

    async fn start(&mut self) -> (u16, Value) {
        let trial = self.dice.roll(3) == 0;
        let (plan, card) = (self.dice.pick(&PLANS), self.card());
        self.wanted = None;
        let country = self.dice.pick(&COUNTRIES);
        let order = json!({
            "plan": plan, "payment_method": card, "trial": trial, "country": country,
        });
        self.ask(Method::POST, "/v1/subscriptions", Some(&order)).await
    }

    async fn change(&mut self, current: &Value) -> (u16, Value) {
        let path =
            |what: &str| format!("/v1/subscriptions/{}/{what}", current["id"].as_str().unwrap());
        match self.dice.roll(10) {
            0 | 1 => {
                let at = if self.dice.roll(3) == 0 { "now" } else { "period_end" };
                let body = json!({ "at": at });
                self.ask(Method::POST, &path("cancel"), Some(&body)).await
            }
            2..=4 => self.ask(Method::POST, &path("resume"), None).await,
            5 | 6 => {
                let card = json!({"payment_method": self.card()});
                self.ask(Method::PUT, &path("payment-method"), Some(&card)).await
            }
            7 => self.ask(Method::DELETE, &path("switch"), None).await,
            _ => {
                let plan = self.dice.pick(&PLANS);
                let order = json!({ "plan": plan });
                let shown = self.ask(Method::POST, &path("switch/preview"), Some(&order)).await;
                if shown.0 != 200 {
                    return shown;
                }
                let order = json!({"plan": plan, "preview": shown.1["preview"]});
                let switched = self.ask(Method::POST, &path("switch"), Some(&order)).await;
                self.wanted = (switched.0 != 402).then_some(plan);
                switched
            }
        }
    }
}

/// RFC 3339 in UTC, so that later ones are greater.
fn at<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().unwrap_or_default()
}

/// Whether `seen` is what `told` becomes by itself.
fn assert_holds(told: &Value, seen: &Value, wanted: Option<&str>) {
    let both = format!("\n told {told}\n seen {seen}");
    assert_eq!(told["id"], seen["id"]);
    let ended_by_reader = ["canceled_by_reader", "withdrawn", "superseded"];
    if !told["ended_at"].is_null() {
        for field in ["status", "ended_at", "end_reason"] {
            assert_eq!(told[field], seen[field], "what has ended changes no more {both}");
        }
        return;
    }
    if told["cancel_at_period_end"] == true {
        let waits = seen["cancel_at_period_end"] == true && seen["ended_at"].is_null();
        let ended = seen["end_reason"] == "canceled_by_reader"
            && (seen["ended_at"] == told["current_period_end"] || told["plan"] != seen["plan"]);
        assert!(waits || ended, "a cancellation was lost {both}");
    } else {
        assert!(seen["cancel_at_period_end"] == false, "nobody canceled {both}");
        let reason = seen["end_reason"].as_str().unwrap_or_default();
        assert!(!ended_by_reader.contains(&reason), "nobody canceled {both}");
    }
    if told["plan"] != seen["plan"] {
        let planned = &told["scheduled_change"];
        let asked_for = planned["plan"] == seen["plan"] || seen["plan"].as_str() == wanted;
        assert!(asked_for, "nobody asked for this plan {both}");
    }
    if told["status"] == "active" {
        let paid_until = at(told, "current_period_end");
        let lasts = if seen["ended_at"].is_null() {
            at(seen, "current_period_end") >= paid_until
        } else {
            at(seen, "ended_at") >= paid_until
        };
        assert!(lasts, "what was paid was taken away {both}");
        assert_ne!(seen["status"], "incomplete", "{both}");
    }
}
