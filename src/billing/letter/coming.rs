//! What comes, told in time.

use super::{
    Price, Upcoming,
    start::without_card,
    text::{Desk, with_next, with_price},
};
use crate::{clock::Timestamp, mail::letter::Content};

pub(super) fn trial_ending(
    desk: Desk<'_>,
    ends: Timestamp,
    price: Price,
    charged: bool,
) -> Content {
    let content = desk
        .about("letter-billing-trial-ending-subject", "letter-billing-trial-ending")
        .at("letter-billing-trial-ends", ends);
    let content = with_price(content, "letter-billing-price-after", price);
    let content = if charged {
        content.at("letter-billing-first-charge", ends).after("letter-billing-nothing-to-do")
    } else {
        without_card(desk, content)
    };
    desk.with_cancel_in_trial(content)
}

pub(super) fn renewal(desk: Desk<'_>, next: Upcoming) -> Content {
    let content = desk.about("letter-billing-renewal-subject", "letter-billing-renewal");
    let content = with_price(content, "letter-billing-price", next.price)
        .at("letter-billing-renewal-at", next.at)
        .at("letter-billing-cancel-before", next.at)
        .after("letter-billing-nothing-to-do");
    desk.with_cancel(content)
}

pub(super) fn yearly_reminder(desk: Desk<'_>, next: Upcoming) -> Content {
    let content = desk.about("letter-billing-yearly-subject", "letter-billing-yearly");
    desk.with_cancel(with_next(content, next).after("letter-billing-nothing-to-do"))
}

pub(super) fn price_change(desk: Desk<'_>, old: Price, new: Price, from: Timestamp) -> Content {
    let content = desk.about("letter-billing-price-change-subject", "letter-billing-price-change");
    let content = with_price(content, "letter-billing-price-now", old);
    let content = with_price(content, "letter-billing-price-new", new)
        .at("letter-billing-price-from", from)
        .after("letter-billing-price-choice");
    desk.with_cancel(content)
}

pub(super) fn card(
    desk: Desk<'_>,
    last4: &str,
    (year, month): (i32, u8),
    next: Upcoming,
) -> Content {
    let content = desk
        .about("letter-billing-card-expiring-subject", "letter-billing-card-expiring")
        .fact("letter-billing-card-last4", last4)
        .fact("letter-billing-card-month", format!("{month:02}/{year}"));
    let content = with_next(content, next).after("letter-billing-card-new");
    desk.with_cancel(desk.with_card(content, "letter-billing-card-do"))
}
