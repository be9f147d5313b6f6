//! Doing what is due. Any number of instances may: each claims some for a while, and what one that
//! died had claimed is due again after that while.

use std::time::Duration as Wait;

use time::Duration;
use uuid::Uuid;

use super::{Billing, BillingError, LEASE, charging::Intent, record::wake_at};
use crate::{
    billing::{
        card_limit::Initiated,
        charge::{model::Charge, store as charges},
        event::{Actor, Event},
        gateway::{ChargeOutcome, ChargeRequest, GatewayError, PaymentMethod},
        letter::News,
        subscription::{
            due::Due,
            model::{Purchase, State, Subscription},
            store,
        },
    },
    clock::Timestamp,
    db::Tx,
    supervisor::Heartbeat,
};

/// Most that are claimed at a time.
const BATCH: i64 = 100;
/// How often to look whether something is due.
const CHECK: Wait = Wait::from_secs(1);
/// Longest wait before something that failed is tried again.
const BACKOFF_MAX: Duration = Duration::hours(6);

/// The same while the gateway does not answer.
const SILENCE_MAX: Duration = Duration::minutes(15);
/// How often something may go wrong with a subscription before people must look at it.
const TROUBLE_MAX: i64 = 12;

/// Most charges of one subscription in a day, as with Kill Bill.
const CHARGES_A_DAY_MAX: i64 = 15;

/// What the gateway is to be asked.
enum Ask {
    /// For a charge that was written down just now.
    Charge(Box<Charge>),
    /// What became of one.
    LookUp(Uuid),
    /// To call one off.
    CallOff(Uuid),
}

impl Billing {
    /// Does what falls due, for ever. Ends when it is dropped.
    pub async fn run(self: std::sync::Arc<Self>, heartbeat: Heartbeat) {
        heartbeat.beat();
        if let Err(error) = self.announce().await {
            tracing::warn!("new prices could not be announced: {error}");
        }
        loop {
            heartbeat.rest();
            let _ = tokio::time::timeout(CHECK, self.news.notified()).await;
            let _turn = self.turn.lock().await;
            if let Err(error) = self.work_until_idle(&heartbeat).await {
                tracing::warn!("what is due could not be looked at: {error}");
            }
        }
    }

