//! What a subscription looks like to its reader, in words. Pure.

use uuid::Uuid;

use super::agreement::rate;
use crate::{
    billing::{
        catalog::model::{Terms, TrialWithoutCard},
        subscription::model::{EndReason, Method, State, Subscription, Then, WaitsFor},
        tax,
    },
    clock::Timestamp,
    language::Words,
    money::Money,
    reader::pages::fields::Form,
};

/// A subscription on the account page.
#[derive(Debug, Clone)]
pub(super) struct SubscriptionView {
    pub(super) id: Uuid,
    /// The plan's name.
    pub(super) name: String,
    /// `trialing`, for its colour.
    pub(super) status: &'static str,
    /// The same in words.
    pub(super) status_text: String,
    /// What is going on, in a sentence.
    pub(super) lead: String,
    /// Something that the reader should do.
    pub(super) alert: Option<String>,
    /// Names and values.
    pub(super) facts: Vec<(String, String)>,
    /// What has to be done first, where that is a card.
    pub(super) urgent: Option<Urgent>,
    /// Where what can be done is done.
    pub(super) actions: Vec<(String, String)>,
    /// What takes a cancellation, or a pause, back.
    pub(super) resume: Option<Form>,
    /// Whether a switch is planned, which can be taken back.
    pub(super) switches: bool,
    /// Whether it can be canceled.
    pub(super) cancels: bool,
}

/// What a reader should do whose payment failed, or who has no card to pay with.
#[derive(Debug, Clone)]
pub(super) struct Urgent {
    /// Where.
    pub(super) href: String,
    /// What.
    pub(super) label: String,
    /// When we try the card once more by ourselves, or that we do not.
    pub(super) retry: Option<String>,
}

/// The price of a plan as this reader pays it, with the tax of their country.
pub(super) fn price(terms: &Terms, country: &str) -> Money {
    let price = terms.plan.price;
    tax::taxed(price, terms.catalog.tax_of(country)).map_or(price, |taxed| taxed.total)
}

/// "$2.90 a month"
pub(super) fn rate_of(words: &Words, terms: &Terms, country: &str) -> String {
    rate(words, price(terms, country), terms.plan.interval)
}

/// "•••• 4242, until 12/2028"
pub(super) fn card(words: &Words, method: &Method) -> String {
    let (year, month) = method.expires;
    let expires = format!("{month:02}/{year}");
    let variables = [("last4", method.last4.as_str().into()), ("expires", expires.into())];
    words.with("plan-card-value", &variables)
}

/// How it stands, in a sentence.
fn lead(words: &Words, it: &Subscription) -> String {
    let dated = |id: &str, at: Timestamp| words.with(id, &[("date", words.day(at).into())]);
    let end = it.period().map(|period| period.end);
    match (&it.state, end) {
        (State::Incomplete { .. }, _) => words.say("plan-lead-incomplete"),
        (State::Trialing { then: Then::Cancel { .. } }, Some(end)) => {
            dated("plan-lead-trial-canceled", end)
        }
        (State::Trialing { .. }, Some(end)) => dated("plan-lead-trial", end),
        (State::Active(paid), Some(end)) => match &paid.then {
            Then::Cancel { .. } => dated("plan-lead-canceled", end),
            Then::Switch { terms } => {
                let plan = ("plan", terms.plan.name.in_language(words.language).into());
                words.with("plan-lead-switch", &[plan, ("date", words.day(end).into())])
            }
            Then::Renew => dated("plan-lead-active", end),
        },
        (State::PastDue { failure, .. }, _) => dated("plan-lead-past-due", failure.grace_until),
        (State::Paused { .. }, _) => words.say("plan-lead-paused"),
        (State::Canceled { at, reason } | State::Expired { at, reason }, _) => {
            let id = match reason {
                EndReason::PaymentFailed => "plan-lead-ended-unpaid",
                EndReason::Withdrawn => "plan-lead-ended-withdrawn",
                _ => "plan-lead-ended",
            };
            dated(id, *at)
        }
        // A running state has a period; without one there is nothing to name.
        _ => words.say("plan-lead-incomplete"),
    }
}

