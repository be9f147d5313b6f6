//! The token by which a visitor is known again: a random number, signed, whether it was ever sent
//! along with a reader's token, and how many reads could not be counted; nothing else.
//!
//! 53 bytes as base64url: kind (1), key (4), site (8), issued at (8), visitor (16), and the
//! first 16 bytes of an HMAC-SHA-256 over all before. Not a JWT, since one is issued and checked
//! for almost every page of a website, and this one costs less than half a microsecond.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::Duration;
use uuid::Uuid;

use crate::clock::Timestamp;

/// The first byte of a visitor who was always alone; the next is that of one who was seen with a
/// reader. Each read that was allowed and could not be counted adds [`PER_UNMETERED`].
const ALONE: u8 = 1;
const PER_UNMETERED: u8 = 2;
/// Most uncounted reads that a token can hold.
pub const UNMETERED_MAX: u8 = 100;
const SIGNED: usize = 37;
const LENGTH: usize = 53;
const TEXT_LENGTH: usize = 71;
/// Clocks that differ by more are wrong, not merely a little apart.
const FAR_AHEAD: Duration = Duration::HOUR;

/// Names a site inside a token: a token of another site is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiteTag([u8; 8]);

impl SiteTag {
    /// The tag of the site with the id `site`.
    #[must_use]
    pub fn of(site: &str) -> Self {
        let mut tag = [0; 8];
        let digest = digest::digest(&digest::SHA256, site.as_bytes());
        tag.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(tag)
    }

    /// A number that identifies the site within this process.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

/// A key that signs visitor tokens, and the number by which tokens name it.
#[derive(Debug, Clone)]
pub struct VisitorKey {
    /// The key's number.
    pub number: u32,
    /// The key itself.
    pub key: hmac::Key,
}

/// Every key whose tokens are still taken. The first one signs.
#[derive(Debug, Clone)]
pub struct VisitorKeys {
    /// Signs new tokens.
    pub signing: VisitorKey,
    /// Retiring keys, or ones published before they sign.
    pub others: Vec<VisitorKey>,
}

impl VisitorKeys {
    fn find(&self, number: u32) -> Option<&VisitorKey> {
        std::iter::once(&self.signing).chain(&self.others).find(|key| key.number == number)
    }
}

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// From issue to end.
    pub total: Duration,
    /// A token older than this is replaced at its next use.
    pub renew_after: Duration,
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// Which visitor.
    pub id: Uuid,
    /// Whether a reader is or was logged in there.
    pub with_reader: bool,
    /// How many reads were allowed since reads could be counted last; at most [`UNMETERED_MAX`].
    pub unmetered: u8,
}

/// A good token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// What it says.
    pub visitor: Visitor,
    /// Whether a fresh token should be sent in place of this one.
    pub renew: bool,
}

