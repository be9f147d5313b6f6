//! Tokens that only we can make and that need not be kept: some facts of a fixed length with their
//! signature, in letters that can stand in an address. Pure.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Bytes of a signature (HMAC-SHA-256).
const TAG_LEN: usize = 32;

/// How long a token of `N` bytes of facts is.
#[must_use]
pub const fn length<const N: usize>() -> usize {
    ((N + TAG_LEN) * 4).div_ceil(3)
}

/// The token of `facts`. What is `signed` holds them, and what the token is for.
#[must_use]
pub fn token<const N: usize>(key: &hmac::Key, facts: &[u8; N], signed: &[u8]) -> String {
    let tag = hmac::sign(key, signed);
    URL_SAFE_NO_PAD.encode([facts, tag.as_ref()].concat())
}

/// The facts in `token`, if we made it; `signed` spells what was signed of them.
#[must_use]
pub fn facts<const N: usize>(
    key: &hmac::Key,
    token: &str,
    signed: impl FnOnce(&[u8; N]) -> Vec<u8>,
) -> Option<[u8; N]> {
    if token.len() != length::<N>() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (facts, tag) = bytes.split_first_chunk::<N>()?;
    hmac::verify(key, &signed(facts), tag).ok().map(|()| *facts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    fn of_purpose(purpose: &str) -> impl Fn(&[u8; 5]) -> Vec<u8> {
        move |facts| [facts, purpose.as_bytes()].concat()
    }

    proptest! {
        #[test]
        fn what_we_signed_is_read_again(given: [u8; 5]) {
            let token = token(&key(1), &given, &of_purpose("a")(&given));
            prop_assert_eq!(token.len(), length::<5>());
            prop_assert_eq!(facts(&key(1), &token, of_purpose("a")), Some(given));
            prop_assert_eq!(facts(&key(1), &token, of_purpose("b")), None);
            prop_assert_eq!(facts(&key(2), &token, of_purpose("a")), None);
        }

        #[test]
        fn a_changed_token_says_nothing(at in 0..length::<5>(), to in "[A-Za-z0-9_=. -]") {
            let mut changed = token(&key(1), &[7; 5], &of_purpose("a")(&[7; 5]));
            prop_assume!(changed[at..=at] != to);
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(facts(&key(1), &changed, of_purpose("a")), None);
        }

        #[test]
        fn rubbish_says_nothing(text in "\\PC{0,80}", letters in "[A-Za-z0-9_-]{50}") {
            for token in [text, letters] {
                prop_assert_eq!(facts(&key(1), &token, of_purpose("a")), None);
            }
        }
    }
}
