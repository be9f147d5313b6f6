//! What an error of sqlx says about the connection it came from, and about the database. Pure.

use sqlx::{error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};

/// What must be done about an error, apart from reporting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// The connection, and others as old, may be broken or lead to the wrong server.
    pub(super) spoils_connection: bool,
    /// The database cannot do its work now; the same statement may pass later.
    pub(super) is_unavailable: bool,
    /// Nothing said no: an answer did not come in time.
    pub(super) is_late: bool,
}

const STATEMENT: Fault = Fault { spoils_connection: false, is_unavailable: false, is_late: false };
const SPOILT: Fault = Fault { spoils_connection: true, ..STATEMENT };
const UNAVAILABLE: Fault = Fault { is_unavailable: true, ..STATEMENT };
const LATE: Fault = Fault { is_late: true, ..UNAVAILABLE };
const BROKEN: Fault = Fault { spoils_connection: true, ..UNAVAILABLE };

impl Fault {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => Self::of_database(&**error),
            sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Self { is_late: true, ..BROKEN }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::InvalidSavePointStatement => BROKEN,
            sqlx::Error::PoolTimedOut => LATE,
            sqlx::Error::PoolClosed => UNAVAILABLE,
            _ => STATEMENT,
        }
    }

    fn of_database(error: &dyn DatabaseError) -> Self {
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            return of_postgres(error.code(), error.message());
        }
        if error.try_downcast_ref::<SqliteError>().is_some() {
            let code = error.code().and_then(|code| code.parse().ok());
            return code.map_or(STATEMENT, of_sqlite);
        }
        STATEMENT
    }
}

/// By SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_postgres(code: &str, message: &str) -> Fault {
    match code {
        // A failover turned the server behind this session into a standby.
        "25006" => BROKEN,
        // Statement and lock time-outs.
        "57014" | "55P03" => LATE,
        // Another transaction was in the way.
        "40001" | "40P01" => UNAVAILABLE,
        // A pooler handed us another server's session, which knows nothing of our statements.
        "26000" => BROKEN,
        // A migration changed a table under a prepared statement.
        "0A000" if message.contains("cached plan") => BROKEN,
        // Time-outs that end the session, and a server that refuses to begin one: shut down,
        // crashed, starting, without this database, or with another password.
        "25P03" | "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "3D000" => BROKEN,
        code => match code.get(..2) {
            // Connections; authorisation, which is only checked when a session begins.
            Some("08" | "28") => BROKEN,
            // Disk, memory, connections; the operating system.
            Some("53" | "58") => UNAVAILABLE,
            _ => STATEMENT,
        },
    }
}

/// By result code: <https://www.sqlite.org/rescode.html>.
fn of_sqlite(code: i32) -> Fault {
    match code & 0xff {
        // BUSY and LOCKED: another connection has the lock.
        5 | 6 => UNAVAILABLE,
        // NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB. Some of
        // these end the transaction by themselves, of which sqlx does not know.
        7..=11 | 13 | 14 | 15 | 26 => BROKEN,
        // MISUSE: of the connection, by sqlx or by us.
        21 => SPOILT,
        _ => STATEMENT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postgres_says() {
        for (code, expected) in [
            ("23505", STATEMENT),
            ("42P01", STATEMENT),
            ("22003", STATEMENT),
            ("40001", UNAVAILABLE),
            ("40P01", UNAVAILABLE),
            ("53100", UNAVAILABLE),
            ("53300", UNAVAILABLE),
            ("57014", LATE),
            ("55P03", LATE),
            ("25006", BROKEN),
            ("57P01", BROKEN),
            ("57P02", BROKEN),
            ("57P03", BROKEN),
            ("08006", BROKEN),
            ("28P01", BROKEN),
            ("", STATEMENT),
        ] {
            assert_eq!(of_postgres(code, ""), expected, "{code}");
        }
        assert_eq!(of_postgres("0A000", "cached plan must not change result type"), BROKEN);
        assert_eq!(of_postgres("0A000", "not supported"), STATEMENT);
    }

    #[test]
    fn what_sqlite_says() {
        for (code, expected) in [
            (1, STATEMENT),               // ERROR
            (19, STATEMENT),              // CONSTRAINT
            (0x13 | (8 << 8), STATEMENT), // CONSTRAINT_UNIQUE
            (5, UNAVAILABLE),             // BUSY
            (5 | (2 << 8), UNAVAILABLE),  // BUSY_SNAPSHOT
            (13, BROKEN),                 // FULL
            (0xa | (3 << 8), BROKEN),     // IOERR_WRITE
            (8 | (4 << 8), BROKEN),       // READONLY_DBMOVED
            (11, BROKEN),                 // CORRUPT
            (26, BROKEN),                 // NOTADB
            (21, SPOILT),                 // MISUSE
        ] {
            assert_eq!(of_sqlite(code), expected, "{code}");
        }
    }

    #[test]
    fn what_sqlx_says() {
        let io = |kind: std::io::ErrorKind| sqlx::Error::Io(kind.into());
        for (error, expected) in [
            (io(std::io::ErrorKind::ConnectionReset), BROKEN),
            (io(std::io::ErrorKind::TimedOut), Fault { is_late: true, ..BROKEN }),
            (sqlx::Error::InvalidSavePointStatement, BROKEN),
            (sqlx::Error::WorkerCrashed, BROKEN),
            (sqlx::Error::PoolTimedOut, LATE),
            (sqlx::Error::RowNotFound, STATEMENT),
        ] {
            assert_eq!(Fault::of(&error), expected, "{error}");
        }
    }
}
