//! Asking for money, and taking the answer: exactly once.
//!
//! First the intent is written down and committed, then the gateway is asked, then the answer is
//! written down with all that follows from it. Whoever dies in between leaves an open charge, and
//! the next one to look asks the gateway what became of it.

use uuid::Uuid;

use super::{Billing, BillingError, LEASE};
use crate::{
    billing::{
        bill::Bill,
        card_limit::Initiated,
        catalog::model::Terms,
        charge::{
            model::{Charge, ChargeStatus},
            store as charges,
        },
        event::{Actor, Event},
        gateway::{ChargeOutcome, ChargeRequest, GatewayError, PaymentMethod},
        ledger::balance,
        subscription::{
            collect::Collected,
            model::{EndReason, Purchase, State, Subscription},
            store,
        },
        trial,
    },
    clock::Timestamp,
    db::Tx,
    money::Money,
};

/// The gateway's reference where nothing had to be paid.
const NOTHING_TO_PAY: &str = "nothing_to_pay";

/// What to charge for, and how.
#[derive(Debug)]
pub(super) struct Intent {
    /// What is bought.
    pub(super) purchase: Purchase,
    /// What is given back of the old plan.
    pub(super) credit: Money,
    /// Whether nobody is there to confirm it.
    pub(super) off_session: bool,
    /// The operation that asks for it, if it has a name: the charge's id, so that a request that is
    /// sent again finds its charge.
    pub(super) operation: Option<Uuid>,
}

/// Who has a charge made.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaidBy<'p> {
    /// As the timeline says it.
    pub(super) actor: Actor,
    /// As the gateway is asked.
    pub(super) starts: Initiated<'p>,
}

impl Intent {
    /// A whole period.
    pub(super) fn of(purchase: Purchase, off_session: bool) -> Self {
        let credit = Money::zero(purchase.terms.currency());
        Self { purchase, credit, off_session, operation: None }
    }

    /// The same, asked for by `operation`.
    pub(super) fn by(self, operation: Option<Uuid>) -> Self {
        Self { operation, ..self }
    }
}

/// What a purchase comes to where the subscriber lives.
pub(super) fn bill(
    subscription: &Subscription,
    purchase: &Purchase,
    credit: Money,
) -> Result<Bill, BillingError> {
    let rate = purchase.terms.catalog.tax_of(&subscription.country);
    let bill = Bill::of(purchase, credit, rate);
    bill.ok_or_else(|| BillingError::impossible("an amount beyond what can be computed"))
}

impl Billing {
    /// Writes down that the gateway is about to be asked. The caller commits, and then
    /// [`Billing::ask`]s.
    pub(super) async fn intend(
        &self,
        tx: &mut Tx,
        subscription: Subscription,
        intent: Intent,
        now: Timestamp,
    ) -> Result<(Subscription, Charge), BillingError> {
        let Intent { purchase, credit, off_session, operation } = intent;
        let (amount, balance, invoice) = match self.unpaid_invoice(tx, &subscription).await? {
            Some(open) => (open.due, Money::zero(open.due.currency), Some(open.head.id)),
            None => {
                let due = bill(&subscription, &purchase, credit)?.due;
                let balance = balance::hold_up_to(tx, subscription.reader, due).await?;
                (due.minus(balance).unwrap_or(due), balance, None)
            }
        };
        let charge = Charge {
            id: operation.map_or_else(|| self.ids.uuid(now), Ok)?,
            subscription: subscription.id,
            reader: subscription.reader,
            purchase,
            attempt: 1,
            amount,
            credit,
            balance,
            method: subscription.method.as_ref().map(|method| method.token.clone()),
            off_session,
            status: ChargeStatus::Pending,
            created_at: now,
            invoice,
        };
        let charge = charges::insert(tx, charge).await?;
        let subscription = subscription.charging(charge.id);
        self.save(tx, &subscription, now).await?;
        Ok((subscription, charge))
    }

    /// Asks the gateway for a charge that was written down just now.
    pub(super) async fn ask(
        &self,
        charge: &Charge,
        by: Initiated<'_>,
    ) -> Result<ChargeOutcome, GatewayError> {
        // Whoever was held up for longer than the lease leaves it to those who came after.
        if self.clock.now().since(charge.created_at) >= LEASE {
            return Err(GatewayError::Unknown);
        }
        self.send(charge, by).await
    }

