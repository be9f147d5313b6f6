//! Every version of the catalog, as it was when readers took their plans.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    model::Catalog,
    source::Source,
    store::{self, Kept},
};
use crate::{
    clock::Timestamp,
    db::{Db, StoreError, Tx},
};

/// How many versions are read at the start; older ones are read when somebody still has them.
const READ_AT_START: i64 = 100;
/// Each try that fails means that another process has just added a version.
const TRIES: usize = 16;

/// The versions of the catalog. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    current: Arc<Catalog>,
    known: RwLock<BTreeMap<i64, Arc<Catalog>>>,
}

impl Catalogs {
    /// Keeps what `source` says as the next version, if it is not the newest one already, and
    /// sells by it. However many processes start with a text at once, it becomes one version; a
    /// text that comes back after another becomes a version anew.
    ///
    /// # Errors
    /// [`StoreError`]; corrupt where a version that is kept cannot be read.
    pub async fn open(db: Db, source: &Source, now: Timestamp) -> Result<Self, StoreError> {
        let mut tx = db.write().await?;
        let version = keep(&mut tx, source.text(), now).await?;
        let mut known = BTreeMap::new();
        for kept in store::list_whole(&mut tx, READ_AT_START).await? {
            known.insert(kept.version, Arc::new(read(&kept)?));
        }
        tx.commit().await?;
        let current = Arc::new(Catalog { version, ..source.catalog().clone() });
        known.insert(version, Arc::clone(&current));
        Ok(Self(Arc::new(Inner { db, current, known: RwLock::new(known) })))
    }

    /// What is sold now.
    #[must_use]
    pub fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.current)
    }

    /// What was sold by version `version`, also when another process has added it meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; corrupt where there is no such version, since only what was sold is asked
    /// for.
    pub async fn version(&self, version: i64) -> Result<Arc<Catalog>, StoreError> {
        let known =
            self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(&version).cloned();
        if let Some(catalog) = known {
            return Ok(catalog);
        }
        let kept = store::find(&mut self.0.db.read().await?, version).await?;
        let catalog = Arc::new(read(&kept.ok_or_else(|| corrupt("version", version))?)?);
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(version, Arc::clone(&catalog));
        Ok(catalog)
    }
}

/// Sees to it that `text` is the newest version, and gives its number.
async fn keep(tx: &mut Tx, text: &str, now: Timestamp) -> Result<i64, StoreError> {
    for _ in 0..TRIES {
        let newest = store::newest(tx).await?;
        if let Some(newest) = newest.as_ref().filter(|newest| newest.text == text) {
            return Ok(newest.version);
        }
        let version = newest.map_or(0, |newest| newest.version).saturating_add(1);
        let next = Kept { version, sha256: sha256(text), text: text.to_owned(), created_at: now };
        // Where another process was quicker, its version is the newest now.
        if store::insert(tx, &next).await? {
            tracing::info!(version, "the catalog has a new version");
            return Ok(version);
        }
    }
    Err(StoreError::Duplicate)
}

fn read(kept: &Kept) -> Result<Catalog, StoreError> {
    if sha256(&kept.text) != kept.sha256 {
        return Err(corrupt("sha256", kept.version));
    }
    Catalog::parse(&kept.text, kept.version).map_err(|_| corrupt("text", kept.version))
}

fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

fn corrupt(column: &'static str, version: i64) -> StoreError {
    StoreError::Corrupt { table: "catalog_versions", column, id: version.to_string() }
}
