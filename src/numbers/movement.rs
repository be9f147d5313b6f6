//! What a change of a subscription means in numbers. Pure.
//!
//! A subscription counts as paying from its first payment until it ends or pauses, also while a
//! renewal is late. A trial whose first payment is late, or that waits for a card, is neither a trial
//! nor paying, and not decided yet. Recurring revenue is the plan's price of a year; nothing is
//! divided here.

use super::{
    calendar::Calendar,
    figure::{Fact, Figure},
};
use crate::{
    billing::{
        catalog::model::{Interval, Plan},
        subscription::model::{State, Subscription},
    },
    money::Money,
};

/// Where a subscription stands, for the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was paid or begun yet.
    Before,
    Trial,
    /// The trial is over, and its first payment late.
    Owing,
    /// The trial is over, and waits for a card.
    Waiting,
    Paying {
        late: bool,
    },
    Paused,
    Ended,
}

impl Phase {
    fn of(it: &Subscription) -> Self {
        // Whatever was paid once is later than that.
        let ends_trial = |at| it.trial.is_some_and(|trial| trial.end == at);
        match &it.state {
            State::Incomplete { .. } => Self::Before,
            State::Trialing { .. } => Self::Trial,
            State::Active(_) => Self::Paying { late: false },
            State::PastDue { unpaid, .. } if ends_trial(unpaid.period.start) => Self::Owing,
            State::PastDue { .. } => Self::Paying { late: true },
            State::Paused { since } if ends_trial(*since) => Self::Waiting,
            State::Paused { .. } => Self::Paused,
            State::Canceled { .. } | State::Expired { .. } => Self::Ended,
        }
    }

    fn pays(self) -> bool {
        matches!(self, Self::Paying { .. })
    }

    fn is_late(self) -> bool {
        matches!(self, Self::Owing | Self::Paying { late: true })
    }

    fn is_on_trial(self) -> bool {
        matches!(self, Self::Trial | Self::Owing | Self::Waiting)
    }
}

/// What a plan costs in a year, where it is paid without end.
fn yearly(plan: &Plan) -> Money {
    let times = match plan.interval {
        Interval::Month => 12,
        Interval::Year => 1,
    };
    Money { amount: plan.price.amount.saturating_mul(times), ..plan.price }
}

fn less(money: Money) -> Money {
    Money { amount: money.amount.saturating_neg(), ..money }
}

/// What it means in numbers that `before`, if it was there, became `after`. `returning` says whether
/// its reader had paid for another one before.
#[must_use]
pub fn facts(
    before: Option<&Subscription>,
    after: &Subscription,
    returning: bool,
    calendar: &Calendar,
) -> Vec<Fact> {
    let was = before.map_or(Phase::Before, Phase::of);
    let is = Phase::of(after);
    let mut facts = Vec::new();
    let old = before.map_or(&after.terms.plan, |before| &before.terms.plan);
    let new = &after.terms.plan;
    revenue(&mut facts, (was, old), (is, new), returning);
    for (figure, counts) in [
        (Figure::Active, Phase::pays as fn(Phase) -> bool),
        (Figure::Trialing, |it| it == Phase::Trial),
    ] {
        match (counts(was), counts(is)) {
            (true, true) if old.id != new.id => {
                facts.push(Fact::count(figure, &old.id, -1));
                facts.push(Fact::count(figure, &new.id, 1));
            }
            (false, true) => facts.push(Fact::count(figure, &new.id, 1)),
            (true, false) => facts.push(Fact::count(figure, &old.id, -1)),
            _ => {}
        }
    }
    if !was.pays() && is.pays() {
        facts.push(Fact::count(Figure::Began, &new.id, 1));
    }
    if was.pays() && !is.pays() {
        let cause = after.state.ended().map_or("paused", |(_, reason)| reason.as_str());
        facts.push(Fact::count(Figure::Churned, cause, 1));
    }
    trial(&mut facts, (was, is), after, calendar);
    payment(&mut facts, was, is);
    facts
}

fn revenue(facts: &mut Vec<Fact>, was: (Phase, &Plan), is: (Phase, &Plan), returning: bool) {
    let ((was, old), (is, new)) = (was, is);
    let (before, after) = (yearly(old), yearly(new));
    let comes =
        if was == Phase::Paused || returning { Figure::MrrReactivation } else { Figure::MrrNew };
    match (was.pays(), is.pays()) {
        (false, true) => facts.push(Fact::money(comes, &new.id, after)),
        (true, false) => facts.push(Fact::money(Figure::MrrChurn, &old.id, less(before))),
        // Two currencies are two revenues: one goes and one comes.
        (true, true) if before.currency != after.currency => {
            facts.push(Fact::money(Figure::MrrChurn, &old.id, less(before)));
            facts.push(Fact::money(Figure::MrrReactivation, &new.id, after));
        }
        (true, true) => {
            let by = Money { amount: after.amount.saturating_sub(before.amount), ..after };
            match by.amount {
                0 => {}
                more if more > 0 => facts.push(Fact::money(Figure::MrrExpansion, &new.id, by)),
                _ => facts.push(Fact::money(Figure::MrrContraction, &new.id, by)),
            }
        }
        (false, false) => {}
    }
}

fn trial(
    facts: &mut Vec<Fact>,
    (was, is): (Phase, Phase),
    after: &Subscription,
    calendar: &Calendar,
) {
    let Some(trial) = after.trial else { return };
    let month = calendar.month(trial.start);
    if was == Phase::Before && is == Phase::Trial {
        facts.push(Fact::count(Figure::TrialStarted, &month, 1));
    }
    if was.is_on_trial() && is.pays() {
        facts.push(Fact::count(Figure::TrialConverted, &month, 1));
    }
    if was.is_on_trial() && is == Phase::Ended {
        facts.push(Fact::count(Figure::TrialLost, &month, 1));
    }
}

fn payment(facts: &mut Vec<Fact>, was: Phase, is: Phase) {
    if !was.is_late() && is.is_late() {
        facts.push(Fact::count(Figure::PaymentFailed, "", 1));
    }
    if was.is_late() && !is.is_late() {
        let paid = if is.pays() { Figure::PaymentRecovered } else { Figure::PaymentLost };
        facts.push(Fact::count(paid, "", 1));
    }
}

/// What else counts for the page that led to a subscription, once its `facts` are known.
pub fn because_of_a_page<'a>(
    facts: &'a [Fact],
    before: Option<&Subscription>,
    after: &Subscription,
) -> impl Iterator<Item = Figure> + use<'a> {
    let was_paid_for = before.is_some_and(|before| Phase::of(before) == Phase::Paused);
    let had_trial = after.trial.is_some();
    facts
        .iter()
        .flat_map(move |fact| match fact.figure {
            Figure::TrialStarted => [Some(Figure::SubscribedFrom), None],
            Figure::Began if was_paid_for => [None, None],
            Figure::Began if had_trial => [Some(Figure::PaidFrom), None],
            Figure::Began => [Some(Figure::SubscribedFrom), Some(Figure::PaidFrom)],
            _ => [None, None],
        })
        .flatten()
}
