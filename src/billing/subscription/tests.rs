//! The rules of subscriptions, as stories without a database.

use std::sync::Arc;

use iso_currency::Currency;
use proptest::prelude::*;
use time::Duration;
use uuid::Uuid;

use super::{
    access::Entitlement,
    change::Refusal,
    collect::Collected,
    due::Due,
    model::{EndReason, Method, Paid, Purchase, State, Status, Subscription, Then},
    quote::How,
};
use crate::{
    billing::{
        calendar::Period,
        catalog::{
            localized::Localized,
            model::{Catalog, Dunning, Interval, Plan, Product, Sites, Terms, TrialWithoutCard},
        },
        event::Event,
    },
    clock::Timestamp,
    money::Money,
};

/// Of a change whose time does not matter.
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::USD }
}

pub(crate) fn plan(id: &str, amount: i64, interval: Interval, trial_days: u32) -> Plan {
    Plan {
        id: id.to_owned(),
        product: "digital".to_owned(),
        name: Localized::for_all(id),
        price: usd(amount),
        interval,
        trial_days,
        trial_without_card: None,
        dunning: Dunning { retry_days: vec![1, 3, 5, 7], grace_days: 14 },
        badge: None,
        offered: true,
        migrate: None,
    }
}

pub(crate) fn terms(id: &str) -> Terms {
    let catalog = Catalog {
        newsletters: Vec::new(),
        version: 1,
        country: "US".to_owned(),
        products: vec![Product {
            id: "digital".to_owned(),
            name: Localized::for_all("Digital"),
            sites: Sites::All,
            includes: Vec::new(),
        }],
        plans: vec![
            plan("monthly", 290, Interval::Month, 30).into(),
            plan("annual", 1_990, Interval::Year, 0).into(),
            plan("premium", 490, Interval::Month, 0).into(),
        ],
        tax: Vec::new(),
    };
    Terms::of(&Arc::new(catalog), id).unwrap()
}

pub(crate) fn incomplete(id: &str, now: Timestamp) -> Subscription {
    let terms = terms(id);
    Subscription {
        id: Uuid::nil(),
        reader: Uuid::nil(),
        state: State::Incomplete {
            expires_at: now.plus(Duration::hours(23)),
            begins_trial: terms.plan.trial_days > 0,
        },
        terms,
        country: "US".to_owned(),
        method: Some(Method { token: "pm".into(), last4: "4242".into(), expires: (2099, 12) }),
        created_at: now,
        agreed_at: now,
        trial: None,
        open: None,
        revision: 1,
    }
}

pub(crate) fn trialing(now: Timestamp) -> Subscription {
    incomplete("monthly", now).confirmed(now).unwrap().0
}

pub(crate) fn collect(
    subscription: Subscription,
    purchase: Purchase,
    now: Timestamp,
) -> Subscription {
    let price = purchase.terms.plan.price;
    match subscription.charging(Uuid::max()).paid(purchase, price, now) {
        Collected::Changed(changed, _) => *changed,
        Collected::TooLate(_) => panic!("too late"),
    }
}

pub(crate) fn active(id: &str, now: Timestamp) -> Subscription {
    let subscription = incomplete(id, now);
    let purchase = subscription.fresh_purchase(now).unwrap();
    collect(subscription, purchase, now)
}

pub(crate) fn purchase(subscription: &Subscription, now: Timestamp) -> Purchase {
    match subscription.due(now) {
        Some(Due::Collect(purchase)) => *purchase,
        other => panic!("{other:?} is due, not a charge"),
    }
}

pub(crate) fn cancel(subscription: Subscription, now: Timestamp) -> Subscription {
    subscription.cancel_at_period_end(EndReason::CanceledByReader, now).unwrap().unwrap().0
}

#[test]
fn a_trial_becomes_paid_periods_that_keep_the_day_of_its_end() {
    let mut subscription = trialing(at("2027-01-01T10:00:00Z"));
    let end = at("2027-01-31T10:00:00Z");
    assert_eq!(subscription.due_at(), Some(end));
    assert_eq!(subscription.due(end.minus(Duration::microseconds(1))), None);
    for next in ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"] {
        let now = subscription.due_at().unwrap();
        let bought = purchase(&subscription, now);
        subscription = collect(subscription, bought, now);
        assert_eq!(subscription.period().unwrap().end, at(&format!("{next}T10:00:00Z")));
        assert_eq!(subscription.entitles(now), Some(Entitlement::Subscriber));
    }
}

