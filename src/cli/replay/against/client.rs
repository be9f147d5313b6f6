//! Asks the service about one read.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::cli::replay::ReplayError;

/// How often a read is sent again that the service was too busy for.
const RETRIES_MAX: u64 = 5;
const WAIT_DEFAULT: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);

/// A pool of connections to one service.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    key: SecretString,
}

/// What came of one read.
pub(super) struct Asked {
    /// The answer, or why there is none: the status, or what went wrong before there was any.
    pub(super) answer: Result<Answer, String>,
    /// Of the last try.
    pub(super) latency: Duration,
    pub(super) retries: u64,
}

/// The part of the answer that is checked.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) decision: String,
    pub(super) reason: String,
    pub(super) meter: Option<Meter>,
    pub(super) visitor: Option<String>,
}

/// The meter after the decision.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Meter {
    pub(super) limit: u32,
    pub(super) used: u32,
    pub(super) remaining: u32,
}

#[derive(Serialize)]
struct Question<'a> {
    article: Article<'a>,
    visitor: Option<&'a str>,
}

#[derive(Serialize)]
struct Article<'a> {
    id: &'a str,
}

impl Client {
    pub(super) fn new(
        address: &Url,
        key: SecretString,
        connections: usize,
    ) -> Result<Self, ReplayError> {
        let mut url = address.clone();
        match url.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend(["v1", "access"]),
            Err(()) => return Err(ReplayError::Address(address.to_string())),
        };
        let http = reqwest::Client::builder()
            .user_agent(concat!("pressgate-replay/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(connections)
            .tcp_nodelay(true)
            .timeout(TIMEOUT)
            .build()
            .map_err(ReplayError::Client)?;
        Ok(Self { http, url, key })
    }

    /// Sends one read, again while the service is too busy. A read without an answer is not sent
    /// again: it may have been counted.
    pub(super) async fn ask(&self, article: &str, visitor: Option<&str>) -> Asked {
        let question = Question { article: Article { id: article }, visitor };
        let mut retries = 0;
        loop {
            let sent = Instant::now();
            let answer = match self.send(&question).await {
                Ok(Busy(wait)) if retries < RETRIES_MAX => {
                    retries += 1;
                    sleep(wait).await;
                    continue;
                }
                Ok(Done(answer)) => answer,
                Ok(Busy(_)) => Err(format!("busy after {RETRIES_MAX} retries")),
                Err(error) if error.is_timeout() => Err("no answer in time".to_owned()),
                Err(error) if error.is_connect() => Err("no connection".to_owned()),
                Err(error) if error.is_decode() => Err("an answer of another shape".to_owned()),
                Err(_) => Err("the connection broke".to_owned()),
            };
            return Asked { answer, latency: sent.elapsed(), retries };
        }
    }

    async fn send(&self, question: &Question<'_>) -> Result<Tried, reqwest::Error> {
        let request = self.http.post(self.url.clone()).bearer_auth(self.key.expose_secret());
        let response = request.json(question).send().await?;
        Ok(match response.status() {
            StatusCode::OK => Done(Ok(response.json().await?)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Busy(retry_after(&response))
            }
            status => Done(Err(status.to_string())),
        })
    }
}

use Tried::{Busy, Done};

enum Tried {
    Done(Result<Answer, String>),
    /// For so long.
    Busy(Duration),
}

fn retry_after(response: &Response) -> Duration {
    let header = response.headers().get(header::RETRY_AFTER);
    let seconds = header.and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(WAIT_DEFAULT, Duration::from_secs).min(WAIT_MAX)
}
