//! Facts and days in the database.

use std::collections::BTreeMap;

use iso_currency::Currency;
use jiff::civil::Date;
use uuid::Uuid;

use super::{
    calendar::Calendar,
    figure::{Fact, Figure},
    report::{Article, Window},
};
use crate::{
    clock::Timestamp,
    db::{Db, StoreError, Tx},
};

/// Most facts that one statement notes.
const NOTED_AT_ONCE: usize = 64;
/// Most facts that are folded in one transaction.
const FOLDED_MAX: i64 = 500;
/// Most transactions of one fold: whoever waits for it does not wait for ever.
const FOLDS_MAX: usize = 200;
/// Most rows that a report reads of one figure: some five years of days, each with a hundred labels.
const READ_MAX: i64 = 200_000;

/// Most pages that are listed.
const ARTICLES_MAX: i64 = 50;

/// Writes facts down, to be counted soon.
pub fn note(tx: &mut Tx, facts: &[Fact], at: Timestamp) {
    let head = "INSERT INTO number_facts (at, name, label, currency, value) VALUES";
    for facts in facts.chunks(NOTED_AT_ONCE) {
        facts.iter().fold(tx.later_rows(head, (facts.len(), 5), ""), |later, fact| {
            let Fact { figure, label, currency, value } = fact;
            later.bind(at).bind(figure.as_str()).bind(label.clone()).bind(*currency).bind(*value)
        });
    }
}

/// Counts one more for the page that led to a subscription, where one did.
pub fn note_page(tx: &mut Tx, subscription: Uuid, figure: Figure, at: Timestamp) {
    tx.later(
        "INSERT INTO number_facts (at, name, label, currency, value)
         SELECT $1, $2, led_by, '', 1 FROM subscriptions WHERE id = $3 AND led_by IS NOT NULL",
    )
    .bind(at)
    .bind(figure.as_str())
    .bind(subscription);
}

#[derive(sqlx::FromRow)]
struct FactRow {
    at: Timestamp,
    name: String,
    label: String,
    currency: String,
    value: i64,
    subscription_id: Option<Uuid>,
    invoice_id: Option<Uuid>,
}

/// Folds all facts that wait into days. Whoever else does so at the same time folds other facts.
///
/// # Errors
/// [`StoreError`]; what was folded before stays folded.
pub async fn fold(db: &Db, calendar: &Calendar) -> Result<(), StoreError> {
    for _ in 0..FOLDS_MAX {
        let mut tx = db.write().await?;
        let rows = take(&mut tx).await?;
        let is_last = rows.len() < usize::try_from(FOLDED_MAX).unwrap_or(usize::MAX);
        // In the order of the key, so that two who fold never wait for each other in a ring.
        let mut sums = BTreeMap::<_, i64>::new();
        for row in rows {
            let day = calendar.day(row.at).to_string();
            let label = match row.subscription_id {
                Some(of) => plan(&mut tx, of, row.invoice_id).await?,
                None => row.label,
            };
            *sums.entry((row.name, day, label, row.currency)).or_default() += row.value;
        }
        for ((name, day, label, currency), value) in sums {
            tx.query(
                "INSERT INTO number_days (name, day, label, currency, value)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (name, day, label, currency)
                 DO UPDATE SET value = number_days.value + excluded.value",
            )
            .bind(name)
            .bind(day)
            .bind(label)
            .bind(currency)
            .bind(value)
            .execute()
            .await?;
        }
        tx.commit().await?;
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}

async fn take(tx: &mut Tx) -> Result<Vec<FactRow>, StoreError> {
    tx.query(
        "DELETE FROM number_facts
         WHERE id IN (SELECT id FROM number_facts ORDER BY id LIMIT $1)
         RETURNING at, name, label, currency, value, subscription_id, invoice_id",
    )
    .bind(FOLDED_MAX)
    .all()
    .await
}

/// For which plan money was: that of the invoice's first line, else that of the subscription.
async fn plan(
    tx: &mut Tx,
    subscription: Uuid,
    invoice: Option<Uuid>,
) -> Result<String, StoreError> {
    let found: Option<(Option<String>,)> = tx
        .query(
            "SELECT COALESCE(
                 (SELECT plan FROM invoice_lines WHERE invoice_id = $1 AND position = 0),
                 (SELECT plan FROM subscriptions WHERE id = $2))",
        )
        .bind(invoice)
        .bind(subscription)
        .optional()
        .await?;
    Ok(found.and_then(|(plan,)| plan).unwrap_or_default())
}

