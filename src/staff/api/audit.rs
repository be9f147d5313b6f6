//! The audit log, to read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::{
    audit::model::Record,
    auth::staff::permission::Permission,
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        problem::{ApiError, FieldError, ProblemBody},
    },
    staff::desk::{Desk, OnDuty},
};

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// `next_cursor` of the page before.
    cursor: Option<i64>,
    /// Entries on a page, 1 to 200; 50 where nothing is said.
    limit: Option<i64>,
}

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    /// Its place; there are no gaps.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who did it.
    actor: Party,
    /// A stable word such as `reader.erased`.
    action: String,
    /// To what it was done.
    target: Option<Party>,
    request_id: Option<String>,
    /// The network it came from.
    ip: Option<String>,
    /// What changed, as it was.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// What changed, as it is now.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
}

/// Somebody or something.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Party {
    kind: String,
    id: Option<String>,
}

impl From<Record> for AuditEntry {
    fn from(record: Record) -> Self {
        // The log holds JSON; what is not has been tampered with, which `audit verify` shows.
        let json = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            seq: record.seq,
            at: record.at,
            actor: Party { kind: record.actor_kind, id: record.actor_id },
            action: record.action,
            target: record.target_kind.map(|kind| Party { kind, id: record.target_id }),
            request_id: record.request_id,
            ip: record.ip,
            before: json(record.before),
            after: json(record.after),
        }
    }
}

/// Entries of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntries {
    /// The youngest first.
    entries: Vec<AuditEntry>,
    /// For the next page; null on the last.
    next_cursor: Option<i64>,
}

/// Who did what, the youngest entry first.
#[utoipa::path(get, path = "/v1/staff/audit", tag = "Staff", security(("staff_token" = [])),
    params(Page),
    responses((status = 200, description = "A page of it", body = AuditEntries),
              (status = "4XX", description = "Not allowed, or no such page", body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::AuditRead)?;
    let Query(Page { cursor, limit }) = page.map_err(|error| {
        let error = FieldError::new("query", "invalid_value", error.body_text());
        ApiError::InvalidFields(vec![error])
    })?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let records = desk.audit(cursor, limit).await?;
    let is_full = i64::try_from(records.len()) == Ok(limit);
    let next_cursor = records.last().map(|last| last.seq).filter(|seq| is_full && *seq > 1);
    let entries = records.into_iter().map(AuditEntry::from).collect();
    Ok((NO_STORE, Json(AuditEntries { entries, next_cursor })).into_response())
}
