//! Answering on a listener until the service is asked to stop, and stopping.

use std::time::Duration;

use tokio::net::TcpListener;

use super::{AppState, StartError};
use crate::{
    http::serve::{ServeLimits, serve},
    supervisor::Watch,
};

/// Longest time for what is done after the last request: writing down, closing databases.
const CLOSE_MAX: Duration = Duration::from_secs(10);
/// Most connections to the metrics' own listener.
const METRICS_CONNECTIONS_MAX: usize = 64;

impl AppState {
    /// Serves on `listener` until `stop` ends; then drains and closes the databases.
    ///
    /// # Errors
    /// When the demonstration is broken.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), StartError> {
        let server = &self.config.server;
        let limits = ServeLimits {
            connections_max: server.connections_max,
            header_timeout: server.header_timeout,
            drain_delay: server.drain_delay,
            drain_timeout: server.drain_timeout,
            trusted_proxies: server.trusted_proxies.clone(),
        };
        let stop = async {
            stop.await;
            // A load balancer sees that we are not ready before we stop accepting.
            self.readiness.stop();
        };
        serve(listener, self.service()?, limits, stop).await;
        if tokio::time::timeout(CLOSE_MAX, self.close()).await.is_err() {
            tracing::error!("what was still to be written down is left behind: it took too long");
        }
        Ok(())
    }

    /// Serves `/metrics` on a listener of its own until the service stops.
    ///
    /// # Errors
    /// When the listener cannot be handed over.
    pub fn serve_metrics(&self, listener: TcpListener) -> std::io::Result<()> {
        let server = &self.config.server;
        let limits = ServeLimits {
            connections_max: METRICS_CONNECTIONS_MAX,
            header_timeout: server.header_timeout,
            drain_delay: server.drain_delay,
            drain_timeout: server.drain_timeout,
            trusted_proxies: server.trusted_proxies.clone(),
        };
        let (listener, service) = (listener.into_std()?, self.metrics_service());
        self.supervisor.spawn(Watch::background("metrics_listener"), move |_| {
            let (listener, service) = (listener.try_clone(), service.clone());
            let limits = limits.clone();
            async move {
                match listener.and_then(TcpListener::from_std) {
                    Ok(listener) => serve(listener, service, limits, std::future::pending()).await,
                    Err(error) => tracing::warn!("metrics cannot be served: {error}"),
                }
            }
        });
        Ok(())
    }

    /// Writes down what is only in memory, and closes the databases.
    async fn close(&self) {
        self.gate.log.flush().await;
        self.supervisor.stop();
        if let Err(error) = self.desk.counts.flush(&self.desk.db, &*self.desk.clock).await {
            tracing::warn!("what pages did last could not be written down: {error}");
        }
        self.anchor().await;
        self.databases.close().await;
    }

    /// Anchors the audit log where it ends now, if it is anchored at all.
    pub async fn anchor(&self) {
        if let Some(anchors) = &self.anchors {
            anchors.record_loudly(&self.databases.main, self.desk.clock.now()).await;
        }
    }
}
