//! Newsletters: how many receive each, and who.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::staff::permission::Permission,
    billing::catalog::newsletters::Newsletter,
    http::{
        csv,
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    newsletter::{
        api::NewsletterBody,
        export::{self, Page},
        newsletters::Newsletters,
    },
    staff::desk::{Desk, OnDuty},
};

/// A newsletter, and how many agreed to receive it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountedNewsletter {
    #[serde(flatten)]
    newsletter: NewsletterBody,
    /// Of one that is for subscribers, those too whose subscription does not run now.
    confirmed: i64,
}

/// Newsletters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountedNewsletters {
    newsletters: Vec<CountedNewsletter>,
}

/// The newsletters, and how many receive each.
#[utoipa::path(get, path = "/v1/staff/newsletters", tag = "Staff", security(("staff_token" = [])),
    responses((status = 200, description = "In the catalog's order", body = CountedNewsletters),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::MetricsRead)?;
    let counted = |(newsletter, confirmed): &(Newsletter, i64)| CountedNewsletter {
        newsletter: newsletter.into(),
        confirmed: *confirmed,
    };
    let newsletters = desk.newsletters().await?.iter().map(counted).collect();
    Ok((NO_STORE, Json(CountedNewsletters { newsletters })).into_response())
}

/// Everybody who receives a newsletter now, for the mail tool.
#[utoipa::path(get, path = "/v1/staff/newsletters/{id}/subscribers.csv", tag = "Staff",
    security(("staff_token" = [])), params(("id" = String, Path, description = "The newsletter")),
    responses((status = 200, description = "email, subscribed_at, unsubscribe_url, language",
                  content_type = "text/csv", body = String),
              (status = "4XX", description = "Not allowed, or no such newsletter",
                  body = ProblemBody)))]
pub(super) async fn export(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::NewsletterExport)?;
    let Path(id) = id.map_err(|_| ApiError::NotFound)?;
    let newsletter = desk.export_newsletter(&acting, &id).await?;
    // What fails on the first page is told as everywhere; later only the end can be missing.
    let first = desk.newsletters.recipients(&newsletter, "").await?;
    let start = export::csv(&first.recipients, true).map_err(ApiError::internal)?;
    let rest = rest(Arc::clone(&desk.newsletters), newsletter, first);
    Ok(csv::answer("subscribers.csv", start, rest))
}

/// The pages after `first`, each read when the one before was sent.
fn rest(
    newsletters: Arc<Newsletters>,
    newsletter: Newsletter,
    first: Page,
) -> impl stream::Stream<Item = Result<Vec<u8>, axum::BoxError>> {
    let state = (newsletters, newsletter, first.next);
    stream::try_unfold(state, async |(newsletters, newsletter, after)| {
        let Some(after) = after else { return Ok(None) };
        let page = newsletters.recipients(&newsletter, &after).await?;
        let rows = export::csv(&page.recipients, false)?;
        Ok(Some((rows, (newsletters, newsletter, page.next))))
    })
}
