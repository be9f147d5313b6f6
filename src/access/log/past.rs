//! How a meter stood at a moment that is past, told from the log alone. Pure.
//!
//! Every row says how the count stood after it, and every change of a count has a row: reads that
//! were counted, walls, and what a reader brought along to another browser. So the last row before a
//! moment tells the count, and all of its window tell which articles were in it. Only where a
//! window ends between two decisions that are one row, a count is late by those minutes.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::code::SupportCode;
use crate::{
    access::decision::{ArticleAccess, Reason},
    clock::Timestamp,
    metering::tally::Fingerprint,
};

/// A decision as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its id; later ones have greater ids.
    pub id: Uuid,
    /// What the wall showed.
    pub code: SupportCode,
    /// On which site.
    pub site: String,
    /// When.
    pub at: Timestamp,
    /// The browser that asked.
    pub visitor: Uuid,
    /// The reader who was logged in there.
    pub reader: Option<Uuid>,
    /// Which article.
    pub article: Fingerprint,
    /// How the site said it may be read.
    pub access: ArticleAccess,
    /// What was decided.
    pub reason: Reason,
    /// What the meter said, where it was asked.
    pub count: Option<Count>,
    /// The place in the policy and the words of the rule that applied.
    pub rule: Option<(usize, String)>,
    /// What the reader had then: product and status of each open subscription.
    pub standing: Option<String>,
}

/// A meter as it stood after a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Where it counts.
    pub pool: String,
    /// Distinct articles the window allowed.
    pub limit: u32,
    /// Distinct articles counted.
    pub used: u32,
    /// When the count was to start anew.
    pub resets_at: Option<Timestamp>,
}

/// Whose count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A browser's.
    Visitor(Uuid),
    /// A reader's, in whatever browser.
    Reader(Uuid),
}

impl Subject {
    fn is_in(self, row: &Logged) -> bool {
        match self {
            Self::Visitor(id) => row.visitor == id,
            Self::Reader(id) => row.reader == Some(id),
        }
    }
}

/// A meter as it stood at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Distinct articles counted.
    pub used: u32,
    /// What the window allowed; none where no row tells.
    pub limit: Option<u32>,
    /// When the count was to start anew; none while nothing was counted.
    pub resets_at: Option<Timestamp>,
    /// The articles of the window that are known from this subject's own rows.
    pub articles: BTreeSet<Fingerprint>,
}

/// What an article would have met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foretold {
    /// It was read before in the window, and so was free to read again.
    AlreadyRead,
    /// It would have been counted.
    Counted,
    /// The wall.
    Exhausted,
    /// No row tells the limit.
    Unknown,
}

