//! How a subscription begins and goes on: the receipts.

use super::{
    Price, Receipt, Upcoming,
    text::{CANCEL, CANCEL_TRIAL, about, with_next, with_receipt, with_withdrawal},
};
use crate::{
    clock::Timestamp,
    mail::letter::{Content, moment},
    money::Money,
};

pub(super) const ADD_CARD: &str = "No card is known, so nothing is charged. To go on reading after that, add one in your account.";

pub(super) fn trial_started<'a>(
    plan: &str,
    (ends, price): (Timestamp, Price),
    first_charge: Option<Timestamp>,
    withdraw_until: Option<Timestamp>,
) -> Content<'a> {
    let content = about(plan, "Your free trial has started", "Welcome! Your free trial runs.")
        .fact("Paid today", Money::zero(price.amount.currency).to_string())
        .fact("The free trial ends", moment(ends))
        .fact("Price after it", price.to_string());
    let content = match first_charge {
        Some(at) => content.fact("First charge", moment(at)).after(CANCEL_TRIAL),
        None => content.after(ADD_CARD).after(CANCEL_TRIAL),
    };
    with_withdrawal(content, withdraw_until)
}

pub(super) fn subscribed<'a>(
    plan: &str,
    receipt: &Receipt,
    next: Upcoming,
    withdraw_until: Option<Timestamp>,
) -> Content<'a> {
    let subject = "Your subscription has started: your receipt";
    let what = "Welcome, and thank you! This is your receipt.";
    let content = with_receipt(about(plan, subject, what), receipt);
    with_withdrawal(with_next(content, next).after(CANCEL), withdraw_until)
}

pub(super) fn renewed<'a>(
    plan: &str,
    (receipt, next): (&Receipt, Option<Upcoming>),
    after_trial: bool,
    withdraw_until: Option<Timestamp>,
) -> Content<'a> {
    let (subject, what) = if after_trial {
        let what = "Your free trial is over, and this is the receipt of your first payment. Thank \
            you!";
        ("Your free trial has ended: your first receipt", what)
    } else {
        let what = "Your subscription goes on, and this is your receipt. Thank you!";
        ("Your subscription was renewed: your receipt", what)
    };
    let content = with_receipt(about(plan, subject, what), receipt);
    let content = match next {
        Some(next) => with_next(content, next).after(CANCEL),
        None => content.after("It is canceled, so nothing more will be charged."),
    };
    with_withdrawal(content, withdraw_until)
}
