//! What every limit of a range would have meant, in one pass over the reads and decided by
//! [`tally`], which is what decides in the service. Pure.
//!
//! One tally per visitor, with the largest limit, answers for all limits. A window begins with its
//! first counted read, which is the same read for every limit of 1 or more, and what a limit `n`
//! counts in it are the first `n` articles that the largest one counts. So a read of the article
//! that was counted as the `r`-th passes exactly the limits `n >= r`; `r` is its *rank*. A property
//! test compares this with one tally per limit.
//!
//! Reads are taken in the order of the log. A server writes a line when its answer is complete, so
//! times go back a little now and then; a read from before the start of its window counts in it.

use std::collections::{BTreeMap, HashMap};

use jiff::{civil::Date, tz::TimeZone};

use super::{
    limits::Limits,
    sieve::{LoggedRead, VisitorKey},
};
use crate::{
    clock::Timestamp,
    metering::{
        tally::{Fingerprint, Read, Tally, Verdict, tally},
        window::Window,
    },
};

/// Reads by rank, from 1; the last rank holds all that pass no limit of the range.
#[derive(Debug, Clone)]
struct ByRank(Vec<u64>);

impl ByRank {
    fn new(limits: Limits) -> Self {
        Self(vec![0; limits.last as usize + 1])
    }

    fn add(&mut self, rank: u32) {
        let place = (rank as usize).checked_sub(1);
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count += 1;
        }
    }

    /// How many pass `limit`.
    fn within(&self, limit: u32) -> u64 {
        self.0.iter().take(limit as usize).sum()
    }

    /// How many do not.
    fn beyond(&self, limit: u32) -> u64 {
        self.0.iter().skip(limit as usize).sum()
    }
}

/// Memory is spent here and nowhere else: once per visitor.
#[derive(Debug, Default)]
struct Visitor {
    tally: Option<Tally>,
    /// The largest rank of any read. Met were the walls of all limits below it.
    rank_max: u32,
    /// One bit for each of the 64 days up to `newest_day`, the lowest for that day itself.
    days_seen: u64,
    newest_day: i64,
}

impl Visitor {
    /// Whether this is the visitor's first read of `day`, numbered from any epoch. A day more than
    /// 63 before the newest is taken for new.
    fn is_new_on(&mut self, day: i64) -> bool {
        if self.days_seen == 0 || day > self.newest_day {
            let gap = u32::try_from(day.saturating_sub(self.newest_day)).unwrap_or(u32::MAX);
            self.days_seen = self.days_seen.checked_shl(gap).unwrap_or(0) | 1;
            self.newest_day = day;
            return true;
        }
        let age = u32::try_from(self.newest_day.saturating_sub(day)).unwrap_or(u32::MAX);
        let bit = 1_u64.checked_shl(age).unwrap_or(0);
        let new = self.days_seen & bit == 0;
        self.days_seen |= bit;
        new
    }
}

#[derive(Debug)]
struct Day {
    visitors: u64,
    reads: ByRank,
}

/// A simulation under way.
pub struct Simulation {
    limits: Limits,
    zone: TimeZone,
    site: String,
    /// The question for the next read; only its article and its time change.
    question: Read,
    visitors: HashMap<VisitorKey, Visitor>,
    counted: ByRank,
    repeated: ByRank,
    days: BTreeMap<Date, Day>,
    /// The day of the last read, from its first second to just before its end. Finding the day of
    /// an instant in a time zone is slow, and the next line is nearly always of the same.
    today: Option<(i64, i64, Date)>,
}

/// What one limit would have meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitOutcome {
    /// How many distinct articles the window allows.
    pub limit: u32,
    /// Visitors with at least one denied read.
    pub visitors_walled: u64,
    /// Reads that used up one article of the limit.
    pub reads_counted: u64,
    /// Free re-reads of a counted article.
    pub reads_repeated: u64,
    /// Reads at the wall.
    pub reads_denied: u64,
}

/// What one day would have been like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOutcome {
    /// In the time zone of the replay.
    pub date: Date,
    /// Distinct visitors on this day.
    pub visitors: u64,
    /// All their reads.
    pub reads: u64,
    /// Reads at the wall, for each limit of the range in its order.
    pub reads_denied: Vec<u64>,
}

