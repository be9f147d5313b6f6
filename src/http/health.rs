//! Is the process alive, and can it do its work?

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, http::header, response::IntoResponse, routing::get};
use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::metrics::Metrics;
use super::problem::{ApiError, ProblemBody};
use crate::{
    db::Db,
    metering::{meter::Meter, store::MeterStore},
};

/// An answer is at most this old, so that health checks cannot become a load.
const FRESH_FOR: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

type Probe =
    Box<dyn Fn() -> futures_util::future::BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Whether requests should be sent here.
pub struct Readiness {
    probe: Probe,
    last: Mutex<Option<(Instant, Result<(), String>)>>,
    stopping: AtomicBool,
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readiness").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Readiness {
    /// Ready means: the database can be read, and a count could be stored in `store`.
    pub fn new(db: Db, store: impl MeterStore, clock: Arc<dyn crate::clock::Clock>) -> Self {
        let probe: Probe = Box::new(move || {
            let (db, store, clock) = (db.clone(), store.clone(), Arc::clone(&clock));
            Box::pin(async move {
                let (): () = async {
                    let mut tx = db.read().await?;
                    tx.query("SELECT id FROM sites LIMIT 1").execute().await?;
                    store.probe(clock.now()).await
                }
                .await
                .map_err(|error: crate::db::StoreError| error.to_string())?;
                Ok(())
            })
        });
        Self { probe, last: Mutex::new(None), stopping: AtomicBool::new(false) }
    }

    /// From now on the answer is no.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Why not, if not.
    ///
    /// # Errors
    /// The reason, for the log.
    pub async fn check(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("the service is shutting down".to_owned());
        }
        let mut last = self.last.lock().await;
        if let Some((at, result)) = &*last
            && at.elapsed() < FRESH_FOR
        {
            return result.clone();
        }
        let result = tokio::time::timeout(PROBE_TIMEOUT, (self.probe)())
            .await
            .unwrap_or_else(|_| Err("the database did not answer in time".to_owned()));
        *last = Some((Instant::now(), result.clone()));
        result
    }
}

/// The health checks.
pub fn routes(readiness: Arc<Readiness>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).with_state(readiness)
}

/// `GET /metrics`, which may have a listener of its own.
pub fn metrics_route(metrics: Arc<Metrics>, meter: Meter) -> Router {
    Router::new().route("/metrics", get(self::metrics)).with_state((metrics, meter))
}

/// How we are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `live` or `ready`.
    pub status: &'static str,
}

/// Whether the process is alive. Touches nothing outside it.
#[utoipa::path(get, path = "/health/live", tag = "Operations",
    responses((status = 200, description = "Alive", body = Health)))]
async fn live() -> Json<Health> {
    Json(Health { status: "live" })
}

/// Whether requests should be sent here: the databases answer, and a count could be stored.
#[utoipa::path(get, path = "/health/ready", tag = "Operations",
    responses((status = 200, description = "Ready", body = Health),
              (status = 503, description = "Not ready", body = ProblemBody)))]
async fn ready(State(readiness): State<Arc<Readiness>>) -> Result<Json<Health>, ApiError> {
    match readiness.check().await {
        Ok(()) => Ok(Json(Health { status: "ready" })),
        Err(reason) => {
            tracing::warn!("not ready: {reason}");
            let detail = "a database cannot be used, or the service is stopping";
            Err(ApiError::Unavailable("not_ready", detail.into()))
        }
    }
}

/// Counters and timings in Prometheus' text format.
async fn metrics(State((metrics, meter)): State<(Arc<Metrics>, Meter)>) -> impl IntoResponse {
    metrics.meter_waiting.set(i64::try_from(meter.waiting()).unwrap_or(i64::MAX));
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, media_type)], metrics.render())
}
