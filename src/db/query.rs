//! One statement on whichever database is open. Mirrors sqlx's own builder.

use sqlx::{
    Encode, FromRow, Postgres, Sqlite, Type,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    StoreError,
    tx::{Open, Ready, Script, Statement},
};

/// A value both databases can store.
pub trait Param<'q>:
    Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> + Send + 'q
{
}
impl<'q, T> Param<'q> for T where
    T: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> + Send + 'q
{
}

/// What takes parameters: a statement that is asked, or a write that waits.
pub trait Bind: Sized {
    /// Binds the next `$n`.
    #[must_use]
    fn bind_next<'q>(self, value: impl Param<'q>) -> Self;
}

impl Bind for Query<'_> {
    fn bind_next<'q>(self, value: impl Param<'q>) -> Self {
        self.bind(value)
    }
}

/// A row both databases can produce; `#[derive(sqlx::FromRow)]` is enough.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

/// A statement with its parameters.
#[must_use = "a query does nothing until it is executed"]
pub enum Query<'t> {
    /// For SQLite.
    Sqlite(sqlx::query::Query<'t, Sqlite, SqliteArguments>, &'t mut Open<Sqlite, Script>),
    /// For PostgreSQL.
    Postgres(sqlx::query::Query<'t, Postgres, PgArguments>, &'t mut Open<Postgres, Statement>),
}

impl Query<'_> {
    /// Binds the next `$n`.
    pub fn bind<'q>(self, value: impl Param<'q>) -> Self {
        match self {
            Self::Sqlite(query, on) => Self::Sqlite(query.bind(value), on),
            Self::Postgres(query, on) => Self::Postgres(query.bind(value), on),
        }
    }

    /// Runs it and reports how many rows it touched.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn execute(self) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(query, on) => {
                let Ready { connection, guard } = on.ready().await?;
                guard.run(query.execute(connection)).await?.rows_affected()
            }
            Self::Postgres(query, on) => {
                let Ready { connection, guard } = on.ready().await?;
                guard.run(query.execute(connection)).await?.rows_affected()
            }
        })
    }

    /// Runs it and returns the first row, if any.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn optional<T: Row>(self) -> Result<Option<T>, StoreError> {
        Ok(match self {
            Self::Sqlite(query, on) => {
                let Ready { connection, guard } = on.ready().await?;
                let row = guard.run(query.fetch_optional(connection)).await?;
                row.map(|row| T::from_row(&row)).transpose()?
            }
            Self::Postgres(query, on) => {
                let Ready { connection, guard } = on.ready().await?;
                let row = guard.run(query.fetch_optional(connection)).await?;
                row.map(|row| T::from_row(&row)).transpose()?
            }
        })
    }

    /// Runs it and returns every row; the statement itself says how many at most.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn all<T: Row>(self) -> Result<Vec<T>, StoreError> {
        Ok(match self {
            Self::Sqlite(query, on) => {
                let Ready { connection, guard } = on.ready().await?;
                let rows = guard.run(query.fetch_all(connection)).await?;
                rows.iter().map(T::from_row).collect::<Result<_, _>>()?
            }
            Self::Postgres(query, on) => {
                let Ready { connection, guard } = on.ready().await?;
                let rows = guard.run(query.fetch_all(connection)).await?;
                rows.iter().map(T::from_row).collect::<Result<_, _>>()?
            }
        })
    }
}
