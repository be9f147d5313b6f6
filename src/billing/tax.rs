//! Tax on one price. Pure; rounded once per line, half away from zero, so that a credit is the
//! mirror of its charge.

use super::catalog::model::TaxRate;
use crate::money::Money;

const MILLION: i64 = 1_000_000;

/// A price with its tax set apart; `net + tax = total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taxed {
    /// Without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
    /// What is paid.
    pub total: Money,
}

impl Taxed {
    /// The same the other way; `None` on overflow.
    #[must_use]
    pub fn negated(self) -> Option<Self> {
        let Self { net, tax, total } = self;
        Some(Self { net: net.negated()?, tax: tax.negated()?, total: total.negated()? })
    }
}

/// Sets the tax of `price` apart, which holds it already or not, as `rate` says. No rate is no
/// tax. `None` on overflow.
#[must_use]
pub fn taxed(price: Money, rate: Option<TaxRate>) -> Option<Taxed> {
    let Some(TaxRate { ppm, inclusive }) = rate else {
        return Some(Taxed { net: price, tax: Money::zero(price.currency), total: price });
    };
    let ppm = i64::from(ppm);
    if inclusive {
        let tax = price.prorated(ppm, MILLION + ppm)?;
        Some(Taxed { net: price.minus(tax)?, tax, total: price })
    } else {
        let tax = price.prorated(ppm, MILLION)?;
        Some(Taxed { net: price, tax, total: price.plus(tax)? })
    }
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;
    use proptest::prelude::*;

    use super::*;

    fn amounts(amount: i64, currency: Currency, ppm: u32, inclusive: bool) -> (i64, i64, i64) {
        let rate = Some(TaxRate { ppm, inclusive });
        let Taxed { net, tax, total } = taxed(Money { amount, currency }, rate).unwrap();
        assert_eq!((net.currency, tax.currency, total.currency), (currency, currency, currency));
        (net.amount, tax.amount, total.amount)
    }

    #[test]
    fn tax_is_added_or_found_inside() {
        use Currency::{EUR, JPY, KWD, USD};
        for (amount, currency, ppm, inclusive, expected) in [
            // 7 % and 19 % in Germany, 5.5 % in France, 8.875 % in New York.
            (290, EUR, 70_000, true, (271, 19, 290)),
            (1_990, EUR, 190_000, true, (1_672, 318, 1_990)),
            (290, EUR, 55_000, true, (275, 15, 290)),
            (290, USD, 88_750, false, (290, 26, 316)),
            // A half is rounded away from zero, and a credit is the mirror.
            (50, EUR, 10_000, false, (50, 1, 51)),
            (-50, EUR, 10_000, false, (-50, -1, -51)),
            (49, EUR, 10_000, false, (49, 0, 49)),
            (3, EUR, 1_000_000, true, (1, 2, 3)),
            (-3, EUR, 1_000_000, true, (-1, -2, -3)),
            // Currencies without and with three digits count their own minor units.
            (300, JPY, 100_000, true, (273, 27, 300)),
            (305, JPY, 100_000, false, (305, 31, 336)),
            (1_234, KWD, 50_000, false, (1_234, 62, 1_296)),
            (0, EUR, 190_000, true, (0, 0, 0)),
            (290, EUR, 0, true, (290, 0, 290)),
        ] {
            let found = amounts(amount, currency, ppm, inclusive);
            assert_eq!(found, expected, "{amount} {} {ppm} {inclusive}", currency.code());
        }
    }

    #[test]
    fn without_a_rate_there_is_no_tax_and_too_much_is_nothing() {
        let price = Money { amount: i64::MAX, currency: Currency::EUR };
        let Taxed { net, tax, total } = taxed(price, None).unwrap();
        assert_eq!((net, tax.amount, total), (price, 0, price));
        assert_eq!(taxed(price, Some(TaxRate { ppm: 1, inclusive: false })), None);
        assert!(taxed(price, Some(TaxRate { ppm: 1, inclusive: true })).is_some());
    }

    proptest! {
        #[test]
        fn parts_make_the_whole(
            amount in -1_000_000_000_000_i64..1_000_000_000_000,
            ppm in 0_u32..3_000_000,
            inclusive in any::<bool>(),
        ) {
            let (net, tax, total) = amounts(amount, Currency::EUR, ppm, inclusive);
            prop_assert_eq!(net + tax, total);
            prop_assert_eq!(if inclusive { total } else { net }, amount);
            let (net, tax, total) = (-net, -tax, -total);
            prop_assert_eq!(amounts(-amount, Currency::EUR, ppm, inclusive), (net, tax, total));
        }
    }
}
