//! The figures, as staff ask for them.

use axum::response::Response;
use jiff::{ToSpan, civil::Date};

use super::desk::{Desk, DeskError};
use crate::{
    http::{csv, problem::ApiError},
    numbers::{
        calendar::Calendar,
        report::{DAYS_MAX, Report, Window},
        store,
        table::tables,
    },
};

/// How many days a report has where nothing is said.
const DAYS: i32 = 30;

/// Why there is no report: which of the days is wrong, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {rule}")]
pub(super) struct InvalidWindow {
    /// `from` or `to`.
    pub(super) field: &'static str,
    /// The rule that it breaks.
    pub(super) rule: &'static str,
}

/// The days from `from` to `to`: where nothing is said the last thirty until `today`.
///
/// # Errors
/// [`InvalidWindow`].
pub(super) fn window(from: &str, to: &str, today: Date) -> Result<Window, InvalidWindow> {
    let parse = |field, text: &str| {
        let rule = "must be a day such as 2026-11-24";
        let is_plain = text.len() == 10;
        let day = text.parse::<Date>().ok().filter(|_| is_plain);
        day.ok_or(InvalidWindow { field, rule })
    };
    let to = if to.is_empty() { today } else { parse("to", to)? };
    let from = match from {
        "" => to.saturating_sub((DAYS - 1).days()),
        text => parse("from", text)?,
    };
    if from.year() < 2000 {
        return Err(InvalidWindow { field: "from", rule: "must be after the year 1999" });
    }
    let window = Window { from, to };
    if from > to {
        return Err(InvalidWindow { field: "from", rule: "must not be after `to`" });
    }
    if window.length() > DAYS_MAX {
        return Err(InvalidWindow { field: "from", rule: "must be at most 1100 days before `to`" });
    }
    Ok(window)
}

impl Desk {
    /// The publisher's calendar.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        Calendar::of(&self.readers.directory.snapshot())
    }

    /// The figures of these days, with everything that has happened until now.
    ///
    /// # Errors
    /// [`DeskError::TooManyFigures`]; when the database fails.
    pub async fn report(&self, window: Window) -> Result<Report, DeskError> {
        let calendar = self.calendar();
        self.counts.flush(&self.db, &*self.clock).await?;
        store::fold(&self.db, &calendar).await?;
        let before = window.before();
        let mut tx = self.db.snapshot().await?;
        let days = store::days(&mut tx, (before.from, window.to)).await?;
        let stocks = store::stocks_before(&mut tx, before.from).await?;
        let trials = store::trials(&mut tx, (window.from, window.to)).await?;
        let articles = store::articles(&mut tx, window).await?;
        Ok(Report::of(window, calendar.name(), (&days, &stocks, &trials), articles))
    }
}

/// The table `name` of a report as a file to keep.
///
/// # Errors
/// [`ApiError::NotFound`] where there is no such table.
pub(super) fn table_file(report: &Report, name: &str) -> Result<Response, ApiError> {
    let table = tables(report).into_iter().find(|table| table.name == name);
    let table = table.ok_or(ApiError::NotFound)?.to_csv().map_err(ApiError::internal)?;
    let Window { from, to } = report.window;
    Ok(csv::file(&format!("{name}-{from}-{to}.csv"), table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_checked() {
        let today = Date::constant(2026, 11, 24);
        let month = window("", "", today).unwrap();
        assert_eq!((month.from.to_string(), month.length()), ("2026-10-26".to_owned(), 30));
        assert_eq!(month.before().to.to_string(), "2026-10-25");
        assert_eq!(month.before().length(), 30);
        assert_eq!(window("2026-02-28", "2026-02-28", today).unwrap().length(), 1);
        for (from, to, field) in [
            ("2026-02-30", "", "from"),
            ("2026-1-1", "", "from"),
            ("yesterday", "", "from"),
            ("", "2026-13-01", "to"),
            ("", "+002026-01-01", "to"),
            ("2026-11-25", "2026-11-24", "from"),
            ("2020-01-01", "2026-11-24", "from"),
            ("1999-12-31", "2000-01-01", "from"),
            ("-009999-01-01", "", "from"),
            ("2026-11-24T00:00:00Z", "", "from"),
        ] {
            assert_eq!(window(from, to, today).unwrap_err().field, field, "{from} {to}");
        }
    }
}
