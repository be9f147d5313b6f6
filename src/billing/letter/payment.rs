//! Payments that did not go through, and money that went the other way.

use time::Duration;

use super::{
    Receipt, Upcoming,
    text::{Desk, with_next, with_receipt},
};
use crate::{clock::Timestamp, mail::letter::Content, money::Money};

/// As with Stripe, a payment that nobody confirmed by then is called off.
const CONFIRM_WITHIN: Duration = Duration::hours(23);

pub(super) fn failed(
    desk: Desk<'_>,
    (amount, grace_until): (Money, Timestamp),
    next_try: Option<Timestamp>,
    hard: bool,
) -> Content {
    let what = if hard { "letter-billing-failed-hard" } else { "letter-billing-failed" };
    let content = desk.about("letter-billing-failed-subject", what);
    unpaid(desk, content, (amount, grace_until), next_try)
}

pub(super) fn still_failing(
    desk: Desk<'_>,
    amount: Money,
    grace_until: Timestamp,
    next_try: Option<Timestamp>,
) -> Content {
    let content =
        desk.about("letter-billing-still-failing-subject", "letter-billing-still-failing");
    unpaid(desk, content, (amount, grace_until), next_try)
}

fn unpaid(
    desk: Desk<'_>,
    content: Content,
    (amount, grace_until): (Money, Timestamp),
    next_try: Option<Timestamp>,
) -> Content {
    let content = content.amount("letter-billing-amount", amount);
    let content = match next_try {
        Some(at) => content.at("letter-billing-try-again", at),
        None => content,
    };
    let content = content.at("letter-billing-unless-paid", grace_until).after("letter-billing-pay");
    desk.with_cancel(desk.with_card(content, "letter-billing-card-do"))
}

pub(super) fn confirm(desk: Desk<'_>, amount: Money, url: &str, until: Timestamp) -> Content {
    let content = desk
        .about("letter-billing-confirm-subject", "letter-billing-confirm")
        .amount("letter-billing-amount", amount)
        .at("letter-billing-confirm-before", until)
        .link("letter-billing-confirm-do", url)
        .after("letter-billing-confirm-or-not")
        .within(CONFIRM_WITHIN);
    desk.with_card_too(content)
}

pub(super) fn recovered(desk: Desk<'_>, receipt: &Receipt, next: Upcoming) -> Content {
    let content = desk.about("letter-billing-recovered-subject", "letter-billing-recovered");
    desk.with_cancel(with_next(with_receipt(content, receipt), next))
}

pub(super) fn refunded(desk: Desk<'_>, amount: Money, invoice: &str) -> Content {
    desk.about("letter-billing-refunded-subject", "letter-billing-refunded")
        .amount("letter-billing-amount", amount)
        .fact("letter-billing-of-invoice", invoice)
        .after("letter-billing-refund-days")
}

pub(super) fn refund_settled(desk: Desk<'_>, amount: Money) -> Content {
    desk.about("letter-billing-settled-subject", "letter-billing-settled")
        .amount("letter-billing-amount", amount)
        .after("letter-billing-settled-use")
}

pub(super) fn refund_paid_out(desk: Desk<'_>, amount: Money) -> Content {
    desk.about("letter-billing-paid-out-subject", "letter-billing-paid-out")
        .amount("letter-billing-amount", amount)
        .after("letter-billing-paid-out-ask")
}
