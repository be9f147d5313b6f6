//! Subscriptions in the database.
//!
//! Whoever is to change one takes its row first, by writing to it: from then until the end of the
//! transaction it is theirs, on both databases. Rows are taken in the order of their ids.

use uuid::Uuid;

pub(crate) use super::row::terms;
use super::{model::Subscription, row::SubscriptionRow};
use crate::{
    billing::catalog::versions::Catalogs,
    clock::Timestamp,
    db::{Bind, StoreError, Tx},
};

/// Most subscriptions of one reader that are listed.
pub const LISTED_MAX: i64 = 100;

macro_rules! columns {
    () => {
        "id, reader_id, product, plan, catalog_version, country, method, method_last4,
         method_expires, created_at, agreed_at, trial_start, trial_end, status, expires_at, begins_trial,
         anchor, period_index, period_start, period_end, paid_amount, then_kind, then_at,
         then_reason, then_plan, then_version, failed_at, failed_times, failed_reminders, retry_at, grace_until,
         paused_at, ended_at, end_reason, open_charge, open_until, revision"
    };
}

fn bind<B: Bind>(statement: B, row: SubscriptionRow, wake_at: Option<Timestamp>) -> B {
    statement
        .bind_next(row.id)
        .bind_next(row.reader_id)
        .bind_next(row.product)
        .bind_next(row.plan)
        .bind_next(row.catalog_version)
        .bind_next(row.country)
        .bind_next(row.method)
        .bind_next(row.method_last4)
        .bind_next(row.method_expires)
        .bind_next(row.created_at)
        .bind_next(row.agreed_at)
        .bind_next(row.trial_start)
        .bind_next(row.trial_end)
        .bind_next(row.status)
        .bind_next(row.expires_at)
        .bind_next(row.begins_trial)
        .bind_next(row.anchor)
        .bind_next(row.period_index)
        .bind_next(row.period_start)
        .bind_next(row.period_end)
        .bind_next(row.paid_amount)
        .bind_next(row.then_kind)
        .bind_next(row.then_at)
        .bind_next(row.then_reason)
        .bind_next(row.then_plan)
        .bind_next(row.then_version)
        .bind_next(row.failed_at)
        .bind_next(row.failed_times)
        .bind_next(row.failed_reminders)
        .bind_next(row.retry_at)
        .bind_next(row.grace_until)
        .bind_next(row.paused_at)
        .bind_next(row.ended_at)
        .bind_next(row.end_reason)
        .bind_next(row.open_charge)
        .bind_next(row.open_until)
        .bind_next(wake_at)
}

/// Adds a new one, to which the wall on the page `led_by` led, if one did.
///
/// # Errors
/// [`StoreError::Duplicate`] where the reader has an open one for the product.
pub async fn insert(
    tx: &mut Tx,
    subscription: &Subscription,
    wake_at: Option<Timestamp>,
    led_by: Option<&str>,
) -> Result<(), StoreError> {
    let query = tx.query(
        "INSERT INTO subscriptions (
             id, reader_id, product, plan, catalog_version, country, method, method_last4,
             method_expires, created_at, agreed_at, trial_start, trial_end, status, expires_at,
             begins_trial, anchor, period_index, period_start, period_end, paid_amount, then_kind,
             then_at, then_reason, then_plan, then_version, failed_at, failed_times,
             failed_reminders, retry_at, grace_until, paused_at, ended_at, end_reason, open_charge,
             open_until, wake_at, led_by, revision)
         VALUES (
             $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
             $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36,
             $37, $38, 1)",
    );
    let query = bind(query, SubscriptionRow::of(subscription), wake_at);
    query.bind(led_by.map(str::to_owned)).execute().await?;
    Ok(())
}

/// Writes down how one is now. The caller has taken its row.
pub fn save(tx: &mut Tx, subscription: &Subscription, wake_at: Option<Timestamp>) {
    let later = tx.later(
        "UPDATE subscriptions SET
             reader_id = $2, product = $3, plan = $4, catalog_version = $5, country = $6,
             method = $7, method_last4 = $8, method_expires = $9, created_at = $10,
             agreed_at = $11, trial_start = $12, trial_end = $13, status = $14, expires_at = $15,
             begins_trial = $16, anchor = $17, period_index = $18, period_start = $19,
             period_end = $20, paid_amount = $21, then_kind = $22, then_at = $23,
             then_reason = $24, then_plan = $25, then_version = $26, failed_at = $27,
             failed_times = $28, failed_reminders = $29, retry_at = $30, grace_until = $31,
             paused_at = $32, ended_at = $33, end_reason = $34, open_charge = $35,
             open_until = $36, wake_at = $37, revision = revision + 1, trouble_count = 0,
             trouble = NULL, trouble_at = NULL
         WHERE id = $1",
    );
    bind(later, SubscriptionRow::of(subscription), wake_at);
}

