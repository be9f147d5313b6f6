//! `GET /v1/plans`: what is offered.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Counter, bodies::MoneyBody};
use crate::{
    billing::catalog::{
        asked::{CACHED, Where},
        model::{Catalog, Interval, Plan},
    },
    http::problem::{ApiError, ProblemBody},
    language::Language,
};

/// A plan that is offered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(super) struct PlanBody {
    id: String,
    /// The product that it buys.
    product: String,
    /// For people, in the language of the site or else in the one that `Accept-Language` asks for.
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
    fn of(catalog: &Catalog, plan: &Plan, language: Language) -> Self {
        Self {
            id: plan.id.clone(),
            product: plan.product.clone(),
            name: plan.name.in_language(language).to_owned(),
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
    headers: HeaderMap,
    place: Result<Query<Where>, QueryRejection>,
) -> Result<Response, ApiError> {
    let site = Where::site(place, &counter.directory)?;
    let catalog = counter.billing.catalogs.current();
    let only = site.as_deref().and_then(|site| counter.directory.site(site)?.look.language);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::choose(only, None, accepted);
    let offered = catalog.offered(site.as_deref());
    let plans = offered.map(|plan| PlanBody::of(&catalog, plan, language)).collect();
    let vary = [(header::VARY, "Accept-Language")];
    Ok((CACHED, vary, Json(PlansBody { plans })).into_response())
}
