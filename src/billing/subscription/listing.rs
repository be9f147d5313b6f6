//! Subscriptions as lists: by any of their filters, in one of three orders, page by page.
//!
//! Each list begins at the index that narrows it down most, and looks at no more than
//! `LOOKED_AT_MAX` rows of it for one page: a page may be short and still not be the last.

use sqlx::{ColumnIndex, Decode, FromRow, Type};
use uuid::Uuid;

use super::{
    model::{EndReason, Status, Subscription},
    row::SubscriptionRow,
};
use crate::{
    billing::catalog::versions::Catalogs,
    clock::Timestamp,
    db::{Query, StoreError, Tx},
};

/// Most rows that are looked at for one page.
const LOOKED_AT_MAX: i64 = 10_000;
/// Most readers and subscriptions that a list can be narrowed to.
pub const IDS_MAX: usize = 32;

/// Whose subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whose {
    /// Everybody's.
    #[default]
    Anybodys,
    /// Those with one of these ids, and those of readers with one of them; at most [`IDS_MAX`].
    Of(Vec<Uuid>),
    /// Those paid by a card with these last digits.
    Last4(String),
}

/// Which subscriptions. What is `None` or false narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// Whose.
    pub whose: Whose,
    /// Where they stand.
    pub status: Option<Status>,
    /// Their plan.
    pub plan: Option<String>,
    /// Their product is one of these.
    pub products: Option<Vec<String>>,
    /// Why they ended.
    pub end_reason: Option<EndReason>,
    /// Created from here on.
    pub created_from: Option<Timestamp>,
    /// Created before.
    pub created_before: Option<Timestamp>,
    /// Ended from here on.
    pub ended_from: Option<Timestamp>,
    /// Ended before.
    pub ended_before: Option<Timestamp>,
    /// A payment failed and is still missing.
    pub payment_failed: bool,
    /// The trial runs, and ends in this time.
    pub trial_ends: Option<(Timestamp, Timestamp)>,
    /// Open for longer, and its reader has read nothing since.
    pub not_read_since: Option<Timestamp>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The latest first.
    #[default]
    Created,
    /// Those that ended; the last to end first.
    Ended,
    /// Those that will be charged; the next one first.
    NextCharge,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::Created, Self::Ended, Self::NextCharge];

    /// As in addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Ended => "ended",
            Self::NextCharge => "next_charge",
        }
    }

    /// The order of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text)
    }
}

/// A place in a list: what it is sorted by, and the id.
pub type Place = (Timestamp, Uuid);

const FIRST: Place = (Timestamp::MIN, Uuid::nil());
const LAST: Place = (Timestamp::MAX, Uuid::max());

/// A subscription in a list.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Its reader's address; none once the account was erased.
    pub email: Option<String>,
    /// All of it, or why it cannot be read.
    pub subscription: Result<Subscription, String>,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// What was found.
    pub entries: Vec<Entry>,
    /// After which place the next page begins, if there is one.
    pub next: Option<Place>,
}

/// A row that may not be readable: then only where it stands in the list is.
struct Found {
    id: Uuid,
    listed_at: Timestamp,
    email: Option<String>,
    row: Result<SubscriptionRow, String>,
}

impl<'r, R: sqlx::Row> FromRow<'r, R> for Found
where
    &'static str: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    Timestamp: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    SubscriptionRow: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            listed_at: row.try_get("listed_at")?,
            email: row.try_get("email")?,
            row: SubscriptionRow::from_row(row).map_err(|error| error.to_string()),
        })
    }
}

/// Where a list begins: an index, and the order of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    All,
    Status,
    Plan,
    Last4,
    Reason,
    Ids,
}

