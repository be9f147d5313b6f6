//! Who is on duty, and what they may do: every call of staff passes here.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, request::Parts},
};

use time::Duration;
use uuid::Uuid;

use super::disclosures::Disclosures;
use crate::{
    access::gate::{Gate, GateError},
    audit::{
        chain::ChainKey,
        model::{Action, Actor, Entry},
    },
    auth::{
        access_token::{Caller, Realm},
        hashing::{HashError, Hasher},
        limit_store::LimitError,
        limits::RetryAfter,
        seal::MasterKey,
        session::{
            model::{Lifetimes, Session},
            secret::SecretHash,
            store::{self as sessions, SessionError},
        },
        staff::{device::DeviceKey, model::Staff, permission::Permission, store},
        tokens::Tokens,
    },
    billing::{engine::BillingError, idempotency::Operation},
    clock::{Clock, Timestamp},
    config::Limits,
    db::{Db, StoreError, Tx},
    http::{
        client_ip::ClientIp,
        edge::RequestId,
        headers::bearer,
        problem::{ApiError, FieldError},
    },
    ids::{Ids, NoRandomness},
    language::{Language, Words},
    newsletter::newsletters::{NewsletterError, Newsletters},
    numbers::counts::PageCounts,
    reader::accounts::{AccountError, Accounts},
};

/// Everything that staff need to work.
pub struct Desk {
    /// Staff, their sessions, the audit log.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub ids: Ids,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    /// How often secrets may be tried.
    pub limits: Limits,
    /// How long sessions hold.
    pub lifetimes: Lifetimes,
    /// Knows the devices that staff have logged in from.
    pub devices: DeviceKey,
    /// Opens second factors.
    pub master: MasterKey,
    /// Signs the audit log.
    pub audit_key: ChainKey,
    /// Whether nobody logs in without a second factor.
    pub needs_second_factor: bool,
    /// Readers, on whom staff act.
    pub readers: Arc<Accounts>,
    /// Newsletters, which staff hand to the mail tool.
    pub newsletters: Arc<Newsletters>,
    /// What pages do, not written down yet.
    pub counts: PageCounts,
    /// Decides, and knows what was decided.
    pub gate: Arc<Gate>,
    /// Which lists of readers were given out to whom.
    pub disclosures: Disclosures,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("lifetimes", &self.lifetimes).finish_non_exhaustive()
    }
}

/// Why staff were refused.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Not this address with this password; nobody is told which.
    #[error("the address or the password is not right")]
    InvalidCredentials,
    /// The password is right, but the second factor is missing.
    #[error("send the code of the authenticator app too")]
    SecondFactorRequired,
    /// The code is wrong, over, or was used.
    #[error("this code is not right, or was used already")]
    InvalidSecondFactor,
    /// There is no second factor, and without one nobody logs in.
    #[error("this account has no second factor; an admin makes one")]
    NoSecondFactor,
    /// The refresh token was used, is over, or never was.
    #[error("this refresh token was used already or is over; log in again")]
    InvalidRefreshToken,
    /// Too many wrong secrets.
    #[error("there were too many attempts; wait a while")]
    TooMany(RetryAfter),
    /// The password cannot be hashed now.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No such thing.
    #[error("there is no such thing")]
    NotFound,
    /// Nobody would be left who can manage staff.
    #[error("this is the last admin: make somebody else one first")]
    LastAdmin,
    /// Nobody closes the own account or takes the own role away.
    #[error("ask another admin: nobody changes the own account")]
    OwnAccount,
    /// Somebody else was faster.
    #[error("this account was changed meanwhile; look at it again")]
    Changed,
    /// Another reader has this address.
    #[error("another reader has this address")]
    AddressTaken,
    /// It is so already.
    #[error("it is so already")]
    Already,
    /// So much was written down about one reader that nobody reads it.
    #[error("there are 200 notes about this reader, and there may be no more")]
    TooManyNotes,
    /// The days asked for hold more figures than one report can.
    #[error("these days hold more figures than one report can; ask for fewer")]
    TooManyFigures,
    /// Something failed on our side.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooMany { .. } => Self::TooManyFigures,
            error => Self::Failed(error.into()),
        }
    }
}

