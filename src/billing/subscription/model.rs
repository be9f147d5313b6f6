//! What a subscription is. Pure.
//!
//! A state carries the facts that only it has, so that no two columns can disagree. Final is final:
//! whoever comes back starts a new subscription.

use uuid::Uuid;

use crate::{
    billing::{
        calendar::{Period, Schedule},
        catalog::model::{Interval, Terms},
    },
    clock::Timestamp,
    money::Money,
};

/// A card, or what a gateway keeps instead of one, as far as we know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The gateway's name for it.
    pub token: String,
    /// The last four digits, for people.
    pub last4: String,
    /// The last month in which it can pay: year and month.
    pub expires: (i32, u8),
}

/// A reader's subscription to a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub reader: Uuid,
    /// The plan as it was taken.
    pub terms: Terms,
    /// Whose laws and taxes apply (ISO 3166-1).
    pub country: String,
    /// How it is paid.
    pub method: Option<Method>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the reader last agreed to what comes: by starting, resuming or switching.
    pub agreed_at: Timestamp,
    /// Its free trial, also when that is over.
    pub trial: Option<Period>,
    /// Where it stands.
    pub state: State,
    /// The charge whose outcome is not known yet. There is never a second one.
    pub open: Option<OpenCharge>,
    /// Grows with every change, so that whoever saw an older one can be told.
    pub revision: i64,
}

/// A charge whose outcome is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCharge {
    /// The charge.
    pub id: Uuid,
    /// For whose word it waits.
    pub waits_for: WaitsFor,
}

/// For whose word an open charge waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// The gateway was asked, or is about to be.
    Gateway,
    /// The reader must confirm it at the bank's page.
    Reader {
        /// From then on it is too late.
        until: Timestamp,
    },
}

/// Where a subscription stands, with the facts of that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The first payment, or the card's confirmation, is still to come.
    Incomplete {
        /// From then on it is too late.
        expires_at: Timestamp,
        /// Whether a trial begins once the card is confirmed.
        begins_trial: bool,
    },
    /// In the free trial; `Subscription::trial` says from when to when.
    Trialing {
        /// What happens at its end.
        then: Then,
    },
    /// Paid.
    Active(Paid),
    /// The payment of the running period failed; the reader still reads for a while.
    PastDue {
        /// The period that is not paid yet.
        unpaid: Turn,
        /// How it failed.
        failure: Failure,
    },
    /// Nothing is paid and nothing may be read until it is resumed.
    Paused {
        /// Since when.
        since: Timestamp,
    },
    /// Ended after it had begun.
    Canceled {
        /// When.
        at: Timestamp,
        /// Why.
        reason: EndReason,
    },
    /// Ended before it had begun, or with a trial that nobody was to pay for.
    Expired {
        /// When.
        at: Timestamp,
        /// Why.
        reason: EndReason,
    },
}

/// One turn of the calendar: which period, from which anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The start of period 0; all ends are counted from it.
    pub anchor: Timestamp,
    /// The period's number.
    pub index: i64,
    /// The period.
    pub period: Period,
}

/// A paid period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// Which.
    pub turn: Turn,
    /// What was paid for it, less what was given back.
    pub amount: Money,
    /// What happens at its end.
    pub then: Then,
}

/// What happens at the end of a period: one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// The next period is charged.
    Renew,
    /// It ends.
    Cancel {
        /// When that was decided.
        decided_at: Timestamp,
        /// By whom.
        reason: EndReason,
    },
    /// It goes on with another plan.
    Switch {
        /// Which.
        terms: Terms,
    },
}

/// A payment that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// When it failed first.
    pub first_at: Timestamp,
    /// How often it has failed.
    pub times: i64,
    /// When it is tried again by itself.
    pub retry_at: Option<Timestamp>,
    /// Until when the reader still reads; then it ends.
    pub grace_until: Timestamp,
    /// How often the reader was reminded since.
    pub reminders: i64,
}

