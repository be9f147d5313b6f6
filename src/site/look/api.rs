//! What browsers load of a look: the style and the logo. Both may be kept for ever under the
//! address that pages give them, which changes with what is behind it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use super::store;
use crate::{
    db::Db,
    http::problem::ApiError,
    site::directory::{Directory, LiveSite},
};

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Under an address of an older or newer look, as other processes may still or already give it.
const FOR_A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// A drawing may bring its own style, and nothing else: somebody may open it as a page.
const LOGO_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
);

type Shelf = (Arc<Directory>, Db);

/// The routes.
pub fn routes(directory: Arc<Directory>, db: Db) -> Router {
    Router::new()
        .route("/assets/site/{id}/look.css", get(style))
        .route("/assets/site/{id}/logo", get(logo))
        .with_state((directory, db))
}

/// Where the style of a site is, for sites that have one of their own.
#[must_use]
pub fn style_path(site: &LiveSite) -> Option<String> {
    let style = Some(&site.style).filter(|style| !style.css.is_empty())?;
    Some(format!("/assets/site/{}/look.css?v={}", site.site.id, style.version))
}

/// Where the logo of a site is, if it has one.
#[must_use]
pub fn logo_path(site: &LiveSite) -> Option<String> {
    let logo = site.look.logo.as_ref()?;
    Some(format!("/assets/site/{}/logo?v={}", site.site.id, logo.version))
}

#[derive(Deserialize)]
struct Asked {
    v: Option<String>,
}

async fn style(
    State((directory, _)): State<Shelf>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let site = directory.site(&id).ok_or(ApiError::NotFound)?;
    let kept = kept(&site.style.version, &asked, &headers)?;
    let kept = match kept {
        Kept::Already(response) => return Ok(response),
        Kept::From(headers) => headers,
    };
    Ok((kept, [(header::CONTENT_TYPE, "text/css; charset=utf-8")], site.style.css.clone())
        .into_response())
}

async fn logo(
    State((directory, db)): State<Shelf>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let site = directory.site(&id).ok_or(ApiError::NotFound)?;
    let known = site.look.logo.as_ref().ok_or(ApiError::NotFound)?;
    if let Kept::Already(response) = kept(&known.version, &asked, &headers)? {
        return Ok(response);
    }
    // The database may know a newer one than this process.
    let mut tx = db.read().await.map_err(ApiError::internal)?;
    let found = store::find_logo(&mut tx, &id).await.map_err(ApiError::internal)?;
    let logo = found.ok_or(ApiError::NotFound)?;
    let kept = match kept(&logo.tag().version, &asked, &headers)? {
        Kept::Already(response) => return Ok(response),
        Kept::From(headers) => headers,
    };
    let media_type = HeaderValue::from_static(logo.picture.media_type());
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, LOGO_SECURITY_POLICY),
    ];
    Ok((kept, headers, logo.bytes).into_response())
}

/// What a browser is told about keeping an answer.
enum Kept {
    /// It has this very one.
    Already(Response),
    /// It may keep what comes with these headers.
    From([(HeaderName, HeaderValue); 2]),
}

fn kept(version: &str, asked: &Asked, headers: &HeaderMap) -> Result<Kept, ApiError> {
    let tag = HeaderValue::from_str(&format!("\"{version}\"")).map_err(ApiError::internal)?;
    let same = headers.get(header::IF_NONE_MATCH) == Some(&tag);
    let fits = asked.v.as_deref() == Some(version);
    let life = if fits { FOR_EVER } else { FOR_A_WHILE };
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, life)];
    if same {
        return Ok(Kept::Already((StatusCode::NOT_MODIFIED, headers).into_response()));
    }
    Ok(Kept::From(headers))
}
