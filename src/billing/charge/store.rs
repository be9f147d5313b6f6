//! Charges in the database. The caller has taken the subscription's row.

use uuid::Uuid;

use super::model::{Charge, ChargeStatus};
use crate::{
    billing::{
        calendar::Period,
        catalog::versions::Catalogs,
        subscription::{
            model::{Purchase, Purpose, Turn},
            store::terms,
        },
    },
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
};

/// Most charges of one subscription that are listed.
pub const LISTED_MAX: i64 = 200;

#[derive(sqlx::FromRow)]
struct ChargeRow {
    id: Uuid,
    subscription_id: Uuid,
    reader_id: Uuid,
    purpose: String,
    plan: String,
    catalog_version: i64,
    anchor: Timestamp,
    period_index: i64,
    period_start: Timestamp,
    period_end: Timestamp,
    attempt: i64,
    amount: i64,
    credit: i64,
    balance: i64,
    method: Option<String>,
    off_session: bool,
    status: String,
    created_at: Timestamp,
    settled_at: Option<Timestamp>,
    reference: Option<String>,
    failure_code: Option<String>,
    action_url: Option<String>,
    invoice_id: Option<Uuid>,
}

macro_rules! columns {
    () => {
        "id, subscription_id, reader_id, purpose, plan, catalog_version, anchor, period_index,
         period_start, period_end, attempt, amount, credit, balance, method, off_session, status,
         created_at, settled_at, reference, failure_code, action_url, invoice_id"
    };
}

impl ChargeRow {
    async fn read(self, catalogs: &Catalogs) -> Result<Charge, StoreError> {
        let id = self.id;
        let corrupt = |column| StoreError::Corrupt { table: "charges", column, id: id.to_string() };
        let terms = terms(catalogs, self.catalog_version, &self.plan).await?;
        let terms = terms.ok_or_else(|| corrupt("plan"))?;
        let money = |amount| Money { amount, currency: terms.currency() };
        let status = match (self.status.as_str(), self.settled_at) {
            ("pending", None) => Some(ChargeStatus::Pending),
            ("requires_action", None) => {
                self.action_url.map(|url| ChargeStatus::RequiresAction { url })
            }
            ("succeeded", Some(at)) => {
                self.reference.map(|reference| ChargeStatus::Succeeded { reference, at })
            }
            ("declined", Some(at)) => {
                self.failure_code.map(|code| ChargeStatus::Declined { code, at })
            }
            ("canceled", Some(at)) => Some(ChargeStatus::Canceled { at }),
            _ => None,
        };
        let period = Period { start: self.period_start, end: self.period_end };
        let turn = Turn { anchor: self.anchor, index: self.period_index, period };
        let purpose = Purpose::parse(&self.purpose).ok_or_else(|| corrupt("purpose"))?;
        Ok(Charge {
            id,
            subscription: self.subscription_id,
            reader: self.reader_id,
            attempt: self.attempt,
            amount: money(self.amount),
            credit: money(self.credit),
            balance: money(self.balance),
            method: self.method,
            off_session: self.off_session,
            status: status.ok_or_else(|| corrupt("status"))?,
            created_at: self.created_at,
            invoice: self.invoice_id,
            purchase: Purchase { purpose, terms, turn },
        })
    }
}

/// Writes down a charge that is about to be asked for, as the next attempt for its period.
///
/// # Errors
/// [`StoreError::Duplicate`] where the period is paid, or another charge is open.
pub async fn insert(tx: &mut Tx, charge: Charge) -> Result<Charge, StoreError> {
    let Purchase { purpose, terms, turn } = &charge.purchase;
    let row = tx
        .query(
            "INSERT INTO charges (id, subscription_id, reader_id, purpose, plan, catalog_version,
                 anchor, period_index, period_start, period_end, attempt, amount, credit, balance,
                 currency, method, off_session, status, created_at, invoice_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
                 (SELECT COUNT(*) + 1 FROM charges WHERE subscription_id = $2 AND period_start = $9),
                 $11, $12, $13, $14, $15, $16, 'pending', $17, $18)
             RETURNING attempt",
        )
        .bind(charge.id)
        .bind(charge.subscription)
        .bind(charge.reader)
        .bind(purpose.as_str())
        .bind(terms.plan.id.clone())
        .bind(terms.catalog.version)
        .bind(turn.anchor)
        .bind(turn.index)
        .bind(turn.period.start)
        .bind(turn.period.end)
        .bind(charge.amount.amount)
        .bind(charge.credit.amount)
        .bind(charge.balance.amount)
        .bind(charge.amount.currency.code())
        .bind(charge.method.clone())
        .bind(charge.off_session)
        .bind(charge.created_at)
        .bind(charge.invoice)
        .optional::<(i64,)>()
        .await?;
    let attempt = row.map_or(charge.attempt, |(attempt,)| attempt);
    Ok(Charge { attempt, ..charge })
}

/// Finds one.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    tx: &mut Tx,
    catalogs: &Catalogs,
    id: Uuid,
) -> Result<Option<Charge>, StoreError> {
    let row = tx
        .query(concat!("SELECT ", columns!(), " FROM charges WHERE id = $1"))
        .bind(id)
        .optional::<ChargeRow>()
        .await?;
    match row {
        Some(row) => row.read(catalogs).await.map(Some),
        None => Ok(None),
    }
}

/// A subscription's, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(
    tx: &mut Tx,
    catalogs: &Catalogs,
    subscription: Uuid,
) -> Result<Vec<Charge>, StoreError> {
    let rows = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM charges WHERE subscription_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
        ))
        .bind(subscription)
        .bind(LISTED_MAX)
        .all::<ChargeRow>()
        .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.push(row.read(catalogs).await?);
    }
    Ok(all)
}

/// How many charges of a subscription were written down since `since`.
///
/// # Errors
/// [`StoreError`].
pub async fn count_since(
    tx: &mut Tx,
    subscription: Uuid,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let row = tx
        .query("SELECT COUNT(*) FROM charges WHERE subscription_id = $1 AND created_at > $2")
        .bind(subscription)
        .bind(since)
        .optional::<(i64,)>()
        .await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Writes down how an open charge went, with the invoice that belongs to it. Says whether it was
/// open: whoever is told no came second, and changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn settle(
    tx: &mut Tx,
    id: Uuid,
    status: &ChargeStatus,
    invoice: Option<Uuid>,
) -> Result<bool, StoreError> {
    let (settled_at, reference, failure_code, action_url) = match status {
        ChargeStatus::Pending => (None, None, None, None),
        ChargeStatus::RequiresAction { url } => (None, None, None, Some(url.clone())),
        ChargeStatus::Succeeded { reference, at } => {
            (Some(*at), Some(reference.clone()), None, None)
        }
        ChargeStatus::Declined { code, at } => (Some(*at), None, Some(code.clone()), None),
        ChargeStatus::Canceled { at } => (Some(*at), None, None, None),
    };
    let rows = tx
        .query(
            "UPDATE charges SET status = $2, settled_at = $3, reference = $4, failure_code = $5,
                 action_url = $6, invoice_id = $7
             WHERE id = $1 AND status IN ('pending', 'requires_action')",
        )
        .bind(id)
        .bind(status.as_str())
        .bind(settled_at)
        .bind(reference)
        .bind(failure_code)
        .bind(action_url)
        .bind(invoice)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Forgets the cards of a reader's charges.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_methods(tx: &mut Tx, reader: Uuid) -> Result<(), StoreError> {
    tx.query("UPDATE charges SET method = NULL WHERE reader_id = $1")
        .bind(reader)
        .execute()
        .await?;
    Ok(())
}
