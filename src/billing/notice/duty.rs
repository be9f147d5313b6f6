//! What is owed to whom. Pure.

use time::Duration;

use super::NoticeKind;
use crate::billing::catalog::Interval;

/// Where a duty holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// Everywhere.
    All,
    /// In these countries and parts of countries.
    Listed {
        /// As the file names them, groups and all.
        label: String,
        /// Each of them.
        codes: Vec<String>,
    },
}

impl Places {
    /// Whether it holds for a reader in `country`. Where only the country is known, a duty of one
    /// of its parts holds too.
    #[must_use]
    pub fn hold_for(&self, country: Option<&str>) -> bool {
        match (self, country) {
            (Self::All, _) => true,
            (Self::Listed { .. }, None) => false,
            (Self::Listed { codes, .. }, Some(country)) => codes.iter().any(|code| {
                code == country || is_part_of(code, country) || is_part_of(country, code)
            }),
        }
    }

    /// In words.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Listed { label, .. } => label,
        }
    }
}

fn is_part_of(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('-'))
}

/// A letter that goes out with the change that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtOnce {
    /// Which.
    pub kind: NoticeKind,
    /// Where.
    pub places: Places,
    /// Who says so.
    pub source: String,
}

/// A notice of a moment to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// Which.
    pub kind: NoticeKind,
    /// Where.
    pub places: Places,
    /// For which plans; all where it says nothing.
    pub interval: Option<Interval>,
    /// For trials of so many days or more.
    pub trial_days_min: Option<u32>,
    /// At most so many days before.
    pub from_days: u32,
    /// At least so many days before.
    pub to_days: u32,
    /// Who says so.
    pub source: String,
}

impl Ahead {
    /// How long before its moment the notice must go out: at most, and at least.
    #[must_use]
    pub fn window(&self) -> (Duration, Duration) {
        let days = |days: u32| Duration::days(i64::from(days));
        (days(self.from_days), days(self.to_days))
    }
}

/// The moment that a right to withdraw is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// The start of the subscription, trial or not.
    Start,
    /// The first payment after a trial.
    Trial,
    /// A renewal for a year.
    YearlyRenewal,
}

impl Since {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Trial => "trial",
            Self::YearlyRenewal => "yearly_renewal",
        }
    }
}

/// A right to withdraw and be paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// Where.
    pub places: Places,
    /// Counted from here.
    pub after: Since,
    /// For so many days.
    pub days: u32,
    /// Who says so.
    pub source: String,
}

/// Everything that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duties {
    /// Letters that go out with a change.
    pub at_once: Vec<AtOnce>,
    /// Notices of a moment to come.
    pub ahead: Vec<Ahead>,
    /// Rights to withdraw.
    pub withdrawals: Vec<Withdrawal>,
}

impl Duties {
    /// Who asks for a letter at once, for its record.
    #[must_use]
    pub fn at_once_by(&self, kind: NoticeKind, country: Option<&str>) -> String {
        let asking = |duty: &&AtOnce| duty.kind == kind && duty.places.hold_for(country);
        label(self.at_once.iter().filter(asking).map(|duty| &duty.places))
    }
}

/// Several places in one text, each once.
pub(super) fn label<'a>(places: impl Iterator<Item = &'a Places>) -> String {
    let mut labels: Vec<&str> = places.map(Places::label).collect();
    labels.dedup();
    labels.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_country_and_the_whole_find_each_other() {
        let places = |code: &str| Places::Listed { label: code.into(), codes: vec![code.into()] };
        for (code, country, holds) in [
            ("US-CA", Some("US-CA"), true),
            ("US-CA", Some("US"), true),
            ("US-CA", Some("US-NY"), false),
            ("US", Some("US-NY"), true),
            ("FR", Some("DE"), false),
            ("FR", None, false),
        ] {
            assert_eq!(places(code).hold_for(country), holds, "{code} for {country:?}");
        }
        assert!(Places::All.hold_for(None));
    }

    #[test]
    fn letters_at_once_say_who_asks_for_them() {
        let duties = Duties::shipped().unwrap();
        let by = |kind, country| duties.at_once_by(kind, country);
        assert_eq!(by(NoticeKind::CancellationReceipt, Some("DE")), "all; DE; EEA");
        assert_eq!(by(NoticeKind::Receipt, Some("US")), "all; US-CA");
        assert_eq!(by(NoticeKind::Receipt, None), "all");
    }
}
