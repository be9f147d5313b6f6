//! Which words go with which news, and the words that several letters share. Whoever changes a
//! text raises [`TEXTS`](super::TEXTS).

use std::borrow::Cow;

use super::{BillingLetter, News, Receipt, Upcoming, change, coming, payment, start};
use crate::{
    clock::Timestamp,
    mail::letter::{Content, moment},
    money::Money,
};

pub(super) const CANCEL: &str = "To cancel, open your account and choose \"Cancel\". You go on \
    reading until the end of what you have paid, and nothing more is charged.";
pub(super) const CANCEL_TRIAL: &str = "To cancel, open your account and choose \"Cancel\" before \
    the trial ends. You then pay nothing, and go on reading until its end.";
pub(super) const AGAIN: &str = "You can subscribe again whenever you like.";

impl<'a> From<&'a BillingLetter> for Content<'a> {
    fn from(letter: &'a BillingLetter) -> Self {
        let content = content(&letter.plan, &letter.news);
        match &content.action {
            Some(_) => content,
            None => content.link("Open your account", &letter.account),
        }
    }
}

fn content<'a>(plan: &str, news: &'a News) -> Content<'a> {
    match news {
        News::TrialStarted { ends, price, first_charge, withdraw_until } => {
            start::trial_started(plan, (*ends, *price), *first_charge, *withdraw_until)
        }
        News::Subscribed { receipt, next, withdraw_until } => {
            start::subscribed(plan, receipt, *next, *withdraw_until)
        }
        News::Renewed { receipt, next, after_trial, withdraw_until } => {
            start::renewed(plan, (receipt, *next), *after_trial, *withdraw_until)
        }
        News::TrialEnding { ends, price, charged } => {
            coming::trial_ending(plan, *ends, *price, *charged)
        }
        News::RenewalComing { next } => coming::renewal(plan, *next),
        News::YearlyReminder { next } => coming::yearly_reminder(plan, *next),
        News::PriceChange { old, new, from } => coming::price_change(plan, *old, *new, *from),
        News::CardExpiring { last4, month, next } => coming::card(plan, last4, *month, *next),
        News::PaymentFailed { amount, grace_until, next_try, hard } => {
            payment::failed(plan, (*amount, *grace_until), *next_try, *hard)
        }
        News::PaymentStillFailing { amount, grace_until, next_try } => {
            payment::still_failing(plan, *amount, *grace_until, *next_try)
        }
        News::ConfirmPayment { amount, url, until } => payment::confirm(plan, *amount, url, *until),
        News::PaymentRecovered { receipt, next } => payment::recovered(plan, receipt, *next),
        News::Refunded { amount, invoice } => payment::refunded(plan, *amount, invoice),
        News::Ended { at, because } => change::ended(plan, *at, *because),
        News::CancelScheduled { at, access_until, in_trial } => {
            change::cancel_scheduled(plan, *at, *access_until, *in_trial)
        }
        News::CanceledNow { at, refund } => change::canceled_now(plan, *at, *refund),
        News::Withdrawn { at, refund } => change::withdrawn(plan, *at, *refund),
        News::Resumed { next } => change::resumed(plan, *next),
        News::Paused { at, credit } => change::paused(plan, *at, *credit),
        News::Unpaused { receipt, next } => change::unpaused(plan, receipt.as_ref(), *next),
        News::Switched { from, at, charge, credit, next } => {
            change::switched((from, plan), *at, (*charge, *credit), *next)
        }
        News::SwitchScheduled { to, next } => change::switch_scheduled(plan, to, *next),
        News::Complimentary { until } => change::complimentary(plan, *until),
    }
}

/// A letter about a plan.
pub(super) fn about<'a>(
    plan: &str,
    subject: &'static str,
    what: impl Into<Cow<'static, str>>,
) -> Content<'a> {
    Content::told(subject, what).fact("Plan", plan)
}

pub(super) fn with_receipt<'a>(content: Content<'a>, receipt: &Receipt) -> Content<'a> {
    content
        .fact("Paid", receipt.total.to_string())
        .fact("Invoice", &receipt.invoice)
        .fact("From", moment(receipt.period.start))
        .fact("Until", moment(receipt.period.end))
}

pub(super) fn with_next(content: Content<'_>, next: Upcoming) -> Content<'_> {
    content.fact("Price", next.price.to_string()).fact("Next charge", moment(next.at))
}

pub(super) fn with_refund(content: Content<'_>, refund: Option<Money>) -> Content<'_> {
    match refund {
        None => content.fact("Money back", "none"),
        Some(amount) => content.fact("Money back", amount.to_string()).after(
            "We send it the way it came. That is done within 14 days, and mostly within a few.",
        ),
    }
}

pub(super) fn with_withdrawal(content: Content<'_>, until: Option<Timestamp>) -> Content<'_> {
    match until {
        None => content,
        Some(until) => content.fact("You may withdraw until", moment(until)).after(
            "Up to then you may withdraw without giving a reason: open your account, choose \
             \"Cancel\" and \"At once\". We then give back what you have paid, within 14 days.",
        ),
    }
}
