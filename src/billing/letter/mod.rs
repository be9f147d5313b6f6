//! What subscribers are told about their subscription. Pure.
//!
//! Here are the facts that each letter needs. `text` chooses the messages: of a `start`, of what is
//! `coming`, of a `payment`, of a `change`. Amounts are what is charged, tax included; instants are
//! printed to the second.

mod change;
mod coming;
mod payment;
mod start;
mod text;

#[cfg(test)]
pub(crate) mod tests;

use super::{
    calendar::Period,
    catalog::{Interval, localized::Localized},
    link::SubscriptionLinks,
};
use crate::{clock::Timestamp, language::Words, money::Money};

/// Which texts are in use; kept with each notice, so that it can be shown later what was said.
pub const TEXTS: u32 = 2;

/// A letter about a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingLetter {
    /// The plan's name for people.
    pub plan: Localized,
    /// The account's page, where everything can be seen and changed.
    pub account: String,
    /// What can be done by a link; nothing to what is no subscription.
    pub links: Option<SubscriptionLinks>,
    /// What is new.
    pub news: News,
}

/// What a plan costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// So much
    pub amount: Money,
    /// each.
    pub interval: Interval,
}

/// The next charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upcoming {
    /// What it costs.
    pub price: Price,
    /// When it is charged.
    pub at: Timestamp,
}

/// What was paid, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What was charged.
    pub total: Money,
    /// The invoice's number.
    pub invoice: String,
    /// What it buys.
    pub period: Period,
}

/// Why a subscription ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBecause {
    /// Its payment failed until the grace was over.
    PaymentFailed,
    /// Its trial is over and there is no card.
    TrialOver,
}

/// What is new about a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A free trial began: the receipt for nothing.
    TrialStarted {
        /// The trial's end.
        ends: Timestamp,
        /// What it costs then.
        price: Price,
        /// When that is charged first; `None` where there is no card.
        first_charge: Option<Timestamp>,
        /// Until when the law lets the reader withdraw.
        withdraw_until: Option<Timestamp>,
    },
    /// A subscription began with a payment.
    Subscribed {
        /// What was paid.
        receipt: Receipt,
        /// What comes next.
        next: Upcoming,
        /// Until when the law lets the reader withdraw.
        withdraw_until: Option<Timestamp>,
    },
    /// The next period was paid.
    Renewed {
        /// What was paid.
        receipt: Receipt,
        /// What comes next; `None` where it was canceled meanwhile.
        next: Option<Upcoming>,
        /// Whether this is the first payment after a trial.
        after_trial: bool,
        /// Until when the law lets the reader withdraw once more.
        withdraw_until: Option<Timestamp>,
    },
    /// A trial comes to its end.
    TrialEnding {
        /// When.
        ends: Timestamp,
        /// What it costs then.
        price: Price,
        /// Whether it is charged then; not where there is no card.
        charged: bool,
    },
    /// A longer period will be charged.
    RenewalComing {
        /// What and when.
        next: Upcoming,
    },
    /// Once a year: this subscription goes on.
    YearlyReminder {
        /// What comes next.
        next: Upcoming,
    },
    /// The price will be another.
    PriceChange {
        /// Up to then.
        old: Price,
        /// From then on.
        new: Price,
        /// The first charge of the new price.
        from: Timestamp,
    },
    /// The card ends before the next charge.
    CardExpiring {
        /// Its last four digits.
        last4: String,
        /// Its last month: year and month.
        month: (i32, u8),
        /// The charge that it cannot pay.
        next: Upcoming,
    },
    /// A payment failed for the first time.
    PaymentFailed {
        /// What was to be charged.
        amount: Money,
        /// Until when the reader still reads.
        grace_until: Timestamp,
        /// When it is tried again.
        next_try: Option<Timestamp>,
        /// Whether this card will never pay.
        hard: bool,
    },
    /// A payment is still failing.
    PaymentStillFailing {
        /// What is to be charged.
        amount: Money,
        /// Until when the reader still reads.
        grace_until: Timestamp,
        /// When it is tried again.
        next_try: Option<Timestamp>,
    },
    /// The reader's bank wants them to confirm a payment.
    ConfirmPayment {
        /// What is charged then.
        amount: Money,
        /// Where.
        url: String,
        /// Until when.
        until: Timestamp,
    },
    /// A payment that had failed went through.
    PaymentRecovered {
        /// What was paid.
        receipt: Receipt,
        /// What comes next.
        next: Upcoming,
    },
    /// It ended by itself.
    Ended {
        /// When.
        at: Timestamp,
        /// Why.
        because: EndedBecause,
    },
    /// It was canceled and ends with what is paid.
    CancelScheduled {
        /// When it was canceled.
        at: Timestamp,
        /// Until when the reader still reads.
        access_until: Timestamp,
        /// Whether it is a trial.
        in_trial: bool,
    },
    /// It was ended at once.
    CanceledNow {
        /// When.
        at: Timestamp,
        /// What is given back.
        refund: Option<Money>,
    },
    /// The reader withdrew, as the law allows.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// What is given back.
        refund: Option<Money>,
    },
    /// A cancellation was taken back.
    Resumed {
        /// What comes next.
        next: Upcoming,
    },
    /// It was paused.
    Paused {
        /// When.
        at: Timestamp,
        /// What was put to the reader's balance for the unused time.
        credit: Option<Money>,
    },
    /// It goes on after a pause.
    Unpaused {
        /// What was paid; `None` where the balance paid it all.
        receipt: Option<Receipt>,
        /// What comes next.
        next: Upcoming,
    },
    /// Another plan began; the letter's plan is the new one.
    Switched {
        /// The plan before.
        from: Localized,
        /// When.
        at: Timestamp,
        /// What was charged.
        charge: Money,
        /// What was given back of the plan before.
        credit: Money,
        /// What comes next.
        next: Upcoming,
    },
    /// Another plan begins later; the letter's plan is the one until then.
    SwitchScheduled {
        /// The plan then.
        to: Localized,
        /// Its first charge.
        next: Upcoming,
    },
    /// The publisher gave days before the next payment.
    DaysGiven {
        /// How many.
        days: u32,
        /// Until when the reader reads without paying more.
        until: Timestamp,
        /// What comes next; `None` where nothing does, or something is overdue.
        next: Option<Upcoming>,
    },
    /// Money was given back.
    Refunded {
        /// How much.
        amount: Money,
        /// Of which invoice.
        invoice: String,
    },
    /// Money could not be given back, and is on the reader's balance now.
    RefundSettled {
        /// How much.
        amount: Money,
    },
    /// Money could not be given back by the card, and was paid in another way.
    RefundPaidOut {
        /// How much.
        amount: Money,
    },
    /// The publisher gives it away.
    Complimentary {
        /// Until when; `None` until further notice.
        until: Option<Timestamp>,
    },
}

