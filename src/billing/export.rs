//! What is held about a reader's subscriptions, for the reader's own export.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    approval::store as requests,
    charge::store as charges,
    consent::{self, Consent},
    engine::Billing,
    grant,
    invoice::{own, view::InvoiceView},
    ledger::balance,
    subscription::store,
    timeline,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
};

/// Everything about a reader's subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillingExport {
    /// Subscriptions, also those that have ended.
    pub subscriptions: Vec<ExportedSubscription>,
    /// Invoices, kept after the account is gone: the law wants them.
    pub invoices: Vec<InvoiceView>,
    /// What is left on the account, in each currency.
    pub balances: Vec<Money>,
    /// What was charged, or tried.
    pub charges: Vec<ExportedCharge>,
    /// Refunds that waited for a second member of staff, or wait.
    pub refund_requests: Vec<ExportedRequest>,
    /// What the reader agreed to, word for word.
    pub consents: Vec<Consent>,
    /// What the publisher gave away.
    pub complimentary: Vec<ExportedGrant>,
    /// What happened, the latest first.
    pub timeline: Vec<ExportedEvent>,
}

/// A subscription.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSubscription {
    id: Uuid,
    product: String,
    plan: String,
    status: &'static str,
    country: String,
    /// The last four digits of the card.
    card: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    trial_end: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    period_end: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    end_reason: Option<&'static str>,
    /// The page that led to the offer, where one did.
    led_by: Option<String>,
}

/// A charge.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedCharge {
    id: Uuid,
    subscription: Uuid,
    /// Whole minor units.
    amount: i64,
    currency: &'static str,
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A refund that takes a second member of staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedRequest {
    subscription: Uuid,
    amount: Money,
    reason: String,
    status: &'static str,
    /// Why it was decided so.
    decision: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
}

/// What was given away.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedGrant {
    product: String,
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    reason: String,
    /// When it was taken back, if it was.
    #[schema(value_type = Option<String>, format = DateTime)]
    taken_back_at: Option<Timestamp>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedEvent {
    subscription: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    event: String,
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

impl Billing {
    async fn exported_requests(
        &self,
        tx: &mut Tx,
        reader: Uuid,
    ) -> Result<Vec<ExportedRequest>, StoreError> {
        let now = self.clock.now();
        let all = requests::list_of(tx, reader).await?.into_iter().map(|it| it.as_of(now));
        let exported = all.map(|it| ExportedRequest {
            subscription: it.subscription,
            amount: it.amount,
            status: it.stands.as_str(),
            decision: it.stands.decision().map(|decision| decision.reason.clone()),
            requested_at: it.requested_at,
            reason: it.reason,
        });
        Ok(exported.collect())
    }

    /// Everything that is held about the subscriptions of `reader`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export(&self, tx: &mut Tx, reader: Uuid) -> Result<BillingExport, StoreError> {
        let mut subscriptions = Vec::new();
        let mut asked = Vec::new();
        let mut led: HashMap<Uuid, String> = store::led_by(tx, reader).await?.into_iter().collect();
        for it in store::list_of(tx, &self.catalogs, reader).await? {
            asked.extend(charges::list_of(tx, &self.catalogs, it.id).await?);
            let ended = it.state.ended();
            subscriptions.push(ExportedSubscription {
                id: it.id,
                product: it.product().to_owned(),
                plan: it.terms.plan.id.clone(),
                status: it.state.status().as_str(),
                card: it.method.as_ref().map(|method| method.last4.clone()),
                created_at: it.created_at,
                trial_end: it.trial.map(|trial| trial.end),
                period_end: it.period().map(|period| period.end),
                ended_at: ended.map(|(at, _)| at),
                end_reason: ended.map(|(_, reason)| reason.as_str()),
                country: it.country,
                led_by: led.remove(&it.id),
            });
        }
        let charges = asked.into_iter().map(|charge| ExportedCharge {
            id: charge.id,
            subscription: charge.subscription,
            amount: charge.amount.amount,
            currency: charge.amount.currency.code(),
            status: charge.status.as_str(),
            created_at: charge.created_at,
        });
        let complimentary = grant::list_of(tx, reader).await?.into_iter().map(|grant| {
            let grant::Grant { product, starts_at, ends_at, reason, revoked_at, .. } = grant;
            ExportedGrant { product, starts_at, ends_at, reason, taken_back_at: revoked_at }
        });
        let told = timeline::of_reader(tx, reader, Uuid::max(), timeline::LISTED_MAX).await?;
        let timeline = told.into_iter().map(|told| {
            let timeline::Told { subscription, at, event, detail, .. } = told;
            ExportedEvent { subscription, at, event, detail }
        });
        Ok(BillingExport {
            subscriptions,
            invoices: own::list(tx, reader).await?,
            balances: balance::list_of(tx, reader).await?,
            charges: charges.collect(),
            refund_requests: self.exported_requests(tx, reader).await?,
            consents: consent::list(tx, reader).await?,
            complimentary: complimentary.collect(),
            timeline: timeline.collect(),
        })
    }
}
