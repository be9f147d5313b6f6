//! What readers do with their subscriptions: leave, come back, pay by another card.

use time::Duration;
use uuid::Uuid;

use super::{
    Billing, BillingError,
    charging::{Intent, PaidBy},
};
use crate::{
    billing::{
        card_limit::{CardTurn, Initiated},
        charge::{model::ChargeStatus, store as charges},
        consent::{self, Shown},
        event::{Actor, Event},
        gateway::{ChargeOutcome, GatewayError, PaymentMethod},
        invoice::credit::WITHDRAWN,
        letter::News,
        notice::NoticeKind,
        operation,
        subscription::{
            change::Refusal,
            model::{EndReason, State, Subscription, WaitsFor},
            store,
        },
    },
    clock::Timestamp,
    db::Tx,
};

/// Longest time in which one may withdraw: 14 days and the rest of the first day.
const WITHDRAWAL: Duration = Duration::days(15);

/// What is written beside the name of a reader's operation.
const BY_READER: &str = "reader";

/// When a subscription is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAt {
    /// With the running period.
    PeriodEnd,
    /// At once.
    Now,
}

/// How a subscription is to end.
#[derive(Debug, Clone)]
pub struct Cancellation {
    /// When.
    pub at: CancelAt,
    /// What the reader says about it.
    pub comment: Option<String>,
}

/// A subscription that its reader changes.
#[derive(Debug, Clone, Copy)]
pub struct OwnSubscription {
    /// Whose it must be.
    pub reader: Uuid,
    /// Its id.
    pub id: Uuid,
    /// The name of the operation, where the request may be sent again: it is done once.
    pub operation: Option<Uuid>,
}

impl From<(Uuid, Uuid)> for OwnSubscription {
    fn from((reader, id): (Uuid, Uuid)) -> Self {
        Self { reader, id, operation: None }
    }
}

impl Billing {
    /// Takes a reader's subscription, to change it, as it stands at `now`. The operation's name is
    /// written in the same transaction, so it is there if and only if the change was committed.
    pub(super) async fn take(
        &self,
        tx: &mut Tx,
        of: OwnSubscription,
        now: Timestamp,
    ) -> Result<Subscription, BillingError> {
        let found = store::take(tx, &self.catalogs, of.id).await?;
        let own = found.filter(|subscription| subscription.reader == of.reader);
        let own = own.ok_or(BillingError::NotFound)?;
        if let Some(name) = of.operation
            && !operation::insert(tx, name, (of.id, BY_READER), now).await?
        {
            return Err(BillingError::Repeated);
        }
        Ok(own.as_of(now))
    }

    /// What came of the payment that `operation` made for a subscription. `None` where it made none.
    ///
    /// # Errors
    /// [`BillingError::PaymentPending`] while that is open, [`BillingError::PaymentDeclined`] where
    /// it was declined.
    pub async fn paid_by(
        &self,
        operation: Uuid,
        subscription: Uuid,
    ) -> Result<Option<Subscription>, BillingError> {
        let mut tx = self.db.read().await?;
        let charge = charges::find(&mut tx, &self.catalogs, operation).await?;
        drop(tx);
        let Some(charge) = charge.filter(|charge| charge.subscription == subscription) else {
            return Ok(None);
        };
        match charge.status {
            ChargeStatus::Pending => {
                Err(BillingError::PaymentPending { operation: Some(operation) })
            }
            ChargeStatus::Declined { code, .. } => Err(BillingError::PaymentDeclined(code)),
            ChargeStatus::Canceled { .. } => {
                Err(Refusal::InvalidTransition("the payment was called off").into())
            }
            ChargeStatus::Succeeded { .. } | ChargeStatus::RequiresAction { .. } => {
                self.lookup(subscription).await.map(Some)
            }
        }
    }

