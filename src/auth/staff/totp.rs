//! The second factor: codes of six digits that change every 30 seconds (RFC 6238). Pure.

use std::fmt;

use secrecy::SecretString;
use totp_rs::{Algorithm, Builder, Totp, TotpError};
use uuid::Uuid;

use crate::{
    auth::seal::{CannotOpen, MasterKey},
    clock::Timestamp,
    ids::{Ids, NoRandomness},
};

/// As many bits as the hash has (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;
const ISSUER: &str = "Pressgate";

/// What a member of staff and the installation share.
#[derive(Clone)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(***)")
    }
}

impl TotpSecret {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate(ids: &Ids) -> Result<Self, NoRandomness> {
        Ok(Self(ids.bytes()?))
    }

    /// As it is stored: it opens for this account only.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn seal(
        &self,
        master: &MasterKey,
        ids: &Ids,
        staff: Uuid,
    ) -> Result<Vec<u8>, NoRandomness> {
        master.seal(ids, &sealed_name(staff), &self.0)
    }

    /// Opens what [`TotpSecret::seal`] sealed.
    ///
    /// # Errors
    /// [`CannotOpen`]: another master key, or a row of another account.
    pub fn open(master: &MasterKey, staff: Uuid, sealed: &[u8]) -> Result<Self, CannotOpen> {
        let secret = master.open(&sealed_name(staff), sealed)?;
        Ok(Self(secret.try_into().map_err(|_| CannotOpen)?))
    }

    /// What an authenticator app takes, usually as a QR code: the secret in an `otpauth` URL.
    ///
    /// # Errors
    /// When `account` is empty or has a colon, which no address has.
    pub fn url(&self, account: &str) -> Result<SecretString, TotpError> {
        self.totp(account).to_url().map(SecretString::from)
    }

    /// The step whose code `code` is: this one, the one before it or the one after, since clocks
    /// differ and people type slowly. `None` also for a step that is used up: one up to
    /// `last_step`.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Timestamp, last_step: i64) -> Option<i64> {
        let seconds = u64::try_from(now.unix_seconds()).ok()?;
        let step = self.totp("").check(code, seconds)?;
        i64::try_from(step).ok().filter(|step| *step > last_step)
    }

    fn totp(&self, account: &str) -> Totp {
        // What the builder checks is fixed here: a test holds it to the RFC's rules.
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(30)
            .with_secret(self.0)
            .with_account_name(account)
            .with_issuer(Some(ISSUER))
            .build_noncompliant()
    }
}

/// What a secret is sealed under, so that no row opens in place of another.
fn sealed_name(staff: Uuid) -> String {
    format!("staff-totp/{staff}")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::auth::seal::MasterKey;

    /// RFC 6238, appendix B.
    const RFC: TotpSecret = TotpSecret(*b"12345678901234567890");

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The last six of the RFC's eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(RFC.step_of(code, at(seconds), 0), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_from_a_step_before_its_own_to_a_step_after() {
        // 287082 is the code of step 1: the seconds 30 to 59.
        for (seconds, step) in
            [(0, Some(1)), (29, Some(1)), (30, Some(1)), (59, Some(1)), (89, Some(1)), (90, None)]
        {
            assert_eq!(RFC.step_of("287082", at(seconds), 0), step, "{seconds}");
        }
        // 050471 is that of 1111111111, whose step is 37037037.
        let start = 37_037_037 * 30;
        for (seconds, is_good) in
            [(start - 31, false), (start - 30, true), (start + 59, true), (start + 60, false)]
        {
            assert_eq!(RFC.step_of("050471", at(seconds), 0).is_some(), is_good, "{seconds}");
        }
    }

    #[test]
    fn a_used_step_and_those_before_it_are_used_up() {
        let now = at(1_111_111_111);
        for (last_step, is_good) in [(37_037_036, true), (37_037_037, false), (37_037_038, false)] {
            assert_eq!(RFC.step_of("050471", now, last_step).is_some(), is_good, "{last_step}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let now = at(1_111_111_111);
        let long = "0".repeat(1_000_000);
        for code in ["", "05047", "0504711", "050 471", "+50471", "０５０４７１", "-50471", &long]
        {
            assert_eq!(RFC.step_of(code, now, 0), None);
        }
        assert_eq!(RFC.step_of("050471", at(-1), 0), None);
    }

    #[test]
    fn the_settings_are_what_the_rfc_and_the_apps_expect() {
        let url = RFC.url("anna@example.org").unwrap();
        assert_eq!(
            url.expose_secret(),
            "otpauth://totp/Pressgate:anna%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Pressgate"
        );
        // What this checks, `totp` does not.
        let checked = Builder::new().with_secret(RFC.0).with_issuer(Some(ISSUER)).build().unwrap();
        let ours = RFC.totp("");
        assert_eq!((ours.algorithm(), ours.digits()), (checked.algorithm(), checked.digits()));
        assert_eq!((ours.skew(), ours.step()), (1, 30));
    }

    #[test]
    fn a_secret_opens_for_its_own_account_only_and_is_never_shown() {
        let ids = Ids::system().unwrap();
        let master = MasterKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let (anna, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let secret = TotpSecret::generate(&ids).unwrap();
        let sealed = secret.seal(&master, &ids, anna).unwrap();
        assert_eq!(TotpSecret::open(&master, anna, &sealed).unwrap().0, secret.0);
        assert!(TotpSecret::open(&master, ben, &sealed).is_err());
        assert_eq!(format!("{secret:?}"), "TotpSecret(***)");
        assert_ne!(TotpSecret::generate(&ids).unwrap().0, secret.0);
    }
}
