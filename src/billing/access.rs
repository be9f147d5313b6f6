//! What a reader may read without being metered: subscriptions and what the publisher gave away.

use std::sync::Arc;

use quick_cache::sync::Cache;
use time::Duration;
use uuid::Uuid;

use super::{
    catalog::{model::Product, versions::Catalogs},
    grant,
    subscription::{access::Entitlement, model::Subscription, store},
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Everything of one reader that may open articles.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    subscriptions: Vec<Subscription>,
    grants: Vec<(Product, grant::Grant)>,
}

/// Most readers whose standing is remembered.
const REMEMBERED_MAX: usize = 20_000;
/// For how long. What this process changes it forgets at once; what another changes is seen here
/// after this at the latest.
const REMEMBERED_FOR: Duration = Duration::SECOND;

/// What was looked up a moment ago, for readers who open one article after the other.
#[derive(Debug)]
pub struct Standings(Cache<Uuid, (Timestamp, Arc<Standing>)>);

impl Default for Standings {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED_MAX))
    }
}

impl Standings {
    /// What was looked up of `reader`, unless that is too long ago.
    #[must_use]
    pub fn recall(&self, reader: Uuid, now: Timestamp) -> Option<Arc<Standing>> {
        let (at, standing) = self.0.get(&reader)?;
        (at <= now && now < at.plus(REMEMBERED_FOR)).then_some(standing)
    }

    /// Remembers what was looked up of `reader` at `now`.
    pub fn remember(&self, reader: Uuid, standing: &Arc<Standing>, now: Timestamp) {
        self.0.insert(reader, (now, Arc::clone(standing)));
    }

    /// Forgets `reader`, of whom something changes.
    pub fn forget(&self, reader: Uuid) {
        self.0.remove(&reader);
    }
}

impl Standing {
    /// What is kept about `reader`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(tx: &mut Tx, catalogs: &Catalogs, reader: Uuid) -> Result<Self, StoreError> {
        let subscriptions = store::list_open(tx, catalogs, reader).await?;
        let catalog = catalogs.current();
        let grants = grant::list_of(tx, reader).await?.into_iter();
        let grants = grants
            .filter_map(|grant| Some((catalog.product(&grant.product)?.clone(), grant)))
            .collect();
        Ok(Self { subscriptions, grants })
    }

    /// What there is, in words: `news past_due; digital complimentary`. Empty where there is nothing.
    #[must_use]
    pub fn to_text(&self) -> String {
        let paid = self.subscriptions.iter();
        let paid = paid.map(|it| format!("{} {}", it.product(), it.state.status().as_str()));
        let kept = self.grants.iter().filter(|(_, it)| it.revoked_at.is_none());
        let given = kept.map(|(_, it)| format!("{} complimentary", it.product));
        paid.chain(given).collect::<Vec<_>>().join("; ")
    }

    /// Why the reader may read on `site` at `now`, if so: what is paid goes before what is given.
    #[must_use]
    pub fn entitles(&self, site: &str, now: Timestamp) -> Option<Entitlement> {
        self.runs(now, |product| product.sites.contain(site))
    }

    /// Whether the reader has, at `now`, a product that includes `what`, such as `newsletters`.
    #[must_use]
    pub fn includes(&self, what: &str, now: Timestamp) -> bool {
        self.runs(now, |product| product.includes.iter().any(|word| word == what)).is_some()
    }

    /// Why the reader has a product of these now, if so.
    fn runs(&self, now: Timestamp, fits: impl Fn(&Product) -> bool) -> Option<Entitlement> {
        let fitting =
            |it: &&Subscription| it.terms.catalog.product(it.product()).is_some_and(&fits);
        let paid = self.subscriptions.iter().filter(fitting).filter_map(|it| it.entitles(now));
        let given = self.grants.iter().filter(|(product, grant)| fits(product) && grant.runs(now));
        paid.chain(given.map(|_| Entitlement::Complimentary)).min()
    }
}
