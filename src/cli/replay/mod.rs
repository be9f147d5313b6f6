//! `pressgate meter replay`: what would each limit have meant for the readers in an access log?
//!
//! `input` brings lines, `log` reads one, `views` and `bots` say which are reads, `sieve` puts
//! these together. `simulate` runs the meter over the reads; `report`, `json` and `chart` show the
//! result. `against` sends the same reads to a running service and checks its answers instead.
pub mod against;
pub mod args;
pub mod bots;
pub mod chart;
pub mod error;
pub mod input;
mod json;
pub mod limits;
pub mod log;
pub mod report;
pub mod sieve;
pub mod simulate;
pub mod views;

use std::io::Write;

use self::{
    against::Load,
    input::{Lines, progress_bar},
    limits::Limits,
    report::{Report, Source},
    sieve::Sieve,
    simulate::Simulation,
};
pub use self::{args::ReplayArgs, error::ReplayError};
use crate::{files, metering::window::Window};

/// Replays the log as `args` say and writes the result to `out`.
///
/// # Errors
/// When the log, the picture or the report cannot be read or written; with `--against` also when
/// an answer of the service differs from the expected one.
pub async fn run(args: ReplayArgs, out: &mut impl Write) -> Result<(), ReplayError> {
    match args.load()? {
        Some(load) => check(&args, load, out).await,
        None => simulate(&args, out),
    }
}

/// Nothing else runs in this process, so the pass over the log may hold its thread.
fn simulate(args: &ReplayArgs, out: &mut impl Write) -> Result<(), ReplayError> {
    let limits = args.limit.unwrap_or_default();
    let window = Window::new(args.window, args.time_zone.clone());
    let zone = args.time_zone.clone();
    let mut simulation = Simulation::new(limits, window, zone, &args.site);
    let mut sieve = args.sieve()?;

    let progress = progress_bar();
    let mut lines = Lines::open(&args.file, &progress)?;
    each_read(args, &mut lines, &mut sieve, |read| simulation.read(read))?;
    progress.finish_and_clear();

    let source = Source {
        file: args.log_name(),
        site: args.site.clone(),
        window: args.window,
        time_zone: args.time_zone.clone(),
    };
    let report = Report { source, totals: sieve.totals, outcome: simulation.outcome() };
    if let Some(file) = &args.svg {
        let picture =
            chart::draw(&report).map_err(|error| ReplayError::Chart(error.to_string()))?;
        files::write(file, picture)
            .map_err(|source| ReplayError::WriteChart { file: file.clone(), source })?;
    }
    if args.json { report.write_json(out) } else { Ok(report.write_text(out)?) }
}

async fn check(args: &ReplayArgs, load: Load, out: &mut impl Write) -> Result<(), ReplayError> {
    let progress = progress_bar();
    let lines = Lines::open(&args.file, &progress)?;
    let found = against::run(args, lines, load).await?;
    progress.finish_and_clear();
    if args.json {
        found.write_json(out)?;
    } else {
        found.write_text(out)?;
    }
    found.verdict()
}

/// Gives every read of the log to `take`, in the order of the log.
fn each_read(
    args: &ReplayArgs,
    lines: &mut Lines,
    sieve: &mut Sieve,
    mut take: impl FnMut(&sieve::LoggedRead<'_>),
) -> Result<(), ReplayError> {
    loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                if let Some(read) = sieve.sift(line) {
                    take(&read);
                }
            }
            Ok(None) => return Ok(()),
            Err(source) => {
                let (file, line) = (args.file.clone(), lines.count());
                return Err(ReplayError::Read { file, line, source });
            }
        }
    }
}
