//! How a subscription begins and goes on: the receipts.

use super::{
    Price, Receipt, Upcoming,
    text::{Desk, with_next, with_price, with_receipt},
};
use crate::{clock::Timestamp, mail::letter::Content, money::Money};

pub(super) fn trial_started(
    desk: Desk<'_>,
    (ends, price): (Timestamp, Price),
    first_charge: Option<Timestamp>,
    withdraw_until: Option<Timestamp>,
) -> Content {
    let content = desk
        .about("letter-billing-trial-started-subject", "letter-billing-trial-started")
        .amount("letter-billing-paid-today", Money::zero(price.amount.currency))
        .at("letter-billing-trial-ends", ends);
    let content = with_price(content, "letter-billing-price-after", price);
    let content = match first_charge {
        Some(at) => content.at("letter-billing-first-charge", at),
        None => without_card(desk, content),
    };
    with_withdrawal(desk.with_cancel_in_trial(content), withdraw_until)
}

/// A trial that nobody pays for when it is over.
pub(super) fn without_card(desk: Desk<'_>, content: Content) -> Content {
    desk.with_card(content.after("letter-billing-no-card"), "letter-billing-no-card-do")
}

pub(super) fn subscribed(
    desk: Desk<'_>,
    receipt: &Receipt,
    next: Upcoming,
    withdraw_until: Option<Timestamp>,
) -> Content {
    let content = desk.about("letter-billing-subscribed-subject", "letter-billing-subscribed");
    let content = with_next(with_receipt(content, receipt), next);
    with_withdrawal(desk.with_cancel(content), withdraw_until)
}

pub(super) fn renewed(
    desk: Desk<'_>,
    (receipt, next): (&Receipt, Option<Upcoming>),
    after_trial: bool,
    withdraw_until: Option<Timestamp>,
) -> Content {
    let content = if after_trial {
        desk.about("letter-billing-first-paid-subject", "letter-billing-first-paid")
    } else {
        desk.about("letter-billing-renewed-subject", "letter-billing-renewed")
    };
    let content = with_receipt(content, receipt);
    let content = match next {
        Some(next) => desk.with_cancel(with_next(content, next)),
        None => content.after("letter-billing-renewed-canceled"),
    };
    with_withdrawal(content, withdraw_until)
}

fn with_withdrawal(content: Content, until: Option<Timestamp>) -> Content {
    match until {
        None => content,
        Some(until) => {
            content.at("letter-billing-withdraw-until", until).after("letter-billing-withdraw")
        }
    }
}
