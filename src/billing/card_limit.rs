//! How often the gateway may be asked about cards by one customer, and from one network.
//!
//! A person who has bought stolen card numbers tries them wherever a gateway answers: by a charge, by
//! a set-up, by a look-up. So the gateway answers a question about a card only to [`Initiated`], and
//! where a customer starts it that takes a [`Permit`], which only [`CardLimits`] gives. A card that is
//! accepted costs nothing.
//!
//! A customer has one [`CardTurn`] at a time on each instance: of cards that are sent at once none is
//! tried before the answer to the one before has counted.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use uuid::Uuid;

use crate::{
    auth::{
        limit_store::{self, LimitError, LimitKey},
        limits::{Policy, RetryAfter},
        network_counter::{BlockPolicies, NetworkCounter},
    },
    clock::{Clock, Timestamp},
    db::{Db, StoreError, Tx},
};

/// Requests of one customer that wait for their turn.
const WAITING_MAX: usize = 10;
/// Customers whose turns are remembered before those that are over are forgotten.
const TURNS_MAX: usize = 1_000;
/// A wider block of addresses may be declined so many times as often as one network.
const WIDER: u32 = 10;

/// How many cards may be declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardPolicies {
    /// Of one customer.
    pub customer: Policy,
    /// From one network, over all customers; not limited where there is none.
    pub network: Option<Policy>,
}

/// The customer who starts something at the gateway, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Initiator {
    /// The account, or the one that is about to begin.
    pub customer: Uuid,
    /// The address of the other end; `None` where it came through no listener.
    pub client: Option<IpAddr>,
}

/// Counts declined cards.
pub struct CardLimits {
    db: Db,
    clock: Arc<dyn Clock>,
    policies: CardPolicies,
    turns: Turns,
    networks: NetworkCounter,
}

impl fmt::Debug for CardLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardLimits").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl CardLimits {
    /// Counts under `policies`.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, policies: CardPolicies) -> Self {
        let blocks = policies.network.map(|own| {
            let wider = Some(own.times(WIDER));
            BlockPolicies { own, v4_24: wider, v6_56: None, v6_48: wider }
        });
        let networks = NetworkCounter::new(blocks);
        Self { db, clock, policies, turns: Turns::default(), networks }
    }

    /// Waits until nothing else that this customer started is at the gateway. Not to be awaited within a
    /// transaction: another turn may wait for that.
    ///
    /// # Errors
    /// [`RetryAfter`] where too many wait already.
    pub async fn turn(self: &Arc<Self>, initiator: Initiator) -> Result<CardTurn, RetryAfter> {
        let held = self.turns.take(initiator.customer).await.ok_or(RetryAfter(Duration::SECOND))?;
        Ok(CardTurn { limits: Arc::clone(self), initiator, _held: held })
    }

    /// Takes back one decline of a customer, whose bank has confirmed a card that had counted as one
    /// until then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forgive(
        &self,
        tx: &mut Tx,
        customer: Uuid,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = LimitKey::declined(&customer.to_string());
        limit_store::give_back(tx, key, self.policies.customer, now).await
    }

    async fn record(&self, customer: Uuid) -> Result<(), StoreError> {
        let key = LimitKey::declined(&customer.to_string());
        let mut tx = self.db.write().await?;
        limit_store::record(&mut tx, key, self.policies.customer, self.clock.now()).await?;
        tx.commit().await
    }
}

/// One customer's turn to have cards tried.
#[derive(Debug)]
pub struct CardTurn {
    limits: Arc<CardLimits>,
    initiator: Initiator,
    _held: OwnedMutexGuard<()>,
}

impl CardTurn {
    /// Lets the customer ask the gateway, where not too many of their cards were declined. `tx` need
    /// not be one of its own: nothing is written.
    ///
    /// # Errors
    /// [`LimitError`].
    pub async fn admit(&self, tx: &mut Tx) -> Result<Permit<'_>, LimitError> {
        let (limits, Initiator { customer, client }) = (&*self.limits, self.initiator);
        let now = limits.clock.now();
        let key = LimitKey::declined(&customer.to_string());
        limit_store::check(tx, key, limits.policies.customer, now).await?;
        // Counted before the card is tried, so that of cards that are sent at once no more are tried than
        // may be declined.
        limits.networks.take(client, now).map_err(LimitError::Exceeded)?;
        Ok(Permit { turn: self, declined: AtomicBool::new(false), waits: AtomicBool::new(false) })
    }

    /// [`CardTurn::admit`] outside of any transaction.
    ///
    /// # Errors
    /// [`LimitError`].
    pub async fn admit_alone(&self) -> Result<Permit<'_>, LimitError> {
        let mut tx = self.limits.db.read().await?;
        self.admit(&mut tx).await
    }
}

