//! Numbers of invoices and credit notes: 1, 2, 3, … in each calendar year (UTC), without a gap.

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// What is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// `2026-000001`.
    Invoice,
    /// `C2026-000001`.
    CreditNote,
}

impl Series {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
        }
    }

    fn number(self, year: i32, place: i64) -> String {
        let prefix = match self {
            Self::Invoice => "",
            Self::CreditNote => "C",
        };
        format!("{prefix}{year:04}-{place:06}")
    }
}

/// The next number of `series` in the year of `now`.
///
/// One row counts, so from here to the end of the transaction whoever wants a number waits: take it
/// last, after the rows of subscriptions and balances, which others take before theirs too. What is
/// rolled back leaves no gap; so whoever has taken a number and does not use it rolls back.
///
/// # Errors
/// [`StoreError`].
pub async fn next_number(
    tx: &mut Tx,
    series: Series,
    now: Timestamp,
) -> Result<String, StoreError> {
    let mut numbers = next_numbers(tx, series, 1, now).await?;
    numbers.pop().ok_or_else(|| corrupt(series))
}

/// The next `count` numbers, as [`next_number`].
///
/// # Errors
/// [`StoreError`].
pub async fn next_numbers(
    tx: &mut Tx,
    series: Series,
    count: i64,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    if count <= 0 {
        return Ok(Vec::new());
    }
    let year = now.date_time().year();
    let last: Option<(i64,)> = tx
        .query(
            "INSERT INTO invoice_numbers (series, year, last) VALUES ($1, $2, $3)
             ON CONFLICT (series, year)
             DO UPDATE SET last = invoice_numbers.last + excluded.last
             RETURNING last",
        )
        .bind(series.as_str())
        .bind(i64::from(year))
        .bind(count)
        .optional()
        .await?;
    let (last,) = last.ok_or_else(|| corrupt(series))?;
    Ok((last.saturating_sub(count)..last).map(|before| series.number(year, before + 1)).collect())
}

fn corrupt(series: Series) -> StoreError {
    let id = series.as_str().to_owned();
    StoreError::Corrupt { table: "invoice_numbers", column: "last", id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_and_say_what_they_number() {
        assert_eq!(Series::Invoice.number(2026, 1), "2026-000001");
        assert_eq!(Series::CreditNote.number(2026, 123_456), "C2026-123456");
        assert_eq!(Series::Invoice.number(2026, 1_234_567), "2026-1234567");
    }
}
