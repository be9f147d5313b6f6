//! What staff do to readers.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    auth::staff::permission::Permission,
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        problem::{ApiError, FieldError, ProblemBody},
    },
    mail::address::Address,
    reader::{data::Export, model::Reader},
    staff::desk::{Desk, OnDuty},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ByEmail {
    /// Any spelling of the whole address.
    email: String,
}

/// A reader, as staff see one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundReader {
    id: Uuid,
    email: String,
    /// Not yet where the account is provisional: begun by subscribing, its mail not answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    email_verified_at: Option<Timestamp>,
    has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Reader> for FoundReader {
    fn from(reader: Reader) -> Self {
        Self {
            id: reader.id,
            email: reader.email.typed().to_owned(),
            email_verified_at: reader.email_verified_at,
            has_password: reader.password_hash.is_some(),
            created_at: reader.created_at,
        }
    }
}

/// Readers that were found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundReaders {
    readers: Vec<FoundReader>,
}

/// What stands in the path; what is no id is nobody's.
type PathId = Result<Path<Uuid>, PathRejection>;

fn parse_id(id: PathId) -> Result<Uuid, ApiError> {
    id.map(|Path(id)| id).map_err(|_| ApiError::NotFound)
}

/// The reader with an address: one, or none.
#[utoipa::path(get, path = "/v1/staff/readers", tag = "Staff", security(("staff_token" = [])),
    params(ByEmail),
    responses((status = 200, description = "One or none", body = FoundReaders),
              (status = "4XX", description = "Not allowed, or no address", body = ProblemBody)))]
pub(super) async fn find(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Result<Query<ByEmail>, QueryRejection>,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::ReadersRead)?;
    let invalid = |detail: String| {
        ApiError::InvalidFields(vec![FieldError::new("email", "invalid_value", detail)])
    };
    let Query(ByEmail { email }) = query.map_err(|error| invalid(error.body_text()))?;
    let email = Address::parse(&email).map_err(|error| invalid(error.to_string()))?;
    let found = desk.find_reader(&email).await?;
    let readers = found.map(FoundReader::from).into_iter().collect();
    Ok((NO_STORE, Json(FoundReaders { readers })).into_response())
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