fn alert(words: &Words, it: &Subscription) -> Option<String> {
    let waits_for_reader =
        matches!(it.open.map(|open| open.waits_for), Some(WaitsFor::Reader { .. }));
    match &it.state {
        _ if waits_for_reader && it.state.ended().is_none() => {
            Some(words.say("plan-alert-confirm"))
        }
        State::PastDue { .. } => Some(words.say("plan-alert-past-due")),
        State::Trialing { then: Then::Renew } if it.method.is_none() => {
            let waits = it.terms.plan.trial_without_card == Some(TrialWithoutCard::Pause);
            Some(words.say(if waits { "plan-alert-waits" } else { "plan-alert-no-card" }))
        }
        State::Paused { .. } if it.waits_for_card() => {
            let declined = it.method.is_some();
            Some(words.say(if declined { "plan-alert-other-card" } else { "plan-alert-add-card" }))
        }
        _ => None,
    }
}

fn urgent(words: &Words, it: &Subscription) -> Option<Urgent> {
    let retry = match &it.state {
        State::PastDue { failure, .. } => Some(match failure.retry_at {
            Some(at) => words.with("plan-retry", &[("date", words.day(at).into())]),
            None => words.say("plan-retry-none"),
        }),
        State::Trialing { then: Then::Renew } if it.method.is_none() => None,
        _ if it.waits_for_card() => None,
        _ => return None,
    };
    Some(Urgent { href: card_address(it), label: card_label(words, it), retry })
}

fn card_label(words: &Words, it: &Subscription) -> String {
    words.say(if it.method.is_some() { "plan-do-card" } else { "plan-card-add" })
}

fn card_address(it: &Subscription) -> String {
    format!("/account/card?id={}", it.id)
}

fn facts(words: &Words, it: &Subscription) -> Vec<(String, String)> {
    let mut facts = vec![(words.say("plan-price"), rate_of(words, &it.terms, &it.country))];
    if let Some((at, terms)) = it.next_charge() {
        let amount = words.money(price(terms, &it.country)).into();
        let variables = [("amount", amount), ("date", words.day(at).into())];
        let next = words.with("plan-next-charge-value", &variables);
        facts.push((words.say("plan-next-charge"), next));
    } else if it.state.ended().is_none() && it.cancels_at_period_end() {
        facts.push((words.say("plan-next-charge"), words.say("plan-next-charge-none")));
    }
    if let Some(trial) = it.trial.filter(|_| matches!(it.state, State::Trialing { .. })) {
        facts.push((words.say("plan-trial-end"), words.moment(trial.end)));
    }
    if it.state.ended().is_none() {
        let none = || words.say("plan-card-none");
        let method = it.method.as_ref().map_or_else(none, |method| card(words, method));
        facts.push((words.say("plan-card"), method));
    }
    facts
}

impl SubscriptionView {
    /// How `it` looks; `others` are the plans that it could be switched to.
    pub(super) fn of(words: &Words, it: &Subscription, others: bool) -> Self {
        let status = it.state.status().as_str();
        let canceling = it.cancels_at_period_end();
        let runs = matches!(it.state, State::Trialing { .. } | State::Active(_));
        let open = it.state.ended().is_none();
        let mut actions = Vec::new();
        if runs && !canceling && others {
            actions.push((format!("/account/switch?id={}", it.id), words.say("plan-do-switch")));
        }
        let urgent = urgent(words, it);
        if urgent.is_none() && open && !matches!(it.state, State::Incomplete { .. }) {
            actions.push((card_address(it), card_label(words, it)));
        }
        let shown = if canceling { "canceling" } else { status };
        Self {
            id: it.id,
            name: it.terms.plan.name.in_language(words.language).to_owned(),
            status,
            status_text: words.with("plan-status", &[("status", shown.into())]),
            lead: lead(words, it),
            alert: alert(words, it),
            facts: facts(words, it),
            urgent,
            actions,
            resume: None,
            switches: matches!(it.then(), Some(Then::Switch { .. })),
            cancels: open && !canceling && !matches!(it.state, State::Incomplete { .. }),
        }
    }
}
