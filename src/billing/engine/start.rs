//! Beginning a subscription: a free trial, or a paid period at once.
//!
//! What can be known beforehand is (`order`); one transaction writes it down; then a period that is
//! paid at once is charged.

use uuid::Uuid;

use super::{
    Billing, BillingError,
    charging::{Intent, PaidBy},
    order::{Customer, Order, ReadyOrder},
};
use crate::{
    billing::{
        card_limit::{CardTurn, Initiated},
        charge::model::Charge,
        consent,
        event::{Actor, Event},
        notice::store::{self as notices, Owner},
        subscription::{
            collect::CONFIRM_WITHIN,
            model::{EndReason, OpenCharge, State, Subscription, WaitsFor},
            store,
        },
        trial,
    },
    db::{StoreError, Tx},
    numbers::{figure::Fact, movement::because_of_a_page, store as numbers},
    reader::{model::Reader, store as readers},
};

/// What to do with a subscription to the same product before another begins.
pub(super) enum Before {
    /// It never came about.
    Supersede,
    /// It has ended, and nobody had written that down yet.
    Lapse,
}

/// Whether `old` makes room for `fresh`.
pub(super) fn before(old: &Subscription, fresh: &Subscription) -> Result<Before, BillingError> {
    let now = fresh.created_at;
    match (&old.state, old.open.map(|open| open.waits_for)) {
        (State::Incomplete { .. }, Some(WaitsFor::Gateway)) => {
            let operation = is_same_order(old, fresh).then_some(old.id);
            Err(BillingError::PaymentPending { operation })
        }
        (State::Incomplete { .. }, _) => Ok(Before::Supersede),
        _ if old.clone().as_of(now).state.ended().is_some() => Ok(Before::Lapse),
        _ => Err(BillingError::AlreadySubscribed),
    }
}

/// Whether both were ordered in the same words: the outcome of one answers the other.
fn is_same_order(one: &Subscription, other: &Subscription) -> bool {
    let token = |it: &Subscription| it.method.as_ref().map(|method| method.token.clone());
    let begins_trial =
        |it: &Subscription| matches!(it.state, State::Incomplete { begins_trial: true, .. });
    one.terms.plan.id == other.terms.plan.id
        && one.country == other.country
        && token(one) == token(other)
        && begins_trial(one) == begins_trial(other)
}

/// An order that was written down, with the subscription that it began.
#[derive(Debug)]
#[must_use = "a first period must be charged"]
pub struct Placed {
    subscription: Subscription,
    /// The first payment, where there is one to be asked for.
    charge: Option<Charge>,
}

impl Placed {
    /// Whether it stays as it was written: nothing is charged at once that could be declined.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.charge.is_none()
    }
}

