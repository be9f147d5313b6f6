//! Our books against the gateway's.

use std::collections::{HashMap, HashSet};

use pressgate::{
    clock::Timestamp,
    db::{Db, Durability, PoolLimits},
};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

use super::{
    client::Claim,
    service::{Service, get},
};

const LIMITS: PoolLimits = PoolLimits {
    connections_max: 2,
    acquire_timeout: Duration::from_secs(20),
    statement_timeout: Duration::from_secs(20),
};

#[derive(Debug, sqlx::FromRow)]
struct Paid {
    id: Uuid,
    subscription_id: Uuid,
    reader_id: Uuid,
    charge_id: Option<Uuid>,
    by_card: i64,
    total: i64,
    currency: String,
    period_start: Timestamp,
    period_end: Timestamp,
    credit_lines: i64,
    given_back: i64,
}

#[derive(Debug, sqlx::FromRow)]
struct Charge {
    id: Uuid,
    status: String,
    amount: i64,
    refunded: i64,
}

impl Paid {
    /// For how long both run, in microseconds.
    fn overlap(&self, later: &Self) -> i64 {
        (self.period_end.micros() - later.period_start.micros()).max(0)
    }

    /// Whether that much of its period rounds, half up, to at least one minor unit: a switch in the
    /// last minutes of a month gives nothing back, because nothing is left of its price.
    fn is_worth_money(&self, micros: i64) -> bool {
        let whole = i128::from(self.period_end.micros() - self.period_start.micros());
        2 * i128::from(self.total) * i128::from(micros) >= whole
    }
}

/// What we think was paid.
pub(super) struct Ours {
    paid: Vec<Paid>,
    charges: Vec<Charge>,
    waiting: i64,
}

