//! Readers in stories: their mailboxes, and the programs that act for them.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

pub(crate) const ANNA: &str = "anna@example.org";
pub(crate) const PASSWORD: &str = "gate swims under slow bells";
pub(crate) const OTHER_PASSWORD: &str = "quartz owl borrows a ladder";

/// What a program that has logged in holds.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) reader: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            reader: text(&body["reader"]["id"]),
            access: text(&body["access_token"]),
            refresh: text(&body["refresh_token"]),
        }
    }
}

impl TestApp {
    /// A `POST` of JSON by somebody unknown.
    pub(crate) async fn tell(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, "", Some(body)).await
    }

    /// A request with `token` as the bearer's, if it is not empty.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// [`TestApp::tell`], and then a moment passes, so that mails have an order.
    pub(crate) async fn ask_for_mail(&self, path: &str, body: Value) -> Answer {
        let answer = self.tell(path, body).await;
        self.clock.advance(time::Duration::MILLISECOND);
        answer
    }

    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Answer {
        self.ask_for_mail("/v1/readers", json!({"email": email, "password": password})).await
    }

    pub(crate) async fn verify(&self, token: &str) -> Answer {
        self.verify_with(token, json!({})).await
    }

    /// Answers the mail of a sign-up with a proof, a password, or both.
    pub(crate) async fn verify_with(&self, token: &str, more: Value) -> Answer {
        let mut body = json!({"token": token});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tell("/v1/readers/verify", body).await
    }

    /// Signs up, and answers the mail as the same program.
    pub(crate) async fn signs_up(&self, email: &str, password: &str) -> Answer {
        let asked = self.sign_up(email, password).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        self.verify_with(&self.link(email).await, json!({"proof": proof_in(&asked)})).await
    }

    /// A reader whose password is [`PASSWORD`], just logged in.
    pub(crate) async fn reader(&self, email: &str) -> Tokens {
        Tokens::of(&self.signs_up(email, PASSWORD).await)
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.tell("/v1/auth/login", json!({"email": email, "password": password})).await
    }

    /// Another device of a reader whose password is [`PASSWORD`].
    pub(crate) async fn device(&self, email: &str) -> Tokens {
        Tokens::of(&self.log_in(email, PASSWORD).await)
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.tell("/v1/auth/refresh", json!({"refresh_token": token})).await
    }

    pub(crate) async fn log_out(&self, token: &str) -> Answer {
        self.tell("/v1/auth/logout", json!({"refresh_token": token})).await
    }

    /// A link that logs in, fresh from the mail.
    pub(crate) async fn magic_link(&self, email: &str) -> String {
        let asked = self.ask_for_mail("/v1/auth/magic-links", json!({"email": email})).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        self.link(email).await
    }

    pub(crate) async fn redeem(&self, token: &str) -> Answer {
        self.tell("/v1/auth/magic-links/redeem", json!({"token": token})).await
    }

    /// A link that lets set a password, fresh from the mail.
    pub(crate) async fn reset_link(&self, email: &str) -> String {
        let asked = self.ask_for_mail("/v1/auth/password-resets", json!({"email": email})).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        self.link(email).await
    }

    pub(crate) async fn reset(&self, token: &str, password: &str) -> Answer {
        let body = json!({"token": token, "password": password});
        self.tell("/v1/auth/password-resets/redeem", body).await
    }

    /// Whether an access token opens the reader's profile.
    pub(crate) async fn opens(&self, access: &str) -> bool {
        let answer = self.call(Method::GET, "/v1/me", access, None).await;
        if answer.status != 200 {
            assert_eq!(answer.problem(), (401, "invalid_token".to_owned()));
        }
        answer.status == 200
    }

    /// The mails to an address, the oldest first.
    pub(crate) async fn mails_to(&self, email: &str) -> Vec<Value> {
        let answer = self.get(&format!("/sandbox/mail?to={}", email.replace('+', "%2B"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["messages"].as_array().unwrap().clone()
    }

    /// What the mails to an address are about, the oldest first.
    pub(crate) async fn subjects_to(&self, email: &str) -> Vec<String> {
        let subject = |mail: &Value| mail["subject"].as_str().unwrap().to_owned();
        self.mails_to(email).await.iter().map(subject).collect()
    }

    /// The token of the newest link that was mailed to an address.
    pub(crate) async fn link(&self, email: &str) -> String {
        let mut mails = self.mails_to(email).await;
        mails.retain(|mail| mail["text"].as_str().unwrap().contains("?token=pgl_"));
        link_in(mails.last().unwrap())
    }
}

/// The proof that a sign-up was answered with.
pub(crate) fn proof_in(answer: &Answer) -> String {
    answer.json()["proof"].as_str().expect("a proof").to_owned()
}

/// The token of the link in a mail.
pub(crate) fn link_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let start = text.find("pgl_").expect("a mail with a link");
    text[start..].split_whitespace().next().unwrap().to_owned()
}

/// All of an answer that a stranger could tell it from another by.
pub(crate) fn all_of(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let text = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    (answer.status, answer.text(), headers.map(text).collect())
}

/// The status and the code of a refusal.
pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
