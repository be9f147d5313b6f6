//! One connection: how it is served, and how it ends when the service stops.
//!
//! A client that keeps a connection may send its next request at any moment, also at the one when we
//! close it, and cannot tell whether that request was done. So a connection is closed after an
//! answer that says `Connection: close`; one where nothing happens is given a last chance to send a
//! request and get that answer. A client that has begun to send and does not go on is waited for
//! much less long than a request that is being worked on.

use std::{convert::Infallible, net::IpAddr, pin::Pin, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Request, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{net::TcpStream, sync::watch, time::timeout};
use tower::Service;

use super::{
    client_ip::Peer,
    serve::{HEADER_MAX, Slot},
    unread::{self, Activity, Lingering},
};

/// Once the service stops: how long an idle connection may still bring a request.
const IDLE_WAIT: Duration = Duration::from_millis(500);
/// After that: how long a request may take to arrive whole.
const RECEIVE_WAIT: Duration = Duration::from_millis(2_500);

/// A service that any number of connections share.
pub trait Serves:
    Service<
        Request<Body>,
        Response = Response,
        Error = Infallible,
        Future: Future<Output = Result<Response, Infallible>> + Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Serves for S where
    S: Service<
            Request<Body>,
            Response = Response,
            Error = Infallible,
            Future: Future<Output = Result<Response, Infallible>> + Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

/// How far the service is on its way to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Serving,
    /// Still accepting; answers say `Connection: close`.
    Draining,
    /// Accepting no more.
    Stopping,
}

/// Opens connections to one service.
pub(super) struct Connections<S> {
    builder: http1::Builder,
    service: S,
    /// Never looked at here, so that its clones see every change.
    stages: watch::Receiver<Stage>,
}

impl<S: Serves> Connections<S> {
    pub(super) fn new(
        service: S,
        header_timeout: Duration,
        stages: watch::Receiver<Stage>,
    ) -> Self {
        let mut builder = http1::Builder::new();
        // A header that never ends is cut off; hyper sets no such bound by itself.
        builder.timer(TokioTimer::new()).header_read_timeout(header_timeout);
        builder.max_buf_size(HEADER_MAX);
        Self { builder, service, stages }
    }

    /// Serves `stream` in a task of its own, which gives `slot` back.
    pub(super) fn open(&self, stream: TcpStream, peer: IpAddr, slot: Slot) {
        let _ = stream.set_nodelay(true);
        let activity = Activity::default();
        let io = TokioIo::new(Lingering::new(stream, activity.clone()));
        let answers = Answers {
            service: self.service.clone(),
            peer: Peer(peer),
            activity: activity.clone(),
            stages: self.stages.clone(),
        };
        let service = service_fn(move |request| answers.answer(request));
        let connection = self.builder.serve_connection(io, service);
        let stages = self.stages.clone();
        tokio::spawn(async move {
            if let Err(error) = run(connection, &activity, stages).await {
                tracing::debug!("a connection ended early: {error}");
            }
            drop(slot);
        });
    }
}

/// Answers the requests of one connection.
struct Answers<S> {
    service: S,
    peer: Peer,
    activity: Activity,
    stages: watch::Receiver<Stage>,
}

impl<S: Serves> Answers<S> {
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send + use<S> {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(self.peer);
        let is_awaited = parts.headers.contains_key(header::EXPECT);
        self.activity.begin();
        let (body, unread) = unread::track(body, &self.activity);
        let answered = self.service.clone().call(Request::from_parts(parts, body));
        let (activity, stages) = (self.activity.clone(), self.stages.clone());
        async move {
            let Ok(mut response) = answered.await;
            let is_read = match unread {
                Some(unread) => unread.finish(is_awaited).await,
                None => true,
            };
            activity.end(is_read);
            let is_stopping = stages.has_changed().unwrap_or(true);
            if !is_read || is_stopping {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response)
        }
    }
}

async fn run<C: GracefulConnection>(
    connection: C,
    activity: &Activity,
    mut stages: watch::Receiver<Stage>,
) -> Result<(), C::Error> {
    let mut connection = std::pin::pin!(connection);
    let stopping = async {
        // It fails only once the listener is gone.
        let _ = stages.wait_for(|stage| *stage == Stage::Stopping).await;
    };
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stopping => {}
    }
    // `stages` is held until the end: the listener waits for its last receiver.
    wind_down(connection, activity).await
}

/// Ends a connection. The listener stops waiting for it after the drain timeout.
async fn wind_down<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
) -> Result<(), C::Error> {
    if let Ok(ended) = timeout(IDLE_WAIT, connection.as_mut()).await {
        return ended;
    }
    if activity.is_receiving() {
        if let Ok(ended) = timeout(RECEIVE_WAIT, connection.as_mut()).await {
            return ended;
        }
        if activity.is_receiving() {
            tracing::debug!("a request that did not arrive in time is cut off");
            return Ok(());
        }
    }
    if activity.is_unused() {
        return Ok(()); // Hyper would wait for a first request.
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
