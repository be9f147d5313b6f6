//! What the service must answer: the same count, kept here a second time.

use std::{fmt, sync::OnceLock};

use jiff::tz::TimeZone;
use time::Duration;

use super::client::Answer;
use crate::{
    clock::Timestamp,
    metering::{
        tally::{Fingerprint, Read, Tally, Verdict, tally},
        window::{Window, WindowSpec},
    },
};

/// The one limit that all answers must name: the given one, or else that of the first answer.
#[derive(Debug)]
pub(super) struct Agreement(OnceLock<u32>);

impl Agreement {
    pub(super) fn new(limit: Option<u32>) -> Self {
        Self(limit.map_or_else(OnceLock::new, OnceLock::from))
    }

    pub(super) fn limit(&self) -> Option<u32> {
        self.0.get().copied()
    }
}

/// An answer that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) expected: String,
    pub(super) answered: String,
}

/// What one visitor has read so far.
#[derive(Debug, Default)]
pub(super) struct Ledger(Option<Tally>);

impl Ledger {
    /// Compares the answer with this ledger's own, and keeps the read.
    pub(super) fn check(
        &mut self,
        article: &str,
        answer: &Answer,
        agreement: &Agreement,
    ) -> Result<(), Difference> {
        let answered = Said::from(answer);
        let named = answer.meter.map(|meter| meter.limit);
        let Some(limit) = agreement.limit().or(named) else {
            return Err(Difference {
                expected: "a meter".to_owned(),
                answered: answered.to_string(),
            });
        };
        let limit = *agreement.0.get_or_init(|| limit);
        let expected = self.expected(article, limit);
        if answered == expected {
            return Ok(());
        }
        Err(Difference { expected: expected.to_string(), answered: answered.to_string() })
    }

    /// Where and when do not matter: all reads are of one site and in one window.
    fn expected(&mut self, article: &str, limit: u32) -> Said<'static> {
        let read = Read {
            article: Fingerprint::of("", article),
            limit,
            window: Window::new(WindowSpec::Rolling(Duration::DAY), TimeZone::UTC),
            at: Timestamp::UNIX_EPOCH,
            dry_run: false,
        };
        let (reading, change) = tally(self.0.as_ref(), &read);
        self.0 = change.or(self.0.take());
        let (decision, reason) = match reading.verdict {
            Verdict::Counted => ("allow", "metered"),
            Verdict::AlreadyRead => ("allow", "already_read"),
            Verdict::Exhausted => ("deny", "meter_exhausted"),
        };
        Said { decision, reason, meter: Some((limit, reading.used, reading.remaining())) }
    }
}

/// The checked part of an answer: the meter is its limit, what is used and what remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said<'a> {
    decision: &'a str,
    reason: &'a str,
    meter: Option<(u32, u32, u32)>,
}

impl<'a> From<&'a Answer> for Said<'a> {
    fn from(answer: &'a Answer) -> Self {
        let meter = answer.meter.map(|meter| (meter.limit, meter.used, meter.remaining));
        Self { decision: &answer.decision, reason: &answer.reason, meter }
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.decision, self.reason)?;
        match self.meter {
            Some((limit, used, left)) => write!(f, ", {used} of {limit} used, {left} left"),
            None => f.write_str(", no meter"),
        }
    }
}
