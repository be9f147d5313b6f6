//! What only a sandbox has: known keys, and a clock that can be moved forward.

pub mod bar;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use serde::{Deserialize, Serialize};
use time::Duration;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    audit::{
        chain::ChainKey,
        model::{Action, Actor, Entry},
        store as audit,
    },
    auth::{
        seal::MasterKey,
        staff::{
            model::{Role, Staff},
            store::{self as staff_store, StaffStoreError},
        },
    },
    billing::engine::Billing,
    clock::{Clock, SystemClock, Timestamp},
    db::{StoreError, Tx},
    demo::assets::NAMEPLATE,
    http::{
        body::{JsonBytes, parse},
        problem::{ApiError, FieldError, ProblemBody},
    },
    ids::Ids,
    mail::address::Address,
    metering::policy::{Policy, Rule},
    site::{
        directory::Directory,
        key::{KeyKind, NewKey},
        look::{
            color::Color,
            logo::{Logo, Picture},
            model::{Accent, Look},
            store as look_store,
        },
        model::Site,
        store::{self, SiteStoreError},
    },
};

/// The demonstration's site.
pub const SITE: &str = "demo";
/// Where its front page is.
pub const NEWSPAPER: &str = "/demo/";
/// Its secret key, which everybody knows.
pub const SECRET_KEY: &str = "sk_sandbox_demo";
/// Its publishable key.
pub const PUBLISHABLE_KEY: &str = "pk_sandbox_demo";
/// By what the demonstration's administrator logs in.
pub const STAFF_EMAIL: &str = "admin@demo.example";
/// The administrator's password, which everybody knows.
pub const STAFF_PASSWORD: &str = "sandbox-admin";
/// Its hash, made beforehand: a sandbox starts without computing one.
const STAFF_PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$GopOQlS6GzH5zCfaX6ZkNQ\
    $ho07JwXsvAENczTJBhbaaOp/o8z86o92OtoZChCAWtM";
/// One step of the clock is at most this long.
const STEP_MAX: Duration = Duration::days(3_660);

/// Adds the demonstration's site with its known keys, where it is not there yet.
///
/// # Errors
/// When the database fails.
pub async fn seed(tx: &mut Tx, public_url: &str, now: Timestamp) -> Result<(), SiteStoreError> {
    let policy = Policy::from(vec![Rule::everyone(1, default_window())]);
    let site = Site {
        id: SITE.to_owned(),
        name: "The Fathom".to_owned(),
        origins: vec![public_url.to_owned()],
        time_zone: "UTC".to_owned(),
        policy,
        created_at: now,
    };
    match store::insert(tx, &site).await {
        Ok(()) => {}
        Err(SiteStoreError::SiteExists(_)) => return Ok(()),
        Err(error) => return Err(error),
    }
    for (kind, text) in [(KeyKind::Secret, SECRET_KEY), (KeyKind::Publishable, PUBLISHABLE_KEY)] {
        let key = NewKey { id: format!("key_{}_demo", kind.as_str()), kind, text: text.to_owned() };
        store::insert_key(tx, SITE, &key, now).await?;
    }
    look_store::set(tx, SITE, &look()).await?;
    let nameplate = Logo { picture: Picture::Svg, bytes: NAMEPLATE.into() };
    look_store::set_logo(tx, SITE, &nameplate, now).await?;
    Ok(())
}

/// The colours of the demonstration's newspaper.
fn look() -> Look {
    let accent =
        Accent { light: Color::new(0x98, 0x35, 0x1f), dark: Some(Color::new(0xec, 0x9a, 0x83)) };
    Look { accent: Some(accent), ..Look::default() }
}

