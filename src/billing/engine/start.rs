//! Beginning a subscription: a free trial, or a paid period at once.

use uuid::Uuid;

use super::{Billing, BillingError, charging::Intent};
use crate::{
    auth::limit_store::{self, LimitKey},
    billing::{
        catalog::model::Terms,
        consent::{self, Shown},
        event::{Actor, Event},
        gateway::{ChargeOutcome, PaymentMethod},
        subscription::{
            collect::CONFIRM_WITHIN,
            model::{EndReason, Method, OpenCharge, State, Subscription, WaitsFor},
            store,
        },
        trial,
    },
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
    reader::store as readers,
};

/// What a reader orders.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which plan of the current catalog.
    pub plan: String,
    /// By which card.
    pub card: Option<PayBy>,
    /// Whether to begin with the plan's free trial; `false` pays at once.
    pub trial: bool,
    /// Whose laws and taxes apply (ISO 3166-1), where the reader said.
    pub country: Option<String>,
    /// What stood beside the button, where it was on a page of ours.
    pub shown: Option<Shown>,
    /// Where the wall stood that led here, for the figures: the path of an article.
    pub article: Option<String>,
}

/// By which card an order is paid.
#[derive(Debug, Clone)]
pub enum PayBy {
    /// One of which only the name is known.
    Named(PaymentMethod),
    /// One about which the gateway was asked.
    Checked(CheckedCard),
}

/// A card as the gateway described it, so that it need be asked only once.
#[derive(Debug, Clone)]
pub struct CheckedCard {
    named: PaymentMethod,
    method: Method,
    fingerprint: Option<String>,
}

/// What to do with a subscription to the same product before another begins.
enum Before {
    /// It never came about.
    Supersede,
    /// It has ended, and nobody had written that down yet.
    Lapse,
}

/// Whether `old` makes room.
fn before(old: &Subscription, now: Timestamp) -> Result<Before, BillingError> {
    match (&old.state, old.open.map(|open| open.waits_for)) {
        (State::Incomplete { .. }, Some(WaitsFor::Gateway)) => Err(BillingError::PaymentPending),
        (State::Incomplete { .. }, _) => Ok(Before::Supersede),
        _ if old.clone().as_of(now).state.ended().is_some() => Ok(Before::Lapse),
        _ => Err(BillingError::AlreadySubscribed),
    }
}

