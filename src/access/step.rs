//! A sentence about a decision. Some parts of it read one way for programs and another for people,
//! who have their own calendar and no use for our code words. Pure.

use std::{borrow::Cow, fmt};

use super::decision::Reason;
use crate::clock::Timestamp;

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Text(Cow<'static, str>),
    /// An instant.
    At(Timestamp),
    /// A meter, by where it counts: `site/…` or `pool/…`.
    Meter(String),
    /// What was decided, and why.
    Outcome(Reason),
}

/// A sentence. As text it is what programs read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step(Vec<Part>);

impl Step {
    /// The same, going on with this text.
    #[must_use]
    pub fn say(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.with(Part::Text(text.into()))
    }

    /// The same, going on with this part.
    #[must_use]
    pub fn with(mut self, part: Part) -> Self {
        self.0.push(part);
        self
    }

    /// What it is made of.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Step {
    fn from(text: T) -> Self {
        Self::default().say(text)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::At(at) => write!(f, "{at}"),
            Part::Meter(pool) => write!(f, "`{pool}`"),
            Part::Outcome(reason) => {
                write!(f, "{}, because `{}`", reason.decision().as_str(), reason.as_str())
            }
        })
    }
}

/// Sentences as programs read them.
#[must_use]
pub fn for_programs(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_read_exact_instants_and_words() {
        let at = Timestamp::parse("2026-12-23T04:05:06Z").unwrap();
        let step = Step::from("In ")
            .with(Part::Meter("site/demo".to_owned()))
            .say(" at ")
            .with(Part::At(at))
            .say(format!(": {}", 1))
            .say(", ")
            .with(Part::Outcome(Reason::MeterExhausted));
        let expected = "In `site/demo` at 2026-12-23T04:05:06Z: 1, deny, because `meter_exhausted`";
        assert_eq!(for_programs(&[step]), [expected]);
    }
}
