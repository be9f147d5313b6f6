//! Amounts of money: whole minor units with their currency, never a fraction.

use std::fmt;

use iso_currency::Currency;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, ser::SerializeStruct};

/// So many minor units of a currency: 290 USD is $2.90, 290 JPY is ¥290.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// Minor units (ISO 4217).
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
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
