//! Lists of invoices, page by page.

use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    cursor::CursorKey,
    lists::{Page, opened},
    looked::{Looked, invalid, limit},
};
use crate::{
    billing::invoice::listing::{self, InvoiceFilters, ListedInvoice, STATUSES},
    http::problem::ApiError,
    staff::{desk::Desk, disclosures::Lookup},
};

/// The parameters of a list of invoices, as they travel. An empty one says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct InvoicesLooked {
    /// `draft`, `open`, `paid` or `void`.
    pub status: String,
    /// Made from this day or instant (RFC 3339) on.
    pub created_from: String,
    /// Made up to this day, which counts, or before this instant.
    pub created_to: String,
    /// `next_cursor` of the page before.
    pub cursor: String,
    /// 1 to 200; 50 where nothing is said.
    pub limit: String,
}

impl InvoicesLooked {
    /// The address of the same list, from its beginning.
    #[must_use]
    pub fn query(&self) -> String {
        let fields = [
            ("status", &self.status),
            ("created_from", &self.created_from),
            ("created_to", &self.created_to),
        ];
        let said: Vec<_> = fields.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        serde_urlencoded::to_string(said).unwrap_or_default()
    }
}

impl Desk {
    /// A page of invoices, the latest first.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] names the parameter and its rule; when the database fails.
    pub async fn list_invoices(
        &self,
        by: &Lookup,
        looked: &InvoicesLooked,
    ) -> Result<Page<ListedInvoice>, ApiError> {
        let most = limit(&looked.limit)?;
        let days = Looked {
            created_from: looked.created_from.clone(),
            created_to: looked.created_to.clone(),
            ..Looked::default()
        };
        let days = self.listing(by.visibility, &days).await?.filters;
        let status = STATUSES.into_iter().find(|status| *status == looked.status);
        if status.is_none() && !looked.status.is_empty() {
            return Err(invalid("status", "must be one of: draft, open, paid, void"));
        }
        let filters = InvoiceFilters {
            status,
            created_from: days.created_from,
            created_before: days.created_before,
        };
        let list = format!("invoices?{}", looked.query());
        let key = CursorKey::of(&self.master);
        let before = opened(&key, &list, &looked.cursor)?;
        let mut tx = self.db.read().await.map_err(ApiError::internal)?;
        let found = listing::list(&mut tx, &filters, before, most + 1).await;
        let mut entries = found.map_err(ApiError::internal)?;
        let whole = usize::try_from(most).unwrap_or(0);
        let is_more = entries.len() > whole;
        entries.truncate(whole);
        let end = entries.last().filter(|_| is_more);
        let next = end.map(|end| key.seal(&list, (end.created_at, end.id)));
        let named = entries.iter().filter(|it| it.head.as_ref().is_ok_and(|it| it.email.is_some()));
        self.note_listing(by, "invoices", named.count()).await?;
        Ok(Page { entries, next })
    }
}
