//! How a subscription changes and ends.

use super::{
    EndedBecause, Receipt, Upcoming,
    text::{AGAIN, CANCEL, about, with_next, with_receipt, with_refund},
};
use crate::{
    clock::Timestamp,
    mail::letter::{Content, moment},
    money::Money,
};

const CONFIRMS: &str = "Please keep this mail: it confirms the date and the time.";

pub(super) fn ended<'a>(plan: &str, at: Timestamp, because: EndedBecause) -> Content<'a> {
    let (subject, what) = match because {
        EndedBecause::PaymentFailed => {
            let what = "Your subscription has ended, because its payment did not go through. You \
                owe us nothing.";
            ("Your subscription has ended", what)
        }
        EndedBecause::TrialOver => {
            let what = "Your free trial is over. You had added no card, so nothing was charged.";
            ("Your free trial has ended", what)
        }
    };
    about(plan, subject, what).fact("Ended", moment(at)).after(AGAIN)
}

pub(super) fn cancel_scheduled<'a>(
    plan: &str,
    at: Timestamp,
    access_until: Timestamp,
    in_trial: bool,
) -> Content<'a> {
    let (subject, what) = if in_trial {
        ("You canceled your free trial", "Your free trial is canceled. You pay nothing.")
    } else {
        let what = "Your subscription is canceled. Nothing more will be charged.";
        ("You canceled your subscription", what)
    };
    with_refund(about(plan, subject, what).fact("Canceled", moment(at)), None)
        .fact("You go on reading until", moment(access_until))
        .after(CONFIRMS)
        .after("If you change your mind before that, open your account and choose \"Resume\".")
}

pub(super) fn canceled_now<'a>(plan: &str, at: Timestamp, refund: Option<Money>) -> Content<'a> {
    let what = "Your subscription is canceled and has ended. Nothing more will be charged.";
    let content = about(plan, "Your subscription was canceled", what).fact("Ended", moment(at));
    with_refund(content, refund).after(CONFIRMS).after(AGAIN)
}

pub(super) fn withdrawn<'a>(plan: &str, at: Timestamp, refund: Option<Money>) -> Content<'a> {
    let what = "We have your withdrawal. Your subscription has ended, and nothing more will be \
        charged.";
    let content = about(plan, "You withdrew from your subscription", what)
        .fact("Withdrawal received", moment(at));
    with_refund(content, refund).after(CONFIRMS).after(AGAIN)
}

pub(super) fn resumed<'a>(plan: &str, next: Upcoming) -> Content<'a> {
    let what = "Your cancellation was taken back: all is as it was before.";
    with_next(about(plan, "Your subscription goes on", what), next).after(CANCEL)
}

pub(super) fn paused<'a>(plan: &str, at: Timestamp, credit: Option<Money>) -> Content<'a> {
    let what = "Your subscription is paused. Nothing is charged until it goes on.";
    let content = about(plan, "Your subscription is paused", what).fact("Since", moment(at));
    let content = match credit {
        Some(credit) => content.fact("Put to your balance for unused time", credit.to_string()),
        None => content,
    };
    content
        .after("To go on, or if you did not ask for this, answer this mail.")
        .after("To cancel, open your account and choose \"Cancel\".")
}

pub(super) fn unpaused<'a>(plan: &str, receipt: Option<&Receipt>, next: Upcoming) -> Content<'a> {
    let what = "The pause is over, and you can read again.";
    let content = about(plan, "Your subscription is no longer paused", what);
    let content = match receipt {
        Some(receipt) => with_receipt(content, receipt),
        None => content.fact("Paid", "from your balance"),
    };
    with_next(content, next).after(CANCEL)
}

pub(super) fn switched<'a>(
    (from, to): (&str, &str),
    at: Timestamp,
    (charge, credit): (Money, Money),
    next: Upcoming,
) -> Content<'a> {
    let what = "You have another plan now.";
    let content = about(to, "You switched to another plan", what)
        .fact("Plan before", from)
        .fact("Since", moment(at))
        .fact("Given back for unused time", credit.to_string())
        .fact("Paid", charge.to_string());
    with_next(content, next).after(CANCEL)
}

pub(super) fn switch_scheduled<'a>(plan: &str, to: &str, next: Upcoming) -> Content<'a> {
    let what = "You asked for another plan. It begins when what you have paid is over; until then \
        all stays as it is.";
    let content = about(plan, "Your plan will change", what).fact("New plan", to);
    with_next(content, next)
        .after("To keep your plan, open your account and take the change back before that.")
        .after(CANCEL)
}

pub(super) fn complimentary<'a>(plan: &str, until: Option<Timestamp>) -> Content<'a> {
    let content = about(plan, "A subscription for you", "You read as our guest, free of charge.");
    let content = match until {
        Some(until) => content.fact("Until", moment(until)),
        None => content.fact("Until", "further notice"),
    };
    content
        .after("There is nothing to pay, nothing to do and nothing to cancel: it ends by itself.")
}
