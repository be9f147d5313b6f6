//! The keys by which a website proves which site it is.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::{
    clock::Timestamp,
    ids::{Ids, NoRandomness},
};

/// Most secret keys of one site that are valid at once: the one in use and its successor.
pub const SECRETS_MAX: usize = 2;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Held by the website's server; opens the API.
    Secret,
    /// May stand in a page; names the site and opens nothing.
    Publishable,
}

impl KeyKind {
    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Publishable => "publishable",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "sk",
            Self::Publishable => "pk",
        }
    }
}

/// A key as it is handed to the publisher, once.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Names it for revoking.
    pub id: String,
    /// What it is for.
    pub kind: KeyKind,
    /// The key itself.
    pub text: String,
}

impl NewKey {
    /// A new random key, `sk_live_…` or `pk_sandbox_…`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate(ids: &Ids, kind: KeyKind, mode: &str) -> Result<Self, NoRandomness> {
        let random = URL_SAFE_NO_PAD.encode(ids.bytes::<32>()?);
        let id = format!("key_{}", URL_SAFE_NO_PAD.encode(ids.bytes::<9>()?));
        Ok(Self { id, kind, text: format!("{}_{mode}_{random}", kind.prefix()) })
    }

    /// What is kept of it: of a secret key only its hash.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self.kind {
            KeyKind::Secret => KeyHash::of(&self.text).to_text(),
            KeyKind::Publishable => self.text.clone(),
        }
    }

    /// What staff may see of it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self.kind {
            KeyKind::Publishable => self.text.clone(),
            KeyKind::Secret => {
                let shown = self.text.len().saturating_sub(4);
                // The random part may hold `_` too, so the stem ends at the second one.
                let end = self.text.match_indices('_').nth(1).map_or(0, |(at, _)| at);
                let stem = self.text.get(..end).unwrap_or_default();
                format!("{stem}_…{}", self.text.get(shown..).unwrap_or_default())
            }
        }
    }
}

/// The SHA-256 of a secret key. Keys are 256 random bits, so a fast hash is as good as a slow one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of `key`.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let mut hash = [0; 32];
        let digest = digest(&SHA256, key.as_bytes());
        hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(hash)
    }

    /// Reads what [`KeyHash::to_text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// As stored.
    #[must_use]
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, Serialize)]
pub struct StoredKey {
    /// Names it.
    pub id: String,
    /// Whose.
    pub site_id: String,
    /// What it is for.
    pub kind: KeyKind,
    /// The hash of a secret key, or a publishable key.
    #[serde(skip)]
    pub fingerprint: String,
    /// What may be seen of it.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ends_of_a_secret_key_are_kept() {
        let ids = Ids::system().unwrap();
        let key = NewKey::generate(&ids, KeyKind::Secret, "live").unwrap();
        assert!(key.text.starts_with("sk_live_") && key.text.len() == 51);
        assert_eq!(KeyHash::parse(&key.fingerprint()), Some(KeyHash::of(&key.text)));
        let middle = &key.text[12..40];
        assert!(!key.fingerprint().contains(middle));
        let with_underscores = NewKey { text: "sk_live_ab_cdefghijk_lmnop".into(), ..key };
        assert_eq!(with_underscores.hint(), "sk_live_…mnop");
    }
}
