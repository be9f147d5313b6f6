//! What a reader is. Pure.

use uuid::Uuid;

use crate::{clock::Timestamp, language::Language, mail::address::Address};

/// A reader with an account.
///
/// Whoever subscribes has one at once, but a provisional one: until the mail to the address is
/// answered it opens articles in the browser that began it, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The reader's id: the `sub` of access tokens, and all that other rows know of the reader.
    pub id: Uuid,
    /// Where mail goes.
    pub email: Address,
    /// When a mail to this address was answered; not yet where the account is provisional.
    pub email_verified_at: Option<Timestamp>,
    /// The password's hash; none for those who only log in by mail.
    pub password_hash: Option<String>,
    /// Since when the account exists.
    pub created_at: Timestamp,
    /// In which language the reader wants to be spoken to.
    pub language: Option<Language>,
    /// The site on which the account was begun, where one is known.
    pub site: Option<String>,
}

impl Reader {
    /// Whether a mail to the address was answered. Until then it may be anybody's.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.email_verified_at.is_some()
    }
}
