//! Readers in the database.
//!
//! Whoever writes to what belongs to a reader writes to the reader's own row first, so that two
//! who do wait for each other once and never both at a time. A change of address comes before it.

use uuid::Uuid;

use super::model::Reader;
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
};

#[derive(sqlx::FromRow)]
struct ReaderRow {
    id: Uuid,
    email: Option<String>,
    email_verified_at: Option<Timestamp>,
    password_hash: Option<String>,
    created_at: Timestamp,
}

impl TryFrom<ReaderRow> for Reader {
    type Error = StoreError;

    fn try_from(row: ReaderRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt = |column| StoreError::Corrupt { table: "readers", column, id: id.to_string() };
        let email = row.email.as_deref().and_then(|email| Address::parse(email).ok());
        Ok(Self {
            id,
            email: email.ok_or_else(|| corrupt("email"))?,
            email_verified_at: row.email_verified_at.ok_or_else(|| corrupt("email_verified_at"))?,
            password_hash: row.password_hash,
            created_at: row.created_at,
        })
    }
}

/// Adds a reader; says no when the address has an account already.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, reader: &Reader) -> Result<bool, StoreError> {
    let added = tx
        .query(
            "INSERT INTO readers (id, email, email_key, email_verified_at, password_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (email_key) DO NOTHING",
        )
        .bind(reader.id)
        .bind(reader.email.typed())
        .bind(reader.email.key())
        .bind(reader.email_verified_at)
        .bind(reader.password_hash.as_deref())
        .bind(reader.created_at)
        .execute()
        .await?;
    Ok(added > 0)
}

/// The reader with this id, unless erased.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Reader>, StoreError> {
    tx.query(
        "SELECT id, email, email_verified_at, password_hash, created_at
         FROM readers WHERE id = $1 AND erased_at IS NULL",
    )
    .bind(id)
    .optional::<ReaderRow>()
    .await?
    .map(Reader::try_from)
    .transpose()
}

/// The reader whose address this is, in whatever spelling.
///
/// # Errors
/// [`StoreError`].
pub async fn find_by_email(tx: &mut Tx, email: &Address) -> Result<Option<Reader>, StoreError> {
    tx.query(
        "SELECT id, email, email_verified_at, password_hash, created_at
         FROM readers WHERE email_key = $1",
    )
    .bind(email.key())
    .optional::<ReaderRow>()
    .await?
    .map(Reader::try_from)
    .transpose()
}

/// Waits for whoever else is at work on this reader, and lets the others wait until `tx` ends.
///
/// # Errors
/// [`StoreError`].
pub async fn lock(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    tx.query("UPDATE readers SET id = id WHERE id = $1").bind(id).execute().await?;
    Ok(())
}

/// Replaces the password's hash, unless it is no longer `before`: then somebody else changed it
/// meanwhile, and it says no.
///
/// # Errors
/// [`StoreError`].
pub async fn replace_password(
    tx: &mut Tx,
    id: Uuid,
    before: Option<&str>,
    hash: &str,
) -> Result<bool, StoreError> {
    let replaced = tx
        .query(
            "UPDATE readers SET password_hash = $1
             WHERE id = $2 AND erased_at IS NULL
               AND COALESCE(password_hash, '') = COALESCE($3, '')",
        )
        .bind(hash)
        .bind(id)
        .bind(before)
        .execute()
        .await?;
    Ok(replaced > 0)
}

/// Gives a reader another address, proved at `now`.
///
/// # Errors
/// [`StoreError::Duplicate`] when another reader has it.
pub async fn set_email(
    tx: &mut Tx,
    id: Uuid,
    email: &Address,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE readers SET email = $1, email_key = $2, email_verified_at = $3
         WHERE id = $4 AND erased_at IS NULL",
    )
    .bind(email.typed())
    .bind(email.key())
    .bind(now)
    .bind(id)
    .execute()
    .await?;
    Ok(())
}

/// Forgets who a reader was; says whether there was somebody to forget.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let erased = tx
        .query(
            "UPDATE readers
             SET email = NULL, email_key = NULL, email_verified_at = NULL, password_hash = NULL,
                 erased_at = $1
             WHERE id = $2 AND erased_at IS NULL",
        )
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    Ok(erased > 0)
}
