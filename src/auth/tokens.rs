//! Access tokens in use: issued here, and checked here at most once each.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use prometheus_client::metrics::counter::Counter;
use quick_cache::sync::Cache;

use super::{
    access_token::{self, Caller, InvalidToken, Realm, Scope, Verified},
    revocation::Revocations,
};
use crate::{
    clock::Clock,
    http::{metrics::Metrics, problem::ApiError},
    ids::Ids,
    site::directory::Directory,
};

/// Issues and checks access tokens.
pub struct Tokens {
    directory: Arc<Directory>,
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    issuer: Arc<str>,
    /// What was checked, by the SHA-256 of realm and token. Entries that are over fall out as new
    /// ones come; each is looked at again before it is believed.
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

    /// Signs an access token for `caller` that opens everything of theirs.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when there is no randomness or the key cannot sign.
    pub fn issue(&self, realm: Realm, caller: Caller) -> Result<String, ApiError> {
        self.sign(realm, (caller, Scope::Everything))
    }

    /// Signs an access token for a reader that opens articles, and nothing else.
    ///
    /// # Errors
    /// As [`Tokens::issue`].
    pub fn issue_to_read(&self, caller: Caller) -> Result<String, ApiError> {
        self.sign(Realm::Reader, (caller, Scope::Reading))
    }

    fn sign(&self, realm: Realm, of: (Caller, Scope)) -> Result<String, ApiError> {
        let now = self.clock.now();
        let id = self.ids.uuid(now).map_err(ApiError::internal)?;
        let keys = &self.directory.snapshot().keys;
        access_token::issue(keys, (&self.issuer, realm), of, id, now).map_err(ApiError::internal)
    }

    /// Who shows `token`, which must open everything.
    ///
    /// # Errors
    /// [`InvalidToken`], also when its session has ended, or it opens articles only.
    pub fn verify(&self, realm: Realm, token: &str) -> Result<Caller, InvalidToken> {
        let verified = self.check(realm, token)?;
        (verified.scope == Scope::Everything).then_some(verified.caller).ok_or(InvalidToken)
    }

    /// The reader who shows `token` to read an article, whatever else it opens.
    ///
    /// # Errors
    /// [`InvalidToken`], also when its session has ended.
    pub fn verify_to_read(&self, token: &str) -> Result<Caller, InvalidToken> {
        Ok(self.check(Realm::Reader, token)?.caller)
    }

    fn check(&self, realm: Realm, token: &str) -> Result<Verified, InvalidToken> {
        if token.len() > access_token::LENGTH_MAX {
            return Err(InvalidToken);
        }
        let now = self.clock.now();
        let keys = &self.directory.snapshot().keys;
        // Two requests with the same new token wait for one check.
        let verified = self.checked.get_or_insert_with(&name(realm, token), || {
            self.signature_checks.inc();
            access_token::verify(keys, (&self.issuer, realm), token, now)
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

fn name(realm: Realm, token: &str) -> [u8; 32] {
    let mut name = [0; 32];
    let mut context = Context::new(&SHA256);
    context.update(realm.as_str().as_bytes());
    context.update(&[0]);
    context.update(token.as_bytes());
    name.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    name
}
