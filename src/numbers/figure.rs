//! Every number, by its name, with what it means.

use crate::money::Money;

/// A number that is kept for each day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Figure {
    /// Recurring revenue of those who pay for the first time; labelled by plan.
    MrrNew,
    /// More of it, by a switch or a price; labelled by plan.
    MrrExpansion,
    /// Less of it; labelled by plan.
    MrrContraction,
    /// Recurring revenue of those who ended or paused; labelled by plan.
    MrrChurn,
    /// Recurring revenue of those who came back; labelled by plan.
    MrrReactivation,
    /// Recurring revenue that was there when counting began; labelled by plan.
    MrrOpening,
    /// Subscriptions that are paid, or late: how many more, or fewer; labelled by plan.
    Active,
    /// Free trials that run: how many more, or fewer; labelled by plan.
    Trialing,
    /// Subscriptions that were paid for the first time, or again after a pause; labelled by plan.
    Began,
    /// Free trials that began; labelled by the month of the beginning.
    TrialStarted,
    /// Free trials that were paid afterwards; labelled by the month of the trial's beginning.
    TrialConverted,
    /// Free trials that were not; labelled alike.
    TrialLost,
    /// Paid subscriptions that ended or paused; labelled by cause.
    Churned,
    /// Renewals that failed at first.
    PaymentFailed,
    /// Of those, paid after all.
    PaymentRecovered,
    /// Of those, ended without.
    PaymentLost,
    /// What was sold, without tax, less what was credited; labelled by plan.
    Revenue,
    /// What cards paid; labelled by plan.
    Paid,
    /// What went back to cards, below zero; labelled by plan.
    Refunded,
    /// Decisions about articles; labelled by site and reason, `demo metered`.
    Decided,
    /// Offers that were shown; labelled by site.
    Offered,
    /// Accounts that were begun; labelled by the site that led there, if any.
    SignedUp,
    /// Subscriptions that were begun, by a trial or a payment; labelled by the page that led there.
    SubscribedFrom,
    /// Of those, paid for the first time; labelled alike.
    PaidFrom,
}

impl Figure {
    /// Every one of them.
    pub const ALL: [Self; 24] = [
        Self::MrrNew,
        Self::MrrExpansion,
        Self::MrrContraction,
        Self::MrrChurn,
        Self::MrrReactivation,
        Self::MrrOpening,
        Self::Active,
        Self::Trialing,
        Self::Began,
        Self::TrialStarted,
        Self::TrialConverted,
        Self::TrialLost,
        Self::Churned,
        Self::PaymentFailed,
        Self::PaymentRecovered,
        Self::PaymentLost,
        Self::Revenue,
        Self::Paid,
        Self::Refunded,
        Self::Decided,
        Self::Offered,
        Self::SignedUp,
        Self::SubscribedFrom,
        Self::PaidFrom,
    ];

    /// Those that say how things changed and add up to how they are.
    pub const STOCKS: [Self; 8] = [
        Self::MrrNew,
        Self::MrrExpansion,
        Self::MrrContraction,
        Self::MrrChurn,
        Self::MrrReactivation,
        Self::MrrOpening,
        Self::Active,
        Self::Trialing,
    ];

    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MrrNew => "mrr.new",
            Self::MrrExpansion => "mrr.expansion",
            Self::MrrContraction => "mrr.contraction",
            Self::MrrChurn => "mrr.churn",
            Self::MrrReactivation => "mrr.reactivation",
            Self::MrrOpening => "mrr.opening",
            Self::Active => "active",
            Self::Trialing => "trialing",
            Self::Began => "began",
            Self::TrialStarted => "trial.started",
            Self::TrialConverted => "trial.converted",
            Self::TrialLost => "trial.lost",
            Self::Churned => "churned",
            Self::PaymentFailed => "payment.failed",
            Self::PaymentRecovered => "payment.recovered",
            Self::PaymentLost => "payment.lost",
            Self::Revenue => "revenue",
            Self::Paid => "paid",
            Self::Refunded => "refunded",
            Self::Decided => "decided",
            Self::Offered => "offered",
            Self::SignedUp => "signed_up",
            Self::SubscribedFrom => "subscribed_from",
            Self::PaidFrom => "paid_from",
        }
    }

    /// Reads what [`Figure::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.as_str() == text)
    }
}

/// Something happened that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Which number it changes.
    pub figure: Figure,
    /// Of what.
    pub label: String,
    /// ISO 4217; empty where no money is meant.
    pub currency: &'static str,
    /// By how much. Recurring revenue is counted by the year, so that nothing is rounded.
    pub value: i64,
}

impl Fact {
    /// So many of something.
    #[must_use]
    pub fn count(figure: Figure, label: impl Into<String>, value: i64) -> Self {
        Self { figure, label: label.into(), currency: "", value }
    }

    /// So much money.
    #[must_use]
    pub fn money(figure: Figure, label: impl Into<String>, money: Money) -> Self {
        let Money { amount: value, currency } = money;
        Self { figure, label: label.into(), currency: currency.code(), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_reads_what_it_writes() {
        for figure in Figure::ALL {
            assert_eq!(Figure::parse(figure.as_str()), Some(figure));
        }
        assert_eq!(Figure::parse("mrr"), None);
    }
}