/// Adds the demonstration's administrator with the known password and no second factor, where
/// there is none yet.
///
/// # Errors
/// When the database fails, or there is no randomness.
pub async fn seed_staff(
    tx: &mut Tx,
    (master, ids): (&MasterKey, &Ids),
    now: Timestamp,
) -> Result<(), StaffStoreError> {
    let staff = Staff {
        id: ids.uuid(now)?,
        email: Address::parse(STAFF_EMAIL)?,
        password_hash: STAFF_PASSWORD_HASH.to_owned(),
        role: Role::Admin,
        totp: None,
        created_at: now,
        password_changed_at: now,
        disabled_at: None,
        device_epoch: 0,
    };
    match staff_store::insert(tx, &staff).await {
        Ok(()) => {}
        Err(StaffStoreError::EmailTaken) => return Ok(()),
        Err(error) => return Err(error),
    }
    let entry = Entry::new(now, Actor::System, Action::StaffAdded)
        .on("staff", staff.id)
        .after(serde_json::json!({"role": staff.role.as_str(), "second_factor": false}));
    audit::append(tx, &ChainKey::of(master), &entry).await?;
    Ok(())
}

/// Whether this database was seeded for a sandbox, which no live service may use.
///
/// # Errors
/// When the database fails.
pub async fn is_seeded(tx: &mut Tx) -> Result<bool, StoreError> {
    let key = crate::site::key::KeyHash::of(SECRET_KEY).to_text();
    let has_staff = staff_store::find_by_email_key(tx, STAFF_EMAIL).await?.is_some();
    Ok(has_staff || store::key_exists(tx, &key).await?)
}

/// The window of a new site: 30 days from the first counted read.
#[must_use]
pub fn default_window() -> crate::metering::window::WindowSpec {
    crate::metering::window::WindowSpec::Rolling(Duration::days(30))
}

/// Lets the notices of cancellation that wait take effect first, so that the mailbox shows what is
/// about to be written.
pub async fn with_notices(
    State(billing): State<Arc<Billing>>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(error) = billing.work_off_notices().await {
        tracing::warn!("notices of cancellation could not be looked at: {error}");
    }
    next.run(request).await
}

type Clocks = (Arc<SystemClock>, Arc<Directory>, Arc<Billing>);

/// The routes of a sandbox whose clock is `clock`.
pub fn routes(
    clock: Arc<SystemClock>,
    directory: Arc<Directory>,
    billing: Arc<Billing>,
) -> OpenApiRouter {
    let clocks = (clock, directory, billing);
    OpenApiRouter::new()
        .routes(routes!(read_clock, move_clock))
        .with_state(clocks.clone())
        .merge(bar::routes(clocks))
}

/// What time the sandbox thinks it is.
#[derive(Debug, Serialize, ToSchema)]
struct ClockBody {
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// How to move the clock: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveClock {
    /// By how much, an ISO 8601 duration such as `P31D`.
    #[serde(default)]
    advance: Option<String>,
    /// To which instant, RFC 3339.
    #[serde(default)]
    set: Option<String>,
}

/// What time the sandbox thinks it is.
#[utoipa::path(get, path = "/sandbox/clock", tag = "Sandbox",
    responses((status = 200, description = "The time", body = ClockBody)))]
async fn read_clock(State((clock, ..)): State<Clocks>) -> Json<ClockBody> {
    Json(ClockBody { now: clock.now() })
}

