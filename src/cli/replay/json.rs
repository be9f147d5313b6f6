//! The result for programs: JSON whose names stay.

use std::{collections::BTreeMap, io::Write};

use serde::Serialize;

use super::{
    error::ReplayError,
    log::BadLine,
    report::{Report, share},
    sieve::Totals,
    simulate::{DayOutcome, LimitOutcome},
};
use crate::clock::Timestamp;

impl Report {
    /// Writes the same as one JSON object, and a line feed.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn write_json(&self, out: &mut impl Write) -> Result<(), ReplayError> {
        serde_json::to_writer_pretty(&mut *out, &self.body())?;
        Ok(writeln!(out)?)
    }

    fn body(&self) -> Body<'_> {
        let totals = &self.totals;
        Body {
            file: &self.source.file,
            site: &self.source.site,
            window: self.source.window.to_string(),
            time_zone: self.zone(),
            first_at: totals.period.map(|(first, _)| first),
            last_at: totals.period.map(|(_, last)| last),
            covers_window: self.covers_window(),
            lines: totals.into(),
            visitors: self.outcome.visitors,
            limits: self.outcome.limits.iter().map(|row| self.limit_body(*row)).collect(),
            days: self.days_body(),
        }
    }

    fn limit_body(&self, row: LimitOutcome) -> LimitBody {
        LimitBody {
            limit: row.limit,
            visitors_walled: row.visitors_walled,
            visitors_walled_share: share(row.visitors_walled, self.outcome.visitors),
            reads_counted: row.reads_counted,
            reads_repeated: row.reads_repeated,
            reads_denied: row.reads_denied,
            reads_denied_share: share(row.reads_denied, self.totals.reads),
        }
    }

    fn days_body(&self) -> Vec<DayBody> {
        let limits = || self.outcome.limits.iter().map(|row| row.limit);
        let day = |day: &DayOutcome| DayBody {
            date: day.date.to_string(),
            visitors: day.visitors,
            reads: day.reads,
            reads_denied_by_limit: limits().zip(day.reads_denied.iter().copied()).collect(),
        };
        self.outcome.days.iter().map(day).collect()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    file: &'a str,
    site: &'a str,
    window: String,
    time_zone: &'a str,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    covers_window: bool,
    lines: LinesBody,
    visitors: u64,
    limits: Vec<LimitBody>,
    days: Vec<DayBody>,
}

/// What the lines were.
#[derive(Serialize)]
pub(super) struct LinesBody {
    total: u64,
    bad: u64,
    bad_by_reason: BTreeMap<String, u64>,
    bad_first: Vec<ExampleBody>,
    not_page_views: u64,
    bots: u64,
    reads: u64,
}

impl From<&Totals> for LinesBody {
    fn from(totals: &Totals) -> Self {
        let reasons = totals.bad.iter().map(|(reason, count)| (reason.to_string(), *count));
        let examples = totals.bad_examples.iter();
        let example = |(line, reason): &(u64, BadLine)| ExampleBody {
            line: *line,
            reason: reason.to_string(),
        };
        Self {
            total: totals.lines,
            bad: totals.bad_lines(),
            bad_by_reason: reasons.collect(),
            bad_first: examples.map(example).collect(),
            not_page_views: totals.not_page_views,
            bots: totals.bots,
            reads: totals.reads,
        }
    }
}

#[derive(Serialize)]
struct ExampleBody {
    line: u64,
    reason: String,
}

#[derive(Serialize)]
struct LimitBody {
    limit: u32,
    visitors_walled: u64,
    visitors_walled_share: f64,
    reads_counted: u64,
    reads_repeated: u64,
    reads_denied: u64,
    reads_denied_share: f64,
}

#[derive(Serialize)]
struct DayBody {
    date: String,
    visitors: u64,
    reads: u64,
    reads_denied_by_limit: BTreeMap<u32, u64>,
}
