//! The decision, as a pure function from facts to a reason. Readable aloud; every other file in
//! this room gathers its facts or carries its answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::step::{Part, Step};
use crate::{
    billing::subscription::access::Entitlement,
    metering::{
        policy::OnFailure,
        tally::{Reading, Verdict},
    },
    site::directory::LiveRule,
};

/// How an article may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ArticleAccess {
    /// By everyone, and it never counts.
    Free,
    /// A few of them free, by the site's policy.
    #[default]
    Metered,
    /// By subscribers only.
    Subscribers,
}

impl ArticleAccess {
    const ALL: [Self; 3] = [Self::Free, Self::Metered, Self::Subscribers];

    /// As in questions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Metered => "metered",
            Self::Subscribers => "subscribers",
        }
    }

    /// Reads what [`ArticleAccess::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Serve the article.
    Allow,
    /// Serve the lead-in and the offer.
    Deny,
}

impl Decision {
    /// As in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// Why. More reasons may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The article is free for all.
    FreeArticle,
    /// One of the free articles, counted now.
    Metered,
    /// Counted before in this window.
    AlreadyRead,
    /// The reader's subscription is paid.
    Subscriber,
    /// The reader is in the free trial.
    Trial,
    /// A payment is missing or late, and the reader still reads for a while.
    GracePeriod,
    /// The publisher gave it away.
    Complimentary,
    /// The free articles of this window are used up.
    MeterExhausted,
    /// Only subscribers may read it.
    SubscriptionRequired,
    /// Reads cannot be counted now, or it cannot be looked up who subscribes: the site's
    /// `on_failure` decided.
    MeterUnavailable,
}

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 10] = [
        Self::FreeArticle,
        Self::Metered,
        Self::AlreadyRead,
        Self::Subscriber,
        Self::Trial,
        Self::GracePeriod,
        Self::Complimentary,
        Self::MeterExhausted,
        Self::SubscriptionRequired,
        Self::MeterUnavailable,
    ];

    /// As in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FreeArticle => "free_article",
            Self::Metered => "metered",
            Self::AlreadyRead => "already_read",
            Self::Subscriber => "subscriber",
            Self::Trial => "trial",
            Self::GracePeriod => "grace_period",
            Self::Complimentary => "complimentary",
            Self::MeterExhausted => "meter_exhausted",
            Self::SubscriptionRequired => "subscription_required",
            Self::MeterUnavailable => "meter_unavailable",
        }
    }

    /// Reads what [`Reason::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// What it decides. A site may allow [`Reason::MeterUnavailable`] by its policy: see
    /// [`without_meter`].
    #[must_use]
    pub fn decision(self) -> Decision {
        match self {
            Self::FreeArticle
            | Self::Metered
            | Self::AlreadyRead
            | Self::Subscriber
            | Self::Trial
            | Self::GracePeriod
            | Self::Complimentary => Decision::Allow,
            Self::MeterExhausted | Self::SubscriptionRequired | Self::MeterUnavailable => {
                Decision::Deny
            }
        }
    }
}

impl From<Entitlement> for Reason {
    fn from(entitlement: Entitlement) -> Self {
        match entitlement {
            Entitlement::Subscriber => Self::Subscriber,
            Entitlement::Trial => Self::Trial,
            Entitlement::GracePeriod => Self::GracePeriod,
            Entitlement::Complimentary => Self::Complimentary,
        }
    }
}

/// Everything a decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// How the article may be read.
    pub access: ArticleAccess,
    /// Whether a reader is logged in.
    pub is_reader: bool,
    /// Why the reader is not metered here, if so.
    pub entitlement: Option<Entitlement>,
    /// The rule that applies and its position, if any.
    pub rule: Option<(usize, &'a LiveRule)>,
    /// What the meter said, where it was asked.
    pub reading: Option<Reading>,
}

impl<'a> Facts<'a> {
    /// The rule by which the meter must be asked before this can be decided.
    #[must_use]
    pub fn question_for_the_meter(&self) -> Option<&'a LiveRule> {
        match self.access {
            ArticleAccess::Metered if self.entitlement.is_none() => self.rule.map(|(_, rule)| rule),
            _ => None,
        }
    }
}

/// Decides where the meter or the subscriptions cannot be asked, for a visitor who was allowed
/// `unmetered` reads so far; `None` where the site wants an error.
#[must_use]
pub fn without_meter(policy: OnFailure, unmetered: u8, unmetered_max: u8) -> Option<Decision> {
    match policy {
        OnFailure::Error => None,
        OnFailure::Open if unmetered < unmetered_max => Some(Decision::Allow),
        OnFailure::Open | OnFailure::Closed => Some(Decision::Deny),
    }
}

/// Decides.
#[must_use]
pub fn decide(facts: &Facts<'_>) -> Reason {
    if facts.access == ArticleAccess::Free {
        return Reason::FreeArticle;
    }
    if let Some(entitlement) = facts.entitlement {
        return entitlement.into();
    }
    match (facts.access, facts.reading.map(|reading| reading.verdict)) {
        (ArticleAccess::Free, _) => Reason::FreeArticle,
        (ArticleAccess::Subscribers, _) => Reason::SubscriptionRequired,
        // No rule gives anything away here.
        (ArticleAccess::Metered, None) => Reason::SubscriptionRequired,
        (ArticleAccess::Metered, Some(Verdict::Counted)) => Reason::Metered,
        (ArticleAccess::Metered, Some(Verdict::AlreadyRead)) => Reason::AlreadyRead,
        (ArticleAccess::Metered, Some(Verdict::Exhausted)) => Reason::MeterExhausted,
    }
}

