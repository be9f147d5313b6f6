//! What every change means for the books: invoices, what is given back, the account's balance.

use uuid::Uuid;

use super::{Billing, BillingError};
use crate::{
    billing::{
        bill::Bill,
        calendar::Period,
        charge::model::Charge,
        gateway::GatewayError,
        invoice::{
            credit::{CreditTo, Refund, RefundState},
            credit_store::{self as credits, NewCredit},
            model::{Head, Invoice, Line},
            store::{self as invoices, InvoiceError},
        },
        ledger::{
            balance,
            booking::{self, Payment},
            store as ledger,
        },
        subscription::model::{State, Subscription},
    },
    clock::Timestamp,
    db::Tx,
    language::Words,
    money::Money,
};

/// Most refunds that are asked for at a time.
const REFUNDS_MAX: i64 = 100;

impl Billing {
    /// The invoice that an overdue subscription has still to pay.
    pub(super) async fn unpaid_invoice(
        &self,
        tx: &mut Tx,
        subscription: &Subscription,
    ) -> Result<Option<Invoice>, BillingError> {
        if !matches!(subscription.state, State::PastDue { .. }) {
            return Ok(None);
        }
        Ok(invoices::find_open(tx, subscription.id).await?)
    }

    /// The invoice for what `charge` buys. A credit is of the last invoice that was paid.
    async fn draft(
        &self,
        tx: &mut Tx,
        (subscription, charge): (&Subscription, &Charge),
        now: Timestamp,
    ) -> Result<Invoice, BillingError> {
        let bill = super::charging::bill(subscription, &charge.purchase, charge.credit)?;
        // What was confirmed later begins later than it was asked for.
        let period = subscription.period().unwrap_or(charge.purchase.turn.period);
        let lines = self.lines(tx, (charge, period), &bill).await?;
        let head = Head {
            id: self.ids.uuid(now)?,
            reader: charge.reader,
            subscription: charge.subscription,
            period,
            created_at: now,
        };
        Invoice::draft(head, lines, charge.balance)
            .map_err(|error| BillingError::Failed(error.into()))
    }

    async fn lines(
        &self,
        tx: &mut Tx,
        (charge, period): (&Charge, Period),
        bill: &Bill,
    ) -> Result<Vec<Line>, BillingError> {
        // An invoice is written once, in the language in which its reader is written to then.
        let to = self.recipient(tx, charge.reader).await?;
        let words = to.map_or_else(Words::default, |to| to.words);
        let plan = &charge.purchase.terms.plan;
        let mut lines = vec![Line {
            description: plan.name.in_language(words.language).to_owned(),
            plan: plan.id.clone(),
            period,
            amounts: bill.price,
            rate: bill.rate,
            credits: None,
        }];
        for (paid, amount) in self.spread(tx, (charge.subscription, charge.credit)).await? {
            let line = paid.credit_line(words.say("invoice-unused-time"), amount);
            lines.push(line.map_err(InvoiceError::from)?);
        }
        Ok(lines)
    }

    /// Books that a charge was paid, and gives the invoice.
    pub(super) async fn bill_paid(
        &self,
        tx: &mut Tx,
        (subscription, charge): (&Subscription, &Charge),
        now: Timestamp,
    ) -> Result<Invoice, BillingError> {
        let by = (!charge.amount.is_zero()).then_some(charge.id);
        let open = match charge.invoice {
            Some(open) => invoices::find(tx, open).await?,
            None => None,
        };
        if let Some(open) = open {
            let paid = invoices::pay(tx, open, by, now).await?;
            return paid.ok_or(BillingError::impossible("an invoice was paid twice"));
        }
        let draft = self.draft(tx, (subscription, charge), now).await?;
        Ok(invoices::record_paid(tx, draft, by, now).await?)
    }

    /// Books that a charge was not paid: a period that runs has an invoice that waits, and whatever
    /// did not come about lets go of the balance.
    pub(super) async fn bill_unpaid(
        &self,
        tx: &mut Tx,
        (subscription, charge): (&Subscription, &Charge),
        now: Timestamp,
    ) -> Result<Option<Uuid>, BillingError> {
        match (&subscription.state, charge.invoice) {
            (_, Some(open)) => Ok(Some(open)),
            (State::PastDue { .. }, None) => {
                let draft = self.draft(tx, (subscription, charge), now).await?;
                let open = invoices::record_open(tx, draft, now).await?;
                Ok(Some(open.head.id))
            }
            _ => Ok(None),
        }
    }

    /// Lets go of what a charge that came to nothing held of the balance.
    pub(super) async fn release(&self, tx: &mut Tx, charge: &Charge) -> Result<(), BillingError> {
        if !charge.balance.is_zero() && charge.invoice.is_none() {
            balance::release(tx, charge.reader, charge.balance).await?;
        }
        Ok(())
    }

    /// Takes back the invoice of a period that will not be paid any more.
    pub(super) async fn void_unpaid(
        &self,
        tx: &mut Tx,
        ended: &Subscription,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        if let Some(open) = invoices::find_open(tx, ended.id).await? {
            invoices::void(tx, open, now).await?;
        }
        Ok(())
    }

    /// Puts `amount` of what was paid last to the account's balance.
    pub(super) async fn credit(
        &self,
        tx: &mut Tx,
        (subscription, amount): (&Subscription, Money),
        reason: &str,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        for (paid, amount) in self.spread(tx, (subscription.id, amount)).await? {
            let (id, reason) = (self.ids.uuid(now)?, reason.to_owned());
            let new = NewCredit { id, amount, reason, to: CreditTo::Balance };
            let noted = credits::credit(tx, &paid, new, now).await?;
            noted.ok_or(BillingError::impossible("a credit that another took"))?;
        }
        Ok(())
    }

