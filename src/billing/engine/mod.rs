//! Where the rules of billing meet the world: each act gathers facts, lets the pure model decide,
//! and writes the change with everything that belongs to it in one transaction.
//!
//! `order` is what is ordered, `trials` who may have one free, `start` begins subscriptions, `manage` is
//! what readers do with theirs, `cancellation_notices` what they cancel without logging in, `office` and `refund` what staff do, `approve` what takes two of them, `foresee` what that
//! would mean, `settle` what is done where money did not go back, `switch` another plan
//! (`office_switch` by staff), `giving` what is given away, `again` what is told once more.
//! `charging` asks for money and takes answers, exactly once; `work` does what falls due. `record`
//! writes a change with its event, its mail, its notices and what it means in numbers.

mod again;
mod approve;
mod books;
mod cancellation_notices;
mod charging;
mod erase;
mod error;
mod foresee;
mod giving;
mod manage;
mod notices;
mod office;
mod office_switch;
mod order;
mod record;
mod refund;
mod settle;
mod start;
mod switch;
mod tell;
mod trials;
mod work;

use std::sync::Arc;

use aws_lc_rs::hmac;
use time::Duration;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

pub(super) use self::refund::by_card;
pub use self::{
    again::{Again, Offer},
    approve::Outcome,
    error::BillingError,
    foresee::{Act, Foreseen},
    giving::{DAYS_MAX, Gift},
    manage::{CancelAt, Cancellation, OwnSubscription},
    office::{Office, REASON_MAX},
    order::{Customer, Order, ReadyOrder},
    refund::GiveBack,
    start::Placed,
    switch::Preview,
};
use super::{
    access::{Standing, Standings},
    approval::limit::RefundLimits,
    cancellation_notice::ReceivedNotices,
    card_limit::CardLimits,
    catalog::versions::Catalogs,
    gateway::Gateway,
    grant::{self, Grant},
    link::MailLinks,
    notice::duty::Duties,
    subscription::{
        model::{EndReason, Subscription},
        store,
    },
    trial::TrialKey,
};
use crate::{
    audit::chain::ChainKey, clock::Clock, db::Db, ids::Ids, mail::MailRoom,
    site::directory::Directory,
};

/// How long whoever asks the gateway, or looks at what is due, has before another may.
pub const LEASE: Duration = Duration::seconds(60);

/// Does what can be done with subscriptions.
pub struct Billing {
    /// Everything that is kept.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Ids,
    /// What is sold.
    pub catalogs: Catalogs,
    /// Keeps cards and moves money.
    pub gateway: Gateway,
    /// Writes to readers.
    pub mail: MailRoom,
    /// What staff do is written into the audit log under it.
    pub audit_key: ChainKey,
    /// How many cards may be declined.
    pub cards: Arc<CardLimits>,
    /// How much one member of staff alone may give back.
    pub refund_limits: RefundLimits,
    /// Remembers who had a trial.
    pub trials: TrialKey,
    /// Signs previews.
    pub previews: hmac::Key,
    /// Signs the links in mails that need no login.
    pub links: MailLinks,
    /// The sites, whose calendars mails go by.
    pub directory: Arc<Directory>,
    /// What must be told, where and when.
    pub duties: Arc<Duties>,
    /// Where the links in mails lead.
    pub public_url: Arc<str>,
    /// What was looked up a moment ago.
    pub standings: Standings,
    /// Notices of cancellation that this process received just now.
    pub received_notices: ReceivedNotices,
    /// Told when something may have fallen due.
    pub news: Arc<Notify>,
    /// Whoever works holds this, so that a clock that moves can wait for the work.
    pub turn: Mutex<()>,
}

impl std::fmt::Debug for Billing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Billing").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

impl Billing {
    /// A reader's subscriptions as they stand now, the latest first; without those that never came
    /// about because the first payment was declined: the answer to that said so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, reader: Uuid) -> Result<Vec<Subscription>, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let all = store::list_of(&mut tx, &self.catalogs, reader).await?;
        let came_about = |it: &Subscription| {
            it.state.ended().is_none_or(|(_, reason)| reason != EndReason::PaymentDeclined)
        };
        Ok(all.into_iter().map(|it| it.as_of(now)).filter(came_about).collect())
    }

    /// What a reader began last, whatever came of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest(&self, reader: Uuid) -> Result<Option<Subscription>, BillingError> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let all = store::list_of(&mut tx, &self.catalogs, reader).await?;
        Ok(all.into_iter().next().map(|it| it.as_of(now)))
    }

    /// A reader's subscription as it stands now.
    ///
    /// # Errors
    /// [`BillingError::NotFound`], also for one of somebody else.
    pub async fn find(&self, reader: Uuid, id: Uuid) -> Result<Subscription, BillingError> {
        let mut tx = self.db.read().await?;
        let found = store::find(&mut tx, &self.catalogs, id).await?;
        let own = found.filter(|subscription| subscription.reader == reader);
        Ok(own.ok_or(BillingError::NotFound)?.as_of(self.clock.now()))
    }

    /// What a reader was given, the last to end first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grants(&self, reader: Uuid) -> Result<Vec<Grant>, BillingError> {
        Ok(grant::list_of(&mut self.db.read().await?, reader).await?)
    }

    /// What a reader may read without being metered, as it was at most a second ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standing(&self, reader: Uuid) -> Result<Arc<Standing>, BillingError> {
        let now = self.clock.now();
        if let Some(standing) = self.standings.recall(reader, now) {
            return Ok(standing);
        }
        let standing = Standing::of(&mut self.db.read().await?, &self.catalogs, reader).await?;
        let standing = Arc::new(standing);
        self.standings.remember(reader, &standing, now);
        Ok(standing)
    }
}
