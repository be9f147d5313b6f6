//! What staff see of readers, and do to them.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::reader_bodies::{ReaderWhole, TimelinePage};
use crate::{
    auth::staff::permission::Permission,
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    reader::data::Export,
    staff::{
        desk::{Desk, OnDuty},
        find::looked::{Asked, asked},
        timeline::Wanted,
    },
};

/// Who a reader is and what belongs to the reader. That somebody looked is in the audit log.
#[utoipa::path(get, path = "/v1/staff/readers/{id}", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    responses((status = 200, description = "All of it", body = ReaderWhole),
              (status = "4XX", description = "Not allowed, or no such reader", body = ProblemBody)))]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::ReadersRead)?;
    let review = desk.review_reader(parse_id(id)?).await?;
    desk.note_look(&acting, review.reader.id).await?;
    let words = desk.words();
    Ok((NO_STORE, Json(ReaderWhole::of(review, desk.clock.now(), &words))).into_response())
}

/// What happened to and around a reader, the latest first. That somebody looked is in the audit
/// log.
#[utoipa::path(get, path = "/v1/staff/readers/{id}/timeline", tag = "Staff",
    security(("staff_token" = [])),
    params(("id" = Uuid, Path, description = "The reader"), Wanted),
    responses((status = 200, description = "A page of it", body = TimelinePage),
              (status = "4XX", description = "Not allowed, not as it must be, or no such reader",
               body = ProblemBody)))]
pub(super) async fn timeline(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    query: Asked<Wanted>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::ReadersRead)?;
    let reader = desk.reader(parse_id(id)?).await?;
    let page = desk.timeline(&reader, &asked(query)?).await?;
    desk.note_look(&acting, reader.id).await?;
    let told = TimelinePage::of(page, &desk.words(), &desk.names());
    Ok((NO_STORE, Json(told)).into_response())
}

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
