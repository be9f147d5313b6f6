//! The sandbox gateway's book. Whoever writes in it opens it first, and so they take turns.

use iso_currency::Currency;
use uuid::Uuid;

use super::{ChargeOutcome, sandbox::CONFIRM};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
};

/// ISO 4217's code for "no currency", by which rows say that there is no amount.
const NO_CURRENCY: Currency = Currency::XXX;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// Its place: 1, 2, 3, …
    pub(super) seq: i64,
    /// The order.
    pub(super) order: Uuid,
    /// Whose card.
    pub(super) customer: Uuid,
    /// The card.
    pub(super) method: String,
    /// What it was.
    pub(super) kind: Kind,
    /// How much; `None` for a card that is set up before any amount is known.
    pub(super) amount: Option<Money>,
    /// How it stands.
    pub(super) status: Status,
    /// How much of it was given back, in minor units.
    pub(super) refunded: i64,
    /// Under which key.
    pub(super) key: String,
    /// When.
    pub(super) at: Timestamp,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Money.
    Charge,
    /// That a card can be charged later.
    Setup,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    /// Done.
    Succeeded,
    /// Not done.
    Declined {
        /// Whether trying again cannot help.
        hard: bool,
        /// Why.
        code: String,
    },
    /// The reader must confirm it.
    Waiting,
    /// Called off.
    Canceled,
}

impl Status {
    /// As in rows and answers.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Declined { .. } => "declined",
            Self::Waiting => "waiting",
            Self::Canceled => "canceled",
        }
    }

    /// As the gateway answers to `order`.
    pub(super) fn outcome(&self, order: Uuid, reference: impl Fn() -> String) -> ChargeOutcome {
        match self {
            Self::Succeeded => ChargeOutcome::Succeeded { reference: reference() },
            Self::Declined { hard, code } => {
                ChargeOutcome::Declined { hard: *hard, code: code.clone() }
            }
            Self::Waiting => {
                ChargeOutcome::NeedsAuthentication { url: format!("{CONFIRM}{order}") }
            }
            Self::Canceled => ChargeOutcome::Declined { hard: false, code: "canceled".to_owned() },
        }
    }
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Setup => "setup",
        }
    }
}

impl Written {
    /// As the gateway answers.
    pub(super) fn outcome(&self) -> ChargeOutcome {
        self.status.outcome(self.order, || format!("ch_{}", self.seq))
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    order_id: Uuid,
    customer: Uuid,
    method: String,
    kind: String,
    amount: i64,
    currency: String,
    status: String,
    code: Option<String>,
    hard: Option<bool>,
    refunded: i64,
    idempotency_key: String,
    at: Timestamp,
}

impl TryFrom<Row> for Written {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "sandbox_charges",
            column,
            id: row.seq.to_string(),
        };
        let status = match (row.status.as_str(), row.code.clone(), row.hard) {
            ("succeeded", None, None) => Status::Succeeded,
            ("declined", Some(code), Some(hard)) => Status::Declined { hard, code },
            ("waiting", None, None) => Status::Waiting,
            ("canceled", None, None) => Status::Canceled,
            _ => return Err(corrupt("status")),
        };
        let kind = match row.kind.as_str() {
            "charge" => Kind::Charge,
            "setup" => Kind::Setup,
            _ => return Err(corrupt("kind")),
        };
        let amount = match (Currency::from_code(&row.currency), kind) {
            (Some(NO_CURRENCY), Kind::Setup) => None,
            (None, _) | (Some(NO_CURRENCY), Kind::Charge) => return Err(corrupt("currency")),
            (Some(currency), _) => Some(Money { amount: row.amount, currency }),
        };
        Ok(Self {
            seq: row.seq,
            order: row.order_id,
            customer: row.customer,
            method: row.method,
            kind,
            amount,
            status,
            refunded: row.refunded,
            key: row.idempotency_key,
            at: row.at,
        })
    }
}

macro_rules! columns {
    () => {
        "c.seq, c.order_id, c.customer, c.method, c.kind, c.amount, c.currency, c.status, c.code,
         c.hard, c.refunded, c.idempotency_key, c.at"
    };
}

/// Opens the book for writing, and says how many rows it has.
pub(super) async fn open(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx
        .query("UPDATE sandbox_book SET seq = seq WHERE id = 1 RETURNING seq")
        .optional::<(i64,)>()
        .await?;
    Ok(row.map_or(0, |(seq,)| seq))
}

/// Notes how many rows it has now.
pub(super) fn close(tx: &mut Tx, seq: i64) {
    tx.later("UPDATE sandbox_book SET seq = $1 WHERE id = 1").bind(seq);
}

/// Writes a row, and remembers its key.
pub(super) fn insert_charge(tx: &mut Tx, written: &Written) {
    insert(tx, written);
    tx.later("INSERT INTO sandbox_keys (idempotency_key, seq, created_at) VALUES ($1, $2, $3)")
        .bind(written.key.clone())
        .bind(written.seq)
        .bind(written.at);
}

