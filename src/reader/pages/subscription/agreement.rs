//! What a reader agrees to: the words beside the button. Pure.

use super::facts::{price, rate_of};
use crate::{
    billing::{
        calendar::{Schedule, trial_end},
        catalog::model::{Interval, Terms, TrialWithoutCard},
        consent::Shown,
        subscription::model::{State, Subscription, Then},
        tax,
    },
    clock::Timestamp,
    language::Words,
    money::Money,
    reader::pages::fields::Form,
};

/// A plan as it would be taken now: with its free trial, or paid at once.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) terms: Terms,
    pub(super) with_trial: bool,
}

impl Proposal {
    /// The price of an interval, as it is paid: with the tax of the seller's country.
    pub(super) fn price(&self) -> Money {
        let Terms { catalog, plan } = &self.terms;
        let rate = catalog.tax_of(&catalog.country);
        tax::taxed(plan.price, rate).map_or(plan.price, |taxed| taxed.total)
    }

    /// "$2.90 a month"
    pub(super) fn rate(&self, words: &Words) -> String {
        rate(words, self.price(), self.terms.plan.interval)
    }

    /// What it costs, in one line: "30 days free, then $2.90 a month".
    pub(super) fn summary(&self, words: &Words) -> String {
        let rate = self.rate(words);
        if !self.with_trial {
            return rate;
        }
        let days = self.terms.plan.trial_days.into();
        words.with("subscribe-trial-then", &[("days", days), ("rate", rate.into())])
    }

    /// Whether it takes a card to begin.
    pub(super) fn needs_card(&self) -> bool {
        !self.with_trial || self.terms.plan.trial_without_card.is_none()
    }

    /// What the button says.
    pub(super) fn action(&self, words: &Words) -> String {
        if self.with_trial {
            let days = self.terms.plan.trial_days.into();
            return words.with("subscribe-start-trial", &[("days", days)]);
        }
        words.with("subscribe-pay", &[("price", words.money(self.price()).into())])
    }

    /// The words beside the button, line by line: the price, the interval, the first charge, and
    /// the way out. They name days, not instants, so that they hold for as long as the day does.
    /// `None` beyond the year 9999.
    pub(super) fn agreement(
        &self,
        words: &Words,
        public_url: &str,
        now: Timestamp,
    ) -> Option<Vec<String>> {
        let plan = &self.terms.plan;
        let rate = self.rate(words);
        let mut lines = if self.with_trial {
            let end = words.day(trial_end(now, plan.trial_days));
            let days = ("days", plan.trial_days.into());
            let then = [("rate", rate.into()), ("date", end.as_str().into())];
            let then = match plan.trial_without_card {
                None => words.with("subscribe-agree-then", &then),
                Some(TrialWithoutCard::Cancel) => words.with("subscribe-agree-ends", &then),
                Some(TrialWithoutCard::Pause) => words.with("subscribe-agree-waits", &then),
            };
            vec![words.with("subscribe-agree-trial", &[days, ("date", end.into())]), then]
        } else {
            let next = Schedule { anchor: now, interval: plan.interval }.period(0)?.end;
            let price = words.money(self.price());
            vec![
                words.with("subscribe-agree-pay", &[("price", price.into())]),
                renews(words, &rate, next),
            ]
        };
        lines.push(way_out(words, public_url));
        Some(lines)
    }
}

/// "$2.90 a month"
pub(super) fn rate(words: &Words, price: Money, interval: Interval) -> String {
    let variables = [("price", words.money(price).into()), ("interval", interval.as_str().into())];
    words.with("subscribe-rate", &variables)
}

/// "It renews by itself: $2.90 a month, next on 23 December 2026, until you cancel."
pub(super) fn renews(words: &Words, rate: &str, next: Timestamp) -> String {
    dated_rate(words, "subscribe-agree-renews", (rate, next))
}

/// "If you take it back, it renews by itself once more: $2.90 a month, next on 23 December 2026, …"
pub(super) fn renews_again(words: &Words, rate: &str, next: Timestamp) -> String {
    dated_rate(words, "plan-resume-renews", (rate, next))
}

fn dated_rate(words: &Words, id: &str, (rate, next): (&str, Timestamp)) -> String {
    words.with(id, &[("rate", rate.into()), ("date", words.day(next).into())])
}

/// What is paid, and when, by whoever ends a pause of `it` now.
pub(super) fn pays_now(words: &Words, it: &Subscription, now: Timestamp) -> Option<Vec<String>> {
    let next = Schedule { anchor: now, interval: it.terms.plan.interval }.period(0)?.end;
    let price = words.money(price(&it.terms, &it.country));
    Some(vec![
        words.with("subscribe-agree-pay", &[("price", price.into())]),
        renews(words, &rate_of(words, &it.terms, &it.country), next),
    ])
}

/// What is paid, and when, by whoever gives a card to `it` now, where it had none or none that paid;
/// `None` where a card changes nothing but how it is paid.
pub(super) fn first_card(words: &Words, it: &Subscription, now: Timestamp) -> Option<Vec<String>> {
    match &it.state {
        State::Paused { .. } if it.waits_for_card() => pays_now(words, it, now),
        _ if it.method.is_some() => None,
        State::Trialing { then: Then::Renew } => {
            let rate = rate_of(words, &it.terms, &it.country);
            Some(vec![renews(words, &rate, it.period()?.end)])
        }
        _ => None,
    }
}

/// The ways out: "You can cancel anytime: …"
pub(super) fn way_out(words: &Words, public_url: &str) -> String {
    let address = format!("{public_url}/cancel");
    words.with("subscribe-agree-way-out", &[("address", address.into())])
}

/// Everything that stands on a form, as it is kept; its button is the last line.
pub(super) fn of_form(words: &Words, form: &Form) -> Shown {
    let facts = form.facts.iter().map(|(name, value)| format!("{name}: {value}"));
    let around = [form.heading.clone(), form.text.clone()].into_iter().chain(facts);
    let lines = around.chain([form.button.clone()]).filter(|line| !line.is_empty());
    shown(words, &lines.collect::<Vec<_>>())
}

/// The form, which carries the fingerprint of everything that stands on it.
pub(super) fn sealed(words: &Words, mut form: Form) -> Form {
    let fingerprint = of_form(words, &form).fingerprint();
    form.hidden.push(("shown", fingerprint));
    form
}

/// The lines of an agreement as they are kept.
pub(super) fn shown(words: &Words, lines: &[String]) -> Shown {
    Shown { language: words.language, text: lines.join("\n") }
}