/// What a day's number is kept as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRow {
    /// Which number.
    pub figure: Figure,
    /// Of which day.
    pub day: Date,
    /// Of what.
    pub label: String,
    /// ISO 4217; empty where no money is meant.
    pub currency: String,
    /// How much.
    pub value: i64,
}

/// The days from `from` to `to`, both included.
///
/// # Errors
/// [`StoreError::TooMany`] where a figure has more labels than a report of so many days can hold.
pub async fn days(tx: &mut Tx, days: (Date, Date)) -> Result<Vec<DayRow>, StoreError> {
    let mut all = Vec::new();
    for figure in Figure::ALL {
        if matches!(figure, Figure::SubscribedFrom | Figure::PaidFrom) {
            // Of these there are as many as pages: see `articles`.
            continue;
        }
        all.extend(days_of(tx, figure, days).await?);
    }
    Ok(all)
}

async fn days_of(
    tx: &mut Tx,
    figure: Figure,
    (from, to): (Date, Date),
) -> Result<Vec<DayRow>, StoreError> {
    let rows: Vec<(String, String, String, i64)> = tx
        .query(
            "SELECT day, label, currency, value FROM number_days
             WHERE name = $1 AND day >= $2 AND day <= $3 ORDER BY day, label, currency LIMIT $4",
        )
        .bind(figure.as_str())
        .bind(from.to_string())
        .bind(to.to_string())
        .bind(READ_MAX + 1)
        .all()
        .await?;
    if rows.len() > usize::try_from(READ_MAX).unwrap_or(usize::MAX) {
        return Err(StoreError::TooMany { table: "number_days" });
    }
    let read = |(day, label, currency, value): (String, String, String, i64)| {
        let day = day.parse().map_err(|_| corrupt("day", figure, &day))?;
        DayRow { figure, day, label, currency, value }.checked()
    };
    rows.into_iter().map(read).collect()
}

fn corrupt(column: &'static str, figure: Figure, day: &str) -> StoreError {
    StoreError::Corrupt { table: "number_days", column, id: format!("{} {day}", figure.as_str()) }
}

impl DayRow {
    /// The same row, unless its money is of no currency there is.
    fn checked(self) -> Result<Self, StoreError> {
        if self.currency.is_empty() || Currency::from_code(&self.currency).is_some() {
            return Ok(self);
        }
        Err(corrupt("currency", self.figure, &self.day.to_string()))
    }
}

/// What pages led to, the most first.
///
/// # Errors
/// [`StoreError`].
pub async fn articles(tx: &mut Tx, window: Window) -> Result<Vec<Article>, StoreError> {
    tx.query(
        "SELECT label AS page,
             CAST(SUM(CASE WHEN name = $1 AND day >= $4 THEN value ELSE 0 END) AS BIGINT)
                 AS subscribed,
             CAST(SUM(CASE WHEN name = $1 AND day < $4 THEN value ELSE 0 END) AS BIGINT)
                 AS previous,
             CAST(SUM(CASE WHEN name = $2 AND day >= $4 THEN value ELSE 0 END) AS BIGINT) AS paid
         FROM number_days
         WHERE name IN ($1, $2) AND day >= $3 AND day <= $5
         GROUP BY label ORDER BY subscribed DESC, paid DESC, label LIMIT $6",
    )
    .bind(Figure::SubscribedFrom.as_str())
    .bind(Figure::PaidFrom.as_str())
    .bind(window.before().from.to_string())
    .bind(window.from.to_string())
    .bind(window.to.to_string())
    .bind(ARTICLES_MAX)
    .all()
    .await
}

