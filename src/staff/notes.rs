//! What staff write down about a reader, and that they looked.

use uuid::Uuid;

use super::desk::{Acting, Desk, DeskError};
use crate::{
    audit::{model::Action, store as audit},
    reader::{
        note_store::{self, Note},
        store as readers,
    },
};

/// That one member of staff looks at one reader again and again is one entry in this time.
const LOOK: time::Duration = time::Duration::HOUR;

impl Desk {
    /// Keeps a note about a reader. The same one again, as the last, is one note.
    ///
    /// # Errors
    /// [`DeskError::NotFound`]; [`DeskError::TooManyNotes`].
    pub async fn add_note(
        &self,
        acting: &Acting,
        reader: Uuid,
        text: String,
    ) -> Result<Note, DeskError> {
        let now = self.clock.now();
        let id = self.ids.uuid(now).map_err(|error| DeskError::Failed(error.into()))?;
        let note = Note { id, reader_id: reader, staff_id: acting.staff.id, at: now, text };
        let mut tx = self.db.write().await?;
        readers::take(&mut tx, reader).await?.ok_or(DeskError::NotFound)?;
        let last = note_store::list(&mut tx, reader).await?.into_iter().next();
        let is_same = |last: &Note| last.staff_id == note.staff_id && last.text == note.text;
        if let Some(last) = last.filter(is_same) {
            return Ok(last);
        }
        if !note_store::insert(&mut tx, &note).await? {
            return Err(DeskError::TooManyNotes);
        }
        let entry = acting.entry(Action::ReaderNoted).on("reader", reader);
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        Ok(note)
    }

    /// The notes about a reader, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notes(&self, reader: Uuid) -> Result<Vec<Note>, DeskError> {
        Ok(note_store::list(&mut self.db.read().await?, reader).await?)
    }

    /// Enters into the audit log that staff look at a reader, once an hour.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_look(&self, acting: &Acting, reader: Uuid) -> Result<(), DeskError> {
        let entry = acting.entry(Action::ReaderViewed).on("reader", reader);
        let since = self.clock.now().minus(LOOK);
        if audit::is_known_since(&mut self.db.read().await?, &entry, since).await? {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        Ok(tx.commit().await?)
    }
}