#[test]
fn whoever_cancels_reads_to_the_last_instant_and_pays_nothing() {
    let start = at("2027-01-01T10:00:00Z");
    let canceled = cancel(trialing(start), start.plus(Duration::days(3)));
    let end = at("2027-01-31T10:00:00Z");
    assert!(canceled.cancels_at_period_end());
    assert_eq!(canceled.entitles(end.minus(Duration::microseconds(1))), Some(Entitlement::Trial));
    assert_eq!(canceled.entitles(end), None, "also where nobody has ended it yet");
    assert_eq!(canceled.due(end), Some(Due::Lapse));
    let ended = canceled.as_of(end.plus(Duration::days(9)));
    assert_eq!(ended.state, State::Canceled { at: end, reason: EndReason::CanceledByReader });
    assert_eq!(ended.due_at(), None);
    assert!(ended.clone().resume(end).is_err());
    let again = ended.cancel_at_period_end(EndReason::CanceledByReader, end);
    assert!(matches!(again, Err(Refusal::InvalidTransition(_))));
}

#[test]
fn canceling_twice_changes_nothing_and_resuming_takes_it_back() {
    let start = at("2027-01-01T10:00:00Z");
    let canceled = cancel(trialing(start), start);
    let later = start.plus(Duration::days(1));
    let again = canceled.clone().cancel_at_period_end(EndReason::CanceledByReader, later).unwrap();
    assert!(again.is_none());
    let (resumed, event) = canceled.resume(later).unwrap();
    assert_eq!((event, resumed.trial), (Event::CancelRevoked, trialing(start).trial));
    assert!(resumed.resume(later).is_err(), "there is nothing to take back");
}

#[test]
fn canceled_after_the_end_but_before_the_charge_it_ends_as_of_the_end() {
    let start = at("2027-01-01T10:00:00Z");
    let late = at("2027-01-31T10:00:01Z");
    let ended = cancel(trialing(start), late);
    assert_eq!(ended.state.ended().map(|(at, _)| at), Some(at("2027-01-31T10:00:00Z")));
}

#[test]
fn canceled_while_the_charge_is_on_its_way_it_is_paid_or_owes_nothing() {
    let start = at("2027-01-01T10:00:00Z");
    let end = at("2027-01-31T10:00:00Z");
    let bought = purchase(&trialing(start), end);
    let canceled = cancel(trialing(start).charging(Uuid::max()), end);
    assert_eq!(canceled.state.status(), Status::Trialing);
    let paid = collect(canceled.clone(), bought.clone(), end);
    assert!(paid.cancels_at_period_end(), "it ends with what it paid");
    let (declined, _) = canceled.declined(bought, false, end);
    assert_eq!(declined.state, State::Canceled { at: end, reason: EndReason::CanceledByReader });
}

#[test]
fn soft_declines_are_tried_again_and_the_grace_ends_to_the_instant() {
    let now = at("2027-01-31T10:00:00Z");
    let mut subscription = trialing(at("2027-01-01T10:00:00Z"));
    let bought = purchase(&subscription, now);
    (subscription, _) = subscription.charging(Uuid::max()).declined(bought.clone(), false, now);
    for day in [1, 3, 5, 7] {
        let retry = now.plus(Duration::days(day));
        assert_eq!(subscription.due_at(), Some(retry));
        assert_eq!(purchase(&subscription, retry), bought, "the same period");
        (subscription, _) =
            subscription.charging(Uuid::max()).declined(bought.clone(), false, retry);
        if day == 5 {
            assert_eq!(subscription.due(retry), Some(Due::Remind), "only where it failed again");
            subscription = subscription.reminded();
        }
    }
    let end = now.plus(Duration::days(14));
    assert_eq!(subscription.due_at(), Some(now.plus(Duration::days(10))));
    subscription = subscription.reminded();
    assert_eq!(subscription.due_at(), Some(end));
    let last = end.minus(Duration::microseconds(1));
    assert_eq!(subscription.entitles(last), Some(Entitlement::GracePeriod));
    assert_eq!((subscription.entitles(end), subscription.due(end)), (None, Some(Due::Lapse)));
    let recovered = collect(subscription.clone(), bought, last);
    assert_eq!(recovered.period().unwrap().start, now, "the anchor stays");
    let (ended, _) = subscription.lapse().unwrap();
    assert_eq!(ended.state, State::Canceled { at: end, reason: EndReason::PaymentFailed });
}

