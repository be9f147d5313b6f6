//! Looking for subscriptions, as staff do.

use uuid::Uuid;

use super::{
    model::{Status, Subscription},
    row::SubscriptionRow,
};
use crate::{
    billing::catalog::versions::Catalogs,
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The start of the reader's address, in its common spelling.
    pub email: Option<String>,
    /// The id of the subscription or of the reader.
    pub id: Option<Uuid>,
    /// Where it stands.
    pub status: Option<Status>,
    /// Its plan.
    pub plan: Option<String>,
    /// Only those before this one in the list.
    pub after: Option<Uuid>,
}

#[derive(sqlx::FromRow)]
struct Found {
    #[sqlx(flatten)]
    row: SubscriptionRow,
    email: Option<String>,
}

/// Up to `most` that match, the latest first, each with its reader's address.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    tx: &mut Tx,
    catalogs: &Catalogs,
    search: Search,
    most: i64,
) -> Result<Vec<(Subscription, Option<String>)>, StoreError> {
    let prefix = search.email.map(|email| {
        let escaped = email.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("{escaped}%")
    });
    let rows = tx
        .query(
            "SELECT s.id, s.reader_id, s.product, s.plan, s.catalog_version, s.country, s.method,
                 s.method_last4, s.method_expires, s.created_at, s.agreed_at, s.trial_start,
                 s.trial_end, s.status, s.expires_at, s.begins_trial, s.anchor, s.period_index,
                 s.period_start, s.period_end, s.paid_amount, s.then_kind, s.then_at,
                 s.then_reason, s.then_plan, s.then_version, s.failed_at, s.failed_times,
                 s.failed_reminders, s.retry_at, s.grace_until, s.paused_at, s.ended_at,
                 s.end_reason, s.open_charge, s.open_until, s.revision, r.email
             FROM subscriptions s LEFT JOIN readers r ON r.id = s.reader_id
             WHERE (CAST($1 AS TEXT) IS NULL OR r.email_key LIKE $1 ESCAPE '\\')
               AND ($2 IS NULL OR s.id = $2 OR s.reader_id = $2)
               AND (CAST($3 AS TEXT) IS NULL OR s.status = $3)
               AND (CAST($4 AS TEXT) IS NULL OR s.plan = $4)
               AND ($5 IS NULL OR s.id < $5)
             ORDER BY s.id DESC LIMIT $6",
        )
        .bind(prefix)
        .bind(search.id)
        .bind(search.status.map(Status::as_str))
        .bind(search.plan)
        .bind(search.after)
        .bind(most)
        .all::<Found>()
        .await?;
    let mut all = Vec::with_capacity(rows.len());
    for Found { row, email } in rows {
        all.push((row.read(catalogs).await?, email));
    }
    Ok(all)
}

/// One at which nobody looks any more by itself.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Stuck {
    /// Its id.
    pub id: Uuid,
    /// How often looking at it failed.
    pub trouble_count: i64,
    /// Why the last time.
    pub trouble: Option<String>,
    /// Since when it is there.
    pub created_at: Timestamp,
}

/// Up to `most` that people must look at.
///
/// # Errors
/// [`StoreError`].
pub async fn list_stuck(tx: &mut Tx, most: i64) -> Result<Vec<Stuck>, StoreError> {
    tx.query(
        "SELECT id, trouble_count, trouble, created_at FROM subscriptions
         WHERE wake_at IS NULL AND trouble IS NOT NULL ORDER BY id LIMIT $1",
    )
    .bind(most)
    .all()
    .await
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
