//! Claiming mails that are due, and noting what became of them.

use time::Duration;
use uuid::Uuid;

use super::StoredMail;
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::priority::Priority,
};

/// How long a sender has for the mails that it claimed before another may try; longer than any
/// timeout.
pub const LEASE: Duration = Duration::minutes(5);
/// How long to wait after each failure; after the last, the mail is dead.
pub const RETRIES: [Duration; 6] = [
    Duration::minutes(1),
    Duration::minutes(5),
    Duration::minutes(30),
    Duration::hours(2),
    Duration::hours(6),
    Duration::hours(24),
];

/// A mail that one sender has for a while.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ClaimedMail {
    /// The mail.
    #[sqlx(flatten)]
    pub mail: StoredMail,
    /// The end of the lease, which also names this claim.
    #[sqlx(rename = "due_at")]
    pub leased_until: Timestamp,
}

/// The mails that are due at `$1` and have at least the priority `$2`, in the order in which they
/// are sent, and not more than `$3`. Each priority is looked up by itself, so that the index is
/// read only as far as mails are due.
macro_rules! due {
    () => {
        concat!(
            "SELECT id FROM (",
            due!("0"),
            " UNION ALL ",
            due!("1"),
            " UNION ALL ",
            due!("2"),
            " UNION ALL ",
            due!("3"),
            ") AS due WHERE priority <= $2 ORDER BY priority, due_at, id LIMIT $3"
        )
    };
    ($priority:literal) => {
        concat!(
            "SELECT id, priority, due_at FROM (
                 SELECT id, priority, due_at FROM mail_outbox
                 WHERE status = 'queued' AND priority = ",
            $priority,
            " AND due_at <= $1 AND expires_at > $1
                 ORDER BY due_at, id LIMIT $3) AS of_",
            $priority
        )
    };
}

/// Lets one transaction claim mails at a time, until it ends. So two instances never wait for each
/// other's rows in opposite order, and none finds nothing because another was faster.
pub fn take_claim_lock(tx: &mut Tx) {
    tx.later("UPDATE mail_claims SET claims = claims + 1 WHERE id = 1");
}

/// Claims up to `most` mails that are due and have at least the priority `least`, for [`LEASE`]:
/// the highest priority first, and within one the oldest. After [`take_claim_lock`]. What has
/// expired meanwhile is left to [`expire`].
///
/// # Errors
/// [`StoreError`].
pub async fn claim_due(
    tx: &mut Tx,
    least: Priority,
    now: Timestamp,
    most: i64,
) -> Result<Vec<ClaimedMail>, StoreError> {
    tx.query(concat!(
        "UPDATE mail_outbox SET due_at = $4, attempts = attempts + 1
         WHERE status = 'queued' AND due_at <= $1 AND id IN (",
        due!(),
        ") RETURNING id, recipient, subject, body_text, body_html, unsubscribe_url, attempts,
                     created_at, expires_at, due_at",
    ))
    .bind(now)
    .bind(least.rank())
    .bind(most)
    .bind(now.plus(LEASE))
    .all()
    .await
}

/// How many mails are due that have at least the priority `least`; counts to `most`.
///
/// # Errors
/// [`StoreError`].
pub async fn count_due(
    tx: &mut Tx,
    least: Priority,
    now: Timestamp,
    most: i64,
) -> Result<usize, StoreError> {
    let due: Vec<(Uuid,)> = tx.query(due!()).bind(now).bind(least.rank()).bind(most).all().await?;
    Ok(due.len())
}

/// Whether a mail is due that has expired.
///
/// # Errors
/// [`StoreError`].
pub async fn has_expired(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let expired: Option<(Uuid,)> = tx
        .query(
            "SELECT id FROM mail_outbox
             WHERE status = 'queued' AND due_at <= $1 AND expires_at <= $1 LIMIT 1",
        )
        .bind(now)
        .optional()
        .await?;
    Ok(expired.is_some())
}

/// Gives up to `most` mails up that are due and have expired, forgets what they said, and returns
/// how many. One that is being sent is not due.
///
/// # Errors
/// [`StoreError`].
pub async fn expire(tx: &mut Tx, now: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "UPDATE mail_outbox
         SET status = 'dead', last_error = 'expired', done_at = $1,
             body_text = '', body_html = '', unsubscribe_url = NULL
         WHERE status = 'queued' AND due_at <= $1 AND id IN (
             SELECT id FROM mail_outbox
             WHERE status = 'queued' AND due_at <= $1 AND expires_at <= $1
             ORDER BY due_at, id LIMIT $2)",
    )
    .bind(now)
    .bind(most)
    .execute()
    .await
}

/// Notes that a mail was sent, and forgets what it said.
pub fn mark_sent(tx: &mut Tx, id: Uuid, now: Timestamp) {
    tx.later(
        "UPDATE mail_outbox
         SET status = 'sent', last_error = NULL, done_at = $1,
             body_text = '', body_html = '', unsubscribe_url = NULL
         WHERE id = $2 AND status = 'queued'",
    )
    .bind(now)
    .bind(id);
}

/// Notes that a claimed mail will not be tried again, and why.
pub fn mark_dead(tx: &mut Tx, (id, lease): (Uuid, Timestamp), why: &str, now: Timestamp) {
    tx.later(
        "UPDATE mail_outbox SET status = 'dead', last_error = $1, done_at = $2
         WHERE id = $3 AND status = 'queued' AND due_at = $4",
    )
    .bind(why)
    .bind(now)
    .bind(id)
    .bind(lease);
}

/// Notes why a claimed mail could not be sent, and when to try again.
pub fn mark_retry(tx: &mut Tx, (id, lease): (Uuid, Timestamp), why: &str, due_at: Timestamp) {
    tx.later(
        "UPDATE mail_outbox SET last_error = $1, due_at = $2
         WHERE id = $3 AND status = 'queued' AND due_at = $4",
    )
    .bind(why)
    .bind(due_at)
    .bind(id)
    .bind(lease);
}

/// Gives a claimed mail back as if it had not been tried, and notes why.
pub fn release(tx: &mut Tx, (id, lease): (Uuid, Timestamp), why: &str, now: Timestamp) {
    tx.later(
        "UPDATE mail_outbox
         SET last_error = $1, due_at = $2, attempts = attempts - 1
         WHERE id = $3 AND status = 'queued' AND due_at = $4",
    )
    .bind(why)
    .bind(now)
    .bind(id)
    .bind(lease);
}

/// Lets a dead mail be tried again from the beginning; says whether there was such a one whose
/// link is not over.
///
/// # Errors
/// [`StoreError`].
pub async fn revive(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let revived = tx
        .query(
            "UPDATE mail_outbox
             SET status = 'queued', attempts = 0, due_at = $1, done_at = NULL
             WHERE id = $2 AND status = 'dead' AND expires_at > $1",
        )
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    Ok(revived > 0)
}

/// The mails of one priority that wait to be sent, for the first time or again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct QueueDepth {
    /// [`Priority::rank`].
    pub priority: i64,
    /// How many.
    pub mails: i64,
    /// When the oldest of them was put here.
    pub oldest_at: Timestamp,
}

/// What waits, by priority; a priority of which nothing waits is left out.
///
/// # Errors
/// [`StoreError`].
pub async fn queue_depths(tx: &mut Tx) -> Result<Vec<QueueDepth>, StoreError> {
    tx.query(
        "SELECT priority, COUNT(*) AS mails, MIN(created_at) AS oldest_at FROM mail_outbox
         WHERE status = 'queued' GROUP BY priority ORDER BY priority LIMIT 10",
    )
    .all()
    .await
}