    /// Lets a reader's subscription end: with the period, or at once where the law lets them
    /// withdraw.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn cancel(
        &self,
        of: impl Into<OwnSubscription>,
        cancellation: Cancellation,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let current = self.take(&mut tx, of.into(), now).await?;
        if cancellation.at == CancelAt::Now {
            let ended = self.withdraw(&mut tx, current, now).await?;
            tx.commit().await?;
            self.news.notify_one();
            return Ok(ended);
        }
        let before = current.clone();
        let comment = cancellation.comment;
        let Some(canceled) = self.cancel_at_period_end(&mut tx, current, comment, now).await?
        else {
            return Ok(before);
        };
        tx.commit().await?;
        Ok(canceled)
    }

    /// Lets a subscription end with its period, by its reader. `None` where that was decided before.
    pub(super) async fn cancel_at_period_end(
        &self,
        tx: &mut Tx,
        current: Subscription,
        comment: Option<String>,
        now: Timestamp,
    ) -> Result<Option<Subscription>, BillingError> {
        let changed = current.cancel_at_period_end(EndReason::CanceledByReader, now)?;
        let Some((changed, event)) = changed else { return Ok(None) };
        let event = match event {
            Event::CancelScheduled { at, reason, .. } => {
                Event::CancelScheduled { at, reason, comment }
            }
            other => other,
        };
        self.change(tx, (changed, event), Actor::Reader, now).await.map(Some)
    }

    /// Keeps what a reader says about a subscription that ends or has ended.
    ///
    /// # Errors
    /// [`BillingError::NotFound`], also for one of somebody else, and for one that goes on.
    pub async fn comment(&self, of: (Uuid, Uuid), comment: String) -> Result<(), BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let it = self.take(&mut tx, of.into(), now).await?;
        if it.state.ended().is_none() && !it.cancels_at_period_end() {
            return Err(BillingError::NotFound);
        }
        let event = Event::Commented { comment };
        self.write_event(&mut tx, (&it, &event), Actor::Reader, now)?;
        Ok(tx.commit().await?)
    }

    /// Ends a subscription at once and gives the money back, where the law lets the reader withdraw.
    async fn withdraw(
        &self,
        tx: &mut Tx,
        current: Subscription,
        now: Timestamp,
    ) -> Result<Subscription, BillingError> {
        let too_late = "it can be canceled for the end of the period";
        let until = self.withdraw_until(&current, now);
        let until = until.ok_or(Refusal::InvalidTransition(too_late))?;
        let ended = current.cancel_now(EndReason::Withdrawn, now)?;
        let since = until.minus(WITHDRAWAL);
        let of = (ended.0.id, since);
        let refund = self.give_back_since(tx, of, WITHDRAWN, now).await?;
        let withdrawn = self.record(tx, ended, Actor::Reader, now).await?;
        if let Some(amount) = refund {
            let event = Event::Refunded { amount, reason: WITHDRAWN.to_owned() };
            self.write_event(tx, (&withdrawn, &event), Actor::Reader, now)?;
        }
        let news = News::Withdrawn { at: now, refund };
        let told = (NoticeKind::CancellationReceipt, news);
        self.tell_for_the_record(tx, &withdrawn, told, now).await?;
        Ok(withdrawn)
    }

    /// Takes a reader's cancellation back, or ends a pause. `agreed` is what stood beside the button,
    /// where it was on a page of ours.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn resume(
        &self,
        of: impl Into<OwnSubscription>,
        agreed: Option<&Shown>,
        turn: &CardTurn,
    ) -> Result<Subscription, BillingError> {
        let of = of.into();
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let current = self.take(&mut tx, of, now).await?;
        if let Some(agreed) = agreed {
            let terms = (&current, &current.terms);
            consent::insert(&mut tx, self.ids.uuid(now)?, terms, agreed, now);
        }
        if matches!(current.state, State::Paused { .. }) {
            let permit = turn.admit(&mut tx).await?;
            let by = PaidBy { actor: Actor::Reader, starts: Initiated::ByCustomer(&permit) };
            return self.unpause(tx, current, (by, of.operation)).await;
        }
        let resumed = self.change(&mut tx, current.resume(now)?, Actor::Reader, now).await?;
        tx.commit().await?;
        Ok(resumed)
    }

    /// Pays for a new period of a paused subscription.
    pub(super) async fn unpause(
        &self,
        mut tx: Tx,
        paused: Subscription,
        (by, operation): (PaidBy<'_>, Option<Uuid>),
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        if let Some(open) = paused.open {
            return Err(BillingError::PaymentPending { operation: Some(open.id) });
        }
        if paused.method.is_none() {
            return Err(Refusal::InvalidTransition("add a payment method first").into());
        }
        let id = paused.id;
        let purchase = paused.fresh_purchase(now).ok_or(BillingError::impossible("no period"))?;
        let off_session = by.actor != Actor::Reader;
        let intent = Intent::of(purchase, off_session).by(operation);
        let (_, charge) = self.intend(&mut tx, paused, intent, now).await?;
        tx.commit().await?;
        self.collect_or_refuse(&charge, by).await?;
        self.reload(id).await
    }

    /// Pays by another card from now on, and what is overdue with it at once. `agreed` is what stood
    /// beside the button, where the card makes a subscription go on.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn pay_by(
        &self,
        of: impl Into<OwnSubscription>,
        method: &PaymentMethod,
        agreed: Option<&Shown>,
        turn: &CardTurn,
    ) -> Result<Subscription, BillingError> {
        let of = of.into();
        let permit = turn.admit_alone().await?;
        let by = PaidBy { actor: Actor::Reader, starts: Initiated::ByCustomer(&permit) };
        let method = self.method(by.starts, method).await?;
        self.call_off_unconfirmed(of).await?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let current = self.take(&mut tx, of, now).await?;
        if let Some(agreed) = agreed {
            let terms = (&current, &current.terms);
            consent::insert(&mut tx, self.ids.uuid(now)?, terms, agreed, now);
        }
        let overdue = matches!(current.state, State::PastDue { .. });
        let waits_for_card = current.waits_for_card();
        let changed = current.pay_by(method)?;
        let current = self.change(&mut tx, changed, Actor::Reader, now).await?;
        let purchase = match current.open {
            Some(_) => None,
            None if overdue => current.unpaid_purchase(),
            None if waits_for_card => current.fresh_purchase(now),
            None => None,
        };
        let Some(purchase) = purchase else {
            tx.commit().await?;
            return Ok(current);
        };
        let id = current.id;
        let intent = Intent::of(purchase, false).by(of.operation);
        let (_, charge) = self.intend(&mut tx, current, intent, now).await?;
        tx.commit().await?;
        self.collect_or_refuse(&charge, by).await?;
        self.reload(id).await
    }

    /// Calls off a payment that the reader did not confirm, so that another can be made instead.
    async fn call_off_unconfirmed(&self, of: OwnSubscription) -> Result<(), BillingError> {
        let current = self.find(of.reader, of.id).await?;
        let waits = current.open.filter(|open| matches!(open.waits_for, WaitsFor::Reader { .. }));
        match waits {
            Some(open) if matches!(current.state, State::PastDue { .. }) => {
                self.call_off(open.id).await
            }
            _ => Ok(()),
        }
    }

    /// Calls an open charge off at the gateway, and writes down what stands then.
    pub(super) async fn call_off(&self, id: Uuid) -> Result<(), BillingError> {
        let stands = self.gateway.cancel(id).await.map_err(|error| match error {
            GatewayError::Unknown => BillingError::Unavailable,
            GatewayError::Refused(why) => BillingError::Failed(why.into()),
        })?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        match stands {
            Some(outcome @ ChargeOutcome::Succeeded { .. }) => {
                self.settle(&mut tx, id, outcome, (Actor::System, now)).await?;
            }
            _ => self.drop_charge(&mut tx, id, now).await?,
        }
        Ok(tx.commit().await?)
    }

    async fn drop_charge(&self, tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), BillingError> {
        let charge = charges::find(tx, &self.catalogs, id).await?;
        let subscription = charge.as_ref().map_or(id, |charge| charge.subscription);
        let Some(current) = store::take(tx, &self.catalogs, subscription).await? else {
            return Ok(());
        };
        if current.open.is_none_or(|open| open.id != id) {
            return Ok(());
        }
        if let Some(charge) = charge {
            let status = ChargeStatus::Canceled { at: now };
            charges::settle(tx, id, &status, charge.invoice).await?;
            self.release(tx, &charge).await?;
        }
        self.save(tx, &current.called_off(), now).await
    }

    /// Asks for a charge while somebody waits for it.
    pub(super) async fn collect_or_refuse(
        &self,
        charge: &crate::billing::charge::model::Charge,
        by: PaidBy<'_>,
    ) -> Result<(), BillingError> {
        match self.collect(charge, by).await? {
            Some(ChargeOutcome::Declined { code, .. }) => Err(BillingError::PaymentDeclined(code)),
            _ => Ok(()),
        }
    }

    /// A subscription, whoever's it is, as it stands now: for whoever holds a link that we signed
    /// for it.
    ///
    /// # Errors
    /// [`BillingError::NotFound`].
    pub async fn lookup(&self, id: Uuid) -> Result<Subscription, BillingError> {
        Ok(self.reload(id).await?.as_of(self.clock.now()))
    }

    pub(super) async fn reload(&self, id: Uuid) -> Result<Subscription, BillingError> {
        let mut tx = self.db.read().await?;
        let found = store::find(&mut tx, &self.catalogs, id).await?;
        found.ok_or(BillingError::NotFound)
    }

    /// Where the reader confirms what is open, if that is what it waits for.
    ///
    /// # Errors
    /// When the database or the gateway fails.
    pub async fn confirm_at(&self, it: &Subscription) -> Result<Option<String>, BillingError> {
        let open = it.open.filter(|open| matches!(open.waits_for, WaitsFor::Reader { .. }));
        let Some(open) = open.filter(|_| it.state.ended().is_none()) else { return Ok(None) };
        let mut tx = self.db.read().await?;
        if let Some(charge) = charges::find(&mut tx, &self.catalogs, open.id).await? {
            return Ok(match charge.status {
                ChargeStatus::RequiresAction { url } => Some(url),
                _ => None,
            });
        }
        drop(tx);
        // The card of a trial: no charge of ours, so only the gateway knows where.
        Ok(match self.gateway.find(open.id).await {
            Ok(Some(ChargeOutcome::NeedsAuthentication { url })) => Some(url),
            _ => None,
        })
    }
}
