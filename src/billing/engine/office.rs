//! What staff do with subscriptions. Each act is in the audit log, in the transaction of the change.

use serde_json::json;
use uuid::Uuid;

use super::{Act, Billing, BillingError, CancelAt};
use crate::{
    audit::{self, model::Entry},
    billing::{
        event::{Actor, Event},
        invoice::{credit::PAUSED, credit_store as credits, model::Invoice, store as invoices},
        letter::News,
        operation,
        subscription::{
            change::Refusal,
            model::{EndReason, Paid, State, Subscription, Then},
            store,
        },
    },
    clock::Timestamp,
    db::Tx,
    money::Money,
};

/// Most characters of a reason.
pub const REASON_MAX: usize = 500;

/// Who acts, and why.
#[derive(Debug, Clone)]
pub struct Office {
    /// The entry of the audit log in their name.
    pub entry: Entry,
    /// Why, in their words.
    pub reason: String,
    /// The revision of the subscription that they saw, where they saw one: if it has changed since,
    /// nothing is done.
    pub seen: Option<i64>,
    /// What the act is called, where it may come twice: it is done once.
    pub operation: Option<Uuid>,
}

impl Office {
    /// Who acts, as timelines say it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self.entry.actor {
            audit::model::Actor::Staff(id) => Actor::Staff(id),
            audit::model::Actor::Command => Actor::Command,
            audit::model::Actor::System => Actor::System,
        }
    }
}

/// Makes sure that the act was not done to `target` before, under the same name.
pub(super) async fn check_new(
    tx: &mut Tx,
    target: Uuid,
    office: &Office,
) -> Result<(), BillingError> {
    let Some(operation) = office.operation else { return Ok(()) };
    match operation::find(tx, operation).await? {
        Some((of, act)) if of == target && act == office.entry.action.as_str() => {
            Err(BillingError::Repeated)
        }
        Some(_) => Err(Refusal::PreviewStale.into()),
        None => Ok(()),
    }
}

/// Writes down that the act was done to `target`, under its name if it has one.
pub(super) async fn note_done(
    tx: &mut Tx,
    target: Uuid,
    office: &Office,
) -> Result<(), BillingError> {
    let Some(operation) = office.operation else { return Ok(()) };
    let what = (target, office.entry.action.as_str());
    if operation::insert(tx, operation, what, office.entry.at).await? {
        Ok(())
    } else {
        Err(Refusal::PreviewStale.into())
    }
}

/// What of an invoice can still go back to the card.
pub(super) async fn by_card(tx: &mut Tx, invoice: &Invoice) -> Result<Money, BillingError> {
    let left = invoice.creditable();
    let paid = match invoice.charge() {
        Some(charge) => credits::refundable(tx, charge, left.currency).await?,
        None => Money::zero(left.currency),
    };
    Ok(Money { amount: left.amount.min(paid.amount), ..left })
}

impl Billing {
    pub(super) async fn take_any(
        &self,
        tx: &mut Tx,
        id: Uuid,
        (office, now): (&Office, Timestamp),
    ) -> Result<Subscription, BillingError> {
        let found = store::take(tx, &self.catalogs, id).await?.ok_or(BillingError::NotFound)?;
        // Before anything else: whoever was first has changed what the second one saw.
        check_new(tx, id, office).await?;
        if office.seen.is_some_and(|seen| seen != found.revision) {
            return Err(Refusal::PreviewStale.into());
        }
        Ok(found.as_of(now))
    }

    /// Writes the act into the audit log, and down as done: the last thing before the commit.
    pub(super) async fn log(
        &self,
        tx: &mut Tx,
        office: &Office,
        (before, after): (&Subscription, &Subscription),
    ) -> Result<(), BillingError> {
        let short = |it: &Subscription| {
            let switch_to = match it.then() {
                Some(Then::Switch { terms }) => Some(terms.plan.id.as_str()),
                _ => None,
            };
            json!({"status": it.state.status().as_str(), "plan": it.terms.plan.id,
                   "cancel_at_period_end": it.cancels_at_period_end(), "switch_to": switch_to})
        };
        let mut after = short(after);
        if let Some(fields) = after.as_object_mut() {
            fields.insert("reason".to_owned(), json!(office.reason));
        }
        note_done(tx, before.id, office).await?;
        let entry = office.entry.clone().on("subscription", before.id);
        let entry = entry.before(short(before)).after(after);
        audit::store::append(tx, &self.audit_key, &entry).await?;
        Ok(())
    }

    /// Does `act`: a switch exactly as `preview` showed it, where there is one.
    ///
    /// # Errors
    /// [`BillingError`], [`BillingError::Repeated`] where it was done before under its name.
    pub async fn carry_out(
        &self,
        id: Uuid,
        (act, preview): (&Act, Option<&str>),
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        match act {
            Act::Cancel { at, refund } => self.office_cancel(id, (*at, *refund), office).await,
            Act::Refund { amount } => {
                let price = self.lookup(id).await?.terms.plan.price;
                let amount = amount.map(|amount| Money { amount, ..price });
                self.office_refund(id, amount, office).await
            }
            Act::Extend { days } => self.office_extend(id, *days, office).await,
            Act::Pause => self.office_pause(id, office).await,
            Act::Resume => self.office_resume(id, office).await,
            Act::Switch { plan } => self.office_switch(id, (plan, preview), office).await,
            Act::KeepPlan => self.office_keep_plan(id, office).await,
        }
    }

