//! `/staff/sites`: the sites and their keys; `/staff/meters`: what each gives away free.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::{
    auth::staff::permission::Permission,
    http::problem::ApiError,
    site::{
        key::{KeyKind, StoredKey},
        model::Site,
    },
};

#[derive(Template)]
#[template(path = "staff/templates/sites.html", config = ".config/askama.toml")]
struct SitesPage {
    frame: Frame,
    sites: Vec<(Site, Vec<StoredKey>)>,
}

#[derive(Template)]
#[template(path = "staff/templates/meters.html", config = ".config/askama.toml")]
struct MetersPage {
    frame: Frame,
    sites: Vec<(Site, Vec<StoredKey>)>,
}

async fn read(pages: &StaffPages) -> Result<Vec<(Site, Vec<StoredKey>)>, ApiError> {
    let (sites, keys) = pages.desk.sites().await?;
    let with_keys = |site: Site| {
        let own = keys.iter().filter(|key| key.site_id == site.id).cloned().collect();
        (site, own)
    };
    Ok(sites.into_iter().map(with_keys).collect())
}

/// The sites and their keys.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
) -> Result<Response, ApiError> {
    seat.to(Permission::SitesRead)?;
    let frame = seat.frame(&pages, "Sites and keys", Place::Sites);
    Ok(frame::show(SitesPage { frame, sites: read(&pages).await? }.render()))
}

/// What each site gives away.
pub(super) async fn meters(
    State(pages): State<StaffPages>,
    seat: Seat,
) -> Result<Response, ApiError> {
    seat.to(Permission::SitesRead)?;
    let frame = seat.frame(&pages, "Meters", Place::Meters);
    Ok(frame::show(MetersPage { frame, sites: read(&pages).await? }.render()))
}
