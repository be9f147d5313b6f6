//! What a site gives away free: ordered rules, of which the first that fits applies.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::window::{InvalidWindow, WindowSpec};
use crate::http::strict::Strict;

/// Most articles a rule may give free in one window.
pub const LIMIT_MAX: u32 = 1_000;
const RULES_MAX: usize = 50;
const NAMES_MAX: usize = 100;

/// Whom a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Everyone without a subscription.
    #[default]
    Everyone,
    /// Visitors who are not logged in.
    Anonymous,
    /// Readers who are logged in and whose address is confirmed.
    Registered,
}

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Whom it is for.
    #[serde(default)]
    pub audience: Audience,
    /// Only articles of these sections; every section when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<String>,
    /// Only articles with one of these tags; any article when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How many distinct articles a window allows, 1 to [`LIMIT_MAX`].
    pub limit: u32,
    /// How long a count lasts.
    pub window: WindowSpec,
    /// The pool that the reads count in. Rules without one share their site's own pool; rules of
    /// any site that name the same pool share that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
}

impl Rule {
    /// The seed publisher's rule, and a new site's: so many articles in 30 days for everyone.
    #[must_use]
    pub fn everyone(limit: u32, window: WindowSpec) -> Self {
        Self {
            audience: Audience::Everyone,
            sections: Vec::new(),
            tags: Vec::new(),
            limit,
            window,
            pool: None,
        }
    }

    fn fits(&self, audience: Audience, section: Option<&str>, tags: &[impl AsRef<str>]) -> bool {
        let audience_fits = self.audience == Audience::Everyone || self.audience == audience;
        let section_fits = self.sections.is_empty()
            || section.is_some_and(|section| self.sections.iter().any(|s| s == section));
        let has = |wanted: &String| tags.iter().any(|tag| tag.as_ref() == wanted);
        audience_fits && section_fits && (self.tags.is_empty() || self.tags.iter().any(has))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = match self.audience {
            Audience::Everyone => "everyone",
            Audience::Anonymous => "visitors who are not logged in",
            Audience::Registered => "readers who are logged in",
        };
        let noun = if self.limit == 1 { "article" } else { "articles" };
        write!(f, "{whom}: {} free {noun} ", self.limit)?;
        match self.window {
            WindowSpec::Day => f.write_str("a day")?,
            WindowSpec::Week => f.write_str("a week")?,
            WindowSpec::Month => f.write_str("a month")?,
            WindowSpec::Rolling(length) if length.whole_seconds() % 86_400 == 0 => {
                write!(f, "in {} days from the first", length.whole_days())?;
            }
            WindowSpec::Rolling(_) => write!(f, "in {} from the first", self.window)?,
        }
        if !self.sections.is_empty() {
            write!(f, ", in the sections {}", self.sections.join(", "))?;
        }
        if !self.tags.is_empty() {
            write!(f, ", with the tags {}", self.tags.join(", "))?;
        }
        Ok(())
    }
}

/// What a site wants where its reads cannot be counted, or it cannot be looked up who subscribes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// An error, so that the website decides.
    #[default]
    Error,
    /// The article, up to a number of articles for each visitor.
    Open,
    /// The wall.
    Closed,
}

impl OnFailure {
    /// As in policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads what [`OnFailure::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Error, Self::Open, Self::Closed].into_iter().find(|it| it.as_str() == text)
    }
}

/// What a site gives away: its rules, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The first that fits applies. An article that none fits is for subscribers only.
    pub rules: Vec<Rule>,
    /// What happens while nothing can be counted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure: OnFailure,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_default(on_failure: &OnFailure) -> bool {
    *on_failure == OnFailure::default()
}

impl From<Vec<Rule>> for Policy {
    fn from(rules: Vec<Rule>) -> Self {
        Self { rules, on_failure: OnFailure::default() }
    }
}

/// Why a policy was refused: the place and the rule, for each mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.join("\n"))]
pub struct InvalidPolicy(pub Vec<String>);

