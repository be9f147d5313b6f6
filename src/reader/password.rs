//! Changing a password, and setting one by mail. Either ends every session, and cancels a pending change
//! of address.

use super::{
    accounts::{AccountError, Accounts, Device, FRESH_FOR, LoggedIn, MailRequest},
    address_by_staff::CancelCause,
    link_store::{self, Purpose},
    model::Reader,
    store,
};
use crate::{
    auth::{
        access_token::{Caller, Realm},
        hashing::{Turn, Verified},
        limit_store::LimitKey,
        password::Attempt,
        session::{
            model::EndReason,
            secret::{SecretHash, SecretKind},
            store as sessions,
        },
    },
    clock::Timestamp,
    db::Tx,
    http::client_ip::ClientIp,
    mail::{address::Address, clicks, letter::Letter},
};

impl Accounts {
    /// Changes the caller's password. The caller goes on in a new session.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`]; [`AccountError::FreshLoginRequired`] for a reader who has
    /// no password yet; [`AccountError::Hash`] when the new one cannot be taken.
    pub async fn change_password(
        &self,
        caller: Caller,
        current: Option<&Attempt>,
        new: &str,
        device: Device,
    ) -> Result<LoggedIn, AccountError> {
        let client = device.client;
        let (reader, turn) = self.prove(caller, current, client).await?;
        // However fresh the session is: whoever found a device open must not take the account.
        if current.is_none() && reader.password_hash.is_some() {
            return Err(AccountError::WrongPassword);
        }
        let mut turn = match turn {
            Some(turn) => turn,
            None => self.turn(client, LimitKey::reader(caller.subject)).await?,
        };
        let hash = self.hash_new(&mut turn, &reader.email, new).await?;
        drop(turn);
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let ended = self.put_password(&mut tx, &reader, &hash, now).await?;
        let logged_in = self.start_session(&mut tx, reader, device, now)?;
        tx.commit().await?;
        self.tokens.revocations().add(ended);
        Ok(logged_in)
    }

    /// Writes a link that lets set a password to `email`, or says that there is no account.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn send_reset_link(&self, asked: MailRequest<'_>) -> Result<(), AccountError> {
        let link = (Purpose::PasswordReset, "/login/reset", &[][..]);
        self.send_link(asked, link, |link| Letter::ResetPassword { link }).await
    }

    /// Sets the password that a mailed link lets set. Nobody is logged in by it.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`]; [`AccountError::Hash`] when the password cannot be taken,
    /// and then the link still works.
    pub async fn reset_password(
        &self,
        token: &str,
        new: &str,
        client: ClientIp,
    ) -> Result<(), AccountError> {
        let invalid = || AccountError::InvalidLink;
        let hash = SecretHash::of(SecretKind::Link, token).ok_or_else(invalid)?;
        let now = self.clock.now();
        let link = self.find_link(hash, now).await?;
        if link.purpose != Purpose::PasswordReset {
            return Err(invalid());
        }
        let mut turn = self.turn(client, LimitKey::login(link.email.key())).await?;
        let password_hash = self.hash_new(&mut turn, &link.email, new).await?;
        drop(turn);
        let mut tx = self.db.write().await?;
        let reader = store::find_by_email(&mut tx, &link.email).await?.ok_or_else(invalid)?;
        // The mail was answered, which also makes a provisional account a whole one.
        self.address_proved(&mut tx, (reader.id, &reader.email), now).await?;
        link_store::take(&mut tx, hash, now).await?.ok_or_else(invalid)?;
        clicks::note(&mut tx, token, now).await?;
        let ended = self.put_password(&mut tx, &reader, &password_hash, now).await?;
        self.forget_failures(&mut tx, &reader.email).await?;
        tx.commit().await?;
        self.tokens.revocations().add(ended);
        Ok(())
    }

    /// Makes sure that the caller is the reader: by the password, or by having logged in a short
    /// while ago. Where a password was given, the turn to hash it can be used on.
    pub(super) async fn prove(
        &self,
        caller: Caller,
        password: Option<&Attempt>,
        client: ClientIp,
    ) -> Result<(Reader, Option<Turn>), AccountError> {
        let mut turn = match password {
            Some(_) => Some(self.turn(client, LimitKey::reader(caller.subject)).await?),
            None => None,
        };
        let now = self.clock.now();
        let (reader, session) = {
            let mut tx = self.db.read().await?;
            let session = self.session_of(&mut tx, caller, now).await?;
            let reader = store::find(&mut tx, caller.subject).await?.ok_or(AccountError::Gone)?;
            if password.is_some() {
                self.check_failures(&mut tx, &reader.email, client, now).await?;
            }
            (reader, session)
        };
        match (password.zip(turn.as_mut()), reader.password_hash.as_deref()) {
            (Some((attempt, turn)), Some(stored)) => {
                if turn.verify(attempt, Some(stored)).await? == Verified::No {
                    self.record_failure(&reader.email, client, now).await?;
                    return Err(AccountError::WrongPassword);
                }
            }
            (Some(_), None) => return Err(AccountError::WrongPassword),
            (None, _) if session.is_fresh(FRESH_FOR, now) => {}
            (None, _) => return Err(AccountError::FreshLoginRequired),
        }
        Ok((reader, turn))
    }

    /// The hash of a new password for the account of `email`.
    pub(super) async fn hash_new(
        &self,
        turn: &mut Turn,
        email: &Address,
        new: &str,
    ) -> Result<String, AccountError> {
        let words = self.forbidden(email);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let password = turn.parse(new, &words).await?;
        Ok(turn.hash(&password).await?)
    }

    /// Stores the new hash, ends all sessions and links, cancels a pending change of address, and
    /// notifies the reader. Returns the sessions that it ended.
    async fn put_password(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        hash: &str,
        now: Timestamp,
    ) -> Result<Vec<uuid::Uuid>, AccountError> {
        // Somebody else who changes it at this moment was first.
        if !store::replace_password(tx, reader.id, reader.password_hash.as_deref(), hash).await? {
            return Err(AccountError::InvalidCredentials);
        }
        let owner = (Realm::Reader, reader.id);
        let ended = sessions::end_all(tx, owner, EndReason::PasswordChanged, now).await?;
        link_store::delete_for(tx, &reader.email).await?;
        let to = self.recipient(reader);
        self.write_to(tx, &to, &Letter::PasswordChanged { at: now }, now)?;
        // Asked for by a person who had the account before, or by support, which may have been deceived.
        self.cancel_address_change(tx, reader.id, (CancelCause::NewPassword, now)).await?;
        Ok(ended)
    }
}
