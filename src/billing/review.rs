//! What staff see of subscriptions.

use uuid::Uuid;

use super::{
    charge::{model::ChargeStatus, store as charges},
    engine::{Billing, BillingError, by_card},
    invoice::{
        credit::{CreditNote, Refund},
        credit_store as credits,
        model::Invoice,
        settle_store::{self, Refundable},
        store as invoices,
        view::InvoiceView,
    },
    subscription::{
        listing::{self, Entry, Filters, Page, Place, Sort},
        model::Subscription,
        search::{self, Stuck},
        store,
    },
    timeline::{self, Told},
};
use crate::{money::Money, reader::store as readers};

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

/// Everything about an invoice.
#[derive(Debug)]
pub struct InvoiceReview {
    /// The invoice.
    pub invoice: Invoice,
    /// Its reader's address; none once the account was erased.
    pub email: Option<String>,
    /// What the gateway calls the charge that paid it.
    pub reference: Option<String>,
    /// What was given back of it, the latest first.
    pub notes: Vec<CreditNote>,
    /// What goes or went back to the card, the latest first.
    pub refunds: Vec<Refund>,
    /// What can still go back to the card.
    pub refundable: Money,
}

impl Billing {
    /// Everything about one invoice.
    ///
    /// # Errors
    /// [`BillingError::NotFound`].
    pub async fn review_invoice(&self, id: Uuid) -> Result<InvoiceReview, BillingError> {
        let mut tx = self.db.read().await?;
        let invoice = invoices::find(&mut tx, id).await?.ok_or(BillingError::NotFound)?;
        let reader = readers::find(&mut tx, invoice.head.reader).await?;
        let charge = match invoice.charge() {
            Some(charge) => charges::find(&mut tx, &self.catalogs, charge).await?,
            None => None,
        };
        let reference = match charge.map(|charge| charge.status) {
            Some(ChargeStatus::Succeeded { reference, .. }) => Some(reference),
            _ => None,
        };
        let mut notes = credits::list_notes(&mut tx, invoice.head.reader).await?;
        notes.retain(|note| note.invoice == id);
        let mut refunds = credits::list_refunds(&mut tx, invoice.head.reader).await?;
        refunds.retain(|refund| refund.invoice == Some(id));
        let refundable = by_card(&mut tx, &invoice).await?;
        let email = reader.map(|reader| reader.email.typed().to_owned());
        Ok(InvoiceReview { invoice, email, reference, notes, refunds, refundable })
    }

    /// Of which invoices of a subscription money can still go back, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refundable(&self, subscription: Uuid) -> Result<Vec<Refundable>, BillingError> {
        Ok(settle_store::list_refundable(&mut self.db.read().await?, subscription).await?)
    }

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
