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
    http::client_ip::ClientIp,
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

/// Whose address it is that somebody typed who is about to subscribe.
#[derive(Debug)]
pub enum Found {
    /// Nobody's: here is the provisional account that they can have.
    Nobody(Reader),
    /// Theirs: of the provisional account that this browser began before.
    Begun(Reader),
    /// Somebody's, who must say that it is them.
    Somebody(Reader),
}

impl Accounts {
    /// Looks up whose address a newcomer typed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_up(&self, newcomer: &Newcomer) -> Result<Found, AccountError> {
        let mut tx = self.db.read().await?;
        let Some(known) = store::find_by_email(&mut tx, &newcomer.email).await? else {
            let now = self.clock.now();
            return Ok(Found::Nobody(Reader {
                id: self.ids.uuid(now)?,
                email: newcomer.email.clone(),
                email_verified_at: None,
                password_hash: None,
                created_at: now,
                language: Some(newcomer.language),
                site: newcomer.site.clone(),
            }));
        };
        let is_same = store::was_begun_in(&mut tx, known.id, newcomer.browser).await?;
        Ok(if is_same { Found::Begun(known) } else { Found::Somebody(known) })
    }

    /// Begins a provisional account in the browser that `browser` names; says no where the address
    /// has got one meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        browser: SecretHash,
    ) -> Result<bool, AccountError> {
        if !store::begin(tx, reader, browser).await? {
            return Ok(false);
        }
        let signed_up = Fact::count(Figure::SignedUp, "", 1);
        numbers::note(tx, &[signed_up], reader.created_at);
        Ok(true)
    }

    /// Lets the browser that began a provisional account read by it, and writes a link that makes it
    /// a whole one. Where too many mails were asked for none is written; the confirmation offers it
    /// once more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn admit(
        &self,
        tx: &mut Tx,
        reader: Reader,
        device: Device,
    ) -> Result<LoggedIn, AccountError> {
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
        let (session, secret) = sessions::start(tx, &self.ids, new, now)?;
        match self.write_to_confirm(tx, &reader, device.client, now).await {
            Ok(()) => {}
            Err(AccountError::TooMany(_)) => {
                tracing::warn!(reader.id = %reader.id, "too many mails: none opens this account yet");
            }
            Err(error) => return Err(error),
        }
        Ok(LoggedIn { reader, session, secret, reads_only: true })
    }

    /// Writes to `reader`, whose address somebody gave who wants to subscribe: a link that logs in
    /// and leads on to `return_to`, a path of ours.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn lead_on(
        &self,
        reader: &Reader,
        return_to: &str,
        client: ClientIp,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.count_mail(&mut tx, &reader.email, client, now).await?;
        let email = reader.email.clone();
        let link = Link { purpose: Purpose::LogIn, email, expires_at: now.plus(LINK_LIFE) };
        let link = self.make_link(&mut tx, "/login/link", link)?;
        let link = leading_on(link, &[("return_to", return_to)])?;
        let letter = Letter::GoOnSubscribing { link };
        self.write_to(&mut tx, &self.recipient(reader), &letter, now)?;
        Ok(tx.commit().await?)
    }

    /// Gives a provisional account another address, and writes to that one; says no where it has
    /// an account.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn correct(
        &self,
        reader: &Reader,
        email: &Address,
        client: ClientIp,
    ) -> Result<bool, AccountError> {
        let mut tx = self.db.write().await?;
        if !store::correct(&mut tx, reader.id, email).await? {
            return Ok(false);
        }
        tx.commit().await?;
        let corrected = Reader { email: email.clone(), ..reader.clone() };
        self.ask_to_confirm(&corrected, client).await?;
        Ok(true)
    }

    /// Writes a link that makes a provisional account a whole one, once more where `reader` asks.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn ask_to_confirm(
        &self,
        reader: &Reader,
        client: ClientIp,
    ) -> Result<(), AccountError> {
        let mut tx = self.db.write().await?;
        self.write_to_confirm(&mut tx, reader, client, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn write_to_confirm(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        client: ClientIp,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.count_mail(tx, &reader.email, client, now).await?;
        let email = reader.email.clone();
        let link = Link { purpose: Purpose::LogIn, email, expires_at: now.plus(CONFIRM_LIFE) };
        let letter = Letter::OpenAccount { link: self.make_link(tx, "/login/link", link)? };
        self.write_to(tx, &self.recipient(reader), &letter, now)
    }
}