    /// Moves a clock to `until` and does what falls due on the way, in order: `set` puts the clock
    /// to each instant at which something is due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn live_until(
        &self,
        until: Timestamp,
        set: impl Fn(Timestamp),
    ) -> Result<(), BillingError> {
        let _turn = self.turn.lock().await;
        self.announce().await?;
        let heartbeat = Heartbeat::default();
        loop {
            self.work_until_idle(&heartbeat).await?;
            let next = store::next_wake(&mut self.db.read().await?).await?;
            match next.filter(|next| *next <= until) {
                Some(next) => set(next),
                None => break,
            }
        }
        set(until);
        self.work_until_idle(&heartbeat).await
    }

    /// Has everybody looked at whose price is to change, so that they are told in time.
    async fn announce(&self) -> Result<(), BillingError> {
        let catalog = self.catalogs.current();
        for plan in catalog.plans.iter().filter(|plan| plan.migrate.is_some()) {
            loop {
                let (of, now) = ((plan.id.as_str(), catalog.version), self.clock.now());
                let mut tx = self.db.write().await?;
                let woken = store::wake_for_prices(&mut tx, of, now, BATCH).await?;
                tx.commit().await?;
                if woken == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn work_until_idle(&self, heartbeat: &Heartbeat) -> Result<(), BillingError> {
        while self.work_some(heartbeat).await? > 0 {}
        Ok(())
    }

    /// Does some of what is due, and says how many subscriptions and notices that were. What fails is noted
    /// with the one where it failed, and holds no other up.
    ///
    /// # Errors
    /// When the database cannot be asked at all.
    pub async fn work(&self) -> Result<usize, BillingError> {
        self.work_some(&Heartbeat::default()).await
    }

    async fn work_some(&self, heartbeat: &Heartbeat) -> Result<usize, BillingError> {
        heartbeat.beat();
        // Before anything is charged: what was canceled in time must not be.
        let noticed = self.work_off_notices().await.unwrap_or_else(|error| {
            tracing::warn!("notices of cancellation could not be looked at: {error}");
            0
        });
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let claimed = store::claim(&mut tx, (now, now.plus(LEASE)), BATCH).await?;
        tx.commit().await?;
        let asks = match self.begin_all(&claimed, now).await {
            Ok(asks) => asks,
            Err(_) => self.begin_each(&claimed, now).await?,
        };
        let mut asked = Vec::new();
        for ask in asks {
            heartbeat.beat();
            match ask {
                Ask::Charge(charge) => asked.push(*charge),
                Ask::LookUp(id) => self.note(id, self.look_up_open(id).await).await?,
                Ask::CallOff(id) => self.note(id, self.call_off(id).await).await?,
            }
        }
        self.charge_all(asked).await?;
        Ok(noticed + claimed.len() + self.refund_pending().await?)
    }

    async fn begin_all(&self, ids: &[Uuid], now: Timestamp) -> Result<Vec<Ask>, BillingError> {
        let mut tx = self.db.write().await?;
        let mut asks = Vec::new();
        for id in ids {
            asks.extend(self.begin(&mut tx, *id, now).await?);
        }
        tx.commit().await?;
        Ok(asks)
    }

    /// One transaction for each, so that one that fails takes no other with it.
    async fn begin_each(&self, ids: &[Uuid], now: Timestamp) -> Result<Vec<Ask>, BillingError> {
        let mut asks = Vec::new();
        for id in ids {
            match self.begin_all(std::slice::from_ref(id), now).await {
                Ok(ask) => asks.extend(ask),
                Err(error) => self.note_trouble(*id, &error).await?,
            }
        }
        Ok(asks)
    }

    async fn begin(
        &self,
        tx: &mut Tx,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Ask>, BillingError> {
        let taken = store::take(tx, &self.catalogs, id).await?;
        let Some(subscription) = taken else { return Ok(None) };
        match subscription.due(now) {
            Some(Due::Settle(charge)) => Ok(Some(Ask::LookUp(charge))),
            Some(Due::CallOff(charge)) => Ok(Some(Ask::CallOff(charge))),
            Some(Due::Lapse) => self.lapse(tx, subscription, now).await.map(|()| None),
            Some(Due::Collect(purchase)) => {
                if self.is_too_fast(tx, &purchase, (id, now)).await? {
                    store::wake(tx, id, Some(now.plus(Duration::DAY))).await?;
                    return Ok(None);
                }
                let purchase = self.at_its_price(tx, &subscription, *purchase).await?;
                let intent = Intent::of(purchase, true);
                let (_, charge) = self.intend(tx, subscription, intent, now).await?;
                Ok(Some(Ask::Charge(Box::new(charge))))
            }
            Some(Due::Remind) => self.remind(tx, subscription, now).await.map(|()| None),
            None => {
                self.send_notices(tx, &subscription, now).await?;
                let planned = self.plan_notices(tx, &subscription, now).await?;
                let next = wake_at(&subscription, planned, now);
                if next.is_some_and(|next| next <= now) {
                    return Err(BillingError::impossible("something is due that nobody can do"));
                }
                store::wake(tx, id, next).await?;
                Ok(None)
            }
        }
    }

    /// Whether a period that is over already would be one charge too many for a day: a clock that
    /// ran years ahead by mistake must not empty anybody's account.
    async fn is_too_fast(
        &self,
        tx: &mut Tx,
        purchase: &Purchase,
        (id, now): (Uuid, Timestamp),
    ) -> Result<bool, BillingError> {
        if now < purchase.turn.period.end {
            return Ok(false);
        }
        let count = charges::count_since(tx, id, now.minus(Duration::DAY)).await?;
        let is_too_fast = count >= CHARGES_A_DAY_MAX;
        if is_too_fast {
            tracing::error!(
                subscription.id = %id,
                "`{id}` is years behind: {count} periods were charged today, the next tomorrow"
            );
        }
        Ok(is_too_fast)
    }

    async fn remind(
        &self,
        tx: &mut Tx,
        subscription: Subscription,
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let State::PastDue { failure, .. } = subscription.state else { return Ok(()) };
        let amount = self.unpaid_invoice(tx, &subscription).await?.map(|invoice| invoice.due);
        let news = News::PaymentStillFailing {
            amount: amount.unwrap_or(subscription.terms.plan.price),
            grace_until: failure.grace_until,
            next_try: failure.retry_at,
        };
        let reminded = subscription.reminded();
        self.tell(tx, &reminded, news, now).await?;
        let event = Event::NoticeSent { notice: "payment_still_failing" };
        self.record(tx, (reminded, event), Actor::System, now).await?;
        Ok(())
    }

    async fn look_up_open(&self, id: Uuid) -> Result<(), BillingError> {
        let mut tx = self.db.read().await?;
        let charge = charges::find(&mut tx, &self.catalogs, id).await?;
        drop(tx);
        let charge = charge.ok_or(BillingError::impossible("an open charge that is not there"))?;
        let outcome = answered(self.look_up(&charge).await)?;
        self.settle_one(id, outcome).await
    }

    async fn settle_one(&self, id: Uuid, outcome: ChargeOutcome) -> Result<(), BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.settle(&mut tx, id, outcome, (Actor::System, now)).await?;
        Ok(tx.commit().await?)
    }

    async fn charge_all(&self, asked: Vec<Charge>) -> Result<(), BillingError> {
        if asked.is_empty() {
            return Ok(());
        }
        let mut settled = Vec::with_capacity(asked.len());
        for (charge, answer) in asked.iter().zip(self.send_all(&asked).await) {
            match answered(answer) {
                Ok(outcome) => settled.push((charge.id, charge.subscription, outcome)),
                Err(error) => self.note_trouble(charge.subscription, &error).await?,
            }
        }
        if self.settle_all(&settled).await.is_err() {
            for (id, subscription, outcome) in settled {
                if let Err(error) = self.settle_one(id, outcome).await {
                    self.note_trouble(subscription, &error).await?;
                }
            }
        }
        Ok(())
    }

    async fn send_all(&self, asked: &[Charge]) -> Vec<Result<ChargeOutcome, GatewayError>> {
        let mut answers = Vec::with_capacity(asked.len());
        let mut requests = Vec::new();
        let keys: Vec<String> = asked.iter().map(Charge::key).collect();
        let methods: Vec<Option<PaymentMethod>> = asked
            .iter()
            .map(|charge| charge.method.as_deref().and_then(PaymentMethod::parse))
            .collect();
        for ((charge, key), method) in asked.iter().zip(&keys).zip(&methods) {
            if let (Some(method), false) = (method, charge.amount.is_zero()) {
                requests.push(ChargeRequest {
                    key,
                    order: charge.id,
                    customer: charge.reader,
                    method,
                    amount: charge.amount,
                    off_session: charge.off_session,
                });
            }
        }
        let late = asked.iter().any(|it| self.clock.now().since(it.created_at) >= LEASE);
        let mut sent =
            if late { Vec::new() } else { self.gateway.charge_due(&requests).await }.into_iter();
        for (charge, method) in asked.iter().zip(&methods) {
            answers.push(match (method, charge.amount.is_zero()) {
                (Some(_), false) => sent.next().unwrap_or(Err(GatewayError::Unknown)),
                _ => self.send(charge, Initiated::ByMerchant).await,
            });
        }
        answers
    }

    async fn settle_all(
        &self,
        settled: &[(Uuid, Uuid, ChargeOutcome)],
    ) -> Result<(), BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        for (id, _, outcome) in settled {
            self.settle(&mut tx, *id, outcome.clone(), (Actor::System, now)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Notes with the subscription of an open charge that it could not be settled.
    async fn note(&self, charge: Uuid, done: Result<(), BillingError>) -> Result<(), BillingError> {
        let Err(error) = done else { return Ok(()) };
        let mut tx = self.db.read().await?;
        let found = charges::find(&mut tx, &self.catalogs, charge).await?;
        drop(tx);
        self.note_trouble(found.map_or(charge, |found| found.subscription), &error).await
    }

    async fn note_trouble(&self, id: Uuid, error: &BillingError) -> Result<(), BillingError> {
        let now = self.clock.now();
        let why: String = error.to_string().chars().take(300).collect();
        let mut tx = self.db.write().await?;
        let count = store::trouble_count(&mut tx, id).await? + 1;
        // A gateway that does not answer will some day; whatever else is wrong, people must mend.
        let waits = matches!(error, BillingError::Unavailable);
        let most = if waits { SILENCE_MAX } else { BACKOFF_MAX };
        let doubled = Duration::MINUTE * i32::try_from(1_i64 << count.clamp(0, 12)).unwrap_or(1);
        let is_stuck = !waits && count >= TROUBLE_MAX;
        let again_at = (!is_stuck).then(|| now.plus(doubled.min(most)));
        store::trouble(&mut tx, id, &why, (now, again_at)).await?;
        tx.commit().await?;
        if is_stuck {
            tracing::error!(subscription.id = %id, "`{id}` is stuck, somebody must look: {error}");
        } else {
            tracing::warn!(subscription.id = %id, attempt = count, "`{id}` is tried again: {error}");
        }
        Ok(())
    }
}

fn answered(answer: Result<ChargeOutcome, GatewayError>) -> Result<ChargeOutcome, BillingError> {
    match answer {
        Ok(outcome) => Ok(outcome),
        Err(GatewayError::Refused(code)) => Ok(ChargeOutcome::Declined { hard: true, code }),
        Err(GatewayError::Unknown) => Err(BillingError::Unavailable),
    }
}