/// What became, until now, of the trials that began in the months from that of `from` to that of `to`.
///
/// # Errors
/// [`StoreError`].
pub async fn trials(tx: &mut Tx, (from, to): (Date, Date)) -> Result<Vec<DayRow>, StoreError> {
    let mut all = Vec::new();
    for figure in [Figure::TrialStarted, Figure::TrialConverted, Figure::TrialLost] {
        all.extend(days_of(tx, figure, (from.first_of_month(), Date::MAX)).await?);
    }
    let month = |day: Date| day.strftime("%Y-%m").to_string();
    let months = month(from)..=month(to);
    all.retain(|row| months.contains(&row.label));
    Ok(all)
}

/// What the stocks came to before `day`, as one row each of the day before.
///
/// # Errors
/// [`StoreError`].
pub async fn stocks_before(tx: &mut Tx, day: Date) -> Result<Vec<DayRow>, StoreError> {
    let mut all = Vec::new();
    for figure in Figure::STOCKS {
        let rows: Vec<(String, String, i64)> = tx
            .query(
                "SELECT label, currency, CAST(SUM(value) AS BIGINT) FROM number_days
                 WHERE name = $1 AND day < $2 GROUP BY label, currency
                 ORDER BY label, currency LIMIT $3",
            )
            .bind(figure.as_str())
            .bind(day.to_string())
            .bind(READ_MAX)
            .all()
            .await?;
        let before = day.yesterday().unwrap_or(day);
        for (label, currency, value) in rows {
            all.push(DayRow { figure, day: before, label, currency, value }.checked()?);
        }
    }
    Ok(all)
}

/// Notes once that counting begins at `now`; says no where it has begun before.
///
/// # Errors
/// [`StoreError`].
pub async fn begin(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let rows = tx
        .query(
            "INSERT INTO number_days (name, day, label, currency, value)
             VALUES ('began', '1970-01-01', '', '', $1) ON CONFLICT DO NOTHING",
        )
        .bind(now.micros())
        .execute()
        .await?;
    Ok(rows == 1)
}

/// When counting began.
///
/// # Errors
/// [`StoreError`].
pub async fn began_at(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let row: Option<(i64,)> = tx
        .query("SELECT value FROM number_days WHERE name = 'began' AND day = '1970-01-01'")
        .optional()
        .await?;
    Ok(row.and_then(|(micros,)| Timestamp::from_micros(micros)))
}

/// What a figure comes to in all, with what waits to be folded: by label and currency.
///
/// # Errors
/// [`StoreError`].
pub async fn total(tx: &mut Tx, figure: Figure) -> Result<Vec<(String, String, i64)>, StoreError> {
    tx.query(
        "SELECT label, currency, CAST(SUM(value) AS BIGINT) FROM
             (SELECT label, currency, value FROM number_days WHERE name = $1
              UNION ALL
              SELECT label, currency, value FROM number_facts WHERE name = $1) AS every
         GROUP BY label, currency ORDER BY label, currency LIMIT $2",
    )
    .bind(figure.as_str())
    .bind(READ_MAX)
    .all()
    .await
}

/// What the ledger says of revenue since then, by currency.
///
/// # Errors
/// [`StoreError`].
pub async fn revenue_since(
    tx: &mut Tx,
    since: Timestamp,
) -> Result<Vec<(String, i64)>, StoreError> {
    tx.query(
        "SELECT currency, CAST(-SUM(revenue) AS BIGINT) FROM ledger_entries
         WHERE at >= $1 GROUP BY currency ORDER BY currency LIMIT $2",
    )
    .bind(since)
    .bind(READ_MAX)
    .all()
    .await
}
