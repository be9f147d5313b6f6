//! What the check found, for people and for programs.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde_json::json;

use super::expect::Difference;
use crate::cli::replay::{
    ReplayError,
    json::LinesBody,
    report::{thousands, write_lines},
    sieve::Totals,
};

/// How many differences are kept to be shown.
const EXAMPLES_MAX: usize = 10;
/// Latencies are kept to about 1 part in 100, up to a minute.
const LATENCY_MAX_MICROS: u64 = 60_000_000;

/// The counts of a check.
#[derive(Debug, Default)]
pub struct Found {
    /// What the lines of the log were.
    pub(super) totals: Totals,
    /// The limit that the service has.
    pub(super) limit: Option<u32>,
    /// Visitors of whom at least one read was sent.
    pub(super) visitors: u64,
    /// Reads that were sent, each counted once.
    pub(super) asked: u64,
    /// Times that a busy service was asked again.
    pub(super) retries: u64,
    as_expected: u64,
    differences: u64,
    /// The first differences by line.
    examples: BTreeMap<u64, Difference>,
    /// Reads without a usable answer, by what came instead.
    pub(super) failures: BTreeMap<String, u64>,
    /// Reads of articles whose ids the service does not take.
    pub(super) left_out_too_long: u64,
    /// Reads that could prove nothing after a failure.
    pub(super) left_out_after_failure: u64,
    /// From the first request to the last answer.
    pub(super) elapsed: Duration,
    latency: Option<Histogram<u64>>,
}

impl Found {
    pub(super) fn compared(&mut self, line: u64, checked: Result<(), Difference>) {
        match checked {
            Ok(()) => self.as_expected += 1,
            Err(difference) => {
                self.differences += 1;
                self.examples.insert(line, difference);
                self.keep_first_examples();
            }
        }
    }

    pub(super) fn took(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if self.latency.is_none() {
            self.latency = Histogram::new_with_max(LATENCY_MAX_MICROS, 2).ok();
        }
        if let Some(histogram) = &mut self.latency {
            histogram.saturating_record(micros);
        }
    }

    /// Adds what another worker found.
    pub(super) fn merge(&mut self, other: Self) {
        self.visitors += other.visitors;
        self.asked += other.asked;
        self.retries += other.retries;
        self.as_expected += other.as_expected;
        self.differences += other.differences;
        self.examples.extend(other.examples);
        self.keep_first_examples();
        for (failure, count) in other.failures {
            *self.failures.entry(failure).or_default() += count;
        }
        match (&mut self.latency, other.latency) {
            // Both have the same bounds, so nothing is out of range.
            (Some(mine), Some(others)) => mine.add(&others).unwrap_or_default(),
            (None, others) => self.latency = others,
            (Some(_), None) => {}
        }
    }

    fn keep_first_examples(&mut self) {
        while self.examples.len() > EXAMPLES_MAX {
            self.examples.pop_last();
        }
    }

    fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Whether the service answered every read as expected.
    ///
    /// # Errors
    /// When an answer differs, a read got none, or there was none to send.
    pub fn verdict(&self) -> Result<(), ReplayError> {
        let (differences, failures) = (self.differences, self.failed());
        match (differences, failures) {
            (0, 0) if self.asked == 0 => Err(ReplayError::NothingSent),
            (0, 0) => Ok(()),
            _ => Err(ReplayError::Differs { differences, failures }),
        }
    }

    /// Writes the counts as lines.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        write_lines(&self.totals, out)?;
        writeln!(out)?;
        let mut row = |count: u64, what: &str| writeln!(out, "{:>13}  {what}", thousands(count));
        row(self.asked, &format!("reads sent by {} visitors", thousands(self.visitors)))?;
        row(self.as_expected, "answered as expected")?;
        row(self.differences, "answered otherwise")?;
        for (failure, count) in &self.failures {
            row(*count, &format!("not answered: {failure}"))?;
        }
        row(self.retries, "retries of a busy service")?;
        row(self.left_out_too_long, "left out: the path is longer than 200 characters")?;
        row(self.left_out_after_failure, "left out after a read without an answer")?;
        for (line, Difference { expected, answered }) in &self.examples {
            writeln!(out, "line {line}: expected {expected}\n{:>13} {answered}", "answered")?;
        }
        if let Some(limit) = self.limit {
            writeln!(out, "\nLimit {limit}")?;
        }
        writeln!(
            out,
            "{:.0} requests per second for {:.1} s; latency p50 {:.1} ms, p99 {:.1} ms",
            self.per_second(),
            self.elapsed.as_secs_f64(),
            self.latency_ms(0.5),
            self.latency_ms(0.99),
        )
    }

    /// Writes the same as one JSON object, and a line feed.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn write_json(&self, out: &mut impl Write) -> Result<(), ReplayError> {
        let example = |(line, difference): (&u64, &Difference)| {
            json!({
                "line": line,
                "expected": difference.expected,
                "answered": difference.answered,
            })
        };
        let body = json!({
            "lines": LinesBody::from(&self.totals),
            "reads_sent": self.asked,
            "visitors": self.visitors,
            "limit": self.limit,
            "as_expected": self.as_expected,
            "differences": self.differences,
            "differences_first": self.examples.iter().map(example).collect::<Vec<_>>(),
            "failures": self.failed(),
            "failures_by_reason": self.failures,
            "retries": self.retries,
            "left_out_too_long": self.left_out_too_long,
            "left_out_after_failure": self.left_out_after_failure,
            "elapsed_secs": self.elapsed.as_secs_f64(),
            "requests_per_second": self.per_second(),
            "latency_p50_ms": self.latency_ms(0.5),
            "latency_p99_ms": self.latency_ms(0.99),
        });
        serde_json::to_writer_pretty(&mut *out, &body)?;
        Ok(writeln!(out)?)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    fn per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { (self.asked + self.retries) as f64 / seconds } else { 0.0 }
    }

    /// The latency that this share of the answers did not exceed.
    #[expect(clippy::cast_precision_loss, reason = "at most a minute in microseconds")]
    fn latency_ms(&self, share: f64) -> f64 {
        let micros = self.latency.as_ref().map_or(0, |all| all.value_at_quantile(share));
        micros as f64 / 1_000.0
    }
}
