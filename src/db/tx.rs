//! Transactions: what is asked one statement after the other, and what is written together.
//!
//! SQLite runs on a thread of its own, and to hand it a statement and be handed the answer costs
//! more than most statements do. Writes that nobody asks anything about therefore wait in the
//! transaction ([`Tx::later`]) and are handed over together, as one text.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use sqlx::{
    Arguments, AssertSqlSafe, Database, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction,
    error::BoxDynError, postgres::PgArguments, sqlite::SqliteArguments,
};

use super::{
    StoreError,
    pool::Guard,
    query::{Bind, Param, Query},
    statements,
};

/// A transaction. Dropping it rolls back.
#[derive(Debug)]
pub enum Tx {
    /// SQLite.
    Sqlite(Open<Sqlite, Script>),
    /// PostgreSQL.
    Postgres(Open<Postgres, Statement>),
}

/// A transaction of one of the two, and what waits in it.
#[derive(Debug)]
pub struct Open<DB: Database, Waits> {
    tx: Transaction<'static, DB>,
    waiting: Vec<Waits>,
    guard: Guard,
    after_commit: Vec<AfterCommit>,
}

/// What is done once the changes are permanent.
struct AfterCommit(Box<dyn FnOnce() + Send + Sync>);

impl fmt::Debug for AfterCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AfterCommit")
    }
}

/// Most statements in one script: all are prepared, and kept so for the next time.
const SCRIPT_MAX: usize = 16;

/// Statements in one text, with the parameters of all of them.
#[derive(Debug, Default)]
pub struct Script {
    sql: String,
    statements: usize,
    arguments: SqliteArguments,
    /// Why a parameter could not be taken.
    failed: Option<BoxDynError>,
}

/// A statement with its parameters.
#[derive(Debug)]
pub struct Statement {
    sql: SqlStr,
    arguments: PgArguments,
    failed: Option<BoxDynError>,
}

impl Tx {
    pub(super) fn sqlite(tx: Transaction<'static, Sqlite>, guard: Guard) -> Self {
        statements::note();
        Self::Sqlite(Open { tx, waiting: Vec::new(), guard, after_commit: Vec::new() })
    }

    pub(super) fn postgres(tx: Transaction<'static, Postgres>, guard: Guard) -> Self {
        statements::note();
        Self::Postgres(Open { tx, waiting: Vec::new(), guard, after_commit: Vec::new() })
    }

    /// Prepares one statement.
    pub fn query(&mut self, sql: &'static str) -> Query<'_> {
        self.ask(SqlStr::from_static(sql))
    }

    /// Prepares one statement that writes several rows: `head`, for each of the `rows` a group of
    /// `columns` parameters, and `tail`. There must be a row, and not many: each number of them has
    /// a text of its own.
    pub fn query_rows(
        &mut self,
        head: &'static str,
        (rows, columns): (usize, usize),
        tail: &'static str,
    ) -> Query<'_> {
        self.ask(with_rows(head, (rows, columns), tail))
    }

    fn ask(&mut self, sql: SqlStr) -> Query<'_> {
        statements::note();
        match self {
            Self::Sqlite(open) => Query::Sqlite(sqlx::query(sql), open),
            Self::Postgres(open) => Query::Postgres(sqlx::query(sql), open),
        }
    }

    /// Writes by one statement, before the next that is asked and before the commit. For what cannot
    /// be refused: where it is, whatever comes next fails with [`StoreError::Database`].
    pub fn later(&mut self, sql: &'static str) -> Later<'_> {
        self.put_off(SqlStr::from_static(sql))
    }

    /// As [`Tx::later`], several rows as in [`Tx::query_rows`].
    pub fn later_rows(
        &mut self,
        head: &'static str,
        (rows, columns): (usize, usize),
        tail: &'static str,
    ) -> Later<'_> {
        self.put_off(with_rows(head, (rows, columns), tail))
    }

    fn put_off(&mut self, sql: SqlStr) -> Later<'_> {
        statements::note();
        match self {
            Self::Sqlite(Open { waiting, .. }) => {
                let open = waiting.pop_if(|script| script.statements < SCRIPT_MAX);
                let script = waiting.push_mut(open.unwrap_or_default());
                script.sql += &shifted(sql.as_str(), script.arguments.len());
                script.sql += ";\n";
                script.statements += 1;
                Later::Sqlite(script)
            }
            Self::Postgres(Open { waiting, .. }) => {
                let statement = Statement { sql, arguments: PgArguments::default(), failed: None };
                Later::Postgres(waiting.push_mut(statement))
            }
        }
    }

    /// Does `act` once the changes are permanent, and not at all where they never are. It must be
    /// quick: the commit waits for it.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + Sync + 'static) {
        let act = AfterCommit(Box::new(act));
        match self {
            Self::Sqlite(open) => open.after_commit.push(act),
            Self::Postgres(open) => open.after_commit.push(act),
        }
    }

    /// Makes the changes permanent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn commit(self) -> Result<(), StoreError> {
        statements::note();
        let after_commit = match self {
            Self::Sqlite(mut open) => {
                open.ready().await?;
                open.guard.run(open.tx.commit()).await?;
                // Before anything is said about it: it may have gone into a file without a name.
                open.guard.check_file()?;
                open.after_commit
            }
            Self::Postgres(mut open) => {
                open.ready().await?;
                open.guard.run(open.tx.commit()).await?;
                open.after_commit
            }
        };
        for AfterCommit(act) in after_commit {
            act();
        }
        Ok(())
    }
}

