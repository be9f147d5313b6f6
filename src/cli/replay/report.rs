//! The result for people.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::{sieve::Totals, simulate::Outcome};
use crate::{clock::Timestamp, metering::window::WindowSpec};

/// More days or limits than this make a table nobody reads; the JSON has them all.
const DAYS_SHOWN_MAX: usize = 31;
const LIMITS_SHOWN_MAX: usize = 12;

/// What was replayed, and as what.
#[derive(Debug, Clone)]
pub struct Source {
    /// The log's name as it was given.
    pub file: String,
    /// The site's id.
    pub site: String,
    /// How long a count lasts.
    pub window: WindowSpec,
    /// Of days and of calendar windows.
    pub time_zone: TimeZone,
}

/// Everything that a replay found.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was replayed.
    pub source: Source,
    /// What its lines were.
    pub totals: Totals,
    /// What the limits would have meant.
    pub outcome: Outcome,
}

impl Report {
    /// Writes the table.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        self.write_source(out)?;
        write_lines(&self.totals, out)?;
        writeln!(out, "{:>13}  visitors made them", thousands(self.outcome.visitors))?;
        if self.totals.reads == 0 {
            return writeln!(out, "\nNo read, so nothing to compare.");
        }
        self.write_limits(out)?;
        self.write_days(out)?;
        self.write_caveats(out)
    }

    fn write_source(&self, out: &mut impl Write) -> io::Result<()> {
        let Source { file, site, window, .. } = &self.source;
        writeln!(out, "{file} as reads of site `{site}`, window {window}")?;
        if let Some((first, last)) = self.period() {
            writeln!(out, "from {first} to {last} ({})", self.zone())?;
        }
        writeln!(out)
    }

    fn write_limits(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\n{:6} {:>21} {:>21} {:>11} {:>11} {:>11}",
            "", "Visitors who", "", "Denied", "Counted", "Free"
        )?;
        writeln!(
            out,
            "{:6} {:>21} {:>21} {:>11} {:>11} {:>11}",
            "Limit", "meet the wall", "Reads denied", "per day", "reads", "re-reads"
        )?;
        let days = self.outcome.days.len() as u64;
        for row in &self.outcome.limits {
            writeln!(
                out,
                "{:>5}  {:>12} {} {:>12} {} {:>11} {:>11} {:>11}",
                row.limit,
                thousands(row.visitors_walled),
                percent(row.visitors_walled, self.outcome.visitors),
                thousands(row.reads_denied),
                percent(row.reads_denied, self.totals.reads),
                thousands((row.reads_denied + days / 2).checked_div(days).unwrap_or(0)),
                thousands(row.reads_counted),
                thousands(row.reads_repeated),
            )?;
        }
        Ok(())
    }

    fn write_days(&self, out: &mut impl Write) -> io::Result<()> {
        let Outcome { limits, days, .. } = &self.outcome;
        if days.len() > DAYS_SHOWN_MAX || limits.len() > LIMITS_SHOWN_MAX {
            return writeln!(out, "\nThe {} days one by one are in --json.", days.len());
        }
        writeln!(out, "\nReads denied by day and limit")?;
        write!(out, "{:10} {:>9} {:>9} ", "Day", "Visitors", "Reads")?;
        limits.iter().try_for_each(|row| write!(out, " {:>7}", row.limit))?;
        writeln!(out)?;
        for day in days {
            let (visitors, reads) = (thousands(day.visitors), thousands(day.reads));
            write!(out, "{} {visitors:>9} {reads:>9} ", day.date)?;
            let mut denied = day.reads_denied.iter();
            denied.try_for_each(|reads| write!(out, " {:>7}", thousands(*reads)))?;
            writeln!(out)?;
        }
        Ok(())
    }

    fn write_caveats(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out)?;
        if !self.covers_window() {
            writeln!(
                out,
                "The log is shorter than the window ({}): over a whole window, more visitors meet \
                 the wall.",
                self.source.window
            )?;
        }
        writeln!(
            out,
            "A visitor is one address with one agent: people who share both count as one, and one\n\
             person whose address changes as several. Denied are all reads at the wall; a person\n\
             who was stopped once might have subscribed, or not have asked again."
        )
    }

    /// Whether the log is as long as one window. Of the calendar's, the longest counts.
    pub(super) fn covers_window(&self) -> bool {
        let window = match self.source.window {
            WindowSpec::Rolling(length) => length,
            WindowSpec::Day => time::Duration::DAY,
            WindowSpec::Week => time::Duration::WEEK,
            WindowSpec::Month => time::Duration::days(31),
        };
        self.totals.period.is_some_and(|(first, last)| last.since(first) >= window)
    }

    /// The first and the last time in the log, for people, in the time zone of the replay.
    pub(super) fn period(&self) -> Option<(String, String)> {
        self.totals.period.map(|(first, last)| (self.local(first), self.local(last)))
    }

    fn local(&self, at: Timestamp) -> String {
        let instant = jiff::Timestamp::from_second(at.unix_seconds()).unwrap_or_default();
        let local = instant.to_zoned(self.source.time_zone.clone());
        local.strftime("%-d %B %Y %H:%M").to_string()
    }

    pub(super) fn zone(&self) -> &str {
        self.source.time_zone.iana_name().unwrap_or("UTC")
    }
}

/// What the lines were.
pub(super) fn write_lines(totals: &Totals, out: &mut impl Write) -> io::Result<()> {
    let bad = totals.bad_lines();
    writeln!(out, "{:>13}  lines", thousands(totals.lines))?;
    writeln!(out, "{:>13}  could not be read", thousands(bad))?;
    for (line, reason) in &totals.bad_examples {
        writeln!(out, "{:17}line {} {reason}", "", thousands(*line))?;
    }
    if bad > totals.bad_examples.len() as u64 {
        writeln!(out, "{:17}and so on", "")?;
    }
    writeln!(out, "{:>13}  were no page views", thousands(totals.not_page_views))?;
    writeln!(out, "{:>13}  were page views by bots", thousands(totals.bots))?;
    writeln!(out, "{:>13}  were reads", thousands(totals.reads))
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:>6.1} %", share(part, whole) * 100.0)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
