//! The ledger of one reader, in the words of the office.

use super::frame::Frame;
use crate::billing::ledger::{model::Kind, statement::Line};

/// An entry of the ledger.
pub(super) struct LedgerRow {
    pub(super) at: String,
    pub(super) what: String,
    pub(super) amount: String,
    pub(super) standing: String,
}

impl LedgerRow {
    pub(super) fn of(line: &Line, frame: &Frame) -> Self {
        let words = &frame.words;
        let invoice = line.invoice.as_deref().map(|it| format!(" {it}")).unwrap_or_default();
        let what = match (line.kind, line.by_balance) {
            (Kind::Issued, _) => format!("Invoice{invoice} issued"),
            (Kind::BalanceApplied, _) => format!("Balance used for invoice{invoice}"),
            (Kind::Paid, _) => format!("Card paid invoice{invoice}"),
            (Kind::Voided, _) => format!("Invoice{invoice} called off"),
            (Kind::Credited, true) => format!("Credited to the balance for invoice{invoice}"),
            (Kind::Credited, false) => format!("Credited for invoice{invoice}, to the card"),
            (Kind::Refunded, true) => {
                format!("Could not go back to the card for invoice{invoice}; put on the balance")
            }
            (Kind::Refunded, false) if line.paid_out => {
                format!("Paid back in another way for invoice{invoice}")
            }
            (Kind::Refunded, false) => format!("Went back to the card for invoice{invoice}"),
        };
        let standing = match line.standing.amount {
            0 => "even".to_owned(),
            1.. => format!("owes {}", words.money(line.standing)),
            _ => {
                let owed = line.standing.negated().unwrap_or(line.standing);
                format!("we owe {}", words.money(owed))
            }
        };
        Self { at: words.day(line.at), what, amount: words.money(line.amount), standing }
    }
}