/// A transaction in which nothing waits, and what watches over its connection.
pub(crate) struct Ready<'o, DB: Database> {
    pub(crate) connection: &'o mut DB::Connection,
    pub(crate) guard: &'o Guard,
}

impl<DB: Database, Waits> Open<DB, Waits> {
    fn as_ready(&mut self) -> Ready<'_, DB> {
        Ready { connection: &mut *self.tx, guard: &self.guard }
    }
}

impl Open<Sqlite, Script> {
    /// The transaction, once everything that waited is written.
    pub(super) async fn ready(&mut self) -> Result<Ready<'_, Sqlite>, StoreError> {
        for Script { sql, arguments, failed, .. } in std::mem::take(&mut self.waiting) {
            refuse(failed)?;
            // Nothing but our own words and numbers.
            let script = sqlx::query_with(AssertSqlSafe(sql), arguments);
            let written = self.guard.run(script.execute(&mut *self.tx)).await;
            written.map_err(StoreError::Database)?;
        }
        Ok(self.as_ready())
    }
}

impl Open<Postgres, Statement> {
    /// The transaction, once everything that waited is written.
    pub(crate) async fn ready(&mut self) -> Result<Ready<'_, Postgres>, StoreError> {
        for Statement { sql, arguments, failed } in std::mem::take(&mut self.waiting) {
            refuse(failed)?;
            let statement = sqlx::query_with(sql, arguments);
            let written = self.guard.run(statement.execute(&mut *self.tx)).await;
            written.map_err(StoreError::Database)?;
        }
        Ok(self.as_ready())
    }

    /// Statements may take this long from now on.
    pub(super) fn be_patient_for(&mut self, patience: Duration) {
        self.guard = self.guard.clone().patient_for(patience);
    }
}

fn refuse(failed: Option<BoxDynError>) -> Result<(), StoreError> {
    let error = failed.map(|error| StoreError::Database(sqlx::Error::Encode(error)));
    error.map_or(Ok(()), Err)
}

/// A write that waits in its transaction.
pub enum Later<'t> {
    /// For SQLite.
    Sqlite(&'t mut Script),
    /// For PostgreSQL.
    Postgres(&'t mut Statement),
}

impl Later<'_> {
    /// Binds the next `$n`.
    #[expect(clippy::return_self_not_must_use, reason = "the last one has done it")]
    pub fn bind<'q>(mut self, value: impl Param<'q>) -> Self {
        let (added, failed) = match &mut self {
            Self::Sqlite(script) => (script.arguments.add(value), &mut script.failed),
            Self::Postgres(statement) => (statement.arguments.add(value), &mut statement.failed),
        };
        if let Err(error) = added {
            failed.get_or_insert(error);
        }
        self
    }
}

impl Bind for Later<'_> {
    fn bind_next<'q>(self, value: impl Param<'q>) -> Self {
        self.bind(value)
    }
}

/// `head`, `rows` groups of `columns` parameters each, and `tail`: `… ($1, $2), ($3, $4) …`.
fn with_rows(head: &str, (rows, columns): (usize, usize), tail: &str) -> SqlStr {
    let group = |row: usize| {
        let numbers = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    let groups = (0..rows).map(group).collect::<Vec<_>>().join(", ");
    // Nothing but our own words and numbers.
    AssertSqlSafe(format!("{head} {groups} {tail}")).into_sql_str()
}

/// The statement with the numbers of its parameters greater by `by`.
fn shifted(sql: &str, by: usize) -> String {
    let mut parts = sql.split('$');
    let mut shifted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().map_or(0, |number| number + by);
        // Writing to a text cannot fail.
        let _ = write!(shifted, "${number}{rest}");
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_parameters_of_its_own() {
        let sql = with_rows("INSERT INTO t (a, b) VALUES", (2, 2), "ON CONFLICT DO NOTHING");
        assert_eq!(
            sql.as_str(),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn each_statement_of_a_script_has_parameters_of_its_own() {
        assert_eq!(
            shifted("UPDATE t SET a = $2 WHERE b = $1", 0),
            "UPDATE t SET a = $2 WHERE b = $1"
        );
        assert_eq!(
            shifted("DELETE FROM t WHERE a IN ($1,$12)", 9),
            "DELETE FROM t WHERE a IN ($10,$21)"
        );
        assert_eq!(shifted("DELETE FROM t", 9), "DELETE FROM t");
    }
}
