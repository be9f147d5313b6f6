//! A service that is killed and started again, as those see it who only know its address.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pressgate::clock::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration as Span;
use tokio::sync::{Notify, watch};

use crate::server::{Server, pressgate};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// After so long, something stands still: many lives may end in the middle of one request.
const STALLED: Duration = Duration::from_mins(5);

/// Numbers that look random and are the same for the same seed.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`: the next of `SplitMix64`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    pub(super) fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let many = u64::try_from(from.len()).unwrap();
        from[usize::try_from(self.roll(many)).unwrap()]
    }

    pub(super) fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.roll(most))
    }
}

/// One request.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) token: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) body: Option<&'a Value>,
}

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) kills: AtomicU64,
    pub(super) asked: AtomicU64,
    pub(super) broken: AtomicU64,
    pub(super) replayed: AtomicU64,
    pub(super) told: AtomicU64,
}

/// The process, and its clock: that of one that was started anew is back at the machine's time.
pub(super) struct Service {
    url: String,
    server: Mutex<Option<Server>>,
    address: watch::Sender<Option<String>>,
    /// Where the clock was sent, and when.
    clock: Mutex<(Timestamp, Instant)>,
    moves: Notify,
    client: reqwest::Client,
    pub(super) tally: Tally,
}

impl Service {
    pub(super) async fn start(url: &str) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let service = Self {
            url: url.to_owned(),
            server: Mutex::new(None),
            address: watch::Sender::new(None),
            clock: Mutex::new((Timestamp::UNIX_EPOCH, Instant::now())),
            moves: Notify::new(),
            client,
            tally: Tally::default(),
        };
        let address = service.spawn().await;
        let now = service.try_once(&address, &get("/sandbox/clock")).await.unwrap().1;
        let now = Timestamp::parse(now["now"].as_str().unwrap()).unwrap();
        *service.clock.lock().unwrap() = (now, Instant::now());
        service.address.send_replace(Some(address));
        service
    }

    async fn spawn(&self) -> String {
        let mut command = pressgate(&self.url, &[("PRESSGATE__LOG__LEVEL", "info")]);
        command.arg("serve");
        let server = tokio::task::spawn_blocking(|| Server::start(command)).await.unwrap();
        let address = server.address().to_owned();
        *self.server.lock().unwrap() = Some(server);
        address
    }

    /// `SIGKILL`, and nobody there until it is started again.
    pub(super) fn kill(&self) {
        self.address.send_replace(None);
        let mut server = self.server.lock().unwrap().take().unwrap();
        server.kill();
        self.tally.kills.fetch_add(1, Ordering::Relaxed);
        let log = server.log();
        let wrong = ["panicked", "impossible", "is stuck"];
        let bad = log.lines().find(|line| wrong.iter().any(|wrong| line.contains(wrong)));
        assert!(bad.is_none(), "{bad:?}");
    }

    /// Starts it again on the same files, and sends its clock to where it was. Where `dies_after`
    /// is given it is killed while it catches up, and started once more.
    pub(super) async fn start_again(&self, dies_after: Option<Duration>) {
        let mut address = self.spawn().await;
        if let Some(life) = dies_after {
            let _ = tokio::time::timeout(life, self.catch_up(&address)).await;
            self.kill();
            address = self.spawn().await;
        }
        self.catch_up(&address).await;
        self.address.send_replace(Some(address));
    }

    async fn catch_up(&self, address: &str) {
        let deadline = Instant::now() + STALLED;
        loop {
            let body = json!({"set": self.now().to_string()});
            let answer = self.try_once(address, &post("/sandbox/clock", &body)).await;
            // 422: it is there already.
            if matches!(answer, Ok((200 | 422, _))) {
                return;
            }
            assert!(Instant::now() < deadline, "the clock does not move: {answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the service's clock shows, or a little less than it will.
    pub(super) fn now(&self) -> Timestamp {
        let (sent, at) = *self.clock.lock().unwrap();
        sent.plus(Span::try_from(at.elapsed()).unwrap())
    }

    /// Moves the clock; true where the service said that it did.
    pub(super) async fn advance(&self, by: Span) -> bool {
        let address = self.address().await;
        let to = self.now().plus(by);
        *self.clock.lock().unwrap() = (to, Instant::now());
        let body = json!({"set": to.to_string()});
        self.moves.notify_waiters();
        let moved = self.try_once(&address, &post("/sandbox/clock", &body)).await;
        matches!(moved, Ok((200, _)))
    }

    /// When the clock is moved next, and much falls due; or soon, where it is not.
    pub(super) async fn moves(&self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.moves.notified()).await;
    }

    /// Where the service is, as soon as it is anywhere.
    async fn address(&self) -> String {
        let mut address = self.address.subscribe();
        let address = address.wait_for(Option::is_some).await.unwrap();
        address.clone().unwrap()
    }

    /// Asks once; an error where there was no answer.
    pub(super) async fn once(&self, ask: &Ask<'_>) -> reqwest::Result<(u16, Value)> {
        let address = self.address().await;
        self.tally.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.try_once(&address, ask).await;
        if answer.is_err() {
            self.tally.broken.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    /// Asks until there is an answer that says something.
    pub(super) async fn insist(&self, ask: &Ask<'_>) -> (u16, Value) {
        let deadline = Instant::now() + STALLED;
        loop {
            match self.once(ask).await {
                Ok((status, answer)) if status < 500 && status != 429 => return (status, answer),
                none => assert!(Instant::now() < deadline, "no answer to {ask:?}: {none:?}"),
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn try_once(&self, address: &str, ask: &Ask<'_>) -> reqwest::Result<(u16, Value)> {
        let url = format!("http://{address}{}", ask.path);
        let mut request = self.client.request(ask.method.clone(), url);
        if !ask.token.is_empty() {
            request = request.bearer_auth(ask.token);
        }
        if let Some(key) = ask.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        if answer.headers().contains_key("idempotency-replayed") {
            self.tally.replayed.fetch_add(1, Ordering::Relaxed);
        }
        Ok((status, answer.json().await?))
    }
}

pub(super) fn get(path: &str) -> Ask<'_> {
    Ask { method: Method::GET, path, token: "", key: None, body: None }
}

pub(super) fn post<'a>(path: &'a str, body: &'a Value) -> Ask<'a> {
    Ask { method: Method::POST, path, token: "", key: None, body: Some(body) }
}