impl From<NoRandomness> for DeskError {
    fn from(error: NoRandomness) -> Self {
        Self::Failed(error.into())
    }
}

impl From<SessionError> for DeskError {
    fn from(error: SessionError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<LimitError> for DeskError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Exceeded(wait) => Self::TooMany(wait),
            LimitError::Store(error) => error.into(),
        }
    }
}

impl From<AccountError> for DeskError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Gone => Self::NotFound,
            AccountError::TooMany(wait) => Self::TooMany(wait),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<BillingError> for DeskError {
    fn from(error: BillingError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<GateError> for DeskError {
    fn from(error: GateError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NewsletterError> for DeskError {
    fn from(error: NewsletterError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::InvalidCredentials => Self::Unauthorized(
                "invalid_credentials",
                "the address or the password is not right",
            ),
            DeskError::SecondFactorRequired => Self::Unauthorized(
                "second_factor_required",
                "send `totp`, the code of the authenticator app, or `recovery_code` too",
            ),
            DeskError::InvalidSecondFactor => Self::Unauthorized(
                "invalid_second_factor",
                "this code is not right, or was used already",
            ),
            DeskError::NoSecondFactor => Self::Forbidden(
                "second_factor_missing",
                "this account has no second factor; `pressgate staff reset-totp` makes one",
            ),
            DeskError::InvalidRefreshToken => Self::Unauthorized(
                "invalid_refresh_token",
                "this refresh token was used already or is over; log in again",
            ),
            DeskError::TooMany(wait) => wait.into(),
            DeskError::Hash(error) => error.into(),
            DeskError::NotFound => Self::NotFound,
            DeskError::LastAdmin => Self::Conflict("last_admin", error.to_string().into()),
            DeskError::OwnAccount => Self::Conflict("own_account", error.to_string().into()),
            DeskError::TooManyNotes => Self::Conflict("too_many_notes", error.to_string().into()),
            DeskError::TooManyFigures => {
                let field = FieldError::new("from", "too_many", error.to_string());
                Self::InvalidQuery(vec![field])
            }
            DeskError::AddressTaken => Self::Conflict("address_taken", error.to_string().into()),
            DeskError::Already => Self::Conflict("already_so", error.to_string().into()),
            DeskError::Changed => Self::Conflict("changed_meanwhile", error.to_string().into()),
            DeskError::Failed(error) => Self::internal(error),
        }
    }
}

/// From where a request came, for the audit log.
#[derive(Debug, Clone)]
pub struct Origin {
    client: ClientIp,
    request_id: Option<String>,
    /// What a program calls the request, if it says so.
    operation: Option<Uuid>,
    now: Timestamp,
}

impl Origin {
    /// An entry about something done from here.
    #[must_use]
    pub fn entry(&self, actor: Actor, action: Action) -> Entry {
        Entry::new(self.now, actor, action).from(self.request_id.clone(), self.client.0)
    }
}

impl Origin {
    /// The address that it came from.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.client.0
    }

    /// Of a request that came at `now`.
    #[must_use]
    pub fn of(parts: &Parts, now: Timestamp) -> Self {
        let id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id);
        let request_id = id.map(HeaderValue::to_str).and_then(Result::ok).map(str::to_owned);
        let client = parts.extensions.get().copied().unwrap_or(ClientIp(None));
        let operation = parts.extensions.get().map(|Operation(id)| *id);
        Self { client, request_id, operation, now }
    }
}

impl FromRequestParts<Arc<Desk>> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, ApiError> {
        Ok(Self::of(parts, desk.clock.now()))
    }
}

/// A member of staff with a valid access token, who may do nothing yet: see [`OnDuty::to`].
#[derive(Debug)]
pub struct OnDuty(Acting);

/// A member of staff who may do what they are about to.
#[derive(Debug)]
pub struct Acting {
    /// Who.
    pub staff: Staff,
    /// In which session.
    pub caller: Caller,
    /// From where.
    pub origin: Origin,
}

