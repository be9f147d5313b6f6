//! Is the process alive, and can it do its work?

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::header, response::IntoResponse, routing::get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    metrics::Metrics,
    problem::{ApiError, ProblemBody},
    readiness::Readiness,
};
use crate::metering::meter::Meter;

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

/// Whether requests should be sent here: every store takes writes, and every task that requests
/// depend on runs. A store that is only slow counts after ten seconds.
#[utoipa::path(get, path = "/health/ready", tag = "Operations",
    responses((status = 200, description = "Ready", body = Health),
              (status = 503, description = "Not ready", body = ProblemBody)))]
async fn ready(State(readiness): State<Arc<Readiness>>) -> Result<Json<Health>, ApiError> {
    match readiness.check().await {
        Ok(()) => Ok(Json(Health { status: "ready" })),
        Err(reason) => Err(ApiError::Unavailable("not_ready", reason.detail().into())),
    }
}

/// Counters and timings in Prometheus' text format.
async fn metrics(State((metrics, meter)): State<(Arc<Metrics>, Meter)>) -> impl IntoResponse {
    metrics.meter_waiting.set(i64::try_from(meter.waiting()).unwrap_or(i64::MAX));
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, media_type)], metrics.render())
}