impl Filters {
    /// The index that narrows this down most.
    fn lead(&self, sort: Sort) -> Lead {
        let plenty = matches!(self.lead_status(), None | Some(Status::Active | Status::Canceled));
        match (sort, &self.whose) {
            (_, Whose::Of(_)) => Lead::Ids,
            (Sort::Created, Whose::Last4(_)) => Lead::Last4,
            (Sort::Created, _) if self.plan.is_some() && plenty => Lead::Plan,
            (Sort::Created, _) if self.lead_status().is_some() => Lead::Status,
            (Sort::Ended, _) if self.end_reason.is_some() => Lead::Reason,
            _ => Lead::All,
        }
    }

    /// Whether every row of the index is one of the list: nothing is passed over on the way.
    fn are_met_by(&self, lead: Lead) -> bool {
        let mut rest = self.clone();
        match lead {
            Lead::Status if self.lead_status() == self.status => rest.status = None,
            Lead::Plan => rest.plan = None,
            Lead::Reason => rest.end_reason = None,
            Lead::Last4 => rest.whose = Whose::Anybodys,
            _ => {}
        }
        rest == Self::default()
    }

    /// The one status that can be meant.
    fn lead_status(&self) -> Option<Status> {
        let failed = self.payment_failed.then_some(Status::PastDue);
        self.status.or(failed).or(self.trial_ends.map(|_| Status::Trialing))
    }

    /// The places between which the list lies.
    fn span(&self, sort: Sort) -> (Place, Place) {
        let (from, before) = match sort {
            Sort::Created => (self.created_from, self.created_before),
            Sort::Ended => (self.ended_from, self.ended_before),
            Sort::NextCharge => (None, None),
        };
        let place = |at| (at, Uuid::nil());
        (from.map_or(FIRST, place), before.map_or(LAST, place))
    }
}

/// Up to `most` that match, after the place `after` (from the beginning where there is none).
///
/// # Errors
/// [`StoreError`].
pub async fn page(
    tx: &mut Tx,
    catalogs: &Catalogs,
    (filters, sort): (&Filters, Sort),
    after: Option<Place>,
    most: i64,
) -> Result<Page, StoreError> {
    let lead = filters.lead(sort);
    let mut span = filters.span(sort);
    if let Some(after) = after {
        match sort {
            Sort::NextCharge => span.0 = span.0.max(after),
            _ => span.1 = span.1.min(after),
        }
    }
    let border = if lead == Lead::Ids || filters.are_met_by(lead) {
        None
    } else {
        border(tx, filters, (sort, lead), span).await?
    };
    match (border, sort) {
        (Some(border), Sort::NextCharge) => span.1 = border,
        (Some(border), _) => span.0 = border,
        (None, _) => {}
    }
    let query = tx.query(statement(sort, lead));
    let rows = bind(query, filters, (sort, lead), (span, most + 1)).all::<Found>().await?;
    let mut found = Vec::with_capacity(rows.len());
    let whole = usize::try_from(most).unwrap_or(0);
    let is_full = rows.len() > whole;
    let mut last = None;
    for Found { id, listed_at, email, row } in rows.into_iter().take(whole) {
        last = Some((listed_at, id));
        let subscription = match row {
            Ok(row) => match row.read(catalogs).await {
                Err(error @ StoreError::Corrupt { .. }) => Err(error.to_string()),
                read => Ok(read?),
            },
            Err(why) => Err(why),
        };
        found.push(Entry { id, email, subscription });
    }
    Ok(Page { entries: found, next: if is_full { last } else { border } })
}

/// The place up to which this page looks, where the list is longer than that.
async fn border(
    tx: &mut Tx,
    filters: &Filters,
    (sort, lead): (Sort, Lead),
    span: (Place, Place),
) -> Result<Option<Place>, StoreError> {
    let query = tx.query(border_statement(sort, lead));
    let (first, last) = span;
    let query = query.bind(first.0).bind(first.1).bind(last.0).bind(last.1).bind(LOOKED_AT_MAX);
    let row = bind_lead(query, filters, lead).optional::<(Timestamp, Uuid)>().await?;
    Ok(row)
}

