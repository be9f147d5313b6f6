//! The listener, and how it stops: first it says that it is not ready, then it accepts no more,
//! then it waits for what is in flight, but not for ever.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Request, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::Service;

use super::{
    client_ip::Peer,
    unread::{self, Lingering, Pending},
};

/// Most bytes that an unfinished header may hold of our memory, about twice over since buffers grow by
/// doubling; a longer one is answered 431. Browsers and proxies send up to 32 KiB.
pub const HEADER_MAX: usize = 40 * 1024;

/// Bounds of a listener.
#[derive(Debug, Clone, Copy)]
pub struct ServeLimits {
    /// Connections open at once.
    pub connections_max: usize,
    /// Longest time for a request's header, and for an idle connection.
    pub header_timeout: Duration,
    /// Longest wait for requests in flight at the end.
    pub drain_timeout: Duration,
}

/// The address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

/// Begins to listen on `address`.
///
/// # Errors
/// [`CannotListen`].
pub async fn listen(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    TcpListener::bind(address).await.map_err(|source| CannotListen { address, source })
}

/// Serves `service` on `listener` until `stop` ends, then drains.
pub async fn serve<S, F>(
    listener: TcpListener,
    service: S,
    limits: ServeLimits,
    stop: impl Future<Output = ()>,
) where
    S: Service<Request<Body>, Response = Response, Error = std::convert::Infallible, Future = F>
        + Clone
        + Send
        + Sync
        + 'static,
    F: Future<Output = Result<Response, std::convert::Infallible>> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let mut builder = http1::Builder::new();
    // A header that never ends is cut off; hyper sets no such bound by itself.
    builder.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    builder.max_buf_size(HEADER_MAX);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, (stream, peer)) = tokio::select! {
            () = &mut stop => break,
            (slot, accepted) = accepted => match accepted {
                Ok((stream, peer)) => (slot, (stream, Peer(peer.ip()))),
                Err(error) => {
                    // Out of file descriptors, say: wait a moment instead of spinning.
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true);
        let connection = graceful.watch(connect(&builder, (stream, peer), service.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended early: {error}");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and are cut off");
    }
}

fn connect<S, F>(
    builder: &http1::Builder,
    (stream, peer): (TcpStream, Peer),
    service: S,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send + 'static
where
    S: Service<Request<Body>, Response = Response, Error = std::convert::Infallible, Future = F>
        + Clone
        + Send
        + 'static,
    F: Future<Output = Result<Response, std::convert::Infallible>> + Send + 'static,
{
    let pending = Pending::default();
    let stream = Lingering::new(stream, pending.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(peer);
        let is_awaited = parts.headers.contains_key(header::EXPECT);
        let (body, unread) = unread::track(body);
        let answered = service.clone().call(Request::from_parts(parts, body));
        let pending = pending.clone();
        async move {
            let Ok(mut response) = answered.await;
            let is_read = match unread {
                Some(unread) => unread.finish(is_awaited).await,
                None => true,
            };
            if is_read {
                pending.clear();
            } else {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    builder.serve_connection(TokioIo::new(stream), service)
}
