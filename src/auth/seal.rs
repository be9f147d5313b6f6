//! Wrapping keys for storage: AES-256-GCM under the installation's master key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::ids::{Ids, NoRandomness};

/// The installation's master key: 32 bytes that live in the configuration and never in the
/// database, so that a copy of the database signs nothing.
#[derive(Clone)]
pub struct MasterKey(std::sync::Arc<LessSafeKey>);

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
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| InvalidMasterKey)?;
        Ok(Self(std::sync::Arc::new(LessSafeKey::new(key))))
    }

    /// Seals `secret` so that it opens only under the same `name`.
    ///
    /// # Errors
    /// [`NoRandomness`] when no nonce can be had.
    pub fn seal(&self, ids: &Ids, name: &str, secret: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let nonce = ids.bytes::<NONCE_LEN>()?;
        let mut sealed = secret.to_vec();
        self.0
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
        let opened = self.0.open_in_place(nonce, Aad::from(name.as_bytes()), &mut secret);
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
    fn weak_keys_are_refused() {
        for text in ["", "c2hvcnQ=", &STANDARD.encode([0; 32]), &STANDARD.encode([1; 31]), "%%%"] {
            assert_eq!(MasterKey::parse(text).err(), Some(InvalidMasterKey), "{text}");
        }
    }
}