impl OnDuty {
    /// Lets them do what asks for `permission`. There is no other way to act.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] when their role may not.
    pub fn to(self, permission: Permission) -> Result<Acting, ApiError> {
        self.check(permission)?;
        Ok(self.0)
    }

    /// The same for whoever stays on duty afterwards, on a page.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] when their role may not.
    pub fn check(&self, permission: Permission) -> Result<&Acting, ApiError> {
        if self.0.staff.role.may(permission) {
            Ok(&self.0)
        } else {
            Err(ApiError::Forbidden("not_permitted", "your role may not do this"))
        }
    }

    /// Who it is.
    #[must_use]
    pub fn staff(&self) -> &Staff {
        &self.0.staff
    }

    /// Lets them see to their own account, as every role may.
    #[must_use]
    pub fn to_self(self) -> Acting {
        self.0
    }
}

impl Acting {
    /// An entry of the audit log in their name.
    #[must_use]
    pub fn entry(&self, action: Action) -> Entry {
        self.origin.entry(Actor::Staff(self.staff.id), action)
    }

    /// What the request is called, so that it is done once however often it comes.
    #[must_use]
    pub fn operation(&self) -> Option<Uuid> {
        self.origin.operation
    }
}

impl FromRequestParts<Arc<Desk>> for OnDuty {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, ApiError> {
        let refused = || {
            let detail = "send an access token of staff as `Authorization: Bearer …`";
            ApiError::Unauthorized("invalid_token", detail)
        };
        let token = bearer(&parts.headers).ok_or_else(refused)?;
        let caller = desk.tokens.verify(Realm::Staff, token).map_err(|_| refused())?;
        let origin = Origin::of(parts, desk.clock.now());
        let staff = desk.on_duty(caller).await.map_err(ApiError::internal)?;
        let staff = staff.ok_or_else(refused)?;
        Ok(Self(Acting { staff, caller, origin }))
    }
}

impl Desk {
    /// How staff are spoken to: in English, by the first site's calendar.
    #[must_use]
    pub fn words(&self) -> Words {
        let site = self.readers.directory.snapshot().first_site();
        let zone = site.as_ref().map_or("UTC", |site| &site.site.time_zone);
        Words::new(Language::English, zone)
    }

    /// A name for what a form will do, so that it is done once however often it is sent.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new_operation(&self) -> Result<Uuid, ApiError> {
        self.ids.uuid(self.clock.now()).map_err(ApiError::internal)
    }

    /// Who is on duty in the browser whose cookie has the hash `cookie`, if anybody is.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn at_the_browser(
        &self,
        cookie: SecretHash,
        origin: Origin,
    ) -> Result<Option<OnDuty>, StoreError> {
        let mut tx = self.db.read().await?;
        let Some(session) = sessions::find_by_cookie(&mut tx, cookie).await? else {
            return Ok(None);
        };
        if session.realm != Realm::Staff {
            return Ok(None);
        }
        let Some(staff) = self.holder(&mut tx, &session).await? else { return Ok(None) };
        drop(tx);
        let now = self.clock.now();
        if now.since(session.last_used_at) > Duration::MINUTE {
            let mut tx = self.db.write().await?;
            sessions::touch(&mut tx, session.id, now).await?;
            tx.commit().await?;
        }
        Ok(Some(OnDuty(Acting { staff, caller: session.caller(), origin })))
    }

    async fn on_duty(&self, caller: Caller) -> Result<Option<Staff>, StoreError> {
        let mut tx = self.db.read().await?;
        let session = sessions::find(&mut tx, caller.session).await?;
        let Some(session) = session.filter(|session| session.subject == caller.subject) else {
            return Ok(None);
        };
        self.holder(&mut tx, &session).await
    }

    /// Whose session it is: read anew each time, so that a role that was taken away, or an account
    /// that was closed, counts from the next call on.
    async fn holder(&self, tx: &mut Tx, session: &Session) -> Result<Option<Staff>, StoreError> {
        if !session.holds(self.lifetimes.idle, self.clock.now()) {
            return Ok(None);
        }
        let staff = store::find(tx, session.subject).await?;
        Ok(staff.filter(|staff| staff.disabled_at.is_none()))
    }
}
