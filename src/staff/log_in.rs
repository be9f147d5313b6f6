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

/// A device from which staff log in.
#[derive(Debug)]
pub struct StaffDevice<'a> {
    /// What it calls itself.
    pub name: String,
    /// What it keeps of the session.
    pub keeps: SecretKind,
    /// What it keeps of an earlier login; see [`DeviceKey`](crate::auth::staff::device::DeviceKey).
    pub token: Option<&'a str>,
    /// From where it calls.
    pub origin: &'a Origin,
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
    /// By what the device is known from now on; none where it only refreshed its tokens.
    pub device_token: Option<String>,
}

/// What the attempts to log in count against: the account and the network, or, from a known device,
/// that device alone.
#[derive(Debug, Clone, Copy)]
enum Counter {
    Account(LimitKey),
    Device(Uuid),
}

impl Counter {
    fn passwords(self) -> LimitKey {
        match self {
            Self::Account(key) => key,
            Self::Device(device) => LimitKey::staff_device(device),
        }
    }

    fn codes(self, staff: Uuid) -> LimitKey {
        match self {
            Self::Account(_) => LimitKey::totp(staff),
            Self::Device(device) => LimitKey::totp_of_device(device),
        }
    }
}

impl CameOnDuty {
    /// Who calls from now on.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { subject: self.staff.id, session: self.session }
    }
}

impl Desk {
    /// Logs in with both factors.
    ///
    /// # Errors
    /// [`DeskError`]. What was wrong with an account that exists is in the audit log.
    pub async fn log_in(
        &self,
        email: &Address,
        attempt: &Attempt,
        factor: Option<&SecondFactor>,
        device: StaffDevice<'_>,
    ) -> Result<CameOnDuty, DeskError> {
        let (now, origin) = (self.clock.now(), device.origin);
        let counter = self.counter(email, &device, now).await?;
        let mut turn = self.turn(counter, origin, now).await?;
        let staff = {
            let mut tx = self.db.read().await?;
            self.check_failures(&mut tx, counter, origin, now).await?;
            store::find_by_email_key(&mut tx, email.key()).await?
        };
        let stored = staff.as_ref().map(|staff| staff.password_hash.as_str());
        let verified = turn.verify(attempt, stored).await?;
        let open = staff.as_ref().is_some_and(|staff| staff.disabled_at.is_none());
        let (Some(staff), true, Verified::Yes | Verified::YesButOld) = (&staff, open, verified)
        else {
            self.record_failure(staff.as_ref(), counter, origin, now).await?;
            return Err(DeskError::InvalidCredentials);
        };
        let hash = match verified {
            Verified::YesButOld => turn.rehash(attempt).await?,
            _ => staff.password_hash.clone(),
        };
        drop(turn);
        self.check_second_factor((staff, factor), counter, origin, now).await?;
        let mut tx = self.db.write().await?;
        // Written first, so that a change of the password under way ends this session too.
        if !store::renew_password_hash(&mut tx, staff.id, (&staff.password_hash, &hash)).await? {
            return Err(DeskError::InvalidCredentials);
        }
        limit_store::clear(&mut tx, counter.passwords()).await?;
        limit_store::clear(&mut tx, counter.codes(staff.id)).await?;
        let new = NewSession {
            realm: Realm::Staff,
            subject: staff.id,
            device: device.name,
            authenticated_at: now,
            expires_at: now.plus(self.lifetimes.total),
            kind: device.keeps,
            scope: Scope::Full,
            handed_from: None,
        };
        let (session, secret) = sessions::start(&mut tx, &self.ids, new, now)?;
        let entry = origin.entry(Actor::Staff(staff.id), Action::StaffLoggedIn);
        audit::append(&mut tx, &self.audit_key, &entry.on("session", session)).await?;
        tx.commit().await?;
        let known = match counter {
            Counter::Device(known) => known,
            Counter::Account(_) => self.ids.uuid(now)?,
        };
        let device_token = Some(self.devices.token(known, staff, now));
        Ok(CameOnDuty { staff: staff.clone(), session, secret, device_token })
    }

    /// What this attempt counts against. Refuses at once what would be refused anyway, so that it
    /// takes no turn to hash a password.
    async fn counter(
        &self,
        email: &Address,
        device: &StaffDevice<'_>,
        now: Timestamp,
    ) -> Result<Counter, DeskError> {
        let mut tx = self.db.read().await?;
        let staff = match device.token {
            Some(_) => store::find_by_email_key(&mut tx, email.key()).await?,
            None => None,
        };
        let known = device.token.zip(staff.as_ref());
        let known = known.and_then(|(token, staff)| self.devices.device(token, staff, now));
        let of_account = || Counter::Account(LimitKey::staff_login(email.key()));
        let counter = known.map_or_else(of_account, Counter::Device);
        self.check_failures(&mut tx, counter, device.origin, now).await?;
        Ok(counter)
    }

    /// Refuses to try another password where too many were wrong.
    async fn check_failures(
        &self,
        tx: &mut Tx,
        counter: Counter,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        if let Counter::Account(_) = counter {
            self.readers.networks.check(origin.client(), now).map_err(DeskError::TooMany)?;
        }
        Ok(limit_store::check(tx, counter.passwords(), self.limits.login, now).await?)
    }

    async fn record_failure(
        &self,
        staff: Option<&Staff>,
        counter: Counter,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        if let Counter::Account(_) = counter {
            self.readers.networks.record(origin.client(), now);
        }
        let mut tx = self.db.write().await?;
        limit_store::record(&mut tx, counter.passwords(), self.limits.login, now).await?;
        self.note_failure(&mut tx, staff, origin).await?;
        Ok(tx.commit().await?)
    }

    /// Waits for one of the turns that are kept for staff.
    async fn turn(
        &self,
        counter: Counter,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Turn, HashError> {
        let (client, account) = (origin.client(), counter.passwords());
        let lane = match counter {
            Counter::Account(_) if self.readers.networks.has_low_share(client, now) => Lane::Low,
            _ => Lane::Staff,
        };
        self.hasher.turn(TurnRequest { client, account, lane }).await
    }

    /// Six digits are quickly tried, so each try is counted before it is looked at.
    async fn check_second_factor(
        &self,
        (staff, factor): (&Staff, Option<&SecondFactor>),
        counter: Counter,
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
        limit_store::take(&mut tx, counter.codes(staff.id), self.limits.totp, now).await?;
        let is_right = self.use_factor(&mut tx, staff, factor, now).await?;
        if !is_right {
            self.note_failure(&mut tx, Some(staff), origin).await?;
        }
        tx.commit().await?;
        if !is_right {
            if let Counter::Account(_) = counter {
                self.readers.networks.record(origin.client(), now);
            }
            return Err(DeskError::InvalidSecondFactor);
        }
        Ok(())
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
                Ok(CameOnDuty { staff, session: session.id, secret, device_token: None })
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
