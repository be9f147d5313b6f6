//! The support code: short enough for the telephone, and a name for exactly one decision.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// Digits that nobody confuses (Crockford's base 32: no I, L, O, U).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Digits in a code, five bits each.
const LENGTH: usize = 12;
const GROUP: usize = 4;
const MASK: u64 = (1 << 60) - 1;

/// A code such as `7KQ2-M9XW-DPT4`: 60 bits of a keyed hash of what was decided. It tells nobody
/// anything but those who can look it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SupportCode(u64);

/// The text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a support code: three groups of four letters and digits, such as 7KQ2-M9XW-DPT4")]
pub struct InvalidCode;

impl SupportCode {
    /// The code made of the first bits of `hash`.
    #[must_use]
    pub fn of_hash(hash: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(hash) & MASK)
    }

    /// As stored.
    #[must_use]
    pub fn to_number(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// Reads what [`SupportCode::to_number`] wrote.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        u64::try_from(number).ok().filter(|number| *number <= MASK).map(Self)
    }
}

impl fmt::Display for SupportCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..LENGTH {
            if place > 0 && place.is_multiple_of(GROUP) {
                f.write_str("-")?;
            }
            let digit = (self.0 >> (5 * (LENGTH - 1 - place))) & 31;
            let digit = usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit));
            f.write_str(char::from(*digit.unwrap_or(&b'0')).encode_utf8(&mut [0; 4]))?;
        }
        Ok(())
    }
}

impl FromStr for SupportCode {
    type Err = InvalidCode;

    /// Takes it as people say and type it: small letters, spaces, an O for a zero.
    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let mut number = 0_u64;
        let mut length = 0;
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let digit = DIGITS.iter().position(|digit| char::from(*digit) == c);
            let digit = digit.and_then(|digit| u64::try_from(digit).ok()).ok_or(InvalidCode)?;
            length += 1;
            if length > LENGTH {
                return Err(InvalidCode);
            }
            number = (number << 5) | digit;
        }
        if length == LENGTH { Ok(Self(number)) } else { Err(InvalidCode) }
    }
}

impl Serialize for SupportCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_taken_as_it_is_said() {
        let code: SupportCode = "7KQ2-M9XW-DPT0".parse().unwrap();
        for said in ["7kq2m9xwdpto", " 7KQ2 M9XW DPTO ", "7-K-Q-2-M-9-X-W-D-P-T-0"] {
            assert_eq!(said.parse(), Ok(code), "{said}");
        }
        assert_eq!("LI11-0oO0-0000".parse::<SupportCode>().unwrap().to_string(), "1111-0000-0000");
        for wrong in ["", "7KQ2-M9XW-DPT", "7KQ2-M9XW-DPT04", "7KQ2-M9XW-DPTU", "7KQ2-M9XW-DPTé"] {
            assert_eq!(wrong.parse::<SupportCode>(), Err(InvalidCode), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_code_is_read_as_it_was_written(hash in any::<[u8; 8]>()) {
            let code = SupportCode::of_hash(hash);
            prop_assert_eq!(code.to_string().parse::<SupportCode>(), Ok(code));
            prop_assert_eq!(SupportCode::from_number(code.to_number()), Some(code));
            prop_assert_eq!(code.to_string().len(), 14);
        }

        #[test]
        fn no_text_breaks_it(text in ".{0,40}") {
            let _ = text.parse::<SupportCode>();
        }
    }
}
