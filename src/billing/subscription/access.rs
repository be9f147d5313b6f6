//! May the subscriber read now? A pure function of the subscription and the time, apart from what
//! is paid and from whether any work in the background was done in time.

use time::Duration;

use super::model::{State, Subscription, Then};
use crate::clock::Timestamp;

/// Why somebody may read without being metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entitlement {
    /// A subscription is paid.
    Subscriber,
    /// A free trial runs.
    Trial,
    /// A payment failed or is late, and the reader still reads for a while.
    GracePeriod,
    /// The publisher gave it away.
    Complimentary,
}

impl Subscription {
    /// Why the subscriber may read at `now`, if so.
    ///
    /// A period that is over and was not renewed yet, though it will be, is ours to be late with:
    /// the reader goes on reading as after a payment that failed.
    #[must_use]
    pub fn entitles(&self, now: Timestamp) -> Option<Entitlement> {
        let (running, then, period) = match &self.state {
            State::Trialing { then } => (Entitlement::Trial, then, self.trial?),
            State::Active(paid) => (Entitlement::Subscriber, &paid.then, paid.turn.period),
            State::PastDue { failure, .. } => {
                return (now < failure.grace_until).then_some(Entitlement::GracePeriod);
            }
            State::Incomplete { .. }
            | State::Paused { .. }
            | State::Canceled { .. }
            | State::Expired { .. } => return None,
        };
        if now < period.end {
            return Some(running);
        }
        let renews = !matches!(then, Then::Cancel { .. }) && self.method.is_some();
        let late_until = period.end.plus(self.grace());
        (renews && now < late_until).then_some(Entitlement::GracePeriod)
    }

    /// For how long the reader still reads after a payment failed.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::days(i64::from(self.terms.plan.dunning.grace_days))
    }
}
