//! Decisions in the database.

use uuid::Uuid;

use super::{
    code::SupportCode,
    logged::Decided,
    past::{Count, Logged},
};
use crate::{
    access::decision::{ArticleAccess, Reason},
    clock::Timestamp,
    db::{StoreError, Tx},
    metering::tally::Fingerprint,
};

/// Most rows of one visitor or reader that are looked at: enough for any window of any meter.
pub const LISTED_MAX: i64 = 500;
/// Seconds in a minute of [`count_lost`].
const MINUTE: i64 = 60;

/// The decisions for which this holds.
macro_rules! logged {
    ($holds:literal) => {
        concat!(
            "SELECT id, code, site, at, visitor_id, reader_id, article, access, reason, pool,
                    allowance, used, resets_at, rule, rule_text, standing
             FROM decisions WHERE ",
            $holds
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    code: i64,
    site: String,
    at: Timestamp,
    visitor_id: Uuid,
    reader_id: Option<Uuid>,
    article: Vec<u8>,
    access: String,
    reason: String,
    pool: Option<String>,
    allowance: Option<i64>,
    used: Option<i64>,
    resets_at: Option<Timestamp>,
    rule: Option<i64>,
    rule_text: Option<String>,
    standing: Option<String>,
}

impl TryFrom<Row> for Logged {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt =
            |column| StoreError::Corrupt { table: "decisions", column, id: id.to_string() };
        let number = |number: i64, column| u32::try_from(number).map_err(|_| corrupt(column));
        let count = match (row.pool, row.allowance, row.used) {
            (Some(pool), Some(limit), Some(used)) => Some(Count {
                pool,
                limit: number(limit, "allowance")?,
                used: number(used, "used")?,
                resets_at: row.resets_at,
            }),
            (None, None, None) => None,
            _ => return Err(corrupt("pool")),
        };
        let rule = match (row.rule, row.rule_text) {
            (Some(place), Some(text)) => {
                Some((usize::try_from(place).map_err(|_| corrupt("rule"))?, text))
            }
            (None, None) => None,
            _ => return Err(corrupt("rule")),
        };
        let article = row.article.try_into().map_err(|_| corrupt("article"))?;
        Ok(Self {
            id,
            code: SupportCode::from_number(row.code).ok_or_else(|| corrupt("code"))?,
            site: row.site,
            at: row.at,
            visitor: row.visitor_id,
            reader: row.reader_id,
            article: Fingerprint(article),
            access: ArticleAccess::parse(&row.access).ok_or_else(|| corrupt("access"))?,
            reason: Reason::parse(&row.reason).ok_or_else(|| corrupt("reason"))?,
            count,
            rule,
            standing: row.standing,
        })
    }
}

/// Writes a decision down, unless one that is the same is there.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(
    tx: &mut Tx,
    id: Uuid,
    code: SupportCode,
    decided: &Decided,
) -> Result<(), StoreError> {
    let reading = decided.reading;
    let rule = decided.rule.as_ref();
    let counted = rule.filter(|_| reading.is_some());
    let reader = decided.reader.as_ref();
    tx.query(
        "INSERT INTO decisions (id, code, site, at, visitor_id, reader_id, article, access, reason,
                                pool, allowance, used, resets_at, rule, rule_text, standing)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (code) DO NOTHING",
    )
    .bind(id)
    .bind(code.to_number())
    .bind(decided.site.to_string())
    .bind(decided.at)
    .bind(decided.visitor)
    .bind(reader.map(|(reader, _)| *reader))
    .bind(decided.article.0.to_vec())
    .bind(decided.access.as_str())
    .bind(decided.reason.as_str())
    .bind(counted.map(|rule| rule.pool.to_string()))
    .bind(reading.map(|reading| i64::from(reading.limit)))
    .bind(reading.map(|reading| i64::from(reading.used)))
    .bind(reading.and_then(|reading| reading.resets_at))
    .bind(rule.map(|rule| i64::try_from(rule.place).unwrap_or(i64::MAX)))
    .bind(rule.map(|rule| rule.text.to_string()))
    .bind(reader.map(|(_, standing)| standing.to_text()))
    .execute()
    .await?;
    Ok(())
}

