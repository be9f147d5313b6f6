//! What staff see of the house itself: its sites and their keys, the versions of its catalog and who
//! is on which.

use std::sync::Arc;

use super::desk::{Desk, DeskError};
use crate::{
    billing::{
        catalog::{model::Catalog, store as versions},
        subscription::search::{self, OnVersion},
    },
    site::{key::StoredKey, model::Site, store as sites},
};

/// What is sold, and what was.
#[derive(Debug)]
pub struct CatalogView {
    /// The version that is sold.
    pub current: Arc<Catalog>,
    /// All versions, the latest first.
    pub versions: Vec<versions::Listed>,
    /// How many open subscriptions each version and plan has.
    pub subscribers: Vec<OnVersion>,
}

impl Desk {
    /// Every site, by its id, and every valid key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites(&self) -> Result<(Vec<Site>, Vec<StoredKey>), DeskError> {
        let mut tx = self.db.read().await?;
        Ok((sites::list(&mut tx).await?, sites::list_keys(&mut tx).await?))
    }

    /// The catalog, and who is on which version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catalog(&self) -> Result<CatalogView, DeskError> {
        let current = self.readers.billing.catalogs.current();
        let mut tx = self.db.read().await?;
        let versions = versions::list(&mut tx, None).await?;
        let subscribers = search::count_by_version(&mut tx).await?;
        Ok(CatalogView { current, versions, subscribers })
    }
}
