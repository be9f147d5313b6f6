//! What is ordered, and what can be known of an order before anything is written: what it says,
//! the card, and whether a trial is still to be had.

use uuid::Uuid;

use super::{
    Billing, BillingError,
    start::{Before, before},
};
use crate::{
    billing::{
        catalog::model::Terms,
        consent::Shown,
        gateway::{ChargeOutcome, PaymentMethod},
        subscription::{
            collect::CONFIRM_WITHIN,
            model::{Method, State, Subscription},
            store,
        },
        trial,
    },
    reader::{model::Reader, store as readers},
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

/// Who orders.
#[derive(Debug, Clone)]
pub enum Customer {
    /// Whoever has this account.
    Known(Uuid),
    /// Somebody whose account is to begin in the transaction of the subscription.
    New(Box<Reader>),
}

impl Customer {
    fn id(&self) -> Uuid {
        match self {
            Self::Known(id) => *id,
            Self::New(reader) => reader.id,
        }
    }
}

/// An order that can be written down: all that is known of it beforehand.
#[derive(Debug)]
pub struct ReadyOrder {
    pub(super) customer: Customer,
    pub(super) fresh: Subscription,
    /// What the gateway said of a card that pays after the trial.
    pub(super) set_up: Option<ChargeOutcome>,
    /// The card's, where the gateway tells cards apart.
    pub(super) fingerprint: Option<String>,
    pub(super) shown: Option<Shown>,
    pub(super) article: Option<String>,
}

impl Billing {
    /// Makes an order ready to be written down; asks the gateway about the card, and for a trial
    /// also whether it can be charged later. `operation` names the subscription that it begins.
    ///
    /// # Errors
    /// [`BillingError`]: among others where it is not as it must be, where the card was declined, and
    /// where the reader had the trial before.
    pub async fn make_ready(
        &self,
        customer: Customer,
        mut order: Order,
        operation: Uuid,
    ) -> Result<ReadyOrder, BillingError> {
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
            reader: customer.id(),
            country: order.country.unwrap_or_else(|| catalog.country.clone()),
            terms,
            method: card.as_ref().map(|card| card.method.clone()),
            created_at: now,
            agreed_at: now,
            trial: None,
            state: State::Incomplete { expires_at: now.plus(CONFIRM_WITHIN), begins_trial },
            open: None,
            revision: 1,
        };
        let mut set_up = None;
        if begins_trial {
            let fingerprint = card.as_ref().and_then(|card| card.fingerprint.as_deref());
            self.foresee_trial(&customer, &fresh, fingerprint).await?;
            if let Some(card) = &card {
                set_up = Some(self.set_up(fresh.id, fresh.reader, card).await?);
            }
        }
        let fingerprint = card.and_then(|card| card.fingerprint);
        let Order { shown, article, .. } = order;
        Ok(ReadyOrder { customer, fresh, set_up, fingerprint, shown, article })
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

    /// Makes sure that a card that the gateway knows can be charged later, be it only to see whether
    /// it is good. `order` names this request. Nothing is charged.
    ///
    /// # Errors
    /// [`BillingError::PaymentDeclined`] where it is not.
    pub async fn set_up(
        &self,
        order: Uuid,
        reader: Uuid,
        card: &CheckedCard,
    ) -> Result<ChargeOutcome, BillingError> {
        let answer = self.gateway.set_up(order, reader, &card.named).await;
        match answer.map_err(BillingError::of_card)? {
            ChargeOutcome::Declined { code, .. } => Err(BillingError::PaymentDeclined(code)),
            answer => Ok(answer),
        }
    }

    /// The card as it is kept.
    pub(super) async fn method(&self, method: &PaymentMethod) -> Result<Method, BillingError> {
        Ok(self.check_card(method).await?.method)
    }

    /// Refuses a trial before the card is touched, where that can be known. The rows settle races.
    async fn foresee_trial(
        &self,
        customer: &Customer,
        fresh: &Subscription,
        fingerprint: Option<&str>,
    ) -> Result<(), BillingError> {
        let mut tx = self.db.read().await?;
        let (reader, makes_room) = match customer {
            Customer::New(reader) => (Reader::clone(reader), None),
            Customer::Known(id) => {
                let reader = readers::find(&mut tx, *id).await?.ok_or(BillingError::Gone)?;
                let open = store::list_open(&mut tx, &self.catalogs, *id).await?;
                let old = open.into_iter().find(|it| it.product() == fresh.product());
                (reader, superseded(old.as_ref(), fresh)?)
            }
        };
        let address = self.trials.address(&reader.email);
        let account = self.trials.reader(reader.id);
        let card = fingerprint.map(|fingerprint| self.trials.card(fingerprint));
        let claims = [address, card.unwrap_or(account), account];
        let of = (fresh.product(), makes_room.unwrap_or_default());
        let claimed = trial::is_claimed(&mut tx, of, &claims).await?;
        if claimed { Err(BillingError::TrialAlreadyUsed) } else { Ok(()) }
    }
}

/// Whose trial is let go when another begins instead of it.
fn superseded(
    old: Option<&Subscription>,
    fresh: &Subscription,
) -> Result<Option<Uuid>, BillingError> {
    let Some(old) = old else { return Ok(None) };
    Ok(match before(old, fresh)? {
        Before::Supersede => Some(old.id),
        Before::Lapse => None,
    })
}
