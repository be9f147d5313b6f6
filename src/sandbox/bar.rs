//! A bar at the foot of every page in a sandbox: what time it is, and how to move on; what was
//! mailed; and which cards there are. Plain forms, so that it works wherever the pages do.

use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use serde::Deserialize;
use time::{Duration, format_description::StaticFormatDescription, macros::format_description};
use utoipa_axum::router::OpenApiRouter;

use super::Clocks;
use crate::{
    clock::{Clock, Timestamp},
    http::{
        asset::Asset,
        form::{Fields, is_from_here, says_where_from},
        problem::ApiError,
        return_to::checked,
    },
};

/// Its style, served at `/sandbox/bar.css`.
pub static STYLESHEET: Asset = Asset::new("text/css; charset=utf-8", include_str!("bar.css"));
const MOMENT: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

/// The bar of one page.
#[derive(Debug, Template)]
#[template(path = "sandbox/templates/bar.html", config = ".config/askama.toml")]
pub struct Bar {
    now: String,
    here: String,
}

impl Bar {
    /// The bar of the page that is found at `here`.
    #[must_use]
    pub fn new(now: Timestamp, here: &str) -> Self {
        let now = now.date_time().format(&MOMENT).unwrap_or_else(|_| now.to_string());
        Self { now, here: here.to_owned() }
    }

    /// How far the clock can be moved by a click, in days.
    fn steps() -> [(i64, &'static str); 4] {
        [(1, "1 day"), (7, "7 days"), (31, "31 days"), (366, "a year")]
    }

    /// The cards, and what each does.
    fn cards() -> [(&'static str, &'static str); 5] {
        [
            ("pm_sandbox_ok", "pays"),
            ("pm_sandbox_declined", "is declined each time"),
            ("pm_sandbox_lost", "was reported lost"),
            ("pm_sandbox_declined_once", "is declined once, then pays"),
            ("pm_sandbox_authentication", "is paid when its bank was answered"),
        ]
    }
}

#[derive(Deserialize)]
struct Step {
    days: String,
    #[serde(default)]
    return_to: String,
}

/// The routes of the bar.
pub(super) fn routes(clocks: Clocks) -> OpenApiRouter {
    OpenApiRouter::new().route("/sandbox/bar/clock", post(advance)).with_state(clocks)
}

/// Nobody is asked who they are, and so no token could tell whose page sent this: the browser must.
async fn advance(
    State(clocks): State<Clocks>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    if !says_where_from(&headers) || !is_from_here(&headers, &clocks.2.public_url) {
        let why = "the bar works from the pages of this sandbox only";
        return Err(ApiError::Forbidden("foreign_form", why));
    }
    let step = match Fields::read(&headers, body).await {
        Ok(fields) => fields.into::<Step>(),
        Err(error) => Err(error.into()),
    };
    let step = step.map_err(|_| ApiError::UnsupportedMediaType)?;
    let known = Bar::steps().iter().any(|(days, _)| step.days == days.to_string());
    let days = step.days.parse().ok().filter(|_| known).unwrap_or(0);
    super::advance(&clocks, clocks.0.now().plus(Duration::days(days))).await?;
    Ok(Redirect::to(checked(&step.return_to, "/")).into_response())
}
