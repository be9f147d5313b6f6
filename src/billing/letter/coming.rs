//! What comes, told in time.

use super::{
    Price, Upcoming,
    start::ADD_CARD,
    text::{CANCEL, CANCEL_TRIAL, about, with_next},
};
use crate::{
    clock::Timestamp,
    mail::letter::{Content, moment},
};

const NOTHING_TO_DO: &str = "To go on as before, there is nothing to do.";

pub(super) fn trial_ending<'a>(
    plan: &str,
    ends: Timestamp,
    price: Price,
    charged: bool,
) -> Content<'a> {
    let content = about(plan, "Your free trial ends soon", "Your free trial comes to its end.")
        .fact("The free trial ends", moment(ends))
        .fact("Price after it", price.to_string());
    if charged {
        content.fact("First charge", moment(ends)).after(NOTHING_TO_DO).after(CANCEL_TRIAL)
    } else {
        content.after(ADD_CARD).after(CANCEL_TRIAL)
    }
}

pub(super) fn renewal<'a>(plan: &str, next: Upcoming) -> Content<'a> {
    let what = "Your subscription will renew by itself, unless you cancel it before.";
    about(plan, "Your subscription renews soon", what)
        .fact("Price", next.price.to_string())
        .fact("Renews, and is charged", moment(next.at))
        .fact("Cancel before", moment(next.at))
        .after(NOTHING_TO_DO)
        .after(CANCEL)
}

pub(super) fn yearly_reminder<'a>(plan: &str, next: Upcoming) -> Content<'a> {
    let what = "Once a year we remind you of the subscription that you have with us. It renews by \
        itself until you cancel it.";
    with_next(about(plan, "A yearly reminder of your subscription", what), next)
        .after(NOTHING_TO_DO)
        .after(CANCEL)
}

pub(super) fn price_change<'a>(plan: &str, old: Price, new: Price, from: Timestamp) -> Content<'a> {
    let what = "The price of your subscription changes. Until then you pay what you pay now.";
    about(plan, "The price of your subscription changes", what)
        .fact("Price now", old.to_string())
        .fact("New price", new.to_string())
        .fact("First charged", moment(from))
        .after("If this is fine with you, there is nothing to do. If not, cancel before then.")
        .after(CANCEL)
}

pub(super) fn card<'a>(
    plan: &str,
    last4: &str,
    (year, month): (i32, u8),
    next: Upcoming,
) -> Content<'a> {
    let what = "Your card ends before your next payment.";
    let content = about(plan, "Your card expires soon", what)
        .fact("Card ending in", last4)
        .fact("Valid through", format!("{month:02}/{year}"));
    with_next(content, next)
        .after("To go on reading without a break, add your new card in your account.")
        .after(CANCEL)
}
