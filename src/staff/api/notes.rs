//! Notes about a reader.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::subscription_bodies::invalid;
use crate::{
    auth::staff::permission::Permission,
    clock::Timestamp,
    http::{
        body::{JsonBytes, parse},
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    reader::note_store::{Note, TEXT_MAX},
    staff::desk::{Desk, OnDuty},
};

/// What is to be written down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNote {
    #[schema(min_length = 1, max_length = 2000)]
    #[serde(deserialize_with = "crate::http::text::lines")]
    text: String,
}

/// A note.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NoteBody {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who of staff wrote it.
    staff: Uuid,
    text: String,
}

impl From<Note> for NoteBody {
    fn from(note: Note) -> Self {
        Self { id: note.id, at: note.at, staff: note.staff_id, text: note.text }
    }
}

/// That a note was kept. What it says is not said again: answers are kept for a day, and a reader
/// may be erased before that.
#[derive(Debug, Serialize, ToSchema)]
struct KeptNote {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who of staff wrote it.
    staff: Uuid,
}

/// Notes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notes {
    /// The latest first.
    notes: Vec<NoteBody>,
}

/// The text of a note as it is kept.
///
/// # Errors
/// [`ApiError::InvalidFields`].
pub(in crate::staff) fn parse_text(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= TEXT_MAX && !text.contains('\0');
    if fits { Ok(text.to_owned()) } else { Err(invalid("text", "must have 1 to 2000 characters")) }
}

/// What staff wrote down about a reader.
#[utoipa::path(get, path = "/v1/staff/readers/{id}/notes", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    responses((status = 200, description = "At most 200", body = Notes),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::ReadersRead)?;
    let id = parse_id(id)?;
    desk.note_look(&acting, id).await?;
    let notes = desk.notes(id).await?.into_iter().map(NoteBody::from).collect();
    Ok((NO_STORE, Json(Notes { notes })).into_response())
}

/// Writes something down about a reader. The same text again, as the last, is one note.
#[utoipa::path(post, path = "/v1/staff/readers/{id}/notes", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path, description = "The reader")),
    request_body = NewNote,
    responses((status = 201, description = "Kept", body = KeptNote),
              (status = "4XX", description = "Not allowed, no such reader, or too long",
               body = ProblemBody)))]
pub(super) async fn add(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::ReadersRead)?;
    let id = parse_id(id)?;
    let NewNote { text } = parse(&bytes)?;
    let named = (id, acting.operation());
    let Note { id, at, staff_id: staff, .. } =
        desk.add_note(&acting, named, parse_text(&text)?).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(KeptNote { id, at, staff })).into_response())
}
