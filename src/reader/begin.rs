//! Accounts of readers who subscribe before they have answered a mail: provisional ones.
//!
//! Such an account belongs to the browser that began it, and opens articles there. A link from a
//! mail to its address makes it a whole one (`log_in`, `sign_up`).

use super::{
    accounts::{AccountError, Accounts, CONFIRM_LIFE, Device, LINK_LIFE, LoggedIn},
    link_store::{Link, Purpose},
    log_in::leading_on,
    model::Reader,
    store,
};
use crate::{
    auth::{
        access_token::Realm,
        session::{
            secret::SecretHash,
            store::{self as sessions, NewSession},
        },
    },
    clock::Timestamp,
    db::Tx,
    language::Language,
    mail::{address::Address, letter::Letter},
    numbers::{
        figure::{Fact, Figure},
        store as numbers,
    },
};

/// Somebody who is about to subscribe.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// The address that was typed.
    pub email: Address,
    /// The browser, by the hash of a secret in its cookie.
    pub browser: SecretHash,
    /// The language of the page.
    pub language: Language,
    /// The site whose wall led here, if any.
    pub site: Option<String>,
}

/// What is known of somebody who is about to subscribe.
#[derive(Debug)]
pub enum Beginning {
    /// Nothing: here is a provisional account, or the one that this browser began before.
    Begun(Reader),
    /// The address has an account, so its owner must say that it is them.
    Known(Reader),
}

impl Accounts {
    /// Gives a newcomer a provisional account, unless the address has one already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self, newcomer: &Newcomer) -> Result<Beginning, AccountError> {
        let now = self.clock.now();
        let reader = Reader {
            id: self.ids.uuid(now)?,
            email: newcomer.email.clone(),
            email_verified_at: None,
            password_hash: None,
            created_at: now,
            language: Some(newcomer.language),
            site: newcomer.site.clone(),
        };
        let mut tx = self.db.write().await?;
        if store::begin(&mut tx, &reader, newcomer.browser).await? {
            numbers::note(&mut tx, &[Fact::count(Figure::SignedUp, "", 1)], now).await?;
            tx.commit().await?;
            return Ok(Beginning::Begun(reader));
        }
        let known = store::find_by_email(&mut tx, &newcomer.email).await?;
        let known = known.ok_or(AccountError::Gone)?;
        let is_same = store::was_begun_in(&mut tx, known.id, newcomer.browser).await?;
        Ok(if is_same { Beginning::Begun(known) } else { Beginning::Known(known) })
    }

    /// Lets the browser that began a provisional account read by it, and writes a link that makes it
    /// a whole one. Where too many mails were asked for none is written; the confirmation offers it
    /// once more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn admit(&self, reader: Reader, device: Device) -> Result<LoggedIn, AccountError> {
        let now = self.clock.now();
        let new = NewSession {
            realm: Realm::Reader,
            subject: reader.id,
            device: device.name,
            authenticated_at: now,
            expires_at: now.plus(self.lifetimes.total),
            kind: device.keeps,
            reads_only: true,
            handed_from: None,
        };
        let mut tx = self.db.write().await?;
        let (session, secret) = sessions::start(&mut tx, &self.ids, new, now).await?;
        match self.write_to_confirm(&mut tx, &reader, now).await {
            Ok(()) => {}
            Err(AccountError::TooMany(_)) => {
                tracing::warn!(reader.id = %reader.id, "too many mails: none opens this account yet");
            }
            Err(error) => return Err(error),
        }
        tx.commit().await?;
        Ok(LoggedIn { reader, session, secret, reads_only: true })
    }

    /// Writes to `reader`, whose address somebody gave who wants to subscribe: a link that logs in
    /// and leads on to `return_to`, a path of ours.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn lead_on(&self, reader: &Reader, return_to: &str) -> Result<(), AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.count_mail(&mut tx, &reader.email, now).await?;
        let email = reader.email.clone();
        let link = Link { purpose: Purpose::LogIn, email, expires_at: now.plus(LINK_LIFE) };
        let link = self.make_link(&mut tx, "/login/link", link).await?;
        let link = leading_on(link, &[("return_to", return_to)])?;
        let letter = Letter::GoOnSubscribing { link };
        self.write_to(&mut tx, &self.recipient(reader), &letter, now).await?;
        Ok(tx.commit().await?)
    }

    /// Gives a provisional account another address, and writes to that one; says no where it has
    /// an account.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn correct(&self, reader: &Reader, email: &Address) -> Result<bool, AccountError> {
        let mut tx = self.db.write().await?;
        if !store::correct(&mut tx, reader.id, email).await? {
            return Ok(false);
        }
        tx.commit().await?;
        let corrected = Reader { email: email.clone(), ..reader.clone() };
        self.ask_to_confirm(&corrected).await?;
        Ok(true)
    }

    /// Writes a link that makes a provisional account a whole one, once more where `reader` asks.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn ask_to_confirm(&self, reader: &Reader) -> Result<(), AccountError> {
        let mut tx = self.db.write().await?;
        self.write_to_confirm(&mut tx, reader, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn write_to_confirm(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.count_mail(tx, &reader.email, now).await?;
        let email = reader.email.clone();
        let link = Link { purpose: Purpose::LogIn, email, expires_at: now.plus(CONFIRM_LIFE) };
        let letter = Letter::OpenAccount { link: self.make_link(tx, "/login/link", link).await? };
        self.write_to(tx, &self.recipient(reader), &letter, now).await
    }
}
