//! Reads `config/duties.toml`, and reports every mistake at once.

use std::{collections::BTreeMap, fmt::Write};

use serde::Deserialize;
use toml::Spanned;

use super::{
    NoticeKind,
    duty::{Ahead, AtOnce, Duties, Places, Since, Withdrawal},
};
use crate::billing::catalog::Interval;

const SHIPPED: &str = include_str!("../../../config/duties.toml");

/// The duties cannot be used: every mistake with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("config/duties.toml: {0}")]
pub struct InvalidDuties(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: BTreeMap<String, Vec<String>>,
    at_once: Vec<Spanned<toml::Table>>,
    notice: Vec<Spanned<toml::Table>>,
    withdrawal: Vec<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AtOnceRow {
    kind: NoticeKind,
    countries: Countries,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AheadRow {
    kind: NoticeKind,
    countries: Countries,
    interval: Option<Interval>,
    trial_days_min: Option<u32>,
    from_days: u32,
    to_days: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithdrawalRow {
    countries: Countries,
    after: Since,
    days: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Countries {
    Word(String),
    List(Vec<String>),
}

/// Reads rows, and keeps what is wrong with them.
struct Reader<'a> {
    text: &'a str,
    groups: BTreeMap<String, Vec<String>>,
    mistakes: Vec<String>,
}

impl Duties {
    /// The duties that are compiled in.
    ///
    /// # Errors
    /// [`InvalidDuties`] with every mistake.
    pub fn shipped() -> Result<Self, InvalidDuties> {
        Self::parse(SHIPPED)
    }

    pub(super) fn parse(text: &str) -> Result<Self, InvalidDuties> {
        let file: File = toml::from_str(text).map_err(|error| InvalidDuties(error.to_string()))?;
        let mut reader = Reader { text, groups: file.groups, mistakes: Vec::new() };
        reader.check_groups();
        let duties = Self {
            at_once: reader.rows(file.at_once, Reader::at_once),
            ahead: reader.rows(file.notice, Reader::ahead),
            withdrawals: reader.rows(file.withdrawal, Reader::withdrawal),
        };
        reader.mistakes.extend(contradictions(&duties.ahead));
        let mut said = String::new();
        for mistake in &reader.mistakes {
            let _ = write!(said, "\n  {mistake}");
        }
        if said.is_empty() { Ok(duties) } else { Err(InvalidDuties(said)) }
    }
}

impl Reader<'_> {
    fn rows<Row: for<'de> Deserialize<'de>, Duty>(
        &mut self,
        rows: Vec<Spanned<toml::Table>>,
        read: impl Fn(&mut Self, Row) -> Result<Duty, String>,
    ) -> Vec<Duty> {
        let mut duties = Vec::new();
        for row in rows {
            let before = self.text.get(..row.span().start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let row = row.into_inner().try_into().map_err(|error| error.to_string());
            match row.and_then(|row| read(self, row)) {
                Ok(duty) => duties.push(duty),
                Err(mistake) => {
                    self.mistakes.push(format!("line {line}: {}", mistake.trim_end()));
                }
            }
        }
        duties
    }

    fn at_once(&mut self, row: AtOnceRow) -> Result<AtOnce, String> {
        if !row.kind.is_at_once() {
            return Err(format!("`{}` is a [[notice]]: it goes out before a moment", row.kind));
        }
        let AtOnceRow { kind, countries, source } = row;
        Ok(AtOnce { kind, places: self.places(countries)?, source: sourced(source)? })
    }

    fn ahead(&mut self, row: AheadRow) -> Result<Ahead, String> {
        let AheadRow { kind, countries, interval, trial_days_min, from_days, to_days, source } =
            row;
        if kind.is_at_once() {
            return Err(format!("`{kind}` goes out [[at_once]]"));
        }
        if from_days <= to_days {
            return Err("`from_days` must be more than `to_days`".to_owned());
        }
        if from_days > 366 {
            return Err("`from_days` is at most 366".to_owned());
        }
        if trial_days_min.is_some() && kind != NoticeKind::TrialEnding {
            return Err("`trial_days_min` is for `trial_ending`".to_owned());
        }
        Ok(Ahead {
            places: self.places(countries)?,
            source: sourced(source)?,
            kind,
            interval,
            trial_days_min,
            from_days,
            to_days,
        })
    }

    fn withdrawal(&mut self, row: WithdrawalRow) -> Result<Withdrawal, String> {
        let WithdrawalRow { countries, after, days, source } = row;
        if !(1..=366).contains(&days) {
            return Err("`days` is 1 to 366".to_owned());
        }
        Ok(Withdrawal { places: self.places(countries)?, after, days, source: sourced(source)? })
    }

    fn check_groups(&mut self) {
        let listed = self
            .groups
            .iter()
            .flat_map(|(group, codes)| codes.iter().map(move |code| (group, code)));
        let unknown = listed.filter(|(_, code)| !is_code(code) && !self.groups.contains_key(*code));
        let mistakes: Vec<String> =
            unknown.map(|(group, code)| format!("group `{group}`: what is `{code}`?")).collect();
        self.mistakes.extend(mistakes);
    }

    fn places(&self, countries: Countries) -> Result<Places, String> {
        let names = match countries {
            Countries::Word(word) if word == "all" => return Ok(Places::All),
            Countries::Word(word) => {
                return Err(format!("`countries` is \"all\" or a list, not \"{word}\""));
            }
            Countries::List(names) => names,
        };
        let mut codes = Vec::new();
        for name in &names {
            match self.groups.get(name) {
                // A group may hold groups of codes, not deeper ones.
                Some(group) => codes.extend(group.iter().flat_map(|member| {
                    self.groups.get(member).cloned().unwrap_or_else(|| vec![member.clone()])
                })),
                None if is_code(name) => codes.push(name.clone()),
                None => return Err(format!("what is the country `{name}`?")),
            }
        }
        if codes.is_empty() {
            return Err("`countries` is empty".to_owned());
        }
        Ok(Places::Listed { label: names.join(", "), codes })
    }
}

fn sourced(source: String) -> Result<String, String> {
    if source.trim().is_empty() { Err("`source` is empty".to_owned()) } else { Ok(source) }
}

/// `FR` (ISO 3166-1) or `US-CA` (ISO 3166-2).
fn is_code(text: &str) -> bool {
    let (country, part) = text.split_once('-').unwrap_or((text, "X"));
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    is_country && (1..=3).contains(&part.len()) && part.bytes().all(is_upper)
}

/// Two rows of one kind that can hold for the same reader, though no day keeps both.
fn contradictions(rows: &[Ahead]) -> Vec<String> {
    let mut found = Vec::new();
    for (i, one) in rows.iter().enumerate() {
        for other in rows.iter().skip(i + 1) {
            let same_plans = one.interval.is_none()
                || other.interval.is_none()
                || one.interval == other.interval;
            let shared = one.from_days.min(other.from_days) > one.to_days.max(other.to_days);
            if one.kind == other.kind && same_plans && meet(&one.places, &other.places) && !shared {
                let (kind, one, other) = (one.kind, one.places.label(), other.places.label());
                found.push(format!("no day keeps both rules of `{kind}`: {one}, and {other}"));
            }
        }
    }
    found
}

fn meet(one: &Places, other: &Places) -> bool {
    match (one, other) {
        (Places::All, _) | (_, Places::All) => true,
        (Places::Listed { codes, .. }, other) => {
            codes.iter().any(|code| other.hold_for(Some(code)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_can_be_used() {
        let duties = Duties::shipped().unwrap();
        for kind in NoticeKind::ALL {
            let ahead = duties.ahead.iter().any(|duty| duty.kind == kind);
            let at_once = duties.at_once.iter().any(|duty| duty.kind == kind);
            assert_eq!((ahead, at_once), (!kind.is_at_once(), kind.is_at_once()), "{kind}");
        }
        let eea = duties.withdrawals.first().unwrap();
        for (country, holds) in [("DE", true), ("NO", true), ("CH", false), ("GB", false)] {
            assert_eq!(eea.places.hold_for(Some(country)), holds, "{country}");
        }
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_line() {
        let text = r#"
[groups]
EU = ["DE", "france"]

[[at_once]]
kind = "renewal"
countries = "all"
source = "x"

[[notice]]
kind = "trial_ending"
countries = "some"
from_days = 8
to_days = 7
source = "x"

[[notice]]
kind = "trial_ending"
countries = ["DE", "EFTA"]
from_days = 8
to_days = 7
source = "x"

[[notice]]
kind = "renewal"
countries = ["EU"]
from_days = 7
to_days = 7
source = "x"

[[notice]]
kind = "renewal"
countries = ["EU"]
from_days = 9
to_days = 7
sauce = "x"

[[notice]]
kind = "price_change"
countries = "all"
from_days = 60
to_days = 30
source = " "

[[notice]]
kind = "yearly_reminder"
countries = "all"
from_days = 60
to_days = 30
source = "x"

[[notice]]
kind = "yearly_reminder"
countries = ["FR"]
from_days = 30
to_days = 20
source = "x"

[[withdrawal]]
countries = []
after = "start"
days = 14
source = "x"
"#;
        let said = Duties::parse(text).unwrap_err().to_string();
        for mistake in [
            "group `EU`: what is `france`?",
            "line 5: `renewal` is a [[notice]]",
            "line 10: `countries` is \"all\" or a list, not \"some\"",
            "line 17: what is the country `EFTA`?",
            "line 24: `from_days` must be more",
            "line 31: unknown field `sauce`",
            "line 38: `source` is empty",
            "no day keeps both rules of `yearly_reminder`: all, and FR",
            "line 59: `countries` is empty",
        ] {
            assert!(said.contains(mistake), "{mistake} in {said}");
        }
    }
}
