//! What falls due, and when. Pure: the work in the background only does what this says.

use uuid::Uuid;

use super::model::{Purchase, Purpose, State, Subscription, Then, Turn, WaitsFor};
use crate::{
    billing::{
        calendar::Schedule,
        catalog::model::{Terms, TrialWithoutCard},
    },
    clock::Timestamp,
};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Ask the gateway what became of the open charge.
    Settle(Uuid),
    /// The reader did not confirm the open charge in time: call it off.
    CallOff(Uuid),
    /// End it, or let it wait: see [`Subscription::lapse`].
    Lapse,
    /// Remind the reader of what is overdue.
    Remind,
    /// Charge the next period, or the unpaid one again.
    Collect(Box<Purchase>),
}

impl Subscription {
    /// What is to be done at `now`, if anything.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        if let Some(open) = self.open {
            return match open.waits_for {
                WaitsFor::Gateway => Some(Due::Settle(open.id)),
                WaitsFor::Reader { until } if until <= now || self.state.ended().is_some() => {
                    Some(Due::CallOff(open.id))
                }
                WaitsFor::Reader { .. } => self.reminder(now),
            };
        }
        match &self.state {
            State::Incomplete { expires_at, .. } => (*expires_at <= now).then_some(Due::Lapse),
            State::Trialing { then } => self.at_end_of(self.trial?.end, then, now),
            State::Active(paid) => self.at_end_of(paid.turn.period.end, &paid.then, now),
            State::PastDue { failure, .. } if failure.grace_until <= now => Some(Due::Lapse),
            State::PastDue { failure, .. } if failure.retry_at.is_some_and(|at| at <= now) => {
                self.unpaid_purchase().map(Box::new).map(Due::Collect)
            }
            _ => self.reminder(now),
        }
    }

    fn reminder(&self, now: Timestamp) -> Option<Due> {
        let State::PastDue { failure, .. } = &self.state else { return None };
        failure.remind_at().filter(|at| *at <= now).map(|_| Due::Remind)
    }

    /// When the next thing is to be done; `None` for never. While the gateway is asked, that is up
    /// to those who ask.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        let remind_at = match &self.state {
            State::PastDue { failure, .. } => failure.remind_at(),
            _ => None,
        };
        if let Some(WaitsFor::Reader { until }) = self.open.map(|open| open.waits_for) {
            return Some(remind_at.map_or(until, |at| at.min(until)));
        }
        match &self.state {
            State::Incomplete { expires_at, .. } => Some(*expires_at),
            State::Trialing { .. } | State::Active(_) => Some(self.period()?.end),
            State::PastDue { failure, .. } => {
                let end = failure.grace_until;
                Some(failure.retry_at.unwrap_or(end).min(remind_at.unwrap_or(end)).min(end))
            }
            State::Paused { .. } | State::Canceled { .. } | State::Expired { .. } => None,
        }
    }

    fn at_end_of(&self, end: Timestamp, then: &Then, now: Timestamp) -> Option<Due> {
        if now < end {
            return None;
        }
        match then {
            Then::Cancel { .. } => Some(Due::Lapse),
            _ if self.method.is_none() => Some(Due::Lapse),
            Then::Renew => self.next_purchase(self.terms.clone()).map(Box::new).map(Due::Collect),
            Then::Switch { terms } => {
                self.next_purchase(terms.clone()).map(Box::new).map(Due::Collect)
            }
        }
    }

    /// The period after the running one, by `terms`.
    #[must_use]
    pub fn next_purchase(&self, terms: Terms) -> Option<Purchase> {
        let next = terms.plan.interval;
        let turn = match &self.state {
            State::Trialing { .. } => {
                Turn::first(Schedule { anchor: self.trial?.end, interval: next })?
            }
            State::Active(paid) => paid.turn.next(self.terms.plan.interval, next)?,
            _ => return None,
        };
        Some(Purchase { purpose: Purpose::Renewal, terms, turn })
    }

    /// The period that could not be paid so far.
    #[must_use]
    pub fn unpaid_purchase(&self) -> Option<Purchase> {
        let State::PastDue { unpaid, .. } = &self.state else { return None };
        Some(Purchase { purpose: Purpose::Renewal, terms: self.terms.clone(), turn: *unpaid })
    }

    /// A whole period from `now` on, of a subscription that has none: the first, or after a pause.
    #[must_use]
    pub fn fresh_purchase(&self, now: Timestamp) -> Option<Purchase> {
        let purpose = match &self.state {
            State::Incomplete { .. } => Purpose::Start,
            State::Paused { .. } => Purpose::Unpause,
            _ => return None,
        };
        let schedule = Schedule { anchor: now, interval: self.terms.plan.interval };
        Some(Purchase { purpose, terms: self.terms.clone(), turn: Turn::first(schedule)? })
    }

    /// Whether a card is all that it waits for, and makes it go on: its free trial ended without
    /// one that pays, and nothing was paid since. Who paused it otherwise had a reason to.
    #[must_use]
    pub fn waits_for_card(&self) -> bool {
        let State::Paused { since } = self.state else { return false };
        self.method.is_none() || self.trial.is_some_and(|trial| trial.end == since)
    }

    /// What becomes of a trial that ends with nothing to pay with.
    pub(super) fn without_card(&self) -> TrialWithoutCard {
        self.terms.plan.trial_without_card.unwrap_or(TrialWithoutCard::Cancel)
    }
}
