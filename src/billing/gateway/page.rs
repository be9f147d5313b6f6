//! The sandbox bank's page, where a reader confirms a payment.

use askama::Template;
use axum::{
    body::{Body, to_bytes},
    extract::{Path, Query, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::control::Bank;
use crate::http::{headers::NO_STORE, problem::ApiError, return_to::checked};

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where the reader goes after the answer.
pub(super) const RETURN_TO: &str = "return_to";
/// Where they go who were sent from nowhere.
const HOME: &str = "/account";
/// Most bytes of an answer.
const FORM_MAX: usize = 1_024;

#[derive(Template)]
#[template(path = "billing/gateway/templates/confirm.html", config = ".config/askama.toml")]
struct ConfirmPage {
    waits: Option<String>,
    /// Where to go on, where nothing waits.
    onward: String,
}

#[derive(Deserialize)]
struct Came {
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
struct Answer {
    answer: String,
}

pub(super) fn routes() -> OpenApiRouter<Bank> {
    let page = axum::routing::get(show).post(answer);
    OpenApiRouter::new().route("/sandbox/gateway/confirm/{order}", page)
}

type PathOrder = Result<Path<Uuid>, PathRejection>;

async fn show(
    State(bank): State<Bank>,
    order: PathOrder,
    Query(Came { return_to }): Query<Came>,
) -> Result<Response, ApiError> {
    let Path(order) = order.map_err(|_| ApiError::NotFound)?;
    let waits = bank.sandbox.waiting(order).await.map_err(ApiError::internal)?;
    let waits = waits.map(|amount| match amount {
        Some(amount) if !amount.is_zero() => format!("{amount} are to be paid by your card."),
        _ => "Your card is to be kept for later payments.".to_owned(),
    });
    let status = if waits.is_some() { StatusCode::OK } else { StatusCode::GONE };
    let onward = checked(&return_to, HOME).to_owned();
    let html = ConfirmPage { waits, onward }.render().map_err(ApiError::internal)?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((status, NO_STORE, headers, Html(html)).into_response())
}

async fn answer(
    State(bank): State<Bank>,
    order: PathOrder,
    Query(Came { return_to }): Query<Came>,
    body: Body,
) -> Result<Response, ApiError> {
    let Path(order) = order.map_err(|_| ApiError::NotFound)?;
    let form = to_bytes(body, FORM_MAX).await.map_err(|_| ApiError::TooLarge(FORM_MAX))?;
    let form = serde_urlencoded::from_bytes(&form).map_err(|_| ApiError::UnsupportedMediaType)?;
    let Answer { answer } = form;
    let confirmed = answer == "confirm";
    if bank.sandbox.answer(order, confirmed).await.map_err(ApiError::internal)? {
        bank.billing.confirmed(order).await?;
    }
    Ok(Redirect::to(checked(&return_to, HOME)).into_response())
}