/// The steps that led there, in the words of a support agent.
#[must_use]
pub fn explain(facts: &Facts<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if facts.is_reader {
        steps.push("A reader is logged in.".into());
    }
    match facts.access {
        ArticleAccess::Free => {
            steps.push("The site says this article is free for everyone.".into());
        }
        ArticleAccess::Subscribers => {
            steps.push("The site says this article is for subscribers only.".into());
        }
        ArticleAccess::Metered => {
            steps.push("The site says this article is metered.".into());
            if facts.entitlement.is_none() {
                steps.push(match facts.rule {
                    Some((i, rule)) => format!("Rule {} applies to {}.", i + 1, rule.text).into(),
                    None => "No rule of the site's meter gives this article away.".into(),
                });
            }
        }
    }
    if let Some(entitlement) = facts.entitlement.filter(|_| facts.access != ArticleAccess::Free) {
        steps.push(entitled(entitlement).into());
    }
    if let Some(reading) = facts.reading {
        if facts.is_reader {
            steps.push("What the reader and this visitor read counts together.".into());
        }
        let (used, limit) = (reading.used, reading.limit);
        steps.push(match reading.verdict {
            Verdict::Counted => {
                format!("It is within the limit: {used} of {limit} used with it.").into()
            }
            Verdict::AlreadyRead => {
                "It was read before in this window, and reading again is free.".into()
            }
            Verdict::Exhausted => format!("The limit is reached: {used} of {limit} used.").into(),
        });
        if let Some(resets_at) = reading.resets_at {
            let anew = Step::from("The count starts anew at ");
            steps.push(anew.with(Part::At(resets_at)).say("."));
        }
    }
    steps.push(Step::from("So: ").with(Part::Outcome(decide(facts))).say("."));
    steps
}

fn entitled(entitlement: Entitlement) -> &'static str {
    match entitlement {
        Entitlement::Subscriber => "The reader's subscription is paid.",
        Entitlement::Trial => "The reader is in the free trial.",
        Entitlement::GracePeriod => "A payment is missing or late; the reader still reads.",
        Entitlement::Complimentary => "The publisher gave the reader access.",
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{super::step::for_programs, *};
    use crate::{clock::Timestamp, metering::window::Window};

    fn rule() -> LiveRule {
        LiveRule {
            pool: "site/demo".into(),
            window: Window::new("P30D".parse().unwrap(), TimeZone::UTC),
            limit: 1,
            text: "everyone: 1 free article in 30 days from the first".into(),
        }
    }

    fn reading(verdict: Verdict) -> Reading {
        let resets_at = Timestamp::parse("2026-12-23T04:05:06Z");
        Reading { verdict, limit: 1, used: 1, resets_at }
    }

    #[test]
    fn each_combination_of_facts_has_its_reason() {
        use ArticleAccess::{Free, Metered, Subscribers};
        let rule = rule();
        for (access, rule, reading, reason) in [
            (Free, Some((0, &rule)), None, Reason::FreeArticle),
            (Subscribers, Some((0, &rule)), None, Reason::SubscriptionRequired),
            (Metered, None, None, Reason::SubscriptionRequired),
            (Metered, Some((0, &rule)), Some(reading(Verdict::Counted)), Reason::Metered),
            (Metered, Some((0, &rule)), Some(reading(Verdict::AlreadyRead)), Reason::AlreadyRead),
            (Metered, Some((0, &rule)), Some(reading(Verdict::Exhausted)), Reason::MeterExhausted),
        ] {
            let facts = Facts { access, is_reader: false, entitlement: None, rule, reading };
            assert_eq!(decide(&facts), reason);
            let asks = facts.question_for_the_meter().is_some();
            assert_eq!(asks, access == Metered && rule.is_some());
        }
    }

    #[test]
    fn a_wall_explains_itself() {
        let rule = rule();
        let facts = Facts {
            access: ArticleAccess::Metered,
            is_reader: false,
            entitlement: None,
            rule: Some((0, &rule)),
            reading: Some(reading(Verdict::Exhausted)),
        };
        assert_eq!(
            for_programs(&explain(&facts)),
            [
                "The site says this article is metered.",
                "Rule 1 applies to everyone: 1 free article in 30 days from the first.",
                "The limit is reached: 1 of 1 used.",
                "The count starts anew at 2026-12-23T04:05:06Z.",
                "So: deny, because `meter_exhausted`.",
            ]
        );
    }
    #[test]
    fn a_decision_on_a_reader_says_so() {
        let rule = rule();
        let facts = Facts {
            access: ArticleAccess::Metered,
            is_reader: true,
            entitlement: None,
            rule: Some((0, &rule)),
            reading: Some(reading(Verdict::Exhausted)),
        };
        let steps = for_programs(&explain(&facts));
        assert_eq!(steps.first().unwrap(), "A reader is logged in.");
        assert_eq!(steps.get(3).unwrap(), "What the reader and this visitor read counts together.");
        let free = Facts { access: ArticleAccess::Free, reading: None, ..facts };
        assert_eq!(explain(&free).len(), 3);
    }
}