impl News {
    /// The text's name, with the version in use and the language.
    #[must_use]
    pub fn template(&self, words: &Words) -> String {
        format!("{}.{TEXTS}.{}", self.name(), words.language.tag())
    }

    fn name(&self) -> &'static str {
        match self {
            Self::TrialStarted { .. } => "trial_started",
            Self::Subscribed { .. } => "subscribed",
            Self::Renewed { after_trial: false, .. } => "renewed",
            Self::Renewed { after_trial: true, .. } => "renewed_after_trial",
            Self::TrialEnding { .. } => "trial_ending",
            Self::RenewalComing { .. } => "renewal_coming",
            Self::YearlyReminder { .. } => "yearly_reminder",
            Self::PriceChange { .. } => "price_change",
            Self::CardExpiring { .. } => "card_expiring",
            Self::PaymentFailed { .. } => "payment_failed",
            Self::PaymentStillFailing { .. } => "payment_still_failing",
            Self::ConfirmPayment { .. } => "confirm_payment",
            Self::PaymentRecovered { .. } => "payment_recovered",
            Self::Ended { because: EndedBecause::PaymentFailed, .. } => "ended_payment_failed",
            Self::Ended { because: EndedBecause::TrialOver, .. } => "ended_trial_over",
            Self::CancelScheduled { in_trial: false, .. } => "cancel_scheduled",
            Self::CancelScheduled { in_trial: true, .. } => "cancel_scheduled_in_trial",
            Self::CanceledNow { .. } => "canceled_now",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Resumed { .. } => "resumed",
            Self::Paused { .. } => "paused",
            Self::Unpaused { .. } => "unpaused",
            Self::Switched { .. } => "switched",
            Self::SwitchScheduled { .. } => "switch_scheduled",
            Self::DaysGiven { .. } => "days_given",
            Self::Refunded { .. } => "refunded",
            Self::RefundSettled { .. } => "refund_settled",
            Self::RefundPaidOut { .. } => "refund_paid_out",
            Self::Complimentary { .. } => "complimentary",
        }
    }
}
