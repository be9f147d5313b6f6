//! Access tokens: JWTs (RFC 9068) that say who calls, for a quarter of an hour. Pure.
//!
//! Everything that a token must be is spelled out here, because the library's own defaults take
//! tokens that are a minute too old, of any issuer, and of any type.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

use super::keys::{KeyRing, SigningKey};
use crate::clock::Timestamp;

/// How long an access token lives.
pub const LIFE: Duration = Duration::minutes(15);
/// How far ahead of ours the clock of the instance that issued a token may be. Its end is no later for that.
const CLOCKS_DIFFER_SECS: i64 = 60;
/// Longest token that is looked at. Ours have about 500 bytes.
pub const LENGTH_MAX: usize = 1_024;
/// The `typ` of RFC 9068, section 2.1.
const TYPE: &str = "at+jwt";
/// The `scope` of a website's tokens for its reader.
const SITE: &str = "site";
/// The `scope` of a website's tokens for a guest.
const READ: &str = "read";
/// What the `aud` of a website's tokens begins with. A bare id could be that of a realm.
const SITE_AUDIENCE: &str = "site:";
/// The `client_id` of everybody who logs in with us directly.
const CLIENT: &str = "pressgate";

/// Whose tokens: those of one realm open nothing in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Realm {
    /// Readers.
    Reader,
    /// The publisher's staff.
    Staff,
}

impl Realm {
    /// As stored, and as the `aud` of tokens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Staff => "staff",
        }
    }

    /// Reads what [`Realm::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reader, Self::Staff].into_iter().find(|realm| realm.as_str() == text)
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The reader or the member of staff.
    pub subject: Uuid,
    /// The session that the token came from.
    pub session: Uuid,
}

/// What a session and its tokens open: the claims `scope` (RFC 9068, section 2.2.3) and `aud`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything that is its caller's: no `scope`, and `aud` is the realm.
    Full,
    /// What the website with this id needs to serve its reader: `site`, for `site:<id>`.
    Site(Arc<str>),
    /// Access questions of the website with this id, for a guest, who has not proved to be the
    /// reader: `read`, for `site:<id>`. A guest on our own pages has no website, and no tokens.
    Read(Option<Arc<str>>),
}

/// What a call does with the token that it is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    /// Sees or changes anything of the account: every call that is not one of the others.
    Account,
    /// Says who the reader is.
    Profile,
    /// Asks the site with this id whether the reader may read an article.
    Access(&'a str),
}

impl Scope {
    /// The one table of what each scope opens.
    #[must_use]
    pub fn permits(&self, call: Call<'_>) -> bool {
        match (self, call) {
            (Self::Full, _) | (Self::Site(_), Call::Profile) => true,
            (Self::Site(of) | Self::Read(Some(of)), Call::Access(site)) => **of == *site,
            _ => false,
        }
    }

    /// The claims `aud` and `scope`; none where there are no such tokens.
    fn claims(&self, realm: Realm) -> Option<(String, Option<String>)> {
        let of_site = |site: &str, scope: &str| {
            Some((format!("{SITE_AUDIENCE}{site}"), Some(scope.to_owned())))
        };
        match self {
            Self::Full => Some((realm.as_str().to_owned(), None)),
            Self::Site(site) => of_site(site, SITE),
            Self::Read(Some(site)) => of_site(site, READ),
            Self::Read(None) => None,
        }
    }

    /// Reads what [`Scope::claims`] wrote. A website's tokens are always a reader's.
    fn parse(audience: &str, scope: Option<&str>) -> Option<(Realm, Self)> {
        let Some(site) = audience.strip_prefix(SITE_AUDIENCE) else {
            let realm = Realm::parse(audience)?;
            return scope.is_none().then_some((realm, Self::Full));
        };
        let site = || Some(Arc::from(site)).filter(|site: &Arc<str>| !site.is_empty());
        let scope = match scope? {
            SITE => Self::Site(site()?),
            READ => Self::Read(Some(site()?)),
            _ => return None,
        };
        Some((Realm::Reader, scope))
    }
}

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Of readers, or of staff.
    pub realm: Realm,
    /// Who calls.
    pub caller: Caller,
    /// For what.
    pub scope: Scope,
    /// From when on it holds no more.
    pub expires_at: Timestamp,
    /// The number of the key that signed it.
    pub key: u32,
}

