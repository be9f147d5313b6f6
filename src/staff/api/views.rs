//! Filters that a member of staff keeps.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::staff::permission::Permission,
    clock::Timestamp,
    http::{
        body::{JsonBytes, parse},
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::{ApiError, ProblemBody},
    },
    staff::{
        desk::{Desk, OnDuty},
        find::views::View,
    },
};

/// Filters under a name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ViewBody {
    id: Uuid,
    name: String,
    /// The parameters of the list, as in its address: `status=past_due&plan=annual`.
    query: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<View> for ViewBody {
    fn from(View { id, name, query, created_at }: View) -> Self {
        Self { id, name, query, created_at }
    }
}

/// What somebody kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ViewsBody {
    /// By name.
    views: Vec<ViewBody>,
}

/// What to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewView {
    /// 1 to 60 characters. What had this name before gives way.
    name: String,
    /// The parameters of the list, without `q`.
    query: String,
}

/// The own kept filters.
#[utoipa::path(get, path = "/v1/staff/views", tag = "Staff", security(("staff_token" = [])),
    responses((status = 200, description = "All of them", body = ViewsBody),
              (status = "4XX", description = "Not allowed", body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let views = desk.views(&acting).await?.into_iter().map(ViewBody::from).collect();
    Ok((NO_STORE, Json(ViewsBody { views })).into_response())
}

/// Keeps filters; at most 50.
#[utoipa::path(post, path = "/v1/staff/views", tag = "Staff", security(("staff_token" = [])),
    request_body = NewView,
    responses((status = 201, description = "Kept", body = ViewBody),
              (status = "4XX", description = "Not allowed, not filters, or too many",
               body = ProblemBody)))]
pub(super) async fn keep(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let NewView { name, query } = parse(&bytes)?;
    let view = desk.keep_view(&acting, &name, &query).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(ViewBody::from(view))).into_response())
}

/// Forgets kept filters.
#[utoipa::path(delete, path = "/v1/staff/views/{id}", tag = "Staff",
    security(("staff_token" = [])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "Forgotten"),
              (status = "4XX", description = "Not allowed, or not there", body = ProblemBody)))]
pub(super) async fn forget(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: PathId,
) -> Result<StatusCode, ApiError> {
    let acting = on_duty.to(Permission::SubscriptionsRead)?;
    let id = parse_id(id)?;
    desk.forget_view(&acting, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
