//! Devices from which a member of staff has logged in with both factors. Pure.
//!
//! A device keeps a signed token. It opens nothing: a login with it needs both factors like any
//! other. It only moves the login to a limit of the device's own, so that a stranger's wrong
//! passwords, which count against the account, cannot keep its owner out.

use aws_lc_rs::hmac;
use time::Duration;
use uuid::Uuid;

use super::model::Staff;
use crate::{
    auth::{seal::MasterKey, signed},
    clock::Timestamp,
};

/// How long a device is known after the last login from it.
pub const LIFE: Duration = Duration::days(90);

/// So that scanners for leaked secrets see it.
const PREFIX: &str = "pgd_";
const ID_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const FACTS: usize = ID_BYTES + TIME_BYTES;

/// Makes the tokens of devices, and checks them.
pub struct DeviceKey(hmac::Key);

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceKey")
    }
}

impl DeviceKey {
    /// The key that belongs to `master`.
    #[must_use]
    pub fn of(master: &MasterKey) -> Self {
        Self(master.derive("staff devices"))
    }

    /// The token by which `device` is known as one of `staff` from `now` on.
    #[must_use]
    pub fn token(&self, device: Uuid, staff: &Staff, now: Timestamp) -> String {
        let mut facts = [0; FACTS];
        let expires_at = now.plus(LIFE).unix_seconds().to_be_bytes();
        let bytes = device.as_bytes().iter().chain(&expires_at);
        facts.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        let token = signed::token(&self.0, &facts, &Self::signed(&facts, staff));
        format!("{PREFIX}{token}")
    }

    /// Which device of `staff` has this token. None where it is another's, over, or was taken back
    /// with the password, the second factor or the account.
    #[must_use]
    pub fn device(&self, token: &str, staff: &Staff, now: Timestamp) -> Option<Uuid> {
        let token = token.strip_prefix(PREFIX)?;
        let facts = signed::facts(&self.0, token, |facts| Self::signed(facts, staff))?;
        let (device, expires_at) = facts.split_first_chunk::<ID_BYTES>()?;
        let expires_at = i64::from_be_bytes(expires_at.try_into().ok()?);
        (now.unix_seconds() < expires_at).then(|| Uuid::from_bytes(*device))
    }

    fn signed(facts: &[u8; FACTS], staff: &Staff) -> Vec<u8> {
        [&facts[..], staff.id.as_bytes(), &staff.device_epoch.to_be_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::staff::model::Role, mail::address::Address};

    fn staff(id: u128, device_epoch: i64) -> Staff {
        Staff {
            id: Uuid::from_u128(id),
            email: Address::parse("anna@example.org").unwrap(),
            password_hash: String::new(),
            role: Role::Admin,
            totp: None,
            created_at: Timestamp::UNIX_EPOCH,
            password_changed_at: Timestamp::UNIX_EPOCH,
            disabled_at: None,
            device_epoch,
        }
    }

    fn key(byte: u8) -> DeviceKey {
        DeviceKey(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]))
    }

    #[test]
    fn a_device_is_known_to_its_owner_for_ninety_days() {
        let now = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let (device, anna) = (Uuid::from_u128(7), staff(1, 3));
        let token = key(1).token(device, &anna, now);
        assert!(token.starts_with("pgd_") && token.len() < 100, "{token}");
        let last = now.plus(LIFE).minus(Duration::SECOND);
        for at in [now, last] {
            assert_eq!(key(1).device(&token, &anna, at), Some(device));
        }
        assert_eq!(key(1).device(&token, &anna, now.plus(LIFE)), None);
        assert_eq!(key(2).device(&token, &anna, now), None, "signed by another installation");
        for other in [staff(2, 3), staff(1, 4), staff(1, 2)] {
            assert_eq!(key(1).device(&token, &other, now), None, "{other:?}");
        }
        let long = "A".repeat(100_000);
        for rubbish in ["", "pgd_", "pgd_é", &token[1..], &token[4..], &format!("{token}A"), &long]
        {
            assert_eq!(key(1).device(rubbish, &anna, now), None, "{rubbish:.20}");
        }
    }
}