/// Issues a token for `visitor` on the site tagged `site`.
#[must_use]
pub fn issue(keys: &VisitorKeys, site: SiteTag, visitor: Visitor, now: Timestamp) -> String {
    let mut bytes = Vec::with_capacity(LENGTH);
    let unmetered = visitor.unmetered.min(UNMETERED_MAX);
    bytes.push(ALONE + u8::from(visitor.with_reader) + PER_UNMETERED * unmetered);
    bytes.extend(keys.signing.number.to_be_bytes());
    bytes.extend(site.0);
    bytes.extend(now.unix_seconds().to_be_bytes());
    bytes.extend(visitor.id.as_bytes());
    let mac = hmac::sign(&keys.signing.key, &bytes);
    bytes.extend(mac.as_ref().iter().take(LENGTH - SIGNED));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Who shows `token`: `None` when it is forged, expired or of a site that is not among `sites`.
///
/// A token from the future is good: only we can sign one, so our clocks differ. To refuse it would make
/// its visitor a new one, with a second allowance.
#[must_use]
pub fn verify(
    keys: &VisitorKeys,
    sites: &[SiteTag],
    lifetime: Lifetime,
    token: &str,
    now: Timestamp,
) -> Option<Known> {
    if token.len() != TEXT_LENGTH {
        return None;
    }
    let mut bytes = [0; LENGTH];
    URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
    let (signed, mac) = bytes.split_at(SIGNED);
    let (kind, rest) = signed.split_first()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let (site, rest) = rest.split_first_chunk::<8>()?;
    let (issued_at, visitor) = rest.split_first_chunk::<8>()?;
    let key = keys.find(u32::from_be_bytes(*number))?;
    let expected = hmac::sign(&key.key, signed);
    let expected = expected.as_ref().get(..LENGTH - SIGNED)?;
    constant_time::verify_slices_are_equal(expected, mac).ok()?;

    let issued_at = i64::from_be_bytes(*issued_at);
    let age = Duration::seconds(now.unix_seconds().saturating_sub(issued_at));
    let marks = kind.checked_sub(ALONE)?;
    let (with_reader, unmetered) = (marks % PER_UNMETERED == 1, marks / PER_UNMETERED);
    if unmetered > UNMETERED_MAX {
        return None;
    }
    if !sites.contains(&SiteTag(*site)) || age >= lifetime.total {
        return None;
    }
    let id = Uuid::from_slice(visitor).ok()?;
    // One from far ahead would outlive its time, so it is replaced too.
    let is_far_ahead = age < -FAR_AHEAD;
    let renew = age > lifetime.renew_after || is_far_ahead || key.number != keys.signing.number;
    Some(Known { visitor: Visitor { id, with_reader, unmetered }, renew })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIFETIME: Lifetime =
        Lifetime { total: Duration::days(390), renew_after: Duration::days(30) };

    fn key(number: u32) -> VisitorKey {
        let secret = [u8::try_from(number).unwrap(); 32];
        VisitorKey { number, key: hmac::Key::new(hmac::HMAC_SHA256, &secret) }
    }

    fn keys(signing: u32, others: &[u32]) -> VisitorKeys {
        VisitorKeys { signing: key(signing), others: others.iter().map(|n| key(*n)).collect() }
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-23T04:05:06Z").unwrap()
    }

    const VISITOR: Visitor = Visitor {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
        with_reader: false,
        unmetered: 0,
    };

    fn check(keys: &VisitorKeys, site: &str, token: &str, after: Duration) -> Option<Known> {
        verify(keys, &[SiteTag::of(site)], LIFETIME, token, now().plus(after))
    }

    #[test]
    fn a_token_holds_for_its_site_and_its_time() {
        let keys = keys(1, &[]);
        let token = issue(&keys, SiteTag::of("demo"), VISITOR, now());
        assert_eq!(token.len(), TEXT_LENGTH);
        let known = |renew| Some(Known { visitor: VISITOR, renew });
        assert_eq!(check(&keys, "demo", &token, Duration::ZERO), known(false));
        assert_eq!(check(&keys, "demo", &token, Duration::days(31)), known(true));
        assert_eq!(check(&keys, "demo", &token, Duration::days(390)), None);
        // From the future: another machine's clock is ahead of ours.
        for (seconds, renew) in [(1, false), (61, false), (3_600, false), (3_601, true)] {
            assert_eq!(check(&keys, "demo", &token, -Duration::seconds(seconds)), known(renew));
        }
        assert_eq!(check(&keys, "demo", &token, -Duration::days(40_000)), known(true));
        assert_eq!(check(&keys, "other", &token, Duration::ZERO), None);
    }

    #[test]
    fn a_new_key_signs_while_the_old_one_is_still_known() {
        let visitor = Visitor { with_reader: true, ..VISITOR };
        let token = issue(&keys(1, &[]), SiteTag::of("demo"), visitor, now());
        let rotated = check(&keys(2, &[1]), "demo", &token, Duration::ZERO);
        assert_eq!(rotated, Some(Known { visitor, renew: true }));
        assert_eq!(check(&keys(2, &[]), "demo", &token, Duration::ZERO), None);
    }

    #[test]
    fn a_token_holds_what_was_not_counted() {
        let keys = keys(1, &[]);
        for (with_reader, unmetered) in [(false, 0), (true, 0), (false, 1), (true, UNMETERED_MAX)] {
            let visitor = Visitor { with_reader, unmetered, ..VISITOR };
            let token = issue(&keys, SiteTag::of("demo"), visitor, now());
            let known = check(&keys, "demo", &token, Duration::ZERO);
            assert_eq!(known.map(|it| it.visitor), Some(visitor));
        }
        let more = Visitor { unmetered: u8::MAX, ..VISITOR };
        let token = issue(&keys, SiteTag::of("demo"), more, now());
        let known = check(&keys, "demo", &token, Duration::ZERO).unwrap();
        assert_eq!(known.visitor.unmetered, UNMETERED_MAX);
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let keys = keys(1, &[2]);
        let token = issue(&keys, SiteTag::of("demo"), VISITOR, now());
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(check(&keys, "demo", &forged, Duration::ZERO), None, "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn rubbish_is_no_token(text in "\\PC{0,200}") {
            prop_assert_eq!(check(&keys(1, &[]), "demo", &text, Duration::ZERO), None);
        }
    }
}
