//! How people change a subscription, and how it ends by itself. Pure.

use time::Duration;

use super::model::{EndReason, Method, Paid, State, Subscription, Then};
use crate::{
    billing::{
        calendar::Period,
        catalog::model::{Terms, TrialWithoutCard},
        event::Event,
    },
    clock::Timestamp,
    money::Money,
};

/// Why a change was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not go from where the subscription stands.
    #[error("{0}")]
    InvalidTransition(&'static str),
    /// It is the reader's plan already.
    #[error("this is your plan already")]
    SamePlan,
    /// What was shown does not hold any more.
    #[error("what was shown does not hold any more; look again")]
    PreviewStale,
}

/// A change that was made, and what to write down about it.
pub type Changed = (Subscription, Event);

const ENDED: Refusal = Refusal::InvalidTransition("it has ended; start a new subscription");

impl Subscription {
    /// Lets it end with the running period. Where nothing is paid any more it ends at once.
    /// `None` where that was decided before: the first decision stands.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once it has ended.
    pub fn cancel_at_period_end(
        mut self,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Changed>, Refusal> {
        let then = match &mut self.state {
            State::Canceled { .. } | State::Expired { .. } => return Err(ENDED),
            State::Trialing { then } => then,
            State::Active(paid) => &mut paid.then,
            State::Incomplete { .. } | State::PastDue { .. } | State::Paused { .. } => {
                return self.cancel_now(reason, now).map(Some);
            }
        };
        if matches!(then, Then::Cancel { .. }) {
            return Ok(None);
        }
        *then = Then::Cancel { decided_at: now, reason };
        // Where the period is over already and nothing was charged yet, nothing will be.
        if self.due(now).is_some() && self.open.is_none() {
            return Ok(self.lapse());
        }
        let at = self.period().map_or(now, |period| period.end);
        Ok(Some((self, Event::CancelScheduled { at, reason, comment: None })))
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once it has ended.
    pub fn cancel_now(mut self, reason: EndReason, now: Timestamp) -> Result<Changed, Refusal> {
        self.state = match self.state {
            State::Canceled { .. } | State::Expired { .. } => return Err(ENDED),
            State::Incomplete { .. } => State::Expired { at: now, reason },
            _ => State::Canceled { at: now, reason },
        };
        Ok((self, Event::Ended { at: now, reason }))
    }

    /// Takes a cancellation back.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] where there is none, or its time has come.
    pub fn resume(mut self, now: Timestamp) -> Result<Changed, Refusal> {
        let in_time = self.open.is_some() || self.period().is_some_and(|p| now < p.end);
        let then = match &mut self.state {
            State::Trialing { then } => then,
            State::Active(paid) => &mut paid.then,
            State::Canceled { .. } | State::Expired { .. } => return Err(ENDED),
            _ => return Err(Refusal::InvalidTransition("there is no cancellation to take back")),
        };
        match then {
            Then::Cancel { .. } if in_time => {
                *then = Then::Renew;
                self.agreed_at = now;
            }
            Then::Cancel { .. } => return Err(ENDED),
            _ => return Err(Refusal::InvalidTransition("there is no cancellation to take back")),
        }
        Ok((self, Event::CancelRevoked))
    }

    /// Goes on with another plan: in a trial at once, else from the end of the running period.
    ///
    /// # Errors
    /// As [`Subscription::may_switch`].
    pub fn switch_later(mut self, terms: Terms, now: Timestamp) -> Result<Changed, Refusal> {
        self.may_switch(&terms)?;
        self.agreed_at = now;
        let from = self.terms.plan.id.clone();
        let to = terms.plan.id.clone();
        match &mut self.state {
            State::Trialing { .. } => {
                self.terms = terms;
                Ok((self, Event::Switched { from, to, credit: None }))
            }
            State::Active(paid) => {
                let at = paid.turn.period.end;
                paid.then = Then::Switch { terms };
                Ok((self, Event::SwitchScheduled { from, to, at }))
            }
            _ => Err(Refusal::InvalidTransition("there is no period after which to switch")),
        }
    }

    /// Whether it may go on with `terms`.
    ///
    /// # Errors
    /// [`Refusal::SamePlan`]; [`Refusal::InvalidTransition`] while a payment is open or missing, or
    /// when it is to end.
    pub fn may_switch(&self, terms: &Terms) -> Result<(), Refusal> {
        let refuse = |why| Err(Refusal::InvalidTransition(why));
        match &self.state {
            State::Canceled { .. } | State::Expired { .. } => return Err(ENDED),
            State::PastDue { .. } => return refuse("pay what is overdue first"),
            State::Incomplete { .. } => return refuse("the first payment is still to come"),
            State::Paused { .. } => return refuse("resume it first"),
            State::Trialing { .. } | State::Active(_) => {}
        }
        if self.open.is_some() {
            return refuse("a payment is being made; try again in a moment");
        }
        if self.cancels_at_period_end() {
            return refuse("it is to end; resume it first");
        }
        if self.terms.plan.id == terms.plan.id {
            return Err(Refusal::SamePlan);
        }
        if matches!(self.then(), Some(Then::Switch { terms: next }) if next == terms) {
            return refuse("this switch is planned already");
        }
        if self.terms.plan.product != terms.plan.product {
            return refuse("the plan is for another product; subscribe to it");
        }
        if self.terms.currency() != terms.currency() {
            return refuse("the plan is paid in another currency");
        }
        Ok(())
    }

    /// Takes a planned switch back.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] where none is planned.
    pub fn revoke_switch(mut self) -> Result<Changed, Refusal> {
        match &mut self.state {
            State::Active(paid) if matches!(paid.then, Then::Switch { .. }) => {
                paid.then = Then::Renew;
                Ok((self, Event::SwitchRevoked))
            }
            _ => Err(Refusal::InvalidTransition("no switch is planned")),
        }
    }

    /// Stops it until it is resumed. Gives what was paid for the rest of the period.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless a paid period runs.
    pub fn pause(mut self, now: Timestamp) -> Result<(Changed, Money), Refusal> {
        let State::Active(paid) = &self.state else {
            return Err(Refusal::InvalidTransition("only a paid subscription can be paused"));
        };
        if self.open.is_some() {
            let why = "a payment is being made; try again in a moment";
            return Err(Refusal::InvalidTransition(why));
        }
        if matches!(paid.then, Then::Cancel { .. }) {
            // A pause would forget that, and whoever wanted to leave would be charged after it.
            return Err(Refusal::InvalidTransition("it is to end; resume it first"));
        }
        let period = paid.turn.period;
        let unused = paid.amount.prorated(period.micros_left(now), period.micros());
        let credit = unused.unwrap_or(Money::zero(paid.amount.currency));
        self.state = State::Paused { since: now };
        Ok(((self, Event::Paused { credit: Some(credit) }), credit))
    }

    /// `given` of one of its invoices went back to the card, so that all together have `left` that
    /// can still be given back.
    ///
    /// Of the last invoice, it cannot be given back again by a switch or a pause. An older one paid
    /// for time that is over, and takes nothing from the running period; only where the period was
    /// paid with what was left of that one, no more can be given back than there is.
    #[must_use]
    pub fn given_back(mut self, given: Money, of_the_last: bool, left: Money) -> Self {
        if let State::Active(Paid { amount, .. }) = &mut self.state {
            let own = if of_the_last { given.amount } else { 0 };
            amount.amount = amount.amount.saturating_sub(own).min(left.amount).max(0);
        }
        self
    }

    /// Gives `days` more before the next payment.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless a period runs.
    pub fn extend(mut self, days: u32) -> Result<Changed, Refusal> {
        let more = Duration::days(i64::from(days));
        if self.open.is_some() {
            let why = "a payment is being made; try again in a moment";
            return Err(Refusal::InvalidTransition(why));
        }
        let until = match &mut self.state {
            State::Trialing { .. } => {
                let trial = self.trial.as_mut().ok_or(ENDED)?;
                trial.end = trial.end.plus(more);
                trial.end
            }
            State::Active(paid) => {
                // The next period begins at the new end, and so does the calendar.
                let period = Period { end: paid.turn.period.end.plus(more), ..paid.turn.period };
                paid.turn = super::model::Turn { anchor: period.end, index: -1, period };
                period.end
            }
            State::PastDue { failure, .. } => {
                failure.grace_until = failure.grace_until.plus(more);
                failure.grace_until
            }
            _ => return Err(Refusal::InvalidTransition("there is no running period to extend")),
        };
        Ok((self, Event::Extended { days, until }))
    }

    /// Pays by another card from now on.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once it has ended.
    pub fn pay_by(mut self, method: Method) -> Result<Changed, Refusal> {
        if self.state.ended().is_some() {
            return Err(ENDED);
        }
        let last4 = method.last4.clone();
        self.method = Some(method);
        Ok((self, Event::PaymentMethodChanged { last4 }))
    }

    /// What happens by itself when the time has come and there is nothing to charge: the end, or a
    /// pause. `None` where there is no such moment.
    #[must_use]
    pub fn lapse(mut self) -> Option<Changed> {
        let (at, reason) = match &self.state {
            State::Incomplete { expires_at, .. } => (*expires_at, EndReason::NotConfirmed),
            State::PastDue { failure, .. } => (failure.grace_until, EndReason::PaymentFailed),
            State::Trialing { then } | State::Active(Paid { then, .. }) => {
                let end = self.period()?.end;
                match then {
                    Then::Cancel { reason, .. } => (end, *reason),
                    _ if self.without_card() == TrialWithoutCard::Pause => {
                        self.state = State::Paused { since: end };
                        return Some((self, Event::Paused { credit: None }));
                    }
                    _ => (end, EndReason::TrialEnded),
                }
            }
            State::Paused { .. } | State::Canceled { .. } | State::Expired { .. } => return None,
        };
        self.state = match reason {
            EndReason::NotConfirmed | EndReason::TrialEnded => State::Expired { at, reason },
            _ => State::Canceled { at, reason },
        };
        Some((self, Event::Ended { at, reason }))
    }

    /// How it stands at `now`: what has ended by the clock has ended, also where nobody has
    /// written that down yet.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        if self.due(now) == Some(super::due::Due::Lapse) {
            return self.clone().lapse().map_or(self, |(lapsed, _)| lapsed);
        }
        self
    }
}
