//! What staff do about a reader's address. Each act is in the audit log, with its reason and without
//! an address: the log outlives the people it is about.

use serde_json::json;
use uuid::Uuid;

use super::{
    again,
    desk::{Acting, Desk, DeskError},
};
use crate::{
    audit::model::Action,
    auth::limit_store::{self, LimitKey},
    clock::Timestamp,
    mail::address::Address,
    reader::{address_by_staff::Seen, address_store, store as readers},
};

/// `Ok` where it is done.
fn done(seen: Seen) -> Result<(), DeskError> {
    match seen {
        Seen::Done => Ok(()),
        Seen::Taken => Err(DeskError::AddressTaken),
        Seen::Already => Err(DeskError::Already),
    }
}

impl Desk {
    /// Lets mail to a reader go to `new` once that mailbox agrees; the old one is told and may
    /// object. Both mails count among those that staff may have written in an hour.
    ///
    /// # Errors
    /// [`DeskError::NotFound`]; [`DeskError::AddressTaken`]; [`DeskError::Already`];
    /// [`DeskError::TooMany`].
    pub async fn move_reader(
        &self,
        acting: &Acting,
        id: Uuid,
        (new, reason): (&Address, &str),
    ) -> Result<(), DeskError> {
        let mut tx = self.db.write().await?;
        let reader = readers::take(&mut tx, id).await?.ok_or(DeskError::NotFound)?;
        let key = LimitKey::again(&id.to_string());
        limit_store::take(&mut tx, key, again::limit(), self.clock.now()).await?;
        let entry = acting.entry(Action::ReaderAddressAsked).on("reader", id);
        let entry = entry.after(json!({"reason": reason}));
        let asked = (&reader, acting.staff.id);
        done(self.readers.ask_for_address_by_staff(&mut tx, asked, new, &entry).await?)?;
        Ok(tx.commit().await?)
    }

    /// Takes a reader's address for confirmed.
    ///
    /// # Errors
    /// [`DeskError::NotFound`]; [`DeskError::Already`].
    pub async fn confirm_address(
        &self,
        acting: &Acting,
        id: Uuid,
        reason: &str,
    ) -> Result<(), DeskError> {
        let mut tx = self.db.write().await?;
        let reader = readers::take(&mut tx, id).await?.ok_or(DeskError::NotFound)?;
        let entry = acting.entry(Action::ReaderAddressConfirmed).on("reader", id);
        let entry = entry.after(json!({"reason": reason}));
        done(self.readers.confirm_by_staff(&mut tx, &reader, &entry).await?)?;
        Ok(tx.commit().await?)
    }

    /// The address that a reader's is to become, and until when it may agree.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn address_to_come(
        &self,
        id: Uuid,
    ) -> Result<Option<(Address, Timestamp)>, DeskError> {
        let now = self.clock.now();
        let found = address_store::find(&mut self.db.read().await?, id).await?;
        Ok(found.filter(|(_, until)| now < *until))
    }
}
