//! A password: what is taken as one, and what is not. Pure.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

/// Fewest characters of a new password.
pub const CHARS_MIN: usize = 8;
/// Most characters of a password.
pub const CHARS_MAX: usize = 256;
/// More bytes than any text has that is [`CHARS_MAX`] characters long once it is normalised, save
/// for one made to cost time; what is longer is not even looked at.
const BYTES_MAX: usize = 4_096;
/// Most characters that are judged at once. The judge tries every reading of `4@8({[` and the
/// like: 100 such characters take it a second, 24 take it 40 ms.
const JUDGED_MAX: usize = 24;
/// Passwords known from breaches that look strong; in lower case, one a line. Where they come
/// from stands in `tests/data/README.md`.
const BREACHED: &str = include_str!("breached.txt");

/// A password that may be set: long enough, and not one that is tried first.
#[derive(Clone)]
pub struct Password(SecretString);

/// What somebody gives as their password. It need not fulfil the rules for new ones: passwords
/// from before a rule still log in.
#[derive(Clone)]
pub struct Attempt(SecretString);

/// The text cannot be a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Shorter than [`CHARS_MIN`].
    #[error("must have at least {CHARS_MIN} characters")]
    TooShort,
    /// Longer than [`CHARS_MAX`].
    #[error("must have at most {CHARS_MAX} characters")]
    TooLong,
    /// Easily guessed, or known from a breach.
    #[error(
        "is too common: it is known from other sites, easily guessed, or made from your address \
         or our name; take something longer or less usual"
    )]
    TooCommon,
}

impl InvalidPassword {
    /// The rule's stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooCommon => "too_common",
        }
    }
}

impl Password {
    /// Reads a new password. Any character counts, spaces too, and none is required (NIST SP
    /// 800-63B, section 3.1.1.2). `forbidden` are texts that an attacker tries first for this very
    /// account: the parts of its address, the names of sites.
    ///
    /// Takes up to 80 ms for a text made to be slow: call it through
    /// [`Turn::parse`](super::hashing::Turn::parse) wherever others wait.
    ///
    /// # Errors
    /// [`InvalidPassword`].
    pub fn parse(text: &str, forbidden: &[&str]) -> Result<Self, InvalidPassword> {
        let text = normalised(text).ok_or(InvalidPassword::TooLong)?;
        let length = text.chars().count();
        if length < CHARS_MIN {
            return Err(InvalidPassword::TooShort);
        }
        let password = Self(text.into());
        let forbidden = || forbidden.iter().copied().chain(["pressgate"]);
        let lower = SecretString::from(password.expose().to_lowercase());
        let is_forbidden = forbidden().any(|word| word.to_lowercase() == lower.expose_secret());
        let is_breached = BREACHED.lines().any(|line| line == lower.expose_secret());
        let words: Vec<&str> = forbidden().collect();
        if is_forbidden || is_breached || !is_strong(password.expose(), length, &words) {
            return Err(InvalidPassword::TooCommon);
        }
        Ok(password)
    }

