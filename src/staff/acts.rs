//! What staff do to readers and mails. Each act is in the audit log, in the transaction of the
//! change itself.

use serde_json::json;
use uuid::Uuid;

use super::desk::{Acting, Desk, DeskError};
use crate::{
    audit::{
        model::{Action, Record},
        store as audit,
    },
    mail::outbox::{self, DeadMail, ListedMail, MailStatus},
    reader::{data::Export, store as readers},
};

impl Desk {
    /// Everything that is held about a reader.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn export_reader(&self, acting: &Acting, id: Uuid) -> Result<Export, DeskError> {
        let export = self.readers.export(id).await?;
        let mut tx = self.db.write().await?;
        let entry = acting.entry(Action::ReaderExported).on("reader", id);
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        Ok(export)
    }

    /// Erases a reader.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn erase_reader(&self, acting: &Acting, id: Uuid) -> Result<(), DeskError> {
        let entry = acting.entry(Action::ReaderErased).on("reader", id);
        Ok(self.readers.erase(id, Some(&entry)).await?)
    }

    /// Logs a reader out everywhere.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn end_sessions_of(&self, acting: &Acting, id: Uuid) -> Result<(), DeskError> {
        let known = readers::find(&mut self.db.read().await?, id).await?;
        known.ok_or(DeskError::NotFound)?;
        let entry = acting.entry(Action::ReaderSessionsEnded).on("reader", id);
        Ok(self.readers.end_sessions(id, Some(&entry)).await?)
    }

    /// The mails that were given up, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_mails(&self) -> Result<Vec<DeadMail>, DeskError> {
        Ok(outbox::list_dead(&mut self.db.read().await?).await?)
    }

    /// Mails older than `before`, of one status or of any, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mails(
        &self,
        status: Option<MailStatus>,
        before: Option<Uuid>,
    ) -> Result<Vec<ListedMail>, DeskError> {
        let mails = outbox::list(&mut self.db.read().await?, status, before).await?;
        Ok(self.as_they_stand(mails))
    }

    /// Mails as staff are told of them: in a sandbox that sends none they wait for nothing.
    pub(super) fn as_they_stand(&self, mails: Vec<ListedMail>) -> Vec<ListedMail> {
        if !self.readers.mail.keeps() {
            return mails;
        }
        mails.into_iter().map(ListedMail::kept).collect()
    }

    /// Lets a mail that was given up be tried again.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], also when its link is over by now.
    pub async fn retry_mail(&self, acting: &Acting, id: Uuid) -> Result<(), DeskError> {
        let mut tx = self.db.write().await?;
        if !outbox::revive(&mut tx, id, self.clock.now()).await? {
            return Err(DeskError::NotFound);
        }
        let entry = acting
            .entry(Action::MailRetried)
            .on("mail", id)
            .before(json!({"status": "dead"}))
            .after(json!({"status": "queued"}));
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        Ok(tx.commit().await?)
    }

    /// The entries of the audit log before the place `before`, the youngest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, before: Option<i64>, limit: i64) -> Result<Vec<Record>, DeskError> {
        Ok(audit::list(&mut self.db.read().await?, before, limit).await?)
    }
}
