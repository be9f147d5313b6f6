//! What an address of a list of subscriptions asks for: texts first, then what they mean. Pure.

use axum::extract::{Query, rejection::QueryRejection};
use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use time::Duration;
use utoipa::IntoParams;

use crate::{
    billing::{
        catalog::model::Catalog,
        subscription::{
            listing::{Filters, Sort},
            model::{EndReason, Status},
        },
    },
    clock::Timestamp,
    http::problem::{ApiError, FieldError},
};

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;
/// Most characters of what is looked for: the longest address.
const QUERY_MAX: usize = 254;
/// Most characters of a plan's or a site's id.
const ID_MAX: usize = 100;
/// Most days ahead in which trials are looked for.
const DAYS_MAX: i64 = 366;
/// Who has read nothing for this long sleeps.
const SLEEPS_AFTER: Duration = Duration::days(30);

/// A parameter that is not as it must be.
pub(in crate::staff) fn invalid(field: &'static str, detail: impl Into<String>) -> ApiError {
    ApiError::InvalidQuery(vec![FieldError::new(field, "invalid_value", detail)])
}

/// What stands after the question mark.
pub(in crate::staff) type Asked<T> = Result<Query<T>, QueryRejection>;

/// The parameters; one that is none of them is named.
pub(in crate::staff) fn asked<T>(query: Asked<T>) -> Result<T, ApiError> {
    query.map(|Query(asked)| asked).map_err(|error| invalid("query", error.body_text()))
}

/// The parameters of a list of subscriptions, as they travel. An empty one says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Looked {
    /// An address or its beginning, also mistyped; a part of a name in it; the id of a reader, a
    /// subscription or an invoice; a number; the last four digits of a card; the gateway's
    /// reference.
    pub q: String,
    /// Where they stand.
    pub status: String,
    /// Their plan.
    pub plan: String,
    /// A site that they open.
    pub site: String,
    /// Created from this day or instant (RFC 3339) on.
    pub created_from: String,
    /// Created up to this day, which counts, or before this instant.
    pub created_to: String,
    /// Ended from this day or instant on.
    pub ended_from: String,
    /// Ended up to this day, which counts, or before this instant.
    pub ended_to: String,
    /// Why they ended.
    pub end_reason: String,
    /// `true`: a payment failed and is still missing.
    pub payment_failed: String,
    /// The trial ends within so many days, 1 to 366.
    pub trial_ending_within: String,
    /// `true`: open for 30 days, and the reader has read nothing for as long.
    pub sleeping: String,
    /// `created` (the latest first), `ended` (the last first) or `next_charge` (the next first).
    pub sort: String,
    /// `next_cursor` of the page before.
    pub cursor: String,
    /// 1 to 200; 50 where nothing is said.
    pub limit: String,
}

/// What makes sense of the texts.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The present.
    pub now: Timestamp,
    /// Whose days are meant.
    pub zone: &'a TimeZone,
    /// What is sold.
    pub catalog: &'a Catalog,
    /// Whether there is a site of this id.
    pub is_site: &'a dyn Fn(&str) -> bool,
}