impl Past {
    /// How the count of `subject` in `pool` stood at `at`, from its rows in the order of time.
    /// Rows of others, of other pools and from after `at` may be among them.
    #[must_use]
    pub fn of<'a>(
        rows: impl IntoIterator<Item = &'a Logged>,
        subject: Subject,
        pool: &str,
        at: Timestamp,
    ) -> Self {
        let mut past = Self::default();
        for row in rows.into_iter().filter(|row| row.at <= at && subject.is_in(row)) {
            let Some(count) = row.count.as_ref().filter(|count| count.pool == pool) else {
                continue;
            };
            past.end_at(row.at);
            if row.reason == Reason::Metered {
                past.articles.insert(row.article);
            }
            past.used = count.used;
            past.limit = Some(count.limit);
            past.resets_at = count.resets_at;
        }
        past.end_at(at);
        past
    }

    /// Begins anew where the window is over at `now`.
    fn end_at(&mut self, now: Timestamp) {
        if self.resets_at.is_some_and(|resets_at| resets_at <= now) {
            *self = Self { limit: self.limit, ..Self::default() };
        }
    }

    /// What `article` would have met then.
    #[must_use]
    pub fn foretell(&self, article: Fingerprint) -> Foretold {
        if self.articles.contains(&article) {
            return Foretold::AlreadyRead;
        }
        match self.limit {
            Some(limit) if self.used >= limit => Foretold::Exhausted,
            Some(_) => Foretold::Counted,
            None => Foretold::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use time::Duration;

    use super::*;
    use crate::{
        access::log::logged::{Decided, Rule, is_kept},
        metering::{
            tally::{Read, Tally, Verdict, tally},
            together::tally_together,
            window::Window,
        },
    };

    const POOL: &str = "site/demo";
    const LIMIT: u32 = 3;

    fn start() -> Timestamp {
        Timestamp::parse("2026-11-23T04:05:06Z").unwrap()
    }

    fn read(article: u8, at: Timestamp, dry_run: bool) -> Read {
        Read {
            article: Fingerprint::of("demo", &article.to_string()),
            limit: LIMIT,
            window: Window::new("P30D".parse().unwrap(), TimeZone::UTC),
            at,
            dry_run,
        }
    }

    fn reason(verdict: Verdict) -> Reason {
        match verdict {
            Verdict::Counted => Reason::Metered,
            Verdict::AlreadyRead => Reason::AlreadyRead,
            Verdict::Exhausted => Reason::MeterExhausted,
        }
    }

    fn logged(decided: &Decided, number: usize) -> Logged {
        let count = decided.reading.map(|it| Count {
            pool: POOL.to_owned(),
            limit: it.limit,
            used: it.used,
            resets_at: it.resets_at,
        });
        Logged {
            id: Uuid::from_u128(number as u128),
            code: SupportCode::of_hash([0; 8]),
            site: decided.site.to_string(),
            at: decided.at,
            visitor: decided.visitor,
            reader: decided.reader.as_ref().map(|(reader, _)| *reader),
            article: decided.article,
            access: decided.access,
            reason: decided.reason,
            count,
            rule: None,
            standing: None,
        }
    }

    proptest! {
        /// Browsers read alone and with a reader logged in, in any order and at any pace. After each
        /// step the log tells each one's count as the meter has it, though what was read again
        /// alone is not in it. Each step is in minutes of its own, as rows are.
        #[test]
        fn the_log_tells_every_count_as_the_meter_has_it(
            steps in prop::collection::vec(
                (0_usize..3, prop::option::of(0_usize..2), 0_u8..5, 10_i64..12_000), 1..60,
            ),
        ) {
            let mut now = start();
            let mut visitors: [Option<Tally>; 3] = [const { None }; 3];
            let mut readers: [Option<Tally>; 2] = [const { None }; 2];
            let mut rows: Vec<Logged> = Vec::new();
            let mut likenesses = std::collections::HashSet::new();
            for (v, r, article, minutes) in steps {
                now = now.plus(Duration::minutes(minutes));
                let read_now = read(article, now, false);
                let reading = if let Some(r) = r {
                    let (reading, [reader, visitor]) =
                        tally_together(readers[r].as_ref(), visitors[v].as_ref(), &read_now);
                    readers[r] = reader.or(readers[r].take());
                    visitors[v] = visitor.or(visitors[v].take());
                    reading
                } else {
                    let (reading, next) = tally(visitors[v].as_ref(), &read_now);
                    visitors[v] = next.or(visitors[v].take());
                    reading
                };
                let decided = Decided {
                    site: "demo".into(),
                    at: now,
                    visitor: Uuid::from_u128(v as u128),
                    reader: r.map(|r| (Uuid::from_u128(100 + r as u128), Arc::default())),
                    article: read_now.article,
                    access: ArticleAccess::Metered,
                    reason: reason(reading.verdict),
                    rule: Some(Rule { place: 0, text: "".into(), pool: POOL.into() }),
                    reading: Some(reading),
                };
                if is_kept(decided.reason, r.is_some()) && likenesses.insert(decided.likeness()) {
                    rows.push(logged(&decided, rows.len()));
                }
                let subjects = (0_u128..3)
                    .map(|v| (Subject::Visitor(Uuid::from_u128(v)), &visitors[v as usize]))
                    .chain((0_u128..2).map(|r| {
                        (Subject::Reader(Uuid::from_u128(100 + r)), &readers[r as usize])
                    }));
                for (subject, stored) in subjects {
                    let past = Past::of(&rows, subject, POOL, now);
                    let (actual, _) = tally(stored.as_ref(), &read(99, now, true));
                    prop_assert_eq!(past.used, actual.used, "{:?} at {}", subject, now);
                    prop_assert_eq!(past.resets_at, actual.resets_at);
                    for article in &past.articles {
                        let again = Read { article: *article, ..read(0, now, true) };
                        let (reading, _) = tally(stored.as_ref(), &again);
                        prop_assert_eq!(reading.verdict, Verdict::AlreadyRead);
                    }
                    prop_assert!(past.articles.len() <= past.used as usize);
                }
            }
        }

        /// A browser that never met a reader is told whole: each article as the meter would have
        /// decided it, at any moment since.
        #[test]
        fn one_browser_is_told_whole_at_any_moment(
            steps in prop::collection::vec((0_u8..5, 0_i64..12_000), 1..40),
            asked in prop::collection::vec((0_u8..6, 0_i64..200_000), 1..20),
        ) {
            let mut now = start();
            let mut history: Vec<(Timestamp, Option<Tally>)> = Vec::new();
            let mut rows: Vec<Logged> = Vec::new();
            for (article, minutes) in steps {
                now = now.plus(Duration::minutes(minutes + 1));
                let stored = history.last().and_then(|(_, tally)| tally.clone());
                let (reading, next) = tally(stored.as_ref(), &read(article, now, false));
                history.push((now, next.or(stored)));
                let decided = Decided {
                    site: "demo".into(),
                    at: now,
                    visitor: Uuid::nil(),
                    reader: None,
                    article: Fingerprint::of("demo", &article.to_string()),
                    access: ArticleAccess::Metered,
                    reason: reason(reading.verdict),
                    rule: None,
                    reading: Some(reading),
                };
                if is_kept(decided.reason, false) {
                    rows.push(logged(&decided, rows.len()));
                }
            }
            for (article, minutes) in asked {
                let at = start().plus(Duration::minutes(minutes));
                let stored = history.iter().rfind(|(then, _)| *then <= at);
                let stored = stored.and_then(|(_, tally)| tally.as_ref());
                let past = Past::of(&rows, Subject::Visitor(Uuid::nil()), POOL, at);
                let (actual, _) = tally(stored, &read(article, at, true));
                let expected = match actual.verdict {
                    _ if past.limit.is_none() => Foretold::Unknown,
                    Verdict::AlreadyRead => Foretold::AlreadyRead,
                    Verdict::Counted => Foretold::Counted,
                    Verdict::Exhausted => Foretold::Exhausted,
                };
                let article = Fingerprint::of("demo", &article.to_string());
                prop_assert_eq!(past.foretell(article), expected);
                prop_assert_eq!((past.used, past.resets_at), (actual.used, actual.resets_at));
            }
        }
    }
}
