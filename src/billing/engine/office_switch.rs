//! What staff do with the plan of a subscription: switch it, by the rules and for the money of the
//! reader's own switch, and take a planned switch back.

use uuid::Uuid;

use super::{
    Billing, BillingError,
    charging::{PaidBy, bill},
    office::Office,
};
use crate::{
    billing::{
        card_limit::Initiated,
        catalog::model::Terms,
        subscription::{
            collect::Collected,
            model::Subscription,
            quote::{How, Quote},
        },
    },
    clock::Timestamp,
};

/// How `it` stands once it was switched. A payment that is made first may still fail.
pub(super) fn switched(
    it: &Subscription,
    (terms, quote): (&Terms, &Quote),
    now: Timestamp,
) -> Result<Subscription, BillingError> {
    let How::AtOnce { purchase, credit } = &quote.how else {
        return Ok(it.clone().switch_later(terms.clone(), now)?.0);
    };
    let total = bill(it, purchase, *credit)?.price.total;
    match it.clone().paid((**purchase).clone(), total, now) {
        Collected::Changed(after, _) | Collected::TooLate(after) => Ok(*after),
    }
}

impl Billing {
    /// Switches a subscription to another plan: exactly as `preview` showed where there is one,
    /// else as the rules have it now.
    ///
    /// # Errors
    /// [`BillingError`]; where the payment was declined, the old plan goes on.
    pub async fn office_switch(
        &self,
        id: Uuid,
        (plan, preview): (&str, Option<&str>),
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let terms = self.target(plan)?;
        let mut tx = self.db.write().await?;
        let current = self.take_any(&mut tx, id, (office, now)).await?;
        let quote = match preview {
            Some(preview) => self.as_shown(&mut tx, (&current, &terms), preview, now).await?,
            None => current.quote(&terms, now)?,
        };
        let after = switched(&current, (&terms, &quote), now)?;
        self.log(&mut tx, office, (&current, &after)).await?;
        let by = PaidBy { actor: office.actor(), starts: Initiated::ByMerchant };
        let by = (by, office.operation);
        self.switch_as(tx, (current, terms, quote), by).await
    }

    /// Takes a planned switch back: the plan stays.
    ///
    /// # Errors
    /// [`BillingError`].
    pub async fn office_keep_plan(
        &self,
        id: Uuid,
        office: &Office,
    ) -> Result<Subscription, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let before = self.take_any(&mut tx, id, (office, now)).await?;
        let changed = before.clone().revoke_switch()?;
        let kept = self.change(&mut tx, changed, office.actor(), now).await?;
        self.log(&mut tx, office, (&before, &kept)).await?;
        tx.commit().await?;
        Ok(kept)
    }
}
