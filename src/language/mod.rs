//! What we say to readers, in their language.
//!
//! `model` says which languages there are and which one a reader gets; `texts` holds the messages
//! (Fluent, one folder for each language); `format` writes dates and money as CLDR says. [`Words`]
//! brings them together.

mod format;
mod model;
mod texts;

use fluent_bundle::FluentArgs;
use jiff::tz::TimeZone;

pub use self::{model::Language, texts::Value};
use crate::{clock::Timestamp, money::Money};

/// How one reader is spoken to: in which language, and by whose calendar. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// In which language.
    pub language: Language,
    /// Whose days and hours.
    pub zone: TimeZone,
}

impl Words {
    /// In `language`, by the calendar of `time_zone` (an IANA name), or of UTC where there is no
    /// such zone.
    #[must_use]
    pub fn new(language: Language, time_zone: &str) -> Self {
        Self { language, zone: TimeZone::get(time_zone).unwrap_or(TimeZone::UTC) }
    }

    /// The message `id`.
    #[must_use]
    pub fn say(&self, id: &str) -> String {
        texts::text(self.language, id, None)
    }

    /// The message `id` with its variables.
    #[must_use]
    pub fn with(&self, id: &str, variables: &[(&str, Value)]) -> String {
        let mut args = FluentArgs::with_capacity(variables.len());
        for (name, value) in variables {
            args.set(*name, value.clone());
        }
        texts::text(self.language, id, Some(&args))
    }

    /// The day that `at` falls on: "23 December 2026".
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        format::day(self.language, at, &self.zone)
    }

    /// The day and the time, to the second, with the zone: "23 December 2026 at 04:05:06 UTC".
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> String {
        let (time, zone) = format::time(self.language, at, &self.zone);
        let variables =
            [("day", self.day(at).into()), ("time", time.into()), ("zone", zone.into())];
        self.with("common-moment", &variables)
    }

    /// An amount: "$2.90".
    #[must_use]
    pub fn money(&self, money: Money) -> String {
        format::money(self.language, money)
    }

    /// Several names as one: "a, b and c".
    #[must_use]
    pub fn list(&self, names: &[String]) -> String {
        match names {
            [] => String::new(),
            [only] => only.clone(),
            [first @ .., last] => {
                let variables = [("first", first.join(", ").into()), ("last", last.into())];
                self.with("common-list", &variables)
            }
        }
    }
}

impl Default for Words {
    /// Where nothing is known: English, UTC.
    fn default() -> Self {
        Self { language: Language::English, zone: TimeZone::UTC }
    }
}
