//! How many files the operating system lets the process have open. Each connection is one of them, and so
//! are the databases' own; where none is left, no client can connect, and no database answers.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the process opens besides connections and databases: listeners, timers, logs, the mail
/// server, what is read at the start.
const RESERVED: u64 = 64;
/// Files of one connection to a database: SQLite opens the database, its log and the log's index, each for
/// the main database and for the meter's.
const FILES_PER_DATABASE_CONNECTION: u64 = 6;
/// With fewer connections than this, the service is no use.
const CONNECTIONS_MIN: u64 = 16;

/// The process may not open enough files for any use.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process may have only {limit} files open, and needs {needed} at least: raise the limit \
     (`LimitNOFILE=` of systemd, `--ulimit nofile=` of a container, `ulimit -n` of a shell), or \
     lower database.connections_max"
)]
pub struct TooFewFiles {
    limit: u64,
    needed: u64,
}

/// The most files that this process may be allowed.
#[must_use]
pub fn most() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Raises the limit as far as it may be raised; says what it is then.
///
/// # Errors
/// What the operating system fails with; the limit stays as it was.
pub fn raise() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    }
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// The limit as it is.
#[must_use]
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many of `wanted` connections fit below `limit`, beside `database` connections to the database.
///
/// # Errors
/// [`TooFewFiles`] when that is hardly any.
pub fn connections(limit: u64, wanted: usize, database: u32) -> Result<usize, TooFewFiles> {
    let others = RESERVED + FILES_PER_DATABASE_CONNECTION * u64::from(database);
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let fitting = limit.saturating_sub(others).min(wanted);
    if fitting < CONNECTIONS_MIN.min(wanted) {
        return Err(TooFewFiles { limit, needed: others + CONNECTIONS_MIN.min(wanted) });
    }
    Ok(usize::try_from(fitting).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_what_the_databases_leave() {
        for (limit, wanted, database, expected) in [
            (u64::MAX, 10_000, 10, Some(10_000)),
            (10_124, 10_000, 10, Some(10_000)),
            (10_123, 10_000, 10, Some(9_999)),
            (1_024, 10_000, 10, Some(900)),
            (1_024, 100, 10, Some(100)),
            (140, 10_000, 10, Some(16)),
            (139, 10_000, 10, None),
            (128, 4, 10, Some(4)),
            (127, 4, 10, None),
            (1_024, 10_000, 1_000, None),
        ] {
            let fitting = connections(limit, wanted, database).ok();
            assert_eq!(fitting, expected, "{limit} {wanted} {database}");
        }
    }
}
