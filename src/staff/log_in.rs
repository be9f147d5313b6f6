//! Coming on duty, with two factors; staying; leaving.

use uuid::Uuid;

use super::desk::{Acting, Desk, DeskError, Origin};
use crate::{
    audit::{
        model::{Action, Actor},
        store as audit,
    },
    auth::{
        access_token::{Caller, Realm, Scope},
        hash_queue::{Lane, TurnRequest},
        hashing::{HashError, Turn, Verified},
        limit_store::{self, LimitKey},
        password::Attempt,
        session::{
            model::EndReason,
            secret::{Secret, SecretHash, SecretKind},
            store::{self as sessions, NewSession},
            token_store::{self, Rotation},
        },
        staff::{model::Staff, recovery::RecoveryCode, store, totp::TotpSecret},
    },
    clock::Timestamp,
    db::Tx,
    mail::address::Address,
};

/// What stands in for the second factor.
#[derive(Debug, Clone)]
pub enum SecondFactor {
    /// Six digits of an authenticator app.
    Totp(String),
    /// One of the codes for when it is lost.
    Recovery(RecoveryCode),
}

impl SecondFactor {
    /// Six digits, as an app shows them.
    #[must_use]
    pub fn of_app(code: &str) -> Option<Self> {
        let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| Self::Totp(code.to_owned()))
    }

    /// One of the codes that were printed.
    #[must_use]
    pub fn of_paper(code: &str) -> Option<Self> {
        RecoveryCode::parse(code).map(Self::Recovery)
    }
}

/// A member of staff who has just logged in.
#[derive(Debug)]
pub struct CameOnDuty {
    /// Who.
    pub staff: Staff,
    /// In which session.
    pub session: Uuid,
    /// What the device keeps.
    pub secret: Secret,
}

impl CameOnDuty {
    /// Who calls from now on.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { subject: self.staff.id, session: self.session }
    }
}

impl Desk {
    /// Logs in with both factors, on `device`, which keeps a secret of `kind`.
    ///
    /// # Errors
    /// [`DeskError`]. What was wrong with an account that exists is in the audit log.
    pub async fn log_in(
        &self,
        email: &Address,
        attempt: &Attempt,
        factor: Option<&SecondFactor>,
        (device, kind, origin): (String, SecretKind, &Origin),
    ) -> Result<CameOnDuty, DeskError> {
        let now = self.clock.now();
        let key = LimitKey::staff_login(email.key());
        self.check_failures(&mut self.db.read().await?, key, origin, now).await?;
        let mut turn = self.turn(key, origin, now).await?;
        let staff = {
            let mut tx = self.db.read().await?;
            self.check_failures(&mut tx, key, origin, now).await?;
            store::find_by_email_key(&mut tx, email.key()).await?
        };
        let stored = staff.as_ref().map(|staff| staff.password_hash.as_str());
        let verified = turn.verify(attempt, stored).await?;
        let open = staff.as_ref().is_some_and(|staff| staff.disabled_at.is_none());
        let (Some(staff), true, Verified::Yes | Verified::YesButOld) = (&staff, open, verified)
        else {
            self.readers.networks.record(origin.client(), now);
            let mut tx = self.db.write().await?;
            limit_store::record(&mut tx, key, self.limits.login, now).await?;
            self.note_failure(&mut tx, staff.as_ref(), origin).await?;
            tx.commit().await?;
            return Err(DeskError::InvalidCredentials);
        };
        let hash = match verified {
            Verified::YesButOld => turn.rehash(attempt).await?,
            _ => staff.password_hash.clone(),
        };
        drop(turn);
        self.check_second_factor(staff, factor, origin, now).await?;
        let mut tx = self.db.write().await?;
        // Written first, so that a change of the password under way ends this session too.
        if !store::renew_password_hash(&mut tx, staff.id, (&staff.password_hash, &hash)).await? {
            return Err(DeskError::InvalidCredentials);
        }
        limit_store::clear(&mut tx, key).await?;
        limit_store::clear(&mut tx, LimitKey::totp(&staff.id.to_string())).await?;
        let new = NewSession {
            realm: Realm::Staff,
            subject: staff.id,
            device,
            authenticated_at: now,
            expires_at: now.plus(self.lifetimes.total),
            kind,
            scope: Scope::Full,
            handed_from: None,
        };
        let (session, secret) = sessions::start(&mut tx, &self.ids, new, now)?;
        let entry = origin.entry(Actor::Staff(staff.id), Action::StaffLoggedIn);
        audit::append(&mut tx, &self.audit_key, &entry.on("session", session)).await?;
        tx.commit().await?;
        Ok(CameOnDuty { staff: staff.clone(), session, secret })
    }

