//! Links in mails that do one thing to one subscription, without logging in. Pure.
//!
//! Nothing of them is kept: a link says for which subscription it is and until when, and is signed
//! for the one page that it opens. That page shows a button and nothing that is private, and only
//! the button changes anything: programs that look into mails follow links (RFC 8058, section 1).

use std::sync::Arc;

use aws_lc_rs::hmac;
use time::Duration;
use uuid::Uuid;

use crate::{
    auth::{seal::MasterKey, signed},
    clock::Timestamp,
};

/// How long a link works.
pub const LINK_LIFE: Duration = Duration::days(60);
/// A subscription and the second from which the link is over.
type Facts = [u8; 16 + 8];

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Cancels at the end of what is paid.
    Cancel,
    /// Lets pay with another card.
    Card,
    /// Takes a cancellation back.
    Resume,
}

impl LinkPurpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Card, Self::Resume];

    /// The page that does it.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Cancel => "/mail/cancel",
            Self::Card => "/mail/card",
            Self::Resume => "/mail/resume",
        }
    }
}

/// What can be done to one subscription, by a link each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionLinks {
    /// Cancels it.
    pub cancel: String,
    /// Lets pay with another card.
    pub card: String,
    /// Takes its cancellation back.
    pub resume: String,
}

/// Makes and checks such links.
#[derive(Debug, Clone)]
pub struct MailLinks {
    key: hmac::Key,
    public_url: Arc<str>,
}

impl MailLinks {
    /// Links to `public_url`, signed by the key that belongs to `master`.
    #[must_use]
    pub fn of(master: &MasterKey, public_url: &str) -> Self {
        Self { key: master.derive("links in mails"), public_url: public_url.into() }
    }

    /// A link that does `purpose` to `subscription`, for [`LINK_LIFE`] from `now`.
    #[must_use]
    pub fn url(&self, purpose: LinkPurpose, subscription: Uuid, now: Timestamp) -> String {
        let expires_at = now.plus(LINK_LIFE).micros() / 1_000_000;
        let mut facts = Facts::default();
        facts[..16].copy_from_slice(subscription.as_bytes());
        facts[16..].copy_from_slice(&expires_at.to_be_bytes());
        let token = signed::token(&self.key, &facts, &text(purpose, &facts));
        format!("{}{}?token={token}", self.public_url, purpose.path())
    }

    /// All that can be done to `subscription`, for [`LINK_LIFE`] from `now`.
    #[must_use]
    pub fn of_subscription(&self, subscription: Uuid, now: Timestamp) -> SubscriptionLinks {
        let url = |purpose| self.url(purpose, subscription, now);
        SubscriptionLinks {
            cancel: url(LinkPurpose::Cancel),
            card: url(LinkPurpose::Card),
            resume: url(LinkPurpose::Resume),
        }
    }

    /// The subscription that `token` is for; `None` for one that we did not make for `purpose`, or
    /// that is over at `now`.
    #[must_use]
    pub fn verify(&self, purpose: LinkPurpose, token: &str, now: Timestamp) -> Option<Uuid> {
        let facts: Facts = signed::facts(&self.key, token, |facts| text(purpose, facts))?;
        let (subscription, expires_at) = facts.split_at_checked(16)?;
        let expires_at = i64::from_be_bytes(expires_at.try_into().ok()?);
        let holds = now.micros() < expires_at.checked_mul(1_000_000)?;
        holds.then(|| Uuid::from_slice(subscription).ok()).flatten()
    }
}

/// No path holds a null byte, so a token for one purpose never reads as one for another.
fn text(purpose: LinkPurpose, facts: &Facts) -> Vec<u8> {
    [purpose.path().as_bytes(), &[0], facts].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(master: &str) -> MailLinks {
        MailLinks::of(&MasterKey::parse(master).unwrap(), "https://pay.example")
    }

    fn ours() -> MailLinks {
        links("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    }

    const TOKEN_LEN: usize = 75;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-23T04:05:06.7Z").unwrap()
    }

    fn token(purpose: LinkPurpose) -> String {
        let url = ours().url(purpose, Uuid::from_u128(7), now());
        let start = format!("https://pay.example{}?token=", purpose.path());
        url.strip_prefix(&start).unwrap().to_owned()
    }

    #[test]
    fn a_link_does_one_thing_to_one_subscription_for_sixty_days() {
        let last = Timestamp::parse("2027-01-22T04:05:05.999999Z").unwrap();
        for purpose in LinkPurpose::ALL {
            let token = token(purpose);
            assert_eq!(token.len(), TOKEN_LEN);
            for other in LinkPurpose::ALL {
                let expected = (other == purpose).then_some(Uuid::from_u128(7));
                assert_eq!(ours().verify(other, &token, now()), expected);
            }
            assert_eq!(ours().verify(purpose, &token, last), Some(Uuid::from_u128(7)));
            assert_eq!(ours().verify(purpose, &token, last.plus(Duration::MICROSECOND)), None);
            let theirs = links("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=");
            assert_eq!(theirs.verify(purpose, &token, now()), None);
        }
    }

    #[test]
    fn links_in_mails_that_were_sent_go_on_working() {
        let sent = "AAAAAAAAAAAAAAAAAAAABwAAAABrSdIAcz_fq0xzlogA0l-nAwpcG54RkWLVXPVSqgGhEb-2wjI";
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let links = MailLinks { key, public_url: "".into() };
        assert_eq!(links.verify(LinkPurpose::Cancel, sent, now()), Some(Uuid::from_u128(7)));
        let made = Timestamp::from_micros(1_800_000_000_000_000).unwrap().minus(LINK_LIFE);
        let url = links.url(LinkPurpose::Cancel, Uuid::from_u128(7), made);
        assert_eq!(url, format!("/mail/cancel?token={sent}"));
    }

    proptest! {
        #[test]
        fn a_changed_token_opens_nothing(at in 0..TOKEN_LEN, to in "[A-Za-z0-9_=. -]") {
            let mut changed = token(LinkPurpose::Cancel);
            prop_assume!(changed[at..=at] != to);
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(ours().verify(LinkPurpose::Cancel, &changed, now()), None);
        }

        #[test]
        fn whatever_is_sent_is_answered(token in "\\PC{0,200}") {
            prop_assert_eq!(ours().verify(LinkPurpose::Card, &token, now()), None);
        }
    }
}