    /// Of which invoices `amount` is given back: of the last that was paid, and where that was paid
    /// with what is left of the one before, of that one too.
    async fn spread(
        &self,
        tx: &mut Tx,
        (subscription, amount): (Uuid, Money),
    ) -> Result<Vec<(Invoice, Money)>, BillingError> {
        let mut left = amount.amount;
        let mut parts = Vec::new();
        if left == 0 {
            return Ok(parts);
        }
        for paid in invoices::list_for_subscription(tx, subscription).await? {
            let part = paid.creditable().amount.min(left);
            if part > 0 {
                left -= part;
                parts.push((paid, Money { amount: part, ..amount }));
            }
        }
        if left == 0 { Ok(parts) } else { Err(BillingError::impossible("a credit of nothing")) }
    }

    /// Decides to give `amount` of an invoice back by the card that paid it. The gateway is asked
    /// afterwards, by whoever does what is due.
    pub(super) async fn give_back(
        &self,
        tx: &mut Tx,
        (invoice, amount): (&Invoice, Money),
        reason: &str,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let charge = invoice.charge().ok_or(BillingError::RefundTooLarge)?;
        let new = NewCredit {
            id: self.ids.uuid(now)?,
            amount,
            reason: reason.to_owned(),
            to: CreditTo::Refund,
        };
        let refund = Refund {
            id: self.ids.uuid(now)?,
            charge,
            invoice: Some(invoice.head.id),
            reader: invoice.head.reader,
            subscription: invoice.head.subscription,
            amount,
            state: RefundState::Pending,
            created_at: now,
        };
        credits::insert_refund(tx, &refund).await?;
        let noted = credits::credit(tx, invoice, new, now).await?;
        noted.map(|_| ()).ok_or(BillingError::RefundTooLarge)
    }

    /// Gives back all that was paid for a subscription since `since`: by the card what the card
    /// paid, to the balance what the balance did. Says how much goes to the card.
    pub(super) async fn give_back_since(
        &self,
        tx: &mut Tx,
        (subscription, since): (Uuid, Timestamp),
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<Money>, BillingError> {
        let mut given: Option<Money> = None;
        for invoice in invoices::list_for_subscription(tx, subscription).await? {
            let left = invoice.creditable();
            if left.is_zero() || invoice.paid_at().is_none_or(|at| at < since) {
                continue;
            }
            let by_card = match invoice.charge() {
                Some(charge) => credits::refundable(tx, charge, left.currency).await?,
                None => Money::zero(left.currency),
            };
            let by_card = Money { amount: left.amount.min(by_card.amount), ..left };
            let mut invoice = invoice;
            if !by_card.is_zero() && invoice.charge().is_some() {
                self.give_back(tx, (&invoice, by_card), reason, now).await?;
                invoice.credited = invoice.credited.plus(by_card).unwrap_or(invoice.credited);
                given = given.map_or(Some(by_card), |sum| sum.plus(by_card));
            }
            let rest = invoice.creditable();
            if !rest.is_zero() {
                let (id, reason) = (self.ids.uuid(now)?, reason.to_owned());
                let new = NewCredit { id, amount: rest, reason, to: CreditTo::Balance };
                credits::credit(tx, &invoice, new, now).await?;
            }
        }
        Ok(given)
    }

    /// Money came for a subscription that had ended meanwhile: books it, and gives it back.
    pub(super) async fn give_back_late(
        &self,
        tx: &mut Tx,
        charge: &Charge,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        self.release(tx, charge).await?;
        if charge.amount.is_zero() {
            return Ok(());
        }
        let payment = Payment {
            charge: charge.id,
            invoice: None,
            reader: charge.reader,
            subscription: charge.subscription,
            amount: charge.amount,
        };
        let entry = booking::paid(&payment, now).map_err(InvoiceError::from)?;
        ledger::append(tx, &[entry]).await.map_err(InvoiceError::from)?;
        let refund = Refund {
            id: self.ids.uuid(now)?,
            charge: charge.id,
            invoice: None,
            reader: charge.reader,
            subscription: charge.subscription,
            amount: charge.amount,
            state: RefundState::Pending,
            created_at: now,
        };
        Ok(credits::insert_refund(tx, &refund).await?)
    }

    /// Asks the gateway for refunds that were decided, and says how many it took or refused.
    pub(super) async fn refund_pending(&self) -> Result<usize, BillingError> {
        let mut tx = self.db.read().await?;
        let pending = credits::list_pending_refunds(&mut tx, REFUNDS_MAX).await?;
        drop(tx);
        let mut done = 0;
        for refund in pending {
            // The gateway takes each refund once, so one without an answer is asked for again.
            let answer = self.gateway.refund(refund.id, refund.charge, refund.amount).await;
            let now = self.clock.now();
            let mut tx = self.db.write().await?;
            match answer {
                Ok(reference) => {
                    credits::refund_succeeded(&mut tx, &refund, &reference, now).await?;
                }
                Err(GatewayError::Refused(why)) => {
                    let id = refund.id;
                    tracing::error!(refund.id = %id, "refund `{id}` was refused: {why}");
                    credits::refund_failed(&mut tx, &refund, now).await?;
                }
                Err(GatewayError::Unknown) => continue,
            }
            tx.commit().await?;
            done += 1;
        }
        Ok(done)
    }
}
