//! `GET /v1/plans`: what is offered.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Counter, bodies::MoneyBody};
use crate::{
    billing::catalog::model::{Catalog, Interval, Plan},
    http::problem::{ApiError, FieldError, ProblemBody},
};

/// The catalog changes with a start of the service; a minute keeps the load off and is soon over.
const CACHED: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=60")];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Where {
    /// Only the plans that open articles on this site.
    site: Option<String>,
}

/// A plan that is offered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(super) struct PlanBody {
    id: String,
    /// The product that it buys.
    product: String,
    /// For people.
    name: String,
    /// Of one interval.
    price: MoneyBody,
    interval: Interval,
    /// Days before the first payment; 0 for none.
    trial_days: u32,
    /// What a year saves against twelve months by the month.
    savings: Option<MoneyBody>,
    /// A word to show with it, such as `best_value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<String>,
}

impl PlanBody {
    fn of(catalog: &Catalog, plan: &Plan) -> Self {
        Self {
            id: plan.id.clone(),
            product: plan.product.clone(),
            name: plan.name.clone(),
            price: plan.price.into(),
            interval: plan.interval,
            trial_days: plan.trial_days,
            savings: catalog.savings(plan).map(MoneyBody::from),
            badge: plan.badge.clone(),
        }
    }
}

/// The plans that are offered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlansBody {
    /// In the order in which to show them.
    plans: Vec<PlanBody>,
}

/// What new subscribers may take.
#[utoipa::path(get, path = "/v1/plans", tag = "Subscriptions", params(Where),
    responses((status = 200, description = "The plans", body = PlansBody),
              (status = 404, description = "No such site", body = ProblemBody),
              (status = 422, description = "Unknown parameters", body = ProblemBody)))]
pub(super) async fn list(
    State(counter): State<Counter>,
    place: Result<Query<Where>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(Where { site }) = place.map_err(|error| {
        let error = FieldError::new("query", "invalid_value", error.body_text());
        ApiError::InvalidFields(vec![error])
    })?;
    if site.as_deref().is_some_and(|site| counter.directory.site(site).is_none()) {
        return Err(ApiError::NotFound);
    }
    let catalog = counter.billing.catalogs.current();
    let plans = catalog.offered(site.as_deref()).map(|plan| PlanBody::of(&catalog, plan));
    Ok((CACHED, Json(PlansBody { plans: plans.collect() })).into_response())
}
