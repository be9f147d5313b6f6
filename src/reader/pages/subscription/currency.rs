//! In which currency a reader is offered something, where several are sold in. Pure.

use iso_currency::{Country, Currency};

use crate::billing::catalog::model::Plan;

/// Longest `Accept-Language` that is looked at.
const ACCEPTED_MAX: usize = 500;

/// The currency of the first region that a browser names: euros for `fr-FR, en;q=0.8`.
pub(super) fn of_browser(accepted: &str) -> Option<Currency> {
    let accepted = accepted.get(..ACCEPTED_MAX).unwrap_or(accepted);
    let mut regions = accepted.split(',').filter_map(|range| {
        let tag = range.split(';').next()?.trim();
        // The region is the part of two letters after the language (BCP 47).
        tag.split('-').skip(1).find(|part| part.len() == 2).map(str::to_ascii_uppercase)
    });
    let country: Country = regions.next()?.parse().ok()?;
    // Old and special currencies have flags.
    Currency::from_country(country).into_iter().find(|currency| currency.flags().is_empty())
}

/// The plan to show first: the one that was asked for; else the first in the reader's currency;
/// else the first.
pub(super) fn first<'a>(
    plans: &[&'a Plan],
    wished: &str,
    currency: Option<Currency>,
) -> Option<&'a Plan> {
    let is_wished = |plan: &&&Plan| plan.id == wished;
    let fits = |plan: &&&Plan| Some(plan.price.currency) == currency;
    let found = plans.iter().find(is_wished).or_else(|| plans.iter().find(fits));
    found.or_else(|| plans.first()).copied()
}

/// The other currencies among `plans`, each with a plan that has it, in their order.
pub(super) fn others<'a>(
    plans: impl Iterator<Item = &'a Plan>,
    shown: Currency,
) -> Vec<(Currency, &'a str)> {
    let mut found: Vec<(Currency, &str)> = Vec::new();
    for plan in plans {
        let currency = plan.price.currency;
        if currency != shown && found.iter().all(|(known, _)| *known != currency) {
            found.push((currency, &plan.id));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_says_where_its_reader_pays() {
        for (accepted, expected) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Some(Currency::EUR)),
            ("en-gb", Some(Currency::GBP)),
            ("zh-Hant-TW", Some(Currency::TWD)),
            ("en, de-CH;q=0.8", Some(Currency::CHF)),
            ("en-US", Some(Currency::USD)),
            ("en", None),
            ("en-XX", None),
            ("", None),
            ("-;,,--,\u{202e}-FR", Some(Currency::EUR)),
        ] {
            assert_eq!(of_browser(accepted), expected, "{accepted}");
        }
    }
}
