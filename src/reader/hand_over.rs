//! Handing a reader over to a website on another origin, in the manner of an OAuth authorization
//! code (RFC 6749, section 4.1): the address that leads back carries a code, and the website's own
//! server gets a session for it.

use time::Duration;
use uuid::Uuid;

use super::{
    accounts::{AccountError, Accounts, LoggedIn},
    store,
};
use crate::{
    auth::{
        access_token::{Realm, Scope},
        session::{
            handover_store::{self as handovers, NewHandover},
            model::{EndReason, Session},
            secret::{Secret, SecretHash, SecretKind},
            store::{self as sessions, NewSession},
        },
    },
    clock::Timestamp,
    db::Tx,
    site::model::Site,
};

/// How long a code is good.
pub const CODE_LIFE: Duration = Duration::MINUTE;

impl Accounts {
    /// A code by which `origin` of the site `site` can get a session for whoever has `session` on our
    /// own pages; none where that has ended, or has asked for too many.
    ///
    /// # Errors
    /// When the database fails, or there is no randomness.
    pub async fn hand_over(
        &self,
        session: Uuid,
        (site, origin): (&str, &str),
    ) -> Result<Option<Secret>, AccountError> {
        let now = self.clock.now();
        let code = Secret::generate(&self.ids, SecretKind::Handover)?;
        let expires_at = now.plus(CODE_LIFE);
        let new = NewHandover { hash: code.hash(), session, site, origin, expires_at };
        let mut tx = self.db.write().await?;
        let is_kept = handovers::insert(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(is_kept.then_some(code))
    }

    /// Starts a session for the website `site`, which shows `code`, and perhaps says at which
    /// `origin` it was brought.
    ///
    /// # Errors
    /// [`AccountError::InvalidCode`], whatever is wrong with it. A code that comes a second time ends
    /// the session that it made (RFC 6749, section 4.1.2).
    pub async fn take_over(
        &self,
        site: &Site,
        code: &str,
        origin: Option<&str>,
    ) -> Result<LoggedIn, AccountError> {
        let refused = AccountError::InvalidCode;
        let Some(hash) = SecretHash::of(SecretKind::Handover, code) else { return Err(refused) };
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let Some(found) = handovers::find(&mut tx, hash, &site.id).await? else {
            return Err(refused);
        };
        if let Some(made) = found.made_session {
            return self.end_made(tx, made, now).await;
        }
        let is_there = site.origins.contains(&found.origin)
            && origin.is_none_or(|origin| origin == found.origin);
        if !is_there || now >= found.expires_at {
            return Err(refused);
        }
        let Some(from) = self.handing_over(&mut tx, found.session_id, now).await? else {
            return Err(refused);
        };
        let of_site = site.id.as_str().into();
        let scope = match from.scope {
            Scope::Full => Scope::Site(of_site),
            Scope::Read(None) => Scope::Read(Some(of_site)),
            // No website hands anybody on to another.
            Scope::Site(_) | Scope::Read(Some(_)) => return Err(refused),
        };
        let Some(reader) = store::find(&mut tx, from.subject).await? else { return Err(refused) };
        let new = NewSession {
            realm: Realm::Reader,
            subject: reader.id,
            device: site.name.clone(),
            // No secret was given here, so it is never fresh (`Session::is_fresh`); and nothing
            // outlives the log-in that it comes from.
            authenticated_at: from.authenticated_at,
            expires_at: from.expires_at,
            kind: SecretKind::Refresh,
            scope: scope.clone(),
            handed_from: Some(from.id),
        };
        let (session, secret) = sessions::start(&mut tx, &self.ids, new, now)?;
        if handovers::claim(&mut tx, hash, session).await? {
            tx.commit().await?;
            return Ok(LoggedIn { reader, session, secret, scope });
        }
        // Another was faster. What was begun here is nothing.
        drop(tx);
        let mut tx = self.db.write().await?;
        match handovers::find(&mut tx, hash, &site.id).await?.and_then(|found| found.made_session) {
            Some(made) => self.end_made(tx, made, now).await,
            None => Err(refused),
        }
    }

    /// The session that is handed over, if it still holds; nobody ends it until `tx` is over.
    async fn handing_over(
        &self,
        tx: &mut Tx,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Session>, AccountError> {
        let Some(session) = sessions::find(tx, id).await? else { return Ok(None) };
        store::lock(tx, session.subject).await?;
        let session = sessions::find(tx, id).await?;
        let holds = |session: &Session| {
            session.realm == Realm::Reader && session.holds(self.lifetimes.idle, now)
        };
        Ok(session.filter(holds))
    }

    /// Ends the session that a code made which was shown again: two hold a copy.
    async fn end_made(
        &self,
        mut tx: Tx,
        made: Uuid,
        now: Timestamp,
    ) -> Result<LoggedIn, AccountError> {
        sessions::end(&mut tx, made, EndReason::CodeReused, now).await?;
        tx.commit().await?;
        self.tokens.revocations().add([made]);
        tracing::warn!(session.id = %made, "a hand-over's code was used twice: the session has been ended");
        Err(AccountError::InvalidCode)
    }
}
