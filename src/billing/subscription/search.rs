//! What staff ask of subscriptions besides lists of them.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// One at which nobody looks any more by itself.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Stuck {
    /// Its id.
    pub id: Uuid,
    /// How often looking at it failed.
    pub trouble_count: i64,
    /// Why the last time.
    pub trouble: Option<String>,
    /// Since when it has failed; not known of those that failed before that was written down.
    pub trouble_at: Option<Timestamp>,
}

/// Up to `most` that people must look at.
///
/// # Errors
/// [`StoreError`].
pub async fn list_stuck(tx: &mut Tx, most: i64) -> Result<Vec<Stuck>, StoreError> {
    tx.query(
        "SELECT id, trouble_count, trouble, trouble_at FROM subscriptions
         WHERE wake_at IS NULL AND trouble IS NOT NULL ORDER BY id LIMIT $1",
    )
    .bind(most)
    .all()
    .await
}

/// When the oldest work that waits was due, or is.
///
/// # Errors
/// [`StoreError`].
pub async fn oldest_due(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let found: Option<(Timestamp,)> = tx
        .query(
            "SELECT wake_at FROM subscriptions
             WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1",
        )
        .optional()
        .await?;
    Ok(found.map(|(at,)| at))
}

/// How many open subscriptions a plan of one version of the catalog has.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OnVersion {
    /// The version.
    pub version: i64,
    /// The plan's id.
    pub plan: String,
    /// How many.
    pub count: i64,
}

/// How many open subscriptions each plan of each version has; at most 1,000 of them, the latest
/// version first.
///
/// # Errors
/// [`StoreError`].
pub async fn count_by_version(tx: &mut Tx) -> Result<Vec<OnVersion>, StoreError> {
    tx.query(
        "SELECT catalog_version AS version, plan, COUNT(*) AS count FROM subscriptions
         WHERE ended_at IS NULL GROUP BY catalog_version, plan
         ORDER BY catalog_version DESC, plan LIMIT 1000",
    )
    .all()
    .await
}

/// What a number or a reference names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Named {
    /// The invoice, if it names one.
    pub invoice_id: Option<Uuid>,
    /// The subscription.
    pub subscription_id: Uuid,
}

/// What has this id among invoices, this number among invoices and credit notes, or this gateway's
/// reference among charges and refunds; at most 20.
///
/// # Errors
/// [`StoreError`].
pub async fn named(tx: &mut Tx, id: Option<Uuid>, text: &str) -> Result<Vec<Named>, StoreError> {
    tx.query(
        "SELECT id AS invoice_id, subscription_id FROM invoices WHERE id = $1
         UNION SELECT id, subscription_id FROM invoices WHERE number = $2
         UNION SELECT invoice_id, subscription_id FROM credit_notes WHERE number = $2
         UNION SELECT invoice_id, subscription_id FROM charges WHERE reference = $3
         UNION SELECT invoice_id, subscription_id FROM refunds WHERE reference = $3
         LIMIT 20",
    )
    .bind(id)
    .bind(text.to_uppercase())
    .bind(text.to_owned())
    .all()
    .await
}
