//! What every errand of a reader needs: the parts, the errors, and the start of a session.

use std::sync::Arc;

use time::Duration;
use uuid::Uuid;

use super::{link_store, model::Reader, store};
use crate::{
    audit::chain::ChainKey,
    auth::{
        access_token::{Caller, LIFE, Realm, Scope},
        hash_queue::{Lane, TurnRequest},
        hashing::{HashError, Hasher, Turn},
        limit_store::{self, LimitError, LimitKey},
        limits::RetryAfter,
        mail_limits::MailLimits,
        network::NetworkLimits,
        session::{
            model::{Lifetimes, Session},
            secret::{Secret, SecretKind},
            store::{self as sessions, NewSession, SessionError},
        },
        tokens::Tokens,
    },
    billing::engine::{Billing, BillingError},
    clock::{Clock, Timestamp},
    config::Limits,
    db::{Db, StoreError, Tx},
    http::{client_ip::ClientIp, problem::ApiError},
    ids::{Ids, NoRandomness},
    language::{Language, Words},
    mail::{MailError, MailRoom, address::Address, letter::Letter, recipient::Recipient},
    newsletter::newsletters::NewsletterError,
    site::directory::Directory,
};

/// How long the link that makes an account, or agrees to a change of address, works.
pub(super) const CONFIRM_LIFE: Duration = Duration::hours(24);
/// How long a link that logs in or lets set a password works.
pub(super) const LINK_LIFE: Duration = Duration::minutes(15);
/// Who gave a secret within this time need not give it again for what cannot be undone.
pub(super) const FRESH_FOR: Duration = Duration::hours(1);

/// Why an errand was refused.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Not this address with this password; nobody is told which.
    #[error("the address or the password is not right")]
    InvalidCredentials,
    /// The link was used, is over, or never was.
    #[error("this link was used already or is over; ask for a new one")]
    InvalidLink,
    /// The code was used, is over, never was, or is for another website.
    #[error("this code was used already or is over; send the reader to log in again")]
    InvalidCode,
    /// The refresh token was used, is over, or never was.
    #[error("this refresh token was used already or is over; log in again")]
    InvalidRefreshToken,
    /// The reader's account is gone.
    #[error("this account is gone")]
    Gone,
    /// The password that proves the reader is wrong.
    #[error("this is not your password")]
    WrongPassword,
    /// The last secret was given too long ago.
    #[error("log in once more before you do this")]
    FreshLoginRequired,
    /// Too many wrong passwords, or mails.
    #[error("there were too many attempts; wait a while, or log in by a link in a mail")]
    TooMany(RetryAfter),
    /// The password cannot be hashed now, or cannot be taken.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// Something failed on our side.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<BillingError> for AccountError {
    fn from(error: BillingError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NoRandomness> for AccountError {
    fn from(error: NoRandomness) -> Self {
        Self::Failed(error.into())
    }
}

impl From<SessionError> for AccountError {
    fn from(error: SessionError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<MailError> for AccountError {
    fn from(error: MailError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NewsletterError> for AccountError {
    fn from(error: NewsletterError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<LimitError> for AccountError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Exceeded(wait) => Self::TooMany(wait),
            LimitError::Store(error) => error.into(),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::InvalidCredentials => Self::Unauthorized(
                "invalid_credentials",
                "the address or the password is not right",
            ),
            AccountError::InvalidLink => Self::Unauthorized(
                "invalid_link",
                "this link was used already or is over; ask for a new one",
            ),
            AccountError::InvalidCode => Self::Refused(
                "invalid_code",
                "this code was used already or is over; send the reader to log in again",
            ),
            AccountError::InvalidRefreshToken => Self::Unauthorized(
                "invalid_refresh_token",
                "this refresh token was used already or is over; log in again",
            ),
            AccountError::Gone => Self::Unauthorized("invalid_token", "this account is gone"),
            AccountError::WrongPassword => {
                Self::Forbidden("wrong_password", "this is not your password")
            }
            AccountError::FreshLoginRequired => {
                Self::Forbidden("fresh_login_required", "log in once more before you do this")
            }
            AccountError::TooMany(wait) => wait.into(),
            AccountError::Hash(error) => error.into(),
            AccountError::Failed(error) => Self::internal(error),
        }
    }
}

/// A device that logs in.
#[derive(Debug, Clone)]
pub struct Device {
    /// What it calls itself.
    pub name: String,
    /// What it keeps: [`SecretKind::Refresh`] or [`SecretKind::Cookie`].
    pub keeps: SecretKind,
    /// From where it calls.
    pub client: ClientIp,
}

/// A mail that is asked for by a person who has not proved to own the mailbox.
#[derive(Debug, Clone, Copy)]
pub struct MailRequest<'a> {
    /// To which address.
    pub email: &'a Address,
    /// The language and calendar of the page where it was typed.
    pub words: &'a Words,
    /// From where.
    pub client: ClientIp,
}

/// A reader who has just logged in.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who.
    pub reader: Reader,
    /// In which session.
    pub session: Uuid,
    /// What the device keeps.
    pub secret: Secret,
    /// What the session opens.
    pub scope: Scope,
}

impl LoggedIn {
    /// Who calls from now on.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { subject: self.reader.id, session: self.session }
    }
}

/// Does what readers can do with their accounts.
pub struct Accounts {
    /// Readers and their sessions.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub ids: Ids,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    /// Writes to readers.
    pub mail: MailRoom,
    /// Subscriptions, which end with the account.
    pub billing: Arc<Billing>,
    /// How often secrets may be tried.
    pub limits: Limits,
    /// Failed attempts by network.
    pub networks: Arc<NetworkLimits>,
    /// How many mails may be asked for.
    pub mail_limits: Arc<MailLimits>,
    /// How long sessions hold.
    pub lifetimes: Lifetimes,
    /// The names of sites, which make bad passwords, and their meters.
    pub directory: Arc<Directory>,
    /// What was read.
    pub meter_db: Db,
    /// What staff do to readers is written into the audit log under it.
    pub audit_key: ChainKey,
    /// Where the links in mails lead.
    pub public_url: Arc<str>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("lifetimes", &self.lifetimes).finish_non_exhaustive()
    }
}

