//! Decisions of the past in plain words. Pure.

use super::past::{Foretold, Logged, Past, Subject};
use crate::{
    access::{
        decision::{ArticleAccess, Reason},
        step::{Part, Step},
    },
    clock::Timestamp,
    metering::tally::Fingerprint,
};

/// The steps that led to a decision, with the facts as they were.
#[must_use]
pub fn steps(logged: &Logged) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![match logged.standing.as_deref() {
        None => "Nobody was logged in.".into(),
        Some("") => "A reader was logged in, without a subscription.".into(),
        Some(standing) => {
            let standing = standing.replace('_', " ");
            format!("A reader was logged in, whose {standing} did not open this site's articles.")
                .into()
        }
    }];
    steps.push(match logged.access {
        ArticleAccess::Free => "The site said that the article is free.".into(),
        ArticleAccess::Metered => "The site said that the article is metered.".into(),
        ArticleAccess::Subscribers => {
            "The site said that the article is for subscribers only.".into()
        }
    });
    if logged.access == ArticleAccess::Metered {
        steps.push(match &logged.rule {
            Some((place, text)) => format!("Rule {} applied to {text}.", place + 1).into(),
            None => "No rule of the site's meter gave the article away.".into(),
        });
    }
    if let Some(count) = &logged.count {
        if logged.reader.is_some() {
            steps.push("What the reader and this browser had read counted together.".into());
        }
        let (used, limit) = (count.used, count.limit);
        steps.push(match logged.reason {
            Reason::Metered => format!("It was counted: {used} of {limit} used with it.").into(),
            Reason::AlreadyRead => {
                format!("It was read before in this window: {used} of {limit} used.").into()
            }
            _ => format!("The limit was reached: {used} of {limit} used.").into(),
        });
        if let Some(resets_at) = count.resets_at {
            let anew = Step::from("The count was to start anew at ");
            steps.push(anew.with(Part::At(resets_at)).say("."));
        }
    }
    steps.push(Step::from("So: ").with(Part::Outcome(logged.reason)).say("."));
    steps
}

/// What the log knows of one moment.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Which.
    pub at: Timestamp,
    /// The article that is asked about, if any.
    pub article: Option<Fingerprint>,
    /// The last decision until then about what is asked.
    pub last: Option<&'a Logged>,
    /// How each meter stood.
    pub stood: Vec<(Subject, String, Past)>,
    /// Before this nothing is kept.
    pub kept_since: Timestamp,
    /// Decisions of the minutes before that were left out.
    pub lost: u64,
}

/// What was so at a moment, also where nothing was written down.
#[must_use]
pub fn moment(moment: &Moment<'_>) -> Vec<Step> {
    let mut told: Vec<Step> = Vec::new();
    if moment.at < moment.kept_since {
        let before = Step::from("What was before ").with(Part::At(moment.kept_since));
        told.push(before.say(" is not kept any more."));
    }
    told.push(match moment.last {
        Some(last) => Step::from("The last decision written down until then, at ")
            .with(Part::At(last.at))
            .say(": ")
            .with(Part::Outcome(last.reason))
            .say("."),
        None => "Until then nothing was counted or refused that is still written down. Free \
                 articles, what subscribers read, and what is read again are not."
            .into(),
    });
    for (subject, pool, past) in &moment.stood {
        told.push(stood(*subject, pool, past));
        if let Some(article) = moment.article {
            told.push(foretold(past.foretell(article)).into());
        }
    }
    if moment.lost > 0 {
        let lost = moment.lost;
        told.push(
            format!(
                "{lost} decisions of the minutes before were not written down, because too many came."
            )
            .into(),
        );
    }
    told
}

fn stood(subject: Subject, pool: &str, past: &Past) -> Step {
    let whose = match subject {
        Subject::Visitor(_) => "This browser",
        Subject::Reader(_) => "The reader",
    };
    let limit = past.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
    let used = Step::from(format!("{whose} had used {}{limit} in ", past.used))
        .with(Part::Meter(pool.to_owned()));
    match past.resets_at {
        Some(resets_at) => used.say(", until ").with(Part::At(resets_at)).say("."),
        None => used.say("."),
    }
}

fn foretold(foretold: Foretold) -> &'static str {
    match foretold {
        Foretold::AlreadyRead => "The article was read in that window, and free to read again.",
        Foretold::Counted => "The article would have been counted and opened.",
        Foretold::Exhausted => "The article would have met the wall, unless it was read elsewhere.",
        Foretold::Unknown => "Whether the article would have opened is not known.",
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::access::{
        log::{code::SupportCode, past::Count},
        step::for_programs,
    };

    fn wall() -> Logged {
        Logged {
            id: Uuid::from_u128(1),
            code: SupportCode::of_hash([1; 8]),
            site: "demo".to_owned(),
            at: Timestamp::parse("2026-11-24T04:05:06Z").unwrap(),
            visitor: Uuid::from_u128(2),
            reader: None,
            article: Fingerprint::of("demo", "bread"),
            access: ArticleAccess::Metered,
            reason: Reason::MeterExhausted,
            count: Some(Count {
                pool: "site/demo".to_owned(),
                limit: 1,
                used: 1,
                resets_at: Timestamp::parse("2026-12-23T04:05:06Z"),
            }),
            rule: Some((0, "everyone: 1 free article".to_owned())),
            standing: None,
        }
    }

    #[test]
    fn a_wall_of_the_past_is_told_with_its_facts() {
        assert_eq!(
            for_programs(&steps(&wall())),
            [
                "Nobody was logged in.",
                "The site said that the article is metered.",
                "Rule 1 applied to everyone: 1 free article.",
                "The limit was reached: 1 of 1 used.",
                "The count was to start anew at 2026-12-23T04:05:06Z.",
                "So: deny, because `meter_exhausted`.",
            ]
        );
        let late = Logged {
            reader: Some(Uuid::from_u128(3)),
            standing: Some("news past_due".to_owned()),
            access: ArticleAccess::Subscribers,
            reason: Reason::SubscriptionRequired,
            count: None,
            rule: None,
            ..wall()
        };
        assert_eq!(
            for_programs(&steps(&late)),
            [
                "A reader was logged in, whose news past due did not open this site's articles.",
                "The site said that the article is for subscribers only.",
                "So: deny, because `subscription_required`.",
            ]
        );
    }

    #[test]
    fn a_moment_is_told_also_where_nothing_was_written_down() {
        let row = wall();
        let at = Timestamp::parse("2026-11-25T04:05:06Z").unwrap();
        let subject = Subject::Visitor(row.visitor);
        let past = Past::of([&row], subject, "site/demo", at);
        let asked = Moment {
            at,
            article: Some(row.article),
            last: Some(&row),
            stood: vec![(subject, "site/demo".to_owned(), past)],
            kept_since: at,
            lost: 0,
        };
        assert_eq!(
            for_programs(&moment(&asked)),
            [
                "The last decision written down until then, at 2026-11-24T04:05:06Z: deny, because `meter_exhausted`.",
                "This browser had used 1 of 1 in `site/demo`, until 2026-12-23T04:05:06Z.",
                "The article would have met the wall, unless it was read elsewhere.",
            ]
        );
        let kept_since = Timestamp::parse("2026-11-26T00:00:00Z").unwrap();
        let none = Moment { last: None, stood: Vec::new(), kept_since, lost: 7, ..asked };
        let told = for_programs(&moment(&none));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().any(|line| line.starts_with("7 decisions")));
    }
}
