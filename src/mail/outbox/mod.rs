//! Mails that wait to be sent, and those that were sent lately.
//!
//! A mail is put here in the transaction that is its reason, so there is never one without the
//! other. A sender claims it under a lease first; when that sender dies, the mail is due again once
//! the lease is over. So a mail may be sent twice when a machine dies at the wrong moment, but is
//! never lost.
//!
//! `claims` is what a sender does with mails, `listing` what is shown of them.

mod claims;
mod listing;

use uuid::Uuid;

pub use self::{
    claims::{
        ClaimedMail, LEASE, QueueDepth, RETRIES, claim_due, count_due, expire, has_expired,
        mark_dead, mark_retry, mark_sent, queue_depths, release, revive, take_claim_lock,
    },
    listing::{
        DeadMail, KEPT, LISTED_MAX, ListedMail, MailStatus, list, list_dead, list_to, newest,
        oldest_due, where_kept,
    },
};
use super::{address::Address, priority::Priority};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

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
    /// Before which others it is sent.
    pub priority: Priority,
    /// From when it is not sent any more.
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
    /// From when it is not sent any more.
    pub expires_at: Timestamp,
}

/// Puts a mail here, due at once.
pub fn insert(tx: &mut Tx, mail: NewMail<'_>, now: Timestamp) {
    tx.later(
        "INSERT INTO mail_outbox (id, recipient, subject, body_text, body_html, unsubscribe_url,
                                  priority, status, attempts, created_at, due_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', 0, $8, $8, $9)",
    )
    .bind(mail.id)
    .bind(mail.to.key())
    .bind(&*mail.subject)
    .bind(mail.text)
    .bind(mail.html)
    .bind(mail.unsubscribe_url)
    .bind(mail.priority.rank())
    .bind(now)
    .bind(mail.expires_at);
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
