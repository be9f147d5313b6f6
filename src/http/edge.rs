//! The outermost layer: every request passes here first and every answer last. It names the
//! request, admits it or not (`admission`), bounds how long it takes, refuses addresses that hold control
//! characters, survives a panic, and logs what went wrong once.

use std::{
    convert::Infallible,
    future::poll_fn,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, Uri, header},
    response::Response,
};
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tower::Service;
use tracing::Instrument;

use super::{
    admission::{Admission, Given, Paced, Turn},
    client_ip::{ClientIp, TrustedProxies, network_of},
    metrics::Metrics,
    no_page, page,
    problem::{self, ApiError},
    shares::Tenant,
    uri,
};
use crate::{ids::Ids, language::Language};

/// The request's name in logs and answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's name, as an extension of the request itself.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

/// The site whose secret key came with a request, by a number made from its id; the request may
/// remember it for the handlers. It asks nothing but memory: it is called for requests that may be
/// refused.
pub type SiteOfKey = dyn Fn(&mut Request<Body>) -> Option<u64> + Send + Sync;

/// One warning for so many requests that are refused.
const SHED_FOR_A_WARNING: u64 = 1_000;

/// Bounds of the edge.
#[derive(Debug, Clone)]
pub struct EdgeLimits {
    /// Requests handled at once. Health checks are not counted.
    pub requests_max: usize,
    /// Longest time for one request.
    pub timeout: Duration,
    /// The proxies that are believed when they say whom they speak for.
    pub trusted_proxies: TrustedProxies,
}

/// The router, wrapped.
#[derive(Clone)]
pub struct Edge {
    router: Router,
    shared: Arc<Shared>,
}

struct Shared {
    ids: Ids,
    metrics: Arc<Metrics>,
    admission: Arc<Admission>,
    timeout: Duration,
    trusted_proxies: TrustedProxies,
    transport_security: Option<HeaderValue>,
    sites: Option<Arc<SiteOfKey>>,
}

impl Edge {
    /// Wraps `router`.
    #[must_use]
    pub fn new(router: Router, ids: Ids, metrics: Arc<Metrics>, limits: EdgeLimits) -> Self {
        let shared = Shared {
            ids,
            metrics,
            admission: Arc::new(Admission::new(limits.requests_max)),
            timeout: limits.timeout,
            trusted_proxies: limits.trusted_proxies,
            transport_security: None,
            sites: None,
        };
        Self { router, shared: Arc::new(shared) }
    }

    /// Shares the places among sites too, not only among networks.
    #[must_use]
    pub fn with_sites(mut self, sites: Arc<SiteOfKey>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.sites = Some(sites);
        }
        self
    }

    /// Tells browsers by `Strict-Transport-Security` to come by HTTPS only.
    #[must_use]
    pub fn with_transport_security(mut self, policy: Option<HeaderValue>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.transport_security = policy;
        }
        self
    }
}

impl Service<Request<Body>> for Edge {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(())) // Requests beyond the bound are refused, not queued.
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let id = request_id(&request, &shared.ids);
        let browser = no_page::language_of(&request);
        if let Some(peer) = shared.trusted_proxies.ignored(&request) {
            warn_of_ignored(peer, shared.metrics.untrusted_forwarded_for.inc());
        }
        let mut request = shared.trusted_proxies.note(request);
        let mut turn = None;
        if !request.uri().path().starts_with("/health/") {
            // As early as this, so that what is refused costs as little as can be.
            let Some(place) = shared.admission.enter(shared.tenant_of(&mut request)) else {
                let response = shared.shed(browser, id);
                return Box::pin(std::future::ready(Ok(response)));
            };
            turn = Some(Turn::new(&shared.admission, place));
        }
        let mut router = self.router.clone();
        request.extensions_mut().insert(RequestId(id.clone()));
        let span = tracing::info_span!("request", request.id = id.to_str().unwrap_or_default());
        let work = async move {
            let started = Instant::now();
            let seen = (request.method().clone(), request.uri().clone());
            let mut response = if let Err(error) = uri::check(&seen.1) {
                no_page::answer(error, browser)
            } else {
                if let Some(turn) = &turn {
                    request = request.map(|body| Paced::wrap(body, turn));
                }
                answer(pin!(router.call(request)), &shared, browser).await
            };
            match turn.and_then(|turn| turn.given_up()) {
                None => {}
                Some(Given::Up) => return Ok(shared.shed(browser, id)),
                Some(Given::Late) => response = no_page::answer(ApiError::BodyLate, browser),
            }
            finish(&mut response, id, shared.transport_security.as_ref());
            record(&response, started.elapsed(), &seen, &shared.metrics);
            Ok(response)
        };
        // Entering a span that nobody listens to still costs, and this is the hot path.
        if span.is_disabled() { Box::pin(work) } else { Box::pin(work.instrument(span)) }
    }
}