/// Takes one, to change it: nobody else can until the transaction ends.
///
/// # Errors
/// [`StoreError`].
pub async fn take(
    tx: &mut Tx,
    catalogs: &Catalogs,
    id: Uuid,
) -> Result<Option<Subscription>, StoreError> {
    let row = tx
        .query(concat!(
            "UPDATE subscriptions SET revision = revision WHERE id = $1 RETURNING ",
            columns!()
        ))
        .bind(id)
        .optional::<SubscriptionRow>()
        .await?;
    read(catalogs, row).await
}

/// Takes the open one of a reader and a product.
///
/// # Errors
/// [`StoreError`].
pub async fn take_open(
    tx: &mut Tx,
    catalogs: &Catalogs,
    (reader, product): (Uuid, &str),
) -> Result<Option<Subscription>, StoreError> {
    let row = tx
        .query(concat!(
            "UPDATE subscriptions SET revision = revision
             WHERE reader_id = $1 AND product = $2 AND ended_at IS NULL RETURNING ",
            columns!()
        ))
        .bind(reader)
        .bind(product)
        .optional::<SubscriptionRow>()
        .await?;
    read(catalogs, row).await
}

/// Finds one.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    tx: &mut Tx,
    catalogs: &Catalogs,
    id: Uuid,
) -> Result<Option<Subscription>, StoreError> {
    let row = tx
        .query(concat!("SELECT ", columns!(), " FROM subscriptions WHERE id = $1"))
        .bind(id)
        .optional::<SubscriptionRow>()
        .await?;
    read(catalogs, row).await
}

/// All of a reader's, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(
    tx: &mut Tx,
    catalogs: &Catalogs,
    reader: Uuid,
) -> Result<Vec<Subscription>, StoreError> {
    let rows = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM subscriptions WHERE reader_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
        ))
        .bind(reader)
        .bind(LISTED_MAX)
        .all::<SubscriptionRow>()
        .await?;
    read_all(catalogs, rows).await
}

/// A reader's that are open.
///
/// # Errors
/// [`StoreError`].
pub async fn list_open(
    tx: &mut Tx,
    catalogs: &Catalogs,
    reader: Uuid,
) -> Result<Vec<Subscription>, StoreError> {
    let rows = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM subscriptions WHERE reader_id = $1 AND ended_at IS NULL LIMIT $2"
        ))
        .bind(reader)
        .bind(LISTED_MAX)
        .all::<SubscriptionRow>()
        .await?;
    read_all(catalogs, rows).await
}

