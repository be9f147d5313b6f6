//! Payments that did not go through, and money that went the other way.

use time::Duration;

use super::{
    Receipt, Upcoming,
    text::{CANCEL, about, with_next, with_receipt},
};
use crate::{
    clock::Timestamp,
    mail::letter::{Content, moment},
    money::Money,
};

const PAY: &str = "To pay with another card, open your account and add it: it is charged at once.";
/// As with Stripe, a payment that nobody confirmed by then is called off.
const CONFIRM_WITHIN: Duration = Duration::hours(23);

pub(super) fn failed<'a>(
    plan: &str,
    (amount, grace_until): (Money, Timestamp),
    next_try: Option<Timestamp>,
    hard: bool,
) -> Content<'a> {
    let what = if hard {
        "Your bank refused the payment for your subscription, and told us not to try this card \
         again. You go on reading for now."
    } else {
        "Your bank refused the payment for your subscription. You go on reading for now."
    };
    unpaid(about(plan, "Your payment did not go through", what), amount, grace_until, next_try)
}

pub(super) fn still_failing<'a>(
    plan: &str,
    amount: Money,
    grace_until: Timestamp,
    next_try: Option<Timestamp>,
) -> Content<'a> {
    let what = "The payment for your subscription still has not gone through. You go on reading \
        for now, but not for long.";
    let content = about(plan, "Your payment still has not gone through", what);
    unpaid(content, amount, grace_until, next_try)
}

fn unpaid(
    content: Content<'_>,
    amount: Money,
    grace_until: Timestamp,
    next_try: Option<Timestamp>,
) -> Content<'_> {
    let content = content.fact("Amount", amount.to_string());
    let content = match next_try {
        Some(at) => content.fact("We try again", moment(at)),
        None => content,
    };
    content.fact("Unless paid, it ends", moment(grace_until)).after(PAY).after(CANCEL)
}

pub(super) fn confirm<'a>(
    plan: &str,
    amount: Money,
    url: &'a str,
    until: Timestamp,
) -> Content<'a> {
    let what = "Your bank asks you to confirm the payment for your subscription. Until you do, it \
        is not made.";
    about(plan, "Your bank asks you to confirm a payment", what)
        .fact("Amount", amount.to_string())
        .fact("Confirm before", moment(until))
        .link("Confirm the payment", url)
        .after("If you do not want it any more, do nothing: no money moves without you.")
        .within(CONFIRM_WITHIN)
}

pub(super) fn recovered<'a>(plan: &str, receipt: &Receipt, next: Upcoming) -> Content<'a> {
    let subject = "Thank you, your payment went through";
    let what = "Your payment went through, and your subscription goes on as before. This is your \
        receipt.";
    with_next(with_receipt(about(plan, subject, what), receipt), next).after(CANCEL)
}

pub(super) fn refunded<'a>(plan: &str, amount: Money, invoice: &str) -> Content<'a> {
    about(plan, "We gave you money back", "We sent you money back, the way it came.")
        .fact("Amount", amount.to_string())
        .fact("Of invoice", invoice)
        .after("Your bank may need a few days to show it. There is nothing to do.")
}
