//! What staff do to readers.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    auth::staff::permission::Permission,
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    reader::data::Export,
    staff::desk::{Desk, OnDuty},
};

/// Everything that is held about a reader.
#[utoipa::path(get, path = "/v1/staff/readers/{id}/export", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    responses((status = 200, description = "All of it", body = Export),
              (status = "4XX", description = "Not allowed, or no such reader", body = ProblemBody)))]
pub(super) async fn export(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::ReaderExport)?;
    let export = desk.export_reader(&acting, parse_id(id)?).await?;
    Ok((NO_STORE, Json(export)).into_response())
}

/// Erases a reader. It cannot be undone.
#[utoipa::path(delete, path = "/v1/staff/readers/{id}", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    responses((status = 204, description = "Erased"),
              (status = "4XX", description = "Not allowed, or no such reader", body = ProblemBody)))]
pub(super) async fn erase(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::ReaderErase)?;
    desk.erase_reader(&acting, parse_id(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Logs a reader out everywhere.
#[utoipa::path(delete, path = "/v1/staff/readers/{id}/sessions", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    responses((status = 204, description = "All have ended"),
              (status = "4XX", description = "Not allowed, or no such reader", body = ProblemBody)))]
pub(super) async fn end_sessions(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::ReaderSessionsEnd)?;
    desk.end_sessions_of(&acting, parse_id(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