impl Accounts {
    /// How long an access token lives, in seconds.
    #[must_use]
    pub fn expires_in(&self) -> i64 {
        LIFE.whole_seconds()
    }

    /// Writes down that a mail to `email` was answered for the account `reader`: the address is theirs
    /// from now on, and what was begun before that counts for it.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] where another account has the address.
    pub(super) async fn address_proved(
        &self,
        tx: &mut Tx,
        (reader, email): (Uuid, &Address),
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.billing.address_proved(tx, (reader, email), now).await?;
        Ok(store::set_email(tx, reader, email, now).await?)
    }

    /// Starts a session for `reader`.
    pub(super) fn start_session(
        &self,
        tx: &mut Tx,
        reader: Reader,
        device: Device,
        now: Timestamp,
    ) -> Result<LoggedIn, AccountError> {
        let new = NewSession {
            realm: Realm::Reader,
            subject: reader.id,
            device: device.name,
            authenticated_at: now,
            expires_at: now.plus(self.lifetimes.total),
            kind: device.keeps,
            scope: Scope::Full,
            handed_from: None,
        };
        let (session, secret) = sessions::start(tx, &self.ids, new, now)?;
        Ok(LoggedIn { reader, session, secret, scope: Scope::Full })
    }

    /// The caller's session, if it still holds and opens the account, whatever the token said.
    pub(super) async fn session_of(
        &self,
        tx: &mut Tx,
        caller: Caller,
        now: Timestamp,
    ) -> Result<Session, AccountError> {
        let session = sessions::find(tx, caller.session).await?;
        let opens = |session: &Session| {
            session.scope == Scope::Full && session.holds(self.lifetimes.idle, now)
        };
        session.filter(opens).ok_or(AccountError::Gone)
    }

    /// Keeps a link that `purpose` names, and gives the address that opens it.
    pub(super) fn make_link(
        &self,
        tx: &mut Tx,
        path: &str,
        link: link_store::Link,
    ) -> Result<String, AccountError> {
        let token = Secret::generate(&self.ids, SecretKind::Link)?;
        link_store::insert(tx, token.hash(), link);
        Ok(self.link_to(path, &token))
    }

