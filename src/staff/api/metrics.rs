//! The business in numbers.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    auth::staff::permission::Permission,
    http::{
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    numbers::report::{Report, Window},
    staff::{
        desk::{Desk, OnDuty},
        find::looked::{Asked, asked, invalid},
        numbers::{table_file, window},
    },
};

/// Which days, by the first site's calendar.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Days {
    /// The first day, `2026-11-01`; 29 days before the last where nothing is said.
    #[serde(default)]
    from: String,
    /// The last day, included; today where nothing is said.
    #[serde(default)]
    to: String,
}

fn asked_window(desk: &Desk, days: Asked<Days>) -> Result<Window, ApiError> {
    let Days { from, to } = asked(days)?;
    let today = desk.calendar().day(desk.clock.now());
    window(&from, &to, today).map_err(|error| invalid(error.field, error.rule))
}

/// The figures of some days, beside those of as many days before.
#[utoipa::path(get, path = "/v1/staff/metrics", tag = "Staff", security(("staff_token" = [])),
    params(Days),
    responses((status = 200, description = "The figures", body = Report),
              (status = "4XX", description = "Not allowed, or no such days", body = ProblemBody)))]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    days: Asked<Days>,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::MetricsRead)?;
    let window = asked_window(&desk, days)?;
    Ok((NO_STORE, Json(desk.report(window).await?)).into_response())
}

/// One table of the same figures, as a file.
#[utoipa::path(get, path = "/v1/staff/metrics/{table}", tag = "Staff",
    security(("staff_token" = [])),
    params(("table" = String, Path, description = "`mrr.csv`, `subscriptions.csv`, `trials.csv`, \
            `churn.csv`, `payments.csv`, `revenue.csv`, `funnel.csv`, `decisions.csv`, \
            `articles.csv` or `days.csv`"), Days),
    responses((status = 200, description = "The table; money in whole minor units",
                  content_type = "text/csv", body = String),
              (status = "4XX", description = "Not allowed, no such table, or no such days",
                  body = ProblemBody)))]
pub(super) async fn download(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    file: Result<Path<String>, PathRejection>,
    days: Asked<Days>,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::MetricsRead)?;
    let Path(file) = file.map_err(|_| ApiError::NotFound)?;
    let name = file.strip_suffix(".csv").ok_or(ApiError::NotFound)?;
    let window = asked_window(&desk, days)?;
    table_file(&desk.report(window).await?, name)
}