/// Notes that `lost` decisions were not written down in the minute of `at`.
///
/// # Errors
/// [`StoreError`].
pub async fn add_lost(tx: &mut Tx, lost: u64, at: Timestamp) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO decision_gaps (minute, lost) VALUES ($1, $2)
         ON CONFLICT (minute) DO UPDATE SET lost = decision_gaps.lost + excluded.lost",
    )
    .bind(at.unix_seconds().div_euclid(MINUTE))
    .bind(i64::try_from(lost).unwrap_or(i64::MAX))
    .execute()
    .await?;
    Ok(())
}

/// How many decisions were not written down between the two moments, to the minute.
///
/// # Errors
/// [`StoreError`].
pub async fn count_lost(tx: &mut Tx, from: Timestamp, until: Timestamp) -> Result<u64, StoreError> {
    let minute = |at: Timestamp| at.unix_seconds().div_euclid(MINUTE);
    // What is lost is noted when the next batch is written, at most a minute later.
    let lost: Option<(i64,)> = tx
        .query(
            "SELECT CAST(COALESCE(SUM(lost), 0) AS BIGINT) FROM decision_gaps
             WHERE minute BETWEEN $1 AND $2",
        )
        .bind(minute(from))
        .bind(minute(until).saturating_add(1))
        .optional()
        .await?;
    Ok(lost.map_or(0, |(lost,)| lost.unsigned_abs()))
}

/// The decision with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Logged>, StoreError> {
    let found = tx.query(logged!("id = $1"));
    found.bind(id).optional::<Row>().await?.map(Logged::try_from).transpose()
}

/// The decision with this support code.
///
/// # Errors
/// [`StoreError`].
pub async fn find_by_code(tx: &mut Tx, code: SupportCode) -> Result<Option<Logged>, StoreError> {
    let found = tx.query(logged!("code = $1"));
    found.bind(code.to_number()).optional::<Row>().await?.map(Logged::try_from).transpose()
}

/// Up to `most` decisions about a visitor with ids below `before`, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn of_visitor(
    tx: &mut Tx,
    visitor: Uuid,
    before: Uuid,
    most: i64,
) -> Result<Vec<Logged>, StoreError> {
    let found = tx.query(logged!("visitor_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"));
    let rows = found.bind(visitor).bind(before).bind(most.min(LISTED_MAX)).all::<Row>().await?;
    rows.into_iter().map(Logged::try_from).collect()
}

/// Up to `most` decisions about a reader with ids below `before`, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn of_reader(
    tx: &mut Tx,
    reader: Uuid,
    before: Uuid,
    most: i64,
) -> Result<Vec<Logged>, StoreError> {
    let found = tx.query(logged!("reader_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"));
    let rows = found.bind(reader).bind(before).bind(most.min(LISTED_MAX)).all::<Row>().await?;
    rows.into_iter().map(Logged::try_from).collect()
}

/// Forgets what is kept of a reader.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Tx, reader: Uuid) -> Result<(), StoreError> {
    tx.query("DELETE FROM decisions WHERE reader_id = $1").bind(reader).execute().await?;
    Ok(())
}

/// Forgets up to `most` decisions older than `before`, and as many gaps.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    let gaps = tx
        .query(
            "DELETE FROM decision_gaps WHERE minute IN
                 (SELECT minute FROM decision_gaps WHERE minute < $1 ORDER BY minute LIMIT $2)",
        )
        .bind(before.unix_seconds().div_euclid(MINUTE))
        .bind(most)
        .execute()
        .await?;
    let rows = tx
        .query(
            "DELETE FROM decisions WHERE id IN
                 (SELECT id FROM decisions WHERE id < $1 ORDER BY id LIMIT $2)",
        )
        .bind(first_id(before))
        .bind(most)
        .execute()
        .await?;
    Ok(rows.max(gaps))
}

/// The least id of a decision made at `at` (UUID version 7): all earlier ones are below it.
#[must_use]
pub fn first_id(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.micros().div_euclid(1_000)).unwrap_or(0);
    Uuid::from_u128(u128::from(millis) << 80)
}