/// The ids of a reader's that are open, in their order.
///
/// # Errors
/// [`StoreError`].
pub async fn open_of(tx: &mut Tx, reader: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows = tx
        .query(
            "SELECT id FROM subscriptions WHERE reader_id = $1 AND ended_at IS NULL
             ORDER BY id LIMIT $2",
        )
        .bind(reader)
        .bind(LISTED_MAX)
        .all::<(Uuid,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Claims up to `most` that somebody must look at by `now`, until `until`. Of several who ask at
/// once, one gets each.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(
    tx: &mut Tx,
    (now, until): (Timestamp, Timestamp),
    most: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let rows = tx
        .query(
            "UPDATE subscriptions SET wake_at = $2
             WHERE wake_at <= $1 AND id IN
                 (SELECT id FROM subscriptions WHERE wake_at <= $1 ORDER BY wake_at LIMIT $3)
             RETURNING id",
        )
        .bind(now)
        .bind(until)
        .bind(most)
        .all::<(Uuid,)>()
        .await?;
    let mut ids: Vec<Uuid> = rows.into_iter().map(|(id,)| id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Has up to `most` subscribers of older versions of `plan` looked at, for whom nobody has looked
/// at the prices of `version` yet; says how many those are.
///
/// # Errors
/// [`StoreError`].
pub async fn wake_for_prices(
    tx: &mut Tx,
    (plan, version): (&str, i64),
    now: Timestamp,
    most: i64,
) -> Result<u64, StoreError> {
    tx.query(
        "UPDATE subscriptions
         SET announced = $2, wake_at = CASE WHEN wake_at < $3 THEN wake_at ELSE $3 END
         WHERE id IN (SELECT id FROM subscriptions
                      WHERE plan = $1 AND catalog_version < $2 AND announced < $2
                        AND ended_at IS NULL AND open_charge IS NULL AND trouble IS NULL
                      ORDER BY id LIMIT $4)",
    )
    .bind(plan.to_owned())
    .bind(version)
    .bind(now)
    .bind(most)
    .execute()
    .await
}

/// When somebody must look at one next, of all that there are.
///
/// # Errors
/// [`StoreError`].
pub async fn next_wake(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let row = tx
        .query(
            "SELECT wake_at FROM subscriptions WHERE wake_at IS NOT NULL
             ORDER BY wake_at LIMIT 1",
        )
        .optional::<(Timestamp,)>()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// Has somebody look at one at `at`.
///
/// # Errors
/// [`StoreError`].
pub async fn wake(tx: &mut Tx, id: Uuid, at: Option<Timestamp>) -> Result<(), StoreError> {
    tx.query("UPDATE subscriptions SET wake_at = $2 WHERE id = $1")
        .bind(id)
        .bind(at)
        .execute()
        .await?;
    Ok(())
}

/// How often looking at one has failed since it last went well.
///
/// # Errors
/// [`StoreError`].
pub async fn trouble_count(tx: &mut Tx, id: Uuid) -> Result<i64, StoreError> {
    let row = tx
        .query("SELECT trouble_count FROM subscriptions WHERE id = $1")
        .bind(id)
        .optional::<(i64,)>()
        .await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Writes down that looking at one failed, and when to look again; `None` for never by itself:
/// people see it then.
///
/// # Errors
/// [`StoreError`].
pub async fn trouble(
    tx: &mut Tx,
    id: Uuid,
    why: &str,
    (now, again_at): (Timestamp, Option<Timestamp>),
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE subscriptions SET trouble_count = trouble_count + 1, trouble = $2, wake_at = $3,
             trouble_at = COALESCE(trouble_at, $4)
         WHERE id = $1",
    )
    .bind(id)
    .bind(why)
    .bind(again_at)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Has one at which nobody looked any more looked at again; says whether it was such a one.
///
/// # Errors
/// [`StoreError`].
pub async fn unstick(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let rows = tx
        .query(
            "UPDATE subscriptions SET wake_at = $2, trouble_count = 0, trouble = NULL,
                 trouble_at = NULL
             WHERE id = $1 AND wake_at IS NULL AND trouble IS NOT NULL",
        )
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// The pages that led a reader to each, where there was one.
///
/// # Errors
/// [`StoreError`].
pub async fn led_by(tx: &mut Tx, reader: Uuid) -> Result<Vec<(Uuid, String)>, StoreError> {
    tx.query(
        "SELECT id, led_by FROM subscriptions
         WHERE reader_id = $1 AND led_by IS NOT NULL LIMIT $2",
    )
    .bind(reader)
    .bind(LISTED_MAX)
    .all()
    .await
}

/// Forgets the cards of a reader whose subscriptions have ended, and what led to them.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_methods(tx: &mut Tx, reader: Uuid) -> Result<(), StoreError> {
    tx.query(
        "UPDATE subscriptions SET method = NULL, method_last4 = NULL, method_expires = NULL,
             led_by = NULL
         WHERE reader_id = $1",
    )
    .bind(reader)
    .execute()
    .await?;
    Ok(())
}

async fn read(
    catalogs: &Catalogs,
    row: Option<SubscriptionRow>,
) -> Result<Option<Subscription>, StoreError> {
    match row {
        Some(row) => row.read(catalogs).await.map(Some),
        None => Ok(None),
    }
}

async fn read_all(
    catalogs: &Catalogs,
    rows: Vec<SubscriptionRow>,
) -> Result<Vec<Subscription>, StoreError> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.push(row.read(catalogs).await?);
    }
    Ok(all)
}