/// The token does not hold; nobody is told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidToken;

/// Why a token was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// There are no tokens of this scope.
    #[error("a session on our own pages gives no access tokens")]
    NoTokens,
    /// The key cannot sign.
    #[error(transparent)]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// RFC 9068, section 2.2; nothing personal, since tokens end up in logs.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: Uuid,
    aud: String,
    client_id: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
    sid: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Signs a token for `caller`, which opens `scope`. `id` makes it unlike every other.
///
/// # Errors
/// [`IssueError`], which is our fault.
pub fn issue(
    keys: &KeyRing,
    (issuer, realm): (&str, Realm),
    (caller, scope): (Caller, &Scope),
    id: Uuid,
    now: Timestamp,
) -> Result<String, IssueError> {
    let (aud, scope) = scope.claims(realm).ok_or(IssueError::NoTokens)?;
    let header = Header {
        typ: Some(TYPE.to_owned()),
        kid: Some(keys.access.kid.clone()),
        ..Header::new(Algorithm::EdDSA)
    };
    let iat = now.unix_seconds();
    let claims = Claims {
        iss: issuer.to_owned(),
        sub: caller.subject,
        aud,
        client_id: CLIENT.to_owned(),
        iat,
        nbf: iat,
        exp: iat + LIFE.whole_seconds(),
        jti: id,
        sid: caller.session,
        scope,
    };
    Ok(encode(&header, &claims, &keys.access.key)?)
}

/// Checks everything about `token` but whether its session has ended, and whether it is for this
/// realm and this call: what it is for is part of the result.
///
/// # Errors
/// [`InvalidToken`].
pub fn verify(
    keys: &KeyRing,
    issuer: &str,
    token: &str,
    now: Timestamp,
) -> Result<Verified, InvalidToken> {
    if token.len() > LENGTH_MAX {
        return Err(InvalidToken);
    }
    let header = decode_header(token).map_err(|_| InvalidToken)?;
    let number = header.kid.as_deref().and_then(SigningKey::number_of).ok_or(InvalidToken)?;
    // An extension that must be understood (RFC 7515, section 4.1.11) is one we do not understand.
    if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
        return Err(InvalidToken);
    }
    let key = keys.access_checks.get(&number).ok_or(InvalidToken)?;
    let claims =
        decode::<Claims>(token, key, &validation(issuer)).map_err(|_| InvalidToken)?.claims;
    let now_secs = now.unix_seconds();
    let begun = claims.nbf.max(claims.iat) <= now_secs.saturating_add(CLOCKS_DIFFER_SECS);
    // "On or after" its end it is over (RFC 7519, section 4.1.4).
    let over = claims.exp <= now_secs;
    let too_long = claims.exp.saturating_sub(claims.iat) > LIFE.whole_seconds();
    let known_client = claims.client_id == CLIENT;
    if !begun || over || too_long || !known_client {
        return Err(InvalidToken);
    }
    let of = Scope::parse(&claims.aud, claims.scope.as_deref());
    let (realm, scope) = of.ok_or(InvalidToken)?;
    let expires_at = Timestamp::UNIX_EPOCH.plus(Duration::seconds(claims.exp));
    let caller = Caller { subject: claims.sub, session: claims.sid };
    Ok(Verified { realm, caller, scope, expires_at, key: number })
}

fn validation(issuer: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[issuer]);
    // The library knows fixed audiences only, and takes a list that holds one: `Scope::parse` reads it.
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp", "nbf"]);
    // The library would ask the machine's clock; ours is asked in `verify`.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.leeway = 0;
    validation
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
