//! Giving back: credit notes, lines that credit, and refunds. Pure.
//!
//! Every part that is given back takes its share of the tax with it. The shares are counted from
//! the sum given back so far, so that together they come to exactly the invoice's tax.

use uuid::Uuid;

use super::model::{Invoice, Line, State};
use crate::{billing::tax::Taxed, clock::Timestamp, money::Money};

/// Why time was given back that a reader will not read in, having withdrawn.
pub const WITHDRAWN: &str = "withdrawal";
/// Why a period was given back that began after the reader had canceled.
pub const CANCELED: &str = "cancellation";
/// Why time was given back that a pause left unused.
pub const PAUSED: &str = "paused";

/// Where the money of a credit note goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditTo {
    /// To the reader's balance here.
    Balance,
    /// Back to the payment method.
    Refund,
}

impl CreditTo {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Refund => "refund",
        }
    }

    /// The one that is called `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Balance, Self::Refund].into_iter().find(|to| to.as_str() == text)
    }
}

/// That something of an invoice is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNote {
    /// Its id.
    pub id: Uuid,
    /// `C2026-000001`.
    pub number: String,
    /// Of which invoice.
    pub invoice: Uuid,
    /// Whose it is.
    pub reader: Uuid,
    /// Of which subscription.
    pub subscription: Uuid,
    /// How much; above zero.
    pub amounts: Taxed,
    /// Why: [`WITHDRAWN`], [`PAUSED`], or in the words of whoever gave it back.
    pub reason: String,
    /// Where the money goes.
    pub to: CreditTo,
    /// When.
    pub at: Timestamp,
}

/// How far a refund has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundState {
    /// The gateway was not asked, or did not answer yet.
    Pending,
    /// The money is on its way to the reader.
    Succeeded {
        /// Since when.
        at: Timestamp,
        /// What the gateway calls it.
        reference: String,
    },
    /// The gateway refused.
    Failed {
        /// When.
        at: Timestamp,
        /// Why, in its words.
        why: String,
        /// What staff did about it; until then it waits for them.
        settled: Option<SettledAs>,
    },
}

/// What was done about a refund that the gateway refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettledAs {
    /// Another refund was tried instead.
    Retried,
    /// The money went to the reader's balance.
    Balance,
    /// The publisher paid it in another way.
    PaidOut,
}

impl SettledAs {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Balance => "balance",
            Self::PaidOut => "paid_out",
        }
    }

    /// The one that is called `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Retried, Self::Balance, Self::PaidOut].into_iter().find(|it| it.as_str() == text)
    }
}

impl RefundState {
    /// In words.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Money that goes back the way it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: Uuid,
    /// The charge that brought it.
    pub charge: Uuid,
    /// The invoice that it paid, unless it came too late for any.
    pub invoice: Option<Uuid>,
    /// Whose it is.
    pub reader: Uuid,
    /// Of which subscription.
    pub subscription: Uuid,
    /// How much; above zero.
    pub amount: Money,
    /// How far it has come.
    pub state: RefundState,
    /// When it was decided.
    pub created_at: Timestamp,
    /// The member of staff who decided it; none where the reader or the service did.
    pub decided_by: Option<Uuid>,
}

/// So much cannot be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredit {
    /// Nothing was paid.
    #[error("only of a paid invoice can something be given back")]
    NotPaid,
    /// Nothing, less than nothing, or another currency.
    #[error("what is given back must be above zero and in the invoice's currency")]
    Amount,
    /// More than is left of the invoice.
    #[error("no more can be given back than was not given back yet")]
    TooMuch,
}

impl Invoice {
    /// What can still be given back.
    #[must_use]
    pub fn creditable(&self) -> Money {
        let left = self.sums.total.amount.saturating_sub(self.credited.amount);
        let is_paid = matches!(self.state, State::Paid { .. });
        Money { amount: if is_paid { left.max(0) } else { 0 }, ..self.credited }
    }

