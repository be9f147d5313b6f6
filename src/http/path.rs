//! What stands in a path.

use axum::extract::{Path, rejection::PathRejection};
use uuid::Uuid;

use super::problem::ApiError;

/// Where an id belongs, whatever stands there.
pub type PathId = Result<Path<Uuid>, PathRejection>;

/// The id; what is no id is nobody's.
///
/// # Errors
/// [`ApiError::NotFound`].
pub fn parse_id(id: PathId) -> Result<Uuid, ApiError> {
    id.map(|Path(id)| id).map_err(|_| ApiError::NotFound)
}
