//! Accounts of readers who subscribe before they have answered a mail: provisional ones.
//!
//! Such an account belongs to the browser that began it, and opens articles there. A link from a
//! mail to its address makes it a whole one (`log_in`, `sign_up`).

use time::Duration;
use uuid::Uuid;

use super::{
    accounts::{AccountError, Accounts, CONFIRM_LIFE, Device, LINK_LIFE, LoggedIn, MailRequest},
    link_store::{Link, Purpose},
    log_in::leading_on,
    model::Reader,
    store::{self, Holds},
};
use crate::{
    auth::{
        access_token::{Realm, Scope},
        limit_store::{self, LimitKey},
        limits::Policy,
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

/// Corrections of the address of one provisional account: each sends a mail to an address that
/// anybody may have typed.
const CORRECTIONS: (u32, Duration) = (3, Duration::DAY);

impl Newcomer {
    /// The id of the account that this browser begins with this address: the same whenever it is
    /// tried again, so that declined cards are counted and the gateway knows the customer.
    #[must_use]
    pub fn account_id(&self) -> Uuid {
        self.browser.derived_id(&format!("account\0{}", self.email.key()))
    }
}

impl Accounts {
    /// The provisional account that this browser began with this address before. Says nothing about
    /// accounts that others have.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begun_before(&self, newcomer: &Newcomer) -> Result<Option<Reader>, AccountError> {
        let mut tx = self.db.read().await?;
        let begun = store::list_begun_in(&mut tx, newcomer.browser).await?;
        Ok(begun.into_iter().find(|reader| reader.email.key() == newcomer.email.key()))
    }

    /// The account that a newcomer is about to begin. Nothing is looked up by the address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prospect(&self, newcomer: &Newcomer) -> Result<Reader, AccountError> {
        let now = self.clock.now();
        let derived = newcomer.account_id();
        // That account may have been given another address since, or its owner may have confirmed it.
        let is_free = !store::exists(&mut self.db.read().await?, derived).await?;
        Ok(Reader {
            id: if is_free { derived } else { self.ids.uuid(now)? },
            email: newcomer.email.clone(),
            email_verified_at: None,
            password_hash: None,
            created_at: now,
            language: Some(newcomer.language),
            site: newcomer.site.clone(),
        })
    }

    /// Begins a provisional account in the browser that `browser` names. Where another account has
    /// the address, it stays there. Says no where this account was begun meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        browser: SecretHash,
    ) -> Result<bool, AccountError> {
        if !store::begin(tx, reader, browser).await?
            && !store::begin_apart(tx, reader, browser).await?
        {
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
            scope: Scope::Read(None),
            handed_from: None,
        };
        let (session, secret) = sessions::start(tx, &self.ids, new, now)?;
        let has_address = store::has_own_address(tx, &reader).await?;
        let holds = if has_address { Holds::Address } else { Holds::Nothing };
        match self.count_mail(tx, &reader.email, device.client, now).await {
            Ok(()) => self.write_to_confirm(tx, (&reader, holds), now).await?,
            Err(AccountError::TooMany(_)) => {
                tracing::warn!(reader.id = %reader.id, "too many mails: none opens this account yet");
            }
            Err(error) => return Err(error),
        }
        Ok(LoggedIn { reader, session, secret, scope: Scope::Read(None) })
    }

    /// Writes to `email`, with which a person wants to subscribe who must prove that it is theirs
    /// first: a link that logs in and leads on to `return_to`, a path of ours. Where too many mails
    /// were asked for none is written: the answer must not say whether one was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lead_on(
        &self,
        asked: MailRequest<'_>,
        return_to: &str,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let email = asked.email;
        let mut tx = self.db.write().await?;
        match self.count_mail(&mut tx, email, asked.client, now).await {
            Ok(()) => {}
            Err(AccountError::TooMany(_)) => {
                tracing::warn!("too many mails to one address: none leads on to an order");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let owner = store::find_by_email(&mut tx, email).await?;
        let letter = match &owner {
            Some(_) => {
                let expires_at = now.plus(LINK_LIFE);
                let link = Link { purpose: Purpose::LogIn, email: email.clone(), expires_at };
                let link = self.make_link(&mut tx, "/login/link", link)?;
                Letter::GoOnSubscribing { link: leading_on(link, &[("return_to", return_to)])? }
            }
            // There is no account with it any more, but it had the trial.
            None => Letter::TrialWasUsed { link: format!("{}{return_to}", self.public_url) },
        };
        let to = self.whoever_has(asked, owner.as_ref());
        self.write_to(&mut tx, &to, &letter, now)?;
        Ok(tx.commit().await?)
    }

    /// Gives a provisional account another address, and writes to that one. Whether an account has
    /// it makes no difference that can be seen. Says no where the account is no longer provisional.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] after a few corrections, and when too many mails were asked for.
    pub async fn correct(
        &self,
        reader: &Reader,
        email: &Address,
        client: ClientIp,
    ) -> Result<bool, AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let (burst, refill) = CORRECTIONS;
        let key = LimitKey::correction(&reader.id.to_string());
        limit_store::take(&mut tx, key, Policy::new(burst, refill), now).await?;
        let corrected = Reader { email: email.clone(), ..reader.clone() };
        let is_provisional = self.claim_and_write(&mut tx, &corrected, client, now).await?;
        if is_provisional {
            tx.commit().await?;
        }
        Ok(is_provisional)
    }

    /// Writes a link that makes a provisional account a whole one, once more where `reader` asks.
    /// Says no where the account is no longer provisional.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn ask_to_confirm(
        &self,
        reader: &Reader,
        client: ClientIp,
    ) -> Result<bool, AccountError> {
        let (mut tx, now) = (self.db.write().await?, self.clock.now());
        let is_provisional = self.claim_and_write(&mut tx, reader, client, now).await?;
        if is_provisional {
            tx.commit().await?;
        }
        Ok(is_provisional)
    }

    /// Gives a provisional account its address, unless another account has that, and writes there.
    /// The work is the same for both.
    async fn claim_and_write(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        client: ClientIp,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        self.count_mail(tx, &reader.email, client, now).await?;
        let Some(holds) = store::correct(tx, reader.id, &reader.email).await? else {
            return Ok(false);
        };
        self.write_to_confirm(tx, (reader, holds), now).await?;
        Ok(true)
    }

    /// Writes to the address of a provisional account: how to open it, or, where the address belongs
    /// to another account, how to log in to that.
    async fn write_to_confirm(
        &self,
        tx: &mut Tx,
        (reader, holds): (&Reader, Holds),
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let owner = store::find_by_email(tx, &reader.email).await?;
        let life = match holds {
            Holds::Address => CONFIRM_LIFE,
            Holds::Nothing => LINK_LIFE,
        };
        let email = reader.email.clone();
        let link = Link { purpose: Purpose::LogIn, email, expires_at: now.plus(life) };
        let link = self.make_link(tx, "/login/link", link)?;
        let letter = match holds {
            Holds::Address => Letter::OpenAccount { link },
            Holds::Nothing => Letter::AccountExists { link },
        };
        let to = self.recipient(owner.as_ref().unwrap_or(reader));
        self.write_to(tx, &to, &letter, now)
    }
}
