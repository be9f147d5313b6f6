//! The languages that readers can be spoken to in, and which one a reader gets. Pure.

use icu_locale_core::{Locale, locale};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest `Accept-Language` that is looked at.
const ACCEPTED_MAX: usize = 500;

/// A language, by its tag (BCP 47).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// French.
    #[serde(rename = "fr")]
    French,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::French];
    /// Their tags, in the same order.
    pub const TAGS: &[&str] = &[Self::ALL[0].tag(), Self::ALL[1].tag()];

    /// Its tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Reads a tag, as [`Language::tag`] wrote it.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// What its speakers call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    /// In which direction it is written, as HTML says it.
    #[must_use]
    pub fn dir(self) -> &'static str {
        match self {
            Self::English | Self::French => "ltr",
        }
    }

    /// By whose customs numbers and money are written.
    pub(super) fn locale(self) -> Locale {
        match self {
            Self::English => locale!("en"),
            Self::French => locale!("fr"),
        }
    }

    /// By whose customs dates are written. "23 December 2026" is read rightly wherever English is.
    pub(super) fn calendar_locale(self) -> Locale {
        match self {
            Self::English => locale!("en-GB"),
            Self::French => locale!("fr"),
        }
    }

    /// The language of a reader: the one that the site speaks, if it speaks one only; else the
    /// one that the account asks for; else the one that the browser likes best.
    #[must_use]
    pub fn choose(site: Option<Self>, account: Option<Self>, accepted: Option<&str>) -> Self {
        site.or(account).or_else(|| Self::accepted(accepted?)).unwrap_or_default()
    }

    /// The first of our languages in an `Accept-Language`, by weight (RFC 9110, section 12.5.4).
    fn accepted(header: &str) -> Option<Self> {
        let header = header.get(..ACCEPTED_MAX).unwrap_or(header);
        let mut wished: Vec<(f32, Self)> = header.split(',').filter_map(wish).collect();
        // The sort is stable: of two that are liked the same, the one named first.
        wished.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        wished.first().map(|(_, language)| *language)
    }
}

/// One of the languages that a browser asks for, and how much.
fn wish(text: &str) -> Option<(f32, Language)> {
    let (range, weight) = text.split_once(';').unwrap_or((text, "q=1"));
    let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
    let primary = range.trim().split('-').next()?.to_ascii_lowercase();
    (weight > 0.0).then_some((weight, Language::parse(&primary)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_asked_last() {
        let (english, french) = (Some(Language::English), Some(Language::French));
        for (site, account, accepted, expected) in [
            (None, None, None, Language::English),
            (None, None, Some("fr"), Language::French),
            (None, english, Some("fr"), Language::English),
            (french, english, Some("en"), Language::French),
        ] {
            assert_eq!(Language::choose(site, account, accepted), expected);
        }
    }

    #[test]
    fn a_browser_is_understood_as_far_as_it_makes_sense() {
        for (accepted, expected) in [
            ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Language::French),
            ("en-GB,en;q=0.9,fr;q=0.95", Language::English),
            ("de, fr;q=0.4, en;q=0.3", Language::French),
            ("FR", Language::French),
            ("fr;q=0, de", Language::English),
            ("de-DE, ja", Language::English),
            ("", Language::English),
            (";;;,,,q=,fr;q=x,\u{202e}", Language::English),
            ("fr;q=NaN, en;q=0.1", Language::English),
        ] {
            assert_eq!(Language::choose(None, None, Some(accepted)), expected, "{accepted}");
        }
        let long = format!("{}fr", "de,".repeat(100_000));
        assert_eq!(Language::choose(None, None, Some(&long)), Language::English);
    }
}
