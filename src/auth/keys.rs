//! The ring of signing keys: which key signs now, and which are still believed. Pure.

use std::{collections::HashMap, fmt};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use time::Duration;
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    metering::visitor::{VisitorKey, VisitorKeys},
};

/// A new key is published this long before it signs, so that every instance and every website
/// knows it by then.
pub const PUBLISHED_BEFORE: Duration = Duration::seconds(90);

/// A key that has signed for longer should be replaced: nobody knows who has seen it by then.
pub const OLD_AFTER: Duration = Duration::days(180);

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Visitor tokens, by HMAC-SHA-256.
    Visitor,
    /// Access receipts, by Ed25519; published in the JWKS.
    Receipt,
    /// Access tokens of readers and staff, by Ed25519; published in the JWKS.
    Access,
    /// Tokens in forms, by HMAC-SHA-256.
    Form,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::Visitor, Self::Receipt, Self::Access, Self::Form];

    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Receipt => "receipt",
            Self::Access => "access",
            Self::Form => "form",
        }
    }

    /// Reads what [`Purpose::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A signing key, opened.
#[derive(Clone)]
pub struct SigningKey {
    /// Its number; as hexadecimal text, the `kid`.
    pub number: u32,
    /// What it signs.
    pub purpose: Purpose,
    /// 32 secret bytes: an HMAC key, or an Ed25519 seed.
    pub secret: [u8; 32],
    /// When it began to exist.
    pub created_at: Timestamp,
    /// From when it signs.
    pub activates_at: Timestamp,
    /// From when what it signed is no longer believed.
    pub retires_at: Option<Timestamp>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kid = self.kid();
        f.debug_struct("SigningKey").field("kid", &kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The name by which tokens and the JWKS call it.
    #[must_use]
    pub fn kid(&self) -> String {
        format!("{:08x}", self.number)
    }

    /// The number of the key that `kid` names, in the one spelling that we use.
    #[must_use]
    pub fn number_of(kid: &str) -> Option<u32> {
        let number = u32::from_str_radix(kid, 16).ok()?;
        (format!("{number:08x}") == kid).then_some(number)
    }
}

/// A public key as RFC 8037 writes it.
#[derive(Debug, Clone, Serialize, ToSchema, PartialEq, Eq)]
pub struct Jwk {
    /// `OKP`.
    pub kty: &'static str,
    /// `Ed25519`.
    pub crv: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// `EdDSA`.
    pub alg: &'static str,
    /// The key's name.
    pub kid: String,
    /// The public key, base64url.
    pub x: String,
}

/// A set of public keys (RFC 7517).
#[derive(Debug, Clone, Serialize, ToSchema, PartialEq, Eq)]
pub struct Jwks {
    /// Keys that sign now, will sign, or signed lately.
    pub keys: Vec<Jwk>,
}

/// A key that signs JWTs.
#[derive(Clone)]
pub struct JwtKey {
    /// Its name.
    pub kid: String,
    /// For the JWT library.
    pub key: EncodingKey,
}

/// Every key that matters at one moment.
#[derive(Clone)]
pub struct KeyRing {
    /// For visitor tokens.
    pub visitor: VisitorKeys,
    /// For receipts.
    pub receipt: JwtKey,
    /// For access tokens.
    pub access: JwtKey,
    /// Checks access tokens, by the numbers of the keys that are believed.
    pub access_checks: HashMap<u32, DecodingKey>,
    /// For the tokens in forms: the one that signs first, then those still believed.
    pub form: Vec<hmac::Key>,
    /// For those who check receipts and access tokens.
    pub jwks: Jwks,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("jwks", &self.jwks).finish_non_exhaustive()
    }
}

/// No key can sign for one of the purposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no usable signing key; run `pressgate keys rotate`")]
pub struct NoSigningKey;

