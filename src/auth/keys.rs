//! The ring of signing keys: which key signs now, and which are still believed. Pure.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
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

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Visitor tokens, by HMAC-SHA-256.
    Visitor,
    /// Access receipts, by Ed25519; published in the JWKS.
    Receipt,
}

impl Purpose {
    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Receipt => "receipt",
        }
    }

    /// Reads what [`Purpose::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Visitor, Self::Receipt].into_iter().find(|purpose| purpose.as_str() == text)
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

/// A key that signs receipts.
#[derive(Clone)]
pub struct ReceiptKey {
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
    pub receipt: ReceiptKey,
    /// For those who check receipts.
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
        let others = alive(Purpose::Visitor).filter(|key| key.number != visitor.number);
        let jwks: Option<Vec<Jwk>> = alive(Purpose::Receipt).map(jwk).collect();
        Ok(Self {
            visitor: VisitorKeys {
                signing: visitor_key(visitor),
                others: others.map(visitor_key).collect(),
            },
            receipt: receipt_key(receipt).ok_or(NoSigningKey)?,
            jwks: Jwks { keys: jwks.ok_or(NoSigningKey)? },
        })
    }
}

fn visitor_key(key: &SigningKey) -> VisitorKey {
    VisitorKey { number: key.number, key: hmac::Key::new(hmac::HMAC_SHA256, &key.secret) }
}

fn receipt_key(key: &SigningKey) -> Option<ReceiptKey> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&key.secret).ok()?;
    let pkcs8 = pair.to_pkcs8().ok()?;
    Some(ReceiptKey { kid: key.kid(), key: EncodingKey::from_ed_der(pkcs8.as_ref()) })
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
        let keys = [visitor, old, new];
        let at = |text: &str| {
            let ring = KeyRing::at(&keys, Timestamp::parse(text).unwrap()).unwrap();
            let published: Vec<String> = ring.jwks.keys.iter().map(|key| key.kid.clone()).collect();
            (ring.receipt.kid, published.join(" "))
        };
        let said = |kid: &str, all: &str| (kid.to_owned(), all.to_owned());
        assert_eq!(at("2026-05-31T23:59:59Z"), said("00000001", "00000001 00000002"));
        assert_eq!(at("2026-06-01T00:00:00Z"), said("00000002", "00000001 00000002"));
        assert_eq!(at("2026-06-02T00:00:00Z"), said("00000002", "00000002"));
        assert_eq!(KeyRing::at(&keys[1..], Timestamp::UNIX_EPOCH).err(), Some(NoSigningKey));
    }
}
