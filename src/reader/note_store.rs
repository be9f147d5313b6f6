//! What staff wrote down about readers, in the database.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Most notes about one reader.
pub const NOTES_MAX: i64 = 200;
/// Most characters of a note.
pub const TEXT_MAX: usize = 2_000;

/// A note about a reader.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Note {
    /// Its id: what the request was called that wrote it, where it was called something.
    pub id: Uuid,
    /// About whom.
    pub reader_id: Uuid,
    /// Who wrote it.
    pub staff_id: Uuid,
    /// When.
    pub at: Timestamp,
    /// As it was written.
    pub text: String,
}

/// Keeps a note, and says whether there was room for it. The caller holds the reader's lock, so that
/// two who write at once do not pass the bound.
///
/// # Errors
/// [`StoreError::Duplicate`] where this note is there already.
pub async fn insert(tx: &mut Tx, note: &Note) -> Result<bool, StoreError> {
    let listed: Vec<(Uuid,)> = tx
        .query("SELECT id FROM reader_notes WHERE reader_id = $1 LIMIT $2")
        .bind(note.reader_id)
        .bind(NOTES_MAX)
        .all()
        .await?;
    if i64::try_from(listed.len()).is_ok_and(|listed| listed >= NOTES_MAX) {
        return Ok(false);
    }
    tx.query(
        "INSERT INTO reader_notes (id, reader_id, staff_id, at, text) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(note.id)
    .bind(note.reader_id)
    .bind(note.staff_id)
    .bind(note.at)
    .bind(note.text.as_str())
    .execute()
    .await?;
    Ok(true)
}

/// The notes about a reader, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(tx: &mut Tx, reader: Uuid) -> Result<Vec<Note>, StoreError> {
    tx.query(
        "SELECT id, reader_id, staff_id, at, text FROM reader_notes
         WHERE reader_id = $1 ORDER BY at DESC, id DESC LIMIT $2",
    )
    .bind(reader)
    .bind(NOTES_MAX)
    .all()
    .await
}

/// Forgets the notes about a reader.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Tx, reader: Uuid) -> Result<(), StoreError> {
    tx.query("DELETE FROM reader_notes WHERE reader_id = $1").bind(reader).execute().await?;
    Ok(())
}
