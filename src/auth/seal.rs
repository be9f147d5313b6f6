//! The installation's master key: it wraps other keys for storage (AES-256-GCM), and keys for
//! single purposes come from it.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::ids::{Ids, NoRandomness};

/// The installation's master key: 32 bytes that live in the configuration and never in the
/// database, so that a copy of the database signs nothing.
#[derive(Clone)]
pub struct MasterKey(Arc<Uses>);

struct Uses {
    seal: LessSafeKey,
    derive: hmac::Key,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// The text is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 random bytes in base64; make one with `openssl rand -base64 32`")]
pub struct InvalidMasterKey;

/// What was sealed cannot be opened: another master key, or a changed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not open under this master key")]
pub struct CannotOpen;

impl MasterKey {
    /// Reads a key of 32 bytes in base64.
    ///
    /// # Errors
    /// [`InvalidMasterKey`], also for a key whose bytes are plainly not random.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| InvalidMasterKey)?;
        let distinct: std::collections::HashSet<u8> = bytes.iter().copied().collect();
        // 32 random bytes have fewer than 16 distinct values once in 10^11 times.
        if bytes.len() != 32 || distinct.len() < 16 {
            return Err(InvalidMasterKey);
        }
        let seal = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| InvalidMasterKey)?;
        let seal = LessSafeKey::new(seal);
        Ok(Self(Arc::new(Uses { seal, derive: hmac::Key::new(hmac::HMAC_SHA256, &bytes) })))
    }

    /// The key of this installation for the purpose `name`, which tells nothing of any other.
    ///
    /// HKDF-Expand (RFC 5869, section 2.3) for one block, which unlike the general case cannot
    /// fail; the master key is random already and needs no Extract (section 3.3).
    #[must_use]
    pub fn derive(&self, name: &str) -> hmac::Key {
        let block = hmac::sign(&self.0.derive, &[name.as_bytes(), &[1]].concat());
        hmac::Key::new(hmac::HMAC_SHA256, block.as_ref())
    }

    /// Seals `secret` so that it opens only under the same `name`.
    ///
    /// # Errors
    /// [`NoRandomness`] when no nonce can be had.
    pub fn seal(&self, ids: &Ids, name: &str, secret: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let nonce = ids.bytes::<NONCE_LEN>()?;
        let mut sealed = secret.to_vec();
        self.0
            .seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| NoRandomness)?;
        sealed.splice(0..0, nonce);
        Ok(sealed)
    }

    /// Opens what [`MasterKey::seal`] sealed under `name`.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen)?;
        let mut secret = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.seal.open_in_place(nonce, Aad::from(name.as_bytes()), &mut secret);
        let length = opened.map_err(|_| CannotOpen)?.len();
        secret.truncate(length);
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_key_and_name_only() {
        let ids = Ids::system().unwrap();
        let key = |byte: u8| {
            let bytes: Vec<u8> = (0..32).map(|i| byte ^ i).collect();
            MasterKey::parse(&STANDARD.encode(bytes)).unwrap()
        };
        let sealed = key(7).seal(&ids, "visitor/1", b"secret").unwrap();
        assert_eq!(key(7).open("visitor/1", &sealed).unwrap(), b"secret");
        assert_eq!(key(8).open("visitor/1", &sealed), Err(CannotOpen));
        assert_eq!(key(7).open("visitor/2", &sealed), Err(CannotOpen));
        assert_eq!(key(7).open("visitor/1", &sealed[..11]), Err(CannotOpen));
    }

    #[test]
    fn keys_for_single_purposes_come_as_hkdf_makes_them() {
        use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};

        let bytes: Vec<u8> = (0..32).collect();
        let master = MasterKey::parse(&STANDARD.encode(&bytes)).unwrap();
        let tag = |key: &hmac::Key| hmac::sign(key, b"text").as_ref().to_vec();
        for name in ["audit", "something/else", ""] {
            let library = Prk::new_less_safe(HKDF_SHA256, &bytes);
            let info = [name.as_bytes()];
            let expected = hmac::Key::from(library.expand(&info, hmac::HMAC_SHA256).unwrap());
            assert_eq!(tag(&master.derive(name)), tag(&expected), "{name}");
        }
        assert_ne!(tag(&master.derive("a")), tag(&master.derive("b")));
    }

    #[test]
    fn weak_keys_are_refused() {
        for text in ["", "c2hvcnQ=", &STANDARD.encode([0; 32]), &STANDARD.encode([1; 31]), "%%%"] {
            assert_eq!(MasterKey::parse(text).err(), Some(InvalidMasterKey), "{text}");
        }
    }
}
