//! Which messages go with which news, and what several letters share. Whoever changes a message of
//! `letter-billing` raises [`TEXTS`](super::TEXTS).

use super::{BillingLetter, News, Price, Receipt, Upcoming, change, coming, payment, start};
use crate::{
    billing::{catalog::Interval, link::SubscriptionLinks},
    language::Words,
    mail::letter::Content,
    money::Money,
};

/// What each letter is written with.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    words: &'a Words,
    plan: &'a str,
    account: &'a str,
    links: Option<&'a SubscriptionLinks>,
}

impl BillingLetter {
    /// What it says to somebody who is spoken to in these words.
    #[must_use]
    pub fn content(&self, words: &Words) -> Content {
        let Self { plan, account, links, news } = self;
        let plan = plan.in_language(words.language);
        let content = content(Desk { words, plan, account, links: links.as_ref() }, news);
        match &content.action {
            Some(_) => content,
            None => content.link("letter-billing-open-account", account),
        }
    }
}

fn content(desk: Desk<'_>, news: &News) -> Content {
    match news {
        News::TrialStarted { ends, price, first_charge, withdraw_until } => {
            start::trial_started(desk, (*ends, *price), *first_charge, *withdraw_until)
        }
        News::Subscribed { receipt, next, withdraw_until } => {
            start::subscribed(desk, receipt, *next, *withdraw_until)
        }
        News::Renewed { receipt, next, after_trial, withdraw_until } => {
            start::renewed(desk, (receipt, *next), *after_trial, *withdraw_until)
        }
        News::TrialEnding { ends, price, charged } => {
            coming::trial_ending(desk, *ends, *price, *charged)
        }
        News::RenewalComing { next } => coming::renewal(desk, *next),
        News::YearlyReminder { next } => coming::yearly_reminder(desk, *next),
        News::PriceChange { old, new, from } => coming::price_change(desk, *old, *new, *from),
        News::CardExpiring { last4, month, next } => coming::card(desk, last4, *month, *next),
        News::PaymentFailed { amount, grace_until, next_try, hard } => {
            payment::failed(desk, (*amount, *grace_until), *next_try, *hard)
        }
        News::PaymentStillFailing { amount, grace_until, next_try } => {
            payment::still_failing(desk, *amount, *grace_until, *next_try)
        }
        News::ConfirmPayment { amount, url, until } => payment::confirm(desk, *amount, url, *until),
        News::PaymentRecovered { receipt, next } => payment::recovered(desk, receipt, *next),
        News::Refunded { amount, invoice } => payment::refunded(desk, *amount, invoice),
        News::RefundSettled { amount } => payment::refund_settled(desk, *amount),
        News::RefundPaidOut { amount } => payment::refund_paid_out(desk, *amount),
        News::Ended { at, because } => change::ended(desk, *at, *because),
        News::CancelScheduled { at, access_until, in_trial } => {
            change::cancel_scheduled(desk, *at, *access_until, *in_trial)
        }
        News::CanceledNow { at, refund } => change::canceled_now(desk, *at, *refund),
        News::Withdrawn { at, refund } => change::withdrawn(desk, *at, *refund),
        News::Resumed { next } => change::resumed(desk, *next),
        News::Paused { at, credit } => change::paused(desk, *at, *credit),
        News::Unpaused { receipt, next } => change::unpaused(desk, receipt.as_ref(), *next),
        News::Switched { from, at, charge, credit, next } => {
            let from = from.in_language(desk.words.language);
            change::switched((desk, from), *at, (*charge, *credit), *next)
        }
        News::SwitchScheduled { to, next } => {
            let to = to.in_language(desk.words.language);
            change::switch_scheduled(desk, to, *next)
        }
        News::DaysGiven { days, until, next } => change::days_given(desk, *days, *until, *next),
        News::Complimentary { until } => change::complimentary(desk, *until),
    }
}

impl Desk<'_> {
    /// A letter about the plan, with these two messages.
    pub(super) fn about(self, subject: &'static str, what: &str) -> Content {
        Content::about(self.words, subject)
            .because("letter-why-subscription")
            .tell(what)
            .fact("letter-billing-plan", self.plan)
    }

    /// The same, and how to leave.
    pub(super) fn with_cancel(self, content: Content) -> Content {
        self.leaving(content.after("letter-billing-cancel"))
    }

    /// The same, and how to leave before anything is paid.
    pub(super) fn with_cancel_in_trial(self, content: Content) -> Content {
        self.leaving(content.after("letter-billing-cancel-trial"))
    }

    fn leaving(self, content: Content) -> Content {
        match self.links {
            Some(links) => content.other_link("letter-billing-cancel-do", &links.cancel),
            None => content,
        }
    }

    /// The same with another card, or a first one, as the thing to do.
    pub(super) fn with_card(self, content: Content, label: &str) -> Content {
        match self.links {
            Some(links) => content
                .link(label, &links.card)
                .other_link("letter-billing-open-account", self.account),
            None => content,
        }
    }

    /// The same with another card as something that can be done.
    pub(super) fn with_card_too(self, content: Content) -> Content {
        match self.links {
            Some(links) => content.other_link("letter-billing-card-do", &links.card),
            None => content,
        }
    }

    /// The same, and the way back.
    pub(super) fn with_resume(self, content: Content) -> Content {
        match self.links {
            Some(links) => content.other_link("letter-billing-resume-do", &links.resume),
            None => content,
        }
    }
}

pub(super) fn with_price(
    content: Content,
    name: &str,
    Price { amount, interval }: Price,
) -> Content {
    let amount = [("amount", content.words.money(amount).into())];
    let price = match interval {
        Interval::Month => content.words.with("letter-billing-a-month", &amount),
        Interval::Year => content.words.with("letter-billing-a-year", &amount),
    };
    content.fact(name, price)
}

pub(super) fn with_receipt(content: Content, receipt: &Receipt) -> Content {
    content
        .amount("letter-billing-paid", receipt.total)
        .fact("letter-billing-invoice", &receipt.invoice)
        .at("letter-billing-from", receipt.period.start)
        .at("letter-billing-until", receipt.period.end)
}

pub(super) fn with_next(content: Content, next: Upcoming) -> Content {
    with_price(content, "letter-billing-price", next.price)
        .at("letter-billing-next-charge", next.at)
}

pub(super) fn with_refund(content: Content, refund: Option<Money>) -> Content {
    match refund {
        None => {
            let none = content.words.say("letter-billing-refund-none");
            content.fact("letter-billing-money-back", none)
        }
        Some(amount) => {
            content.amount("letter-billing-money-back", amount).after("letter-billing-refund-way")
        }
    }
}
