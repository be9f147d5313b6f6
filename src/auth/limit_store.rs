//! What was counted for each subject of a limit, in the database: a restart forgets nothing, and
//! all instances count together.
//!
//! For secrets, which count when they are wrong: [`check`] before, [`record`] after a wrong one,
//! [`clear`] after a right one. For what counts always, such as mails asked for: [`take`].
//! Times are whole microseconds on both databases, because each count is one statement that works
//! its new time out by itself: no race can lose one.

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use time::Duration;
use uuid::Uuid;

use super::limits::{Policy, RetryAfter};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    http::problem::ApiError,
    mail::address::Address,
};

/// What is counted: a limit's name and a subject, such as an address. Only its hash is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LimitKey([u8; SHA256_OUTPUT_LEN]);

impl LimitKey {
    /// Failed log-ins of an account, by its address's [`key`](crate::mail::address::Address::key),
    /// whether there is such an account or not.
    #[must_use]
    pub fn login(address_key: &str) -> Self {
        Self::of("login", address_key)
    }

    /// A reader, by their id.
    #[must_use]
    pub fn reader(reader_id: Uuid) -> Self {
        Self::of("reader", &reader_id.to_string())
    }

    /// Failed log-ins of a member of staff, by their address's key.
    #[must_use]
    pub fn staff_login(address_key: &str) -> Self {
        Self::of("staff-login", address_key)
    }

    /// Failed log-ins of staff from a known device, by its id.
    #[must_use]
    pub fn staff_device(device: Uuid) -> Self {
        Self::of("staff-device", &device.to_string())
    }

    /// Mails that were asked for to an address. All addresses of one mailbox share the count.
    #[must_use]
    pub fn mail(address: &Address) -> Self {
        Self::of("mail", &address.mailbox())
    }

    /// Wrong codes of a member of staff, by their id.
    #[must_use]
    pub fn totp(staff_id: Uuid) -> Self {
        Self::of("totp", &staff_id.to_string())
    }

    /// Wrong codes of a member of staff from a known device, by its id.
    #[must_use]
    pub fn totp_of_device(device: Uuid) -> Self {
        Self::of("totp-device", &device.to_string())
    }

    /// Cards of a customer that were declined, by the reader's id.
    #[must_use]
    pub fn declined(reader_id: &str) -> Self {
        Self::of("declined", reader_id)
    }

    /// Corrections of the address of a provisional account, by the reader's id.
    #[must_use]
    pub fn correction(reader_id: &str) -> Self {
        Self::of("correction", reader_id)
    }

    /// What staff write to a reader once more, by the reader's id.
    #[must_use]
    pub fn again(reader_id: &str) -> Self {
        Self::of("again", reader_id)
    }

    fn of(name: &'static str, subject: &str) -> Self {
        let mut context = Context::new(&SHA256);
        for part in [name, "\0", subject] {
            context.update(part.as_bytes());
        }
        let mut key = [0; SHA256_OUTPUT_LEN];
        key.copy_from_slice(context.finish().as_ref());
        Self(key)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// Why something may not be tried.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// It was tried too often.
    #[error("tried too often")]
    Exceeded(RetryAfter),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LimitError> for ApiError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Exceeded(retry_after) => retry_after.into(),
            LimitError::Store(error) => Self::internal(error),
        }
    }
}

/// Whether one more may be tried. Changes nothing. Ask while holding a
/// [`Turn`](super::hashing::Turn): then no more can slip through together than hash at once.
///
/// # Errors
/// [`LimitError`].
pub async fn check(
    tx: &mut Tx,
    key: LimitKey,
    policy: Policy,
    now: Timestamp,
) -> Result<(), LimitError> {
    let arrival = arrival(tx, key).await?;
    policy.check(arrival, now).map_err(LimitError::Exceeded)
}

