//! How a website proves which site it is: by its secret key.

use std::sync::Arc;

use axum::http::{HeaderMap, Request, request::Parts};

use super::directory::{Directory, LiveSite};
use crate::http::{headers::bearer, problem::ApiError};

/// The site whose secret key came with a request, as [`note_site`] found it.
#[derive(Clone)]
struct Known(Arc<LiveSite>);

/// The site whose secret key came with a request.
///
/// # Errors
/// [`ApiError::Unauthorized`] where there is none, or one that is not known;
/// [`ApiError::Unavailable`] when it cannot be looked up.
pub async fn site_of(
    directory: &Directory,
    Parts { headers, extensions, .. }: &Parts,
) -> Result<Arc<LiveSite>, ApiError> {
    if let Some(Known(site)) = extensions.get() {
        return Ok(Arc::clone(site));
    }
    let refused = |detail| ApiError::Unauthorized("invalid_site_key", detail);
    let key = secret_key(headers)
        .ok_or(refused("send the site's secret key as `Authorization: Bearer sk_…`"))?;
    match directory.site_of_secret(key).await {
        Ok(Some(site)) => Ok(site),
        Ok(None) => Err(refused("this secret key is not known, or no longer")),
        Err(error) => {
            tracing::error!("a site's key could not be looked up: {error}");
            Err(ApiError::Unavailable("database_unavailable", "keys cannot be checked now".into()))
        }
    }
}

/// The number of the site whose secret key came with a request, as far as is known without asking the
/// database: for the edge, which shares its places among sites. The request remembers the site.
pub fn note_site<B>(directory: &Directory, request: &mut Request<B>) -> Option<u64> {
    let site = directory.known_site_of_secret(secret_key(request.headers())?)?;
    let number = site.tag.number();
    request.extensions_mut().insert(Known(site));
    Some(number)
}

fn secret_key(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).filter(|key| key.starts_with("sk_"))
}
