//! Notices of cancellation that were received without a login: each waits here from its receipt until
//! it took effect, and then its row is deleted.
//!
//! Receiving one is a single statement whether or not the address subscribes, so that the time of the
//! answer does not tell. [`ReceivedNotices`] lets readers see at once what this process received for
//! them.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    language::{Language, Words},
    mail::address::Address,
};

/// Most notices of one reader that are looked at together.
const OF_READER_MAX: i64 = 100;
/// Most readers remembered as having given notice.
const REMEMBERED_MAX: usize = 10_000;

/// A notice that is received.
#[derive(Debug)]
pub struct NewNotice<'a> {
    /// Its id.
    pub id: Uuid,
    /// The address that the subscription is said to be under.
    pub email: &'a Address,
    /// The language and calendar of the page.
    pub words: &'a Words,
    /// Why, in the reader's words.
    pub comment: Option<String>,
    /// Whether a mail may be sent even where there is nothing to cancel.
    pub may_reply: bool,
    /// The moment that counts.
    pub received_at: Timestamp,
}

/// A notice that has not taken effect yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancellationNotice {
    /// Its id.
    pub id: Uuid,
    /// Who had the address at the receipt.
    pub reader: Option<Uuid>,
    /// The address, as typed.
    pub email: Address,
    /// How to write to an address that no reader has.
    pub words: Words,
    /// Why, in the reader's words.
    pub comment: Option<String>,
    /// Whether a mail may be sent even where there is nothing to cancel.
    pub may_reply: bool,
    /// The moment that counts.
    pub received_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
}

/// A notice, as its reader's export shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedNotice {
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    comment: Option<String>,
}

impl From<CancellationNotice> for ExportedNotice {
    fn from(notice: CancellationNotice) -> Self {
        Self { received_at: notice.received_at, comment: notice.comment }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    reader_id: Option<Uuid>,
    email: String,
    language: String,
    time_zone: String,
    comment: Option<String>,
    may_reply: bool,
    received_at: Timestamp,
    attempts: i64,
}

impl TryFrom<Row> for CancellationNotice {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let (table, id) = ("cancellation_notices", row.id);
        let corrupt = |column| StoreError::Corrupt { table, column, id: id.to_string() };
        let language = Language::parse(&row.language).ok_or_else(|| corrupt("language"))?;
        Ok(Self {
            id,
            reader: row.reader_id,
            email: Address::from_stored(&row.email).map_err(|_| corrupt("email"))?,
            words: Words::new(language, &row.time_zone),
            comment: row.comment,
            may_reply: row.may_reply,
            received_at: row.received_at,
            attempts: row.attempts,
        })
    }
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, reader_id, email, language, time_zone, comment, may_reply, received_at,
                    attempts
             FROM cancellation_notices WHERE ",
            $condition
        )
    };
}

fn notices(rows: Vec<Row>) -> Result<Vec<CancellationNotice>, StoreError> {
    rows.into_iter().map(CancellationNotice::try_from).collect()
}

/// Receives a notice, and says which reader has its address.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, new: NewNotice<'_>) -> Result<Option<Uuid>, StoreError> {
    let row: Option<(Option<Uuid>,)> = tx
        .query(
            "INSERT INTO cancellation_notices (id, reader_id, email, email_key, language, time_zone,
                                               comment, may_reply, received_at, due_at)
             VALUES ($1, (SELECT id FROM readers WHERE email_key = $3), $2, $3, $4, $5, $6, $7, $8,
                     $8)
             RETURNING reader_id",
        )
        .bind(new.id)
        .bind(new.email.typed())
        .bind(new.email.key())
        .bind(new.words.language.tag())
        .bind(new.words.zone.iana_name().unwrap_or("UTC"))
        .bind(new.comment)
        .bind(new.may_reply)
        .bind(new.received_at)
        .optional()
        .await?;
    Ok(row.and_then(|(reader,)| reader))
}

/// Up to `most` notices that are to take effect by `now`, the first received first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_due(
    tx: &mut Tx,
    now: Timestamp,
    most: i64,
) -> Result<Vec<CancellationNotice>, StoreError> {
    let query = select!("due_at <= $1 ORDER BY due_at, id LIMIT $2");
    notices(tx.query(query).bind(now).bind(most).all().await?)
}

/// The notices of a reader, the first received first.
///
/// # Errors
/// [`StoreError`].
pub async fn of_reader(tx: &mut Tx, reader: Uuid) -> Result<Vec<CancellationNotice>, StoreError> {
    let query = select!("reader_id = $1 ORDER BY received_at, id LIMIT $2");
    notices(tx.query(query).bind(reader).bind(OF_READER_MAX).all().await?)
}

/// Takes a notice, to let it take effect. Returns false where it has taken effect already. Of several
/// who take one at once, the others wait until the first transaction ends.
///
/// # Errors
/// [`StoreError`].
pub async fn take(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let sql = "UPDATE cancellation_notices SET attempts = attempts + 1 WHERE id = $1";
    Ok(tx.query(sql).bind(id).execute().await? == 1)
}

/// Deletes a notice that took effect.
pub fn delete(tx: &mut Tx, id: Uuid) {
    tx.later("DELETE FROM cancellation_notices WHERE id = $1").bind(id);
}

/// Lets a notice be tried again at `due_at`, and notes why.
pub fn postpone(tx: &mut Tx, id: Uuid, why: &str, due_at: Timestamp) {
    tx.later("UPDATE cancellation_notices SET due_at = $2, last_error = $3 WHERE id = $1")
        .bind(id)
        .bind(due_at)
        .bind(why.to_owned());
}

/// Deletes the notices of a reader whose account is erased.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Tx, reader: Uuid) -> Result<(), StoreError> {
    let sql = "DELETE FROM cancellation_notices WHERE reader_id = $1";
    tx.query(sql).bind(reader).execute().await?;
    Ok(())
}

/// Deletes the notices that were given with this address.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_address(tx: &mut Tx, email: &Address) -> Result<(), StoreError> {
    let sql = "DELETE FROM cancellation_notices WHERE email_key = $1";
    tx.query(sql).bind(email.key()).execute().await?;
    Ok(())
}

/// The readers for whom this process received a notice that may not have taken effect yet. Only a
/// shortcut: the worker lets every notice take effect within a second, no matter which process received it.
#[derive(Debug, Default)]
pub struct ReceivedNotices(Mutex<HashSet<Uuid>>);

impl ReceivedNotices {
    /// Remembers `reader`.
    pub fn add(&self, reader: Uuid) {
        let mut readers = self.readers();
        if readers.len() < REMEMBERED_MAX {
            readers.insert(reader);
        }
    }

    /// Forgets `reader`, and says whether a notice may wait.
    pub fn remove(&self, reader: Uuid) -> bool {
        self.readers().remove(&reader)
    }

    /// Forgets all, before those that wait take effect.
    pub fn clear(&self) {
        self.readers().clear();
    }

    fn readers(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
