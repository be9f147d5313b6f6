//! Making the sandbox's gateway fail, and reading its book.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    book::{Status, Written},
    page,
    sandbox::{Faults, Sandbox},
};
use crate::{
    billing::engine::Billing,
    clock::Timestamp,
    http::{
        body::{JsonBytes, parse},
        problem::{ApiError, FieldError, ProblemBody},
    },
    money::Money,
};

/// Most milliseconds that an answer can be made to take.
const LATENCY_MAX_MS: u64 = 60_000;
/// Most charges that can be made to go wrong.
const FAULTS_MAX: u32 = 1_000_000;
/// Rows of the book on one page.
const PAGE_DEFAULT: i64 = 100;
const PAGE_MAX: i64 = 1_000;

/// What the calls of the sandbox's gateway need.
#[derive(Clone)]
pub struct Bank {
    /// The gateway.
    pub sandbox: Sandbox,
    /// Told when a reader has answered.
    pub billing: Arc<Billing>,
}

/// The routes of the sandbox's gateway.
pub fn routes(bank: Bank) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(read_faults, set_faults))
        .routes(routes!(read_book))
        .merge(page::routes())
        .with_state(bank)
}

/// What goes wrong now.
#[utoipa::path(get, path = "/sandbox/gateway", tag = "Sandbox",
    responses((status = 200, description = "What goes wrong", body = Faults)))]
async fn read_faults(State(bank): State<Bank>) -> Json<Faults> {
    Json(bank.sandbox.faults())
}

/// Has something go wrong from now on; what is left out goes right.
#[utoipa::path(post, path = "/sandbox/gateway", tag = "Sandbox", request_body = Faults,
    responses((status = 200, description = "What goes wrong from now on", body = Faults),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
async fn set_faults(
    State(bank): State<Bank>,
    JsonBytes(bytes): JsonBytes,
) -> Result<Json<Faults>, ApiError> {
    let faults: Faults = parse(&bytes)?;
    let rule =
        |field, rule| ApiError::InvalidFields(vec![FieldError::new(field, "too_large", rule)]);
    if faults.latency_ms > LATENCY_MAX_MS {
        return Err(rule("latency_ms", "may be at most 60000"));
    }
    for (field, count) in [
        ("lose_answers", faults.lose_answers),
        ("fail_before", faults.fail_before),
        ("answer_twice", faults.answer_twice),
        ("nonsense", faults.nonsense),
    ] {
        if count > FAULTS_MAX {
            return Err(rule(field, "may be at most 1000000"));
        }
    }
    bank.sandbox.set_faults(faults.clone());
    Ok(Json(faults))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageOf {
    /// `next` of the page before.
    #[serde(default)]
    after: Option<i64>,
    /// 1 to 1000; 100 where nothing is said.
    #[serde(default)]
    limit: Option<i64>,
}

/// The gateway's own book.
#[derive(Debug, Serialize, ToSchema)]
struct BookBody {
    charges: Vec<ChargeBody>,
    /// None after the last page.
    next: Option<i64>,
}

/// A charge as the gateway knows it.
#[derive(Debug, Serialize, ToSchema)]
struct ChargeBody {
    order: Uuid,
    customer: Uuid,
    method: String,
    amount: Money,
    /// `succeeded`, `declined`, `waiting` or `canceled`.
    status: &'static str,
    /// Why it was declined.
    code: Option<String>,
    refunded: Money,
    key: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl ChargeBody {
    /// `None` for what moves no money.
    fn of(written: Written) -> Option<Self> {
        let amount = written.amount?;
        Some(Self {
            order: written.order,
            customer: written.customer,
            amount,
            status: written.status.as_str(),
            code: match written.status {
                Status::Declined { code, .. } => Some(code),
                _ => None,
            },
            refunded: Money { amount: written.refunded, ..amount },
            key: written.key,
            at: written.at,
            method: written.method,
        })
    }
}

/// What the gateway charged, in its order: a book of its own, to be held against ours.
#[utoipa::path(get, path = "/sandbox/gateway/charges", tag = "Sandbox", params(PageOf),
    responses((status = 200, description = "A page of the book", body = BookBody),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
async fn read_book(
    State(bank): State<Bank>,
    query: Result<Query<PageOf>, QueryRejection>,
) -> Result<Json<BookBody>, ApiError> {
    let invalid = |field, detail: String| {
        ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", detail)])
    };
    let Query(PageOf { after, limit }) =
        query.map_err(|error| invalid("query", error.body_text()))?;
    let limit = limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(invalid("limit", "must be 1 to 1000".to_owned()));
    }
    let page = bank.sandbox.read_book(after.unwrap_or(0), limit).await;
    let page = page.map_err(ApiError::internal)?;
    let is_full = i64::try_from(page.len()).is_ok_and(|count| count == limit);
    let next = page.last().map(|written| written.seq).filter(|_| is_full);
    Ok(Json(BookBody { charges: page.into_iter().filter_map(ChargeBody::of).collect(), next }))
}
