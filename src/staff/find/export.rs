//! Subscriptions to take away: the list as a table, page by page.

use std::sync::Arc;

use ::csv::{StringRecord, WriterBuilder};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    lists::Listing,
    looked::{Looked, invalid},
};
use crate::{
    audit::{model::Action, store as audit},
    billing::subscription::{
        listing::{Entry, Page, Place},
        model::Subscription,
    },
    clock::Timestamp,
    http::{
        csv::{self, harmless},
        problem::ApiError,
    },
    staff::desk::{Acting, Desk, DeskError},
};

/// How many are read and written at a time.
const PAGE: i64 = 500;

const COLUMNS: [&str; 18] = [
    "id",
    "status",
    "plan",
    "product",
    "reader_id",
    "email",
    "country",
    "created_at",
    "trial_end",
    "current_period_start",
    "current_period_end",
    "next_charge_at",
    "cancel_at_period_end",
    "ended_at",
    "end_reason",
    "price",
    "currency",
    "unreadable",
];

impl Desk {
    /// The whole list as a file, which is sent while it is read.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`]; when the database fails before anything was sent.
    pub async fn subscriptions_csv(
        self: &Arc<Self>,
        acting: &Acting,
        looked: &Looked,
    ) -> Result<Response, ApiError> {
        let listing = self.export_subscriptions(acting, looked).await?;
        // What fails on the first page is told as everywhere; later only the end can be missing.
        let Page { entries, next } = self.export_page(&listing, None).await?;
        let start = table(&entries, true).map_err(ApiError::internal)?;
        // One page is read while the one before is written and sent; more do not wait.
        let (read, pages) = mpsc::channel(1);
        let reading = tokio::spawn(Arc::clone(self).read_on(listing, next, read));
        let rest = csv::pages(pages, reading).map(|page| Ok(table(&page?.entries, false)?));
        Ok(csv::answer("subscriptions.csv", start, rest))
    }

    /// Reads page after page into `read`, until the last one, a failure, or the client's leaving.
    async fn read_on(
        self: Arc<Self>,
        listing: Listing,
        mut after: Option<Place>,
        read: mpsc::Sender<Result<Page, ApiError>>,
    ) {
        while after.is_some() {
            let page = self.export_page(&listing, after).await;
            after = page.as_ref().ok().and_then(|page| page.next);
            if read.send(page).await.is_err() {
                return;
            }
        }
    }

    /// Notes that these subscriptions are given out, and says which they are.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`]; when the database fails.
    async fn export_subscriptions(
        &self,
        acting: &Acting,
        looked: &Looked,
    ) -> Result<Listing, ApiError> {
        for (field, text) in [("cursor", &looked.cursor), ("limit", &looked.limit)] {
            if !text.is_empty() {
                return Err(invalid(field, "is for pages; a file holds the whole list"));
            }
        }
        let listing = self.listing(acting.visibility(), looked).await?;
        // What was typed may be an address, which the log never holds.
        let filters = Looked { q: String::new(), ..looked.clone() }.query();
        let searched = !looked.q.is_empty();
        let after = json!({"format": "csv", "filters": filters, "searched": searched});
        let entry = acting.entry(Action::SubscriptionsExported).after(after);
        self.note_export(&entry).await?;
        Ok(listing)
    }

    async fn note_export(&self, entry: &crate::audit::model::Entry) -> Result<(), DeskError> {
        let mut tx = self.db.write().await?;
        audit::append(&mut tx, &self.audit_key, entry).await?;
        Ok(tx.commit().await?)
    }

    /// The next subscriptions of an export.
    ///
    /// # Errors
    /// When the database fails.
    async fn export_page(&self, listing: &Listing, after: Option<Place>) -> Result<Page, ApiError> {
        let wanted = (&listing.filters, listing.sort);
        Ok(self.readers.billing.list_page(wanted, after, PAGE).await?)
    }
}

/// These subscriptions as CSV, with the names of the columns where it is the `first` page. Pure.
fn table(entries: &[Entry], first: bool) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = WriterBuilder::new().from_writer(Vec::with_capacity(entries.len() * 256));
    if first {
        writer.write_record(COLUMNS)?;
    }
    let mut row = StringRecord::with_capacity(256, COLUMNS.len());
    for entry in entries {
        row.clear();
        match &entry.subscription {
            Ok(subscription) => fill(&mut row, subscription, entry.email.as_deref()),
            Err(why) => {
                row.push_field(&entry.id.to_string());
                row.extend([""; COLUMNS.len() - 2]);
                row.push_field(&harmless(why));
            }
        }
        writer.write_record(&row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A row of one subscription; what is not so has an empty field.
fn fill(row: &mut StringRecord, it: &Subscription, email: Option<&str>) {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let period = it.period();
    let (ended_at, reason) = it.state.ended().unzip();
    let plan = &it.terms.plan;
    row.push_field(it.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    row.push_field(it.state.status().as_str());
    row.push_field(&harmless(&plan.id));
    row.push_field(&harmless(it.product()));
    row.push_field(it.reader.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    row.push_field(&harmless(email.unwrap_or_default()));
    row.push_field(&harmless(&it.country));
    row.push_field(&it.created_at.to_string());
    row.push_field(&instant(it.trial.map(|trial| trial.end)));
    row.push_field(&instant(period.map(|period| period.start)));
    row.push_field(&instant(period.map(|period| period.end)));
    row.push_field(&instant(it.next_charge().map(|(at, _)| at)));
    row.push_field(if it.cancels_at_period_end() { "true" } else { "false" });
    row.push_field(&instant(ended_at));
    row.push_field(reason.map_or("", |reason| reason.as_str()));
    row.push_field(&plan.price.amount.to_string());
    row.push_field(plan.price.currency.code());
    row.push_field("");
}