impl Shared {
    /// On whose account a request is. One that came through no listener is our own.
    fn tenant_of(&self, request: &mut Request<Body>) -> Option<Tenant> {
        if let Some(site) = self.sites.as_ref().and_then(|site_of| site_of(request)) {
            return Some(Tenant::Site(site));
        }
        let ClientIp(client) = *request.extensions().get()?;
        client.map(|client| Tenant::Network(network_of(client)))
    }

    /// Refuses a request for which there is no place.
    fn shed(&self, browser: Option<Language>, id: HeaderValue) -> Response {
        let before = self.metrics.shed.inc();
        if before.is_multiple_of(SHED_FOR_A_WARNING) {
            tracing::warn!(
                shed = before + 1,
                "more requests are in flight than this instance takes, or than one site or network \
                 may have: {} were refused so far",
                before + 1
            );
        }
        let mut response = match browser {
            None => problem::overloaded(),
            Some(_) => no_page::answer(ApiError::overloaded(), browser),
        };
        finish(&mut response, id, self.transport_security.as_ref());
        self.metrics.count_response(response.status());
        response
    }
}

/// `X-Forwarded-For` of `peer` was ignored, as that of `before` requests was; logged ever more rarely.
fn warn_of_ignored(peer: IpAddr, before: u64) {
    let count = before.saturating_add(1);
    if !count.is_power_of_two() {
        return;
    }
    let is_private = match peer {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    };
    // Out there it may be a person's.
    let peer = if is_private { peer.to_string() } else { "a public address".to_owned() };
    tracing::warn!(
        peer,
        count,
        "{peer} sent X-Forwarded-For and is not in server.trusted_proxies, so the header is ignored \
         ({count} requests so far). If it is a proxy of yours, list it: until then all its readers share \
         one address, and its limits"
    );
}

async fn answer(
    mut answered: Pin<&mut impl Future<Output = Result<Response, Infallible>>>,
    shared: &Shared,
    browser: Option<Language>,
) -> Response {
    let mut caught = poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| answered.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(response),
            Ok(Poll::Ready(Err(never))) => match never {},
            Err(_panic) => {
                shared.metrics.panics.inc();
                Poll::Ready(no_page::answer(ApiError::internal("the handler panicked"), browser))
            }
        }
    });
    // Most answers are there at once; only the others pay for a timer.
    match poll_fn(|context| Poll::Ready(Pin::new(&mut caught).poll(context))).await {
        Poll::Ready(response) => response,
        Poll::Pending => tokio::time::timeout(shared.timeout, caught).await.unwrap_or_else(|_| {
            let why = "the request took too long".into();
            no_page::answer(ApiError::Unavailable("timeout", why), browser)
        }),
    }
}

fn finish(response: &mut Response, id: HeaderValue, transport_security: Option<&HeaderValue>) {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(policy) = transport_security {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, policy.clone());
    }
    page::protect(headers);
}

fn record(response: &Response, took: Duration, (method, uri): &(Method, Uri), metrics: &Metrics) {
    let status = response.status();
    metrics.count_response(status);
    metrics.request_seconds.observe(took.as_secs_f64());
    let path = uri.path(); // Never the query, which may hold a token.
    let id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let duration_ms = took.as_secs_f64() * 1_000.0;
    match response.extensions().get::<Arc<ApiError>>().map(|error| &**error) {
        Some(ApiError::Internal(cause)) => {
            tracing::error!(
                request.id = id, %method, path, duration_ms,
                "{method} {path} failed: {cause}"
            );
        }
        Some(error @ ApiError::DatabaseUnavailable(cause)) => {
            let code = error.problem().code;
            tracing::warn!(
                request.id = id, %method, path, duration_ms, code,
                "{method} {path} refused: {cause}"
            );
        }
        Some(error @ ApiError::Unavailable(code, _)) => {
            tracing::warn!(
                request.id = id, %method, path, duration_ms, code,
                "{method} {path} refused: {error}"
            );
        }
        _ => {
            let status = status.as_u16();
            tracing::debug!(
                request.id = id, %method, path, status, duration_ms,
                "{method} {path} {status}"
            );
        }
    }
}

/// The caller's own id where it is a harmless word, so that logs on both sides meet; else ours.
fn request_id(request: &Request<Body>, ids: &Ids) -> HeaderValue {
    let harmless = |value: &&HeaderValue| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=64).contains(&value.len()) && value.as_bytes().iter().all(plain)
    };
    match request.headers().get(REQUEST_ID).filter(harmless) {
        Some(id) => id.clone(),
        None => HeaderValue::try_from(format!("{:016x}", ids.request()))
            .unwrap_or(HeaderValue::from_static("unknown")),
    }
}
