//! What anybody may ask of the catalog, and for how long the answer holds.

use axum::{
    extract::{Query, rejection::QueryRejection},
    http::{HeaderName, header},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    http::problem::{ApiError, FieldError},
    site::directory::Directory,
};

/// The catalog changes with a start of the service; a minute keeps the load off and is soon over.
pub const CACHED: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=60")];

/// Of which site something is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Where {
    /// Only what belongs to this site.
    site: Option<String>,
}

impl Where {
    /// The site that is asked for; none where all are.
    ///
    /// # Errors
    /// Where the query cannot be read, and where there is no such site.
    pub fn site(
        asked: Result<Query<Self>, QueryRejection>,
        directory: &Directory,
    ) -> Result<Option<String>, ApiError> {
        let Query(Self { site }) = asked.map_err(|error| {
            let error = FieldError::new("query", "invalid_value", error.body_text());
            ApiError::InvalidFields(vec![error])
        })?;
        if site.as_deref().is_some_and(|site| directory.site(site).is_none()) {
            return Err(ApiError::NotFound);
        }
        Ok(site)
    }
}
