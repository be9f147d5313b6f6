//! The books in stories: invoices, what is given back, and whether all of it is right.

use iso_currency::Currency;
use pressgate::{
    billing::{
        calendar::Period,
        catalog::model::TaxRate,
        invoice::{
            credit::{CreditNote, CreditTo, Refund, RefundState},
            credit_store::{self, NewCredit},
            model::{Head, Invoice, Line},
            store::{self, InvoiceError},
        },
        ledger::{
            balance,
            proof::{self, Fault},
        },
    },
    clock::{Clock, Timestamp},
    db::{Db, Tx},
    money::Money,
};
use sqlx::AssertSqlSafe;
use time::Duration;
use uuid::Uuid;

use crate::app::{TestApp, at};

pub(crate) const READER: Uuid = Uuid::from_u128(0xA11A);
pub(crate) const SUBSCRIPTION: Uuid = Uuid::from_u128(0x50B);
/// As in Germany.
const RATE: TaxRate = TaxRate { ppm: 190_000, inclusive: true };

pub(crate) fn euro(amount: i64) -> Money {
    Money { amount, currency: Currency::EUR }
}

fn period(now: Timestamp) -> Period {
    Period { start: now, end: now.plus(Duration::days(30)) }
}

pub(crate) fn line(price: i64, now: Timestamp) -> Line {
    let (description, plan) = ("Monthly".to_owned(), "monthly".to_owned());
    Line::charge(description, plan, period(now), euro(price), Some(RATE)).unwrap()
}

/// An id that nothing else has.
pub(crate) fn new_id() -> Uuid {
    let ids = pressgate::ids::Ids::system().unwrap();
    ids.uuid(at(crate::app::START)).unwrap()
}

pub(crate) fn draft_for(reader: Uuid, lines: Vec<Line>, balance: i64, now: Timestamp) -> Invoice {
    let head = Head {
        id: new_id(),
        reader,
        subscription: SUBSCRIPTION,
        period: period(now),
        created_at: now,
    };
    Invoice::draft(head, lines, euro(balance)).unwrap()
}

impl TestApp {
    pub(crate) fn draft(&self, price: i64, balance: i64) -> Invoice {
        let now = self.clock.now();
        draft_for(READER, vec![line(price, now)], balance, now)
    }

    pub(crate) async fn tx(&self) -> Tx {
        self.state.databases.main.write().await.unwrap()
    }

    /// An invoice that a charge has paid.
    pub(crate) async fn paid_invoice(&self, reader: Uuid, price: i64) -> Invoice {
        let now = self.clock.now();
        let draft = draft_for(reader, vec![line(price, now)], 0, now);
        let mut tx = self.tx().await;
        let paid = store::record_paid(&mut tx, draft, Some(new_id()), now).await.unwrap();
        tx.commit().await.unwrap();
        paid
    }

    pub(crate) async fn stored(&self, id: Uuid) -> Invoice {
        store::find(&mut self.tx().await, id).await.unwrap().expect("an invoice")
    }

    /// Gives `amount` of an invoice back.
    pub(crate) async fn give_back(
        &self,
        invoice: Uuid,
        amount: i64,
        to: CreditTo,
    ) -> Result<CreditNote, InvoiceError> {
        let mut tx = self.tx().await;
        loop {
            let invoice = store::find(&mut tx, invoice).await?.expect("an invoice");
            let reason = "Time not used".to_owned();
            let new = NewCredit { id: new_id(), amount: euro(amount), reason, to };
            if let Some(note) =
                credit_store::credit(&mut tx, &invoice, new, self.clock.now()).await?
            {
                tx.commit().await?;
                return Ok(note);
            }
        }
    }

    pub(crate) async fn refund(&self, of: &Invoice, amount: i64) -> Result<Refund, InvoiceError> {
        let refund = Refund {
            id: new_id(),
            charge: of.charge().unwrap(),
            invoice: Some(of.head.id),
            reader: of.head.reader,
            subscription: of.head.subscription,
            amount: euro(amount),
            state: RefundState::Pending,
            created_at: self.clock.now(),
            decided_by: None,
        };
        let mut tx = self.tx().await;
        credit_store::insert_refund(&mut tx, &refund).await?;
        tx.commit().await?;
        Ok(refund)
    }

    pub(crate) async fn refund_goes_through(&self, refund: &Refund) -> bool {
        let (mut tx, now) = (self.tx().await, self.clock.now());
        let done = credit_store::refund_succeeded(&mut tx, refund, "re_1", now).await.unwrap();
        tx.commit().await.unwrap();
        done
    }

    pub(crate) async fn refundable(&self, of: &Invoice) -> i64 {
        let charge = of.charge().unwrap();
        let left = credit_store::refundable(&mut self.tx().await, charge, Currency::EUR).await;
        left.unwrap().amount
    }

    pub(crate) async fn balance(&self) -> i64 {
        let free = balance::balance_of(&mut self.tx().await, READER, Currency::EUR).await;
        free.unwrap().amount
    }

    /// A reader with so much on the balance, from an invoice that was given back.
    pub(crate) async fn with_balance(&self, amount: i64) -> Invoice {
        let paid = self.paid_invoice(READER, amount).await;
        self.give_back(paid.head.id, amount, CreditTo::Balance).await.unwrap();
        paid
    }

    pub(crate) async fn faults(&self) -> Vec<Fault> {
        let mut tx = self.state.databases.main.snapshot().await.unwrap();
        proof::prove(&mut tx).await.unwrap()
    }

    pub(crate) async fn the_books_are_right(&self) {
        assert_eq!(self.faults().await, []);
    }

    /// What the ledger's accounts come to: cash, receivable, revenue, tax and balance.
    pub(crate) async fn accounts(&self) -> [i64; 5] {
        let sums: Option<(i64, i64, i64, i64, i64)> = self
            .tx()
            .await
            .query(
                "SELECT CAST(SUM(cash) AS BIGINT), CAST(SUM(receivable) AS BIGINT),
                        CAST(SUM(revenue) AS BIGINT), CAST(SUM(tax) AS BIGINT),
                        CAST(SUM(balance) AS BIGINT) FROM ledger_entries",
            )
            .optional()
            .await
            .unwrap();
        let (cash, receivable, revenue, tax, balance) = sums.unwrap();
        [cash, receivable, revenue, tax, balance]
    }

    /// What somebody does who holds the database.
    pub(crate) async fn behind(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.state.databases.main {
            Db::Sqlite { write, .. } => sqlx::raw_sql(sql).execute(&**write).await.map(drop),
            Db::Postgres(pool) => sqlx::raw_sql(sql).execute(&**pool).await.map(drop),
        }
    }
}
