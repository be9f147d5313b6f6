//! The plans that `config/catalog.toml` lists. Pure.

pub mod model;
pub mod versions;

use std::collections::HashSet;

use serde::Deserialize;

pub use self::model::Interval;

use crate::money::Money;

const SHIPPED: &str = include_str!("../../../config/catalog.toml");

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The price of one interval.
    pub price: Money,
    /// How often it is paid.
    pub interval: Interval,
    /// Days before the first payment; 0 for none.
    pub trial_days: u32,
    /// A word that offers may show with it, such as `best_value`.
    #[serde(default)]
    pub badge: Option<String>,
}

/// All plans.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// In the order in which they are offered.
    pub plans: Vec<Plan>,
}

/// The catalog cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("config/catalog.toml: {0}")]
pub struct InvalidCatalog(String);

impl Catalog {
    /// The catalog that is compiled in: the first publisher's.
    ///
    /// # Errors
    /// [`InvalidCatalog`] with the mistake and its line.
    pub fn shipped() -> Result<Self, InvalidCatalog> {
        Self::parse(SHIPPED)
    }

    fn parse(text: &str) -> Result<Self, InvalidCatalog> {
        let catalog: Self = toml::from_str(text).map_err(|e| InvalidCatalog(e.to_string()))?;
        let mut ids = HashSet::new();
        for plan in &catalog.plans {
            let wrong = |rule: &str| Err(InvalidCatalog(format!("plan `{}`: {rule}", plan.id)));
            if plan.id.is_empty() || !ids.insert(plan.id.as_str()) {
                return wrong("`id` must be a word of its own");
            }
            if plan.price.amount <= 0 {
                return wrong("`price.amount` must be above 0");
            }
        }
        Ok(catalog)
    }

    /// The plan that is paid every `interval`, the first if there are several.
    #[must_use]
    pub fn by_interval(&self, interval: Interval) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.interval == interval)
    }

    /// What a year of `plan` saves against twelve months of the monthly plan, if anything.
    #[must_use]
    pub fn savings(&self, plan: &Plan) -> Option<Money> {
        let monthly = self.by_interval(Interval::Month)?;
        let saved = monthly.price.times(12)?.minus(plan.price)?;
        (plan.interval == Interval::Year && saved.amount > 0).then_some(saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalog_is_the_first_publishers() {
        let catalog = Catalog::shipped().unwrap();
        let [monthly, annual] = &catalog.plans[..] else { panic!("two plans") };
        assert_eq!((monthly.price.to_string().as_str(), monthly.trial_days), ("$2.90", 30));
        assert_eq!((annual.price.to_string().as_str(), annual.trial_days), ("$19.90", 0));
        assert_eq!(
            catalog.savings(annual).map(|saved| saved.to_string()).as_deref(),
            Some("$14.90")
        );
        assert_eq!(catalog.savings(monthly), None);
    }

    #[test]
    fn mistakes_are_named() {
        let plan = |id, amount, currency| {
            format!(
                "[[plans]]\nid = \"{id}\"\nname = \"x\"\ninterval = \"month\"\ntrial_days = 0\n\
                 price = {{ amount = {amount}, currency = \"{currency}\" }}\n"
            )
        };
        assert!(Catalog::parse(&plan("a", 1, "USD")).is_ok());
        let twice = [plan("a", 1, "USD"), plan("a", 1, "USD")].concat();
        for wrong in [plan("a", 0, "USD"), plan("a", 1, "XYZ"), plan("", 1, "USD"), twice] {
            assert!(Catalog::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
