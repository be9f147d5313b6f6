//! Where counts are kept. One trait, because this is the one hot path, and the one place where
//! the engines should differ; `tests/store` holds every engine to the same behaviour.

mod postgres;
mod sqlite;

use std::sync::Arc;

use uuid::Uuid;

pub(crate) use self::sqlite::CHUNK_MAX;
pub use self::{postgres::PostgresStore, sqlite::SqliteStore};
use super::tally::{Articles, Fingerprint, Tally};
use crate::{clock::Timestamp, db::StoreError};

/// Whose count, and in which pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The pool: a site's own, or a shared one.
    pub pool: Arc<str>,
    /// The visitor or reader.
    pub subject: Uuid,
}

/// A count as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub key: Key,
    /// The count.
    pub tally: Tally,
    /// When the window ends, as far as is known now. Only for forgetting it afterwards.
    pub ends_at: Timestamp,
}

/// Keeps counts durably and settles races between processes.
pub trait MeterStore: Clone + Send + Sync + 'static {
    /// The stored counts among `keys`, each at most once, in any order.
    fn load(
        &self,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<(Key, Tally)>, StoreError>> + Send;

    /// Writes `rows` (distinct keys) in one transaction, each only if nothing is stored under its
    /// key or the stored version is the one just before its own, and names those written.
    /// Durable when it returns.
    fn save(&self, rows: &[Row]) -> impl Future<Output = Result<Vec<Key>, StoreError>> + Send;

    /// [`MeterStore::save`] for rows that belong together: writes every one of `rows` or, where one
    /// may not be written, none, and says which.
    fn save_all(&self, rows: &[Row]) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets up to `most` windows that ended before `before`, and says how many.
    fn purge(
        &self,
        before: Timestamp,
        most: i64,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Writes something small, to prove that a count could be stored now.
    fn probe(&self, now: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Fingerprints as stored: one after the other.
fn articles_to_bytes(articles: &[Fingerprint]) -> Vec<u8> {
    articles.iter().flat_map(|article| article.0).collect()
}

pub(super) fn articles_from_bytes(bytes: &[u8], key: &Key) -> Result<Articles, StoreError> {
    let (articles, rest) = bytes.as_chunks::<{ Fingerprint::LENGTH }>();
    if articles.is_empty() || !rest.is_empty() {
        let id = format!("{}/{}", key.pool, key.subject);
        return Err(StoreError::Corrupt { table: "meter_windows", column: "articles", id });
    }
    Ok(articles.iter().copied().map(Fingerprint).collect())
}
