//! How a subscription changes and ends.

use super::{
    EndedBecause, Receipt, Upcoming,
    text::{Desk, with_next, with_receipt, with_refund},
};
use crate::{clock::Timestamp, mail::letter::Content, money::Money};

pub(super) fn ended(desk: Desk<'_>, at: Timestamp, because: EndedBecause) -> Content {
    let content = match because {
        EndedBecause::PaymentFailed => {
            desk.about("letter-billing-ended-subject", "letter-billing-ended")
        }
        EndedBecause::TrialOver => {
            desk.about("letter-billing-trial-over-subject", "letter-billing-trial-over")
        }
    };
    content.at("letter-billing-ended-at", at).after("letter-billing-again")
}

pub(super) fn cancel_scheduled(
    desk: Desk<'_>,
    at: Timestamp,
    access_until: Timestamp,
    in_trial: bool,
) -> Content {
    let content = if in_trial {
        desk.about("letter-billing-canceled-trial-subject", "letter-billing-canceled-trial")
    } else {
        desk.about("letter-billing-canceled-subject", "letter-billing-canceled")
    };
    let content = with_refund(content.at("letter-billing-canceled-at", at), None)
        .at("letter-billing-read-until", access_until)
        .after("letter-billing-keep")
        .after("letter-billing-change-mind");
    desk.with_resume(content)
}

pub(super) fn canceled_now(desk: Desk<'_>, at: Timestamp, refund: Option<Money>) -> Content {
    let content = desk
        .about("letter-billing-canceled-now-subject", "letter-billing-canceled-now")
        .at("letter-billing-ended-at", at);
    with_refund(content, refund).after("letter-billing-keep").after("letter-billing-again")
}

pub(super) fn withdrawn(desk: Desk<'_>, at: Timestamp, refund: Option<Money>) -> Content {
    let content = desk
        .about("letter-billing-withdrawn-subject", "letter-billing-withdrawn")
        .at("letter-billing-withdrawn-at", at);
    with_refund(content, refund).after("letter-billing-keep").after("letter-billing-again")
}

pub(super) fn resumed(desk: Desk<'_>, next: Upcoming) -> Content {
    let content = desk.about("letter-billing-resumed-subject", "letter-billing-resumed");
    desk.with_cancel(with_next(content, next))
}

pub(super) fn paused(desk: Desk<'_>, at: Timestamp, credit: Option<Money>) -> Content {
    let content = desk
        .about("letter-billing-paused-subject", "letter-billing-paused")
        .at("letter-billing-since", at);
    let content = match credit {
        Some(credit) => content.amount("letter-billing-paused-credit", credit),
        None => content,
    };
    content.after("letter-billing-paused-go-on").after("letter-billing-paused-cancel")
}

pub(super) fn unpaused(desk: Desk<'_>, receipt: Option<&Receipt>, next: Upcoming) -> Content {
    let content = desk.about("letter-billing-unpaused-subject", "letter-billing-unpaused");
    let content = match receipt {
        Some(receipt) => with_receipt(content, receipt),
        None => {
            let balance = content.words.say("letter-billing-from-balance");
            content.fact("letter-billing-paid", balance)
        }
    };
    desk.with_cancel(with_next(content, next))
}

pub(super) fn switched(
    (desk, from): (Desk<'_>, &str),
    at: Timestamp,
    (charge, credit): (Money, Money),
    next: Upcoming,
) -> Content {
    let content = desk
        .about("letter-billing-switched-subject", "letter-billing-switched")
        .fact("letter-billing-plan-before", from)
        .at("letter-billing-since", at)
        .amount("letter-billing-given-back", credit)
        .amount("letter-billing-paid", charge);
    desk.with_cancel(with_next(content, next))
}

pub(super) fn switch_scheduled(desk: Desk<'_>, to: &str, next: Upcoming) -> Content {
    let content = desk
        .about("letter-billing-switch-later-subject", "letter-billing-switch-later")
        .fact("letter-billing-plan-new", to);
    desk.with_cancel(with_next(content, next).after("letter-billing-switch-keep"))
}

pub(super) fn days_given(
    desk: Desk<'_>,
    days: u32,
    until: Timestamp,
    next: Option<Upcoming>,
) -> Content {
    let content = desk
        .about("letter-billing-days-subject", "letter-billing-days")
        .fact("letter-billing-days-given", days.to_string());
    match next {
        Some(next) => desk.with_cancel(with_next(content, next)),
        None => content.at("letter-billing-read-until", until),
    }
}

pub(super) fn complimentary(desk: Desk<'_>, until: Option<Timestamp>) -> Content {
    let content = desk.about("letter-billing-gift-subject", "letter-billing-gift");
    let content = match until {
        Some(until) => content.at("letter-billing-gift-until", until),
        None => {
            let open = content.words.say("letter-billing-gift-open");
            content.fact("letter-billing-gift-valid", open)
        }
    };
    content.after("letter-billing-gift-nothing")
}
