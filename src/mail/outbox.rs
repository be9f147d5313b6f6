//! Mails that wait to be sent, and those that were sent lately.
//!
//! A mail is put here in the transaction that is its reason, so there is never one without the
//! other. Whoever sends it claims it for a while first; when that sender dies, the mail is due
//! again. So a mail may be sent twice when a machine dies at the wrong moment, but is never lost.

use time::Duration;
use uuid::Uuid;

use super::address::Address;
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// How long a sender has for one mail before another may try; longer than any timeout.
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
/// What is said of a mail that waits where none is ever sent.
pub const KEPT: &str = "kept";
/// Most mails listed at a time.
pub const LISTED_MAX: i64 = 100;

/// A mail to be put here.
#[derive(Debug)]
pub struct NewMail<'a> {
    /// Its id; its `Message-ID` too.
    pub id: Uuid,
    /// To whom.
    pub to: &'a Address,
    /// One line of fixed text.
    pub subject: String,
    /// For those who read text.
    pub text: String,
    /// For those who read HTML.
    pub html: String,
    /// Where the list that it goes to can be left.
    pub unsubscribe_url: Option<String>,
    /// From when it helps nobody.
    pub expires_at: Timestamp,
}

/// A mail that is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredMail {
    /// Its id.
    pub id: Uuid,
    /// The address in its spelling for SMTP.
    pub recipient: String,
    /// One line.
    pub subject: String,
    /// For those who read text.
    pub body_text: String,
    /// For those who read HTML.
    pub body_html: String,
    /// Where the list that it goes to can be left, by one POST (RFC 8058).
    pub unsubscribe_url: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was put here.
    pub created_at: Timestamp,
    /// From when it helps nobody.
    pub expires_at: Timestamp,
}

/// A mail that will not be tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeadMail {
    /// Its id.
    pub id: Uuid,
    /// What it was about.
    pub subject: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was put here.
    pub created_at: Timestamp,
    /// When it was given up.
    pub done_at: Option<Timestamp>,
}

/// Puts a mail here, due at once.
pub fn insert(tx: &mut Tx, mail: NewMail<'_>, now: Timestamp) {
    tx.later(
        "INSERT INTO mail_outbox (id, recipient, subject, body_text, body_html, unsubscribe_url,
                                  status, attempts, created_at, due_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', 0, $7, $7, $8)",
    )
    .bind(mail.id)
    .bind(mail.to.key())
    .bind(&*mail.subject)
    .bind(mail.text)
    .bind(mail.html)
    .bind(mail.unsubscribe_url)
    .bind(now)
    .bind(mail.expires_at);
}

/// Claims up to `most` mails that are due, for [`LEASE`]. Of several who ask at once, one gets
/// each. What has expired meanwhile stays, for [`expire`].
///
/// # Errors
/// [`StoreError`].
pub async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    most: i64,
) -> Result<Vec<StoredMail>, StoreError> {
    // The condition stands twice: on PostgreSQL one who waited for another's claim looks again.
    tx.query(
        "UPDATE mail_outbox SET due_at = $1, attempts = attempts + 1
         WHERE status = 'queued' AND due_at <= $2 AND expires_at > $2 AND id IN (
             SELECT id FROM mail_outbox
             WHERE status = 'queued' AND due_at <= $2 AND expires_at > $2
             ORDER BY due_at, id LIMIT $3)
         RETURNING id, recipient, subject, body_text, body_html, unsubscribe_url, attempts,
                   created_at, expires_at",
    )
    .bind(now.plus(LEASE))
    .bind(now)
    .bind(most)
    .all()
    .await
}

/// How many mails are due; counts to `most`.
///
/// # Errors
/// [`StoreError`].
pub async fn count_due(tx: &mut Tx, now: Timestamp, most: i64) -> Result<usize, StoreError> {
    let due: Vec<(Uuid,)> = tx
        .query(
            "SELECT id FROM mail_outbox
             WHERE status = 'queued' AND due_at <= $1 AND expires_at > $1 LIMIT $2",
        )
        .bind(now)
        .bind(most)
        .all()
        .await?;
    Ok(due.len())
}

/// Gives up to `most` mails up that are due and help nobody any more, forgets what they said, and
/// says how many. One that is being sent is not due.
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
///
/// # Errors
/// [`StoreError`].
pub async fn mark_sent(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.query(
        "UPDATE mail_outbox
         SET status = 'sent', last_error = NULL, done_at = $1,
             body_text = '', body_html = '', unsubscribe_url = NULL
         WHERE id = $2 AND status = 'queued'",
    )
    .bind(now)
    .bind(id)
    .execute()
    .await?;
    Ok(())
}

/// Notes that a mail will not be tried again, and why.
///
/// # Errors
/// [`StoreError`].
pub async fn mark_dead(tx: &mut Tx, id: Uuid, why: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.query(
        "UPDATE mail_outbox SET status = 'dead', last_error = $1, done_at = $2
         WHERE id = $3 AND status = 'queued'",
    )
    .bind(why)
    .bind(now)
    .bind(id)
    .execute()
    .await?;
    Ok(())
}