/// What the whole log would have been like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Distinct visitors.
    pub visitors: u64,
    /// One for each limit, in their order.
    pub limits: Vec<LimitOutcome>,
    /// Every day with a read, in order.
    pub days: Vec<DayOutcome>,
}

impl Simulation {
    /// A simulation of `limits` in `window` for `site`, with days as in `zone`.
    #[must_use]
    pub fn new(limits: Limits, window: Window, zone: TimeZone, site: &str) -> Self {
        let question = Read {
            article: Fingerprint::of(site, ""),
            limit: limits.last,
            window,
            at: Timestamp::UNIX_EPOCH,
            dry_run: false,
        };
        Self {
            limits,
            zone,
            site: site.to_owned(),
            question,
            visitors: HashMap::new(),
            counted: ByRank::new(limits),
            repeated: ByRank::new(limits),
            days: BTreeMap::new(),
            today: None,
        }
    }

    /// Takes the next read of the log.
    pub fn read(&mut self, read: &LoggedRead<'_>) {
        self.question.article = Fingerprint::of(&self.site, &read.article);
        self.question.at = read.at;
        let date = self.date(read.at);
        let visitor = self.visitors.entry(read.visitor).or_default();

        let (reading, change) = tally(visitor.tally.as_ref(), &self.question);
        visitor.tally = change.or(visitor.tally.take());
        let rank = match reading.verdict {
            Verdict::Counted => reading.used,
            Verdict::AlreadyRead => rank_of(visitor.tally.as_ref(), self.question.article),
            Verdict::Exhausted => self.limits.last + 1,
        };
        match reading.verdict {
            Verdict::AlreadyRead => self.repeated.add(rank),
            Verdict::Counted | Verdict::Exhausted => self.counted.add(rank),
        }
        visitor.rank_max = visitor.rank_max.max(rank);

        let limits = self.limits;
        let day = self.days.entry(date);
        let day = day.or_insert_with(|| Day { visitors: 0, reads: ByRank::new(limits) });
        day.visitors += u64::from(visitor.is_new_on(day_number(date)));
        day.reads.add(rank);
    }

    /// What it all comes to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let mut visitors_by_rank = ByRank::new(self.limits);
        self.visitors.values().for_each(|visitor| visitors_by_rank.add(visitor.rank_max));
        let limit = |limit| LimitOutcome {
            limit,
            visitors_walled: visitors_by_rank.beyond(limit),
            reads_counted: self.counted.within(limit),
            reads_repeated: self.repeated.within(limit),
            reads_denied: self.counted.beyond(limit) + self.repeated.beyond(limit),
        };
        let day = |(date, day): (&Date, &Day)| DayOutcome {
            date: *date,
            visitors: day.visitors,
            reads: day.reads.beyond(0),
            reads_denied: self.limits.iter().map(|limit| day.reads.beyond(limit)).collect(),
        };
        Outcome {
            visitors: self.visitors.len() as u64,
            limits: self.limits.iter().map(limit).collect(),
            days: self.days.iter().map(day).collect(),
        }
    }

    fn date(&mut self, at: Timestamp) -> Date {
        let second = at.unix_seconds();
        if let Some((start, end, date)) = self.today
            && (start..end).contains(&second)
        {
            return date;
        }
        // Both kinds of instants reach from the year 1 to 9999, but for hours at the very ends.
        let instant = jiff::Timestamp::from_second(second).unwrap_or_default();
        let local = instant.to_zoned(self.zone.clone());
        let bounds = local.start_of_day().and_then(|start| Ok((start, local.tomorrow()?)));
        self.today = bounds.ok().and_then(|(start, next)| {
            let end = next.start_of_day().ok()?;
            Some((start.timestamp().as_second(), end.timestamp().as_second(), local.date()))
        });
        local.date()
    }
}

fn rank_of(tally: Option<&Tally>, article: Fingerprint) -> u32 {
    let place = tally.and_then(|tally| tally.articles.iter().position(|it| *it == article));
    place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(1)
}

fn day_number(date: Date) -> i64 {
    i64::from(date.year()) * 366 + i64::from(date.day_of_year())
}

#[cfg(test)]
#[path = "simulate_tests.rs"]
mod tests;
