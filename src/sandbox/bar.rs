//! A bar at the foot of every page in a sandbox: what time it is, and how to move on; what was
//! mailed; and which cards there are. Plain forms, so that it works wherever the pages do.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use time::{Duration, format_description::StaticFormatDescription, macros::format_description};
use utoipa_axum::router::OpenApiRouter;

use super::Clocks;
use crate::{
    clock::{Clock, Timestamp},
    http::problem::ApiError,
};

/// Its style, served at `/sandbox/bar.css`.
pub const STYLESHEET: &str = include_str!("bar.css");
const MOMENT: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
/// Longest form.
const FORM_MAX: usize = 2_048;

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
    days: i64,
    #[serde(default)]
    return_to: String,
}

/// The routes of the bar.
pub(super) fn routes(clocks: Clocks) -> OpenApiRouter {
    OpenApiRouter::new().route("/sandbox/bar/clock", post(advance)).with_state(clocks)
}

async fn advance(
    State(clocks): State<Clocks>,
    body: axum::body::Body,
) -> Result<Response, ApiError> {
    let form = Limited::new(body, FORM_MAX).collect().await;
    let form = form.map_err(|_| ApiError::TooLarge(FORM_MAX))?.to_bytes();
    let step: Step =
        serde_urlencoded::from_bytes(&form).map_err(|_| ApiError::UnsupportedMediaType)?;
    let known = Bar::steps().iter().any(|(days, _)| *days == step.days);
    let by = if known { Duration::days(step.days) } else { Duration::ZERO };
    super::advance(&clocks, clocks.0.now().plus(by)).await?;
    // Only ever to a page of this sandbox.
    let here = step.return_to.as_str();
    let is_ours = here.starts_with('/')
        && !here.starts_with("//")
        && here.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    Ok(Redirect::to(if is_ours { here } else { "/" }).into_response())
}
