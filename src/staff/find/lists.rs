//! Lists of subscriptions and of readers, page by page.

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{
    cursor::CursorKey,
    hits::Sought,
    looked::{Around, Looked, invalid, limit, sought},
};
use crate::{
    billing::subscription::listing::{Entry, Filters, Place, Sort},
    clock::Timestamp,
    http::problem::ApiError,
    reader::search::store::{self as readers, Found},
    staff::{
        desk::{Desk, DeskError},
        disclosures::Lookup,
        visibility::Visibility,
    },
};

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// What stands on it.
    pub entries: Vec<T>,
    /// For the next page; none on the last.
    pub next: Option<String>,
}

/// A list of subscriptions that was asked for.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Which.
    pub filters: Filters,
    /// In which order.
    pub sort: Sort,
    /// Of which address.
    pub list: String,
}

impl Desk {
    /// Makes sense of what was asked for. A caller who may not see readers finds none by address.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] names the parameter and its rule; when the database fails.
    pub(in crate::staff) async fn listing(
        &self,
        by: Visibility,
        looked: &Looked,
    ) -> Result<Listing, ApiError> {
        let snapshot = self.readers.directory.snapshot();
        let first = snapshot.first_site();
        let zone = first.as_ref().map_or("UTC", |site| &site.site.time_zone);
        let around = Around {
            now: self.clock.now(),
            zone: &TimeZone::get(zone).unwrap_or(TimeZone::UTC),
            catalog: &self.readers.billing.catalogs.current(),
            is_site: &|id| snapshot.site(id).is_some(),
        };
        let mut filters = looked.filters(around)?;
        let sort = looked.sort(&filters)?;
        if let Some(q) = sought(&looked.q)? {
            let mut tx = self.db.read().await.map_err(ApiError::internal)?;
            filters.whose = Sought::of(&q).whose(&mut tx, by).await.map_err(ApiError::internal)?;
        }
        Ok(Listing { filters, sort, list: format!("subscriptions?{}", looked.query()) })
    }

    /// A page of subscriptions.
    ///
    /// # Errors
    /// As `Desk::listing`; [`ApiError::InvalidQuery`] for a cursor of another list.
    pub async fn list_subscriptions(
        &self,
        by: &Lookup,
        looked: &Looked,
    ) -> Result<Page<Entry>, ApiError> {
        let most = looked.limit()?;
        let listing = self.listing(by.visibility, looked).await?;
        let key = CursorKey::of(&self.master);
        let after = opened(&key, &listing.list, &looked.cursor)?;
        let wanted = (&listing.filters, listing.sort);
        let page = self.readers.billing.list_page(wanted, after, most).await?;
        let next = page.next.map(|place| key.seal(&listing.list, place));
        let named = page.entries.iter().filter(|it| it.email.is_some()).count();
        self.note_listing(by, "subscriptions", named).await?;
        Ok(Page { entries: page.entries, next })
    }

    /// A page of readers: the latest first, or, where something is looked for, the best first.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`]; when the database fails.
    pub async fn list_readers(
        &self,
        by: &Lookup,
        q: &str,
        (cursor, most): (&str, &str),
    ) -> Result<Page<Found>, ApiError> {
        let most = limit(most)?;
        let sought = sought(q)?;
        let key = CursorKey::of(&self.master);
        let list = format!("readers?{}", sought.as_deref().unwrap_or_default());
        let after = opened(&key, &list, cursor)?;
        let (entries, next) = match sought {
            Some(q) => self.matching_readers(&q, after, most).await?,
            None => self.latest_readers(after, most).await?,
        };
        self.note_listing(by, "readers", entries.len()).await?;
        Ok(Page { entries, next: next.map(|place| key.seal(&list, place)) })
    }

    /// Those that match are few: a place among them is how many come before it.
    async fn matching_readers(
        &self,
        q: &str,
        after: Option<Place>,
        most: i64,
    ) -> Result<(Vec<Found>, Option<Place>), DeskError> {
        let mut tx = self.db.read().await?;
        let found = Sought::of(q).readers(&mut tx).await?;
        let before = after.map_or(0, |(at, _)| usize::try_from(at.micros()).unwrap_or(usize::MAX));
        let end = before.saturating_add(usize::try_from(most).unwrap_or(0));
        let is_more = found.len() > end;
        let next = is_more.then(|| Timestamp::from_micros(i64::try_from(end).ok()?)).flatten();
        let page = found.into_iter().skip(before).take(end.saturating_sub(before)).collect();
        Ok((page, next.map(|at| (at, Uuid::nil()))))
    }

    async fn latest_readers(
        &self,
        after: Option<Place>,
        most: i64,
    ) -> Result<(Vec<Found>, Option<Place>), DeskError> {
        let before = after.unwrap_or((Timestamp::MAX, Uuid::max()));
        let mut tx = self.db.read().await?;
        let mut found = readers::latest(&mut tx, before, most + 1).await?;
        let whole = usize::try_from(most).unwrap_or(0);
        let is_more = found.len() > whole;
        found.truncate(whole);
        let last = found.last().map(|last| (last.created_at, last.id));
        Ok((found, last.filter(|_| is_more)))
    }
}

pub(in crate::staff) fn opened(
    key: &CursorKey,
    list: &str,
    cursor: &str,
) -> Result<Option<Place>, ApiError> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let wrong = || invalid("cursor", "must be `next_cursor` of a page of this very list");
    key.open(list, cursor).map(Some).ok_or_else(wrong)
}
