//! Which characters a text from outside may hold.
//!
//! Control characters (NUL, escape, C1, …) mean nothing in a name, an address or a reason. PostgreSQL
//! stores no NUL, and the others would reach terminals, logs, mails and spreadsheets. So they are refused
//! where texts come in, before any rule of a field is looked at: in JSON bodies and forms by
//! [`super::strict`], in addresses by [`super::edge`], in settings and arguments where these are read.
//! A field that takes more says so, with one of the functions below as its `deserialize_with`.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Visitor};

/// The rule for one line of text, as a problem document says it.
pub const RULE: &str = "must be text without control characters";
/// The rule for text of several lines.
const RULE_FOR_LINES: &str =
    "must be text without control characters other than tabs and line breaks";

/// What a text may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// One line, the rule for every text that does not say otherwise.
    Line,
    /// Tabs and line breaks too: what people type into a large box.
    Lines,
    /// Anything: compared, parsed or ignored, and never stored.
    Anything,
}

impl Allowed {
    /// Says which rule `text` breaks.
    pub(super) fn check(self, text: &str) -> Result<(), &'static str> {
        let (is_refused, rule): (fn(char) -> bool, _) = match self {
            Self::Line => (char::is_control, RULE),
            Self::Lines => (|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'), RULE_FOR_LINES),
            Self::Anything => return Ok(()),
        };
        if text.chars().any(is_refused) { Err(rule) } else { Ok(()) }
    }

    /// The newtype name by which a field asks for this; see [`super::strict`].
    const fn name(self) -> &'static str {
        match self {
            Self::Line => "pressgate::Line",
            Self::Lines => "pressgate::Lines",
            Self::Anything => "pressgate::Anything",
        }
    }

    /// What the field with this newtype name asks for.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Lines, Self::Anything].into_iter().find(|allowed| allowed.name() == name)
    }
}

/// Whether a message of the deserializer is about this rule.
pub(super) fn is_rule(message: &str) -> bool {
    message.starts_with(RULE)
}

/// Checks one line of text.
///
/// # Errors
/// The rule.
pub fn check_line(text: &str) -> Result<(), &'static str> {
    Allowed::Line.check(text)
}

/// For `deserialize_with`: a text of several lines.
///
/// # Errors
/// The deserializer's.
pub fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    ask(Allowed::Lines, deserializer)
}

/// For `deserialize_with`, together with `default`: a text of several lines, or null.
///
/// # Errors
/// The deserializer's.
pub fn optional_lines<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    ask(Allowed::Lines, deserializer)
}

/// For `deserialize_with`: a text that is handed on from someone else's request, or a secret to compare.
/// It is never stored, and a character that does not belong there makes it no error of the caller.
///
/// # Errors
/// The deserializer's.
pub fn anything<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    ask(Allowed::Anything, deserializer)
}

fn ask<'de, D, T>(allowed: Allowed, deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Inside<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Inside<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
            T::deserialize(inner)
        }
    }

    deserializer.deserialize_newtype_struct(allowed.name(), Inside(std::marker::PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_refused_and_nothing_else() {
        for c in ('\0'..='\u{a0}').chain("é\u{2028}\u{202e}\u{feff}\u{10ffff}".chars()) {
            let text = format!("a{c}b");
            let is_control = matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}');
            assert_eq!(check_line(&text).is_err(), is_control, "{c:?}");
            let breaks = matches!(c, '\t' | '\n' | '\r');
            assert_eq!(Allowed::Lines.check(&text).is_err(), is_control && !breaks, "{c:?}");
            assert_eq!(Allowed::Anything.check(&text), Ok(()));
        }
    }
}
