//! The listener, and how it stops.
//!
//! Asked to stop, it first goes on accepting for a while, and every answer says `Connection: close`,
//! so that clients move to other instances between two requests. Then it accepts no more and waits
//! for what is in flight, but not for ever: `connection` has the limits.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use super::{
    admission::{Place, Room},
    client_ip::{TrustedProxies, network_of},
    connection::{Connections, Serves, Stage},
    shares::{ShareRule, Tenant},
};

/// Most bytes that an unfinished header may hold of our memory, about twice over since buffers grow by
/// doubling; a longer one is answered 431. Browsers and proxies send up to 32 KiB.
pub const HEADER_MAX: usize = 40 * 1024;
/// Connections that the operating system completes before they are accepted: tokio's backlog.
const BACKLOG: usize = 1_024;

/// A proxy that is not configured as one may still have nearly all connections.
const NETWORK_FACTOR: usize = 8;

/// Bounds of a listener.
#[derive(Debug, Clone)]
pub struct ServeLimits {
    /// Connections open at once.
    pub connections_max: usize,
    /// Longest time for a request's header, and for an idle connection.
    pub header_timeout: Duration,
    /// How long to go on accepting once asked to stop.
    pub drain_delay: Duration,
    /// Longest wait for requests in flight after that.
    pub drain_timeout: Duration,
    /// Proxies may have all connections; any other network leaves some to others.
    pub trusted_proxies: TrustedProxies,
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
pub async fn serve<S: Serves>(
    listener: TcpListener,
    service: S,
    limits: ServeLimits,
    stop: impl Future<Output = ()>,
) {
    let (stage, stages) = watch::channel(Stage::Serving);
    let slots = Slots::new(&limits);
    let connections = Connections::new(service, limits.header_timeout, stages);
    let mut ending = std::pin::pin!(async {
        stop.await;
        stage.send_replace(Stage::Draining);
        tokio::time::sleep(limits.drain_delay).await;
    });
    loop {
        let accepted = async {
            let free = Arc::clone(&slots.free).acquire_owned().await;
            (free, listener.accept().await)
        };
        tokio::select! {
            () = &mut ending => break,
            (free, accepted) = accepted => match (free, accepted) {
                (Ok(free), Ok((stream, peer))) => {
                    if let Some(slot) = slots.take(free, peer.ip()) {
                        connections.open(stream, peer.ip(), slot);
                    }
                }
                (_, Err(error)) => {
                    // Out of file descriptors, say: wait a moment instead of spinning.
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                (Err(_closed), _) => break,
            },
        }
    }
    for (stream, peer, slot) in waiting(listener, &slots) {
        connections.open(stream, peer.ip(), slot);
    }
    stage.send_replace(Stage::Stopping);
    drop(connections);
    if tokio::time::timeout(limits.drain_timeout, stage.closed()).await.is_err() {
        let cut = stage.receiver_count();
        tracing::warn!(connections = cut, "{cut} requests did not finish in time and are cut off");
    }
}

/// Connections that may still be opened.
struct Slots {
    free: Arc<Semaphore>,
    shares: Arc<Room>,
    trusted_proxies: TrustedProxies,
}

/// Room for one connection.
pub(super) struct Slot {
    _free: OwnedSemaphorePermit,
    _place: Place,
}

impl Slots {
    fn new(limits: &ServeLimits) -> Self {
        let rule = ShareRule {
            places: limits.connections_max,
            for_sites: 0,
            site_factor: NETWORK_FACTOR,
            network_factor: NETWORK_FACTOR,
        };
        Self {
            free: Arc::new(Semaphore::new(limits.connections_max)),
            shares: Room::new(rule),
            trusted_proxies: limits.trusted_proxies.clone(),
        }
    }

    /// A slot for a connection from `peer`, unless its network has more than its share.
    fn take(&self, free: OwnedSemaphorePermit, peer: IpAddr) -> Option<Slot> {
        let is_proxy = self.trusted_proxies.trusts(peer.to_canonical());
        let tenant = (!is_proxy).then(|| Tenant::Network(network_of(peer)));
        self.shares.enter(tenant).map(|place| Slot { _free: free, _place: place })
    }
}

/// Closes the listener. Connections that the operating system had completed may have sent a request
/// already, and closing would reset them: they are accepted first.
fn waiting(listener: TcpListener, slots: &Slots) -> Vec<(TcpStream, SocketAddr, Slot)> {
    let mut accepted = Vec::new();
    // Tokio knows only of those that its last look at the socket has shown; this asks the socket.
    let Ok(listener) = listener.into_std() else { return accepted };
    while accepted.len() < BACKLOG
        && let Ok(free) = Arc::clone(&slots.free).try_acquire_owned()
        && let Ok((stream, peer)) = listener.accept()
    {
        if let Some(slot) = slots.take(free, peer.ip())
            && stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            accepted.push((stream, peer, slot));
        }
    }
    accepted
}
