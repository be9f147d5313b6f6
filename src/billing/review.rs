//! What staff see of subscriptions.

use uuid::Uuid;

use super::{
    engine::{Billing, BillingError},
    invoice::{credit_store as credits, store as invoices, view::InvoiceView},
    subscription::{
        listing::{self, Entry, Filters, Page, Place, Sort},
        model::Subscription,
        search::{self, Stuck},
        store,
    },
    timeline::{self, Told},
};
use crate::reader::store as readers;

/// Most that are stuck in one list.
const STUCK_LISTED_MAX: i64 = 100;

/// Everything about a subscription.
#[derive(Debug)]
pub struct Review {
    /// As it stands now.
    pub subscription: Subscription,
    /// Its reader's address; none once the account was erased.
    pub email: Option<String>,
    /// Its invoices, the newest first.
    pub invoices: Vec<InvoiceView>,
    /// What happened, the first thing first.
    pub timeline: Vec<Told>,
}

impl Billing {
    /// Up to `most` subscriptions that match, after the place `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_page(
        &self,
        wanted: (&Filters, Sort),
        after: Option<Place>,
        most: i64,
    ) -> Result<Page, BillingError> {
        let mut tx = self.db.read().await?;
        let mut page = listing::page(&mut tx, &self.catalogs, wanted, after, most).await?;
        let now = self.clock.now();
        let as_of_now = |Entry { id, email, subscription }| {
            let subscription = subscription.map(|it: Subscription| it.as_of(now));
            Entry { id, email, subscription }
        };
        page.entries = page.entries.into_iter().map(as_of_now).collect();
        Ok(page)
    }

    /// Everything about one subscription.
    ///
    /// # Errors
    /// [`BillingError::NotFound`].
    pub async fn review(&self, id: Uuid) -> Result<Review, BillingError> {
        let mut tx = self.db.read().await?;
        let found = store::find(&mut tx, &self.catalogs, id).await?;
        let subscription = found.ok_or(BillingError::NotFound)?.as_of(self.clock.now());
        let reader = readers::find(&mut tx, subscription.reader).await?;
        let notes = credits::list_notes(&mut tx, subscription.reader).await?;
        let refunds = credits::list_refunds(&mut tx, subscription.reader).await?;
        let invoices = invoices::list_for_subscription(&mut tx, id).await?;
        let invoices = invoices.iter().map(|it| InvoiceView::of(it, &notes, &refunds)).collect();
        Ok(Review {
            subscription,
            email: reader.map(|reader| reader.email.typed().to_owned()),
            invoices,
            timeline: timeline::of_subscription(&mut tx, id).await?,
        })
    }

    /// Subscriptions that nobody looks at any more by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stuck(&self) -> Result<Vec<Stuck>, BillingError> {
        Ok(search::list_stuck(&mut self.db.read().await?, STUCK_LISTED_MAX).await?)
    }
}
