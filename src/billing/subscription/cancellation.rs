//! What a notice of cancellation does to a subscription that may have moved on since the notice was
//! received. Pure.

use super::model::{Paid, State, Subscription, WaitsFor};
use crate::clock::Timestamp;

/// What a notice does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeEffect {
    /// There is nothing left to cancel.
    None,
    /// It is canceled as at the receipt.
    Cancel,
    /// It was renewed only after the notice had been received: it ended then, and what was paid for the
    /// new period goes back.
    EndAt(Timestamp),
    /// The outcome of a payment decides, and is not known yet.
    Undecided,
}

impl Subscription {
    /// What a notice that was received at `received_at` does.
    #[must_use]
    pub fn effect_of_notice(&self, received_at: Timestamp) -> NoticeEffect {
        if self.created_at > received_at
            || self.state.ended().is_some()
            || self.cancels_at_period_end()
        {
            return NoticeEffect::None;
        }
        let is_being_paid =
            self.open.is_some_and(|open| matches!(open.waits_for, WaitsFor::Gateway));
        let has_agreed_since = self.agreed_at > received_at;
        match &self.state {
            State::Incomplete { .. } if is_being_paid => NoticeEffect::Undecided,
            // The reader has not confirmed the order; doing so later is to want it.
            State::Incomplete { .. } => NoticeEffect::None,
            State::Active(Paid { turn, .. }) if turn.period.start > received_at => {
                if has_agreed_since {
                    NoticeEffect::None
                } else {
                    NoticeEffect::EndAt(turn.period.start)
                }
            }
            State::Trialing { .. } | State::Active(_)
                if is_being_paid && self.period().is_some_and(|it| it.end > received_at) =>
            {
                NoticeEffect::Undecided
            }
            _ => NoticeEffect::Cancel,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use uuid::Uuid;

    use super::*;
    use crate::billing::subscription::tests::{
        active, at, cancel, collect, incomplete, purchase, trialing,
    };

    #[test]
    fn a_notice_counts_from_its_receipt_whatever_happened_since() {
        let start = at("2027-01-01T10:00:00Z");
        let (second, month) = (Duration::SECOND, at("2027-02-01T10:00:00Z"));
        let (before, after) = (month.minus(second), month.plus(second));
        let running = active("monthly", start);
        let renewed = collect(running.clone(), purchase(&running, month), month);
        let mut agreed = renewed.clone();
        agreed.agreed_at = after;
        let charging = running.clone().charging(Uuid::max());
        for (case, it, received_at, effect) in [
            ("not begun", &running, start.minus(second), NoticeEffect::None),
            ("running", &running, before, NoticeEffect::Cancel),
            ("canceled", &cancel(running.clone(), start), before, NoticeEffect::None),
            ("being renewed since", &charging, before, NoticeEffect::Undecided),
            ("being renewed before", &charging, after, NoticeEffect::Cancel),
            ("renewed since", &renewed, before, NoticeEffect::EndAt(month)),
            ("renewed before", &renewed, month, NoticeEffect::Cancel),
            ("agreed anew since", &agreed, before, NoticeEffect::None),
            ("in a trial", &trialing(start), start, NoticeEffect::Cancel),
            ("not confirmed", &incomplete("monthly", start), start, NoticeEffect::None),
            (
                "the first payment is open",
                &incomplete("monthly", start).charging(Uuid::max()),
                start,
                NoticeEffect::Undecided,
            ),
        ] {
            assert_eq!(it.effect_of_notice(received_at), effect, "{case}");
        }
    }
}