    /// Ends a subscription: with the running period, or at once, then with all of the running
    /// period's payment given back where `give_back` says so.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn office_cancel(
        &self,
        id: Uuid,
        (at, give_back): (CancelAt, bool),
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let reason = EndReason::CanceledByStaff;
        let mut tx = self.db.write().await?;
        let current = self.take_any(&mut tx, id, (office, now)).await?;
        let before = current.clone();
        let changed = match at {
            CancelAt::Now => Some(current.cancel_now(reason, now)?),
            CancelAt::PeriodEnd => current.cancel_at_period_end(reason, now)?,
        };
        let Some(changed) = changed else { return Ok(before) };
        let ended = self.change(&mut tx, changed, office.actor(), now).await?;
        // Only a period that is paid can be given back, and only what was not given back before.
        let runs = matches!(&before.state, State::Active(paid) if now < paid.turn.period.end);
        if give_back
            && runs
            && let Some(invoice) = invoices::find_last_paid(&mut tx, id).await?
            && !by_card(&mut tx, &invoice).await?.is_zero()
        {
            self.refund_in(&mut tx, (&ended, &invoice), None, (office, now)).await?;
        }
        self.log(&mut tx, office, (&before, &ended)).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(ended)
    }

    /// Gives money of the last payment back: all that is left of it, or `amount`.
    ///
    /// # Errors
    /// [`BillingError::RefundTooLarge`].
    pub async fn office_refund(
        &self,
        id: Uuid,
        amount: Option<Money>,
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let mut current = self.take_any(&mut tx, id, (office, now)).await?;
        let before = current.clone();
        let invoice = invoices::find_last_paid(&mut tx, id).await?;
        let invoice = invoice.ok_or(BillingError::RefundTooLarge)?;
        let given = self.refund_in(&mut tx, (&current, &invoice), amount, (office, now)).await?;
        if let State::Active(Paid { amount, .. }) = &mut current.state {
            // What was given back cannot be given back again by a switch or a pause.
            amount.amount = amount.amount.saturating_sub(given.amount).max(0);
        }
        self.save(&mut tx, &current, now).await?;
        self.log(&mut tx, office, (&before, &current)).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(current)
    }

    async fn refund_in(
        &self,
        tx: &mut Tx,
        (subscription, invoice): (&Subscription, &Invoice),
        amount: Option<Money>,
        (office, now): (&Office, Timestamp),
    ) -> Result<Money, BillingError> {
        let by_card = by_card(tx, invoice).await?;
        let amount = amount.unwrap_or(by_card);
        if amount.currency != by_card.currency {
            let rule = format!("must be in {}, as it was paid", by_card.currency.code());
            return Err(BillingError::Invalid { field: "amount.currency", rule });
        }
        self.give_back(tx, (invoice, amount), &office.reason, now).await?;
        let event = Event::Refunded { amount, reason: office.reason.clone() };
        self.write_event(tx, (subscription, &event), office.actor(), now).await?;
        let number = invoice.number().unwrap_or_default().to_owned();
        self.tell(tx, subscription, News::Refunded { amount, invoice: number }, now).await?;
        Ok(amount)
    }

    /// Gives `days` more before the next payment.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn office_extend(
        &self,
        id: Uuid,
        days: u32,
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let before = self.take_any(&mut tx, id, (office, now)).await?;
        let changed = before.clone().extend(days)?;
        let extended = self.change(&mut tx, changed, office.actor(), now).await?;
        self.log(&mut tx, office, (&before, &extended)).await?;
        tx.commit().await?;
        Ok(extended)
    }

    /// Stops a subscription until it is resumed. What is unused goes to the account's balance.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn office_pause(
        &self,
        id: Uuid,
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let before = self.take_any(&mut tx, id, (office, now)).await?;
        let (changed, credit) = before.clone().pause(now)?;
        self.credit(&mut tx, (&before, credit), PAUSED, now).await?;
        let paused = self.change(&mut tx, changed, office.actor(), now).await?;
        self.log(&mut tx, office, (&before, &paused)).await?;
        tx.commit().await?;
        Ok(paused)
    }

    /// Ends a pause, for which the next period is charged, or takes a cancellation back.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn office_resume(
        &self,
        id: Uuid,
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let before = self.take_any(&mut tx, id, (office, now)).await?;
        if matches!(before.state, State::Paused { .. }) {
            self.log(&mut tx, office, (&before, &before)).await?;
            return self.unpause(tx, before, office.actor()).await;
        }
        let changed = before.clone().resume(now)?;
        let resumed = self.change(&mut tx, changed, office.actor(), now).await?;
        self.log(&mut tx, office, (&before, &resumed)).await?;
        tx.commit().await?;
        Ok(resumed)
    }

    /// Has one that is stuck looked at again.
    ///
    /// # Errors
    /// [`BillingError::NotFound`] where it is not stuck.
    pub async fn office_retry(&self, id: Uuid, office: &Office) -> Result<(), BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        if !store::unstick(&mut tx, id, now).await? {
            return Err(BillingError::NotFound);
        }
        let entry = office.entry.clone().on("subscription", id);
        let entry = entry.after(json!({"reason": office.reason}));
        audit::store::append(&mut tx, &self.audit_key, &entry).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(())
    }
}
