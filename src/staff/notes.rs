//! What staff write down about a reader, and that they looked.

use uuid::Uuid;

use super::desk::{Acting, Desk, DeskError};
use crate::{
    audit::{model::Action, store as audit},
    db::StoreError,
    reader::{
        note_store::{self, Note},
        store as readers,
    },
};

/// That one member of staff looks at one reader again and again is one entry in this time.
const LOOK: time::Duration = time::Duration::HOUR;

impl Desk {
    /// Keeps a note about a reader. What has the same name, `operation`, is one note however often it
    /// comes, and so is the same text again, as the last.
    ///
    /// # Errors
    /// [`DeskError::NotFound`]; [`DeskError::TooManyNotes`]; [`DeskError::Changed`] for a name that
    /// something else has.
    pub async fn add_note(
        &self,
        acting: &Acting,
        (reader, operation): (Uuid, Option<Uuid>),
        text: String,
    ) -> Result<Note, DeskError> {
        let now = self.clock.now();
        let fresh = || self.ids.uuid(now).map_err(|error| DeskError::Failed(error.into()));
        let id = operation.map_or_else(fresh, Ok)?;
        let note = Note { id, reader_id: reader, staff_id: acting.staff.id, at: now, text };
        let mut tx = self.db.write().await?;
        readers::take(&mut tx, reader).await?.ok_or(DeskError::NotFound)?;
        let known = note_store::list(&mut tx, reader).await?;
        let is_same = |it: &&Note| it.staff_id == note.staff_id && it.text == note.text;
        let named = known.iter().find(|it| it.id == id);
        if let Some(same) = named.or(known.first()).filter(is_same) {
            return Ok(same.clone());
        }
        match note_store::insert(&mut tx, &note).await {
            Ok(true) => {}
            Ok(false) => return Err(DeskError::TooManyNotes),
            Err(StoreError::Duplicate) => return Err(DeskError::Changed),
            Err(error) => return Err(error.into()),
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

    /// Enters into the audit log that staff look at a reader, or at what names the reader's address,
    /// once an hour. Roles that see no address disclose nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_look(&self, acting: &Acting, reader: Uuid) -> Result<(), DeskError> {
        if !acting.visibility().sees_readers() {
            return Ok(());
        }
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
