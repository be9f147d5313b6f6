//! What an account of staff is.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::{clock::Timestamp, mail::address::Address};

/// What somebody is trusted with, in order: each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Helps readers.
    Support,
    /// Everything.
    Admin,
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `viewer`, `support` or `admin`")]
pub struct InvalidRole;

impl Role {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Support, Self::Admin];

    /// As stored and as written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(InvalidRole)
    }
}

/// An account of staff.
#[derive(Clone, PartialEq, Eq)]
pub struct Staff {
    /// Its id.
    pub id: Uuid,
    /// By what its owner logs in.
    pub email: Address,
    /// A PHC string.
    pub password_hash: String,
    /// What its owner is trusted with.
    pub role: Role,
    /// The second factor, where there is one.
    pub totp: Option<EnrolledTotp>,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// Since when it has this password.
    pub password_changed_at: Timestamp,
    /// Since when it is closed.
    pub disabled_at: Option<Timestamp>,
    /// Counts up when its known devices are forgotten.
    pub device_epoch: i64,
}

impl Staff {
    /// Whether it can manage the others.
    #[must_use]
    pub fn is_open_admin(&self) -> bool {
        self.role == Role::Admin && self.disabled_at.is_none()
    }
}

/// A second factor as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolledTotp {
    /// Its secret, sealed.
    pub sealed: Vec<u8>,
    /// The step whose code was used last; codes up to it are used up.
    pub last_step: i64,
}

/// Neither address nor hash reaches a log.
impl fmt::Debug for Staff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, role) = (&self.id, &self.role);
        f.debug_struct("Staff").field("id", id).field("role", role).finish_non_exhaustive()
    }
}

impl fmt::Debug for EnrolledTotp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolledTotp").field("last_step", &self.last_step).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reads_what_it_writes_and_nothing_else() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for text in ["", "Admin", "admin ", "root", "viewer\0"] {
            assert_eq!(text.parse::<Role>(), Err(InvalidRole), "{text:?}");
        }
    }

    #[test]
    fn nothing_shows_an_address_or_a_hash() {
        let staff = Staff {
            id: Uuid::from_u128(1),
            email: Address::parse("anna@example.org").unwrap(),
            password_hash: "$argon2id$secret".to_owned(),
            role: Role::Admin,
            totp: Some(EnrolledTotp { sealed: vec![7; 40], last_step: 5 }),
            created_at: Timestamp::UNIX_EPOCH,
            password_changed_at: Timestamp::UNIX_EPOCH,
            disabled_at: None,
            device_epoch: 0,
        };
        let shown = format!("{staff:?} {:?}", staff.totp);
        for secret in ["anna", "argon2", "7, 7"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
