//! The business in numbers.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::subscription_bodies::invalid;
use crate::{
    auth::staff::permission::Permission,
    http::{
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    numbers::report::Report,
    staff::{
        desk::{Desk, OnDuty},
        numbers::window,
    },
};

/// Which days, by the first site's calendar.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The first day, `2026-11-01`; 29 days before the last where nothing is said.
    #[serde(default)]
    from: String,
    /// The last day, included; today where nothing is said.
    #[serde(default)]
    to: String,
}

/// The figures of some days, beside those of as many days before.
#[utoipa::path(get, path = "/v1/staff/metrics", tag = "Staff", security(("staff_token" = [])),
    params(Asked),
    responses((status = 200, description = "The figures", body = Report),
              (status = "4XX", description = "Not allowed, or no such days", body = ProblemBody)))]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::MetricsRead)?;
    let Query(Asked { from, to }) = asked.map_err(|error| invalid("query", error.body_text()))?;
    let today = desk.calendar().day(desk.clock.now());
    let window = window(&from, &to, today).map_err(|error| invalid(error.field, error.rule))?;
    Ok((NO_STORE, Json(desk.report(window).await?)).into_response())
}
