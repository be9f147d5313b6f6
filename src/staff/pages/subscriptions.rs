//! `/staff/subscriptions`: the list, with its filters.

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use uuid::Uuid;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
};
use crate::{
    auth::staff::permission::Permission,
    billing::subscription::model::{Status, Subscription},
    http::problem::{ApiError, FieldError},
    staff::{api::Looked, plain},
};

#[derive(Template)]
#[template(path = "staff/templates/subscriptions.html", config = ".config/askama.toml")]
struct SubscriptionsPage {
    frame: Frame,
    /// What was looked for, as it was typed.
    q: String,
    status: String,
    plan: String,
    plans: Vec<String>,
    found: Vec<Row>,
    /// The query of the next page.
    next: Option<String>,
}

/// A subscription in the list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) reader: Uuid,
    pub(super) email: String,
    pub(super) plan: String,
    pub(super) status: Status,
    pub(super) next: String,
    pub(super) created: String,
}

impl Row {
    /// `email` is none once the account was erased.
    pub(super) fn of(it: &Subscription, email: Option<String>, frame: &Frame) -> Self {
        Self {
            id: it.id,
            reader: it.reader,
            email: email.unwrap_or_else(|| "erased".to_owned()),
            plan: it.terms.plan.name.clone(),
            status: it.state.status(),
            next: plain::next(it, &frame.words),
            created: frame.words.day(it.created_at),
        }
    }
}

/// The list.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    looked: Result<Query<Looked>, QueryRejection>,
) -> Result<Response, ApiError> {
    seat.to(Permission::SubscriptionsRead)?;
    let Query(looked) = looked.map_err(|error| {
        let error = FieldError::new("query", "invalid_value", error.body_text());
        ApiError::InvalidFields(vec![error])
    })?;
    let typed = |text: &Option<String>| text.clone().unwrap_or_default();
    let (q, status, plan) = (typed(&looked.q), typed(&looked.status), typed(&looked.plan));
    let (search, limit) = looked.search()?;
    let billing = &pages.desk.readers.billing;
    let mut found = billing.search(search, limit + 1).await?;
    let whole = usize::try_from(limit).unwrap_or(0);
    let has_more = found.len() > whole;
    found.truncate(whole);
    let next = found.last().filter(|_| has_more).and_then(|(last, _)| {
        let cursor = last.id.to_string();
        let limit = limit.to_string();
        let query = [
            ("q", &q),
            ("status", &status),
            ("plan", &plan),
            ("limit", &limit),
            ("cursor", &cursor),
        ];
        serde_urlencoded::to_string(query).ok()
    });
    let frame = seat.frame(&pages, "Subscriptions", Place::Subscriptions);
    let found = found.into_iter().map(|(it, email)| Row::of(&it, email, &frame)).collect();
    let plans = billing.catalogs.current().plans.iter().map(|plan| plan.id.clone()).collect();
    Ok(frame::show(SubscriptionsPage { frame, q, status, plan, plans, found, next }.render()))
}