#[test]
fn a_hard_decline_waits_for_another_card() {
    let now = at("2027-01-31T10:00:00Z");
    let subscription = trialing(at("2027-01-01T10:00:00Z"));
    let bought = purchase(&subscription, now);
    let (subscription, _) = subscription.charging(Uuid::max()).declined(bought, true, now);
    assert_eq!(
        subscription.clone().reminded().reminded().due_at(),
        Some(now.plus(Duration::days(14)))
    );
    assert!(subscription.unpaid_purchase().is_some());
    assert_eq!(cancel(subscription, now).state.status(), Status::Canceled, "nothing is owed");
}

#[test]
fn money_that_comes_after_the_end_is_given_back() {
    let start = at("2027-01-01T10:00:00Z");
    let end = at("2027-01-31T10:00:00Z");
    let bought = purchase(&trialing(start), end);
    let charging = trialing(start).charging(Uuid::max());
    let (ended, _) = charging.cancel_now(EndReason::Erased, end).unwrap();
    assert_eq!(ended.due(end), Some(Due::Settle(Uuid::max())), "it is still asked about");
    assert!(matches!(ended.paid(bought, usd(290), end), Collected::TooLate(_)));
}

#[test]
fn a_year_in_the_middle_of_a_month_costs_18_45() {
    let start = at("2027-04-01T00:00:00Z");
    let monthly = active("monthly", start);
    let half = at("2027-04-16T00:00:00Z");
    let quote = monthly.quote(&terms("annual"), half).unwrap();
    let How::AtOnce { purchase, credit } = quote.how else { panic!("not at once") };
    assert_eq!((credit, purchase.terms.plan.price), (usd(145), usd(1_990)));
    let annual = collect(monthly, *purchase, half);
    let year = Period { start: half, end: at("2028-04-16T00:00:00Z") };
    assert_eq!((annual.period(), quote.period_end), (Some(year), year.end));
    let back = annual.quote(&terms("monthly"), half).unwrap();
    assert_eq!((back.how, back.effective_at), (How::AtPeriodEnd, year.end));
}

#[test]
fn a_switch_in_the_trial_moves_no_money_and_keeps_its_end() {
    let start = at("2027-01-01T10:00:00Z");
    let trial = trialing(start);
    let quote = trial.quote(&terms("annual"), start).unwrap();
    assert_eq!((quote.how, quote.period_end), (How::InTrial, trial.trial.unwrap().end));
    let (switched, _) = trial.clone().switch_later(terms("annual"), NOW).unwrap();
    assert_eq!((switched.trial, &*switched.terms.plan.id), (trial.trial, "annual"));
    let bought = purchase(&switched, quote.period_end);
    assert_eq!(bought.turn.period.end, at("2028-01-31T10:00:00Z"));
    assert_eq!(trial.quote(&terms("monthly"), start), Err(Refusal::SamePlan));
}

#[test]
fn a_planned_switch_keeps_the_anchor_and_can_be_taken_back() {
    let annual = active("annual", at("2028-02-29T06:00:00Z"));
    let (planned, _) = annual.clone().switch_later(terms("monthly"), NOW).unwrap();
    let end = at("2029-02-28T06:00:00Z");
    let bought = purchase(&planned, end);
    assert_eq!(bought.turn.period.end, at("2029-03-29T06:00:00Z"), "the 29th comes back");
    let (kept, _) = planned.clone().revoke_switch().unwrap();
    assert_eq!(kept.then(), annual.then());
    assert!(kept.revoke_switch().is_err());
    let canceled = cancel(planned, end.minus(Duration::DAY));
    assert_eq!(canceled.due(end), Some(Due::Lapse), "leaving goes before switching");
    assert!(canceled.quote(&terms("monthly"), end.minus(Duration::DAY)).is_err());
}

#[test]
fn a_pause_gives_back_what_is_unused_and_begins_anew() {
    let start = at("2027-04-01T00:00:00Z");
    let ((paused, _), credit) =
        active("monthly", start).pause(start.plus(Duration::days(15))).unwrap();
    assert_eq!((credit, paused.due_at()), (usd(145), None));
    let later = at("2027-07-09T00:00:00Z");
    assert_eq!(paused.entitles(later), None);
    let bought = paused.fresh_purchase(later).unwrap();
    let resumed = collect(paused, bought, later);
    assert_eq!(resumed.period().unwrap().end, at("2027-08-09T00:00:00Z"));
}

