//! What the ledger says of one reader: each entry with what stood between us after it. Pure.

use std::collections::BTreeMap;

use iso_currency::Currency;

use super::model::Kind;
use crate::{clock::Timestamp, money::Money};

/// An entry of the ledger, as far as it is about the reader's own accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// The number of its invoice, where it has one.
    pub invoice: Option<String>,
    /// In which currency.
    pub currency: Currency,
    /// Into what the reader owes us; minor units, as in the ledger.
    pub receivable: i64,
    /// Into what we owe the reader; below zero it grows.
    pub balance: i64,
    /// Whether it is a refund that was paid in another way than by the gateway.
    pub paid_out: bool,
}

/// A line of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// The number of its invoice, where it has one.
    pub invoice: Option<String>,
    /// How much it was about, never below zero.
    pub amount: Money,
    /// Whether it went to the balance that the reader uses up here, or came from it.
    pub by_balance: bool,
    /// Whether it is a refund that was paid in another way than by the gateway.
    pub paid_out: bool,
    /// What stood between us afterwards: above zero the reader owes us, below zero we owe them.
    pub standing: Money,
}

impl Moved {
    fn owed(&self) -> i64 {
        self.receivable.saturating_add(self.balance)
    }
}

/// The lines of `moved`, the latest first, where `standing` is what stands between us now in each
/// currency.
#[must_use]
pub fn lines(moved: Vec<Moved>, mut standing: BTreeMap<&'static str, i64>) -> Vec<Line> {
    let line = |it: Moved| {
        let owed = it.owed();
        let after = standing.entry(it.currency.code()).or_default();
        let money = |amount| Money { amount, currency: it.currency };
        let amount = if owed == 0 { it.balance } else { owed }.saturating_abs();
        let standing = money(*after);
        *after = after.saturating_sub(owed);
        Line {
            at: it.at,
            kind: it.kind,
            amount: money(amount),
            invoice: it.invoice,
            by_balance: it.balance != 0,
            paid_out: it.paid_out,
            standing,
        }
    };
    moved.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(kind: Kind, receivable: i64, balance: i64) -> Moved {
        Moved {
            at: Timestamp::UNIX_EPOCH,
            kind,
            invoice: None,
            currency: Currency::USD,
            receivable,
            balance,
            paid_out: false,
        }
    }

    #[test]
    fn what_stands_between_us_follows_from_the_end_backwards() {
        use Kind::{BalanceApplied, Credited, Issued, Paid, Refunded};
        // In the order in which it happened.
        let story = [
            (moved(Issued, 290, 0), 290, 290, false),
            (moved(Paid, -290, 0), 290, 0, false),
            (moved(Credited, 0, -100), 100, -100, true),
            (moved(Issued, 290, 0), 290, 190, false),
            (moved(BalanceApplied, -100, 100), 100, 190, true),
            (moved(Paid, -190, 0), 190, 0, false),
            (moved(Credited, -190, 0), 190, -190, false),
            (moved(Refunded, 190, 0), 190, 0, false),
        ];
        let latest_first: Vec<Moved> = story.iter().rev().map(|it| it.0.clone()).collect();
        let told = lines(latest_first.clone(), BTreeMap::from([("USD", 0)]));
        let told: Vec<_> = told
            .iter()
            .rev()
            .map(|it| (it.amount.amount, it.standing.amount, it.by_balance))
            .collect();
        let expected: Vec<_> = story.iter().map(|it| (it.1, it.2, it.3)).collect();
        assert_eq!(told, expected);
        // A part of the story says the same as the whole.
        let part = lines(latest_first[..3].to_vec(), BTreeMap::from([("USD", 0)]));
        assert_eq!(part.last().unwrap().standing.amount, 0);
    }
}