    /// Refuses to try another password where too many were wrong, for this account or from this
    /// network.
    async fn check_failures(
        &self,
        tx: &mut Tx,
        key: LimitKey,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        self.readers.networks.check(origin.client(), now).map_err(DeskError::TooMany)?;
        Ok(limit_store::check(tx, key, self.limits.login, now).await?)
    }

    /// Waits for one of the turns that are kept for staff.
    async fn turn(
        &self,
        account: LimitKey,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Turn, HashError> {
        let client = origin.client();
        let is_low = self.readers.networks.has_low_share(client, now);
        let lane = if is_low { Lane::Low } else { Lane::Staff };
        self.hasher.turn(TurnRequest { client, account, lane }).await
    }

    /// Six digits are quickly tried, so each try is counted before it is looked at.
    async fn check_second_factor(
        &self,
        staff: &Staff,
        factor: Option<&SecondFactor>,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let factor = match (factor, &staff.totp) {
            (_, None) if self.needs_second_factor => return Err(DeskError::NoSecondFactor),
            (_, None) => return Ok(()),
            (None, Some(_)) => return Err(DeskError::SecondFactorRequired),
            (Some(factor), Some(_)) => factor,
        };
        let mut tx = self.db.write().await?;
        let key = LimitKey::totp(&staff.id.to_string());
        limit_store::take(&mut tx, key, self.limits.totp, now).await?;
        let is_right = self.use_factor(&mut tx, staff, factor, now).await?;
        if !is_right {
            self.note_failure(&mut tx, Some(staff), origin).await?;
        }
        tx.commit().await?;
        if is_right { Ok(()) } else { Err(DeskError::InvalidSecondFactor) }
    }

    async fn use_factor(
        &self,
        tx: &mut Tx,
        staff: &Staff,
        factor: &SecondFactor,
        now: Timestamp,
    ) -> Result<bool, DeskError> {
        match factor {
            SecondFactor::Recovery(code) => {
                let hash = code.hash(&self.master, staff.id);
                Ok(store::use_recovery_code(tx, staff.id, &hash).await?)
            }
            SecondFactor::Totp(code) => {
                let Some(totp) = &staff.totp else { return Ok(false) };
                let secret = TotpSecret::open(&self.master, staff.id, &totp.sealed)
                    .map_err(|error| DeskError::Failed(error.into()))?;
                match secret.step_of(code, now, totp.last_step) {
                    Some(step) => Ok(store::use_totp_step(tx, staff.id, step).await?),
                    None => Ok(false),
                }
            }
        }
    }

    /// Writes into the audit log that somebody tried to log in as `staff`.
    async fn note_failure(
        &self,
        tx: &mut Tx,
        staff: Option<&Staff>,
        origin: &Origin,
    ) -> Result<(), DeskError> {
        if let Some(staff) = staff {
            let entry = origin.entry(Actor::System, Action::StaffLoginFailed);
            audit::append(tx, &self.audit_key, &entry.on("staff", staff.id)).await?;
        }
        Ok(())
    }

    /// Gives a new pair of tokens for a refresh token of staff.
    ///
    /// # Errors
    /// [`DeskError::InvalidRefreshToken`]; where somebody else had used it, the session has ended.
    pub async fn refresh(&self, token: &str) -> Result<CameOnDuty, DeskError> {
        let unknown = DeskError::InvalidRefreshToken;
        let Some(hash) = SecretHash::of(SecretKind::Refresh, token) else { return Err(unknown) };
        let now = self.clock.now();
        if token_store::find_session(&mut self.db.read().await?, hash).await?.is_none() {
            return Err(unknown);
        }
        let mut tx = self.db.write().await?;
        let realm = (Realm::Staff, self.lifetimes.idle);
        match token_store::rotate(&mut tx, &self.ids, realm, hash, now).await? {
            Rotation::Unknown => Err(unknown),
            Rotation::Rotated(session, secret) => {
                let staff = store::find(&mut tx, session.subject).await?;
                let open = staff.filter(|staff| staff.disabled_at.is_none());
                let staff = open.ok_or(unknown)?;
                tx.commit().await?;
                Ok(CameOnDuty { staff, session: session.id, secret })
            }
            Rotation::Reused(session) => {
                tx.commit().await?;
                self.tokens.revocations().add([session.id]);
                tracing::warn!(
                    session.id = %session.id, staff.id = %session.subject,
                    "a refresh token of staff was used twice: the session has been ended"
                );
                Err(unknown)
            }
        }
    }

    /// Ends the session of those who act.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_out(&self, acting: &Acting) -> Result<(), DeskError> {
        let session = acting.caller.session;
        let mut tx = self.db.write().await?;
        sessions::end(&mut tx, session, EndReason::LoggedOut, self.clock.now()).await?;
        let entry = acting.entry(Action::StaffLoggedOut).on("session", session);
        audit::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        self.tokens.revocations().add([session]);
        Ok(())
    }
}
