//! Where log lines go and how they look.
//!
//! A line never makes its writer wait or fail: `writer` hands it to a thread of its own through a
//! bounded queue, and `sampling` keeps a warning that repeats from filling that queue. What is lost
//! on the way is counted, and the counts are metrics.

mod sampling;
mod writer;

use std::{
    io::IsTerminal,
    panic::PanicHookInfo,
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

pub use self::sampling::report_suppressed;
use self::{sampling::Sampling, writer::LineWriter};
use crate::config::{Log, LogFormat};

/// Longest wait at the end of the process for lines that are still queued.
const FLUSH_MAX: Duration = Duration::from_millis(500);

static WRITER: OnceLock<LineWriter> = OnceLock::new();
static COUNTERS: LazyLock<LogCounters> = LazyLock::new(LogCounters::default);

/// What became of log lines. The log is the process's, and so are these.
#[derive(Debug, Clone, Default)]
pub struct LogCounters {
    /// Lines that nothing could take: the queue was full, or the write failed.
    pub dropped: Counter,
    /// Warnings and errors left out because the same one had just been logged several times.
    pub suppressed: Counter,
}

/// The process's counters; clones count together.
#[must_use]
pub fn counters() -> LogCounters {
    COUNTERS.clone()
}

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Style {
    json: bool,
    ansi: bool,
}

impl Style {
    /// `no_color` is the variable `NO_COLOR`, which forbids colours unless it is empty
    /// (<https://no-color.org>).
    fn choose(format: LogFormat, is_terminal: bool, no_color: Option<&std::ffi::OsStr>) -> Self {
        let json = match format {
            LogFormat::Json => true,
            LogFormat::Text => false,
            LogFormat::Auto => !is_terminal,
        };
        let is_forbidden = no_color.is_some_and(|value| !value.is_empty());
        Self { json, ansi: !json && is_terminal && !is_forbidden }
    }
}

/// Begins to log to standard error. Later calls change nothing.
///
/// # Errors
/// When the thread that writes lines cannot be started.
pub fn init(log: &Log) -> std::io::Result<()> {
    if WRITER.get().is_some() {
        return Ok(());
    }
    let stderr = std::io::stderr();
    let no_color = std::env::var_os("NO_COLOR");
    let style = Style::choose(log.format, stderr.is_terminal(), no_color.as_deref());
    let writer = LineWriter::start(writer::standard_error()?, COUNTERS.dropped.clone())?;
    let writer = WRITER.get_or_init(|| writer).clone();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(&log.level))
        .with_writer(writer)
        .with_ansi(style.ansi)
        // It would report its own trouble with `eprintln!`, which panics where stderr is gone.
        .log_internal_errors(false)
        .with_target(false);
    let sampling = Sampling::new(COUNTERS.suppressed.clone());
    // Fails only where another subscriber was installed before, which then gets the lines.
    let _ = if style.json {
        lines.json().flatten_event(true).finish().with(sampling).try_init()
    } else {
        lines.finish().with(sampling).try_init()
    };
    Ok(())
}

/// From now on a panic is one log line. The standard hook writes to stderr itself, and would wait
/// there for a reader that has stalled.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked at {place}: {}", message_of(info));
    }));
}

fn message_of<'p>(info: &'p PanicHookInfo<'_>) -> &'p str {
    info.payload_as_str().unwrap_or("no message")
}

/// Waits a moment for lines that are still queued, whether or not anything takes them.
pub fn flush() {
    if let Some(writer) = WRITER.get() {
        writer.flush(FLUSH_MAX);
    }
}

/// Prints the last words of a service that failed, after the log lines before them. Waits for the
/// reader of stderr no longer than [`flush`].
pub fn print_last(text: &str) {
    use std::io::Write;
    match WRITER.get() {
        Some(writer) => {
            // A queue that is full drops them, as it does other lines.
            let _ = writer.clone().write_all(format!("{text}\n").as_bytes());
            writer.flush(FLUSH_MAX);
        }
        None => {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn colours_are_for_terminals_that_allow_them() {
        for (format, is_terminal, no_color, json, ansi) in [
            (LogFormat::Auto, true, None, false, true),
            (LogFormat::Auto, true, Some("1"), false, false),
            (LogFormat::Auto, true, Some(""), false, true),
            (LogFormat::Auto, false, None, true, false),
            (LogFormat::Text, true, None, false, true),
            (LogFormat::Text, true, Some("no"), false, false),
            (LogFormat::Text, false, None, false, false),
            (LogFormat::Json, true, None, true, false),
        ] {
            let style = Style::choose(format, is_terminal, no_color.map(OsStr::new));
            assert_eq!(style, Style { json, ansi }, "{format:?} {is_terminal} {no_color:?}");
        }
    }
}
