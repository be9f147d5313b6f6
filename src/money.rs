//! Amounts of money: whole minor units with their currency, never a fraction.

use std::fmt;

use iso_currency::Currency;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, ser::SerializeStruct};
use utoipa::ToSchema;

/// So many minor units of a currency: 290 USD is $2.90, 290 JPY is ¥290.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct Money {
    /// Minor units (ISO 4217).
    pub amount: i64,
    /// The currency (ISO 4217).
    #[schema(value_type = String)]
    pub currency: Currency,
}

impl Money {
    /// Nothing, in `currency`.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// `self + other`; `None` for two currencies or an overflow.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let amount = self.amount.checked_add(other.amount)?;
        (self.currency == other.currency).then_some(Self { amount, ..self })
    }

    /// The same amount the other way; `None` on overflow.
    #[must_use]
    pub fn negated(self) -> Option<Self> {
        Some(Self { amount: self.amount.checked_neg()?, ..self })
    }

    /// `part` of `whole` of it, rounded half away from zero to whole minor units, so that what is
    /// given back mirrors what was charged. `None` when `whole` is not above 0, or on overflow.
    #[must_use]
    pub fn prorated(self, part: i64, whole: i64) -> Option<Self> {
        if whole <= 0 {
            return None;
        }
        let (part, whole) = (i128::from(part), i128::from(whole));
        // Two numbers of 64 bits multiply into 128.
        let exact = i128::from(self.amount).checked_mul(part)?.checked_mul(2)?;
        let rounded = (exact.checked_abs()?.checked_add(whole)?) / (whole * 2);
        let amount = i64::try_from(rounded * exact.signum()).ok()?;
        Some(Self { amount, ..self })
    }

    /// `self - other`; `None` for two currencies or an overflow.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        let amount = self.amount.checked_sub(other.amount)?;
        (self.currency == other.currency).then_some(Self { amount, ..self })
    }

    /// `self` so many times; `None` on overflow.
    #[must_use]
    pub fn times(self, count: i64) -> Option<Self> {
        Some(Self { amount: self.amount.checked_mul(count)?, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = u32::from(self.currency.exponent().unwrap_or(0));
        let unit = 10_u64.pow(digits);
        let (sign, amount) = (if self.amount < 0 { "-" } else { "" }, self.amount.unsigned_abs());
        write!(f, "{sign}{}{}", self.currency.symbol(), amount / unit)?;
        if digits > 0 {
            write!(f, ".{:0width$}", amount % unit, width = digits as usize)?;
        }
        Ok(())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut money = serializer.serialize_struct("Money", 2)?;
        money.serialize_field("amount", &self.amount)?;
        money.serialize_field("currency", self.currency.code())?;
        money.end()
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            amount: i64,
            currency: String,
        }
        let Raw { amount, currency } = Raw::deserialize(deserializer)?;
        let currency = Currency::from_code(&currency)
            .ok_or_else(|| D::Error::custom(format!("`{currency}` is no ISO 4217 currency")))?;
        Ok(Self { amount, currency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_with_its_own_number_of_digits() {
        for (amount, currency, text) in [
            (290, Currency::USD, "$2.90"),
            (1990, Currency::USD, "$19.90"),
            (5, Currency::EUR, "€0.05"),
            (290, Currency::JPY, "¥290"),
            (-1_490, Currency::USD, "-$14.90"),
        ] {
            assert_eq!(Money { amount, currency }.to_string(), text);
        }
        let kuwaiti = Money { amount: 1_234, currency: Currency::KWD };
        assert!(kuwaiti.to_string().ends_with("1.234"), "{kuwaiti}");
    }

    #[test]
    fn a_part_is_rounded_half_away_from_zero() {
        for (amount, part, whole, expected) in [
            (290, 1, 2, 145),
            (290, 15, 31, 140),
            (1_990, 265, 365, 1_445),
            (1, 1, 2, 1),
            (-1, 1, 2, -1),
            (1, 1, 3, 0),
            (599_995, 352, 366, 577_044),
            (0, 1, 2, 0),
        ] {
            let price = Money { amount, currency: Currency::USD };
            let part = price.prorated(part, whole).map(|money| money.amount);
            assert_eq!(part, Some(expected), "{amount} x {part:?} / {whole}");
        }
        let all = Money { amount: i64::MAX, currency: Currency::USD };
        assert_eq!(all.prorated(i64::MAX, i64::MAX), Some(all));
        assert_eq!(all.prorated(i64::MAX, 1), None, "more than there can be");
        assert_eq!(all.prorated(1, 0), None);
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let dollar = Money { amount: 100, currency: Currency::USD };
        let euro = Money { amount: 100, currency: Currency::EUR };
        assert_eq!(dollar.minus(euro), None);
        assert_eq!(dollar.times(i64::MAX), None);
        assert_eq!(
            dollar.times(12).and_then(|year| year.minus(dollar)).map(|m| m.amount),
            Some(1_100)
        );
    }
}
