//! What is held about one address, for its owner to take along.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{Consent, Subscription},
    store,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    language::Language,
    mail::address::Address,
};

/// Everything about newsletters that is held about one address.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ExportedNewsletters {
    /// What it receives, and what it has left.
    pub subscriptions: Vec<ExportedSubscription>,
    /// What was asked for, whether or not it was agreed to; the latest first.
    pub consents: Vec<ExportedConsent>,
}

/// A newsletter that is received, or was.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSubscription {
    list: String,
    language: Language,
    #[schema(value_type = String, format = DateTime)]
    confirmed_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    unsubscribed_at: Option<Timestamp>,
}

/// Newsletters that were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedConsent {
    lists: Vec<String>,
    /// What was shown, to the letter.
    shown: String,
    language: Language,
    /// `mail`: by answering a mail. `account`: in the account.
    way: &'static str,
    #[schema(value_type = String, format = DateTime)]
    asked_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    confirmed_at: Option<Timestamp>,
}

impl From<Subscription> for ExportedSubscription {
    fn from(subscription: Subscription) -> Self {
        let Subscription { list, language, confirmed_at, unsubscribed_at, .. } = subscription;
        Self { list, language, confirmed_at, unsubscribed_at }
    }
}

impl From<Consent> for ExportedConsent {
    fn from(consent: Consent) -> Self {
        let Consent { lists, shown, language, way, asked_at, confirmed_at, .. } = consent;
        Self { lists, shown, language, way: way.as_str(), asked_at, confirmed_at }
    }
}

impl ExportedNewsletters {
    /// What is held about `email`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(tx: &mut Tx, email: &Address) -> Result<Self, StoreError> {
        let subscriptions = store::list_of(tx, email).await?.into_iter();
        let consents = store::consents_of(tx, email).await?.into_iter();
        Ok(Self {
            subscriptions: subscriptions.map(ExportedSubscription::from).collect(),
            consents: consents.map(ExportedConsent::from).collect(),
        })
    }
}
