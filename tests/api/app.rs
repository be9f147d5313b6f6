//! The application under test, and the verbs that stories are told with.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, Request, header},
};
use http_body_util::BodyExt;
use pressgate::{
    app::{AppState, StartError},
    clock::{Clock, ManualClock, Timestamp},
    config::{Config, Outside},
    http::{client_ip::Peer, edge::Edge},
    ids::Ids,
    metering::policy::Policy,
    sandbox,
    site::{
        key::{KeyKind, NewKey},
        model::Site,
        store,
    },
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::place::Place;

/// When every story begins.
pub(crate) const START: &str = "2026-11-23T04:05:06Z";

/// Tells a story twice, once for each database.
macro_rules! on_both_databases {
    ($($(#[doc = $doc:literal])* async fn $name:ident($t:ident: TestApp) $story:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports, reason = "some stories need nothing from around them")]
            use super::*;

            async fn told($t: crate::app::TestApp) $story

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let place = crate::place::Place::sqlite_with_tables().await;
                told(crate::app::TestApp::start(place).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let place = crate::place::Place::postgres_with_tables().await;
                told(crate::app::TestApp::start(place.clone()).await).await;
                place.clear().await;
            }
        }
    )+};
}

/// One running application. Clones are the same one.
#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) state: AppState,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) place: Place,
    edge: Edge,
    key: Arc<str>,
    /// From where its requests come; from nowhere that is known, where none is set.
    peer: Option<IpAddr>,
}

impl TestApp {
    pub(crate) async fn start(place: Place) -> Self {
        let clock = Arc::new(ManualClock::at(at(START)));
        Self::open(place, clock, &[]).await.unwrap()
    }

    pub(crate) async fn open(
        place: Place,
        clock: Arc<ManualClock>,
        settings: &[(&str, &str)],
    ) -> Result<Self, StartError> {
        Self::open_config(place.clone(), clock, config(&place.url(), settings)).await
    }

    pub(crate) async fn open_config(
        place: Place,
        clock: Arc<ManualClock>,
        config: Config,
    ) -> Result<Self, StartError> {
        let state = AppState::open(config, clock.clone(), Ids::system().unwrap()).await?;
        let edge = state.service()?;
        Ok(Self { state, clock, place, edge, key: sandbox::SECRET_KEY.into(), peer: None })
    }

    /// A second process on the same database and clock.
    pub(crate) async fn another_process(&self) -> Self {
        self.another_process_with(&[]).await
    }

    pub(crate) async fn another_process_with(&self, settings: &[(&str, &str)]) -> Self {
        Self::open(self.place.clone(), Arc::clone(&self.clock), settings).await.unwrap()
    }

    /// Moves the clock to `until`, and does what falls due on the way, in order.
    pub(crate) async fn settle_until(&self, until: Timestamp) {
        let clock = Arc::clone(&self.clock);
        self.state.billing.live_until(until, move |now| clock.set(now)).await.unwrap();
    }

