//! Logging in, by password or by mail; staying logged in; logging out.

use uuid::Uuid;

use super::{
    accounts::{AccountError, Accounts, Device, LINK_LIFE, LoggedIn, MailRequest},
    address_by_staff::CancelCause,
    link_store::{self, Link, Purpose},
    model::Reader,
    store,
};
use crate::{
    audit::{model::Entry, store as audit},
    auth::{
        access_token::{Caller, Realm, Scope},
        hashing::Verified,
        limit_store::LimitKey,
        password::Attempt,
        session::{
            model::{EndReason, Session},
            secret::{SecretHash, SecretKind},
            store as sessions,
            token_store::{self, Rotation},
        },
    },
    clock::Timestamp,
    mail::{address::Address, clicks, letter::Letter},
};

impl Accounts {
    /// Logs in by password.
    ///
    /// # Errors
    /// [`AccountError::InvalidCredentials`] for a wrong password and for an address without an
    /// account, after the same work; [`AccountError::TooMany`].
    pub async fn log_in(
        &self,
        email: &Address,
        attempt: &Attempt,
        device: Device,
    ) -> Result<LoggedIn, AccountError> {
        // Of several who come at once with an old hash one makes it anew, and the others look again.
        for _ in 0..2 {
            if let Some(logged_in) = self.try_log_in(email, attempt, device.clone()).await? {
                return Ok(logged_in);
            }
        }
        Err(AccountError::InvalidCredentials)
    }

    /// `None` when the password was changed, or its hash made anew, while it was looked at.
    async fn try_log_in(
        &self,
        email: &Address,
        attempt: &Attempt,
        device: Device,
    ) -> Result<Option<LoggedIn>, AccountError> {
        let now = self.clock.now();
        let client = device.client;
        // Guesses that are refused anyway take no turn.
        self.check_failures(&mut self.db.read().await?, email, client, now).await?;
        // Failures are looked at again and noted within a turn, so that guesses that come at once
        // cannot all be tried before the first of them counts.
        let mut turn = self.turn(client, LimitKey::login(email.key())).await?;
        let reader = {
            let mut tx = self.db.read().await?;
            self.check_failures(&mut tx, email, client, now).await?;
            store::find_by_email(&mut tx, email).await?
        };
        let stored = reader.as_ref().and_then(|reader| reader.password_hash.as_deref());
        let verified = turn.verify(attempt, stored).await?;
        let (Some(reader), Verified::Yes | Verified::YesButOld) = (reader, verified) else {
            self.record_failure(email, client, now).await?;
            return Err(AccountError::InvalidCredentials);
        };
        let fresh = match verified {
            Verified::YesButOld => Some(turn.rehash(attempt).await?),
            _ => None,
        };
        drop(turn);
        let before = reader.password_hash.as_deref();
        let hash = fresh.as_deref().or(before).unwrap_or_default();
        let mut tx = self.db.write().await?;
        // Written first, so that a change of the password that is under way ends this session too.
        if !store::replace_password(&mut tx, reader.id, before, hash).await? {
            return Ok(None);
        }
        self.forget_failures(&mut tx, email).await?;
        let logged_in = self.start_session(&mut tx, reader, device, now)?;
        tx.commit().await?;
        Ok(Some(logged_in))
    }

    /// Writes a link that logs in to an address, or says that there is no account. The link carries
    /// `leads_to`, the fields by which its page knows where to go on.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] when too many mails were asked for.
    pub async fn send_login_link(
        &self,
        asked: MailRequest<'_>,
        leads_to: &[(&str, &str)],
    ) -> Result<(), AccountError> {
        let link = (Purpose::LogIn, "/login/link", leads_to);
        self.send_link(asked, link, |link| Letter::LogIn { link }).await
    }