fn bind<'t>(
    query: Query<'t>,
    filters: &Filters,
    (_, lead): (Sort, Lead),
    ((first, last), most): ((Place, Place), i64),
) -> Query<'t> {
    let products = filters.products.as_ref().map(|products| format!(" {} ", products.join(" ")));
    let (trial_from, trial_to) = filters.trial_ends.unzip();
    let last4 = match &filters.whose {
        Whose::Last4(last4) => Some(last4.clone()),
        _ => None,
    };
    let query = query
        .bind(first.0)
        .bind(first.1)
        .bind(last.0)
        .bind(last.1)
        .bind(most)
        .bind(filters.status.map(Status::as_str))
        .bind(filters.plan.clone())
        .bind(products)
        .bind(filters.end_reason.map(EndReason::as_str))
        .bind(filters.created_from)
        .bind(filters.created_before)
        .bind(filters.ended_from)
        .bind(filters.ended_before)
        .bind(filters.payment_failed)
        .bind(trial_from)
        .bind(trial_to)
        .bind(filters.not_read_since)
        .bind(last4);
    if lead == Lead::Ids { bind_ids(query, filters) } else { bind_lead(query, filters, lead) }
}

/// Binds what the index begins with, as the last parameter.
fn bind_lead<'t>(query: Query<'t>, filters: &Filters, lead: Lead) -> Query<'t> {
    let text = match lead {
        Lead::All | Lead::Ids => return query,
        Lead::Status => filters.lead_status().map(|it| it.as_str().to_owned()),
        Lead::Plan => filters.plan.clone(),
        Lead::Reason => filters.end_reason.map(|it| it.as_str().to_owned()),
        Lead::Last4 => match &filters.whose {
            Whose::Last4(last4) => Some(last4.clone()),
            _ => None,
        },
    };
    query.bind(text)
}

/// Binds the ids; nobody's stands for those that are missing.
fn bind_ids<'t>(query: Query<'t>, filters: &Filters) -> Query<'t> {
    let ids = match &filters.whose {
        Whose::Of(ids) => ids.as_slice(),
        _ => &[],
    };
    let ids = ids.iter().copied().chain(std::iter::repeat(Uuid::nil())).take(IDS_MAX);
    ids.fold(query, Query::bind)
}