impl Billing {
    /// Begins a subscription for `reader`. `operation` names this request: when it comes again
    /// after its answer was lost, what it began is found instead of begun anew.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn start(
        &self,
        reader: Uuid,
        mut order: Order,
        operation: Uuid,
    ) -> Result<Subscription, BillingError> {
        if let Some(begun) = self.begun_before(reader, operation).await? {
            return Ok(begun);
        }
        let catalog = self.catalogs.current();
        let terms = Terms::of(&catalog, &order.plan).filter(|terms| terms.plan.offered);
        let terms = terms.ok_or_else(|| {
            let rule = "must be the id of a plan that is offered".to_owned();
            BillingError::Invalid { field: "plan", rule }
        })?;
        let begins_trial = order.trial && terms.plan.trial_days > 0;
        let needs_card = !(begins_trial && terms.plan.trial_without_card.is_some());
        if needs_card && order.card.is_none() {
            let rule = "must name a payment method".to_owned();
            return Err(BillingError::Invalid { field: "payment_method", rule });
        }
        let card = match order.card.take() {
            Some(PayBy::Named(method)) => Some(self.check_card(&method).await?),
            Some(PayBy::Checked(card)) => Some(card),
            None => None,
        };
        let now = self.clock.now();
        let fresh = Subscription {
            id: operation,
            reader,
            country: order.country.clone().unwrap_or_else(|| catalog.country.clone()),
            terms,
            method: card.as_ref().map(|card| card.method.clone()),
            created_at: now,
            agreed_at: now,
            trial: None,
            state: State::Incomplete { expires_at: now.plus(CONFIRM_WITHIN), begins_trial },
            open: None,
            revision: 1,
        };
        if begins_trial {
            self.start_trial(fresh, card.as_ref(), &order).await
        } else {
            self.start_paid(fresh, &order).await
        }
    }

    /// Asks the gateway whether it knows a card.
    ///
    /// # Errors
    /// [`BillingError::Invalid`] where it does not.
    pub async fn check_card(&self, method: &PaymentMethod) -> Result<CheckedCard, BillingError> {
        let card = self.gateway.card(method).await.map_err(BillingError::of_card)?;
        let token = method.as_str().to_owned();
        let described = Method { token, last4: card.last4, expires: card.expires };
        let fingerprint = card.fingerprint;
        Ok(CheckedCard { named: method.clone(), method: described, fingerprint })
    }

    /// Asks the gateway whether a card that it knows is good, for somebody who must log in before they
    /// can order. `order` names this request. Nothing is charged.
    ///
    /// # Errors
    /// [`BillingError`] where it is not, as [`Billing::start`].
    pub async fn try_card(
        &self,
        order: Uuid,
        reader: Uuid,
        card: &CheckedCard,
    ) -> Result<(), BillingError> {
        match self
            .gateway
            .set_up(order, reader, &card.named)
            .await
            .map_err(BillingError::of_card)?
        {
            ChargeOutcome::Declined { code, .. } => Err(BillingError::PaymentDeclined(code)),
            _ => Ok(()),
        }
    }

    async fn begun_before(
        &self,
        reader: Uuid,
        operation: Uuid,
    ) -> Result<Option<Subscription>, BillingError> {
        let mut tx = self.db.read().await?;
        let begun = store::find(&mut tx, &self.catalogs, operation).await?;
        let begun = begun.filter(|begun| begun.reader == reader);
        match begun.as_ref().and_then(|begun| begun.state.ended()) {
            Some((_, EndReason::PaymentDeclined)) => {
                Err(BillingError::PaymentDeclined("declined".to_owned()))
            }
            _ => Ok(begun),
        }
    }

    /// The card as it is kept.
    pub(super) async fn method(&self, method: &PaymentMethod) -> Result<Method, BillingError> {
        Ok(self.check_card(method).await?.method)
    }

    async fn start_trial(
        &self,
        fresh: Subscription,
        card: Option<&CheckedCard>,
        order: &Order,
    ) -> Result<Subscription, BillingError> {
        let now = fresh.created_at;
        let fingerprint = card.and_then(|card| card.fingerprint.as_deref());
        self.foresee(&fresh, fingerprint).await?;
        let outcome = match card {
            Some(card) => Some(
                self.gateway
                    .set_up(fresh.id, fresh.reader, &card.named)
                    .await
                    .map_err(BillingError::of_card)?,
            ),
            None => None,
        };
        let mut tx = self.db.write().await?;
        let email = self.make_room(&mut tx, &fresh, now).await?;
        self.claim_trial(&mut tx, &fresh, (&email, fingerprint)).await?;
        let begun = match outcome {
            None | Some(ChargeOutcome::Succeeded { .. }) => {
                let begun = fresh.confirmed(now);
                let (begun, event) = begun.ok_or(BillingError::impossible("a trial of nothing"))?;
                self.insert(&mut tx, &begun, order, now).await?;
                self.write_event(&mut tx, (&begun, &event), Actor::Reader, now).await?;
                self.tell_trial(&mut tx, &begun, now).await?;
                begun
            }
            Some(ChargeOutcome::NeedsAuthentication { .. }) => {
                let until = now.plus(CONFIRM_WITHIN);
                let waits_for = WaitsFor::Reader { until };
                let open = Some(OpenCharge { id: fresh.id, waits_for });
                let begun = Subscription { open, ..fresh };
                self.insert(&mut tx, &begun, order, now).await?;
                let event = Event::Created { expires_at: until };
                self.write_event(&mut tx, (&begun, &event), Actor::Reader, now).await?;
                begun
            }
            Some(ChargeOutcome::Declined { code, .. }) => {
                return Err(BillingError::PaymentDeclined(code));
            }
        };
        tx.commit().await?;
        self.news.notify_one();
        Ok(begun)
    }

    async fn start_paid(
        &self,
        fresh: Subscription,
        order: &Order,
    ) -> Result<Subscription, BillingError> {
        let now = fresh.created_at;
        let id = fresh.id;
        let mut tx = self.db.write().await?;
        self.make_room(&mut tx, &fresh, now).await?;
        let declined = LimitKey::declined(&fresh.reader.to_string());
        limit_store::check(&mut tx, declined, self.declined, now).await?;
        let purchase = fresh.fresh_purchase(now);
        let purchase = purchase.ok_or(BillingError::impossible("a period of no length"))?;
        self.insert(&mut tx, &fresh, order, now).await?;
        let (begun, charge) = self.intend(&mut tx, fresh, Intent::of(purchase, false), now).await?;
        let event = Event::Created { expires_at: now.plus(CONFIRM_WITHIN) };
        self.write_event(&mut tx, (&begun, &event), Actor::Reader, now).await?;
        tx.commit().await?;
        if let Some(ChargeOutcome::Declined { code, .. }) =
            self.collect(&charge, Actor::Reader).await?
        {
            let mut tx = self.db.write().await?;
            limit_store::record(&mut tx, declined, self.declined, now).await?;
            tx.commit().await?;
            return Err(BillingError::PaymentDeclined(code));
        }
        let mut tx = self.db.read().await?;
        let begun = store::find(&mut tx, &self.catalogs, id).await?;
        begun.ok_or(BillingError::NotFound)
    }

    /// Makes sure that the reader is there and has no open subscription to the product. One that
    /// waits for its first payment makes room. Gives the reader's address.
    async fn make_room(
        &self,
        tx: &mut Tx,
        fresh: &Subscription,
        now: Timestamp,
    ) -> Result<Address, BillingError> {
        let reader = readers::take(tx, fresh.reader).await?.ok_or(BillingError::Gone)?;
        let owner = (fresh.reader, fresh.product());
        if let Some(old) = store::take_open(tx, &self.catalogs, owner).await? {
            match before(&old, now)? {
                Before::Supersede => {
                    // Its confirmation is called off next, and given back if it came first.
                    let ended = old.cancel_now(EndReason::Superseded, now)?;
                    trial::release(tx, ended.0.id).await?;
                    self.record(tx, ended, Actor::Reader, now).await?;
                }
                Before::Lapse => self.lapse(tx, old, now).await?,
            }
        }
        Ok(reader.email)
    }

    /// Refuses a trial before the card is touched, where that can be known. The rows settle races.
    async fn foresee(
        &self,
        fresh: &Subscription,
        fingerprint: Option<&str>,
    ) -> Result<(), BillingError> {
        let mut tx = self.db.read().await?;
        let reader = readers::find(&mut tx, fresh.reader).await?.ok_or(BillingError::Gone)?;
        let open = store::list_open(&mut tx, &self.catalogs, fresh.reader).await?;
        let old = open.into_iter().find(|it| it.product() == fresh.product());
        let superseded = match &old {
            Some(old) => match before(old, fresh.created_at)? {
                Before::Supersede => old.id,
                Before::Lapse => Uuid::nil(),
            },
            None => Uuid::nil(),
        };
        let address = self.trials.address(&reader.email);
        let account = self.trials.reader(fresh.reader);
        let card = fingerprint.map(|fingerprint| self.trials.card(fingerprint));
        let claims = [address, card.unwrap_or(account), account];
        let of = (fresh.product(), superseded);
        let claimed = trial::is_claimed(&mut tx, of, &claims).await?;
        if claimed { Err(BillingError::TrialAlreadyUsed) } else { Ok(()) }
    }

    async fn claim_trial(
        &self,
        tx: &mut Tx,
        fresh: &Subscription,
        (email, fingerprint): (&Address, Option<&str>),
    ) -> Result<(), BillingError> {
        let account = self.trials.reader(fresh.reader);
        let mut claims = vec![self.trials.address(email), account];
        claims.extend(fingerprint.map(|fingerprint| self.trials.card(fingerprint)));
        let of = (fresh.product(), fresh.id);
        let is_new = trial::claim(tx, of, &claims, fresh.created_at).await?;
        is_new.then_some(()).ok_or(BillingError::TrialAlreadyUsed)
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        fresh: &Subscription,
        order: &Order,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        self.standings.forget(fresh.reader);
        let planned = self.plan_notices(tx, fresh, now).await?;
        let wake_at = super::record::wake_at(fresh, planned, now);
        match store::insert(tx, fresh, wake_at).await {
            Err(StoreError::Duplicate) => return Err(BillingError::AlreadySubscribed),
            other => other?,
        }
        if let Some(article) = &order.article {
            store::set_led_by(tx, fresh.id, article).await?;
        }
        Box::pin(self.note_facts(tx, (None, fresh), now)).await?;
        if let Some(shown) = &order.shown {
            consent::insert(tx, fresh.id, (fresh, &fresh.terms), shown, now).await?;
        }
        Ok(())
    }
}