    /// Reads what is given at a log-in; `None` when it is longer than any password.
    #[must_use]
    pub fn attempt(text: &str) -> Option<Attempt> {
        normalised(text).map(|text| Attempt(text.into()))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Attempt {
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The same text for every way to type it: `é` is one character on one keyboard and two on another
/// (NFC, Unicode Standard Annex 15). `None` when it is too long.
fn normalised(text: &str) -> Option<String> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let text: String = text.nfc().collect();
    (text.chars().count() <= CHARS_MAX).then_some(text)
}

/// Whether it takes more than a million guesses. A long text is strong when its beginning or its
/// end is: what is added to a strong password cannot make it weak.
fn is_strong(text: &str, length: usize, forbidden: &[&str]) -> bool {
    let is_strong = |part: &str| zxcvbn(part, forbidden).score() >= Score::Two;
    let part = |from: usize| {
        let part: String = text.chars().skip(from).take(JUDGED_MAX).collect();
        SecretString::from(part)
    };
    is_strong(part(0).expose_secret())
        || (length > JUDGED_MAX && is_strong(part(length - JUDGED_MAX).expose_secret()))
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(***)")
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const ANNA: [&str; 4] = ["anna.smith", "anna.smith@example.org", "demo", "The Daily Tide"];

    fn refused(text: &str) -> Option<InvalidPassword> {
        Password::parse(text, &ANNA).err()
    }

    #[test]
    fn length_counts_characters_and_nothing_else_is_required() {
        use InvalidPassword::{TooLong, TooShort};
        let mixed = |length| "🔑 løsen-ÿ 木 ".chars().cycle().take(length).collect::<String>();
        for (text, expected) in [
            (String::new(), Some(TooShort)),
            ("vqx trn".to_owned(), Some(TooShort)),
            ("vqx trnm".to_owned(), None),
            ("🔑🗝🚪🏠🌊🦀🎻".to_owned(), Some(TooShort)),
            ("🔑🗝🚪🏠🌊🦀🎻🪁".to_owned(), None),
            // 7 characters, each typed as two.
            ("q\u{304}w\u{304}z\u{304}e\u{301}".to_owned(), Some(TooShort)),
            ("gate swims under slow bells".to_owned(), None),
            (mixed(64), None),
            (mixed(100), None),
            (mixed(128), None),
            (mixed(256), None),
            (mixed(257), Some(TooLong)),
            ("e\u{301}".repeat(257), Some(TooLong)),
            ("x".repeat(10_000_000), Some(TooLong)),
        ] {
            let start: String = text.chars().take(20).collect();
            assert_eq!(refused(&text), expected, "{start}");
            assert_eq!(Password::attempt(&text).is_none(), expected == Some(TooLong), "{start}");
        }
    }

    #[test]
    fn the_3000_most_common_passwords_are_refused() {
        let common = include_str!("../../tests/data/common-passwords.txt");
        let taken: Vec<&str> = common.lines().filter(|text| refused(text).is_none()).collect();
        assert!(taken.is_empty(), "{taken:?}");
        assert_eq!(common.lines().count(), 3_000);
        for text in BREACHED.lines() {
            let shouted = text.to_uppercase();
            assert_eq!(refused(&shouted), Some(InvalidPassword::TooCommon), "{shouted}");
        }
    }

    #[test]
    fn what_is_near_at_hand_for_this_account_is_refused() {
        for text in [
            "anna.smith",
            "Anna.Smith",
            "ANNA.SMITH@EXAMPLE.ORG",
            "the daily tide",
            "Pressgate",
            "pressgate1",
            "P@ssw0rd!",
            "Password123!",
            "hunter2hunter2",
            "aaaaaaaaaaaa",
            "abababababab",
            "qwertyuiop[]",
            "31.12.1999",
            &"a".repeat(256),
            &"1qaz2wsx".repeat(32),
        ] {
            assert_eq!(refused(text), Some(InvalidPassword::TooCommon), "{text}");
        }
        // Common for one account only.
        assert!(Password::parse("anna.smith", &[]).is_ok());
        // A weak beginning does not spoil a strong end.
        assert_eq!(refused(&format!("{}gate swims under slow bells", "a".repeat(30))), None);
    }

    /// Ten times what it takes, so that a slow machine does not fail it; a second was normal
    /// before long texts were cut.
    #[test]
    fn no_text_takes_long_to_judge() {
        let random = pseudorandom(256);
        for text in [
            "a".repeat(256),
            "1qaz2wsx".repeat(32),
            "4@8({[<369!1|70$5+%2".repeat(12),
            "p4@ssw0rd$5!1|7+%2z({[<6938".repeat(9),
            "1/1/2011-11.11.11".repeat(15),
            random,
        ] {
            let started = Instant::now();
            let _ = refused(&text);
            assert!(started.elapsed() < Duration::from_millis(800), "{text}");
        }
    }

    fn pseudorandom(length: usize) -> String {
        let step = |state: u32| state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let states = std::iter::successors(Some(1_u32), |state| Some(step(*state)));
        states
            .take(length)
            .map(|state| char::from(33 + u8::try_from(state >> 26).unwrap()))
            .collect()
    }

    #[test]
    fn nothing_shows_it() {
        let password = Password::parse("gate swims under slow bells", &[]).unwrap();
        let attempt = Password::attempt("gate swims").unwrap();
        assert_eq!(format!("{password:?} {attempt:?}"), "Password(***) Attempt(***)");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(text in "(?s).{0,300}") {
            let read = Password::parse(&text, &ANNA);
            if let Ok(password) = &read {
                let again = Password::parse(password.expose(), &ANNA);
                proptest::prop_assert!(again.is_ok());
                let attempt = Password::attempt(&text).unwrap();
                proptest::prop_assert_eq!(attempt.expose(), password.expose());
            }
        }
    }
}
