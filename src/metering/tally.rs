//! The count itself: which distinct articles one subject has read free in one pool. Pure; every
//! store only keeps what is decided here.

use aws_lc_rs::digest::{Context, SHA256};
use smallvec::{SmallVec, smallvec};

use super::window::Window;
use crate::clock::Timestamp;

/// Names one article of one site in 128 bits of SHA-256. Long enough that two articles never
/// share one, and short enough that what a visitor read is not kept in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; Self::LENGTH]);

impl Fingerprint {
    /// In bytes.
    pub const LENGTH: usize = 16;

    /// The fingerprint of `article` on `site`. Sites that share a pool may use the same article
    /// ids for different articles.
    #[must_use]
    pub fn of(site: &str, article: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(site.as_bytes());
        context.update(&[0]);
        context.update(article.as_bytes());
        let mut bytes = [0; Self::LENGTH];
        let digest = context.finish();
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

/// Distinct articles, in the order of reading. Most visitors have one.
pub type Articles = SmallVec<[Fingerprint; 1]>;

/// What is stored of one subject in one pool: the window that its last counted read fell into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The first counted read of the window.
    pub started_at: Timestamp,
    /// The distinct articles counted, in the order of reading.
    pub articles: Articles,
    /// Goes up by one with every write, so that a write on top of another's is noticed.
    pub version: i64,
}

impl Tally {
    fn used(&self) -> u32 {
        u32::try_from(self.articles.len()).unwrap_or(u32::MAX)
    }

    /// Whether the window still runs at `now`. A start in the future is a clock that went back
    /// or another machine's that is ahead: the window stands.
    pub(super) fn is_open(&self, window: &Window, now: Timestamp) -> bool {
        now < window.end(self.started_at)
    }

    /// Whether `other` holds the same reads, whatever its version.
    pub(super) fn is_same_window(&self, other: &Self) -> bool {
        self.started_at == other.started_at && self.articles == other.articles
    }
}

/// One question to the meter.
#[derive(Debug, Clone)]
pub struct Read {
    /// Which article.
    pub article: Fingerprint,
    /// How many distinct articles the window allows.
    pub limit: u32,
    /// The window of the rule that applies.
    pub window: Window,
    /// When the question was asked.
    pub at: Timestamp,
    /// Whether only to say what would happen.
    pub dry_run: bool,
}

/// What the meter says of one article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A new article within the limit, counted now (or, in a dry run, to be counted).
    Counted,
    /// Counted before in this window: free to read again.
    AlreadyRead,
    /// The limit is reached; nothing was counted.
    Exhausted,
}

/// A verdict with the state of the meter after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What becomes of this read.
    pub verdict: Verdict,
    /// Distinct articles the window allows.
    pub limit: u32,
    /// Distinct articles counted so far, at most `limit` unless the limit was lowered or a
    /// visitor who had read alone logged in.
    pub used: u32,
    /// When the count starts anew; `None` while nothing is counted and only a read will tell.
    pub resets_at: Option<Timestamp>,
}

