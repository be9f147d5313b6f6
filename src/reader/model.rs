//! What a reader is. Pure.

use uuid::Uuid;

use crate::{clock::Timestamp, mail::address::Address};

/// A reader with an account. There is none before the mail to the address was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The reader's id: the `sub` of access tokens, and all that other rows know of the reader.
    pub id: Uuid,
    /// Where mail goes.
    pub email: Address,
    /// When a mail to this address was answered.
    pub email_verified_at: Timestamp,
    /// The password's hash; none for those who only log in by mail.
    pub password_hash: Option<String>,
    /// Since when the account exists.
    pub created_at: Timestamp,
}