    /// The address by which `token` comes back to us. It comes from the settings, never from a
    /// request, so that nobody can have a mail lead elsewhere.
    pub(super) fn link_to(&self, path: &str, token: &Secret) -> String {
        format!("{}{path}?token={}", self.public_url, token.expose())
    }

    /// Waits for a turn to hash the password of `account`.
    pub(super) async fn turn(
        &self,
        ClientIp(client): ClientIp,
        account: LimitKey,
    ) -> Result<Turn, HashError> {
        let is_low = self.networks.has_low_share(client, self.clock.now());
        let lane = if is_low { Lane::Low } else { Lane::Reader };
        self.hasher.turn(TurnRequest { client, account, lane }).await
    }

    /// Counts a wrong password against the account of `email` and the network of `client`.
    pub(super) async fn record_failure(
        &self,
        email: &Address,
        ClientIp(client): ClientIp,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.networks.record(client, now);
        let mut tx = self.db.write().await?;
        let key = LimitKey::login(email.key());
        limit_store::record(&mut tx, key, self.limits.login, now).await?;
        Ok(tx.commit().await?)
    }

    /// Refuses to try another password with `email` where too many were wrong, for this account or
    /// from the network of `client`.
    pub(super) async fn check_failures(
        &self,
        tx: &mut Tx,
        email: &Address,
        ClientIp(client): ClientIp,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.networks.check(client, now).map_err(AccountError::TooMany)?;
        let key = LimitKey::login(email.key());
        Ok(limit_store::check(tx, key, self.limits.login, now).await?)
    }

    /// Forgets the wrong secrets that were tried with `email`.
    pub(super) async fn forget_failures(
        &self,
        tx: &mut Tx,
        email: &Address,
    ) -> Result<(), AccountError> {
        Ok(limit_store::clear(tx, LimitKey::login(email.key())).await?)
    }

    /// Refuses a network that has asked for too many mails.
    ///
    /// # Errors
    /// [`AccountError::TooMany`].
    pub fn check_network(&self, ClientIp(client): ClientIp) -> Result<(), AccountError> {
        let checked = self.mail_limits.check_network(client, self.clock.now());
        checked.map_err(AccountError::TooMany)
    }

    /// Counts a mail of `client` for its network alone.
    pub fn count_for_network(&self, ClientIp(client): ClientIp) {
        self.mail_limits.record_network(client, self.clock.now());
    }

    /// Counts a mail that `client` asked for.
    pub(super) async fn count_mail(
        &self,
        tx: &mut Tx,
        to: &Address,
        ClientIp(client): ClientIp,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        Ok(self.mail_limits.take(tx, client, to, now).await?)
    }

    /// Speaks to a reader in `language` from now on.
    pub(super) async fn speak(&self, reader: Uuid, language: Language) -> Result<(), AccountError> {
        let mut tx = self.db.write().await?;
        store::set_language(&mut tx, reader, language).await?;
        Ok(tx.commit().await?)
    }

    pub(super) fn write_to(
        &self,
        tx: &mut Tx,
        to: &Recipient,
        letter: &Letter,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.mail.enqueue(tx, to, letter.content(&to.words), now)?;
        Ok(())
    }

    /// A reader as somebody to write to.
    pub(super) fn recipient(&self, reader: &Reader) -> Recipient {
        reader.recipient(&self.directory.snapshot(), &self.public_url)
    }

    /// Recipient for an address: its reader, or a stranger, who gets the requester's language.
    pub(super) fn whoever_has(&self, asked: MailRequest<'_>, reader: Option<&Reader>) -> Recipient {
        let stranger = || Recipient::new(asked.email, asked.words.clone());
        reader.map_or_else(stranger, |reader| self.recipient(reader))
    }

    /// Words that somebody who knows the reader tries first.
    pub(super) fn forbidden(&self, email: &Address) -> Vec<String> {
        let mut words = self.directory.snapshot().site_names();
        words.extend([email.key().to_owned(), email.local_part().to_owned()]);
        words
    }
}
