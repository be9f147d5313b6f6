//! Recovery codes: each stands in, once, for a second factor that was lost. Pure.

use std::fmt;

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::{
    auth::seal::MasterKey,
    ids::{Ids, NoRandomness},
};

/// How many an account is given.
pub const CODES: usize = 10;
/// Letters of a code, of 5 bits each.
const LETTERS: usize = 10;
/// Crockford's base 32: digits, and letters that no digit looks like.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A code: 50 random bits. What is shown of it is `xxxxx-xxxxx`.
#[derive(Clone)]
pub struct RecoveryCode(SecretString);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(***)")
    }
}

impl RecoveryCode {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate(ids: &Ids) -> Result<Self, NoRandomness> {
        let random = ids.bytes::<LETTERS>()?;
        // 32 divides 256, so that every letter is as likely as any other.
        let letter =
            |byte: u8| ALPHABET.get(usize::from(byte % 32)).map(|letter| char::from(*letter));
        Ok(Self(random.into_iter().filter_map(letter).collect::<String>().into()))
    }

    /// Reads a code as people type it: in any case, with or without the hyphen, `O` for `0` and
    /// `I` or `L` for `1`. `None` when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = String::with_capacity(LETTERS);
        for letter in text.chars().filter(|letter| !matches!(letter, '-' | ' ')) {
            let letter = match letter.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            };
            let is_known = u8::try_from(letter).is_ok_and(|letter| ALPHABET.contains(&letter));
            if !is_known || code.len() == LETTERS {
                return None;
            }
            code.push(letter);
        }
        (code.len() == LETTERS).then(|| Self(code.into()))
    }

    /// As it is shown, once.
    #[must_use]
    pub fn shown(&self) -> String {
        let (first, second) = self.0.expose_secret().split_at(LETTERS / 2);
        format!("{first}-{second}")
    }

    /// As it is stored for the account `staff`. Keyed: 50 bits are too few for a plain hash, which
    /// whoever holds the database could search through.
    #[must_use]
    pub fn hash(&self, master: &MasterKey, staff: Uuid) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&master.derive("staff-recovery-code"));
        // An id is always 16 bytes, so where the code begins is certain.
        context.update(staff.as_bytes());
        context.update(self.0.expose_secret().as_bytes());
        context.sign().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> MasterKey {
        MasterKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let staff = Uuid::from_u128(1);
        let hash = |text: &str| RecoveryCode::parse(text).map(|code| code.hash(&master(), staff));
        let expected = hash("01abc-defgh");
        assert!(expected.is_some());
        for text in ["01ABC-DEFGH", "01abcdefgh", " oiabc defgh ", "Olabc-defgh", "0-1-abcdefgh"] {
            assert_eq!(hash(text), expected, "{text}");
        }
        assert_ne!(hash("01abc-defgj"), expected);
        let long = "a".repeat(1_000_000);
        for text in ["", "01abc-defg", "01abc-defghj", "01abc-defgu", "01abc_defgh", "é", &long] {
            assert_eq!(hash(text), None);
        }
    }

    #[test]
    fn a_hash_is_good_for_one_account_under_one_key() {
        let code = RecoveryCode::parse("01abc-defgh").unwrap();
        let (anna, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let other = MasterKey::parse("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap();
        assert_eq!(code.hash(&master(), anna).len(), 32);
        assert_ne!(code.hash(&master(), anna), code.hash(&master(), ben));
        assert_ne!(code.hash(&master(), anna), code.hash(&other, anna));
    }

    #[test]
    fn codes_differ_and_use_the_whole_alphabet_evenly() {
        let ids = Ids::system().unwrap();
        let codes: Vec<String> =
            (0..3_200).map(|_| RecoveryCode::generate(&ids).unwrap().shown()).collect();
        let distinct: std::collections::BTreeSet<&String> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        let mut counts = std::collections::BTreeMap::new();
        for code in &codes {
            assert_eq!((code.len(), code.find('-')), (11, Some(5)), "{code}");
            assert_eq!(RecoveryCode::parse(code).unwrap().shown(), *code);
            code.bytes().for_each(|letter| *counts.entry(letter).or_insert(0) += 1);
        }
        counts.remove(&b'-');
        assert_eq!(counts.len(), 32);
        // 1000 expected of each; seven times the deviation is never met by chance.
        assert!(counts.values().all(|count| (780..=1_220).contains(count)), "{counts:?}");
        let code = RecoveryCode::generate(&ids).unwrap();
        assert_eq!(format!("{code:?}"), "RecoveryCode(***)");
    }
}
