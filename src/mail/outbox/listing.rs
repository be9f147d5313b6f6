//! Mails as they are listed: what was given up, what was sent, and to whom.

use uuid::Uuid;

use super::StoredMail;
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
};

/// What is said of a mail that waits where none is ever sent.
pub const KEPT: &str = "kept";
/// Most mails listed at a time.
pub const LISTED_MAX: i64 = 100;

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

/// When the oldest mail that waits was due, or is.
///
/// # Errors
/// [`StoreError`].
pub async fn oldest_due(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let found: Option<(Timestamp,)> = tx
        .query("SELECT due_at FROM mail_outbox WHERE status = 'queued' ORDER BY due_at LIMIT 1")
        .optional()
        .await?;
    Ok(found.map(|(at,)| at))
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

/// The state of a mail.
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

/// The newest mails, the oldest of them first: to `to`, or to any address. At most [`LISTED_MAX`].
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
