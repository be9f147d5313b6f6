//! Why a replay ends without its result.

use std::{io, path::PathBuf};

/// Each message says what to look at; the cause is its source.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be opened.
    #[error("cannot open the log `{}`: check the path and the permissions", .file.display())]
    Open {
        /// As it was given.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log ends in an error: a failing disk, or gzip that is damaged or cut off.
    #[error(
        "cannot read the log `{}` beyond line {line}: copy it again, or cut it off there",
        .file.display()
    )]
    Read {
        /// As it was given.
        file: PathBuf,
        /// The last line that was read.
        line: u64,
        /// What the system or the unpacking said.
        source: io::Error,
    },
    /// The picture could not be drawn.
    #[error("cannot draw the picture: {0}")]
    Chart(String),
    /// The picture could not be kept.
    #[error("cannot write the picture `{}`: check the path and the permissions", .file.display())]
    WriteChart {
        /// As it was given.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The report could not be written.
    #[error("cannot write the report")]
    Write(#[from] io::Error),
    /// The report could not be made into JSON.
    #[error("cannot write the report as JSON")]
    Json(#[from] serde_json::Error),
    /// The patterns, each of which is right, are too many together.
    #[error("the patterns of --include and --exclude are too many to search for")]
    Patterns(#[from] globset::Error),
    /// The words of bots could not be prepared.
    #[error("cannot prepare the search for bots")]
    Bots(#[from] aho_corasick::BuildError),
    /// A check needs one limit, not several.
    #[error("with --against, --limit takes one number: the limit that the service should have")]
    LimitRange,
    /// The service's address cannot be asked.
    #[error("cannot ask the service at `{0}`: give its address as http://host:port")]
    Address(String),
    /// No client could be made, such as without any trusted certificates.
    #[error("cannot set up connections to the service")]
    Client(#[source] reqwest::Error),
    /// A part of the work stopped by itself.
    #[error("the replay broke off; this is a mistake in pressgate")]
    Broken(#[from] tokio::task::JoinError),
    /// A check that checks nothing must not pass.
    #[error("the log holds no read to send: look at the counts above and at --include")]
    NothingSent,
    /// The service said something else than the log makes it say.
    #[error("{differences} answers differ and {failures} reads got none: see the report above")]
    Differs {
        /// Answers other than expected.
        differences: u64,
        /// Reads without a usable answer.
        failures: u64,
    },
}