    /// Ends this process, work in the background included.
    pub(crate) async fn stop(&self) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.state.serve(listener, std::future::ready(())).await.unwrap();
    }

    /// Adds a site and speaks as it.
    pub(crate) async fn site(&self, id: &str, time_zone: &str, policy: Value) -> Self {
        let now = self.clock.now();
        let site = Site {
            id: id.to_owned(),
            name: id.to_owned(),
            origins: vec![format!("https://{id}.example")],
            time_zone: time_zone.to_owned(),
            policy: Policy::parse(&policy.to_string()).unwrap(),
            created_at: now,
        };
        let mut tx = self.state.databases.main.write().await.unwrap();
        store::insert(&mut tx, &site.checked().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let key = self.add_key(id).await.unwrap();
        self.state.gate.directory.refresh().await.unwrap();
        self.with_key(&key.text)
    }

    /// A site where everyone has `limit` articles in 30 days.
    pub(crate) async fn site_with_limit(&self, limit: u32) -> Self {
        let policy = json!({"rules": [{"limit": limit, "window": "P30D"}]});
        self.site(&format!("limit-{limit}"), "UTC", policy).await
    }

    pub(crate) async fn add_key(&self, site: &str) -> Result<NewKey, store::SiteStoreError> {
        let key = NewKey::generate(&Ids::system().unwrap(), KeyKind::Secret, "sandbox").unwrap();
        let mut tx = self.state.databases.main.write().await.unwrap();
        store::insert_key(&mut tx, site, &key, self.clock.now()).await?;
        tx.commit().await.unwrap();
        Ok(key)
    }

    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.into(), ..self.clone() }
    }

    /// The same application, called from another address.
    pub(crate) fn from(&self, address: &str) -> Self {
        Self { peer: Some(address.parse().unwrap()), ..self.clone() }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) async fn access(&self, body: Value) -> Answer {
        self.post("/v1/access", body.to_string()).await
    }

    /// Reads a metered article as `visitor` (null: a new one).
    pub(crate) async fn read(&self, article: &str, visitor: &Value) -> Value {
        let answer = self.access(json!({"article": {"id": article}, "visitor": visitor})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// [`TestApp::read`], of which only the reason and the count matter.
    pub(crate) async fn outcome(&self, article: &str, visitor: &Value) -> (String, u64) {
        let answer = self.read(article, visitor).await;
        let used = answer["meter"]["used"].as_u64().unwrap_or_default();
        (answer["reason"].as_str().unwrap().to_owned(), used)
    }

    /// A visitor who has read nothing.
    pub(crate) async fn visitor(&self) -> Value {
        let body = json!({"article": {"id": "x", "access": "free"}});
        self.access(body).await.json()["visitor"].clone()
    }

    /// How many articles are counted for `visitor`.
    pub(crate) async fn used(&self, visitor: &Value) -> Option<u64> {
        let body = json!({"article": {"id": "never"}, "visitor": visitor, "dry_run": true});
        self.access(body).await.json()["meter"]["used"].as_u64()
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(self.json_request(path).body(body.into()).unwrap()).await
    }

    /// A `POST` of JSON with this site's key, its body to come.
    pub(crate) fn json_request(&self, path: &str) -> axum::http::request::Builder {
        Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(Peer(peer));
        }
        Answer::of(self.edge.clone(), request).await
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of<S>(service: S, request: Request<Body>) -> Self
    where
        S: tower::Service<
                Request<Body>,
                Response = axum::response::Response,
                Error = std::convert::Infallible,
            >,
    {
        let Ok(response) = service.oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a whole problem document, and gives its status and code.
    pub(crate) fn problem(&self) -> (u16, String) {
        let start: String = self.text().chars().take(300).collect();
        assert_eq!(self.header("content-type"), "application/problem+json", "{start}");
        assert!(!self.header("x-request-id").is_empty());
        let body = self.json();
        assert_eq!((&body["type"], &body["status"]), (&json!("about:blank"), &json!(self.status)));
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        (self.status, body["code"].as_str().unwrap().to_owned())
    }

    /// The parameters that the problem is about, and their codes.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        assert_eq!(self.problem(), (400, "invalid_query".to_owned()));
        self.errors()
    }

    /// The problem's fields and their codes.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        assert_eq!(self.problem(), (422, "invalid_fields".to_owned()));
        self.errors()
    }

    fn errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = self.json()["errors"].clone();
        let pair = |error: &Value| (text(&error["field"]), text(&error["code"]));
        errors.as_array().unwrap().iter().map(pair).collect()
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The settings of a sandbox whose data is at `url`, with `settings` as the environment.
pub(crate) fn config(url: &str, settings: &[(&str, &str)]) -> Config {
    let given = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let url = ("PRESSGATE__DATABASE__URL".to_owned(), url.to_owned());
    let outside = Outside { file: None, env: std::iter::once(url).chain(given).collect() };
    Config::from_layers(&outside).unwrap()
}

/// Waits until `holds` says yes; for what other tasks or processes do in their own time.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
