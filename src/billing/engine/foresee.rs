//! What an act of staff would do, told before it is done: by the very rules that do it.

use uuid::Uuid;

use super::{
    Billing, BillingError, CancelAt, Preview,
    charging::bill,
    office_switch::switched,
    refund::{GiveBack, part_of, running_part},
};
use crate::{
    billing::{
        ledger::balance,
        subscription::{
            change::Refusal,
            collect::Collected,
            model::{EndReason, State, Subscription},
            store,
        },
    },
    clock::Timestamp,
    db::Tx,
    money::Money,
};

/// What staff can do with a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// End it.
    Cancel {
        /// When.
        at: CancelAt,
        /// Whether the running period's payment goes back.
        refund: bool,
    },
    /// Give money of an invoice back.
    Refund {
        /// Of which; the one that was paid last where nothing is said.
        invoice: Option<Uuid>,
        /// How much, in minor units of its currency; all that is left of it where nothing is said.
        amount: Option<i64>,
    },
    /// Give days before the next payment.
    Extend {
        /// How many.
        days: u32,
    },
    /// Stop it until it is resumed.
    Pause,
    /// End a pause, or take a cancellation back.
    Resume,
    /// Go on with another plan.
    Switch {
        /// The plan's id.
        plan: String,
    },
    /// Take a planned switch back.
    KeepPlan,
}

/// What would come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// As it stands.
    pub before: Subscription,
    /// As it would stand. A payment that is made first may still fail.
    pub after: Subscription,
    /// What goes back to the card.
    pub to_card: Option<Money>,
    /// What goes to the account's balance.
    pub to_balance: Option<Money>,
    /// What is paid at once, tax included: by the card, but for what the balance holds.
    pub charged: Option<Money>,
    /// What of that the balance pays.
    pub from_balance: Option<Money>,
    /// What a switch comes to, with the token by which exactly that is done.
    pub switch: Option<Preview>,
    /// Whether the reader is told by mail.
    pub told: bool,
}

impl Foreseen {
    /// Nothing but how it would stand.
    fn of(before: &Subscription, after: Subscription) -> Self {
        Self {
            before: before.clone(),
            after,
            to_card: None,
            to_balance: None,
            charged: None,
            from_balance: None,
            switch: None,
            told: true,
        }
    }
}

impl Billing {
    /// What `act` would do to the subscription `id` now. Nothing is changed.
    ///
    /// # Errors
    /// [`BillingError`], as the act itself.
    pub async fn foresee_act(&self, id: Uuid, act: &Act) -> Result<Foreseen, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let found = store::find(&mut tx, &self.catalogs, id).await?;
        let before = found.ok_or(BillingError::NotFound)?.as_of(now);
        let it = before.clone();
        let as_it_is = |after| Foreseen::of(&before, after);
        let reason = EndReason::CanceledByStaff;
        Ok(match act {
            Act::Cancel { at: CancelAt::Now, refund } => {
                let part = if *refund { running_part(&mut tx, &it, now).await? } else { None };
                let to_card = part.map(|part| part.amount);
                Foreseen { to_card, ..as_it_is(it.cancel_now(reason, now)?.0) }
            }
            Act::Cancel { at: CancelAt::PeriodEnd, .. } => {
                let changed = it.cancel_at_period_end(reason, now)?;
                let told = changed.is_some();
                let after = changed.map_or_else(|| before.clone(), |(after, _)| after);
                Foreseen { told, ..as_it_is(after) }
            }
            Act::Refund { invoice, amount } => {
                // A subscription keeps the currency of its first invoice.
                let amount = amount.map(|amount| Money { amount, ..before.terms.plan.price });
                let order = GiveBack { invoice: *invoice, amount };
                let part = part_of(&mut tx, id, order).await?;
                Foreseen { to_card: Some(part.amount), ..as_it_is(it) }
            }
            Act::Extend { days } => as_it_is(it.extend(*days)?.0),
            Act::Pause => {
                let ((after, _), credit) = it.pause(now)?;
                Foreseen { to_balance: Some(credit), ..as_it_is(after) }
            }
            Act::Resume if matches!(it.state, State::Paused { .. }) => {
                self.foresee_end_of_pause(&mut tx, &it, now).await?
            }
            Act::Resume => as_it_is(it.resume(now)?.0),
            Act::Switch { plan } => {
                let terms = self.target(plan)?;
                let quote = it.quote(&terms, now)?;
                let shown = self.show_switch(&mut tx, (&it, &terms), (&quote, now)).await?;
                let after = switched(&it, (&terms, &quote), now)?;
                Foreseen { switch: Some(shown), ..as_it_is(after) }
            }
            Act::KeepPlan => as_it_is(it.revoke_switch()?.0),
        })
    }

    /// What a new period of a paused subscription would cost.
    async fn foresee_end_of_pause(
        &self,
        tx: &mut Tx,
        it: &Subscription,
        now: Timestamp,
    ) -> Result<Foreseen, BillingError> {
        if it.open.is_some() {
            return Err(BillingError::PaymentPending { operation: None });
        }
        if it.method.is_none() {
            return Err(Refusal::InvalidTransition("there is no card to pay with").into());
        }
        let purchase = it.fresh_purchase(now).ok_or(BillingError::impossible("no period"))?;
        let nothing = Money::zero(it.terms.currency());
        let due = bill(it, &purchase, nothing)?.due;
        let balance = balance::balance_of(tx, it.reader, due.currency).await?;
        let used = Money { amount: balance.amount.clamp(0, due.amount), ..due };
        let after = match it.clone().paid(purchase, due, now) {
            Collected::Changed(after, _) | Collected::TooLate(after) => *after,
        };
        let from_balance = (!used.is_zero()).then_some(used);
        Ok(Foreseen { charged: Some(due), from_balance, ..Foreseen::of(it, after) })
    }
}
