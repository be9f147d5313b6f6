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
    /// What is left to pay. What more is given back than that goes to the account's balance.
    pub due: Money,
}

impl Bill {
    /// The bill for `purchase`, with `credit` of what was paid given back, tax included. `None` for
    /// amounts beyond what can be computed, or in two currencies.
    #[must_use]
    pub fn of(purchase: &Purchase, credit: Money, rate: Option<TaxRate>) -> Option<Self> {
        let price = taxed(purchase.terms.plan.price, rate)?;
        let total = price.total.minus(credit)?;
        let due = Money { amount: total.amount.max(0), ..total };
        Some(Self { rate, price, due })
    }
}
