//! What was chosen on the page of an act.

use serde::Deserialize;

use super::kind::Kind;
use crate::{
    billing::engine::{Act, CancelAt, DAYS_MAX},
    http::problem::{ApiError, FieldError},
    money::Money,
};

/// What was chosen, in an address or a form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::staff::pages) struct Chosen {
    /// `period_end`, `now`, or `refunded`: now, and the running period's payment goes back.
    #[serde(default)]
    pub(super) at: String,
    /// Such as `2.90`; all that is left where nothing is said.
    #[serde(default)]
    pub(super) amount: String,
    /// The id of the invoice that is given back.
    #[serde(default)]
    pub(super) invoice: String,
    #[serde(default)]
    pub(super) days: String,
    /// The other plan's id.
    #[serde(default)]
    pub(super) plan: String,
    /// The token by which a switch is made exactly as it was shown.
    #[serde(default)]
    pub(super) preview: String,
    /// Sent with the button only.
    #[serde(default, deserialize_with = "crate::http::text::lines")]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) revision: String,
    /// What the button was called when it was drawn: pressed twice, it acts once.
    #[serde(default)]
    pub(super) operation: String,
    /// Whether the choice was made, so that what would come of it is shown.
    #[serde(default)]
    pub(super) look: String,
}

impl Chosen {
    /// The act that was chosen, for a subscription that is paid like `price`.
    ///
    /// # Errors
    /// [`ApiError::InvalidFields`] names the field and the rule.
    pub(super) fn act(&self, kind: Kind, price: Money) -> Result<Act, ApiError> {
        let wrong = |field: &'static str, rule: String| {
            ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", rule)])
        };
        Ok(match kind {
            Kind::Cancel => {
                let (at, refund) = match self.at.as_str() {
                    "now" => (CancelAt::Now, false),
                    "refunded" => (CancelAt::Now, true),
                    "" | "period_end" => (CancelAt::PeriodEnd, false),
                    _ => {
                        let rule = "must be `period_end`, `now` or `refunded`";
                        return Err(wrong("at", rule.to_owned()));
                    }
                };
                Act::Cancel { at, refund }
            }
            Kind::Refund => {
                let amount = match self.amount.trim() {
                    "" => None,
                    text => Some(minor_units(text, price).ok_or_else(|| {
                        wrong("amount", format!("must be an amount in {}", price.currency.code()))
                    })?),
                };
                let invoice = match self.invoice.as_str() {
                    "" => None,
                    text => Some(text.parse().map_err(|_| {
                        wrong("invoice", "must be the id of an invoice".to_owned())
                    })?),
                };
                Act::Refund { invoice, amount }
            }
            Kind::Extend => {
                let days = if self.days.is_empty() { Ok(7) } else { self.days.trim().parse() };
                let days = days.ok().filter(|days| (1..=DAYS_MAX).contains(days));
                let rule = || wrong("days", format!("must be 1 to {DAYS_MAX}"));
                Act::Extend { days: days.ok_or_else(rule)? }
            }
            Kind::Pause => Act::Pause,
            Kind::Resume => Act::Resume,
            Kind::Switch => Act::Switch { plan: self.plan.clone() },
            Kind::KeepPlan => Act::KeepPlan,
        })
    }
}

/// What somebody typed as an amount, in minor units of the currency of `like`.
fn minor_units(text: &str, like: Money) -> Option<i64> {
    let digits = usize::from(like.currency.exponent().unwrap_or(0));
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > digits || !is_plain(whole) || !is_plain(part) {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;

    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let usd = Money::zero(Currency::USD);
        let jpy = Money::zero(Currency::JPY);
        for (text, like, expected) in [
            ("2.90", usd, Some(290)),
            ("2,9", usd, Some(290)),
            ("19", usd, Some(1_900)),
            ("0.05", usd, Some(5)),
            ("290", jpy, Some(290)),
            ("2.90", jpy, None),
            ("2.905", usd, None),
            ("-1", usd, None),
            ("1e3", usd, None),
            (".5", usd, None),
            ("", usd, None),
            ("99999999999999999999", usd, None),
        ] {
            assert_eq!(minor_units(text, like), expected, "{text}");
        }
    }
}
