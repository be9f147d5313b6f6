//! The limits that a replay compares.

use std::{fmt, str::FromStr};

use crate::metering::policy::LIMIT_MAX;

/// One limit or a range of them; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The smallest, at least 1.
    pub first: u32,
    /// The largest, at most [`LIMIT_MAX`].
    pub last: u32,
}

/// The text names no limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number such as `3` or a range such as `1..10`, between 1 and {LIMIT_MAX}")]
pub struct InvalidLimits;

impl Limits {
    /// All limits, from the smallest.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        self.first..=self.last
    }

    /// The only limit, when it is one.
    #[must_use]
    pub fn single(self) -> Option<u32> {
        (self.first == self.last).then_some(self.first)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { first: 1, last: 10 }
    }
}

impl FromStr for Limits {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        let number = |text: &str| text.parse().map_err(|_| InvalidLimits);
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
            None => (number(text)?, number(text)?),
        };
        let valid = 1 <= first && first <= last && last <= LIMIT_MAX;
        valid.then_some(Self { first, last }).ok_or(InvalidLimits)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(limit) => write!(f, "{limit}"),
            None => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_both_its_ends() {
        for (text, expected) in [
            ("3", Some((3, 3))),
            ("1..10", Some((1, 10))),
            ("1..=10", Some((1, 10))),
            ("1..1000", Some((1, 1_000))),
            ("0", None),
            ("0..3", None),
            ("5..2", None),
            ("1..1001", None),
            ("1..", None),
            ("..3", None),
            ("-1", None),
            ("many", None),
        ] {
            let limits = expected.map(|(first, last)| Limits { first, last });
            assert_eq!(text.parse::<Limits>().ok(), limits, "{text}");
        }
        assert_eq!(Limits::default().iter().collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    }
}
