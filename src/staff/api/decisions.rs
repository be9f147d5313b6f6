//! Why somebody met the wall: decisions of the last weeks.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::subscription_bodies::invalid;
use crate::{
    access::{
        decision::{Decision, Reason},
        log::{code::SupportCode, past::Logged, told},
        step::for_programs,
    },
    auth::staff::permission::Permission,
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        problem::{ApiError, ProblemBody},
    },
    mail::address::Address,
    staff::{
        desk::{Desk, OnDuty},
        why::Asked,
    },
};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;
const NAME_MAX: usize = 200;

/// What is asked. One of `reader`, `email` and `visitor` must be there.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::staff) struct Looked {
    /// A reader's id.
    reader: Option<String>,
    /// A reader's address, in any spelling.
    email: Option<String>,
    /// A visitor token, or the id of a browser from another decision.
    visitor: Option<String>,
    /// Of this site only.
    site: Option<String>,
    /// About this article only, by its id on the site; asks for `site`.
    article: Option<String>,
    /// How things stood then (RFC 3339); now where nothing is said.
    at: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Decisions on a page, 1 to 200; 50 where nothing is said.
    limit: Option<String>,
}

/// Reads one parameter; an empty one is none.
fn field<T>(
    text: Option<&str>,
    name: &'static str,
    rule: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(|text| read(text).ok_or_else(|| invalid(name, rule))).transpose()
}

impl Looked {
    /// What a page asks by its fields; an empty one is none.
    pub(in crate::staff) fn of(
        email: &str,
        visitor: &str,
        (site, article): (&str, &str),
        at: &str,
    ) -> Self {
        let given = |text: &str| Some(text.to_owned());
        Self {
            email: given(email),
            visitor: given(visitor),
            site: given(site),
            article: given(article),
            at: given(at),
            ..Self::default()
        }
    }

    /// What is asked, with everything checked.
    ///
    /// # Errors
    /// [`ApiError::InvalidFields`] names the first parameter that is not as it must be.
    pub(in crate::staff) async fn asked(&self, desk: &Desk) -> Result<Asked, ApiError> {
        let id = |text: &str| Uuid::parse_str(text).ok();
        let name = |text: &str| (text.chars().count() <= NAME_MAX).then(|| text.to_owned());
        let mut reader = field(self.reader.as_deref(), "reader", "must be an id", id)?;
        let email = field(self.email.as_deref(), "email", "must be an address", |text| {
            Address::parse(text).ok()
        })?;
        if let Some(email) = email {
            let found = desk.reader_at(&email).await?;
            let found = found.ok_or_else(|| invalid("email", "is no reader's address"))?;
            if reader.is_some_and(|reader| reader != found.id) {
                return Err(invalid("email", "is another reader's address"));
            }
            reader = Some(found.id);
        }
        let rule = "must be a visitor token, or the id of a browser";
        let visitor = field(self.visitor.as_deref(), "visitor", rule, |text| {
            id(text).or_else(|| desk.gate.visitor_of(text))
        })?;
        if reader.is_none() && visitor.is_none() {
            return Err(invalid("reader", "must be there, or `email`, or `visitor`"));
        }
        let rule = "must be the id of a site";
        let site = field(self.site.as_deref(), "site", rule, |text| {
            desk.gate.directory.snapshot().site(text).map(|site| site.site.id.clone())
        })?;
        let rule = "must have 1 to 200 characters";
        let article = field(self.article.as_deref(), "article", rule, name)?;
        if article.is_some() && site.is_none() {
            return Err(invalid("site", "must be there with `article`"));
        }
        let rule = "must be a moment such as 2026-11-23T04:05:06Z";
        let limit = field(self.limit.as_deref(), "limit", "must be 1 to 200", |text| {
            text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
        })?;
        Ok(Asked {
            reader,
            visitor,
            site,
            article,
            at: field(self.at.as_deref(), "at", rule, Timestamp::parse)?,
            before: field(self.cursor.as_deref(), "cursor", "must be a `next_cursor`", id)?,
            limit: limit.unwrap_or(LIMIT_DEFAULT),
        })
    }
}

/// A decision of the past.
#[derive(Debug, Serialize, ToSchema)]
struct PastDecision {
    id: Uuid,
    /// What the wall showed.
    #[schema(value_type = String, example = "7KQ2-M9XW-DPT4")]
    support_code: SupportCode,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    site: String,
    /// The browser that asked.
    visitor: Uuid,
    /// The reader who was logged in there.
    reader: Option<Uuid>,
    /// SHA-256 of site and article, cut to 128 bits, in hexadecimal: which article it was is not kept.
    article: String,
    decision: Decision,
    reason: Reason,
    /// The meter after it, where one was asked.
    meter: Option<PastMeter>,
    /// How it was decided, with the facts as they were.
    explain: Vec<String>,
}

/// A meter as it stood.
#[derive(Debug, Serialize, ToSchema)]
struct PastMeter {
    pool: String,
    limit: u32,
    used: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

impl From<Logged> for PastDecision {
    fn from(logged: Logged) -> Self {
        let explain = for_programs(&told::steps(&logged));
        let meter = logged.count.map(|count| PastMeter {
            pool: count.pool,
            limit: count.limit,
            used: count.used,
            resets_at: count.resets_at,
        });
        Self {
            id: logged.id,
            support_code: logged.code,
            at: logged.at,
            site: logged.site,
            visitor: logged.visitor,
            reader: logged.reader,
            article: format!("{:032x}", u128::from_be_bytes(logged.article.0)),
            decision: logged.reason.decision(),
            reason: logged.reason,
            meter,
            explain,
        }
    }
}

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneDecision {
    decision: PastDecision,
    /// How it would be decided now; null where the site is no more.
    #[schema(required)]
    now: Option<Vec<String>>,
}

/// Decisions, and how things stood.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decisions)]
pub(super) struct Page {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What was so then, in words.
    then: Vec<String>,
    /// Those until then, the latest first.
    decisions: Vec<PastDecision>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<Uuid>,
}

/// Why somebody met the wall or did not, and how things stood at any moment of the last weeks.
#[utoipa::path(get, path = "/v1/staff/decisions", tag = "Staff", security(("staff_token" = [])),
    params(Looked),
    responses((status = 200, description = "Found", body = Page),
              (status = "4XX", description = "Not allowed, or not as it must be",
               body = ProblemBody)))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    query: Result<Query<Looked>, QueryRejection>,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::ReadersRead)?;
    let Query(looked) = query.map_err(|error| invalid("query", error.body_text()))?;
    let why = desk.why(&looked.asked(&desk).await?).await?;
    let decisions = why.decisions.into_iter().map(PastDecision::from).collect();
    let then = for_programs(&why.then);
    let body = Page { at: why.at, then, decisions, next_cursor: why.next };
    Ok((NO_STORE, Json(body)).into_response())
}

/// The decision that a wall's support code names, and what would be decided now.
#[utoipa::path(get, path = "/v1/staff/decisions/{id}", tag = "Staff",
    security(("staff_token" = [])),
    params(("id" = String, Path, description = "A support code, or a decision's id")),
    responses((status = 200, description = "Found", body = OneDecision),
              (status = "4XX", description = "Not allowed, or not there, or no more",
               body = ProblemBody)))]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    on_duty: OnDuty,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    on_duty.to(Permission::ReadersRead)?;
    let Path(id) = id.map_err(|_| ApiError::NotFound)?;
    let explained = desk.decision(&id).await?;
    let now = explained.now.as_deref().map(for_programs);
    let body = OneDecision { decision: explained.decision.into(), now };
    Ok((NO_STORE, Json(body)).into_response())
}
