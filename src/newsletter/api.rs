//! `GET /v1/newsletters`: which newsletters there are, for the publisher's websites.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    billing::catalog::{
        asked::{CACHED, Where},
        localized::Localized,
        newsletters::{Newsletter, Rhythm},
        versions::Catalogs,
    },
    http::problem::{ApiError, ProblemBody},
    site::directory::Directory,
};

/// What this room's calls need.
#[derive(Debug, Clone)]
pub struct Rack {
    /// Which newsletters there are.
    pub catalogs: Catalogs,
    /// Knows the sites.
    pub directory: Arc<Directory>,
}

/// The routes of this room.
pub fn routes(rack: Rack) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).with_state(rack)
}

/// A newsletter.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Newsletter)]
pub struct NewsletterBody {
    /// For programs; `/newsletters?list=<id>` is the page where this one is chosen already.
    pub id: String,
    /// For people, by language.
    pub name: BTreeMap<&'static str, String>,
    /// What is in it, by language.
    pub description: BTreeMap<&'static str, String>,
    /// How often it is sent.
    pub rhythm: Rhythm,
    /// Whether only those get it whose subscription includes newsletters.
    pub for_subscribers: bool,
}

/// The publisher's newsletters.
#[derive(Debug, Serialize, ToSchema)]
struct NewslettersBody {
    /// In the order in which to show them.
    newsletters: Vec<NewsletterBody>,
}

impl From<&Newsletter> for NewsletterBody {
    fn from(newsletter: &Newsletter) -> Self {
        let texts = |text: &Localized| {
            text.all().map(|(language, text)| (language.tag(), text.to_owned())).collect()
        };
        Self {
            id: newsletter.id.clone(),
            name: texts(&newsletter.name),
            description: texts(&newsletter.description),
            rhythm: newsletter.rhythm,
            for_subscribers: newsletter.for_subscribers,
        }
    }
}

/// Which newsletters there are.
#[utoipa::path(get, path = "/v1/newsletters", tag = "Newsletters", params(Where),
    responses((status = 200, description = "The newsletters", body = NewslettersBody),
              (status = 404, description = "No such site", body = ProblemBody),
              (status = 422, description = "Unknown parameters", body = ProblemBody)))]
async fn list(
    State(rack): State<Rack>,
    place: Result<Query<Where>, QueryRejection>,
) -> Result<Response, ApiError> {
    let site = Where::site(place, &rack.directory)?;
    let catalog = rack.catalogs.current();
    let newsletters = catalog.newsletters_of(site.as_deref()).map(NewsletterBody::from);
    Ok((CACHED, Json(NewslettersBody { newsletters: newsletters.collect() })).into_response())
}
