//! `/v1/invoices…`: the reader's invoices, to be read and to be printed.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Counter, Subscriber};
use crate::{
    billing::invoice::{
        paper::{CONTENT_SECURITY_POLICY, Kind},
        view::InvoiceView,
    },
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
};

/// A reader's invoices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvoicesBody {
    invoices: Vec<InvoiceView>,
}

/// The reader's invoices, the newest first. Drafts are not among them.
#[utoipa::path(get, path = "/v1/invoices", tag = "Subscriptions",
    security(("reader_token" = [])),
    responses((status = 200, description = "The newest first", body = InvoicesBody),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody)))]
pub(super) async fn list(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
) -> Result<Response, ApiError> {
    let invoices = counter.billing.invoices(reader).await?;
    Ok((NO_STORE, Json(InvoicesBody { invoices })).into_response())
}

/// One invoice.
#[utoipa::path(get, path = "/v1/invoices/{id}", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The invoice", body = InvoiceView),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody),
              (status = 404, description = "No such invoice of this reader", body = ProblemBody)))]
pub(super) async fn show(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    id: PathId,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let invoice = counter.billing.invoice(reader, id).await?;
    Ok((NO_STORE, Json(invoice)).into_response())
}

/// An invoice as a page to be printed.
#[utoipa::path(get, path = "/v1/invoices/{id}/print", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "A page", body = String, content_type = "text/html"),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody),
              (status = 404, description = "No such invoice of this reader", body = ProblemBody)))]
pub(super) async fn print_invoice(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    id: PathId,
) -> Result<Response, ApiError> {
    printed(&counter, reader, id, Kind::Invoice).await
}

/// The receipt for a paid invoice as a page to be printed.
#[utoipa::path(get, path = "/v1/invoices/{id}/receipt", tag = "Subscriptions",
    security(("reader_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "A page", body = String, content_type = "text/html"),
              (status = 401, description = "No valid token", body = ProblemBody),
              (status = 403, description = "A website's token", body = ProblemBody),
              (status = 404, description = "No such paid invoice of this reader",
               body = ProblemBody)))]
pub(super) async fn print_receipt(
    State(counter): State<Counter>,
    Subscriber(reader): Subscriber,
    id: PathId,
) -> Result<Response, ApiError> {
    printed(&counter, reader, id, Kind::Receipt).await
}

async fn printed(
    counter: &Counter,
    reader: Uuid,
    id: PathId,
    kind: Kind,
) -> Result<Response, ApiError> {
    let id = parse_id(id)?;
    let page = counter.billing.print_invoice((reader, id), kind).await?;
    let policy = HeaderValue::from_str(&CONTENT_SECURITY_POLICY).map_err(ApiError::internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((NO_STORE, headers, page).into_response())
}
