//! Switching to another plan: first shown, then done exactly so.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Billing, BillingError,
    charging::{Intent, PaidBy, bill},
    manage::OwnSubscription,
};
use crate::{
    billing::{
        card_limit::{CardTurn, Initiated},
        catalog::model::Terms,
        consent,
        event::Actor,
        ledger::balance,
        subscription::{
            change::Refusal,
            model::Subscription,
            quote::{HOLDS_FOR, How, Quote},
        },
    },
    clock::Timestamp,
    db::Tx,
    money::Money,
};

/// What a switch would do, and the token by which it does exactly that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// To be sent with the switch.
    pub token: String,
    /// What is paid at once.
    pub charge: Money,
    /// What is given back for the rest of the old period.
    pub credit: Money,
    /// When the other plan begins.
    pub effective_at: Timestamp,
    /// The end of its first period, or of the trial that goes on.
    pub period_end: Timestamp,
    /// When its price is charged next, after what is paid at once.
    pub next_charge_at: Timestamp,
}

/// What a token stands for. Whatever else the amounts depend on is looked at again.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    subscription: Uuid,
    revision: i64,
    plan: String,
    version: i64,
    at: i64,
    charge: i64,
    credit: i64,
}

impl Billing {
    /// What a switch of a reader's subscription to `plan` would do now.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn preview(
        &self,
        (reader, id): (Uuid, Uuid),
        plan: &str,
    ) -> Result<Preview, BillingError> {
        let current = self.find(reader, id).await?;
        let mut tx = self.db.read().await?;
        let (terms, now) = (self.target(plan)?, self.clock.now());
        let quote = current.quote(&terms, now)?;
        self.show_switch(&mut tx, (&current, &terms), (&quote, now)).await
    }

    /// What the `quote` of `now` comes to, with the token by which exactly that is done.
    pub(super) async fn show_switch(
        &self,
        tx: &mut Tx,
        (current, terms): (&Subscription, &Terms),
        (quote, now): (&Quote, Timestamp),
    ) -> Result<Preview, BillingError> {
        let (charge, credit) = self.amounts(tx, current, quote).await?;
        let shown = Shown {
            subscription: current.id,
            revision: current.revision,
            plan: terms.plan.id.clone(),
            version: terms.catalog.version,
            at: now.micros(),
            charge: charge.amount,
            credit: credit.amount,
        };
        Ok(of_quote(self.sign(&shown)?, (charge, credit), quote))
    }

    /// The preview that `token` stands for, as it was shown; `None` where it is none of ours for this
    /// switch, or holds no longer.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn previewed(
        &self,
        (reader, id): (Uuid, Uuid),
        plan: &str,
        token: &str,
    ) -> Result<Option<Preview>, BillingError> {
        let current = self.find(reader, id).await?;
        let terms = self.target(plan)?;
        current.may_switch(&terms)?;
        let is_meant = |shown: &Shown| shown.subscription == id && shown.plan == plan;
        let Some(shown) = self.read(token).filter(is_meant) else { return Ok(None) };
        let Some(at) = Timestamp::from_micros(shown.at) else { return Ok(None) };
        let Ok(quote) = current.quote(&terms, at) else { return Ok(None) };
        let money = |amount| Money { amount, ..Money::zero(terms.currency()) };
        let amounts = (money(shown.charge), money(shown.credit));
        Ok(Some(of_quote(token.to_owned(), amounts, &quote)))
    }

    /// The plan that somebody may switch to.
    pub(super) fn target(&self, plan: &str) -> Result<Terms, BillingError> {
        let terms = Terms::of(&self.catalogs.current(), plan).filter(|terms| terms.plan.offered);
        terms.ok_or_else(|| {
            let rule = "must be the id of a plan that is offered".to_owned();
            BillingError::Invalid { field: "plan", rule }
        })
    }

    /// The plans that `it` could be switched to: of the same product, paid in the same currency.
    #[must_use]
    pub fn other_plans(&self, it: &Subscription) -> Vec<Terms> {
        let catalog = self.catalogs.current();
        let is_other = |terms: &Terms| {
            terms.plan.product == it.product()
                && terms.plan.id != it.terms.plan.id
                && terms.currency() == it.terms.currency()
        };
        let terms = catalog.offered(None).filter_map(|plan| Terms::of(&catalog, &plan.id));
        terms.filter(is_other).collect()
    }

    async fn amounts(
        &self,
        tx: &mut Tx,
        current: &Subscription,
        quote: &Quote,
    ) -> Result<(Money, Money), BillingError> {
        let How::AtOnce { purchase, credit } = &quote.how else {
            let nothing = Money::zero(current.terms.currency());
            return Ok((nothing, nothing));
        };
        let due = bill(current, purchase, *credit)?.due;
        let balance = balance::balance_of(tx, current.reader, due.currency).await?;
        let used = balance.amount.clamp(0, due.amount);
        Ok((Money { amount: due.amount - used, ..due }, *credit))
    }

    fn sign(&self, shown: &Shown) -> Result<String, BillingError> {
        let facts =
            serde_json::to_vec(shown).map_err(|error| BillingError::Failed(error.into()))?;
        let tag = hmac::sign(&self.previews, &facts);
        Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(&facts), URL_SAFE_NO_PAD.encode(tag)))
    }

    fn read(&self, token: &str) -> Option<Shown> {
        let (facts, tag) = token.split_once('.')?;
        let facts = URL_SAFE_NO_PAD.decode(facts).ok()?;
        hmac::verify(&self.previews, &facts, &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
        serde_json::from_slice(&facts).ok()
    }

    /// Switches a reader's subscription as `preview` showed. `agreed` is what stood beside the button,
    /// where it was on a page of ours.
    ///
    /// # Errors
    /// [`Refusal::PreviewStale`] where anything has changed since, and else [`BillingError`].
    pub async fn switch(
        &self,
        of: impl Into<OwnSubscription>,
        plan: &str,
        preview: &str,
        agreed: Option<&consent::Shown>,
        turn: &CardTurn,
    ) -> Result<Subscription, BillingError> {
        let of = of.into();
        let now = self.clock.now();
        let terms = self.target(plan)?;
        let mut tx = self.db.write().await?;
        let current = self.take(&mut tx, of, now).await?;
        let quote = self.as_shown(&mut tx, (&current, &terms), preview, now).await?;
        if let Some(agreed) = agreed {
            let to = (&current, &terms);
            consent::insert(&mut tx, self.ids.uuid(now)?, to, agreed, now);
        }
        // A switch that charges nothing asks the gateway nothing.
        let permit = match quote.how {
            How::AtOnce { .. } => Some(turn.admit(&mut tx).await?),
            How::InTrial | How::AtPeriodEnd => None,
        };
        let starts = permit.as_ref().map_or(Initiated::ByMerchant, Initiated::ByCustomer);
        let by = PaidBy { actor: Actor::Reader, starts };
        self.switch_as(tx, (current, terms, quote), (by, of.operation)).await
    }

    /// The quote that `preview` showed, if all of it still holds.
    pub(super) async fn as_shown(
        &self,
        tx: &mut Tx,
        (current, terms): (&Subscription, &Terms),
        preview: &str,
        now: Timestamp,
    ) -> Result<Quote, BillingError> {
        let stale = BillingError::Refused(Refusal::PreviewStale);
        current.may_switch(terms)?;
        let Some(shown) = self.read(preview) else { return Err(stale) };
        let Some(shown_at) = Timestamp::from_micros(shown.at) else { return Err(stale) };
        let in_time = shown_at <= now && now < shown_at.plus(HOLDS_FOR);
        if !in_time || current.due(now).is_some() {
            return Err(stale);
        }
        let quote = current.quote(terms, shown_at)?;
        let (charge, credit) = self.amounts(tx, current, &quote).await?;
        let holds = Shown {
            subscription: current.id,
            revision: current.revision,
            plan: terms.plan.id.clone(),
            version: terms.catalog.version,
            at: shown.at,
            charge: charge.amount,
            credit: credit.amount,
        };
        if holds == shown { Ok(quote) } else { Err(stale) }
    }

    /// Does what `quote` says, and commits.
    pub(super) async fn switch_as(
        &self,
        mut tx: Tx,
        (current, terms, quote): (Subscription, Terms, Quote),
        (by, operation): (PaidBy<'_>, Option<Uuid>),
    ) -> Result<Subscription, BillingError> {
        let (id, now) = (current.id, self.clock.now());
        let How::AtOnce { purchase, credit } = quote.how else {
            let changed = current.switch_later(terms, now)?;
            let changed = self.change(&mut tx, changed, by.actor, now).await?;
            tx.commit().await?;
            return Ok(changed);
        };
        let off_session = by.actor != Actor::Reader;
        let intent = Intent { purchase: *purchase, credit, off_session, operation };
        let (_, charge) = self.intend(&mut tx, current, intent, now).await?;
        tx.commit().await?;
        self.collect_or_refuse(&charge, by).await?;
        self.reload(id).await
    }

    /// Takes a reader's planned switch back.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn revoke_switch(
        &self,
        of: impl Into<OwnSubscription>,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let changed = self.take(&mut tx, of.into(), now).await?.revoke_switch()?;
        let kept = self.change(&mut tx, changed, Actor::Reader, now).await?;
        tx.commit().await?;
        Ok(kept)
    }
}

fn of_quote(token: String, (charge, credit): (Money, Money), quote: &Quote) -> Preview {
    let Quote { effective_at, period_end, .. } = *quote;
    let next_charge_at = match quote.how {
        How::AtPeriodEnd => effective_at,
        How::InTrial | How::AtOnce { .. } => period_end,
    };
    Preview { token, charge, credit, effective_at, period_end, next_charge_at }
}