/// Counts one more, allowed or not; see [`Policy::count`].
///
/// # Errors
/// When the database fails.
pub async fn record(
    tx: &mut Tx,
    key: LimitKey,
    policy: Policy,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO limits (key, arrival) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE
         SET arrival = CASE
             WHEN limits.arrival <= $3 OR limits.arrival > $4 THEN excluded.arrival
             WHEN limits.arrival + $5 > $6 THEN $6
             ELSE limits.arrival + $5 END",
    )
    .bind(key.bytes())
    .bind(policy.count(None, now).micros())
    .bind(now.micros())
    .bind(policy.incredible(now).micros())
    .bind(micros(policy.refill()))
    .bind(policy.furthest(now).micros())
    .execute()
    .await?;
    Ok(())
}

/// Counts one more if one more is allowed: of any number at once, exactly as many as the policy
/// says pass.
///
/// # Errors
/// [`LimitError`].
pub async fn take(
    tx: &mut Tx,
    key: LimitKey,
    policy: Policy,
    now: Timestamp,
) -> Result<(), LimitError> {
    if try_take(tx, key, policy, now).await? {
        return Ok(());
    }
    // It was refused; what stands there now only says how long to wait.
    let waited_for = policy.check(arrival(tx, key).await?, now);
    Err(LimitError::Exceeded(waited_for.err().unwrap_or(RetryAfter(policy.refill()))))
}

/// [`take`] that only says whether one more was allowed: always one statement.
///
/// # Errors
/// When the database fails.
pub async fn try_take(
    tx: &mut Tx,
    key: LimitKey,
    policy: Policy,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let taken: Option<(i64,)> = tx
        .query(
            "INSERT INTO limits (key, arrival) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE
             SET arrival = CASE
                 WHEN limits.arrival <= $3 OR limits.arrival > $4 THEN excluded.arrival
                 ELSE limits.arrival + $5 END
             WHERE limits.arrival <= $6 OR limits.arrival > $4
             RETURNING arrival",
        )
        .bind(key.bytes())
        .bind(policy.count(None, now).micros())
        .bind(now.micros())
        .bind(policy.incredible(now).micros())
        .bind(micros(policy.refill()))
        .bind(policy.open_until(now).micros())
        .optional()
        .await?;
    Ok(taken.is_some())
}

/// Takes back one that was counted, if anything is owed still.
///
/// # Errors
/// When the database fails.
pub async fn give_back(
    tx: &mut Tx,
    key: LimitKey,
    policy: Policy,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.query("UPDATE limits SET arrival = arrival - $2 WHERE key = $1 AND arrival > $3")
        .bind(key.bytes())
        .bind(micros(policy.refill()))
        .bind(now.micros())
        .execute()
        .await?;
    Ok(())
}

/// Forgets what was counted.
///
/// # Errors
/// When the database fails.
pub async fn clear(tx: &mut Tx, key: LimitKey) -> Result<(), StoreError> {
    tx.query("DELETE FROM limits WHERE key = $1").bind(key.bytes()).execute().await?;
    Ok(())
}

/// Forgets up to `most` of those that nothing is owed for since `before`, and says how many.
///
/// # Errors
/// When the database fails.
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM limits
         WHERE arrival < $1 AND key IN (
             SELECT key FROM limits WHERE arrival < $1 ORDER BY arrival LIMIT $2)",
    )
    .bind(before.micros())
    .bind(most)
    .execute()
    .await
}

async fn arrival(tx: &mut Tx, key: LimitKey) -> Result<Option<Timestamp>, StoreError> {
    let row: Option<(i64,)> =
        tx.query("SELECT arrival FROM limits WHERE key = $1").bind(key.bytes()).optional().await?;
    let Some((arrival,)) = row else { return Ok(None) };
    let corrupt = || StoreError::Corrupt {
        table: "limits",
        column: "arrival",
        id: format!("{:02x?}", key.0),
    };
    Timestamp::from_micros(arrival).map(Some).ok_or_else(corrupt)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.whole_microseconds()).unwrap_or(i64::MAX)
}
