//! Writing a change down, with everything that belongs to it.

use super::{Billing, BillingError, LEASE};
use crate::{
    billing::{
        event::{Actor, Event},
        invoice::store as invoices,
        subscription::{
            change::Changed,
            model::{EndReason, State, Subscription, WaitsFor},
            store,
        },
        timeline, trial,
    },
    clock::Timestamp,
    db::Tx,
    numbers::{
        calendar::Calendar,
        figure::{Fact, Figure},
        movement, store as numbers,
    },
};

impl Billing {
    /// Writes a changed subscription down, and what happened to it. The caller has taken its row.
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        (subscription, event): Changed,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Subscription, BillingError> {
        if subscription.state.ended().is_some() {
            self.void_unpaid(tx, &subscription, now).await?;
        }
        self.save(tx, &subscription, now).await?;
        self.write_event(tx, (&subscription, &event), actor, now)?;
        Ok(subscription)
    }

    /// [`Billing::record`], and tells the reader.
    pub(super) async fn change(
        &self,
        tx: &mut Tx,
        changed: Changed,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Subscription, BillingError> {
        let event = changed.1.clone();
        let subscription = self.record(tx, changed, actor, now).await?;
        self.tell_change(tx, (&subscription, &event), now).await?;
        Ok(subscription)
    }

    /// Writes down that one has ended, or waits, because its time has come.
    pub(super) async fn lapse(
        &self,
        tx: &mut Tx,
        subscription: Subscription,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let never_began = matches!(subscription.state, State::Incomplete { .. });
        let Some(changed) = subscription.lapse() else { return Ok(()) };
        if never_began {
            trial::release(tx, changed.0.id).await?;
        }
        let reason = changed.0.state.ended().map(|(_, reason)| reason);
        if matches!(reason, Some(EndReason::CanceledByReader | EndReason::CanceledByStaff)) {
            // The receipt of the cancellation said when it would end.
            self.record(tx, changed, Actor::System, now).await?;
        } else {
            self.change(tx, changed, Actor::System, now).await?;
        }
        Ok(())
    }

    /// Writes down how a subscription is now, and when somebody must look at it again.
    pub(super) async fn save(
        &self,
        tx: &mut Tx,
        subscription: &Subscription,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let planned = self.plan_notices(tx, subscription, now).await?;
        self.standings.forget(subscription.reader);
        // Apart from the rest, so that everybody's task does not hold room for it.
        let before = Box::pin(store::find(tx, &self.catalogs, subscription.id)).await?;
        store::save(tx, subscription, wake_at(subscription, planned, now));
        Box::pin(self.note_facts(tx, (before.as_ref(), subscription), now)).await
    }

    /// What a change means in numbers.
    pub(super) async fn facts_of(
        &self,
        tx: &mut Tx,
        (before, after): (Option<&Subscription>, &Subscription),
    ) -> Result<Vec<Fact>, BillingError> {
        let calendar = Calendar::of(&self.directory.snapshot());
        let facts = movement::facts(before, after, false, &calendar);
        // Rarely asked: only of those who pay for this one for the first time.
        if facts.iter().any(|fact| fact.figure == Figure::MrrNew)
            && invoices::has_paid_for_another(tx, after).await?
        {
            return Ok(movement::facts(before, after, true, &calendar));
        }
        Ok(facts)
    }

    async fn note_facts(
        &self,
        tx: &mut Tx,
        (before, after): (Option<&Subscription>, &Subscription),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let facts = self.facts_of(tx, (before, after)).await?;
        numbers::note(tx, &facts, now);
        for figure in movement::because_of_a_page(&facts, before, after) {
            numbers::note_page(tx, after.id, figure, now);
        }
        Ok(())
    }

    /// Writes down what happened, for the timeline and for those outside.
    pub(super) fn write_event(
        &self,
        tx: &mut Tx,
        (subscription, event): (&Subscription, &Event),
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        // Ids grow in the order of writing, also where what happened is dated back.
        let id = self.ids.uuid(now.max(self.clock.now()))?;
        timeline::write(tx, id, (subscription, event), actor, now);
        Ok(())
    }
}

/// When somebody must look at a subscription: while the gateway is asked, when that took too long;
/// else when something falls due, or a notice is to go out at `notice_at`.
pub(super) fn wake_at(
    subscription: &Subscription,
    notice_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    match subscription.open.map(|open| open.waits_for) {
        Some(WaitsFor::Gateway) => Some(now.plus(LEASE)),
        Some(WaitsFor::Reader { .. }) if subscription.state.ended().is_some() => Some(now),
        _ => [subscription.due_at(), notice_at].into_iter().flatten().min(),
    }
}
