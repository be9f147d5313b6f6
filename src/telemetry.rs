//! Where log lines go and how they look.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::config::{Log, LogFormat};

/// Begins to log to standard error. Later calls change nothing.
pub fn init(log: &Log) {
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    init_to(log, json, std::io::stderr);
}

fn init_to<W>(log: &Log, json: bool, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(&log.level))
        .with_writer(writer)
        .with_ansi(!json)
        .with_target(false);
    // Only fails where somebody else logs already, and that is as good.
    let _ = if json { lines.json().flatten_event(true).try_init() } else { lines.try_init() };
}