impl Ours {
    pub(super) async fn read(url: &str) -> Self {
        let db = Db::open(&url.parse().unwrap(), LIMITS, Durability::Full).await.unwrap();
        let mut tx = db.snapshot().await.unwrap();
        let paid = tx
            .query(
                "SELECT i.id, i.subscription_id, i.reader_id, i.charge_id,
                        i.total - i.balance_applied AS by_card, i.total, i.currency,
                        i.period_start, i.period_end, i.credited AS given_back,
                        (SELECT COUNT(*) FROM invoice_lines l
                         WHERE l.invoice_id = i.id AND l.credits IS NOT NULL) AS credit_lines
                 FROM invoices i WHERE i.status = 'paid'
                 ORDER BY i.subscription_id, i.period_start, i.id",
            )
            .all::<Paid>()
            .await
            .unwrap();
        let charges = tx
            .query(
                "SELECT c.id, c.status, c.amount,
                        CAST(COALESCE((SELECT SUM(r.amount) FROM refunds r
                                       WHERE r.charge_id = c.id AND r.status = 'succeeded'), 0)
                             AS BIGINT) AS refunded
                 FROM charges c ORDER BY c.id",
            )
            .all::<Charge>()
            .await
            .unwrap();
        let waiting: Vec<(i64,)> = tx
            .query(
                "SELECT (SELECT COUNT(*) FROM charges
                         WHERE status IN ('pending', 'requires_action'))
                        + (SELECT COUNT(*) FROM refunds WHERE status <> 'succeeded')
                        + (SELECT COUNT(*) FROM subscriptions
                           WHERE open_charge IS NOT NULL OR trouble IS NOT NULL)",
            )
            .all()
            .await
            .unwrap();
        drop(tx);
        db.close().await;
        Self { paid, charges, waiting: waiting[0].0 }
    }

    /// Whether nothing waits for an answer any more.
    pub(super) fn is_quiet(&self) -> bool {
        self.waiting == 0
    }

    pub(super) fn summary(&self) -> String {
        let count = |status| self.charges.iter().filter(|it| it.status == status).count();
        let refunded = self.charges.iter().filter(|it| it.refunded > 0).count();
        format!(
            "{} invoices paid, {} charges succeeded, {} declined, {} called off, {refunded} refunded",
            self.paid.len(),
            count("succeeded"),
            count("declined"),
            count("canceled"),
        )
    }

    pub(super) fn count_paid(&self) -> usize {
        self.paid.len()
    }

    /// No period is paid twice, and none runs into the next one, but where the rest of it was
    /// given back.
    pub(super) fn assert_no_period_is_paid_twice(&self) {
        for pair in self.paid.windows(2) {
            let [one, other] = pair else { continue };
            if one.subscription_id == other.subscription_id {
                assert_ne!(one.period_start, other.period_start, "paid twice: {pair:?}");
                let given_back = other.credit_lines > 0 || one.given_back > 0;
                let told = || format!("paid twice: {:?} µs of {pair:?}", one.overlap(other));
                assert!(given_back || !one.is_worth_money(one.overlap(other)), "{}", told());
            }
        }
    }

    /// What answers said was paid is.
    pub(super) fn assert_paid(&self, claims: &[Claim]) {
        let key = |subscription: &str, start| format!("{subscription} {start}");
        let paid: HashSet<String> = self
            .paid
            .iter()
            .map(|it| key(&it.subscription_id.to_string(), it.period_start))
            .collect();
        for claim in claims {
            let start = Timestamp::parse(&claim.period_start).unwrap();
            let was_paid = paid.contains(&key(&claim.subscription, start));
            assert!(was_paid, "said to be paid, and is not: {claim:?}");
        }
    }

    /// Each book says of the other what the other says of itself.
    pub(super) fn assert_agree_with(&self, book: &[Value]) {
        let mut taken: HashMap<Uuid, &Value> = HashMap::new();
        for row in book.iter().filter(|row| row["status"] == "succeeded") {
            let order = row["order"].as_str().unwrap().parse().unwrap();
            let before = taken.insert(order, row);
            assert!(before.is_none(), "charged twice: {row} and {before:?}");
        }
        assert!(!book.iter().any(|row| row["status"] == "waiting"), "nobody confirms here");
        let mut billed = HashSet::new();
        for invoice in &self.paid {
            let Some(charge) = invoice.charge_id else {
                assert_eq!(invoice.by_card, 0, "paid by nothing: {invoice:?}");
                continue;
            };
            let row = taken.get(&charge);
            let row =
                row.unwrap_or_else(|| panic!("paid, and the bank knows nothing: {invoice:?}"));
            assert_eq!(row["amount"]["amount"], invoice.by_card, "{row} {invoice:?}");
            assert_eq!(row["amount"]["currency"], invoice.currency, "{row} {invoice:?}");
            assert_eq!(row["customer"], invoice.reader_id.to_string(), "{row} {invoice:?}");
            assert!(billed.insert(charge), "one charge for two invoices: {}", invoice.id);
        }
        for (order, row) in &taken {
            let gone = row["refunded"]["amount"] == row["amount"]["amount"];
            assert!(billed.contains(order) || gone, "money for nothing: {row}");
        }
        for charge in &self.charges {
            let row = taken.remove(&charge.id);
            let paid = charge.status == "succeeded" && charge.amount > 0;
            assert_eq!(row.is_some(), paid, "the bank says otherwise: {charge:?} {row:?}");
            let refunded = row.map_or(0, |row| row["refunded"]["amount"].as_i64().unwrap());
            assert_eq!(refunded, charge.refunded, "given back: {charge:?} {row:?}");
        }
        assert!(taken.is_empty(), "the bank has charges that we never asked for: {taken:?}");
    }
}

/// The gateway's book, page by page.
pub(super) async fn book(service: &Service) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = 0;
    loop {
        let path = format!("/sandbox/gateway/charges?limit=200&after={next}");
        let page = service.insist(&get(&path)).await.1;
        rows.extend(page["charges"].as_array().unwrap().iter().cloned());
        match page["next"].as_i64() {
            Some(after) => next = after,
            None => return rows,
        }
    }
}