impl Reading {
    /// How many more articles may be read.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

/// Decides one read on top of `stored`, and says what to store instead if anything changes.
#[must_use]
pub fn tally(stored: Option<&Tally>, read: &Read) -> (Reading, Option<Tally>) {
    let open = stored.filter(|tally| tally.is_open(&read.window, read.at));
    let used = open.map_or(0, Tally::used);
    let resets_at = match open {
        Some(tally) => Some(read.window.end(tally.started_at)),
        None => read.window.calendar_end(read.at),
    };
    let reading = |verdict| Reading { verdict, limit: read.limit, used, resets_at };
    if open.is_some_and(|tally| tally.articles.contains(&read.article)) {
        return (reading(Verdict::AlreadyRead), None);
    }
    if used >= read.limit {
        return (reading(Verdict::Exhausted), None);
    }
    if read.dry_run {
        return (reading(Verdict::Counted), None);
    }
    let next = match open {
        Some(tally) => {
            let mut articles = tally.articles.clone();
            articles.push(read.article);
            Tally { started_at: tally.started_at, articles, version: tally.version + 1 }
        }
        None => begin(stored, read),
    };
    let reading = Reading {
        verdict: Verdict::Counted,
        limit: read.limit,
        used: used + 1,
        resets_at: Some(read.window.end(next.started_at)),
    };
    (reading, Some(next))
}

fn begin(stored: Option<&Tally>, read: &Read) -> Tally {
    let version = version_after(stored, read.at);
    Tally { started_at: read.at, articles: smallvec![read.article], version }
}

/// The version of a row that takes the place of `stored`.
pub(super) fn version_after(stored: Option<&Tally>, now: Timestamp) -> i64 {
    // A first version made from the time never comes back after a purge, and, being a multiple of
    // 1024, is never the one that another process's first write would seem to replace.
    let first = || now.micros().saturating_mul(1_024);
    stored.map_or_else(first, |tally| tally.version + 1)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use time::Duration;

    use super::*;

    pub(in crate::metering) fn read(article: &str, limit: u32, at: Timestamp) -> Read {
        Read {
            article: Fingerprint::of("demo", article),
            limit,
            window: Window::new("P30D".parse().unwrap(), TimeZone::UTC),
            at,
            dry_run: false,
        }
    }

    pub(in crate::metering) fn start() -> Timestamp {
        Timestamp::parse("2026-11-23T04:05:06Z").unwrap()
    }

    #[test]
    fn one_article_is_free_then_the_wall_then_it_is_free_again() {
        let (first, stored) = tally(None, &read("tides", 1, start()));
        assert_eq!((first.verdict, first.used, first.remaining()), (Verdict::Counted, 1, 0));
        assert_eq!(first.resets_at, Some(start().plus(Duration::days(30))));

        let last_moment = start().plus(Duration::days(30)).minus(Duration::microseconds(1));
        let (again, change) = tally(stored.as_ref(), &read("tides", 1, last_moment));
        assert_eq!((again.verdict, change), (Verdict::AlreadyRead, None));
        let (other, change) = tally(stored.as_ref(), &read("bread", 1, last_moment));
        assert_eq!((other.verdict, change), (Verdict::Exhausted, None));

        let (after, change) =
            tally(stored.as_ref(), &read("bread", 1, start().plus(Duration::days(30))));
        assert_eq!((after.verdict, after.used), (Verdict::Counted, 1));
        assert!(change.unwrap().version > stored.unwrap().version);
    }

    #[test]
    fn a_dry_run_says_what_the_next_read_will_do_and_changes_nothing() {
        let dry = Read { dry_run: true, ..read("tides", 1, start()) };
        let (reading, change) = tally(None, &dry);
        assert_eq!((reading.verdict, reading.used, change), (Verdict::Counted, 0, None));
        assert_eq!(reading.resets_at, None);
    }

    #[test]
    fn a_changed_limit_counts_at_once_and_takes_back_nothing() {
        let mut stored = None;
        for article in ["a", "b", "c", "d"] {
            stored = tally(stored.as_ref(), &read(article, 5, start())).1;
        }
        let verdict = |article, limit| tally(stored.as_ref(), &read(article, limit, start())).0;
        assert_eq!(verdict("e", 3).verdict, Verdict::Exhausted);
        assert_eq!(
            (verdict("d", 3).verdict, verdict("d", 3).remaining()),
            (Verdict::AlreadyRead, 0)
        );
        assert_eq!(verdict("e", 10).verdict, Verdict::Counted);
    }

    #[test]
    fn a_clock_that_goes_back_grants_nothing() {
        let (_, stored) = tally(None, &read("a", 1, start()));
        let before = start().minus(Duration::days(40));
        assert_eq!(tally(stored.as_ref(), &read("b", 1, before)).0.verdict, Verdict::Exhausted);
    }

    #[test]
    fn the_same_id_on_two_sites_is_two_articles() {
        assert_ne!(Fingerprint::of("a", "b/c"), Fingerprint::of("a/b", "c"));
        assert_ne!(Fingerprint::of("news", "1"), Fingerprint::of("sport", "1"));
    }

    proptest! {
        /// Whatever is read in whatever order, no window passes more than `limit` distinct
        /// articles, re-reads are free, and `remaining` foretells the next read.
        #[test]
        fn never_more_than_the_limit(
            limit in 1_u32..5,
            steps in prop::collection::vec((0_u8..8, 0_i64..20), 1..60),
        ) {
            let mut now = start();
            let mut stored: Option<Tally> = None;
            let mut passed: HashSet<u8> = HashSet::new();
            for (article, days) in steps {
                now = now.plus(Duration::days(days));
                let ended = stored.as_ref().is_none_or(|t| now >= t.started_at.plus(Duration::days(30)));
                if ended {
                    passed.clear();
                }
                let read = read(&article.to_string(), limit, now);
                let foretold = tally(stored.as_ref(), &Read { dry_run: true, ..read.clone() }).0;
                let (reading, change) = tally(stored.as_ref(), &read);
                prop_assert_eq!(reading.verdict, foretold.verdict);
                let expected = if passed.contains(&article) {
                    Verdict::AlreadyRead
                } else if passed.len() < limit as usize {
                    passed.insert(article);
                    Verdict::Counted
                } else {
                    Verdict::Exhausted
                };
                prop_assert_eq!(reading.verdict, expected);
                prop_assert_eq!(reading.used as usize, passed.len());
                stored = change.or(stored);
            }
        }
    }
}
