//! An invoice: its lines, its sums, and how far it has come. Pure.
//!
//! A draft has no number. Once it has one, nothing of it changes but whether it was paid.

use iso_currency::Currency;
use uuid::Uuid;

use crate::{
    billing::{
        calendar::Period,
        catalog::model::TaxRate,
        tax::{Taxed, taxed},
    },
    clock::Timestamp,
    money::Money,
};

/// Most lines of one invoice.
pub const LINES_MAX: usize = 20;

/// What was sold for one stretch of time, or given back of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// For people.
    pub description: String,
    /// The plan.
    pub plan: String,
    /// What it is paid for.
    pub period: Period,
    /// Below zero in a line that credits.
    pub amounts: Taxed,
    /// The tax it was reckoned with.
    pub rate: Option<TaxRate>,
    /// The earlier invoice of which this line gives something back.
    pub credits: Option<Uuid>,
}

impl Line {
    /// One unit of `plan` at `price`; `None` on overflow.
    #[must_use]
    pub fn charge(
        description: String,
        plan: String,
        period: Period,
        price: Money,
        rate: Option<TaxRate>,
    ) -> Option<Self> {
        let amounts = taxed(price, rate)?;
        Some(Self { description, plan, period, amounts, rate, credits: None })
    }

    fn is_whole(&self) -> bool {
        let Taxed { net, tax, total } = self.amounts;
        net.plus(tax) == Some(total)
    }
}

/// The number of an invoice, and since when it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// `2026-000001`.
    pub number: String,
    /// Since when.
    pub at: Timestamp,
}

/// How far an invoice has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not yet asked for.
    Draft,
    /// To be paid.
    Open {
        /// Its number.
        issue: Issue,
    },
    /// Paid, by a charge or by the balance alone. Final.
    Paid {
        /// Its number.
        issue: Issue,
        /// When.
        at: Timestamp,
        /// What brought the money; none where nothing was due.
        charge: Option<Uuid>,
    },
    /// Not to be paid any more. Final.
    Void {
        /// Its number, if it came so far.
        issue: Option<Issue>,
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// In words.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open { .. } => "open",
            Self::Paid { .. } => "paid",
            Self::Void { .. } => "void",
        }
    }
}

/// What an invoice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The invoice's id.
    pub id: Uuid,
    /// Whose it is.
    pub reader: Uuid,
    /// Of which subscription.
    pub subscription: Uuid,
    /// Which time it is for.
    pub period: Period,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// What it is about.
    pub head: Head,
    /// How far it has come.
    pub state: State,
    /// Its lines, at least one.
    pub lines: Vec<Line>,
    /// The sums of the lines.
    pub sums: Taxed,
    /// What the reader's balance pays of the total. Below zero where the lines come to less than
    /// nothing: that much goes to the balance.
    pub balance_applied: Money,
    /// What is left to pay: `sums.total - balance_applied`, never below zero.
    pub due: Money,
    /// What was given back of it so far, by credit notes and by lines of later invoices.
    pub credited: Money,
}

/// An invoice cannot be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInvoice {
    /// No lines, or too many.
    #[error("an invoice has 1 to {LINES_MAX} lines")]
    Lines,
    /// Two currencies, or a line whose parts do not make its total.
    #[error("the lines of an invoice are of one currency, and net and tax make the total")]
    Sums,
    /// A balance below zero.
    #[error("a balance is never below zero")]
    Balance,
    /// More money than there is.
    #[error("the sum is too large")]
    Overflow,
}

/// The invoice is not in a state that allows this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the invoice is {from}, so it cannot become {to}")]
pub struct InvalidTransition {
    /// Its status.
    pub from: &'static str,
    /// What it was to become.
    pub to: &'static str,
}

impl Invoice {
    /// A draft that uses up to `balance` of what the reader has.
    ///
    /// # Errors
    /// [`InvalidInvoice`].
    pub fn draft(head: Head, lines: Vec<Line>, balance: Money) -> Result<Self, InvalidInvoice> {
        if lines.is_empty() || lines.len() > LINES_MAX {
            return Err(InvalidInvoice::Lines);
        }
        if balance.amount < 0 {
            return Err(InvalidInvoice::Balance);
        }
        let sums = sum(&lines, balance.currency)?;
        let balance_applied = Money { amount: sums.total.amount.min(balance.amount), ..balance };
        let due = sums.total.minus(balance_applied).ok_or(InvalidInvoice::Overflow)?;
        let credited = Money::zero(balance.currency);
        Ok(Self { head, state: State::Draft, lines, sums, balance_applied, due, credited })
    }

