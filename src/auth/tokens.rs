//! Access tokens in use: issued here, and checked here at most once each.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::HeaderMap;
use prometheus_client::metrics::counter::Counter;
use quick_cache::sync::Cache;

use super::{
    access_token::{self, Call, Caller, InvalidToken, Realm, Scope, Verified},
    revocation::Revocations,
};
use crate::{
    clock::Clock,
    http::{headers::bearer, metrics::Metrics, problem::ApiError},
    ids::Ids,
    site::directory::Directory,
};

/// Why a token does not open what it was shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not hold, its session has ended, or it is of another realm.
    #[error("the access token is not valid")]
    Invalid,
    /// It holds, but opens less (RFC 6750, section 3.1).
    #[error("the access token does not open this")]
    InsufficientScope,
}

impl From<InvalidToken> for TokenError {
    fn from(InvalidToken: InvalidToken) -> Self {
        Self::Invalid
    }
}

/// Issues and checks access tokens.
pub struct Tokens {
    directory: Arc<Directory>,
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    issuer: Arc<str>,
    /// What was checked, by the SHA-256 of the token, with what the token is for. Entries that are
    /// over fall out as new ones come; each is looked at again before it is believed.
    checked: Cache<[u8; 32], Verified>,
    signature_checks: Counter,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens of the installation at `issuer`, of which `cache_entries` are remembered.
    #[must_use]
    pub fn new(
        (directory, revocations): (Arc<Directory>, Arc<Revocations>),
        (clock, ids): (Arc<dyn Clock>, Ids),
        issuer: &str,
        cache_entries: usize,
        metrics: &Metrics,
    ) -> Self {
        Self {
            directory,
            revocations,
            clock,
            ids,
            issuer: issuer.into(),
            checked: Cache::new(cache_entries),
            signature_checks: metrics.signature_checks.clone(),
        }
    }

    /// Signs an access token for `caller` that opens `scope`.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when there is no randomness, the key cannot sign, or sessions of this
    /// scope have no tokens.
    pub fn issue(&self, realm: Realm, caller: Caller, scope: &Scope) -> Result<String, ApiError> {
        let now = self.clock.now();
        let id = self.ids.uuid(now).map_err(ApiError::internal)?;
        let (keys, of) = (&self.directory.snapshot().keys, (caller, scope));
        access_token::issue(keys, (&self.issuer, realm), of, id, now).map_err(ApiError::internal)
    }

    /// Who shows `token`, which must open everything of an account in `realm`.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, realm: Realm, token: &str) -> Result<Caller, TokenError> {
        self.verify_for(Call::Account, (realm, token))
    }

    /// The reader who shows `token` to read an article of the site `site`. The same holds wherever
    /// a website asks for a reader: a token for another site is as invalid as a forged one.
    ///
    /// # Errors
    /// [`InvalidToken`].
    pub fn verify_at_site(&self, token: &str, site: &str) -> Result<Caller, InvalidToken> {
        self.verify_for(Call::Access(site), (Realm::Reader, token)).map_err(|_| InvalidToken)
    }

    /// The reader who makes `call` with the access token in `headers`. Every call of readers asks
    /// here; one that does not say what it is for is [`Call::Account`].
    ///
    /// # Errors
    /// 401 `invalid_token`, 403 `insufficient_scope`.
    pub fn reader_of(&self, headers: &HeaderMap, call: Call<'_>) -> Result<Caller, ApiError> {
        let token = bearer(headers).ok_or(TokenError::Invalid);
        let verified = token.and_then(|token| self.verify_for(call, (Realm::Reader, token)));
        verified.map_err(|error| match error {
            TokenError::Invalid => ApiError::Unauthorized(
                "invalid_token",
                "send a reader's access token as `Authorization: Bearer …`",
            ),
            TokenError::InsufficientScope => ApiError::Forbidden(
                "insufficient_scope",
                "this access token is for a website; the reader must log in for this call",
            ),
        })
    }

    fn verify_for(
        &self,
        call: Call<'_>,
        (realm, token): (Realm, &str),
    ) -> Result<Caller, TokenError> {
        let verified = self.check(token)?;
        if verified.realm != realm {
            return Err(TokenError::Invalid);
        }
        if !verified.scope.permits(call) {
            return Err(TokenError::InsufficientScope);
        }
        Ok(verified.caller)
    }

    fn check(&self, token: &str) -> Result<Verified, InvalidToken> {
        if token.len() > access_token::LENGTH_MAX {
            return Err(InvalidToken);
        }
        let now = self.clock.now();
        let keys = &self.directory.snapshot().keys;
        // Two requests with the same new token wait for one check.
        let verified = self.checked.get_or_insert_with(&name(token), || {
            self.signature_checks.inc();
            access_token::verify(keys, &self.issuer, token, now)
        })?;
        let believed = keys.access_checks.contains_key(&verified.key);
        if now >= verified.expires_at
            || !believed
            || self.revocations.has_ended(verified.caller.session)
        {
            return Err(InvalidToken);
        }
        Ok(verified)
    }

    /// The sessions whose tokens are not believed any more.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }
}

fn name(token: &str) -> [u8; 32] {
    let mut name = [0; 32];
    let hash = digest(&SHA256, token.as_bytes());
    name.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    name
}
