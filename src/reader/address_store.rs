//! Changes of address that wait for both ends to agree.

use uuid::Uuid;

use crate::{
    auth::session::secret::SecretHash,
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
};

/// A change as it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct NewChange<'a> {
    /// Whose.
    pub reader: Uuid,
    /// The address to come.
    pub email: &'a Address,
    /// Of the token sent to the old address, which agrees, or objects to a change by staff.
    pub old: SecretHash,
    /// Of the token sent to the new address.
    pub new: SecretHash,
    /// From when it is off.
    pub expires_at: Timestamp,
    /// Who of staff asks for it, and when; the old mailbox need not agree then.
    pub by_staff: Option<(Uuid, Timestamp)>,
}

/// A change after one end has agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub reader: Uuid,
    /// The address to come.
    pub email: Address,
    /// Whether both ends have agreed.
    pub is_complete: bool,
    /// Whether staff asked for it.
    pub is_by_staff: bool,
}

/// Notes a change that is asked for, in place of one that waits.
///
/// # Errors
/// [`StoreError`].
pub async fn put(tx: &mut Tx, change: NewChange<'_>) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO address_changes (reader_id, email, email_key, old_hash, new_hash, expires_at,
                                      by_staff, old_confirmed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (reader_id) DO UPDATE
         SET email = excluded.email, email_key = excluded.email_key,
             old_hash = excluded.old_hash, new_hash = excluded.new_hash,
             old_confirmed_at = excluded.old_confirmed_at, new_confirmed_at = NULL,
             expires_at = excluded.expires_at, by_staff = excluded.by_staff",
    )
    .bind(change.reader)
    .bind(change.email.typed())
    .bind(change.email.key())
    .bind(change.old.to_bytes())
    .bind(change.new.to_bytes())
    .bind(change.expires_at)
    .bind(change.by_staff.map(|(staff, _)| staff))
    .bind(change.by_staff.map(|(_, at)| at))
    .execute()
    .await?;
    Ok(())
}

/// Whose change waits for the end that got the token of `hash`.
///
/// # Errors
/// [`StoreError`].
pub async fn owner(
    tx: &mut Tx,
    hash: SecretHash,
    now: Timestamp,
) -> Result<Option<Uuid>, StoreError> {
    let row: Option<(Uuid,)> = tx
        .query(
            "SELECT reader_id FROM address_changes
             WHERE (old_hash = $1 OR new_hash = $1) AND expires_at > $2",
        )
        .bind(hash.to_bytes())
        .bind(now)
        .optional()
        .await?;
    Ok(row.map(|(reader,)| reader))
}

type ChangeRow = (Uuid, String, Option<Timestamp>, Option<Timestamp>, Option<Uuid>);

/// Notes that the end which got the token of `hash` agrees. Agreeing twice changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn confirm(
    tx: &mut Tx,
    hash: SecretHash,
    now: Timestamp,
) -> Result<Option<Change>, StoreError> {
    let row: Option<ChangeRow> = tx
        .query(
            "UPDATE address_changes
             SET old_confirmed_at = CASE WHEN old_hash = $1 AND old_confirmed_at IS NULL
                                         THEN $2 ELSE old_confirmed_at END,
                 new_confirmed_at = CASE WHEN new_hash = $1 AND new_confirmed_at IS NULL
                                         THEN $2 ELSE new_confirmed_at END
             WHERE ((old_hash = $1 AND by_staff IS NULL) OR new_hash = $1) AND expires_at > $2
             RETURNING reader_id, email, old_confirmed_at, new_confirmed_at, by_staff",
        )
        .bind(hash.to_bytes())
        .bind(now)
        .optional()
        .await?;
    let Some((reader, email, old, new, by_staff)) = row else { return Ok(None) };
    let email = address_from(&email, reader)?;
    let (is_complete, is_by_staff) = (old.is_some() && new.is_some(), by_staff.is_some());
    Ok(Some(Change { reader, email, is_complete, is_by_staff }))
}

/// Calls off the change by staff whose old end got the token of `hash`, and says whose it was.
///
/// # Errors
/// [`StoreError`].
pub async fn object(
    tx: &mut Tx,
    hash: SecretHash,
    now: Timestamp,
) -> Result<Option<Uuid>, StoreError> {
    let row: Option<(Uuid,)> = tx
        .query(
            "DELETE FROM address_changes
             WHERE old_hash = $1 AND by_staff IS NOT NULL AND expires_at > $2
             RETURNING reader_id",
        )
        .bind(hash.to_bytes())
        .bind(now)
        .optional()
        .await?;
    Ok(row.map(|(reader,)| reader))
}

fn address_from(email: &str, reader: Uuid) -> Result<Address, StoreError> {
    let (table, column) = ("address_changes", "email");
    Address::from_stored(email).map_err(|_| StoreError::Corrupt {
        table,
        column,
        id: reader.to_string(),
    })
}

/// The address that a reader has asked for, and until when both ends may agree.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, reader: Uuid) -> Result<Option<(Address, Timestamp)>, StoreError> {
    let row: Option<(String, Timestamp)> = tx
        .query("SELECT email, expires_at FROM address_changes WHERE reader_id = $1")
        .bind(reader)
        .optional()
        .await?;
    row.map(|(email, expires_at)| Ok((address_from(&email, reader)?, expires_at))).transpose()
}

/// Cancels the pending change of a reader. Says whether it was one that staff asked for and that could
/// still have been agreed to.
///
/// # Errors
/// [`StoreError`].
pub async fn cancel(tx: &mut Tx, reader: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let row: Option<(Option<Uuid>, Timestamp)> = tx
        .query("DELETE FROM address_changes WHERE reader_id = $1 RETURNING by_staff, expires_at")
        .bind(reader)
        .optional()
        .await?;
    Ok(row.is_some_and(|(by_staff, expires_at)| by_staff.is_some() && expires_at > now))
}

/// Clears away the change of a reader that is done.
///
/// # Errors
/// [`StoreError`].
pub async fn delete(tx: &mut Tx, reader: Uuid) -> Result<(), StoreError> {
    tx.query("DELETE FROM address_changes WHERE reader_id = $1").bind(reader).execute().await?;
    Ok(())
}

/// Forgets up to `most` changes that are over.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, now: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM address_changes WHERE reader_id IN (
             SELECT reader_id FROM address_changes
             WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    )
    .bind(now)
    .bind(most)
    .execute()
    .await
}
