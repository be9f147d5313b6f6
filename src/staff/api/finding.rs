//! Finding readers, subscriptions and invoices: one box, and lists.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    finding_bodies::{FoundReaders, HitsBody, InvoicesPage},
    subscription_bodies::Page,
};
use crate::{
    auth::staff::permission::Permission,
    http::{
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    staff::{
        desk::{Desk, OnDuty},
        find::{
            invoices::InvoicesLooked,
            looked::{Asked, Looked, asked, invalid, sought},
        },
    },
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// An address or its beginning, also mistyped; a part of a name in it; the id of anything; a
    /// number; the last four digits of a card; the gateway's reference.
    q: String,
}

/// Everything that a text can mean.
#[utoipa::path(get, path = "/v1/staff/search", tag = "Staff", security(("staff_token" = [])),
    params(Search),
    responses((status = 200, description = "At most 20 of a kind, the best first", body = HitsBody),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn search(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Asked<Search>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let Search { q } = asked(query)?;
    let q = sought(q.trim())?.ok_or_else(|| invalid("q", "must say what to look for"))?;
    let hits = desk.find(&acting.lookup(), &q).await?;
    Ok((NO_STORE, Json(HitsBody::of(hits, acting.visibility()))).into_response())
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadersLooked {
    /// An address or its beginning, also mistyped; a part of a name in it; an id.
    q: String,
    /// The same as `q`.
    email: String,
    /// `next_cursor` of the page before.
    cursor: String,
    /// 1 to 200; 50 where nothing is said.
    limit: String,
}

/// Readers: the latest first, or, where something is looked for, the best first.
#[utoipa::path(get, path = "/v1/staff/readers", tag = "Staff", security(("staff_token" = [])),
    params(ReadersLooked),
    responses((status = 200, description = "A page of them", body = FoundReaders),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn list_readers(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Asked<ReadersLooked>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::ReadersRead)?;
    let ReadersLooked { q, email, cursor, limit } = asked(query)?;
    if !q.is_empty() && !email.is_empty() {
        return Err(invalid("email", "goes without `q`: they mean the same"));
    }
    let q = if q.is_empty() { email } else { q };
    let page = desk.list_readers(&acting.lookup(), q.trim(), (&cursor, &limit)).await?;
    Ok((NO_STORE, Json(FoundReaders::from(page))).into_response())
}

/// Subscriptions by what is looked for and by filters.
#[utoipa::path(get, path = "/v1/staff/subscriptions", tag = "Staff",
    security(("staff_token" = [])), params(Looked),
    responses((status = 200, description = "A page of them", body = Page),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn list_subscriptions(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Asked<Looked>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let page = desk.list_subscriptions(&acting.lookup(), &asked(query)?.trimmed()).await?;
    Ok((NO_STORE, Json(Page::of(page, acting.visibility()))).into_response())
}

/// The whole list of subscriptions with these filters, as a table.
#[utoipa::path(get, path = "/v1/staff/subscriptions.csv", tag = "Staff",
    security(("staff_token" = [])), params(Looked),
    responses((status = 200, description = "A row for each, under the names of the columns",
                  content_type = "text/csv", body = String),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn export_subscriptions(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Asked<Looked>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionExport)?;
    desk.subscriptions_csv(&acting, &asked(query)?.trimmed()).await
}

/// Invoices, the latest first.
#[utoipa::path(get, path = "/v1/staff/invoices", tag = "Staff", security(("staff_token" = [])),
    params(InvoicesLooked),
    responses((status = 200, description = "A page of them", body = InvoicesPage),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn list_invoices(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Asked<InvoicesLooked>,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let page = desk.list_invoices(&acting.lookup(), &asked(query)?).await?;
    Ok((NO_STORE, Json(InvoicesPage::of(page, acting.visibility()))).into_response())
}
