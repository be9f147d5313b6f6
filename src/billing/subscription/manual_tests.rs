//! `docs/billing.md` shows every transition as it is, and no other.

use std::sync::Arc;

use time::Duration;

use super::{
    change::Changed,
    collect::Collected,
    due::Due,
    model::{EndReason, Method, Purchase, State, Subscription, Then},
    quote::How,
    tests::{active, at, cancel, incomplete, terms, trialing},
};
use crate::{billing::catalog::model::TrialWithoutCard, clock::Timestamp};

const MANUAL: &str = include_str!("../../../docs/billing.md");
const HEADING: &str = "| From | What happens | To | Event |\n| --- | --- | --- | --- |\n";

/// What may happen, and what comes of it; `None` where it is refused or changes nothing.
type Act = (&'static str, fn(Subscription) -> Option<Row>);

const ACTS: [Act; 14] = [
    ("the card for the trial is confirmed", |it| of(it.confirmed(noon()))),
    ("what is charged is paid", paid),
    ("what is charged is declined", declined),
    ("the bank wants a confirmation", wants_confirmation),
    ("its time comes", time_comes),
    ("it is canceled for the end of the period", |it| {
        of(it.cancel_at_period_end(EndReason::CanceledByReader, noon()).ok().flatten())
    }),
    ("it is ended at once", |it| of(it.cancel_now(EndReason::CanceledByStaff, noon()).ok())),
    ("the cancellation is taken back", |it| of(it.resume(noon()).ok())),
    ("a switch to a longer or dearer plan is paid", switch_paid),
    ("another switch is ordered", switch_ordered),
    ("the planned switch is taken back", |it| of(it.revoke_switch().ok())),
    ("staff pause it", |it| of(it.pause(noon()).ok().map(|(changed, _)| changed))),
    ("staff give days", |it| of(it.extend(3).ok())),
    ("another card is given", |it| of(it.pay_by(card()).ok())),
];

/// Where it stands afterwards, and what is told of it.
type Row = (String, &'static str);

/// Some time in the first period.
fn noon() -> Timestamp {
    at("2026-12-01T12:00:00Z")
}

fn start() -> Timestamp {
    at("2026-11-23T04:05:06Z")
}

fn card() -> Method {
    Method { token: "pm_2".to_owned(), last4: "4444".to_owned(), expires: (2099, 12) }
}

fn of(changed: Option<Changed>) -> Option<Row> {
    changed.map(|(it, event)| (label(&it), event.kind()))
}

fn label(it: &Subscription) -> String {
    let mut label = it.state.status().as_str().to_owned();
    match it.then() {
        Some(Then::Cancel { .. }) => label.push_str(", to end"),
        Some(Then::Switch { .. }) => label.push_str(", to switch"),
        Some(Then::Renew) if it.method.is_none() => {
            label.push_str(match it.without_card() {
                TrialWithoutCard::Cancel => ", no card",
                TrialWithoutCard::Pause => ", no card, waits",
            });
        }
        _ => {}
    }
    if matches!(it.state, State::Incomplete { begins_trial: true, .. }) {
        label.push_str(", a trial");
    }
    label
}

/// One of every kind that the table tells apart.
fn samples() -> Vec<Subscription> {
    let (start, noon) = (start(), noon());
    let past_due = |plan: &str| {
        let it = active(plan, start);
        let purchase = it.next_purchase(it.terms.clone()).unwrap();
        let end = it.period().unwrap().end;
        it.declined(purchase, false, end).0
    };
    let without_card = |then| {
        let mut it = trialing(start);
        Arc::make_mut(&mut it.terms.plan).trial_without_card = Some(then);
        it.method = None;
        it
    };
    let to_switch = active("premium", start).switch_later(terms("monthly"), noon).unwrap().0;
    vec![
        incomplete("premium", start),
        incomplete("monthly", start),
        trialing(start),
        without_card(TrialWithoutCard::Cancel),
        without_card(TrialWithoutCard::Pause),
        cancel(trialing(start), noon),
        active("premium", start),
        to_switch,
        cancel(active("premium", start), noon),
        past_due("premium"),
        active("premium", start).pause(noon).unwrap().0.0,
        active("premium", start).cancel_now(EndReason::CanceledByStaff, noon).unwrap().0,
        incomplete("premium", start).cancel_now(EndReason::Superseded, noon).unwrap().0,
    ]
}

/// What could be charged: also what was on its way when somebody canceled.
fn purchase(it: &Subscription) -> Option<Purchase> {
    it.method.as_ref()?;
    let begins_trial = matches!(it.state, State::Incomplete { begins_trial: true, .. });
    let end = it.period().map_or(noon(), |period| period.end);
    match it.due(end) {
        Some(Due::Collect(purchase)) => Some(*purchase),
        _ if begins_trial => None,
        _ if it.state.ended().is_some() => {
            active("premium", start()).next_purchase(it.terms.clone())
        }
        _ => it
            .next_purchase(it.terms.clone())
            .or_else(|| it.unpaid_purchase())
            .or_else(|| it.fresh_purchase(noon())),
    }
}

fn paid(it: Subscription) -> Option<Row> {
    let purchase = purchase(&it)?;
    let (price, now) = (purchase.terms.plan.price, purchase.turn.period.start);
    Some(match it.charging(uuid::Uuid::max()).paid(purchase, price, now) {
        Collected::Changed(changed, event) => (label(&changed), event.kind()),
        Collected::TooLate(kept) => (label(&kept), "none; the money is given back"),
    })
}

fn declined(it: Subscription) -> Option<Row> {
    if it.state.ended().is_some() {
        return None;
    }
    let purchase = purchase(&it)?;
    let now = purchase.turn.period.start;
    let it = it.charging(uuid::Uuid::max());
    let soft = of(Some(it.clone().declined(purchase.clone(), false, now)));
    let hard = of(Some(it.declined(purchase, true, now)));
    assert_eq!(soft, hard);
    hard
}

fn wants_confirmation(it: Subscription) -> Option<Row> {
    if it.state.ended().is_some() {
        return None;
    }
    let purchase = purchase(&it)?;
    let now = purchase.turn.period.start;
    of(Some(it.charging(uuid::Uuid::max()).wants_confirmation(purchase, now)))
}

fn time_comes(it: Subscription) -> Option<Row> {
    let last = match &it.state {
        State::PastDue { failure, .. } => failure.grace_until,
        _ => it.due_at()?,
    };
    assert_ne!(it.due(last.minus(Duration::MICROSECOND)), Some(Due::Lapse));
    (it.due(last) == Some(Due::Lapse)).then(|| of(it.lapse()))?
}

fn switch_paid(it: Subscription) -> Option<Row> {
    let How::AtOnce { purchase, .. } = it.quote(&terms("annual"), noon()).ok()?.how else {
        return None;
    };
    let price = purchase.terms.plan.price;
    let declined = it.clone().declined((*purchase).clone(), true, noon()).0;
    assert_eq!(label(&declined), label(&it), "whoever cannot pay it stays");
    match it.charging(uuid::Uuid::max()).paid(*purchase, price, noon()) {
        Collected::Changed(changed, event) => Some((label(&changed), event.kind())),
        Collected::TooLate(_) => None,
    }
}

fn switch_ordered(it: Subscription) -> Option<Row> {
    let to = if it.terms.plan.id == "monthly" { "annual" } else { "monthly" };
    let how = it.quote(&terms(to), noon()).ok()?.how;
    (!matches!(how, How::AtOnce { .. })).then(|| of(it.switch_later(terms(to), noon()).ok()))?
}

#[test]
fn the_manual_shows_every_transition_and_no_other() {
    let rows = samples().into_iter().flat_map(|it| {
        let from = label(&it);
        ACTS.iter().filter_map(move |(what, act)| {
            let (to, event) = act(it.clone())?;
            Some(format!("| {from} | {what} | {to} | {event} |\n"))
        })
    });
    let rows: String = rows.collect();
    let table = MANUAL.split(HEADING).nth(1).unwrap_or_default();
    let shown: String =
        table.split_inclusive('\n').take_while(|line| line.starts_with('|')).collect();
    assert!(shown == rows, "the table in docs/billing.md should be:\n{HEADING}{rows}");
}

#[test]
fn the_manual_names_every_status_and_reason() {
    let reasons = EndReason::ALL.map(EndReason::as_str);
    let statuses = super::model::Status::ALL.map(super::model::Status::as_str);
    for word in reasons.iter().chain(&statuses) {
        assert!(MANUAL.contains(&format!("| `{word}` |")), "{word}");
    }
}