impl Policy {
    /// Reads a policy from JSON and checks every rule.
    ///
    /// # Errors
    /// [`InvalidPolicy`] names each mistake.
    pub fn parse(json: &str) -> Result<Self, InvalidPolicy> {
        let mut json = serde_json::Deserializer::from_str(json);
        let policy: Self = serde_path_to_error::deserialize(Strict::new(&mut json))
            .map_err(|e| InvalidPolicy(vec![format!("{}: {}", e.path(), e.inner())]))?;
        let mistakes = policy.mistakes();
        if mistakes.is_empty() { Ok(policy) } else { Err(InvalidPolicy(mistakes)) }
    }

    /// The position and the rule that applies to an article, if any.
    #[must_use]
    pub fn rule_for(
        &self,
        audience: Audience,
        section: Option<&str>,
        tags: &[impl AsRef<str>],
    ) -> Option<(usize, &Rule)> {
        self.rules.iter().enumerate().find(|(_, rule)| rule.fits(audience, section, tags))
    }

    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.rules.len() > RULES_MAX {
            mistakes.push(format!("rules: at most {RULES_MAX} rules"));
        }
        for (i, rule) in self.rules.iter().enumerate() {
            if !(1..=LIMIT_MAX).contains(&rule.limit) {
                mistakes.push(format!(
                    "rules[{i}].limit: must be 1 to {LIMIT_MAX}; to give nothing, leave the rule out"
                ));
            }
            let names = rule.sections.iter().chain(&rule.tags).chain(&rule.pool);
            if names.clone().count() > NAMES_MAX {
                mistakes.push(format!("rules[{i}]: at most {NAMES_MAX} sections and tags"));
            }
            if names.clone().any(|name| name.is_empty() || name.chars().count() > 100) {
                mistakes.push(format!("rules[{i}]: names must have 1 to 100 characters"));
            }
            let clashes = |other: &&Rule| other.pool == rule.pool && other.window != rule.window;
            if let Some(other) = self.rules.iter().take(i).find(clashes) {
                mistakes.push(format!(
                    "rules[{i}].window: rules that share a pool share its window; another has `{}`",
                    other.window
                ));
            }
        }
        mistakes
    }
}

impl Serialize for WindowSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WindowSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|e: InvalidWindow| serde::de::Error::custom(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TAGS: [&str; 0] = [];

    #[test]
    fn the_first_rule_that_fits_applies() {
        let policy = Policy::parse(
            r#"{"rules": [
                {"audience": "registered", "limit": 3, "window": "P30D"},
                {"sections": ["science"], "limit": 5, "window": "week", "pool": "science"},
                {"tags": ["archive"], "limit": 2, "window": "day", "pool": "archive"},
                {"audience": "anonymous", "limit": 1, "window": "P30D"}
            ]}"#,
        )
        .unwrap();
        let which = |audience, section, tags: &[&str]| {
            policy.rule_for(audience, section, tags).map(|(i, _)| i)
        };
        assert_eq!(which(Audience::Registered, Some("science"), &NO_TAGS), Some(0));
        assert_eq!(which(Audience::Anonymous, Some("science"), &NO_TAGS), Some(1));
        assert_eq!(which(Audience::Anonymous, Some("sport"), &["archive"]), Some(2));
        assert_eq!(which(Audience::Anonymous, None, &NO_TAGS), Some(3));
        assert_eq!(Policy::default().rule_for(Audience::Anonymous, None, &NO_TAGS), None);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let mistakes = Policy::parse(
            r#"{"rules": [
                {"limit": 0, "window": "P30D"},
                {"limit": 2, "window": "day"},
                {"limit": 2, "window": "day", "pool": ""}
            ]}"#,
        )
        .unwrap_err()
        .0;
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes[0].starts_with("rules[0].limit"));
        assert!(mistakes[1].starts_with("rules[1].window"));
        assert!(mistakes[2].starts_with("rules[2]"));
        let unknown = Policy::parse(r#"{"rules": [{"limits": 1}]}"#).unwrap_err().0;
        assert!(unknown[0].contains("rules[0]") && unknown[0].contains("limits"), "{unknown:?}");
        assert!(Policy::parse(r#"{"rules": [{"limit": 1, "window": "P1M"}]}"#).is_err());
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let rule = Rule::everyone(1, "P30D".parse().unwrap());
        assert_eq!(rule.to_string(), "everyone: 1 free article in 30 days from the first");
    }
}
