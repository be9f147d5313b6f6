//! What an invoice comes to, and what it may become.

use proptest::prelude::*;

use super::*;

const EUR: Currency = Currency::EUR;

pub(crate) fn euro(amount: i64) -> Money {
    Money { amount, currency: EUR }
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn november() -> Period {
    Period { start: at("2026-11-01T00:00:00Z"), end: at("2026-12-01T00:00:00Z") }
}

pub(crate) fn head(id: u128) -> Head {
    Head {
        id: Uuid::from_u128(id),
        reader: Uuid::from_u128(1),
        subscription: Uuid::from_u128(2),
        period: november(),
        created_at: november().start,
    }
}

pub(crate) fn line(price: i64, rate: Option<TaxRate>) -> Line {
    let (description, plan) = ("Monthly".to_owned(), "monthly".to_owned());
    Line::charge(description, plan, november(), euro(price), rate).unwrap()
}

pub(crate) fn draft(id: u128, prices: &[i64], balance: i64) -> Invoice {
    let rate = Some(TaxRate { ppm: 190_000, inclusive: true });
    let lines = prices.iter().map(|price| line(*price, rate)).collect();
    Invoice::draft(head(id), lines, euro(balance)).unwrap()
}

pub(crate) fn issue() -> Issue {
    Issue { number: "2026-000001".to_owned(), at: november().start }
}

const CHARGE: Uuid = Uuid::from_u128(3);

#[test]
fn the_balance_pays_first_and_takes_what_is_too_much() {
    for (prices, balance, applied, due) in [
        (&[290][..], 0, 0, 290),
        (&[290], 100, 100, 190),
        (&[290], 290, 290, 0),
        (&[290], 1_000, 290, 0),
        (&[1_990, -145], 0, 0, 1_845),
        (&[290, -1_445], 0, -1_155, 0),
        (&[290, -1_445], 50, -1_155, 0),
        (&[0], 50, 0, 0),
    ] {
        let invoice = draft(1, prices, balance);
        assert_eq!(
            (invoice.balance_applied, invoice.due),
            (euro(applied), euro(due)),
            "{prices:?}"
        );
        assert_eq!(invoice.sums.total.amount, prices.iter().sum::<i64>());
    }
}

#[test]
fn impossible_invoices_are_refused() {
    let refused = |lines: Vec<Line>, balance| Invoice::draft(head(1), lines, balance).unwrap_err();
    assert_eq!(refused(vec![], euro(0)), InvalidInvoice::Lines);
    assert_eq!(refused(vec![line(1, None); LINES_MAX + 1], euro(0)), InvalidInvoice::Lines);
    assert_eq!(refused(vec![line(1, None)], euro(-1)), InvalidInvoice::Balance);
    assert_eq!(refused(vec![line(1, None)], Money::zero(Currency::USD)), InvalidInvoice::Sums);
    assert_eq!(refused(vec![line(i64::MAX, None); 2], euro(0)), InvalidInvoice::Overflow);
    let mut torn = line(290, None);
    torn.amounts.tax = euro(1);
    assert_eq!(refused(vec![torn], euro(0)), InvalidInvoice::Sums);
}

#[test]
fn states_follow_one_another_and_the_last_is_final() {
    let draft = draft(1, &[290], 0);
    let open = draft.clone().open(issue()).unwrap();
    let paid = open.clone().paid(CHARGE, november().end).unwrap();
    let void = open.clone().void(november().end).unwrap();
    assert_eq!((open.number(), open.paid_at()), (Some("2026-000001"), None));
    assert_eq!((paid.paid_at(), paid.charge()), (Some(november().end), Some(CHARGE)));
    assert_eq!((void.number(), void.voided_at()), (Some("2026-000001"), Some(november().end)));
    assert_eq!(draft.clone().void(november().end).unwrap().number(), None);
    for (invoice, allowed) in
        [(draft, "open paid_at_once void"), (open, "paid void"), (paid, ""), (void, "")]
    {
        let mut found = Vec::new();
        let attempts = [
            ("open", invoice.clone().open(issue())),
            ("paid", invoice.clone().paid(CHARGE, november().end)),
            ("paid_at_once", invoice.clone().paid_at_once(issue(), Some(CHARGE))),
            ("void", invoice.clone().void(november().end)),
        ];
        found.extend(attempts.into_iter().filter(|(_, to)| to.is_ok()).map(|(name, _)| name));
        assert_eq!(found.join(" "), allowed, "from {}", invoice.state.as_str());
    }
}

#[test]
fn money_comes_by_a_charge_exactly_when_some_is_due() {
    let free = draft(1, &[290], 290);
    assert!(free.clone().open(issue()).is_err(), "nothing to ask for");
    assert!(free.clone().paid_at_once(issue(), Some(CHARGE)).is_err());
    assert_eq!(free.paid_at_once(issue(), None).unwrap().charge(), None);
    assert!(draft(1, &[290], 289).paid_at_once(issue(), None).is_err());
}

proptest! {
    #[test]
    fn what_is_due_is_never_below_zero(
        prices in proptest::collection::vec(-100_000_i64..100_000, 1..6),
        balance in 0_i64..100_000,
    ) {
        let Invoice { sums, balance_applied, due, .. } = draft(1, &prices, balance);
        prop_assert!(due.amount >= 0 && balance_applied.amount <= balance);
        prop_assert_eq!(sums.total.amount, due.amount + balance_applied.amount);
        prop_assert_eq!(sums.net.amount + sums.tax.amount, sums.total.amount);
        prop_assert!(balance_applied.amount >= 0 || sums.total.amount < 0);
    }
}
