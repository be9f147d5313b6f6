//! `/staff/subscriptions`: the list, with its filters, and the filters that somebody keeps.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
    submitted::Submitted,
};
use crate::{
    auth::staff::permission::Permission,
    billing::subscription::{
        listing::{Entry, Sort},
        model::{EndReason, Status, Subscription},
    },
    http::problem::ApiError,
    staff::{
        find::{
            looked::{Asked, Looked, asked},
            views::View,
        },
        plain,
    },
};

#[derive(Template)]
#[template(path = "staff/templates/subscriptions.html", config = ".config/askama.toml")]
struct SubscriptionsPage {
    frame: Frame,
    /// What was asked for, as it was typed.
    looked: Looked,
    /// The same as an address, from the beginning of the list.
    query: String,
    plans: Vec<String>,
    sites: Vec<String>,
    found: Vec<ListRow>,
    /// The query of the next page.
    next: Option<String>,
    views: Vec<View>,
    may_export: bool,
}

impl SubscriptionsPage {
    /// Whether one of the filters that are folded away narrows the list.
    fn is_narrowed(&self) -> bool {
        let Looked {
            end_reason,
            created_from,
            created_to,
            ended_from,
            ended_to,
            trial_ending_within,
            ..
        } = &self.looked;
        let folded =
            [end_reason, created_from, created_to, ended_from, ended_to, trial_ending_within];
        folded.into_iter().any(|filter| !filter.is_empty())
    }
}

/// A row of a list.
pub(super) enum ListRow {
    /// A subscription.
    Whole(Box<Row>),
    /// One that cannot be read: its id, and why.
    Unreadable(Uuid, String),
}

impl ListRow {
    pub(super) fn of(entry: Entry, frame: &Frame) -> Self {
        match entry.subscription {
            Ok(it) => Self::Whole(Box::new(Row::of(&it, entry.email, frame))),
            Err(why) => Self::Unreadable(entry.id, why),
        }
    }
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
            email: frame.visibility().address(email).to_string(),
            plan: it.terms.plan.name.in_language(frame.words.language).to_owned(),
            status: it.state.status(),
            next: plain::next(it, &frame.words),
            created: frame.words.day(it.created_at),
        }
    }
}

/// The query of the next page: the same list, and how many as before.
pub(super) fn next_query(query: &str, limit: &str, cursor: Option<String>) -> Option<String> {
    let cursor = cursor?;
    let more = [("limit", limit), ("cursor", cursor.as_str())];
    let more = more.into_iter().filter(|(_, text)| !text.is_empty()).collect::<Vec<_>>();
    let more = serde_urlencoded::to_string(more).ok()?;
    Some(if query.is_empty() { more } else { format!("{query}&{more}") })
}

/// The list.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    looked: Asked<Looked>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsRead)?;
    let looked = asked(looked)?.trimmed();
    let found = pages.desk.list_subscriptions(&acting.lookup(), &looked).await?;
    let views = pages.desk.views(acting).await?;
    let query = looked.query();
    let next = next_query(&query, &looked.limit, found.next);
    let frame = seat.frame(&pages, "Subscriptions", Place::Subscriptions);
    let found = found.entries.into_iter().map(|entry| ListRow::of(entry, &frame)).collect();
    let catalog = pages.desk.readers.billing.catalogs.current();
    let plans = catalog.plans.iter().map(|plan| plan.id.clone()).collect();
    let sites = pages.desk.gate.directory.snapshot().site_ids();
    let may_export = seat.may(Permission::SubscriptionExport);
    let page =
        SubscriptionsPage { frame, looked, query, plans, sites, found, next, views, may_export };
    Ok(frame::show(page.render()))
}

/// The list as a table to take away.
pub(super) async fn export(
    State(pages): State<StaffPages>,
    seat: Seat,
    looked: Asked<Looked>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionExport)?;
    pages.desk.subscriptions_csv(acting, &asked(looked)?.trimmed()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewView {
    name: String,
    query: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfView {
    id: Uuid,
}

/// Keeps the filters of the list under a name.
pub(super) async fn keep(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: NewView { name, query } }: Submitted<NewView>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsRead)?;
    let view = pages.desk.keep_view(acting, &name, &query).await?;
    Ok(Redirect::to(&format!("/staff/subscriptions?{}", view.query)).into_response())
}

/// Forgets kept filters.
pub(super) async fn forget(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: OfView { id } }: Submitted<OfView>,
) -> Result<Response, ApiError> {
    pages.desk.forget_view(seat.to(Permission::SubscriptionsRead)?, id).await?;
    Ok(Redirect::to("/staff/subscriptions").into_response())
}
