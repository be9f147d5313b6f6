//! How payments change a subscription. Pure.

use time::Duration;

use super::model::{
    EndReason, Failure, OpenCharge, Paid, Purchase, Purpose, State, Subscription, Then, Turn,
    WaitsFor,
};
use crate::{
    billing::{calendar::Schedule, event::Event},
    clock::Timestamp,
    money::Money,
};

/// For how long a reader may confirm a payment, as with Stripe.
pub const CONFIRM_WITHIN: Duration = Duration::hours(23);

/// What a payment came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// The subscription has changed.
    Changed(Box<Subscription>, Event),
    /// The money came after the end: it is to be given back.
    TooLate(Box<Subscription>),
}

impl Subscription {
    /// Waits for the outcome of a charge.
    #[must_use]
    pub fn charging(self, charge: uuid::Uuid) -> Self {
        let open = OpenCharge { id: charge, waits_for: WaitsFor::Gateway };
        Self { open: Some(open), ..self }
    }

    /// `amount` was paid for `purchase`.
    #[must_use]
    pub fn paid(mut self, purchase: Purchase, amount: Money, now: Timestamp) -> Collected {
        let confirmed_later =
            matches!(self.open.take(), Some(OpenCharge { waits_for: WaitsFor::Reader { .. }, .. }));
        let Purchase { purpose, terms, mut turn } = purchase;
        if confirmed_later && matches!(purpose, Purpose::Start | Purpose::Unpause) {
            // Nobody pays for hours in which they waited for their bank.
            let schedule = Schedule { anchor: now, interval: terms.plan.interval };
            turn = Turn::first(schedule).unwrap_or(turn);
        }
        let then = match self.then() {
            // Whoever canceled while the charge was on its way leaves with what it paid.
            Some(then @ Then::Cancel { .. }) => then.clone(),
            _ => Then::Renew,
        };
        if purpose != Purpose::Renewal {
            self.agreed_at = now;
        }
        let from = std::mem::replace(&mut self.terms, terms);
        let event = match (&self.state, purpose) {
            (State::Canceled { .. } | State::Expired { .. }, _) => {
                self.terms = from;
                return Collected::TooLate(Box::new(self));
            }
            (State::Incomplete { .. }, _) => Event::Activated { amount },
            (State::Paused { .. }, _) => Event::Unpaused { amount },
            (State::PastDue { .. }, _) => Event::Recovered { amount },
            (_, Purpose::Switch) => {
                let to = self.terms.plan.id.clone();
                Event::Switched { from: from.plan.id.clone(), to, credit: None }
            }
            (state, _) => Event::Renewed {
                amount,
                after_trial: matches!(state, State::Trialing { .. }),
                switched_from: (from.plan.id != self.terms.plan.id).then(|| from.plan.id.clone()),
            },
        };
        self.state = State::Active(Paid { turn, amount, then });
        Collected::Changed(Box::new(self), event)
    }

    /// The charge for `purchase` was declined; a `hard` decline will not pass by trying again.
    #[must_use]
    pub fn declined(mut self, purchase: Purchase, hard: bool, now: Timestamp) -> (Self, Event) {
        self.open = None;
        let Purchase { purpose, terms, turn } = purchase;
        let event = Event::PaymentFailed { hard, purpose };
        match (&self.state, purpose) {
            (State::Incomplete { .. }, _) => {
                let reason = EndReason::PaymentDeclined;
                self.state = State::Expired { at: now, reason };
                (self, event)
            }
            (State::Trialing { then } | State::Active(Paid { then, .. }), Purpose::Renewal) => {
                if let Then::Cancel { reason, .. } = then {
                    // Canceled while the charge was on its way: nothing is owed.
                    let (reason, at) = (*reason, turn.period.start);
                    self.state = State::Canceled { at, reason };
                    return (self, Event::Ended { at, reason });
                }
                self.terms = terms;
                let failure = self.failure(None, hard, now);
                self.state = State::PastDue { unpaid: turn, failure };
                (self, event)
            }
            (State::PastDue { unpaid, failure }, _) => {
                let (unpaid, failure) = (*unpaid, self.failure(Some(*failure), hard, now));
                self.state = State::PastDue { unpaid, failure };
                (self, event)
            }
            _ => (self, event),
        }
    }

    /// The bank wants the reader to confirm the charge for `purchase`.
    #[must_use]
    pub fn wants_confirmation(mut self, purchase: Purchase, now: Timestamp) -> (Self, Event) {
        let mut event = Event::ConfirmationWanted { purpose: purchase.purpose };
        let mut until = now.plus(CONFIRM_WITHIN);
        if purchase.purpose == Purpose::Renewal && self.state.ended().is_none() {
            let open = self.open;
            let (changed, declined) = self.declined(purchase, true, now);
            self = Self { open, ..changed };
            if let State::PastDue { failure, .. } = &self.state {
                until = failure.grace_until;
            } else {
                // Canceled while the charge was on its way: nobody is asked to confirm it.
                event = declined;
            }
        }
        if let State::Incomplete { expires_at, .. } = self.state {
            until = expires_at;
        }
        if let Some(open) = &mut self.open {
            open.waits_for = WaitsFor::Reader { until };
        }
        (self, event)
    }

    /// The open charge was called off: nothing was and will be paid by it.
    #[must_use]
    pub fn called_off(self) -> Self {
        Self { open: None, ..self }
    }

    /// The card of a subscription that begins with a trial was confirmed.
    #[must_use]
    pub fn confirmed(mut self, now: Timestamp) -> Option<(Self, Event)> {
        let State::Incomplete { begins_trial: true, .. } = self.state else { return None };
        let end = crate::billing::calendar::trial_end(now, self.terms.plan.trial_days);
        self.trial = Some(crate::billing::calendar::Period { start: now, end });
        self.state = State::Trialing { then: Then::Renew };
        self.open = None;
        Some((self, Event::TrialStarted { until: end }))
    }

    /// The reader was reminded of what is overdue.
    #[must_use]
    pub fn reminded(mut self) -> Self {
        if let State::PastDue { failure, .. } = &mut self.state {
            failure.reminders += 1;
        }
        self
    }

    fn failure(&self, before: Option<Failure>, hard: bool, now: Timestamp) -> Failure {
        let first_at = before.map_or(now, |failure| failure.first_at);
        let grace_until = before.map_or_else(|| now.plus(self.grace()), |f| f.grace_until);
        let days = &self.terms.plan.dunning.retry_days;
        let retries = days.iter().map(|days| first_at.plus(Duration::days(i64::from(*days))));
        let retry_at = retries.into_iter().find(|at| *at > now).filter(|_| !hard);
        let times = before.map_or(0, |failure| failure.times) + 1;
        let reminders = before.map_or(0, |failure| failure.reminders);
        Failure { first_at, times, retry_at, grace_until, reminders }
    }
}