/// Moves the sandbox's clock forward, and answers when all work that fell due is done.
#[utoipa::path(post, path = "/sandbox/clock", tag = "Sandbox", request_body = MoveClock,
    responses((status = 200, description = "The new time", body = ClockBody),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
async fn move_clock(
    State(clocks): State<Clocks>,
    JsonBytes(bytes): JsonBytes,
) -> Result<Json<ClockBody>, ApiError> {
    let clock = &clocks.0;
    let step = parse::<MoveClock>(&bytes)?.step(clock.now()).map_err(|(field, detail)| {
        ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", detail)])
    })?;
    advance(&clocks, clock.now().plus(step)).await?;
    Ok(Json(ClockBody { now: clock.now() }))
}

/// Moves the clock on until `until`, through all that falls due.
async fn advance((clock, directory, billing): &Clocks, until: Timestamp) -> Result<(), ApiError> {
    // Billing first: whatever falls due on the way happens at its own time.
    let set = |at: Timestamp| clock.advance(at.since(clock.now()));
    billing.live_until(until, set).await?;
    // Signing keys become active and retire by the clock.
    directory.refresh().await.map_err(ApiError::internal)
}

impl MoveClock {
    fn step(&self, now: Timestamp) -> Result<Duration, (&'static str, &'static str)> {
        let (field, step) = match (&self.advance, &self.set) {
            (Some(text), None) => {
                let wrong = ("advance", "must be an ISO 8601 duration such as `P31D`");
                ("advance", parse_duration(text, now).ok_or(wrong)?)
            }
            (None, Some(text)) => {
                let wrong = ("set", "must be an RFC 3339 instant such as `2027-01-31T10:00:00Z`");
                ("set", Timestamp::parse(text).ok_or(wrong)?.since(now))
            }
            _ => return Err(("advance", "give either `advance` or `set`")),
        };
        if step.is_negative() {
            return Err((field, "the clock only moves forward"));
        }
        if step > STEP_MAX {
            return Err((field, "one step is at most 3660 days"));
        }
        Ok(step)
    }
}

/// Months and years are counted on the calendar of UTC, from `now`.
fn parse_duration(text: &str, now: Timestamp) -> Option<Duration> {
    let span: jiff::Span = text.starts_with('P').then(|| text.parse().ok())??;
    let from = jiff::Timestamp::from_microsecond(now.micros()).ok()?;
    let to = from.to_zoned(jiff::tz::TimeZone::UTC).checked_add(span).ok()?;
    Some(Timestamp::from_micros(to.timestamp().as_microsecond())?.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{
        hash_queue::TurnRequest,
        hashing::{Hasher, Verified},
        limit_store::LimitKey,
        password::Password,
    };

    #[tokio::test]
    async fn the_known_password_opens_the_known_account_with_the_hash_of_a_new_one() {
        let outside = crate::config::Outside { file: None, env: Vec::new() };
        let limits = crate::config::Config::from_layers(&outside).unwrap().passwords;
        let hasher = Hasher::start(limits, Ids::system().unwrap()).unwrap();
        let attempt = Password::attempt(STAFF_PASSWORD).unwrap();
        let mut turn = hasher.turn(TurnRequest::alone(LimitKey::login(STAFF_EMAIL))).await.unwrap();
        let verified = turn.verify(&attempt, Some(STAFF_PASSWORD_HASH)).await.unwrap();
        assert_eq!(verified, Verified::Yes, "and not one of less work");
    }

    #[test]
    fn the_demonstration_looks_as_any_site_may() {
        let look = look();
        assert!(look.accent.unwrap().checked().is_ok());
        let css = crate::demo::assets::STYLESHEET.content();
        let (light, dark) = look.accents();
        assert!(css.contains(&format!("--accent: {light};")), "as its newspaper");
        assert!(css.contains(&format!("--accent: {dark};")), "and in the dark");
        let logo = Logo::read(NAMEPLATE.into()).unwrap();
        assert_eq!(logo.picture, Picture::Svg);
    }

    #[test]
    fn the_clock_moves_by_a_duration_or_to_an_instant() {
        let now = Timestamp::parse("2027-01-31T10:00:00Z").unwrap();
        let step = |advance: Option<&str>, set: Option<&str>| {
            let moved = MoveClock { advance: advance.map(Into::into), set: set.map(Into::into) };
            moved.step(now).map_err(|(field, _)| field)
        };
        assert_eq!(step(Some("P31D"), None), Ok(Duration::days(31)));
        assert_eq!(step(Some("P1M"), None), Ok(Duration::days(28)));
        assert_eq!(step(Some("PT1H30M"), None), Ok(Duration::minutes(90)));
        assert_eq!(step(None, Some("2027-02-01T10:00:00Z")), Ok(Duration::days(1)));
        for wrong in ["", "31", "-P1D", "P1000Y", "1 day"] {
            assert_eq!(step(Some(wrong), None), Err("advance"), "{wrong}");
        }
        assert_eq!(step(None, Some("2026-01-01T00:00:00Z")), Err("set"));
        assert_eq!(step(None, None), Err("advance"));
    }
}
