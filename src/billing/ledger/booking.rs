//! Which entries an event makes. Pure.
//!
//! | event | debit | credit |
//! | --- | --- | --- |
//! | invoice issued | receivable | revenue, tax |
//! | balance applied | balance | receivable |
//! | charge succeeded | cash | receivable |
//! | invoice voided | revenue, tax | receivable, and balance for what it had paid |
//! | credit note to the balance | revenue, tax | balance |
//! | credit note to be refunded | revenue, tax | receivable |
//! | money refunded | receivable | cash |
//! | refused refund put on the balance | receivable | balance |
//! | refused refund paid in another way | receivable | cash |
//!
//! Lines that come to less than nothing turn the first two rows around. Money that comes too late
//! for its invoice is a debt until it is refunded, never revenue.

use uuid::Uuid;

use super::model::{About, Account, Entry, InvalidEntry, Kind, Posting};
use crate::{
    billing::{
        invoice::{
            credit::{CreditNote, CreditTo, Refund},
            model::Invoice,
        },
        tax::Taxed,
    },
    clock::Timestamp,
    money::Money,
};

/// Money that a charge brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// The charge.
    pub charge: Uuid,
    /// The invoice that it pays, unless it came too late.
    pub invoice: Option<Uuid>,
    /// Who paid.
    pub reader: Uuid,
    /// For which subscription.
    pub subscription: Uuid,
    /// How much.
    pub amount: Money,
}

/// An invoice gets its number; with it its part of the balance is used. None where nothing moves.
///
/// # Errors
/// When an amount is too large.
pub fn issued(invoice: &Invoice, at: Timestamp) -> Result<Vec<Entry>, InvalidEntry> {
    let Taxed { net, tax, total } = invoice.sums;
    let sold = book(
        about(invoice, Kind::Issued, at),
        [
            (Account::Receivable, total),
            (Account::Revenue, minus(net)?),
            (Account::Tax, minus(tax)?),
        ],
    )?;
    let applied = invoice.balance_applied;
    let balance = book(
        about(invoice, Kind::BalanceApplied, at),
        [(Account::Balance, applied), (Account::Receivable, minus(applied)?)],
    )?;
    Ok(sold.into_iter().chain(balance).collect())
}

/// A charge brings money.
///
/// # Errors
/// When there is none, or too much.
pub fn paid(payment: &Payment, at: Timestamp) -> Result<Entry, InvalidEntry> {
    let about = About {
        source: payment.charge,
        kind: Kind::Paid,
        at,
        reader: payment.reader,
        subscription: payment.subscription,
        invoice: payment.invoice,
        currency: payment.amount.currency,
    };
    let amounts = [(Account::Cash, payment.amount), (Account::Receivable, minus(payment.amount)?)];
    book(about, amounts)?.ok_or(InvalidEntry::Empty)
}

/// An invoice that was issued is not to be paid any more. What the balance paid goes back to it.
///
/// # Errors
/// When an amount is too large.
pub fn voided(invoice: &Invoice, at: Timestamp) -> Result<Option<Entry>, InvalidEntry> {
    let Taxed { net, tax, .. } = invoice.sums;
    let amounts = [
        (Account::Receivable, minus(invoice.due)?),
        (Account::Revenue, net),
        (Account::Tax, tax),
        (Account::Balance, minus(invoice.balance_applied)?),
    ];
    book(about(invoice, Kind::Voided, at), amounts)
}

/// A credit note gives something back.
///
/// # Errors
/// When it gives nothing.
pub fn credited(note: &CreditNote) -> Result<Entry, InvalidEntry> {
    let Taxed { net, tax, total } = note.amounts;
    let to = match note.to {
        CreditTo::Balance => Account::Balance,
        CreditTo::Refund => Account::Receivable,
    };
    let about = About {
        source: note.id,
        kind: Kind::Credited,
        at: note.at,
        reader: note.reader,
        subscription: note.subscription,
        invoice: Some(note.invoice),
        currency: total.currency,
    };
    let amounts = [(Account::Revenue, net), (Account::Tax, tax), (to, minus(total)?)];
    book(about, amounts)?.ok_or(InvalidEntry::Empty)
}

/// Money goes back to a reader, by the gateway or in another way.
///
/// # Errors
/// When there is none.
pub fn refunded(refund: &Refund, at: Timestamp) -> Result<Entry, InvalidEntry> {
    gone_back(refund, Account::Cash, at)
}

/// Money that could not go back to a reader goes to the balance instead. A refund is booked once:
/// it has the one entry or the other.
///
/// # Errors
/// When there is none.
pub fn settled(refund: &Refund, at: Timestamp) -> Result<Entry, InvalidEntry> {
    gone_back(refund, Account::Balance, at)
}

fn gone_back(refund: &Refund, to: Account, at: Timestamp) -> Result<Entry, InvalidEntry> {
    let about = About {
        source: refund.id,
        kind: Kind::Refunded,
        at,
        reader: refund.reader,
        subscription: refund.subscription,
        invoice: refund.invoice,
        currency: refund.amount.currency,
    };
    let amounts = [(Account::Receivable, refund.amount), (to, minus(refund.amount)?)];
    book(about, amounts)?.ok_or(InvalidEntry::Empty)
}

fn about(invoice: &Invoice, kind: Kind, at: Timestamp) -> About {
    let head = &invoice.head;
    About {
        source: head.id,
        kind,
        at,
        reader: head.reader,
        subscription: head.subscription,
        invoice: Some(head.id),
        currency: invoice.currency(),
    }
}

fn minus(money: Money) -> Result<Money, InvalidEntry> {
    money.negated().ok_or(InvalidEntry::Overflow)
}

/// The entry of these amounts; `None` where nothing moves.
fn book<const N: usize>(
    about: About,
    amounts: [(Account, Money); N],
) -> Result<Option<Entry>, InvalidEntry> {
    let postings = amounts.map(|(account, money)| Posting { account, amount: money.amount });
    match Entry::new(about, &postings) {
        Ok(entry) => Ok(Some(entry)),
        Err(InvalidEntry::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "booking_tests.rs"]
mod tests;
