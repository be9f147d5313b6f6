//! From lines to reads: what is a read, whose it is, and a count of everything that is none.

use std::{borrow::Cow, collections::BTreeMap};

use aws_lc_rs::digest::{Context, SHA256};

use super::{
    bots::Bots,
    input::Line,
    log::{self, BadLine, Entry},
    views::PageViews,
};
use crate::clock::Timestamp;

/// How many bad lines are kept to be shown.
const EXAMPLES_MAX: usize = 5;

/// One visitor: 128 bits of SHA-256 of address and agent, so that neither is kept and memory does
/// not depend on their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisitorKey(pub u128);

impl VisitorKey {
    /// The visitor with this address and agent.
    #[must_use]
    pub fn of(address: &[u8], agent: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(address);
        context.update(&[0]);
        context.update(agent);
        let digest = context.finish();
        Self(digest.as_ref().first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes)))
    }
}

/// One page view by a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRead<'a> {
    /// Where in the log.
    pub line: u64,
    /// Who.
    pub visitor: VisitorKey,
    /// What: the path.
    pub article: Cow<'a, str>,
    /// When.
    pub at: Timestamp,
}

/// What the lines were. Every line is exactly one of bad, not a page view, a bot's, or a read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// All lines.
    pub lines: u64,
    /// Lines that could not be read, by reason.
    pub bad: BTreeMap<BadLine, u64>,
    /// The first bad lines.
    pub bad_examples: Vec<(u64, BadLine)>,
    /// Requests that are no page views.
    pub not_page_views: u64,
    /// Page views by programs that say what they are.
    pub bots: u64,
    /// Page views by visitors.
    pub reads: u64,
    /// The earliest and the latest time of any line.
    pub period: Option<(Timestamp, Timestamp)>,
}

impl Totals {
    /// All lines that could not be read.
    #[must_use]
    pub fn bad_lines(&self) -> u64 {
        self.bad.values().sum()
    }

    fn add_bad(&mut self, line: u64, reason: BadLine) {
        *self.bad.entry(reason).or_default() += 1;
        if self.bad_examples.len() < EXAMPLES_MAX {
            self.bad_examples.push((line, reason));
        }
    }

    fn extend_period(&mut self, at: Timestamp) {
        let (first, last) = self.period.unwrap_or((at, at));
        self.period = Some((first.min(at), last.max(at)));
    }
}

/// Lets reads pass and counts the rest.
pub struct Sieve {
    views: PageViews,
    /// `None` where bots count like everyone.
    bots: Option<Bots>,
    /// What has been seen so far.
    pub totals: Totals,
}

impl Sieve {
    /// A sieve for page views by others than `bots`.
    #[must_use]
    pub fn new(views: PageViews, bots: Option<Bots>) -> Self {
        Self { views, bots, totals: Totals::default() }
    }

    /// The read that `line` is, if it is one.
    pub fn sift<'a>(&mut self, line: Line<'a>) -> Option<LoggedRead<'a>> {
        self.totals.lines += 1;
        match line.text.and_then(log::parse) {
            Ok(entry) => self.sift_entry(line.number, &entry),
            Err(reason) => {
                self.totals.add_bad(line.number, reason);
                None
            }
        }
    }

    fn sift_entry<'a>(&mut self, line: u64, entry: &Entry<'a>) -> Option<LoggedRead<'a>> {
        self.totals.extend_period(entry.at);
        let Some(article) = self.views.article(entry) else {
            self.totals.not_page_views += 1;
            return None;
        };
        // The Common format has no agents: nothing tells its bots from people.
        if let (Some(bots), Some(agent)) = (&self.bots, entry.agent)
            && bots.knows(agent)
        {
            self.totals.bots += 1;
            return None;
        }
        self.totals.reads += 1;
        let visitor = VisitorKey::of(entry.address, entry.agent.unwrap_or_default());
        Some(LoggedRead { line, visitor, article, at: entry.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_counted_as_exactly_one_thing() {
        let views = PageViews::new(&[], &[], &["png".to_owned()]).unwrap();
        let mut sieve = Sieve::new(views, Some(Bots::new().unwrap()));
        let line = |target: &str, agent: &str| {
            let start = "::1 - - [17/May/2015:10:05:03 +0000]";
            format!("{start} \"GET {target} HTTP/1.1\" 200 1 \"-\" \"{agent}\"")
        };
        let lines = [
            line("/a", "Firefox Gecko"),
            line("/a", "Safari WebKit"),
            line("/a.png", "Firefox Gecko"),
            line("/a", "Googlebot/2.1"),
            "garbage".to_owned(),
            "::1 - - [18/May/2015:10:05:03 +0000] \"GET /b HTTP/1.1\" 200 1".to_owned(),
        ];
        let mut visitors = Vec::new();
        for (number, text) in (1..).zip(&lines) {
            let line = Line { number, text: Ok(text.as_bytes()) };
            visitors.extend(sieve.sift(line).map(|read| (read.line, read.visitor)));
        }
        let totals = sieve.totals;
        assert_eq!(visitors.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 6]);
        assert_ne!(visitors[0].1, visitors[1].1);
        assert_eq!((totals.lines, totals.reads, totals.bots), (6, 3, 1));
        assert_eq!((totals.not_page_views, totals.bad_lines()), (1, 1));
        assert_eq!(totals.bad_examples, [(5, BadLine::Time)]);
        let (first, last) = totals.period.unwrap();
        assert_eq!(last.since(first), time::Duration::days(1));
    }
}