/// A page: `$1` to `$4` are the places between which it lies, the lower one first.
macro_rules! listing {
    ($key:literal, $is_after:literal, $is_before:literal, $order:literal, $lead:literal) => {
        concat!(
            "SELECT s.id, s.reader_id, s.product, s.plan, s.catalog_version, s.country, s.method,
                 s.method_last4, s.method_expires, s.created_at, s.agreed_at, s.trial_start,
                 s.trial_end, s.status, s.expires_at, s.begins_trial, s.anchor, s.period_index,
                 s.period_start, s.period_end, s.paid_amount, s.then_kind, s.then_at,
                 s.then_reason, s.then_plan, s.then_version, s.failed_at, s.failed_times,
                 s.failed_reminders, s.retry_at, s.grace_until, s.paused_at, s.ended_at,
                 s.end_reason, s.open_charge, s.open_until, s.revision, r.email, ",
            $key,
            " AS listed_at FROM subscriptions s LEFT JOIN readers r ON r.id = s.reader_id
             WHERE (",
            $key,
            ", s.id) ",
            $is_after,
            " ($1, $2)
               AND (",
            $key,
            ", s.id) ",
            $is_before,
            " ($3, $4) ",
            $lead,
            " AND ($6 IS NULL OR s.status = $6)
              AND ($7 IS NULL OR s.plan = $7)
              AND ($8 IS NULL OR REPLACE($8, ' ' || s.product || ' ', '') <> $8)
              AND ($9 IS NULL OR s.end_reason = $9)
              AND ($10 IS NULL OR s.created_at >= $10)
              AND ($11 IS NULL OR s.created_at < $11)
              AND ($12 IS NULL OR s.ended_at >= $12)
              AND ($13 IS NULL OR s.ended_at < $13)
              AND ($14 = FALSE OR s.status = 'past_due')
              AND ($15 IS NULL OR (s.status = 'trialing' AND s.trial_end >= $15))
              AND ($16 IS NULL OR s.trial_end < $16)
              AND ($17 IS NULL OR (s.ended_at IS NULL AND s.status <> 'incomplete'
                   AND s.created_at < $17 AND (r.last_read_at IS NULL OR r.last_read_at < $17)))
              AND ($18 IS NULL OR s.method_last4 = $18)
             ORDER BY ",
            $key,
            " ",
            $order,
            ", s.id ",
            $order,
            " LIMIT $5"
        )
    };
}

/// The place so many rows further on.
macro_rules! border {
    ($key:literal, $is_after:literal, $is_before:literal, $order:literal, $lead:literal) => {
        concat!(
            "SELECT ",
            $key,
            ", s.id FROM subscriptions s
             WHERE (",
            $key,
            ", s.id) ",
            $is_after,
            " ($1, $2)
               AND (",
            $key,
            ", s.id) ",
            $is_before,
            " ($3, $4) ",
            $lead,
            " ORDER BY ",
            $key,
            " ",
            $order,
            ", s.id ",
            $order,
            " LIMIT 1 OFFSET $5"
        )
    };
}

macro_rules! created {
    ($what:ident, $lead:literal) => {
        $what!("s.created_at", ">=", "<", "DESC", $lead)
    };
}
macro_rules! ended {
    ($what:ident, $lead:literal) => {
        $what!("s.ended_at", ">=", "<", "DESC", $lead)
    };
}
macro_rules! next_charge {
    ($what:ident, $lead:literal) => {
        $what!("s.next_charge_at", ">", "<=", "ASC", $lead)
    };
}

/// Those with one of the ids, and those of readers with one of them.
macro_rules! ids {
    ($sort:ident) => {
        $sort!(
            listing,
            "AND s.id IN (
                 SELECT id FROM subscriptions WHERE id IN (
                     $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34,
                     $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50)
                 UNION SELECT id FROM subscriptions WHERE reader_id IN (
                     $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34,
                     $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50))"
        )
    };
}

fn statement(sort: Sort, lead: Lead) -> &'static str {
    match (sort, lead) {
        (Sort::Created, Lead::Status) => created!(listing, "AND s.status = $19"),
        (Sort::Created, Lead::Plan) => created!(listing, "AND s.plan = $19"),
        (Sort::Created, Lead::Last4) => created!(listing, "AND s.method_last4 = $19"),
        (Sort::Created, Lead::Ids) => ids!(created),
        (Sort::Created, _) => created!(listing, ""),
        (Sort::Ended, Lead::Reason) => {
            ended!(listing, "AND s.ended_at IS NOT NULL AND s.end_reason = $19")
        }
        (Sort::Ended, Lead::Ids) => ids!(ended),
        (Sort::Ended, _) => ended!(listing, "AND s.ended_at IS NOT NULL"),
        (Sort::NextCharge, Lead::Ids) => ids!(next_charge),
        (Sort::NextCharge, _) => next_charge!(listing, "AND s.next_charge_at IS NOT NULL"),
    }
}

fn border_statement(sort: Sort, lead: Lead) -> &'static str {
    match (sort, lead) {
        (Sort::Created, Lead::Status) => created!(border, "AND s.status = $6"),
        (Sort::Created, Lead::Plan) => created!(border, "AND s.plan = $6"),
        (Sort::Created, Lead::Last4) => created!(border, "AND s.method_last4 = $6"),
        (Sort::Created, _) => created!(border, ""),
        (Sort::Ended, Lead::Reason) => {
            ended!(border, "AND s.ended_at IS NOT NULL AND s.end_reason = $6")
        }
        (Sort::Ended, _) => ended!(border, "AND s.ended_at IS NOT NULL"),
        (Sort::NextCharge, _) => next_charge!(border, "AND s.next_charge_at IS NOT NULL"),
    }
}
