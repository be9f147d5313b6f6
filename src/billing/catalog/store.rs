//! The versions of the catalog in the database, which only grow.

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Most versions listed at a time.
pub const LISTED_MAX: i64 = 100;

/// A version with its text.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Kept {
    /// Its number.
    pub version: i64,
    /// The hash of its text.
    pub sha256: Vec<u8>,
    /// As the publisher wrote it.
    pub text: String,
    /// When it became the newest.
    pub created_at: Timestamp,
}

/// A version without its text.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Listed {
    /// Its number.
    pub version: i64,
    /// The hash of its text.
    pub sha256: Vec<u8>,
    /// When it became the newest.
    pub created_at: Timestamp,
}

/// The newest version, if there is one.
///
/// # Errors
/// [`StoreError`].
pub async fn newest(tx: &mut Tx) -> Result<Option<Kept>, StoreError> {
    tx.query(
        "SELECT version, sha256, text, created_at FROM catalog_versions
         ORDER BY version DESC LIMIT 1",
    )
    .optional()
    .await
}

/// The version `version`, if there is one.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, version: i64) -> Result<Option<Kept>, StoreError> {
    tx.query("SELECT version, sha256, text, created_at FROM catalog_versions WHERE version = $1")
        .bind(version)
        .optional()
        .await
}

/// Keeps another version; says whether its number was free.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, kept: &Kept) -> Result<bool, StoreError> {
    let inserted = tx
        .query(
            "INSERT INTO catalog_versions (version, sha256, text, created_at)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (version) DO NOTHING",
        )
        .bind(kept.version)
        .bind(kept.sha256.clone())
        .bind(kept.text.clone())
        .bind(kept.created_at)
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// The newest `most` versions with their texts, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_whole(tx: &mut Tx, most: i64) -> Result<Vec<Kept>, StoreError> {
    tx.query(
        "SELECT version, sha256, text, created_at FROM catalog_versions
         ORDER BY version DESC LIMIT $1",
    )
    .bind(most)
    .all()
    .await
}

/// The versions before `before`, or the newest, the newest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list(tx: &mut Tx, before: Option<i64>) -> Result<Vec<Listed>, StoreError> {
    tx.query(
        "SELECT version, sha256, created_at FROM catalog_versions
         WHERE version < $1 ORDER BY version DESC LIMIT $2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(LISTED_MAX)
    .all()
    .await
}