impl Failure {
    /// When the reader is to be reminded next: 5 and 10 days after the first failure, which the
    /// reader was told of at once.
    #[must_use]
    pub fn remind_at(&self) -> Option<Timestamp> {
        let days = match self.reminders {
            0 => 5,
            1 => 10,
            _ => return None,
        };
        let at = self.first_at.plus(time::Duration::days(days));
        (at < self.grace_until).then_some(at)
    }
}

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The reader wanted it.
    CanceledByReader,
    /// Staff did it.
    CanceledByStaff,
    /// The reader withdrew from the contract, as the law allows.
    Withdrawn,
    /// It was not paid.
    PaymentFailed,
    /// The trial ended and there was nothing to pay with.
    TrialEnded,
    /// Nobody confirmed the first payment in time.
    NotConfirmed,
    /// The first payment was declined.
    PaymentDeclined,
    /// Another one took its place before it had begun.
    Superseded,
    /// The account was erased.
    Erased,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::CanceledByReader,
        Self::CanceledByStaff,
        Self::Withdrawn,
        Self::PaymentFailed,
        Self::TrialEnded,
        Self::NotConfirmed,
        Self::PaymentDeclined,
        Self::Superseded,
        Self::Erased,
    ];

    /// As in answers and rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CanceledByReader => "canceled_by_reader",
            Self::CanceledByStaff => "canceled_by_staff",
            Self::Withdrawn => "withdrawn",
            Self::PaymentFailed => "payment_failed",
            Self::TrialEnded => "trial_ended",
            Self::NotConfirmed => "not_confirmed",
            Self::PaymentDeclined => "payment_declined",
            Self::Superseded => "superseded",
            Self::Erased => "erased",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// The name of a state, in Stripe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// See [`State::Incomplete`].
    Incomplete,
    /// See [`State::Trialing`].
    Trialing,
    /// See [`State::Active`].
    Active,
    /// See [`State::PastDue`].
    PastDue,
    /// See [`State::Paused`].
    Paused,
    /// See [`State::Canceled`].
    Canceled,
    /// See [`State::Expired`].
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Incomplete,
        Self::Trialing,
        Self::Active,
        Self::PastDue,
        Self::Paused,
        Self::Canceled,
        Self::Expired,
    ];

    /// As in answers and rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl State {
    /// Its name.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Incomplete { .. } => Status::Incomplete,
            Self::Trialing { .. } => Status::Trialing,
            Self::Active(_) => Status::Active,
            Self::PastDue { .. } => Status::PastDue,
            Self::Paused { .. } => Status::Paused,
            Self::Canceled { .. } => Status::Canceled,
            Self::Expired { .. } => Status::Expired,
        }
    }

    /// When and why it ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<(Timestamp, EndReason)> {
        match self {
            Self::Canceled { at, reason } | Self::Expired { at, reason } => Some((*at, *reason)),
            _ => None,
        }
    }
}

/// What a charge buys: a period of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// What for.
    pub purpose: Purpose,
    /// The plan.
    pub terms: Terms,
    /// The period.
    pub turn: Turn,
}

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The first period of a subscription without a trial.
    Start,
    /// The next period.
    Renewal,
    /// A period of another plan, at once.
    Switch,
    /// A new period after a pause.
    Unpause,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::Start, Self::Renewal, Self::Switch, Self::Unpause];

    /// As in rows and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Renewal => "renewal",
            Self::Switch => "switch",
            Self::Unpause => "unpause",
        }
    }

    /// The purpose of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

impl Turn {
    /// The first period of a calendar of its own.
    #[must_use]
    pub fn first(schedule: Schedule) -> Option<Self> {
        Self::at(schedule, 0)
    }

    /// The period after this one, for a plan that is paid every `interval`. It stays with the
    /// anchor wherever the new interval fits: a year ends where its twelfth month does.
    #[must_use]
    pub fn next(self, interval: Interval, next: Interval) -> Option<Self> {
        let months = self.index.checked_add(1)?.checked_mul(interval.months())?;
        if months.rem_euclid(next.months()) == 0 {
            let schedule = Schedule { anchor: self.anchor, interval: next };
            return Self::at(schedule, months.div_euclid(next.months()));
        }
        Self::first(Schedule { anchor: self.period.end, interval: next })
    }

    /// Period number `index` of the calendar that begins at `anchor`.
    #[must_use]
    pub fn at(schedule: Schedule, index: i64) -> Option<Self> {
        Some(Self { anchor: schedule.anchor, index, period: schedule.period(index)? })
    }
}

impl Subscription {
    /// The product that it opens.
    #[must_use]
    pub fn product(&self) -> &str {
        &self.terms.plan.product
    }

    /// The running period: trial, paid, or not paid yet.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        match &self.state {
            State::Trialing { .. } => self.trial,
            State::Active(paid) => Some(paid.turn.period),
            State::PastDue { unpaid, .. } => Some(unpaid.period),
            _ => None,
        }
    }

    /// What happens at the end of the running period, if that was decided.
    #[must_use]
    pub fn then(&self) -> Option<&Then> {
        match &self.state {
            State::Trialing { then } => Some(then),
            State::Active(paid) => Some(&paid.then),
            _ => None,
        }
    }

    /// Whether it ends with the running period.
    #[must_use]
    pub fn cancels_at_period_end(&self) -> bool {
        matches!(self.then(), Some(Then::Cancel { .. }))
    }

    /// What is charged next, and when, if all goes as planned.
    #[must_use]
    pub fn next_charge(&self) -> Option<(Timestamp, &Terms)> {
        let end = self.period()?.end;
        match self.then()? {
            Then::Cancel { .. } => None,
            _ if self.method.is_none() => None,
            Then::Renew => Some((end, &self.terms)),
            Then::Switch { terms } => Some((end, terms)),
        }
    }
}