    /// Its currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.due.currency
    }

    /// Its number and since when it has it.
    #[must_use]
    pub fn issue(&self) -> Option<&Issue> {
        match &self.state {
            State::Draft => None,
            State::Open { issue } | State::Paid { issue, .. } => Some(issue),
            State::Void { issue, .. } => issue.as_ref(),
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        self.issue().map(|issue| issue.number.as_str())
    }

    /// When it was paid.
    #[must_use]
    pub fn paid_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Paid { at, .. } => Some(at),
            _ => None,
        }
    }

    /// When it was voided.
    #[must_use]
    pub fn voided_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Void { at, .. } => Some(at),
            _ => None,
        }
    }

    /// The charge that paid it.
    #[must_use]
    pub fn charge(&self) -> Option<Uuid> {
        match self.state {
            State::Paid { charge, .. } => charge,
            _ => None,
        }
    }

    fn refuse<T>(&self, to: &'static str) -> Result<T, InvalidTransition> {
        Err(InvalidTransition { from: self.state.as_str(), to })
    }

    /// Asks for payment. Where nothing is due there is nothing to ask for.
    ///
    /// # Errors
    /// [`InvalidTransition`] unless it is a draft with something due.
    pub fn open(self, issue: Issue) -> Result<Self, InvalidTransition> {
        match self.state {
            State::Draft if !self.due.is_zero() => {
                Ok(Self { state: State::Open { issue }, ..self })
            }
            _ => self.refuse("open"),
        }
    }

    /// Paid in the moment in which it gets its number. `charge` is what brought the money.
    ///
    /// # Errors
    /// [`InvalidTransition`] unless it is a draft, and something is due exactly when there is a
    /// charge.
    pub fn paid_at_once(
        self,
        issue: Issue,
        charge: Option<Uuid>,
    ) -> Result<Self, InvalidTransition> {
        match self.state {
            State::Draft if charge.is_none() == self.due.is_zero() => {
                let at = issue.at;
                Ok(Self { state: State::Paid { issue, at, charge }, ..self })
            }
            _ => self.refuse("paid"),
        }
    }

    /// Paid by `charge`.
    ///
    /// # Errors
    /// [`InvalidTransition`] unless it is open.
    pub fn paid(self, charge: Uuid, at: Timestamp) -> Result<Self, InvalidTransition> {
        match self.state {
            State::Open { issue } => {
                Ok(Self { state: State::Paid { issue, at, charge: Some(charge) }, ..self })
            }
            _ => self.refuse("paid"),
        }
    }

    /// Not to be paid any more.
    ///
    /// # Errors
    /// [`InvalidTransition`] unless it is a draft or open.
    pub fn void(self, at: Timestamp) -> Result<Self, InvalidTransition> {
        let issue = match self.state {
            State::Draft => None,
            State::Open { issue } => Some(issue),
            State::Paid { .. } | State::Void { .. } => return self.refuse("void"),
        };
        Ok(Self { state: State::Void { issue, at }, ..self })
    }
}

/// The sums of `lines`, which must be in `currency`.
///
/// # Errors
/// [`InvalidInvoice`].
pub fn sum(lines: &[Line], currency: Currency) -> Result<Taxed, InvalidInvoice> {
    let zero = Money::zero(currency);
    let mut sums = Taxed { net: zero, tax: zero, total: zero };
    for line in lines {
        let Taxed { net, tax, total } = line.amounts;
        if total.currency != currency || !line.is_whole() {
            return Err(InvalidInvoice::Sums);
        }
        let added = || {
            let total = sums.total.plus(total)?;
            Some(Taxed { net: sums.net.plus(net)?, tax: sums.tax.plus(tax)?, total })
        };
        sums = added().ok_or(InvalidInvoice::Overflow)?;
    }
    Ok(sums)
}

#[cfg(test)]
#[path = "model_tests.rs"]
pub(crate) mod tests;
