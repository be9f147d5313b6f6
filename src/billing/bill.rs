//! What a purchase comes to: the price with its tax, less what is given back of the old plan.
//! Pure.

use super::{
    catalog::model::TaxRate,
    subscription::model::Purchase,
    tax::{Taxed, taxed},
};
use crate::money::Money;

/// What a purchase comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// The tax rate that applies, if any.
    pub rate: Option<TaxRate>,
    /// The price.
    pub price: Taxed,
    /// What is given back, below 0, if anything.
    pub credit: Option<Taxed>,
    /// What is left to pay.
    pub due: Money,
    /// What more was given back than there is to pay; it goes to the account's balance.
    pub surplus: Money,
}

impl Bill {
    /// The bill for `purchase`, with `credit` of what was paid given back, tax included. `None` for
    /// amounts beyond what can be computed, or in two currencies.
    #[must_use]
    pub fn of(purchase: &Purchase, credit: Money, rate: Option<TaxRate>) -> Option<Self> {
        let price = taxed(purchase.terms.plan.price, rate)?;
        let total = price.total.minus(credit)?;
        let zero = Money::zero(total.currency);
        let (due, surplus) =
            if total.amount < 0 { (zero, total.negated()?) } else { (total, zero) };
        // What was paid held its tax, however the price was given.
        let holds_tax = rate.map(|rate| TaxRate { inclusive: true, ..rate });
        let credit =
            if credit.is_zero() { None } else { Some(taxed(credit.negated()?, holds_tax)?) };
        Some(Self { rate, price, credit, due, surplus })
    }
}