impl Billing {
    /// Begins a subscription for the account `reader`. `operation` names this request: when it comes
    /// again after its answer was lost, what it began is found instead of begun anew.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn start(
        &self,
        reader: Uuid,
        order: Order,
        operation: Uuid,
        turn: &CardTurn,
    ) -> Result<Subscription, BillingError> {
        if let Some(begun) = self.begun_before(reader, operation).await? {
            return Ok(begun);
        }
        let permit = turn.admit_alone().await?;
        let by = Initiated::ByCustomer(&permit);
        let ready = self.make_ready(Customer::Known(reader), order, operation, by).await?;
        let mut tx = self.db.write().await?;
        let placed = self.place(&mut tx, ready).await?;
        tx.commit().await?;
        self.go_on(placed, by).await
    }

    async fn begun_before(
        &self,
        reader: Uuid,
        operation: Uuid,
    ) -> Result<Option<Subscription>, BillingError> {
        let mut tx = self.db.read().await?;
        let begun = store::find(&mut tx, &self.catalogs, operation).await?;
        let begun = begun.filter(|begun| begun.reader == reader);
        let Some(begun) = begun else { return Ok(None) };
        let waits_for = begun.open.map(|open| open.waits_for);
        match (&begun.state, waits_for) {
            (State::Incomplete { .. }, Some(WaitsFor::Gateway)) => {
                Err(BillingError::PaymentPending { operation: Some(operation) })
            }
            _ => match begun.state.ended() {
                Some((_, EndReason::PaymentDeclined)) => {
                    Err(BillingError::PaymentDeclined("declined".to_owned()))
                }
                _ => Ok(Some(begun)),
            },
        }
    }

    /// Writes an order down. The caller commits, and then [goes on](Billing::go_on).
    ///
    /// # Errors
    /// [`BillingError`]: then the transaction is to be rolled back.
    pub async fn place(&self, tx: &mut Tx, ready: ReadyOrder) -> Result<Placed, BillingError> {
        let reader = match &ready.customer {
            // What has only just begun has nothing that makes room.
            Customer::New { reader, .. } => Reader::clone(reader),
            Customer::Known(_) => self.make_room(tx, &ready.fresh).await?,
        };
        if matches!(ready.fresh.state, State::Incomplete { begins_trial: true, .. }) {
            self.begin_trial(tx, ready, &reader).await
        } else {
            self.begin_paid(tx, ready, &reader).await
        }
    }

    /// Does what follows once an order is written down for good: charges the first period where one is
    /// paid at once.
    ///
    /// # Errors
    /// [`BillingError::PaymentDeclined`] where the first payment was.
    pub async fn go_on(
        &self,
        placed: Placed,
        by: Initiated<'_>,
    ) -> Result<Subscription, BillingError> {
        let Placed { subscription, charge } = placed;
        let Some(charge) = charge else { return Ok(subscription) };
        let by = PaidBy { actor: Actor::Reader, starts: by };
        self.collect_or_refuse(&charge, by).await?;
        let mut tx = self.db.read().await?;
        let begun = store::find(&mut tx, &self.catalogs, subscription.id).await?;
        begun.ok_or(BillingError::NotFound)
    }

    async fn begin_trial(
        &self,
        tx: &mut Tx,
        ready: ReadyOrder,
        reader: &Reader,
    ) -> Result<Placed, BillingError> {
        self.claim_trial(tx, &ready, reader).await?;
        let fresh = ready.fresh.clone();
        let now = fresh.created_at;
        if ready.waits_for_bank() {
            let until = now.plus(CONFIRM_WITHIN);
            let waits_for = WaitsFor::Reader { until };
            let open = Some(OpenCharge { id: fresh.id, waits_for });
            let waiting = Subscription { open, ..fresh };
            self.insert(tx, &waiting, &ready).await?;
            let event = Event::Created { expires_at: until };
            self.write_event(tx, (&waiting, &event), Actor::Reader, now)?;
            return Ok(Placed { subscription: waiting, charge: None });
        }
        self.check_address(tx, reader, &fresh).await?;
        let begun = fresh.confirmed(now);
        let (begun, event) = begun.ok_or(BillingError::impossible("a trial of nothing"))?;
        self.insert(tx, &begun, &ready).await?;
        self.write_event(tx, (&begun, &event), Actor::Reader, now)?;
        let to = reader.recipient(&self.directory.snapshot(), &self.public_url);
        self.tell_trial(tx, (&begun, &to), now)?;
        Ok(Placed { subscription: begun, charge: None })
    }

    async fn begin_paid(
        &self,
        tx: &mut Tx,
        ready: ReadyOrder,
        reader: &Reader,
    ) -> Result<Placed, BillingError> {
        let fresh = ready.fresh.clone();
        let now = fresh.created_at;
        if !ready.waits_for_bank() {
            self.check_address(tx, reader, &fresh).await?;
        }
        let purchase = fresh.fresh_purchase(now);
        let purchase = purchase.ok_or(BillingError::impossible("a period of no length"))?;
        self.insert(tx, &fresh, &ready).await?;
        let (begun, charge) = self.intend(tx, fresh, Intent::of(purchase, false), now).await?;
        let event = Event::Created { expires_at: now.plus(CONFIRM_WITHIN) };
        self.write_event(tx, (&begun, &event), Actor::Reader, now)?;
        Ok(Placed { subscription: begun, charge: Some(charge) })
    }

    /// Makes sure that the reader is there and has no open subscription to the product. One that
    /// waits for its first payment makes room.
    async fn make_room(&self, tx: &mut Tx, fresh: &Subscription) -> Result<Reader, BillingError> {
        let now = fresh.created_at;
        let reader = readers::take(tx, fresh.reader).await?.ok_or(BillingError::Gone)?;
        let owner = (fresh.reader, fresh.product());
        if let Some(old) = store::take_open(tx, &self.catalogs, owner).await? {
            match before(&old, fresh)? {
                Before::Supersede => {
                    // Its confirmation is called off next, and given back if it came first.
                    let ended = old.cancel_now(EndReason::Superseded, now)?;
                    trial::release(tx, ended.0.id).await?;
                    self.record(tx, ended, Actor::Reader, now).await?;
                }
                Before::Lapse => self.lapse(tx, old, now).await?,
            }
        }
        Ok(reader)
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        fresh: &Subscription,
        ready: &ReadyOrder,
    ) -> Result<(), BillingError> {
        let now = fresh.created_at;
        let article = ready.article.as_deref();
        self.standings.forget(fresh.reader);
        let (planned, next_at) = self.first_notices(fresh, now);
        let wake_at = super::record::wake_at(fresh, next_at, now);
        match store::insert(tx, fresh, wake_at, article).await {
            Err(StoreError::Duplicate) => return Err(BillingError::AlreadySubscribed),
            other => other?,
        }
        let owner = Owner { subscription: fresh.id, reader: fresh.reader };
        notices::plan(tx, owner, &planned);
        let mut facts = Box::pin(self.facts_of(tx, (None, fresh))).await?;
        if let Some(article) = article {
            let pages: Vec<_> = because_of_a_page(&facts, None, fresh).collect();
            facts.extend(pages.into_iter().map(|figure| Fact::count(figure, article, 1)));
        }
        numbers::note(tx, &facts, now);
        if let Some(shown) = &ready.shown {
            consent::insert(tx, fresh.id, (fresh, &fresh.terms), shown, now);
        }
        Ok(())
    }
}
