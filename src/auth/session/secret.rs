//! What a device or a mail keeps, and the hash that we keep of it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::ids::{Ids, NoRandomness};

/// Longest text that may be one of our secrets.
const LENGTH_MAX: usize = 100;

/// 256 random bits behind a prefix that tells what they open, so that people and programs that
/// look for leaked secrets know one when they see it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The SHA-256 of a [`Secret`]. Enough, because nobody can try 2^256 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

/// What secrets open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A session, by its refresh token.
    Refresh,
    /// A session on our own pages, by its cookie.
    Cookie,
    /// What a link in a mail stands for.
    Link,
    /// A session on a website, by a code in the address that leads back to it.
    Handover,
    /// The password of a sign-up, beside the link that was mailed for it.
    Proof,
}

impl SecretKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "pgr_",
            Self::Cookie => "pgc_",
            Self::Link => "pgl_",
            Self::Handover => "pgh_",
            Self::Proof => "pgp_",
        }
    }
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate(ids: &Ids, kind: SecretKind) -> Result<Self, NoRandomness> {
        let random = URL_SAFE_NO_PAD.encode(ids.bytes::<32>()?);
        Ok(Self(format!("{}{random}", kind.prefix())))
    }

    /// The text that its owner keeps. For an answer, a cookie or a mail, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What we keep.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of_text(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl SecretHash {
    /// The hash of a text that somebody shows; `None` when it cannot be a secret of this kind.
    #[must_use]
    pub fn of(kind: SecretKind, shown: &str) -> Option<Self> {
        let may_be = shown.len() <= LENGTH_MAX && shown.starts_with(kind.prefix());
        may_be.then(|| Self::of_text(shown))
    }

    /// Reads a hash from the database; `None` when it is none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// An id that belongs to the secret and to `name`: the same each time, and known only with the
    /// secret.
    #[must_use]
    pub fn derived_id(self, name: &str) -> Uuid {
        let hash = digest(&SHA256, &[&self.0[..], name.as_bytes()].concat());
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// As stored.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// The hash of what a link carries, however that was made.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut bytes = [0; 32];
        let digest = digest(&SHA256, text.as_bytes());
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_and_its_kind() {
        let ids = Ids::system().unwrap();
        let secret = Secret::generate(&ids, SecretKind::Refresh).unwrap();
        assert_eq!(secret.expose().len(), 4 + 43);
        assert_eq!(SecretHash::of(SecretKind::Refresh, secret.expose()), Some(secret.hash()));
        assert_eq!(SecretHash::of(SecretKind::Link, secret.expose()), None);
        assert_eq!(SecretHash::of(SecretKind::Refresh, &format!("pgr_{}", "x".repeat(999))), None);
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_ne!(Secret::generate(&ids, SecretKind::Refresh).unwrap(), secret);
    }
}
