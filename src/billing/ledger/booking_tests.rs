//! Each event's entry, and that no sequence of events loses a cent.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::billing::invoice::{
    credit::RefundState,
    model::tests::{at, draft, euro, issue},
};

const CHARGE: Uuid = Uuid::from_u128(7);

fn now() -> Timestamp {
    at("2026-11-02T00:00:00Z")
}

fn amounts(entry: &Entry) -> Vec<(&'static str, i64)> {
    entry.postings().iter().map(|posting| (posting.account.as_str(), posting.amount)).collect()
}

fn payment(invoice: &Invoice) -> Payment {
    Payment {
        charge: CHARGE,
        invoice: Some(invoice.head.id),
        reader: invoice.head.reader,
        subscription: invoice.head.subscription,
        amount: invoice.due,
    }
}

fn note(invoice: &Invoice, amount: i64, to: CreditTo) -> CreditNote {
    CreditNote {
        id: Uuid::from_u128(11),
        number: "C2026-000001".to_owned(),
        invoice: invoice.head.id,
        reader: invoice.head.reader,
        subscription: invoice.head.subscription,
        amounts: invoice.credit(euro(amount)).unwrap(),
        reason: "Withdrawn".to_owned(),
        to,
        at: now(),
    }
}

fn refund(invoice: &Invoice, amount: i64) -> Refund {
    Refund {
        id: Uuid::from_u128(13),
        charge: CHARGE,
        invoice: Some(invoice.head.id),
        reader: invoice.head.reader,
        subscription: invoice.head.subscription,
        amount: euro(amount),
        state: RefundState::Pending,
        created_at: now(),
        decided_by: None,
    }
}

#[test]
fn an_invoice_is_owed_and_then_paid() {
    let invoice = draft(1, &[290], 90);
    let [sold, applied] = &issued(&invoice, now()).unwrap()[..] else { panic!("two entries") };
    assert_eq!(amounts(sold), [("receivable", 290), ("revenue", -244), ("tax", -46)]);
    assert_eq!(amounts(applied), [("receivable", -90), ("balance", 90)]);
    let paid = paid(&payment(&invoice), now()).unwrap();
    assert_eq!(amounts(&paid), [("cash", 200), ("receivable", -200)]);
    assert_eq!((paid.about().source, paid.about().invoice), (CHARGE, Some(invoice.head.id)));
    assert_eq!(
        amounts(&voided(&invoice, now()).unwrap().unwrap()),
        [("receivable", -200), ("revenue", 244), ("tax", 46), ("balance", -90)]
    );
}

#[test]
fn what_is_too_much_in_an_invoice_goes_to_the_balance() {
    let [sold, applied] = &issued(&draft(1, &[290, -1_480], 5), now()).unwrap()[..] else {
        panic!("two entries")
    };
    assert_eq!(amounts(sold), [("receivable", -1_190), ("revenue", 1_000), ("tax", 190)]);
    assert_eq!(amounts(applied), [("receivable", 1_190), ("balance", -1_190)]);
}

#[test]
fn an_invoice_for_nothing_moves_nothing() {
    let invoice = draft(1, &[0], 100);
    assert_eq!(issued(&invoice, now()), Ok(vec![]));
    assert_eq!(voided(&invoice, now()), Ok(None));
    assert_eq!(paid(&payment(&invoice), now()), Err(InvalidEntry::Empty));
}

#[test]
fn giving_back_takes_revenue_and_tax_back() {
    let invoice = draft(1, &[290], 0).paid_at_once(issue(), Some(CHARGE)).unwrap();
    let to = |to| amounts(&credited(&note(&invoice, 145, to)).unwrap());
    assert_eq!(to(CreditTo::Balance), [("revenue", 122), ("tax", 23), ("balance", -145)]);
    assert_eq!(to(CreditTo::Refund), [("receivable", -145), ("revenue", 122), ("tax", 23)]);
    let refunded = refunded(&refund(&invoice, 145), now()).unwrap();
    assert_eq!(amounts(&refunded), [("cash", -145), ("receivable", 145)]);
    let settled = settled(&refund(&invoice, 145), now()).unwrap();
    assert_eq!(amounts(&settled), [("receivable", 145), ("balance", -145)]);
    assert_eq!(settled.about().kind, refunded.about().kind, "the one or the other");
}

/// One reader's books, added up.
#[derive(Debug, Default)]
struct Books {
    sums: [i64; 5],
}

impl Books {
    fn take(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            assert_eq!(entry.postings().iter().map(|posting| posting.amount).sum::<i64>(), 0);
            for (sum, account) in self.sums.iter_mut().zip(Account::ALL) {
                *sum += entry.amount(account);
            }
        }
    }

    fn of(&self, account: Account) -> i64 {
        let sums = Account::ALL.into_iter().zip(self.sums);
        sums.filter(|(known, _)| *known == account).map(|(_, sum)| sum).sum()
    }
}

/// How a story of one invoice goes on after it was made.
#[derive(Debug, Clone, Copy)]
enum Step {
    Paid,
    Voided,
    VoidedThenPaid,
    GivenBack(i64, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Paid),
        Just(Step::Voided),
        Just(Step::VoidedThenPaid),
        (1_i64..2_000, any::<bool>()).prop_map(|(amount, cash)| Step::GivenBack(amount, cash)),
    ]
}

/// Tells one invoice's story and books it.
fn tell(books: &mut Books, prices: &[i64], step: Step) -> Invoice {
    let invoice = draft(1, prices, -books.of(Account::Balance));
    books.take(issued(&invoice, now()).unwrap());
    let pay = |books: &mut Books| {
        books.take((!invoice.due.is_zero()).then(|| paid(&payment(&invoice), now()).unwrap()));
    };
    let charge = (!invoice.due.is_zero()).then_some(CHARGE);
    let is_paid = invoice.clone().paid_at_once(issue(), charge).unwrap();
    match step {
        Step::Paid => pay(books),
        // Only what is due waits to be paid, so only that is voided.
        Step::Voided | Step::VoidedThenPaid if invoice.due.is_zero() => {}
        Step::Voided => books.take(voided(&invoice, now()).unwrap()),
        Step::VoidedThenPaid => {
            books.take(voided(&invoice, now()).unwrap());
            pay(books);
            books.take([refunded(&refund(&invoice, invoice.due.amount), now()).unwrap()]);
        }
        Step::GivenBack(amount, cash) => {
            pay(books);
            let most = if cash { invoice.due } else { is_paid.creditable() };
            let amount = amount.min(most.amount);
            if amount > 0 {
                let to = if cash { CreditTo::Refund } else { CreditTo::Balance };
                books.take([credited(&note(&is_paid, amount, to)).unwrap()]);
                books.take(cash.then(|| refunded(&refund(&is_paid, amount), now()).unwrap()));
            }
        }
    }
    invoice
}

proptest! {
    #[test]
    fn the_ledger_balances_whatever_happens(
        stories in proptest::collection::vec(
            (proptest::collection::vec(-3_000_i64..3_000, 1..4), step()), 1..30),
    ) {
        let mut books = Books::default();
        for (prices, step) in stories {
            tell(&mut books, &prices, step);
            prop_assert_eq!(books.sums.iter().sum::<i64>(), 0);
            prop_assert_eq!(books.of(Account::Receivable), 0, "nobody owes anything");
            prop_assert!(books.of(Account::Balance) <= 0, "no balance is below zero");
            prop_assert!(books.of(Account::Cash) >= 0, "no more goes back than came");
        }
    }
}