/// Notes why a mail could not be sent, and when to try again.
///
/// # Errors
/// [`StoreError`].
pub async fn mark_retry(
    tx: &mut Tx,
    id: Uuid,
    why: &str,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE mail_outbox SET last_error = $1, due_at = $2 WHERE id = $3 AND status = 'queued'",
    )
    .bind(why)
    .bind(due_at)
    .bind(id)
    .execute()
    .await?;
    Ok(())
}

/// Gives a claimed mail back as if it had not been tried, and notes why.
///
/// # Errors
/// [`StoreError`].
pub async fn release(tx: &mut Tx, id: Uuid, why: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.query(
        "UPDATE mail_outbox SET last_error = $1, due_at = $2, attempts = attempts - 1
         WHERE id = $3 AND status = 'queued'",
    )
    .bind(why)
    .bind(now)
    .bind(id)
    .execute()
    .await?;
    Ok(())
}

/// The mails that were given up, the latest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_dead(tx: &mut Tx) -> Result<Vec<DeadMail>, StoreError> {
    tx.query(
        "SELECT id, subject, attempts, last_error, created_at, done_at FROM mail_outbox
         WHERE status = 'dead' ORDER BY done_at DESC, id LIMIT $1",
    )
    .bind(LISTED_MAX)
    .all()
    .await
}

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStatus {
    /// It waits, for its first try or another.
    Queued,
    /// The next server has it.
    Sent,
    /// It was given up.
    Dead,
}

impl MailStatus {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Queued, Self::Sent, Self::Dead];

    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    /// Reads what [`MailStatus::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A mail in a list; what it says is between us and the reader.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedMail {
    /// Its id; later mails have greater ones.
    pub id: Uuid,
    /// To whom it is.
    pub recipient: String,
    /// What it is about.
    pub subject: String,
    /// [`MailStatus::as_str`], or [`KEPT`].
    pub status: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was put here.
    pub created_at: Timestamp,
    /// When it is tried next, while it waits.
    pub due_at: Timestamp,
    /// When it was sent or given up.
    pub done_at: Option<Timestamp>,
    /// When a link in it was used for the first time.
    pub clicked_at: Option<Timestamp>,
}

/// What the `status` of a mail is called where none is ever sent: one that waits is kept.
#[must_use]
pub fn where_kept(status: String) -> String {
    if status == MailStatus::Queued.as_str() { KEPT.to_owned() } else { status }
}

impl ListedMail {
    /// The same where mails are kept and none is ever sent: it waits for nothing.
    #[must_use]
    pub fn kept(self) -> Self {
        Self { status: where_kept(self.status), ..self }
    }
}

/// The mails older than `before`, of one status or of any, the latest first; at most
/// [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    tx: &mut Tx,
    status: Option<MailStatus>,
    before: Option<Uuid>,
) -> Result<Vec<ListedMail>, StoreError> {
    tx.query(
        "SELECT id, recipient, subject, status, attempts, last_error, created_at, due_at, done_at,
                clicked_at
         FROM mail_outbox
         WHERE (CAST($1 AS TEXT) IS NULL OR status = $1) AND ($2 IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
    )
    .bind(status.map(MailStatus::as_str))
    .bind(before)
    .bind(LISTED_MAX)
    .all()
    .await
}

/// The mails to `to`, the latest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_to(tx: &mut Tx, to: &Address) -> Result<Vec<ListedMail>, StoreError> {
    tx.query(
        "SELECT id, recipient, subject, status, attempts, last_error, created_at, due_at, done_at,
                clicked_at
         FROM mail_outbox WHERE recipient = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
    )
    .bind(to.key())
    .bind(LISTED_MAX)
    .all()
    .await
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

/// The newest mails, the oldest of them first: to `to`, or to anybody. At most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn newest(tx: &mut Tx, to: Option<&Address>) -> Result<Vec<StoredMail>, StoreError> {
    let mut mails: Vec<StoredMail> = tx
        .query(
            "SELECT id, recipient, subject, body_text, body_html, unsubscribe_url, attempts,
                    created_at, expires_at
             FROM mail_outbox
             WHERE CAST($1 AS TEXT) IS NULL OR recipient = $1
             ORDER BY created_at DESC, id DESC LIMIT $2",
        )
        .bind(to.map(Address::key))
        .bind(LISTED_MAX)
        .all()
        .await?;
    mails.reverse();
    Ok(mails)
}

/// Forgets every mail to this address.
///
/// # Errors
/// [`StoreError`].
pub async fn delete_to(tx: &mut Tx, to: &Address) -> Result<(), StoreError> {
    tx.query("DELETE FROM mail_outbox WHERE recipient = $1").bind(to.key()).execute().await?;
    Ok(())
}

/// Forgets up to `most` mails that were done with before `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM mail_outbox WHERE id IN (
             SELECT id FROM mail_outbox
             WHERE status <> 'queued' AND done_at < $1 ORDER BY done_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