#[test]
fn a_trial_without_a_card_ends_or_waits_as_the_plan_says() {
    let start = at("2027-01-01T10:00:00Z");
    let end = at("2027-01-31T10:00:00Z");
    let mut trial = Subscription { method: None, ..trialing(start) };
    assert_eq!((trial.due(end), trial.entitles(end)), (Some(Due::Lapse), None));
    let reason = EndReason::TrialEnded;
    assert_eq!(trial.clone().lapse().unwrap().0.state, State::Expired { at: end, reason });
    Arc::make_mut(&mut trial.terms.plan).trial_without_card = Some(TrialWithoutCard::Pause);
    let (waiting, _) = trial.lapse().unwrap();
    assert_eq!(waiting.state, State::Paused { since: end });
    // Only a payment ends the waiting, and no card that was declined.
    let declined = Subscription { method: trialing(start).method, ..waiting.clone() };
    assert!(declined.method.is_some() && declined.waits_for_card() && waiting.waits_for_card());
    let bought = declined.fresh_purchase(end).unwrap();
    let paid = collect(declined, bought, end);
    assert!(!paid.waits_for_card());
    let ((paused, _), _) = paid.pause(end.plus(Duration::DAY)).unwrap();
    assert!(!paused.waits_for_card(), "staff had a reason");
}

#[test]
fn extra_days_move_the_calendar() {
    let (extended, _) = active("monthly", at("2027-01-31T00:00:00Z")).extend(3).unwrap();
    let end = at("2027-03-03T00:00:00Z");
    assert_eq!(extended.period().unwrap().end, end);
    assert_eq!(purchase(&extended, end).turn.period.end, at("2027-04-03T00:00:00Z"));
}

#[test]
fn the_reader_goes_on_reading_while_we_are_late() {
    let late = at("2027-02-01T10:00:00Z");
    assert_eq!(trialing(at("2027-01-01T10:00:00Z")).entitles(late), Some(Entitlement::GracePeriod));
}

proptest! {
    /// Whatever is done in whatever order: what is due is due now or later but never in a state
    /// that has ended, credits stay within what was paid, and the end is for ever.
    #[test]
    fn whatever_happens_the_rules_hold(
        steps in proptest::collection::vec((0_u8..10, 0_i64..40), 1..60),
    ) {
        let mut now = at("2026-11-23T04:05:06Z");
        let mut subscription = trialing(now);
        let mut ended: Option<State> = None;
        for (step, days) in steps {
            now = now.plus(Duration::days(days)).plus(Duration::seconds(days));
            let before = subscription.clone();
            subscription = walk(subscription, step, now);
            if let Some(state) = &ended {
                prop_assert_eq!(state, &subscription.state, "final is final");
            }
            if before.state.ended().is_none() && subscription.state.ended().is_some() {
                ended = Some(subscription.state.clone());
                prop_assert_eq!(subscription.entitles(now), None);
            }
            if let State::Active(Paid { turn, amount, then }) = &subscription.state {
                prop_assert!(turn.period.start < turn.period.end);
                let left = amount.prorated(turn.period.micros_left(now), turn.period.micros());
                prop_assert!(left.is_some_and(|left| (0..=amount.amount).contains(&left.amount)));
                let reads = subscription.entitles(turn.period.start).is_some();
                prop_assert!(reads, "paid, so it may be read");
                let stays = matches!(then, Then::Switch { terms } if terms == &subscription.terms);
                prop_assert!(!stays);
            }
        }
    }
}

fn walk(it: Subscription, step: u8, now: Timestamp) -> Subscription {
    let kept = it.clone();
    let changed = match step {
        0 => it.cancel_at_period_end(EndReason::CanceledByReader, now).ok().flatten(),
        1 => it.resume(now).ok(),
        2 => it.cancel_now(EndReason::CanceledByStaff, now).ok().filter(|_| now.micros() % 7 == 0),
        3 => it.quote(&terms("annual"), now).ok().and_then(|quote| match quote.how {
            How::AtOnce { purchase, .. } => {
                Some((collect(it, *purchase, now), Event::CancelRevoked))
            }
            _ => it.switch_later(terms("annual"), NOW).ok(),
        }),
        4 => it.switch_later(terms("monthly"), NOW).ok(),
        5 => it.pause(now).ok().map(|(changed, _)| changed),
        6 => it.extend(3).ok(),
        7 => it.fresh_purchase(now).map(|p| (collect(it, p, now), Event::CancelRevoked)),
        _ => match it.due(now) {
            Some(Due::Lapse) => it.lapse(),
            Some(Due::Remind) => Some((it.reminded(), Event::CancelRevoked)),
            Some(Due::Collect(p)) if step == 8 => {
                Some(it.charging(Uuid::max()).declined(*p, false, now))
            }
            Some(Due::Collect(p)) => Some((collect(it, *p, now), Event::CancelRevoked)),
            _ => None,
        },
    };
    changed.map_or(kept, |(changed, _)| changed)
}
