//! Links that only we can make: each names one request or one subscription, and what may be done
//! to it. They are checked before anything is looked up. Pure.

use aws_lc_rs::hmac;
use uuid::Uuid;

use crate::auth::{seal::MasterKey, signed};

/// What a link may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Agree to what was asked for.
    Confirm,
    /// See what the address receives, and change it.
    Preferences,
    /// Leave one list.
    Unsubscribe,
}

impl Purpose {
    /// Where it leads.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Confirm => "/newsletters/confirm",
            Self::Preferences => "/newsletters/preferences",
            Self::Unsubscribe => "/newsletters/unsubscribe",
        }
    }
}

/// Makes links and checks them.
#[derive(Debug, Clone)]
pub struct LinkKey(hmac::Key);

impl LinkKey {
    /// The key that belongs to `master`.
    #[must_use]
    pub fn of(master: &MasterKey) -> Self {
        Self(master.derive("newsletter links"))
    }

    /// What a link for `purpose` carries. `id` is that of a request or a subscription, and so
    /// stands for one address and its lists.
    #[must_use]
    pub fn token(&self, purpose: Purpose, id: Uuid) -> String {
        signed::token(&self.0, id.as_bytes(), &text(purpose, id.as_bytes()))
    }

    /// Whose link `token` is, if we made it for `purpose`.
    #[must_use]
    pub fn open(&self, purpose: Purpose, token: &str) -> Option<Uuid> {
        signed::facts(&self.0, token, |id| text(purpose, id)).map(Uuid::from_bytes)
    }
}

/// The id has one length, so no two links are signed by the same text.
fn text(purpose: Purpose, id: &[u8; 16]) -> Vec<u8> {
    [id, purpose.path().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Purpose; 3] = [Purpose::Confirm, Purpose::Preferences, Purpose::Unsubscribe];

    fn key(byte: u8) -> LinkKey {
        LinkKey(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]))
    }

    #[test]
    fn a_link_does_one_thing_to_one_subscription() {
        let (mine, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        for purpose in ALL {
            let token = key(1).token(purpose, mine);
            assert_eq!(key(1).open(purpose, &token), Some(mine));
            assert_eq!(key(2).open(purpose, &token), None);
            for another in ALL.into_iter().filter(|it| *it != purpose) {
                assert_eq!(key(1).open(another, &token), None, "{another:?}");
            }
            let tag = token.get(22..).unwrap();
            let id = key(1).token(purpose, other);
            let spliced = format!("{}{tag}", id.get(..22).unwrap());
            assert_eq!(key(1).open(purpose, &spliced), None);
        }
    }

    #[test]
    fn links_in_mails_that_were_sent_go_on_working() {
        let sent = "AAAAAAAAAAAAAAAAAAAAB_N0mJmamOw5oc8xLtOc5FE-G6cF_-ePfM0p8QFN5oQV";
        assert_eq!(key(1).open(Purpose::Confirm, sent), Some(Uuid::from_u128(7)));
        assert_eq!(key(1).token(Purpose::Confirm, Uuid::from_u128(7)), sent);
    }

    proptest::proptest! {
        #[test]
        fn rubbish_opens_nothing(text in "\\PC{0,80}", letters in "[A-Za-z0-9_-]{64}") {
            for token in [text, letters] {
                for purpose in ALL {
                    proptest::prop_assert_eq!(key(1).open(purpose, &token), None);
                }
            }
        }
    }
}