    /// Sends a charge, perhaps once more: the gateway takes its key once.
    pub(super) async fn send(
        &self,
        charge: &Charge,
        by: Initiated<'_>,
    ) -> Result<ChargeOutcome, GatewayError> {
        if charge.amount.is_zero() {
            return Ok(ChargeOutcome::Succeeded { reference: NOTHING_TO_PAY.to_owned() });
        }
        let method = charge.method.as_deref().and_then(PaymentMethod::parse);
        let method = method.ok_or_else(|| GatewayError::Refused("no card".to_owned()))?;
        let key = charge.key();
        let request = ChargeRequest {
            key: &key,
            order: charge.id,
            customer: charge.reader,
            method: &method,
            amount: charge.amount,
            off_session: charge.off_session,
        };
        self.gateway.charge(by, request).await
    }

    /// What became of an open charge; it is sent again only where the gateway never saw it.
    pub(super) async fn look_up(&self, charge: &Charge) -> Result<ChargeOutcome, GatewayError> {
        if charge.amount.is_zero() {
            return self.send(charge, Initiated::ByMerchant).await;
        }
        match self.gateway.find(charge.id).await? {
            Some(outcome) => Ok(outcome),
            None => self.send(charge, Initiated::ByMerchant).await,
        }
    }

    /// Asks for a charge that was written down, and writes the answer down. Without an answer it
    /// stays open, and whoever does what is due asks again.
    pub(super) async fn collect(
        &self,
        charge: &Charge,
        PaidBy { actor, starts }: PaidBy<'_>,
    ) -> Result<Option<ChargeOutcome>, BillingError> {
        let outcome = match self.ask(charge, starts).await {
            Ok(outcome) => outcome,
            Err(GatewayError::Refused(code)) => ChargeOutcome::Declined { hard: true, code },
            Err(GatewayError::Unknown) => return Ok(None),
        };
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.settle(&mut tx, charge.id, outcome.clone(), (actor, now)).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(Some(outcome))
    }

