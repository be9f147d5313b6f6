//! What a switch to another plan would cost: what the preview shows, and what the switch then does
//! to the cent and the second. Pure.

use time::Duration;

use super::{
    change::Refusal,
    model::{Purchase, Purpose, State, Subscription, Turn},
};
use crate::{
    billing::{calendar::Schedule, catalog::model::Terms},
    clock::Timestamp,
    money::Money,
};

/// For how long a preview holds, if nothing changes meanwhile.
pub const HOLDS_FOR: Duration = Duration::minutes(15);

/// What a switch would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// How.
    pub how: How,
    /// When the other plan begins.
    pub effective_at: Timestamp,
    /// The end of its first period, or of the trial that goes on.
    pub period_end: Timestamp,
}

/// How a switch comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// In a trial: at once, and no money moves.
    InTrial,
    /// From the end of the paid period.
    AtPeriodEnd,
    /// At once, with the rest of the paid period given back.
    AtOnce {
        /// What is bought.
        purchase: Box<Purchase>,
        /// What is given back of the old price: never more than was paid.
        credit: Money,
    },
}

impl Subscription {
    /// What a switch to `terms` at `now` would do. To a longer interval, or to a higher price for
    /// the same one, it is made at once; otherwise the reader first gets what is paid.
    ///
    /// # Errors
    /// As [`Subscription::may_switch`]; [`Refusal::InvalidTransition`] once the period is over.
    pub fn quote(&self, terms: &Terms, now: Timestamp) -> Result<Quote, Refusal> {
        self.may_switch(terms)?;
        let over = Refusal::InvalidTransition("the period is over; try again in a moment");
        let period = self.period().filter(|period| now < period.end).ok_or(over)?;
        let (old, new) = (&self.terms.plan, &terms.plan);
        let State::Active(paid) = &self.state else {
            let (effective_at, period_end) = (now, period.end);
            return Ok(Quote { how: How::InTrial, effective_at, period_end });
        };
        let longer = new.interval.months() > old.interval.months();
        let dearer = new.interval == old.interval && new.price.amount > old.price.amount;
        if !(longer || dearer) {
            let next = self.next_after(terms).ok_or(over)?;
            let (effective_at, period_end) = (period.end, next.period.end);
            return Ok(Quote { how: How::AtPeriodEnd, effective_at, period_end });
        }
        let schedule = Schedule { anchor: now, interval: new.interval };
        let turn = Turn::first(schedule).ok_or(over)?;
        let credit = paid.amount.prorated(period.micros_left(now), period.micros()).ok_or(over)?;
        let purchase = Purchase { purpose: Purpose::Switch, terms: terms.clone(), turn };
        let how = How::AtOnce { purchase: Box::new(purchase), credit };
        Ok(Quote { how, effective_at: now, period_end: turn.period.end })
    }

    fn next_after(&self, terms: &Terms) -> Option<Turn> {
        self.next_purchase(terms.clone()).map(|purchase| purchase.turn)
    }
}
