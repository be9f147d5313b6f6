//! Staff give money of an invoice back, by the card that paid it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Billing, BillingError,
    approve::{Outcome, Wanted},
    books::Why,
    office::Office,
};
use crate::{
    billing::{
        charge::store as charges,
        event::{Actor, Event},
        invoice::{
            credit_store as credits, model::Invoice, settle_store as settle, store as invoices,
        },
        letter::News,
        subscription::{
            change::Refusal,
            model::{State, Subscription},
        },
    },
    clock::Timestamp,
    db::Tx,
    money::Money,
};

/// What is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GiveBack {
    /// Of which invoice of the subscription; the one that was paid last where nothing is said.
    pub invoice: Option<Uuid>,
    /// How much; all that is left of it where nothing is said.
    pub amount: Option<Money>,
}

/// A part of an invoice that can be given back, or was.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) invoice: Invoice,
    /// Above zero.
    pub(super) amount: Money,
}

/// In whose name money goes back, and who decided it: two people where it took two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) actor: Actor,
    pub(super) why: Why<'a>,
}

impl<'a> Who<'a> {
    /// One person decides and does it.
    pub(super) fn alone(office: &'a Office) -> Self {
        let why = Why { reason: &office.reason, by: office.staff() };
        Self { actor: office.actor(), why }
    }
}

impl Part {
    /// What the audit log says of it.
    pub(super) fn for_the_log(&self) -> Value {
        json!({"refunded": self.amount, "invoice": self.invoice.head.id})
    }
}

/// What of an invoice can still go back to the card: what was paid and not given back yet, and no
/// more than the card brought.
pub(in crate::billing) async fn by_card(
    tx: &mut Tx,
    invoice: &Invoice,
) -> Result<Money, BillingError> {
    let left = invoice.creditable();
    let paid = match invoice.charge() {
        Some(charge) => credits::refundable(tx, charge, left.currency).await?,
        None => Money::zero(left.currency),
    };
    Ok(Money { amount: left.amount.min(paid.amount), ..left })
}

/// The part of one of the subscription's invoices that `order` means.
pub(super) async fn part_of(
    tx: &mut Tx,
    subscription: Uuid,
    order: GiveBack,
) -> Result<Part, BillingError> {
    let invoice = match order.invoice {
        Some(id) => {
            let found = invoices::find(tx, id).await?;
            let own = found.filter(|it| it.head.subscription == subscription);
            own.ok_or_else(|| {
                let rule = "must be the id of an invoice of this subscription".to_owned();
                BillingError::Invalid { field: "invoice", rule }
            })?
        }
        None => {
            let last = invoices::find_last_paid(tx, subscription).await?;
            last.ok_or(BillingError::RefundTooLarge)?
        }
    };
    let left = by_card(tx, &invoice).await?;
    let amount = order.amount.unwrap_or(left);
    if amount.currency != left.currency {
        let rule = format!("must be in {}, as it was paid", left.currency.code());
        return Err(BillingError::Invalid { field: "amount.currency", rule });
    }
    if amount.amount < 1 || amount.amount > left.amount {
        return Err(BillingError::RefundTooLarge);
    }
    Ok(Part { invoice, amount })
}

/// What of the running period's payment can go back to the card. Only of a period that is paid, and
/// only what was not given back before.
pub(super) async fn running_part(
    tx: &mut Tx,
    it: &Subscription,
    now: Timestamp,
) -> Result<Option<Part>, BillingError> {
    if !matches!(&it.state, State::Active(paid) if now < paid.turn.period.end) {
        return Ok(None);
    }
    match part_of(tx, it.id, GiveBack::default()).await {
        Ok(part) => Ok(Some(part)),
        Err(BillingError::RefundTooLarge) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Billing {
    /// Gives money of one of the subscription's invoices back, or asks a second person to.
    ///
    /// # Errors
    /// [`BillingError::RefundTooLarge`]; [`BillingError::Invalid`] for an invoice of another
    /// subscription, or another currency.
    pub async fn office_refund(
        &self,
        id: Uuid,
        order: GiveBack,
        office: &Office,
    ) -> Result<Outcome, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.lock_reader_of(&mut tx, id).await?;
        let before = self.take_any(&mut tx, id, (office, now)).await?;
        let part = part_of(&mut tx, id, order).await?;
        if self.takes_two(&mut tx, (office, &before, &part), now).await? {
            let wanted = Wanted { of: &before, part: &part, cancels: false };
            return self.ask_for_a_second(tx, wanted, office, now).await;
        }
        let who = Who::alone(office);
        let after = self.refund_of(&mut tx, (&before, &part), who, now).await?;
        self.log_with(&mut tx, office, (&before, &after), &part.for_the_log()).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(Outcome::Done(Box::new(after)))
    }

    /// Gives a part back of a subscription that goes on, and gives it as it stands then.
    pub(super) async fn refund_of(
        &self,
        tx: &mut Tx,
        (before, part): (&Subscription, &Part),
        who: Who<'_>,
        now: Timestamp,
    ) -> Result<Subscription, BillingError> {
        self.holds_still(tx, before).await?;
        let last = invoices::find_last_paid(tx, before.id).await?;
        self.refund_in(tx, (before, part), who, now).await?;
        let left = settle::creditable_of(tx, before.id, part.amount.currency).await?;
        let is_last = last.is_some_and(|last| last.head.id == part.invoice.head.id);
        let after = before.clone().given_back(part.amount, is_last, left);
        self.save(tx, &after, now).await?;
        Ok(after)
    }

    /// What an open switch gives back of earlier invoices must still be there when it is settled.
    async fn holds_still(&self, tx: &mut Tx, it: &Subscription) -> Result<(), BillingError> {
        let Some(open) = it.open else { return Ok(()) };
        let charge = charges::find(tx, &self.catalogs, open.id).await?;
        if charge.is_some_and(|charge| !charge.credit.is_zero()) {
            let why = "a payment is being made; try again in a moment";
            return Err(Refusal::InvalidTransition(why).into());
        }
        Ok(())
    }

    pub(super) async fn refund_in(
        &self,
        tx: &mut Tx,
        (subscription, part): (&Subscription, &Part),
        who: Who<'_>,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let Part { invoice, amount } = part;
        self.give_back(tx, (invoice, *amount), who.why, now).await?;
        let event = Event::Refunded { amount: *amount, reason: who.why.reason.to_owned() };
        self.write_event(tx, (subscription, &event), who.actor, now)?;
        let number = invoice.number().unwrap_or_default().to_owned();
        let news = News::Refunded { amount: *amount, invoice: number };
        self.tell(tx, subscription, news, now).await
    }
}