/// Writes a row, to be found by its order only.
pub(super) fn insert(tx: &mut Tx, written: &Written) {
    let (code, hard) = match &written.status {
        Status::Declined { hard, code } => (Some(code.clone()), Some(*hard)),
        _ => (None, None),
    };
    tx.later(
        "INSERT INTO sandbox_charges (seq, order_id, customer, method, kind, amount, currency,
                                      status, code, hard, refunded, idempotency_key, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12)",
    )
    .bind(written.seq)
    .bind(written.order)
    .bind(written.customer)
    .bind(written.method.clone())
    .bind(written.kind.as_str())
    .bind(written.amount.map_or(0, |amount| amount.amount))
    .bind(written.amount.map_or(NO_CURRENCY, |amount| amount.currency).code())
    .bind(written.status.as_str())
    .bind(code)
    .bind(hard)
    .bind(written.key.clone())
    .bind(written.at);
}

/// Forgets keys that were given before `before`.
pub(super) async fn forget_keys(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    tx.query("DELETE FROM sandbox_keys WHERE created_at <= $1").bind(before).execute().await?;
    Ok(())
}

/// What was written under a key that is still known.
pub(super) async fn find_key(tx: &mut Tx, key: &str) -> Result<Option<Written>, StoreError> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM sandbox_keys k JOIN sandbox_charges c ON c.seq = k.seq WHERE k.idempotency_key = $1"
    ))
    .bind(key.to_owned())
    .optional::<Row>()
    .await?
    .map(Written::try_from)
    .transpose()
}

/// What was written last under an order.
pub(super) async fn find_order(tx: &mut Tx, order: Uuid) -> Result<Option<Written>, StoreError> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM sandbox_charges c WHERE c.order_id = $1 ORDER BY c.seq DESC LIMIT 1"
    ))
    .bind(order)
    .optional::<Row>()
    .await?
    .map(Written::try_from)
    .transpose()
}

/// Whether a charge of this card was declined before.
pub(super) async fn has_declined(
    tx: &mut Tx,
    (customer, method): (Uuid, &str),
) -> Result<bool, StoreError> {
    has(tx, (customer, method), "declined").await
}

/// Whether this card was confirmed before.
pub(super) async fn has_confirmed(
    tx: &mut Tx,
    (customer, method): (Uuid, &str),
) -> Result<bool, StoreError> {
    has(tx, (customer, method), "succeeded").await
}

async fn has(
    tx: &mut Tx,
    (customer, method): (Uuid, &str),
    status: &'static str,
) -> Result<bool, StoreError> {
    let row = tx
        .query(
            "SELECT seq FROM sandbox_charges WHERE customer = $1 AND method = $2 AND status = $3
             LIMIT 1",
        )
        .bind(customer)
        .bind(method.to_owned())
        .bind(status)
        .optional::<(i64,)>()
        .await?;
    Ok(row.is_some())
}

/// Settles what waits for the reader under an order; says whether something did.
pub(super) async fn settle(tx: &mut Tx, order: Uuid, status: &Status) -> Result<bool, StoreError> {
    let (code, hard) = match status {
        Status::Declined { hard, code } => (Some(code.clone()), Some(*hard)),
        _ => (None, None),
    };
    let rows = tx
        .query(
            "UPDATE sandbox_charges SET status = $2, code = $3, hard = $4
             WHERE order_id = $1 AND status = 'waiting'",
        )
        .bind(order)
        .bind(status.as_str())
        .bind(code)
        .bind(hard)
        .execute()
        .await?;
    Ok(rows > 0)
}

/// Gives money back, once for each `refund`; says no where it is more than was paid.
pub(super) async fn refund(
    tx: &mut Tx,
    (refund, order): (Uuid, Uuid),
    amount: Money,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let new = tx
        .query(
            "INSERT INTO sandbox_refunds (id, order_id, amount, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(refund)
        .bind(order)
        .bind(amount.amount)
        .bind(now)
        .execute()
        .await?;
    if new == 0 {
        return Ok(true);
    }
    let rows = tx
        .query(
            "UPDATE sandbox_charges SET refunded = refunded + $2
             WHERE order_id = $1 AND status = 'succeeded' AND currency = $3
               AND refunded + $2 <= amount",
        )
        .bind(order)
        .bind(amount.amount)
        .bind(amount.currency.code())
        .execute()
        .await?;
    Ok(rows > 0)
}

/// Up to `most` rows after the place `after`.
pub(super) async fn list(tx: &mut Tx, after: i64, most: i64) -> Result<Vec<Written>, StoreError> {
    let rows = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM sandbox_charges c WHERE c.seq > $1 AND c.kind = 'charge'
             ORDER BY c.seq LIMIT $2"
        ))
        .bind(after)
        .bind(most)
        .all::<Row>()
        .await?;
    rows.into_iter().map(Written::try_from).collect()
}
