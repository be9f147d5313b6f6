//! What staff do with subscriptions. Each act is in the audit log, in the transaction of the change.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Act, Billing, BillingError, CancelAt,
    approve::{Outcome, Wanted},
    charging::PaidBy,
    refund::{GiveBack, Who, running_part},
};
use crate::{
    audit::{self, model::Entry},
    billing::{
        card_limit::Initiated,
        event::Actor,
        invoice::credit::PAUSED,
        operation,
        subscription::{
            change::Refusal,
            model::{EndReason, State, Subscription, Then},
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

    /// The member of staff who acts; none where it is whoever has the machine.
    #[must_use]
    pub fn staff(&self) -> Option<Uuid> {
        match self.entry.actor {
            audit::model::Actor::Staff(id) => Some(id),
            audit::model::Actor::Command | audit::model::Actor::System => None,
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

impl Billing {
    /// Takes one, whoever's it is, as the office saw it.
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
        change: (&Subscription, &Subscription),
    ) -> Result<(), BillingError> {
        self.log_with(tx, office, change, &json!({})).await
    }

    /// [`Billing::log`], with `more` facts of the act.
    pub(super) async fn log_with(
        &self,
        tx: &mut Tx,
        office: &Office,
        (before, after): (&Subscription, &Subscription),
        more: &Value,
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
            fields.extend(more.as_object().cloned().unwrap_or_default());
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
    ) -> Result<Outcome, BillingError> {
        let done = match act {
            Act::Cancel { at, refund } => {
                return self.office_cancel(id, (*at, *refund), office).await;
            }
            Act::Refund { invoice, amount } => {
                let price = self.lookup(id).await?.terms.plan.price;
                let amount = amount.map(|amount| Money { amount, ..price });
                let order = GiveBack { invoice: *invoice, amount };
                return self.office_refund(id, order, office).await;
            }
            Act::Extend { days } => self.office_extend(id, *days, office).await,
            Act::Pause => self.office_pause(id, office).await,
            Act::Resume => self.office_resume(id, office).await,
            Act::Switch { plan } => self.office_switch(id, (plan, preview), office).await,
            Act::KeepPlan => self.office_keep_plan(id, office).await,
        };
        Ok(Outcome::Done(Box::new(done?)))
    }

    /// Ends a subscription: with the running period, or at once, then with all of the running
    /// period's payment given back where `give_back` says so. Where that takes a second person, it
    /// goes on until that person agrees.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn office_cancel(
        &self,
        id: Uuid,
        (at, give_back): (CancelAt, bool),
        office: &Office,
    ) -> Result<Outcome, BillingError> {
        let now = self.clock.now();
        let reason = EndReason::CanceledByStaff;
        let mut tx = self.db.write().await?;
        if give_back {
            self.lock_reader_of(&mut tx, id).await?;
        }
        let current = self.take_any(&mut tx, id, (office, now)).await?;
        let before = current.clone();
        let changed = match at {
            CancelAt::Now => Some(current.cancel_now(reason, now)?),
            CancelAt::PeriodEnd => current.cancel_at_period_end(reason, now)?,
        };
        let Some(changed) = changed else { return Ok(Outcome::Done(Box::new(before))) };
        let running = if give_back { running_part(&mut tx, &before, now).await? } else { None };
        if let Some(part) = &running
            && self.takes_two(&mut tx, (office, &before, part), now).await?
        {
            let wanted = Wanted { of: &before, part, cancels: true };
            return self.ask_for_a_second(tx, wanted, office, now).await;
        }
        let ended = self.change(&mut tx, changed, office.actor(), now).await?;
        if let Some(part) = &running {
            self.refund_in(&mut tx, (&ended, part), Who::alone(office), now).await?;
        }
        let more = running.map_or(json!({}), |part| part.for_the_log());
        self.log_with(&mut tx, office, (&before, &ended), &more).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(Outcome::Done(Box::new(ended)))
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
            let by = PaidBy { actor: office.actor(), starts: Initiated::ByMerchant };
            return self.unpause(tx, before, (by, office.operation)).await;
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
