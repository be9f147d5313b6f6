//! Many rows into one table, as fast as each database takes them.

use std::fmt::Write;

use pressgate::{clock::Timestamp, db::Db};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use uuid::Uuid;

/// A value of a row.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Id(Uuid),
    Text(String),
    Int(i64),
    Bool(bool),
    At(Timestamp),
    Null,
}

impl Cell {
    pub(crate) fn at(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Null, Self::At)
    }
}

const ROWS_AT_ONCE: usize = 40;
const ROWS_IN_TRANSACTION: usize = 20_000;
const BYTES_AT_ONCE: usize = 1 << 20;

/// Writes `rows` into the `columns` of `table`, all of one length.
pub(crate) async fn load(
    db: &Db,
    (table, columns): (&str, &str),
    rows: impl Iterator<Item = Vec<Cell>>,
) {
    match db {
        Db::Sqlite { write, .. } => load_sqlite(write, (table, columns), rows).await,
        Db::Postgres(pool) => load_postgres(pool, (table, columns), rows).await,
    }
}

async fn load_postgres(
    pool: &PgPool,
    (table, columns): (&str, &str),
    rows: impl Iterator<Item = Vec<Cell>>,
) {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await.unwrap();
    let sql = format!("COPY {table} ({columns}) FROM STDIN");
    let mut copy = connection.copy_in_raw(&sql).await.unwrap();
    let mut text = String::with_capacity(BYTES_AT_ONCE * 2);
    for row in rows {
        for (i, cell) in row.into_iter().enumerate() {
            if i > 0 {
                text.push('\t');
            }
            match cell {
                Cell::Id(id) => write!(text, "{id}").unwrap(),
                Cell::Text(cell) => text.push_str(&cell),
                Cell::Int(cell) => write!(text, "{cell}").unwrap(),
                Cell::Bool(cell) => text.push(if cell { 't' } else { 'f' }),
                Cell::At(at) => write!(text, "{at}").unwrap(),
                Cell::Null => text.push_str("\\N"),
            }
        }
        text.push('\n');
        if text.len() > BYTES_AT_ONCE {
            copy.send(text.as_bytes()).await.unwrap();
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await.unwrap();
    copy.finish().await.unwrap();
    let _ = connection.close().await;
}

async fn load_sqlite(
    pool: &SqlitePool,
    (table, columns): (&str, &str),
    rows: impl Iterator<Item = Vec<Cell>>,
) {
    let width = columns.split(',').count();
    let one = format!("({})", vec!["?"; width].join(", "));
    let sql = |rows: usize| {
        format!("INSERT INTO {table} ({columns}) VALUES {}", vec![one.as_str(); rows].join(", "))
    };
    let (many, single) = (sql(ROWS_AT_ONCE), sql(1));
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let mut tx = pool.begin().await.unwrap();
        for _ in 0..ROWS_IN_TRANSACTION / ROWS_AT_ONCE {
            let chunk: Vec<Vec<Cell>> = rows.by_ref().take(ROWS_AT_ONCE).collect();
            let statements = if chunk.len() == ROWS_AT_ONCE {
                vec![(&many, chunk.into_iter().flatten().collect::<Vec<_>>())]
            } else {
                chunk.into_iter().map(|row| (&single, row)).collect()
            };
            for (sql, cells) in statements {
                let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
                for cell in cells {
                    query = match cell {
                        Cell::Id(id) => query.bind(id),
                        Cell::Text(cell) => query.bind(cell),
                        Cell::Int(cell) => query.bind(cell),
                        Cell::Bool(cell) => query.bind(cell),
                        Cell::At(at) => query.bind(at),
                        Cell::Null => query.bind(None::<i64>),
                    };
                }
                query.execute(&mut *tx).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
    }
}
