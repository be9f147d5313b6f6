//! How much one person alone may give back to one reader within a day. Pure.

use std::collections::BTreeMap;

use iso_currency::Currency;
use time::Duration;

use crate::money::Money;

/// For how long what was given back counts, so that a large refund cannot be made of small ones.
pub const COUNTS_FOR: Duration = Duration::days(1);

/// Most currencies with a limit.
const CURRENCIES_MAX: usize = 200;

/// How much one person alone may give back, in each currency; nothing in one that is not listed:
/// who forgets a currency must not open a door.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefundLimits(BTreeMap<&'static str, i64>);

impl RefundLimits {
    /// Reads a list of texts such as `USD 5000`, each a currency and minor units of it.
    ///
    /// # Errors
    /// The rule that is broken, in words.
    pub fn parse(texts: &[&str]) -> Result<Self, String> {
        if texts.len() > CURRENCIES_MAX {
            return Err(format!("may list at most {CURRENCIES_MAX} currencies"));
        }
        let mut limits = BTreeMap::new();
        for text in texts {
            let rule = || format!("must list amounts such as `USD 5000`, not `{text}`");
            let (code, amount) = text.split_once(' ').ok_or_else(rule)?;
            let currency = Currency::from_code(code).ok_or_else(rule)?;
            let amount: i64 = amount.trim().parse().map_err(|_| rule())?;
            if amount < 0 {
                return Err(rule());
            }
            if limits.insert(currency.code(), amount).is_some() {
                return Err(format!("lists {code} twice"));
            }
        }
        Ok(Self(limits))
    }

    /// The limit of a currency.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Money {
        Money { amount: self.0.get(currency.code()).copied().unwrap_or(0), currency }
    }

    /// Whether giving `more` back takes a second person, after the same member of staff gave
    /// `before` back to the same reader within [`COUNTS_FOR`]. Both are in one currency.
    #[must_use]
    pub fn take_two(&self, before: Money, more: Money) -> bool {
        match before.plus(more) {
            Some(all) => all.amount > self.of(more.currency).amount,
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(amount: i64) -> Money {
        Money { amount, currency: Currency::USD }
    }

    #[test]
    fn the_whole_table() {
        let limits = RefundLimits::parse(&["USD 5000", "JPY 0"]).unwrap();
        for (before, more, takes_two) in [
            (0, 1, false),
            (0, 5_000, false),
            (0, 5_001, true),
            (4_999, 1, false),
            (4_999, 2, true),
            (5_000, 1, true),
            (9_000, 1, true),
            (i64::MAX, 1, true),
        ] {
            assert_eq!(limits.take_two(usd(before), usd(more)), takes_two, "{before} {more}");
        }
        for currency in [Currency::JPY, Currency::EUR] {
            let (nothing, one) = (Money::zero(currency), Money { amount: 1, currency });
            assert!(limits.take_two(nothing, one), "{currency:?} has none");
            assert!(limits.take_two(usd(0), one), "two currencies are no sum");
        }
    }

    #[test]
    fn a_list_says_what_is_wrong_with_it() {
        for (texts, rule) in [
            (&["USD"][..], "not `USD`"),
            (&["USD 50.00"], "not `USD 50.00`"),
            (&["USD -1"], "not `USD -1`"),
            (&["usd 5"], "not `usd 5`"),
            (&["XYZ 5"], "not `XYZ 5`"),
            (&["USD 99999999999999999999"], "such as"),
            (&["USD 5", "USD 6"], "lists USD twice"),
        ] {
            let error = RefundLimits::parse(texts).unwrap_err();
            assert!(error.contains(rule), "{error}");
        }
        assert_eq!(RefundLimits::parse(&[]).unwrap(), RefundLimits::default());
    }

    proptest! {
        /// However a sum is split, one person alone never comes above the limit.
        #[test]
        fn splitting_does_not_help(
            limit in 0_i64..10_000,
            parts in proptest::collection::vec(1_i64..3_000, 0..30),
        ) {
            let limits = RefundLimits::parse(&[&format!("USD {limit}")]).unwrap();
            let mut alone = usd(0);
            for part in parts.into_iter().map(usd) {
                if limits.take_two(alone, part) {
                    prop_assert!(alone.amount + part.amount > limit, "not one too many");
                } else {
                    alone = alone.plus(part).unwrap();
                }
                prop_assert!(alone.amount <= limit);
            }
        }
    }
}
