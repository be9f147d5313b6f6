//! What is ordered, and what can be known of an order before anything is written: what it says,
//! the card, and whether a trial is still to be had.

use uuid::Uuid;

use super::{
    Billing, BillingError,
    charging::bill,
    start::{Before, before},
};
use crate::{
    auth::session::secret::SecretHash,
    billing::{
        card_limit::Initiated,
        catalog::model::Terms,
        consent::Shown,
        gateway::{ChargeOutcome, PaymentMethod},
        subscription::{
            collect::CONFIRM_WITHIN,
            model::{Method, State, Subscription},
            store,
        },
    },
    money::Money,
    reader::{model::Reader, store as readers},
};

/// What a reader orders.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which plan of the current catalog.
    pub plan: String,
    /// By which card.
    pub card: Option<PaymentMethod>,
    /// Whether to begin with the plan's free trial; `false` pays at once.
    pub trial: bool,
    /// Whose laws and taxes apply (ISO 3166-1), where the reader said.
    pub country: Option<String>,
    /// What stood beside the button, where it was on a page of ours.
    pub shown: Option<Shown>,
    /// Where the wall stood that led here, for the figures: the path of an article.
    pub article: Option<String>,
}

/// A card as the gateway described it.
#[derive(Debug)]
struct CheckedCard {
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
    New {
        /// The provisional account.
        reader: Box<Reader>,
        /// The browser in which it begins.
        browser: SecretHash,
    },
}

impl Customer {
    fn id(&self) -> Uuid {
        match self {
            Self::Known(id) => *id,
            Self::New { reader, .. } => reader.id,
        }
    }
}

/// An order that can be written down: all that is known of it beforehand.
#[derive(Debug)]
pub struct ReadyOrder {
    pub(super) customer: Customer,
    pub(super) fresh: Subscription,
    /// What the gateway said of the card, where it was asked whether that can pay.
    pub(super) verified: Option<ChargeOutcome>,
    /// The card's, where the gateway tells cards apart.
    fingerprint: Option<String>,
    pub(super) shown: Option<Shown>,
    pub(super) article: Option<String>,
}

impl ReadyOrder {
    pub(super) fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Whether the bank wants to ask before it is known that the card is good.
    pub(super) fn waits_for_bank(&self) -> bool {
        matches!(self.verified, Some(ChargeOutcome::NeedsAuthentication { .. }))
    }
}

impl Billing {
    /// Makes an order ready to be written down; asks the gateway about the card. A card that pays
    /// later is set up. One that pays at once is verified first where the customer's address is not
    /// proved: what the address says of its owner is not looked at for a card that does not pay.
    /// `operation` names the subscription that it begins.
    ///
    /// # Errors
    /// [`BillingError`]: among others where it is not as it must be, where the card was declined, and
    /// where the reader had the trial before.
    pub async fn make_ready(
        &self,
        customer: Customer,
        order: Order,
        operation: Uuid,
        by: Initiated<'_>,
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
        let card = match &order.card {
            Some(method) => Some(self.check_card(by, method).await?),
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
        let fingerprint = card.as_ref().and_then(|card| card.fingerprint.as_deref());
        let is_proved = self.foresee(&customer, &fresh, fingerprint).await?;
        let verified = match &card {
            Some(card) if begins_trial => Some(self.verify(by, &fresh, (card, None)).await?),
            Some(card) if !is_proved => {
                let purchase = fresh.fresh_purchase(now);
                let purchase = purchase.ok_or(BillingError::impossible("no period"))?;
                let due = bill(&fresh, &purchase, Money::zero(fresh.terms.currency()))?.due;
                Some(self.verify(by, &fresh, (card, Some(due))).await?)
            }
            _ => None,
        };
        let fingerprint = card.and_then(|card| card.fingerprint);
        let Order { shown, article, .. } = order;
        Ok(ReadyOrder { customer, fresh, verified, fingerprint, shown, article })
    }

    /// Asks the gateway whether it knows a card.
    async fn check_card(
        &self,
        by: Initiated<'_>,
        method: &PaymentMethod,
    ) -> Result<CheckedCard, BillingError> {
        let card = self.gateway.card(by, method).await.map_err(BillingError::of_card)?;
        let token = method.as_str().to_owned();
        let described = Method { token, last4: card.last4, expires: card.expires };
        let fingerprint = card.fingerprint;
        Ok(CheckedCard { named: method.clone(), method: described, fingerprint })
    }

    /// Makes sure that a card that the gateway knows can be charged later, and pays `due` at once
    /// where there is something due. Nothing is charged.
    async fn verify(
        &self,
        by: Initiated<'_>,
        fresh: &Subscription,
        (card, due): (&CheckedCard, Option<Money>),
    ) -> Result<ChargeOutcome, BillingError> {
        let named = (fresh.id, fresh.reader);
        let answer = self.gateway.set_up(by, named, (&card.named, due)).await;
        match answer.map_err(BillingError::of_card)? {
            ChargeOutcome::Declined { code, .. } => Err(BillingError::PaymentDeclined(code)),
            answer @ ChargeOutcome::NeedsAuthentication { .. } if due.is_some() => {
                // The charge itself asks, once.
                self.gateway.cancel(fresh.id).await.map_err(BillingError::of_card)?;
                Ok(answer)
            }
            answer => Ok(answer),
        }
    }

    /// The card as it is kept.
    pub(super) async fn method(
        &self,
        by: Initiated<'_>,
        method: &PaymentMethod,
    ) -> Result<Method, BillingError> {
        Ok(self.check_card(by, method).await?.method)
    }

    /// Refuses an order before the card is touched, where that can be known. Says whether the
    /// customer's address is proved.
    async fn foresee(
        &self,
        customer: &Customer,
        fresh: &Subscription,
        fingerprint: Option<&str>,
    ) -> Result<bool, BillingError> {
        let begins_trial = matches!(fresh.state, State::Incomplete { begins_trial: true, .. });
        let mut tx = self.db.read().await?;
        let (reader, makes_room) = match customer {
            Customer::New { reader, .. } => (Reader::clone(reader), None),
            Customer::Known(id) => {
                let reader = readers::find(&mut tx, *id).await?.ok_or(BillingError::Gone)?;
                let open = store::list_open(&mut tx, &self.catalogs, *id).await?;
                let old = open.into_iter().find(|it| it.product() == fresh.product());
                (reader, superseded(old.as_ref(), fresh)?)
            }
        };
        if begins_trial {
            let of = (fresh.product(), makes_room);
            self.foresee_trial(&mut tx, (customer, &reader), of, fingerprint).await?;
        }
        Ok(reader.is_proved())
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