    /// Writes a link to `page` that does what `purpose` says, in a `letter`, or says that there is
    /// no account.
    pub(super) async fn send_link(
        &self,
        asked: MailRequest<'_>,
        (purpose, page, leads_to): (Purpose, &str, &[(&str, &str)]),
        letter: fn(String) -> Letter,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let email = asked.email;
        self.count_mail(&mut tx, email, asked.client, now).await?;
        let link = Link { purpose, email: email.clone(), expires_at: now.plus(LINK_LIFE) };
        // A link that nobody gets opens nothing, but making it takes the same time.
        let link = self.make_link(&mut tx, page, link)?;
        let link = leading_on(link, leads_to)?;
        let reader = store::find_by_email(&mut tx, email).await?;
        let letter = match &reader {
            Some(_) => letter(link),
            None => Letter::NoAccount { link: format!("{}/signup", self.public_url) },
        };
        let to = self.whoever_has(asked, reader.as_ref());
        self.write_to(&mut tx, &to, &letter, now)?;
        Ok(tx.commit().await?)
    }

    /// Logs in by a link from a mail.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`].
    pub async fn redeem(&self, token: &str, device: Device) -> Result<LoggedIn, AccountError> {
        let hash = SecretHash::of(SecretKind::Link, token).ok_or(AccountError::InvalidLink)?;
        let now = self.clock.now();
        self.find_link(hash, now).await?;
        let mut tx = self.db.write().await?;
        let link = link_store::find(&mut tx, hash, now).await?.ok_or(AccountError::InvalidLink)?;
        let reader = store::find_by_email(&mut tx, &link.email).await?;
        let (Purpose::LogIn, Some(reader)) = (link.purpose, reader) else {
            return Err(AccountError::InvalidLink);
        };
        // Written first, as in `log_in`. The mail was answered, so the address is still the
        // reader's.
        let email = reader.email.clone();
        self.address_proved(&mut tx, (reader.id, &email), now).await?;
        link_store::take(&mut tx, hash, now).await?.ok_or(AccountError::InvalidLink)?;
        link_store::delete_for(&mut tx, &email).await?;
        clicks::note(&mut tx, token, now).await?;
        // Whoever was locked out by wrong passwords is back.
        self.forget_failures(&mut tx, &email).await?;
        let logged_in = self.start_session(&mut tx, reader, device, now)?;
        tx.commit().await?;
        Ok(logged_in)
    }

    /// Looks a link up without writing anything: guesses at links must not make others wait for the
    /// lock of a write.
    pub(super) async fn find_link(
        &self,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<Link, AccountError> {
        let link = link_store::find(&mut self.db.read().await?, hash, now).await?;
        link.ok_or(AccountError::InvalidLink)
    }

    /// Gives a new pair of tokens for a refresh token.
    ///
    /// # Errors
    /// [`AccountError::InvalidRefreshToken`]; where somebody else had used it, the session has
    /// ended and its reader was written to.
    pub async fn refresh(&self, token: &str) -> Result<LoggedIn, AccountError> {
        let unknown = AccountError::InvalidRefreshToken;
        let Some(hash) = SecretHash::of(SecretKind::Refresh, token) else { return Err(unknown) };
        let now = self.clock.now();
        if token_store::find_session(&mut self.db.read().await?, hash).await?.is_none() {
            return Err(unknown);
        }
        let mut tx = self.db.write().await?;
        let realm = (Realm::Reader, self.lifetimes.idle);
        let rotation = token_store::rotate(&mut tx, &self.ids, realm, hash, now).await?;
        match rotation {
            Rotation::Unknown => Err(unknown),
            // There are no tokens of this scope.
            Rotation::Rotated(Session { scope: Scope::Read(None), .. }, _) => Err(unknown),
            Rotation::Rotated(session, secret) => {
                let reader = store::find(&mut tx, session.subject).await?.ok_or(unknown)?;
                tx.commit().await?;
                Ok(LoggedIn { reader, session: session.id, secret, scope: session.scope })
            }
            Rotation::Reused(session) => {
                if let Some(reader) = store::find(&mut tx, session.subject).await? {
                    let letter = Letter::TokenReused { device: session.device, at: now };
                    self.write_to(&mut tx, &self.recipient(&reader), &letter, now)?;
                }
                tx.commit().await?;
                self.tokens.revocations().add([session.id]);
                tracing::warn!(
                    session.id = %session.id, reader.id = %session.subject,
                    "a refresh token was used twice: the session has been ended"
                );
                Err(unknown)
            }
        }
    }

    /// Ends the session of a refresh token. A token that is not known is as good as ended (RFC
    /// 7009, section 2.2).
    ///
    /// # Errors
    /// [`AccountError`] when it could not be ended.
    pub async fn log_out(&self, token: &str) -> Result<(), AccountError> {
        let Some(hash) = SecretHash::of(SecretKind::Refresh, token) else { return Ok(()) };
        let session = token_store::find_session(&mut self.db.read().await?, hash).await?;
        let Some(session) = session.filter(|session| session.realm == Realm::Reader) else {
            return Ok(());
        };
        let mut tx = self.db.write().await?;
        sessions::end(&mut tx, session.id, EndReason::LoggedOut, self.clock.now()).await?;
        tx.commit().await?;
        self.tokens.revocations().add([session.id]);
        Ok(())
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// [`AccountError::Gone`].
    pub async fn profile(&self, caller: Caller) -> Result<Reader, AccountError> {
        let mut tx = self.db.read().await?;
        store::find(&mut tx, caller.subject).await?.ok_or(AccountError::Gone)
    }

    /// The caller's sessions that hold, the last used first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions(&self, caller: Caller) -> Result<Vec<Session>, AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let mut listed = sessions::list(&mut tx, Realm::Reader, caller.subject, now).await?;
        listed.retain(|session| session.holds(self.lifetimes.idle, now));
        Ok(listed)
    }

    /// Ends one of the caller's sessions, and with it what it handed over to websites; says whether
    /// there was such a one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, caller: Caller, session: Uuid) -> Result<bool, AccountError> {
        let mut tx = self.db.write().await?;
        // A website to which it is just being handed over waits here.
        store::lock(&mut tx, caller.subject).await?;
        let found = sessions::find(&mut tx, session).await?;
        let is_own = |found: &Session| {
            found.realm == Realm::Reader && found.subject == caller.subject && found.ended.is_none()
        };
        if !found.as_ref().is_some_and(is_own) {
            return Ok(false);
        }
        let reason =
            if session == caller.session { EndReason::LoggedOut } else { EndReason::EndedByOwner };
        let now = self.clock.now();
        sessions::end(&mut tx, session, reason, now).await?;
        let handed_over = sessions::end_handed_over(&mut tx, session, reason, now).await?;
        tx.commit().await?;
        self.tokens.revocations().add([session].into_iter().chain(handed_over));
        Ok(true)
    }