impl Looked {
    /// The texts without white space around them.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        for text in self.texts_mut() {
            if text.trim().len() != text.len() {
                *text = text.trim().to_owned();
            }
        }
        self
    }

    fn texts_mut(&mut self) -> [&mut String; 15] {
        [
            &mut self.q,
            &mut self.status,
            &mut self.plan,
            &mut self.site,
            &mut self.created_from,
            &mut self.created_to,
            &mut self.ended_from,
            &mut self.ended_to,
            &mut self.end_reason,
            &mut self.payment_failed,
            &mut self.trial_ending_within,
            &mut self.sleeping,
            &mut self.sort,
            &mut self.cursor,
            &mut self.limit,
        ]
    }

    /// The address of the same list, from its beginning: what says something, without cursor and
    /// limit.
    #[must_use]
    pub fn query(&self) -> String {
        let fields = [
            ("q", &self.q),
            ("status", &self.status),
            ("plan", &self.plan),
            ("site", &self.site),
            ("created_from", &self.created_from),
            ("created_to", &self.created_to),
            ("ended_from", &self.ended_from),
            ("ended_to", &self.ended_to),
            ("end_reason", &self.end_reason),
            ("payment_failed", &self.payment_failed),
            ("trial_ending_within", &self.trial_ending_within),
            ("sleeping", &self.sleeping),
            ("sort", &self.sort),
        ];
        let said: Vec<_> = fields.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        // Pairs of texts can always be written so.
        serde_urlencoded::to_string(said).unwrap_or_default()
    }

    /// Which subscriptions, but for whose.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] names the parameter and its rule.
    pub fn filters(&self, around: Around<'_>) -> Result<Filters, ApiError> {
        let now = around.now;
        let created =
            days("created_from", &self.created_from, "created_to", &self.created_to, around.zone)?;
        let ended = days("ended_from", &self.ended_from, "ended_to", &self.ended_to, around.zone)?;
        let within = number("trial_ending_within", &self.trial_ending_within, DAYS_MAX)?;
        Ok(Filters {
            whose: crate::billing::subscription::listing::Whose::Anybodys,
            status: word("status", &self.status, Status::parse, Status::ALL.map(Status::as_str))?,
            plan: said(id("plan", &self.plan)?),
            products: self.products(around)?,
            end_reason: word(
                "end_reason",
                &self.end_reason,
                EndReason::parse,
                EndReason::ALL.map(EndReason::as_str),
            )?,
            created_from: created.0,
            created_before: created.1,
            ended_from: ended.0,
            ended_before: ended.1,
            payment_failed: flag("payment_failed", &self.payment_failed)?,
            trial_ends: within.map(|days| (now, now.plus(Duration::days(days)))),
            not_read_since: flag("sleeping", &self.sleeping)?.then(|| now.minus(SLEEPS_AFTER)),
        })
    }

    /// In which order: as asked; by the end where only those that ended are asked for.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`].
    pub fn sort(&self, filters: &Filters) -> Result<Sort, ApiError> {
        let asked = word("sort", &self.sort, Sort::parse, Sort::ALL.map(Sort::as_str))?;
        let ended =
            filters.end_reason.is_some() || filters.ended_from.or(filters.ended_before).is_some();
        Ok(asked.unwrap_or(if ended { Sort::Ended } else { Sort::Created }))
    }

    /// How many at most.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`].
    pub fn limit(&self) -> Result<i64, ApiError> {
        Ok(number("limit", &self.limit, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT))
    }

    fn products(&self, around: Around<'_>) -> Result<Option<Vec<String>>, ApiError> {
        let Some(site) = said(id("site", &self.site)?) else { return Ok(None) };
        if !(around.is_site)(&site) {
            return Err(invalid("site", "must be the id of a site"));
        }
        let products = around.catalog.products.iter();
        let opens = products.filter(|product| product.sites.contain(&site));
        Ok(Some(opens.map(|product| product.id.clone()).collect()))
    }
}

/// What is looked for, if anything is.
///
/// # Errors
/// [`ApiError::InvalidQuery`].
pub fn sought(q: &str) -> Result<Option<String>, ApiError> {
    text("q", q, QUERY_MAX)?;
    Ok(said(q))
}

/// How many at most, of any list.
///
/// # Errors
/// [`ApiError::InvalidQuery`].
pub fn limit(text: &str) -> Result<i64, ApiError> {
    Ok(number("limit", text, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT))
}

fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn id<'a>(field: &'static str, id: &'a str) -> Result<&'a str, ApiError> {
    text(field, id, ID_MAX)
}

fn text<'a>(field: &'static str, text: &'a str, most: usize) -> Result<&'a str, ApiError> {
    if text.chars().nth(most).is_some() {
        return Err(invalid(field, format!("may have at most {most} characters")));
    }
    // PostgreSQL takes no NUL, and none of them is in anything that could be found.
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "must be text without control characters"));
    }
    Ok(text)
}

fn word<T, const N: usize>(
    field: &'static str,
    text: &str,
    parse: fn(&str) -> Option<T>,
    all: [&str; N],
) -> Result<Option<T>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let rule = || invalid(field, format!("must be one of: {}", all.join(", ")));
    parse(text).map(Some).ok_or_else(rule)
}

fn flag(field: &'static str, text: &str) -> Result<bool, ApiError> {
    match text {
        "" | "false" => Ok(false),
        "true" => Ok(true),
        _ => Err(invalid(field, "must be `true` or `false`")),
    }
}

fn number(field: &'static str, text: &str, most: i64) -> Result<Option<i64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.map(Some).ok_or_else(|| invalid(field, format!("must be a whole number, 1 to {most}")))
}

type Span = (Option<Timestamp>, Option<Timestamp>);

/// From the first instant of a day to the last of another.
fn days(
    from_field: &'static str,
    from: &str,
    to_field: &'static str,
    to: &str,
    zone: &TimeZone,
) -> Result<Span, ApiError> {
    let is_instant = from == to;
    let from = instant(from_field, from, zone, false)?;
    let before = instant(to_field, to, zone, true)?;
    match (from, before) {
        (Some(from), Some(before)) if before <= from && !is_instant => {
            Err(invalid(to_field, format!("must not be before `{from_field}`")))
        }
        span => Ok(span),
    }
}

fn instant(
    field: &'static str,
    text: &str,
    zone: &TimeZone,
    is_end: bool,
) -> Result<Option<Timestamp>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let midnight = || {
        let day: civil::Date = text.parse().ok()?;
        let day = if is_end { day.tomorrow().ok()? } else { day };
        let at = day.to_zoned(zone.clone()).ok()?.timestamp();
        Timestamp::from_micros(at.as_microsecond())
    };
    // A day has no time of day: `2026-11-23`.
    let at = if text.len() == 10 { midnight() } else { Timestamp::parse(text) };
    at.map(Some).ok_or_else(|| {
        invalid(field, "must be a day such as `2026-11-23`, or an instant (RFC 3339)")
    })
}