impl KeyRing {
    /// The ring at `now`. The youngest active key signs; retired ones are gone.
    ///
    /// # Errors
    /// [`NoSigningKey`] when a purpose has none.
    pub fn at(keys: &[SigningKey], now: Timestamp) -> Result<Self, NoSigningKey> {
        let alive = |purpose| {
            keys.iter().filter(move |key| {
                key.purpose == purpose && key.retires_at.is_none_or(|retires| now < retires)
            })
        };
        let signing = |purpose| {
            let active = alive(purpose).filter(|key| key.activates_at <= now);
            // In an installation's first seconds the only key is published and signs at once.
            let youngest = active.max_by_key(|key| (key.activates_at, key.number));
            youngest.or_else(|| alive(purpose).min_by_key(|key| key.activates_at))
        };
        let visitor = signing(Purpose::Visitor).ok_or(NoSigningKey)?;
        let receipt = signing(Purpose::Receipt).ok_or(NoSigningKey)?;
        let access = signing(Purpose::Access).ok_or(NoSigningKey)?;
        let form = signing(Purpose::Form).ok_or(NoSigningKey)?;
        let others = |signing: &SigningKey| {
            let number = signing.number;
            alive(signing.purpose).filter(move |key| key.number != number)
        };
        let public: Option<Vec<Jwk>> =
            alive(Purpose::Access).chain(alive(Purpose::Receipt)).map(jwk).collect();
        let checks: Option<HashMap<_, _>> = alive(Purpose::Access).map(check).collect();
        Ok(Self {
            visitor: VisitorKeys {
                signing: visitor_key(visitor),
                others: others(visitor).map(visitor_key).collect(),
            },
            receipt: jwt_key(receipt).ok_or(NoSigningKey)?,
            access: jwt_key(access).ok_or(NoSigningKey)?,
            access_checks: checks.ok_or(NoSigningKey)?,
            form: std::iter::once(form).chain(others(form)).map(form_key).collect(),
            jwks: Jwks { keys: public.ok_or(NoSigningKey)? },
        })
    }
}

fn visitor_key(key: &SigningKey) -> VisitorKey {
    VisitorKey { number: key.number, key: hmac::Key::new(hmac::HMAC_SHA256, &key.secret) }
}

fn form_key(key: &SigningKey) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &key.secret)
}

fn jwt_key(key: &SigningKey) -> Option<JwtKey> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&key.secret).ok()?;
    let pkcs8 = pair.to_pkcs8().ok()?;
    Some(JwtKey { kid: key.kid(), key: EncodingKey::from_ed_der(pkcs8.as_ref()) })
}

fn check(key: &SigningKey) -> Option<(u32, DecodingKey)> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&key.secret).ok()?;
    // Despite its name it takes the 32 bytes of the public key.
    Some((key.number, DecodingKey::from_ed_der(pair.public_key().as_ref())))
}

fn jwk(key: &SigningKey) -> Option<Jwk> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&key.secret).ok()?;
    Some(Jwk {
        kty: "OKP",
        crv: "Ed25519",
        usage: "sig",
        alg: "EdDSA",
        kid: key.kid(),
        x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(
        number: u32,
        purpose: Purpose,
        activates_at: &str,
        retires_at: Option<&str>,
    ) -> SigningKey {
        let instant = |text| Timestamp::parse(text).unwrap();
        SigningKey {
            number,
            purpose,
            secret: [u8::try_from(number).unwrap(); 32],
            created_at: instant(activates_at),
            activates_at: instant(activates_at),
            retires_at: retires_at.map(instant),
        }
    }

    #[test]
    fn a_new_key_is_published_then_signs_and_the_old_one_fades() {
        let visitor = key(9, Purpose::Visitor, "2026-01-01T00:00:00Z", None);
        let old = key(1, Purpose::Receipt, "2026-01-01T00:00:00Z", Some("2026-06-02T00:00:00Z"));
        let new = key(2, Purpose::Receipt, "2026-06-01T00:00:00Z", None);
        let access = key(7, Purpose::Access, "2026-01-01T00:00:00Z", None);
        let form = key(8, Purpose::Form, "2026-01-01T00:00:00Z", None);
        let keys = [old, new, visitor, access, form];
        let at = |text: &str| {
            let ring = KeyRing::at(&keys, Timestamp::parse(text).unwrap()).unwrap();
            let published = ring.jwks.keys.iter().map(|key| key.kid.clone());
            let published: Vec<String> = published.filter(|kid| kid != "00000007").collect();
            (ring.receipt.kid, published.join(" "))
        };
        let said = |kid: &str, all: &str| (kid.to_owned(), all.to_owned());
        assert_eq!(at("2026-05-31T23:59:59Z"), said("00000001", "00000001 00000002"));
        assert_eq!(at("2026-06-01T00:00:00Z"), said("00000002", "00000001 00000002"));
        assert_eq!(at("2026-06-02T00:00:00Z"), said("00000002", "00000002"));
        assert_eq!(KeyRing::at(&keys[..4], Timestamp::UNIX_EPOCH).err(), Some(NoSigningKey));
    }
}
