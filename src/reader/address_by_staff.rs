//! Staff see to a reader's address: somebody who has lost the mailbox cannot agree in its name.
//!
//! The new mailbox must agree. The old one is told at once, and may object until then.

use serde_json::json;
use uuid::Uuid;

use super::{
    accounts::{AccountError, Accounts, CONFIRM_LIFE, LINK_LIFE},
    address_store::{self, NewChange},
    link_store::{Link, Purpose},
    model::Reader,
    store,
};
use crate::{
    audit::{
        model::{Action, Actor, Entry},
        store as audit,
    },
    auth::session::secret::{Secret, SecretHash, SecretKind},
    clock::Timestamp,
    db::Tx,
    mail::{address::Address, clicks, letter::Letter, recipient::Recipient},
};

/// What cancels a change of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CancelCause {
    /// The reader has a new password.
    NewPassword,
    /// The reader was logged out everywhere.
    SessionsEnded,
    /// The reader asked for another address.
    Replaced,
}

impl CancelCause {
    /// For staff, who find it on the reader's timeline.
    fn as_str(self) -> &'static str {
        match self {
            Self::NewPassword => "a new password was set",
            Self::SessionsEnded => "the reader was logged out everywhere",
            Self::Replaced => "the reader asked for another address",
        }
    }
}

/// What came of what staff asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is done, or on its way.
    Done,
    /// Another reader has this address.
    Taken,
    /// There is nothing to do: it is so already.
    Already,
}

impl Accounts {
    /// Asks the new mailbox whether mail shall go there from now on, and tells the old one. `entry`
    /// goes into the audit log.
    ///
    /// # Errors
    /// [`AccountError::Gone`] for a reader who is not there.
    pub async fn ask_for_address_by_staff(
        &self,
        tx: &mut Tx,
        (reader, staff): (&Reader, Uuid),
        new: &Address,
        entry: &Entry,
    ) -> Result<Seen, AccountError> {
        let now = self.clock.now();
        if reader.email.key() == new.key() {
            return Ok(Seen::Already);
        }
        if store::find_by_email(tx, new).await?.is_some() {
            return Ok(Seen::Taken);
        }
        let (to_object, to_agree) = (
            Secret::generate(&self.ids, SecretKind::Link)?,
            Secret::generate(&self.ids, SecretKind::Link)?,
        );
        let change = NewChange {
            reader: reader.id,
            email: new,
            old: to_object.hash(),
            new: to_agree.hash(),
            expires_at: now.plus(CONFIRM_LIFE),
            by_staff: Some((staff, now)),
        };
        address_store::put(tx, change).await?;
        let old = self.recipient(reader);
        let there = Recipient { address: new.clone(), ..old.clone() };
        let tell = Letter::AddressChangeByStaff {
            link: self.link_to("/account/address/object", &to_object),
            new_address: new.clone(),
        };
        let ask = Letter::ConfirmNewAddress { link: self.link_to("/account/address", &to_agree) };
        self.write_to(tx, &old, &tell, now)?;
        self.write_to(tx, &there, &ask, now)?;
        audit::append(tx, &self.audit_key, entry).await?;
        Ok(Seen::Done)
    }

    /// Calls off a change that staff asked for, in the name of the old mailbox, which got `token`.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`], also once the new mailbox has agreed.
    pub async fn object_to_address(&self, token: &str) -> Result<(), AccountError> {
        let invalid = || AccountError::InvalidLink;
        let hash = SecretHash::of(SecretKind::Link, token).ok_or_else(invalid)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let reader = address_store::object(&mut tx, hash, now).await?.ok_or_else(invalid)?;
        clicks::note(&mut tx, token, now).await?;
        let entry = Entry::new(now, Actor::System, Action::ReaderAddressObjected);
        audit::append(&mut tx, &self.audit_key, &entry.on("reader", reader)).await?;
        Ok(tx.commit().await?)
    }

    /// Cancels a pending change of address. One that staff asked for is entered into the audit log as
    /// canceled: support sees that it came to nothing, and may have been deceived. Call it last in the
    /// transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn cancel_address_change(
        &self,
        tx: &mut Tx,
        reader: Uuid,
        (cause, now): (CancelCause, Timestamp),
    ) -> Result<(), AccountError> {
        if address_store::cancel(tx, reader, now).await? {
            let entry = Entry::new(now, Actor::System, Action::ReaderAddressCanceled)
                .on("reader", reader)
                .after(json!({"reason": cause.as_str()}));
            audit::append(tx, &self.audit_key, &entry).await?;
        }
        Ok(())
    }

    /// Takes staff's word that an address is the reader's. `entry` goes into the audit log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_by_staff(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        entry: &Entry,
    ) -> Result<Seen, AccountError> {
        if reader.email_verified_at.is_some() {
            return Ok(Seen::Already);
        }
        if !store::has_own_address(tx, reader).await? {
            return Ok(Seen::Taken);
        }
        self.address_proved(tx, (reader.id, &reader.email), self.clock.now()).await?;
        audit::append(tx, &self.audit_key, entry).await?;
        Ok(Seen::Done)
    }

    /// Writes a fresh link that logs in, or, where the account is provisional, makes it a whole one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn write_log_in(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let is_whole = reader.email_verified_at.is_some();
        let life = if is_whole { LINK_LIFE } else { CONFIRM_LIFE };
        let email = reader.email.clone();
        let link = Link { purpose: Purpose::LogIn, email, expires_at: now.plus(life) };
        let link = self.make_link(tx, "/login/link", link)?;
        let letter = if is_whole { Letter::LogIn { link } } else { Letter::OpenAccount { link } };
        self.write_to(tx, &self.recipient(reader), &letter, now)
    }
}