/// What the gateway said of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is accepted; or there is no answer.
    Accepted,
    /// The bank asks the customer first: it counts for the customer until that is answered.
    Waits,
    /// It is declined, or not known.
    Declined,
}

/// Leave to ask the gateway about cards of one customer.
#[derive(Debug)]
pub struct Permit<'t> {
    turn: &'t CardTurn,
    /// Whether a card was declined: then the network keeps what was reserved.
    declined: AtomicBool,
    /// Whether the bank wants to ask, which counts once however often it is asked for here.
    waits: AtomicBool,
}

impl Permit<'_> {
    async fn note(&self, verdict: Verdict) {
        let CardTurn { limits, initiator, .. } = self.turn;
        let counts = match verdict {
            Verdict::Accepted => false,
            Verdict::Waits => !self.waits.swap(true, Ordering::Relaxed),
            Verdict::Declined => {
                self.declined.store(true, Ordering::Relaxed);
                true
            }
        };
        if !counts {
            return;
        }
        if let Err(error) = limits.record(initiator.customer).await {
            tracing::error!("a declined card could not be counted: {error}");
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.declined.load(Ordering::Relaxed) {
            self.turn.limits.networks.give_back(self.turn.initiator.client);
        }
    }
}

/// Who starts a call to the gateway, as card schemes distinguish it.
#[derive(Debug, Clone, Copy)]
pub enum Initiated<'p> {
    /// A customer, who has leave for it.
    ByCustomer(&'p Permit<'p>),
    /// The publisher: the schedule, or staff.
    ByMerchant,
}

impl Initiated<'_> {
    /// Counts what the gateway said of a card.
    pub(super) async fn note(self, verdict: Verdict) {
        match self {
            Self::ByCustomer(permit) => permit.note(verdict).await,
            Self::ByMerchant => {}
        }
    }
}

/// One at a time for each customer.
#[derive(Default)]
struct Turns(Mutex<HashMap<Uuid, Weak<AsyncMutex<()>>>>);

impl Turns {
    /// `None` where too many wait.
    async fn take(&self, customer: Uuid) -> Option<OwnedMutexGuard<()>> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() >= TURNS_MAX {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            match turns.get(&customer).and_then(Weak::upgrade) {
                // One has the turn, and this one was counted just now.
                Some(turn) if Arc::strong_count(&turn) > WAITING_MAX + 1 => return None,
                Some(turn) => turn,
                None => {
                    let turn = Arc::default();
                    turns.insert(customer, Arc::downgrade(&turn));
                    turn
                }
            }
        };
        Some(turn.lock_owned().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_ready(future: impl Future) -> bool {
        tokio::select! {
            biased;
            _ = future => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn a_customer_has_one_turn_and_few_wait_for_it() {
        let turns = Turns::default();
        let customer = Uuid::from_u128(1);
        let held = turns.take(customer).await.unwrap();
        assert!(turns.take(Uuid::from_u128(2)).await.is_some(), "others go on");
        let mut waiting: Vec<_> =
            (0..WAITING_MAX).map(|_| Box::pin(turns.take(customer))).collect();
        for waits in &mut waiting {
            assert!(!is_ready(waits.as_mut()).await);
        }
        assert!(turns.take(customer).await.is_none(), "one too many");
        drop(held);
        assert!(is_ready(waiting[0].as_mut()).await);
        drop(waiting);
        assert!(turns.take(customer).await.is_some());
    }

    #[tokio::test]
    async fn turns_that_are_over_are_forgotten() {
        let turns = Turns::default();
        for customer in 0..3 * u128::try_from(TURNS_MAX).unwrap() {
            turns.take(Uuid::from_u128(customer)).await.unwrap();
        }
        assert!(turns.0.lock().unwrap().len() <= TURNS_MAX);
    }
}
