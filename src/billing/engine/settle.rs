//! Refunds that the gateway refused: staff try another, put the money on the reader's balance, or
//! pay it in another way and say so.

use serde_json::json;
use uuid::Uuid;

use super::{
    Billing, BillingError,
    office::{Office, check_new, note_done},
};
use crate::{
    audit::store as audit,
    billing::{
        approval::request::Undecided,
        event::Event,
        invoice::{
            credit::{Refund, RefundState, SettledAs},
            credit_store as credits, settle_store,
            store::InvoiceError,
        },
        ledger::{booking, store as ledger},
        letter::News,
        subscription::{change::Refusal, store},
    },
    clock::Timestamp,
    db::Tx,
    money::Money,
    reader::store as readers,
};

/// Most refused refunds in one list.
const REFUSED_LISTED_MAX: i64 = 100;

const SEEN_TO: Refusal =
    Refusal::InvalidTransition("the gateway did not refuse this refund, or somebody saw to it");
const NOBODYS: Refusal = Refusal::InvalidTransition(
    "the account was erased, so nobody could use its balance; try the refund again, or pay it in \
     another way",
);

impl Billing {
    /// Refunds that the gateway refused and nobody has seen to yet, the oldest 100 first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refused_refunds(&self) -> Result<Vec<Refund>, BillingError> {
        Ok(settle_store::list_refused(&mut self.db.read().await?, REFUSED_LISTED_MAX).await?)
    }

    /// Tries a refund that was refused once more, as a new one: gateways answer the same to the
    /// same. Gives the new one.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless it waits for somebody; [`BillingError::RefundTooLarge`]
    /// when the card's money went back in other ways since.
    pub async fn retry_refund(&self, id: Uuid, office: &Office) -> Result<Refund, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let id_again = office.operation.map_or_else(|| self.ids.uuid(now), Ok)?;
        // The same request, sent again after its answer was lost.
        if let Some(done) = credits::find_refund(&mut tx, id_again).await? {
            return Ok(done);
        }
        let refused = take_refused(&mut tx, id, SettledAs::Retried, now).await?;
        let again =
            Refund { id: id_again, state: RefundState::Pending, created_at: now, ..refused };
        credits::insert_refund(&mut tx, &again).await?;
        let after = json!({"status": "pending", "refund": again.id, "amount": again.amount,
                           "reason": office.reason});
        self.log_settled(&mut tx, (id, after), office).await?;
        tx.commit().await?;
        self.news.notify_one();
        Ok(again)
    }

    /// Puts the money of a refund that was refused on the reader's balance, and tells the reader.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless it waits for somebody, and the reader is there.
    pub async fn settle_refund(&self, id: Uuid, office: &Office) -> Result<Refund, BillingError> {
        self.see_to(id, SettledAs::Balance, office).await
    }

    /// Writes down that the money of a refund that was refused was paid in another way, say by a
    /// transfer, and tells the reader, if there is one still.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless it waits for somebody; [`Undecided::Own`] for whoever
    /// decided a refund that takes two: nobody sees that the money arrives.
    pub async fn pay_refund_out(&self, id: Uuid, office: &Office) -> Result<Refund, BillingError> {
        self.see_to(id, SettledAs::PaidOut, office).await
    }

    async fn see_to(
        &self,
        id: Uuid,
        done: SettledAs,
        office: &Office,
    ) -> Result<Refund, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let known = credits::find_refund(&mut tx, id).await?.ok_or(BillingError::NotFound)?;
        match check_new(&mut tx, id, office).await {
            Err(BillingError::Repeated) => return Ok(known),
            other => other?,
        }
        let has_reader = readers::take(&mut tx, known.reader).await?.is_some();
        if done == SettledAs::Balance && !has_reader {
            return Err(NOBODYS.into());
        }
        if done == SettledAs::PaidOut && self.is_own(&known, office) {
            return Err(Undecided::Own.into());
        }
        let subscription = store::take(&mut tx, &self.catalogs, known.subscription).await?;
        let subscription = subscription.ok_or(BillingError::NotFound)?;
        let refused = take_refused(&mut tx, id, done, now).await?;
        let (amount, reason) = (refused.amount, office.reason.clone());
        let (entry, event, news) = match done {
            SettledAs::PaidOut => (
                booking::refunded(&refused, now),
                Event::RefundPaidOut { amount, reason },
                News::RefundPaidOut { amount },
            ),
            SettledAs::Retried | SettledAs::Balance => (
                booking::settled(&refused, now),
                Event::RefundSettled { amount, reason },
                News::RefundSettled { amount },
            ),
        };
        let entry = entry.map_err(InvoiceError::from)?;
        ledger::append(&mut tx, &[entry]).await.map_err(InvoiceError::from)?;
        self.write_event(&mut tx, (&subscription, &event), office.actor(), now)?;
        self.tell(&mut tx, &subscription, news, now).await?;
        let after = json!({"status": "settled", "to": done.as_str(), "amount": amount,
                           "reason": office.reason});
        note_done(&mut tx, id, office).await?;
        self.log_settled(&mut tx, (id, after), office).await?;
        tx.commit().await?;
        Ok(credits::find_refund(&mut self.db.read().await?, id).await?.unwrap_or(refused))
    }

    /// Whether whoever acts decided a refund themselves that takes two.
    fn is_own(&self, refund: &Refund, office: &Office) -> bool {
        let takes_two =
            self.refund_limits.take_two(Money::zero(refund.amount.currency), refund.amount);
        takes_two && refund.decided_by.is_some() && refund.decided_by == office.staff()
    }

    async fn log_settled(
        &self,
        tx: &mut Tx,
        (id, after): (Uuid, serde_json::Value),
        office: &Office,
    ) -> Result<(), BillingError> {
        let entry = office.entry.clone().on("refund", id);
        let entry = entry.before(json!({"status": "failed"})).after(after);
        audit::append(tx, &self.audit_key, &entry).await?;
        Ok(())
    }
}

/// Takes a refund that waits for somebody: of several who see to it, one gets it.
async fn take_refused(
    tx: &mut Tx,
    id: Uuid,
    done: SettledAs,
    now: Timestamp,
) -> Result<Refund, BillingError> {
    let refund = credits::find_refund(tx, id).await?.ok_or(BillingError::NotFound)?;
    if settle_store::settle(tx, id, done, now).await? { Ok(refund) } else { Err(SEEN_TO.into()) }
}