    /// `amount` with its share of the tax, to be given back now.
    ///
    /// # Errors
    /// [`InvalidCredit`].
    pub fn credit(&self, amount: Money) -> Result<Taxed, InvalidCredit> {
        if !matches!(self.state, State::Paid { .. }) {
            return Err(InvalidCredit::NotPaid);
        }
        if amount.amount <= 0 || amount.currency != self.currency() {
            return Err(InvalidCredit::Amount);
        }
        if amount.amount > self.creditable().amount {
            return Err(InvalidCredit::TooMuch);
        }
        let share = || {
            let until = |given: Money| self.sums.tax.prorated(given.amount, self.sums.total.amount);
            let tax = until(self.credited.plus(amount)?)?.minus(until(self.credited)?)?;
            Some(Taxed { net: amount.minus(tax)?, tax, total: amount })
        };
        share().ok_or(InvalidCredit::TooMuch)
    }

    /// A line for a later invoice that gives `amount` of this one back, say for time not used.
    ///
    /// # Errors
    /// [`InvalidCredit`].
    pub fn credit_line(&self, description: String, amount: Money) -> Result<Line, InvalidCredit> {
        let first = self.lines.first().ok_or(InvalidCredit::NotPaid)?;
        let rate = first.rate.filter(|_| self.lines.iter().all(|line| line.rate == first.rate));
        Ok(Line {
            description,
            plan: first.plan.clone(),
            period: self.head.period,
            amounts: self.credit(amount)?.negated().ok_or(InvalidCredit::TooMuch)?,
            rate,
            credits: Some(self.head.id),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::model::tests::{draft, euro, issue},
        *,
    };

    fn paid(prices: &[i64]) -> Invoice {
        draft(9, prices, 0).paid_at_once(issue(), Some(Uuid::from_u128(8))).unwrap()
    }

    #[test]
    fn only_what_was_paid_and_not_given_back_can_be_given_back() {
        let mut invoice = paid(&[290]);
        assert_eq!(draft(9, &[290], 0).credit(euro(1)), Err(InvalidCredit::NotPaid));
        assert_eq!(draft(9, &[290], 0).creditable(), euro(0));
        assert_eq!(invoice.credit(euro(0)), Err(InvalidCredit::Amount));
        assert_eq!(invoice.credit(euro(-1)), Err(InvalidCredit::Amount));
        let dollar = Money { amount: 1, currency: iso_currency::Currency::USD };
        assert_eq!(invoice.credit(dollar), Err(InvalidCredit::Amount));
        assert_eq!(invoice.credit(euro(291)), Err(InvalidCredit::TooMuch));
        let all = invoice.credit(euro(290)).unwrap();
        assert_eq!(all, invoice.sums);
        invoice.credited = euro(200);
        assert_eq!(invoice.credit(euro(91)), Err(InvalidCredit::TooMuch));
        assert!(invoice.credit(euro(90)).is_ok());
    }

    #[test]
    fn a_line_that_credits_mirrors_its_share() {
        let line = paid(&[290]).credit_line("Unused time".to_owned(), euro(145)).unwrap();
        assert_eq!((line.amounts.total, line.amounts.tax), (euro(-145), euro(-23)));
        assert_eq!((line.credits, line.plan.as_str()), (Some(Uuid::from_u128(9)), "monthly"));
        assert_eq!(line.rate, paid(&[290]).lines[0].rate);
    }

    proptest! {
        /// However an invoice is given back in parts, the parts make the whole, tax included.
        #[test]
        fn parts_given_back_make_the_whole(
            price in 1_i64..100_000,
            parts in proptest::collection::vec(1_i64..10_000, 0..20),
        ) {
            let mut invoice = paid(&[price]);
            let (mut tax, mut net) = (0, 0);
            for part in parts.into_iter().chain([i64::MAX]) {
                let part = part.min(invoice.creditable().amount);
                if part > 0 {
                    let share = invoice.credit(euro(part)).unwrap();
                    prop_assert!(share.tax.amount >= 0 && share.net.amount >= 0);
                    (tax, net) = (tax + share.tax.amount, net + share.net.amount);
                    invoice.credited = invoice.credited.plus(euro(part)).unwrap();
                }
            }
            prop_assert_eq!((net, tax), (invoice.sums.net.amount, invoice.sums.tax.amount));
        }
    }
}
