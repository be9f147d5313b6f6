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
pub(super) fn yearly(plan: &Plan) -> Money {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use time::Duration;

    use super::*;
    use crate::{
        billing::subscription::{
            collect::Collected,
            due::Due,
            model::{EndReason, Purchase},
            tests::{active, at, incomplete, terms},
        },
        clock::Timestamp,
    };

    /// What somebody does next; what does not go from where it stands changes nothing.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// The time of what is due comes, and a charge is paid or not.
        Due {
            pays: bool,
        },
        /// The reader pays at last, or comes back from a pause.
        Pays,
        Cancels,
        Resumes,
        Ends,
        Pauses,
        Extends,
        Switches(&'static str),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<bool>().prop_map(|pays| Step::Due { pays }),
            2 => Just(Step::Pays),
            1 => Just(Step::Cancels),
            1 => Just(Step::Resumes),
            1 => Just(Step::Ends),
            1 => Just(Step::Pauses),
            2 => Just(Step::Extends),
            2 => prop::sample::select(vec!["monthly", "annual", "premium"]).prop_map(Step::Switches),
        ]
    }

    fn charge(it: Subscription, what: Purchase, pays: bool, now: Timestamp) -> Subscription {
        let it = it.charging(uuid::Uuid::max());
        if !pays {
            return it.declined(what, false, now).0;
        }
        let price = what.terms.plan.price;
        match it.paid(what, price, now) {
            Collected::Changed(changed, _) => *changed,
            Collected::TooLate(kept) => *kept,
        }
    }

    fn take(it: Subscription, step: Step, now: &mut Timestamp) -> Option<Subscription> {
        let reason = EndReason::CanceledByReader;
        match step {
            Step::Due { pays } => {
                *now = it.due_at()?.max(*now);
                match it.due(*now)? {
                    Due::Collect(what) => Some(charge(it, *what, pays, *now)),
                    Due::Lapse => it.lapse().map(|(lapsed, _)| lapsed),
                    Due::Remind => Some(it.reminded()),
                    Due::Settle(_) | Due::CallOff(_) => None,
                }
            }
            Step::Pays => {
                let what = it.unpaid_purchase().or_else(|| it.fresh_purchase(*now))?;
                Some(charge(it, what, true, *now))
            }
            Step::Cancels => it.cancel_at_period_end(reason, *now).ok()?.map(|(it, _)| it),
            Step::Resumes => it.resume(*now).ok().map(|(it, _)| it),
            Step::Ends => it.cancel_now(reason, *now).ok().map(|(it, _)| it),
            Step::Pauses => it.pause(*now).ok().map(|((it, _), _)| it),
            Step::Extends => it.extend(5).ok().map(|(it, _)| it),
            Step::Switches(plan) => it.switch_later(terms(plan), *now).ok().map(|(it, _)| it),
        }
    }

    fn sum(facts: &[Fact], figures: &[Figure]) -> i64 {
        facts.iter().filter(|it| figures.contains(&it.figure)).map(|it| it.value).sum()
    }

    const MRR: [Figure; 5] = [
        Figure::MrrNew,
        Figure::MrrExpansion,
        Figure::MrrContraction,
        Figure::MrrChurn,
        Figure::MrrReactivation,
    ];

    proptest! {
        #[test]
        fn movements_add_up_to_what_is(
            with_trial in any::<bool>(),
            steps in prop::collection::vec(step(), 0..40),
        ) {
            let calendar = Calendar::named("Europe/Paris");
            let mut now = at("2026-01-31T10:00:00Z");
            let mut it = if with_trial {
                incomplete("monthly", now).confirmed(now).unwrap().0
            } else {
                active("annual", now)
            };
            let mut all = facts(None, &it, false, &calendar);
            let mut was_paid = !with_trial;
            for step in steps {
                now = now.plus(Duration::hours(7));
                let Some(next) = take(it.clone(), step, &mut now) else { continue };
                all.extend(facts(Some(&it), &next, false, &calendar));
                it = next;
                was_paid |= matches!(it.state, State::Active(_));
                // Told apart from `Phase`: paid once, and not ended or paused since.
                let is_late = matches!(it.state, State::PastDue { .. });
                let pays = matches!(it.state, State::Active(_)) || (is_late && was_paid);
                let year = if pays { yearly(&it.terms.plan).amount } else { 0 };
                prop_assert_eq!(sum(&all, &MRR), year);
                prop_assert_eq!(sum(&all, &[Figure::Active]), i64::from(pays));
                let on_trial = matches!(it.state, State::Trialing { .. });
                prop_assert_eq!(sum(&all, &[Figure::Trialing]), i64::from(on_trial));
                let ended = it.state.ended().is_some();
                prop_assert_eq!(sum(&all, &[Figure::TrialStarted]), i64::from(with_trial));
                let converted = i64::from(with_trial && was_paid);
                prop_assert_eq!(sum(&all, &[Figure::TrialConverted]), converted);
                let lost = i64::from(with_trial && ended && !was_paid);
                prop_assert_eq!(sum(&all, &[Figure::TrialLost]), lost);
                let decided = sum(&all, &[Figure::PaymentRecovered, Figure::PaymentLost]);
                let waiting = sum(&all, &[Figure::PaymentFailed]) - decided;
                prop_assert_eq!(waiting, i64::from(is_late));
                let by_plan: BTreeMap<_, i64> = all
                    .iter()
                    .filter(|fact| fact.figure == Figure::Active)
                    .fold(BTreeMap::new(), |mut sums, fact| {
                        *sums.entry(&fact.label).or_default() += fact.value;
                        sums
                    });
                for (plan, count) in by_plan {
                    let runs = pays && *plan == it.terms.plan.id;
                    prop_assert_eq!(count, i64::from(runs), "{}", plan);
                }
            }
        }
    }
}
