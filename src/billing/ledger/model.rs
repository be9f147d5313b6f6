//! An entry of the ledger. Pure.
//!
//! Amounts are signed minor units: above zero is a debit, below zero a credit. What an entry puts
//! into one account it takes from others, so its amounts come to zero.

use iso_currency::Currency;
use uuid::Uuid;

use crate::clock::Timestamp;

/// Where money is, or whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// What the gateway holds for us, less what we paid back in another way than by it.
    Cash,
    /// What readers owe us; below zero what we owe them.
    Receivable,
    /// What we sold, without tax.
    Revenue,
    /// What we owe the state.
    Tax,
    /// What we owe readers and they use up here.
    Balance,
}

impl Account {
    /// All of them, in the order in which the database keeps them.
    pub const ALL: [Self; 5] =
        [Self::Cash, Self::Receivable, Self::Revenue, Self::Tax, Self::Balance];

    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Receivable => "receivable",
            Self::Revenue => "revenue",
            Self::Tax => "tax",
            Self::Balance => "balance",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An invoice got its number.
    Issued,
    /// The balance paid a part of an invoice, or took what was too much in it.
    BalanceApplied,
    /// A charge brought money, for an invoice or too late for any.
    Paid,
    /// An invoice is not to be paid any more.
    Voided,
    /// A credit note gives something back.
    Credited,
    /// Money went back to a reader.
    Refunded,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Issued,
        Self::BalanceApplied,
        Self::Paid,
        Self::Voided,
        Self::Credited,
        Self::Refunded,
    ];

    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::BalanceApplied => "balance_applied",
            Self::Paid => "paid",
            Self::Voided => "voided",
            Self::Credited => "credited",
            Self::Refunded => "refunded",
        }
    }

    /// The one that is called `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What an entry is about. Source and kind together are its name: nothing can be booked twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The invoice, charge, credit note or refund that is the reason.
    pub source: Uuid,
    /// What happened to it.
    pub kind: Kind,
    /// When.
    pub at: Timestamp,
    /// With whom.
    pub reader: Uuid,
    /// For which subscription.
    pub subscription: Uuid,
    /// For which invoice.
    pub invoice: Option<Uuid>,
    /// In which currency.
    pub currency: Currency,
}

/// So much into one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// Which.
    pub account: Account,
    /// Minor units; a debit above zero, a credit below.
    pub amount: i64,
}

/// An entry cannot be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntry {
    /// Nothing moves.
    #[error("an entry moves something")]
    Empty,
    /// What is put in is not what is taken.
    #[error("the postings of an entry come to zero")]
    Unbalanced,
    /// More money than there is.
    #[error("an amount is too large")]
    Overflow,
}

/// One balanced entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    about: About,
    postings: Vec<Posting>,
}

impl Entry {
    /// An entry of these postings; those of nothing are left out, those into one account added up.
    ///
    /// # Errors
    /// [`InvalidEntry`].
    pub fn new(about: About, postings: &[Posting]) -> Result<Self, InvalidEntry> {
        let mut sum = 0_i128;
        let mut kept = Vec::with_capacity(postings.len());
        for account in Account::ALL {
            let amounts = postings.iter().filter(|posting| posting.account == account);
            let amount: i128 = amounts.map(|posting| i128::from(posting.amount)).sum();
            sum += amount;
            let amount = i64::try_from(amount).map_err(|_| InvalidEntry::Overflow)?;
            if amount != 0 {
                kept.push(Posting { account, amount });
            }
        }
        match kept.is_empty() {
            _ if sum != 0 => Err(InvalidEntry::Unbalanced),
            true => Err(InvalidEntry::Empty),
            false => Ok(Self { about, postings: kept }),
        }
    }

    /// What it is about.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its postings, at most one for each account.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// What it puts into `account`.
    #[must_use]
    pub fn amount(&self, account: Account) -> i64 {
        let found = self.postings.iter().find(|posting| posting.account == account);
        found.map_or(0, |posting| posting.amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(amounts: &[(Account, i64)]) -> Result<Entry, InvalidEntry> {
        let about = About {
            source: Uuid::nil(),
            kind: Kind::Paid,
            at: Timestamp::UNIX_EPOCH,
            reader: Uuid::nil(),
            subscription: Uuid::nil(),
            invoice: None,
            currency: Currency::EUR,
        };
        let posting = |&(account, amount): &(Account, i64)| Posting { account, amount };
        Entry::new(about, &amounts.iter().map(posting).collect::<Vec<_>>())
    }

    #[test]
    fn an_entry_balances_and_moves_something() {
        use Account::{Cash, Receivable, Revenue, Tax};
        let whole = entry(&[(Receivable, 290), (Tax, -46), (Revenue, -244), (Cash, 0)]).unwrap();
        assert_eq!(
            (whole.amount(Receivable), whole.amount(Tax), whole.amount(Cash)),
            (290, -46, 0)
        );
        assert_eq!(whole.postings().len(), 3);
        for empty in [&[][..], &[(Cash, 0)], &[(Cash, 5), (Cash, -5)]] {
            assert_eq!(entry(empty), Err(InvalidEntry::Empty), "{empty:?}");
        }
        for torn in [&[(Cash, 1)][..], &[(Cash, 290), (Receivable, -289)]] {
            assert_eq!(entry(torn), Err(InvalidEntry::Unbalanced), "{torn:?}");
        }
        let most = [(Cash, i64::MAX), (Cash, 1), (Receivable, i64::MIN)];
        assert_eq!(entry(&most), Err(InvalidEntry::Overflow));
        assert!(entry(&[(Cash, i64::MAX), (Receivable, -i64::MAX)]).is_ok());
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
    }
}