    /// Ends the session `before`, after which another begins in the same browser. What it handed over
    /// to websites stays with its reader there, and ends with the other.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_session(
        &self,
        before: Caller,
        after: &LoggedIn,
    ) -> Result<(), AccountError> {
        let mut tx = self.db.write().await?;
        let places = (before.session, after.session);
        store::lock(&mut tx, before.subject).await?;
        sessions::pass_on(&mut tx, after.reader.id, places).await?;
        let now = self.clock.now();
        sessions::end(&mut tx, before.session, EndReason::LoggedOut, now).await?;
        let strangers =
            sessions::end_handed_over(&mut tx, before.session, EndReason::LoggedOut, now).await?;
        tx.commit().await?;
        self.tokens.revocations().add([before.session].into_iter().chain(strangers));
        Ok(())
    }

    /// Ends all sessions of the reader `id`, and cancels a pending change of address, which one of
    /// them may have asked for. `record` goes into the audit log where it is staff who end them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions(&self, id: Uuid, record: Option<&Entry>) -> Result<(), AccountError> {
        let mut tx = self.db.write().await?;
        let now = self.clock.now();
        let reason = match record {
            Some(_) => EndReason::EndedByStaff,
            None => EndReason::EndedByOwner,
        };
        store::lock(&mut tx, id).await?;
        let ended = sessions::end_all(&mut tx, (Realm::Reader, id), reason, now).await?;
        self.cancel_address_change(&mut tx, id, (CancelCause::SessionsEnded, now)).await?;
        if let Some(entry) = record {
            audit::append(&mut tx, &self.audit_key, entry).await?;
        }
        tx.commit().await?;
        self.tokens.revocations().add(ended);
        Ok(())
    }
}

/// The same link, which carries `fields` too.
pub(super) fn leading_on(link: String, fields: &[(&str, &str)]) -> Result<String, AccountError> {
    if fields.is_empty() {
        return Ok(link);
    }
    let fields = serde_urlencoded::to_string(fields);
    let fields = fields.map_err(|error| AccountError::Failed(error.into()))?;
    Ok(format!("{link}&{fields}"))
}
