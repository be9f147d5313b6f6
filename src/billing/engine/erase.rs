//! The end of an account: whatever is still subscribed ends at once, and cards are forgotten.

use uuid::Uuid;

use super::{Billing, BillingError};
use crate::{
    billing::{
        charge::store as charges,
        event::Actor,
        idempotency::store as idempotency,
        subscription::{model::EndReason, store},
    },
    clock::Timestamp,
    db::Tx,
};

impl Billing {
    /// Ends all subscriptions of a reader whose account is being erased, in the transaction that
    /// erases it. A charge that is on its way is given back when it arrives. What the law makes us
    /// keep about payments stays, under the bare id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_for(
        &self,
        tx: &mut Tx,
        reader: Uuid,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        for id in store::open_of(tx, reader).await? {
            let Some(open) = store::take(tx, &self.catalogs, id).await? else { continue };
            let (ended, event) = match open.clone().as_of(now).state.ended() {
                // It had ended by the clock before.
                Some(_) => match open.lapse() {
                    Some(lapsed) => lapsed,
                    None => continue,
                },
                None => open.cancel_now(EndReason::Erased, now)?,
            };
            self.record(tx, (ended, event), Actor::Reader, now).await?;
        }
        store::forget_methods(tx, reader).await?;
        charges::forget_methods(tx, reader).await?;
        idempotency::forget(tx, reader).await?;
        self.news.notify_one();
        Ok(())
    }
}
