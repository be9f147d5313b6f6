//! The hidden token in every form: another website can send a form to us in a reader's browser,
//! but cannot know the token that the browser's own cookie asks for (OWASP, "signed double submit
//! cookie"). Pure.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::Duration;

use super::session::secret::SecretHash;
use crate::clock::Timestamp;

/// The name of the hidden field.
pub const FIELD: &str = "form_token";
/// How long a form may lie open.
pub const LIFE: Duration = Duration::hours(12);
const TIME_BYTES: usize = 8;

/// The token for the form that is sent to `action` by the browser whose cookie has the hash
/// `holder`. The first of `keys` signs.
#[must_use]
pub fn issue(keys: &[hmac::Key], holder: SecretHash, action: &str, now: Timestamp) -> String {
    let expires_at = now.plus(LIFE).unix_seconds().to_be_bytes();
    let mut token = expires_at.to_vec();
    if let Some(key) = keys.first() {
        token.extend(hmac::sign(key, &signed(holder, expires_at, action)).as_ref());
    }
    URL_SAFE_NO_PAD.encode(token)
}

/// Whether `token` was issued to this browser for this form, under any of `keys`, and is not over.
#[must_use]
pub fn holds(
    keys: &[hmac::Key],
    (holder, action): (SecretHash, &str),
    token: &str,
    now: Timestamp,
) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token.get(..200).unwrap_or(token)) else { return false };
    let Some((expires_at, mac)) = bytes.split_first_chunk::<TIME_BYTES>() else { return false };
    let in_time = now.unix_seconds() < i64::from_be_bytes(*expires_at);
    let signed = signed(holder, *expires_at, action);
    in_time && keys.iter().any(|key| hmac::verify(key, &signed, mac).is_ok())
}

fn signed(holder: SecretHash, expires_at: [u8; TIME_BYTES], action: &str) -> Vec<u8> {
    // Only the last part varies in length, so no two forms are spelled the same.
    [&holder.0[..], &expires_at, action.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    #[test]
    fn a_token_is_good_for_one_form_in_one_browser_for_half_a_day() {
        let now = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let mine = (SecretHash([1; 32]), "/logout");
        let token = issue(&[key(1)], mine.0, mine.1, now);
        assert!(holds(&[key(1)], mine, &token, now));
        assert!(holds(&[key(2), key(1)], mine, &token, now), "after a rotation");
        assert!(!holds(&[key(2)], mine, &token, now));
        for other in [(SecretHash([2; 32]), "/logout"), (mine.0, "/login"), (mine.0, "")] {
            assert!(!holds(&[key(1)], other, &token, now), "{other:?}");
        }
        let last = now.plus(LIFE).minus(Duration::SECOND);
        assert!(holds(&[key(1)], mine, &token, last));
        assert!(!holds(&[key(1)], mine, &token, now.plus(LIFE)));
        let long = "A".repeat(100_000);
        for rubbish in ["", "x", "é", "AAAAAAAAAAA", &token[1..], &long] {
            assert!(!holds(&[key(1)], mine, rubbish, now), "{rubbish:.20}");
        }
    }
}
