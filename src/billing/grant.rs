//! What the publisher gives away: a product, to a reader, for a while.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Most of one reader that are looked at.
const LISTED_MAX: i64 = 100;

/// A product that was given away.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Grant {
    /// Its id.
    pub id: Uuid,
    /// To whom.
    pub reader_id: Uuid,
    /// What.
    pub product: String,
    /// From then on.
    pub starts_at: Timestamp,
    /// Up to but not including then.
    pub ends_at: Timestamp,
    /// By whom: `staff:<id>`.
    pub given_by: String,
    /// Why.
    pub reason: String,
    /// When it was given.
    pub created_at: Timestamp,
}

/// Gives it.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, grant: &Grant) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO grants (id, reader_id, product, starts_at, ends_at, given_by, reason,
                             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(grant.id)
    .bind(grant.reader_id)
    .bind(grant.product.clone())
    .bind(grant.starts_at)
    .bind(grant.ends_at)
    .bind(grant.given_by.clone())
    .bind(grant.reason.clone())
    .bind(grant.created_at)
    .execute()
    .await?;
    Ok(())
}

/// What a reader was given, the last to end first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(tx: &mut Tx, reader: Uuid) -> Result<Vec<Grant>, StoreError> {
    tx.query(
        "SELECT id, reader_id, product, starts_at, ends_at, given_by, reason, created_at
         FROM grants WHERE reader_id = $1 ORDER BY ends_at DESC LIMIT $2",
    )
    .bind(reader)
    .bind(LISTED_MAX)
    .all()
    .await
}