    /// Writes down what came of a charge, and what follows. A charge that was settled before
    /// changes nothing.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx,
        id: Uuid,
        outcome: ChargeOutcome,
        (actor, now): (Actor, Timestamp),
    ) -> Result<(), BillingError> {
        let Some(charge) = charges::find(tx, &self.catalogs, id).await? else {
            return self.settle_set_up(tx, id, outcome, now).await;
        };
        let subscription = store::take(tx, &self.catalogs, charge.subscription).await?;
        let subscription =
            subscription.ok_or(BillingError::impossible("a charge without its subscription"))?;
        // Another may have settled it while we waited for the row.
        let Some(charge) = charges::find(tx, &self.catalogs, id).await? else { return Ok(()) };
        if !charge.status.is_open() {
            return Ok(());
        }
        match outcome {
            ChargeOutcome::Succeeded { reference } => {
                if matches!(charge.status, ChargeStatus::RequiresAction { .. }) {
                    self.cards.forgive(tx, charge.reader, now).await?;
                }
                self.settle_paid(tx, (subscription, charge), reference, (actor, now)).await
            }
            ChargeOutcome::Declined { hard, code } => {
                self.settle_declined(tx, (subscription, charge), (hard, code), (actor, now)).await
            }
            ChargeOutcome::NeedsAuthentication { url } => {
                self.settle_waiting(tx, (subscription, charge), url, (actor, now)).await
            }
        }
    }

    async fn settle_paid(
        &self,
        tx: &mut Tx,
        (subscription, charge): (Subscription, Charge),
        reference: String,
        (actor, now): (Actor, Timestamp),
    ) -> Result<(), BillingError> {
        let subscription = self.unless_in_use(tx, subscription, now).await?;
        let bill = bill(&subscription, &charge.purchase, charge.credit)?;
        let old = subscription.terms.clone();
        let status = ChargeStatus::Succeeded { reference, at: now };
        match subscription.paid(charge.purchase.clone(), bill.price.total, now) {
            Collected::Changed(changed, mut event) => {
                if let Event::Switched { credit, .. } = &mut event {
                    *credit = (!charge.credit.is_zero()).then_some(charge.credit);
                }
                let invoice = self.bill_paid(tx, (&changed, &charge), now).await?;
                charges::settle(tx, charge.id, &status, Some(invoice.head.id)).await?;
                let changed = self.record(tx, (*changed, event.clone()), actor, now).await?;
                self.note_price(tx, (&old, &changed), now)?;
                self.tell_paid(tx, (&changed, &event), (&charge, &invoice), now).await
            }
            Collected::TooLate(kept) => {
                charges::settle(tx, charge.id, &status, None).await?;
                self.save(tx, &kept, now).await?;
                self.give_back_late(tx, &charge, now).await
            }
        }
    }

    /// Ends one that cannot begin: the address that was typed belongs to another account, or had the
    /// trial. What was paid meanwhile is given back.
    async fn unless_in_use(
        &self,
        tx: &mut Tx,
        waiting: Subscription,
        now: Timestamp,
    ) -> Result<Subscription, BillingError> {
        if !matches!(waiting.state, State::Incomplete { .. })
            || self.may_begin(tx, &waiting).await?
        {
            return Ok(waiting);
        }
        trial::release(tx, waiting.id).await?;
        let ended = waiting.cancel_now(EndReason::Superseded, now)?;
        self.record(tx, ended, Actor::System, now).await
    }

    /// The first charge at a new price is an event of its own.
    fn note_price(
        &self,
        tx: &mut Tx,
        (old, changed): (&Terms, &Subscription),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let (from, to) = (old.plan.price, changed.terms.plan.price);
        if old.plan.id == changed.terms.plan.id && from != to {
            let event = Event::PriceChanged { from, to };
            self.write_event(tx, (changed, &event), Actor::System, now)?;
        }
        Ok(())
    }

    async fn settle_declined(
        &self,
        tx: &mut Tx,
        (subscription, charge): (Subscription, Charge),
        (hard, code): (bool, String),
        (actor, now): (Actor, Timestamp),
    ) -> Result<(), BillingError> {
        let changed = subscription.declined(charge.purchase.clone(), hard, now);
        let invoice = self.bill_unpaid(tx, (&changed.0, &charge), now).await?;
        if invoice.is_none() {
            self.release(tx, &charge).await?;
        }
        let status = ChargeStatus::Declined { code, at: now };
        charges::settle(tx, charge.id, &status, invoice).await?;
        let changed = (self.record(tx, changed.clone(), actor, now).await?, changed.1);
        self.tell_declined(tx, (&changed.0, &changed.1), &charge, now).await
    }

    async fn settle_waiting(
        &self,
        tx: &mut Tx,
        (subscription, charge): (Subscription, Charge),
        url: String,
        (actor, now): (Actor, Timestamp),
    ) -> Result<(), BillingError> {
        if charge.status != ChargeStatus::Pending {
            return Ok(());
        }
        let changed = subscription.wants_confirmation(charge.purchase.clone(), now);
        let invoice = self.bill_unpaid(tx, (&changed.0, &charge), now).await?;
        let status = ChargeStatus::RequiresAction { url: url.clone() };
        charges::settle(tx, charge.id, &status, invoice).await?;
        let event = changed.1.clone();
        let subscription = self.record(tx, changed, actor, now).await?;
        if subscription.state.ended().is_some() {
            return self.tell_change(tx, (&subscription, &event), now).await;
        }
        self.tell_confirmation(tx, &subscription, (charge.amount, url), now).await
    }

    /// The card of a trial was confirmed, or was not.
    async fn settle_set_up(
        &self,
        tx: &mut Tx,
        id: Uuid,
        outcome: ChargeOutcome,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let Some(subscription) = store::take(tx, &self.catalogs, id).await? else { return Ok(()) };
        if subscription.open.is_none_or(|open| open.id != id) {
            return Ok(());
        }
        match outcome {
            ChargeOutcome::Succeeded { .. } => {
                self.cards.forgive(tx, subscription.reader, now).await?;
                let subscription = self.unless_in_use(tx, subscription, now).await?;
                let Some(changed) = subscription.clone().confirmed(now) else {
                    return self.save(tx, &subscription.called_off(), now).await;
                };
                let began = self.record(tx, changed, Actor::Reader, now).await?;
                match self.recipient(tx, began.reader).await? {
                    Some(to) => self.tell_trial(tx, (&began, &to), now),
                    None => Ok(()),
                }
            }
            ChargeOutcome::Declined { .. } => {
                let called_off = subscription.called_off();
                let reason = EndReason::PaymentDeclined;
                match called_off.clone().cancel_now(reason, now) {
                    Ok(ended) => {
                        trial::release(tx, id).await?;
                        self.record(tx, ended, Actor::Reader, now).await?;
                        Ok(())
                    }
                    Err(_) => self.save(tx, &called_off, now).await,
                }
            }
            ChargeOutcome::NeedsAuthentication { .. } => Ok(()),
        }
    }

    /// The reader has answered at the bank's page: looks at once what came of it. `order` is what
    /// the gateway calls the charge, or the subscription whose card it was to confirm.
    ///
    /// # Errors
    /// When the gateway or the database fails; whoever does what is due asks again.
    pub async fn confirmed(&self, order: Uuid) -> Result<(), BillingError> {
        let outcome = self.gateway.find(order).await.map_err(BillingError::of_card)?;
        let Some(outcome) = outcome else { return Ok(()) };
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.settle(&mut tx, order, outcome, (Actor::Reader, now)).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(())
    }
}
