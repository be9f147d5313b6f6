//! Whether the figures agree with the rows that they were made of, and how counting began where
//! there were subscriptions already.

use std::{collections::BTreeMap, fmt};

use super::{
    figure::{Fact, Figure},
    movement, store,
};
use crate::{
    billing::catalog::{model::Catalog, store as versions},
    clock::Timestamp,
    db::{Db, StoreError, Tx},
};

/// Most plans and versions that are looked at.
const PLANS_MAX: i64 = 100_000;

/// A figure that is not what the rows say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which figure.
    pub of: String,
    /// What was counted.
    pub counted: i64,
    /// What the rows say.
    pub rows: i64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was counted as {}, but the rows say {}", self.of, self.counted, self.rows)
    }
}

/// How many run of a plan as one version of the catalog has it.
#[derive(sqlx::FromRow)]
struct Running {
    plan: String,
    catalog_version: i64,
    trialing: i64,
    paying: i64,
}

/// What subscriptions say of themselves: reads every one that has not ended.
async fn standing(tx: &mut Tx) -> Result<Vec<Fact>, StoreError> {
    let running: Vec<Running> = tx
        .query(
            "SELECT plan, catalog_version,
                 CAST(SUM(CASE WHEN status = 'trialing' THEN 1 ELSE 0 END) AS BIGINT) AS trialing,
                 CAST(SUM(CASE WHEN status = 'active' OR (status = 'past_due' AND
                     (trial_end IS NULL OR period_start <> trial_end)) THEN 1 ELSE 0 END) AS BIGINT)
                     AS paying
             FROM subscriptions WHERE ended_at IS NULL
             GROUP BY plan, catalog_version ORDER BY plan, catalog_version LIMIT $1",
        )
        .bind(PLANS_MAX)
        .all()
        .await?;
    let mut facts = Vec::new();
    let mut catalogs = BTreeMap::<i64, Catalog>::new();
    for Running { plan, catalog_version, trialing, paying } in running {
        let catalog = match catalogs.remove(&catalog_version) {
            Some(catalog) => catalog,
            None => catalog(tx, catalog_version).await?,
        };
        let price = catalog.plan(&plan).and_then(|plan| movement::yearly(plan).times(paying));
        let price = price.ok_or_else(|| corrupt(catalog_version))?;
        catalogs.insert(catalog_version, catalog);
        facts.push(Fact::count(Figure::Trialing, &plan, trialing));
        facts.push(Fact::count(Figure::Active, &plan, paying));
        facts.push(Fact::money(Figure::MrrOpening, &plan, price));
    }
    facts.retain(|fact| fact.value != 0);
    Ok(facts)
}

async fn catalog(tx: &mut Tx, version: i64) -> Result<Catalog, StoreError> {
    let kept = versions::find(tx, version).await?.ok_or_else(|| corrupt(version))?;
    Catalog::parse(&kept.text, version).map_err(|_| corrupt(version))
}

fn corrupt(version: i64) -> StoreError {
    let (table, column) = ("catalog_versions", "text");
    StoreError::Corrupt { table, column, id: version.to_string() }
}

/// Begins to count, once for each database: subscriptions that are there already stand in the
/// figures from before every day. What happened before this moment is in no figure.
///
/// # Errors
/// [`StoreError`].
pub async fn begin(db: &Db, now: Timestamp) -> Result<(), StoreError> {
    if store::began_at(&mut db.read().await?).await?.is_some() {
        return Ok(());
    }
    let mut tx = db.write().await?;
    if store::begin(&mut tx, now).await? {
        let standing = standing(&mut tx).await?;
        store::note(&mut tx, &standing, Timestamp::UNIX_EPOCH);
    }
    tx.commit().await
}

/// What was counted and is not what the rows say: of subscriptions those that run, of the ledger
/// everything since counting began.
///
/// It reads every row, in a transaction of [`Db::snapshot`]: what is written meanwhile would look
/// like a difference.
///
/// # Errors
/// [`StoreError`].
pub async fn differences(tx: &mut Tx) -> Result<Vec<Difference>, StoreError> {
    let Some(since) = store::began_at(tx).await? else { return Ok(Vec::new()) };
    let mut rows = BTreeMap::<String, i64>::new();
    for fact in standing(tx).await? {
        let of = key(fact.figure, &fact.label, fact.currency);
        *rows.entry(of).or_default() += fact.value;
    }
    for (currency, revenue) in store::revenue_since(tx, since).await? {
        rows.insert(key(Figure::Revenue, "", &currency), revenue);
    }
    let mut counted = BTreeMap::<String, i64>::new();
    for figure in Figure::STOCKS.into_iter().chain([Figure::Revenue]) {
        for (label, currency, value) in store::total(tx, figure).await? {
            *counted.entry(key(figure, &label, &currency)).or_default() += value;
        }
    }
    let mut all: Vec<String> = rows.keys().chain(counted.keys()).cloned().collect();
    all.sort_unstable();
    all.dedup();
    let difference = |of: String| {
        let value = |sums: &BTreeMap<String, i64>| sums.get(&of).copied().unwrap_or(0);
        let (counted, rows) = (value(&counted), value(&rows));
        (counted != rows).then_some(Difference { of, counted, rows })
    };
    Ok(all.into_iter().filter_map(difference).collect())
}

/// Of what a sum is told: money by its currency, the rest by its plan.
fn key(figure: Figure, label: &str, currency: &str) -> String {
    match figure {
        Figure::Active | Figure::Trialing => format!("{} {label}", figure.as_str()),
        Figure::Revenue => format!("revenue {currency}"),
        _ => format!("yearly recurring revenue {currency}"),
    }
}
