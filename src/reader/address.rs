//! Changing the address: both the old and the new mailbox must agree.

use super::{
    accounts::{AccountError, Accounts, CONFIRM_LIFE},
    address_by_staff::CancelCause,
    address_store::{self, Change, NewChange},
    link_store, store,
};
use crate::{
    audit::{
        model::{Action, Actor, Entry},
        store as audit,
    },
    auth::{
        access_token::Caller,
        password::Attempt,
        session::secret::{Secret, SecretHash, SecretKind},
    },
    db::StoreError,
    http::client_ip::ClientIp,
    mail::{address::Address, clicks, letter::Letter, outbox, recipient::Recipient},
    newsletter::moving as newsletters,
};

/// How far a change of address has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// The other mailbox must agree too.
    WaitsForOther,
    /// The address has been changed.
    Changed,
}

impl Accounts {
    /// Asks the caller's mailbox and the new one whether mail shall go to `new` from now on.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`], [`AccountError::FreshLoginRequired`],
    /// [`AccountError::TooMany`].
    pub async fn ask_for_address(
        &self,
        caller: Caller,
        password: Option<&Attempt>,
        new: &Address,
        client: ClientIp,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let (reader, _) = self.prove(caller, password, client).await?;
        let (old_token, new_token) = (
            Secret::generate(&self.ids, SecretKind::Link)?,
            Secret::generate(&self.ids, SecretKind::Link)?,
        );
        let change = NewChange {
            reader: reader.id,
            email: new,
            old: old_token.hash(),
            new: new_token.hash(),
            expires_at: now.plus(CONFIRM_LIFE),
            by_staff: None,
        };
        let path = "/account/address";
        let to_old = Letter::ConfirmAddressChange {
            link: self.link_to(path, &old_token),
            new_address: new.clone(),
        };
        let mut tx = self.db.write().await?;
        // A new password, or the end of all sessions, cancels what was asked for before: it must not
        // come in between.
        let reader = store::take(&mut tx, reader.id).await?.ok_or(AccountError::Gone)?;
        self.session_of(&mut tx, caller, now).await?;
        // For both mailboxes: else somebody who is logged in could have us write to everybody.
        self.count_mail(&mut tx, &reader.email, client, now).await?;
        self.count_mail(&mut tx, new, client, now).await?;
        self.cancel_address_change(&mut tx, reader.id, (CancelCause::Replaced, now)).await?;
        address_store::put(&mut tx, change).await?;
        // An address with another account cannot agree; its owner is told so, the caller is not.
        let old = self.recipient(&reader);
        let (new, to_new) = match store::find_by_email(&mut tx, new).await? {
            Some(owner) => (self.recipient(&owner), Letter::AddressTaken),
            None => {
                let link = self.link_to(path, &new_token);
                let new = Recipient { address: new.clone(), ..old.clone() };
                (new, Letter::ConfirmNewAddress { link })
            }
        };
        self.write_to(&mut tx, &old, &to_old, now)?;
        self.write_to(&mut tx, &new, &to_new, now)?;
        Ok(tx.commit().await?)
    }

    /// Agrees to a change of address in the name of the mailbox that got `token`.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`].
    pub async fn agree_to_address(&self, token: &str) -> Result<Agreement, AccountError> {
        let invalid = || AccountError::InvalidLink;
        let hash = SecretHash::of(SecretKind::Link, token).ok_or_else(invalid)?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let owner = address_store::owner(&mut tx, hash, now).await?.ok_or_else(invalid)?;
        store::lock(&mut tx, owner).await?;
        let change = address_store::confirm(&mut tx, hash, now).await?.ok_or_else(invalid)?;
        let Change { reader, email, is_complete: true, is_by_staff } = change else {
            clicks::note(&mut tx, token, now).await?;
            tx.commit().await?;
            return Ok(Agreement::WaitsForOther);
        };
        let reader = store::find(&mut tx, reader).await?.ok_or_else(invalid)?;
        self.billing.address_proved(&mut tx, (reader.id, &email), now).await?;
        match store::set_email(&mut tx, reader.id, &email, now).await {
            Ok(()) => {}
            // Somebody made an account with it meanwhile.
            Err(StoreError::Duplicate) => return Err(invalid()),
            Err(error) => return Err(error.into()),
        }
        address_store::delete(&mut tx, reader.id).await?;
        // What was mailed to either before belongs to nobody's account any more.
        link_store::delete_for(&mut tx, &email).await?;
        // An address that was only typed has an owner, whose newsletters and mails stay.
        if reader.is_proved() {
            newsletters::follow(&mut tx, &self.ids, (&reader.email, &email), now).await?;
            link_store::delete_for(&mut tx, &reader.email).await?;
            // The mails so far name the new address, in a mailbox that is left behind.
            outbox::delete_to(&mut tx, &reader.email).await?;
        }
        clicks::note(&mut tx, token, now).await?;
        let old = self.recipient(&reader);
        self.write_to(&mut tx, &old, &Letter::AddressChanged, now)?;
        if is_by_staff {
            let entry = Entry::new(now, Actor::System, Action::ReaderAddressChanged);
            audit::append(&mut tx, &self.audit_key, &entry.on("reader", reader.id)).await?;
        }
        tx.commit().await?;
        Ok(Agreement::Changed)
    }
}
