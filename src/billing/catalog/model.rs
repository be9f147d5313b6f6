//! What a publisher sells. Pure.

use std::sync::Arc;

use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{localized::Localized, newsletters::Newsletter};
use crate::{clock::Timestamp, money::Money};

/// How often a plan is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// Every month.
    Month,
    /// Every year.
    Year,
}

impl Interval {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How many months.
    #[must_use]
    pub fn months(self) -> i64 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

/// Which of the publisher's sites a product opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sites {
    /// All of them, also those to come.
    All,
    /// These.
    Listed(Vec<String>),
}

impl Sites {
    /// Whether `site` is one of them.
    #[must_use]
    pub fn contain(&self, site: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(sites) => sites.iter().any(|listed| listed == site),
        }
    }
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: Localized,
    /// What it opens.
    pub sites: Sites,
    /// What else comes with it, such as `ad_free`.
    pub includes: Vec<String>,
}

/// What happens at the end of a trial that was begun without a payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialWithoutCard {
    /// The subscription ends.
    Cancel,
    /// It waits for a payment method.
    Pause,
}

/// What happens when a payment fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dunning {
    /// On which days after the first failure to try again; rising, and before the grace ends.
    pub retry_days: Vec<u32>,
    /// For how many days after the first failure the reader still reads.
    pub grace_days: u32,
}

/// Subscribers of older versions of a plan move to this version's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// At their first renewal at or after this.
    pub from: Timestamp,
    /// If they were told so many days before it.
    pub notice_days: u32,
}

/// One plan: how a product is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name for programs.
    pub id: String,
    /// The product that it buys.
    pub product: String,
    /// Its name for people.
    pub name: Localized,
    /// The price of one interval.
    pub price: Money,
    /// How often it is paid.
    pub interval: Interval,
    /// Days before the first payment; 0 for none.
    pub trial_days: u32,
    /// Whether a trial may begin without a payment method, and how it ends then.
    pub trial_without_card: Option<TrialWithoutCard>,
    /// What happens when a payment fails.
    pub dunning: Dunning,
    /// A word that offers may show with it, such as `best_value`.
    pub badge: Option<String>,
    /// Whether new subscribers may take it.
    pub offered: bool,
    /// Whether and when subscribers of older versions move to this one.
    pub migrate: Option<Migration>,
}

/// The tax of one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxRate {
    /// Parts per million: 70,000 is 7 %.
    pub ppm: u32,
    /// Whether prices hold it already.
    pub inclusive: bool,
}

/// One version of everything that is sold; it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// 1, 2, 3, …
    pub version: i64,
    /// The seller's country (ISO 3166-1), and a reader's where nothing else is known.
    pub country: String,
    /// What readers get.
    pub products: Vec<Product>,
    /// In the order in which they are offered.
    pub plans: Vec<Arc<Plan>>,
    /// By country.
    pub tax: Vec<(String, TaxRate)>,
    /// In the order in which they are shown.
    pub newsletters: Vec<Newsletter>,
}

impl Catalog {
    /// The plan with this id.
    #[must_use]
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.shared(id).map(AsRef::as_ref)
    }

    /// The same, to be kept by whoever takes it.
    fn shared(&self, id: &str) -> Option<&Arc<Plan>> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// The product with this id.
    #[must_use]
    pub fn product(&self, id: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.id == id)
    }

    /// The newsletter with this id.
    #[must_use]
    pub fn newsletter(&self, id: &str) -> Option<&Newsletter> {
        self.newsletters.iter().find(|newsletter| newsletter.id == id)
    }

    /// The newsletters of `site`, or of every site where none is named.
    pub fn newsletters_of<'a>(
        &'a self,
        site: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Newsletter> {
        self.newsletters.iter().filter(move |it| site.is_none_or(|site| it.sites.contain(site)))
    }

    /// The plans that new subscribers of `site` may take, or of any site where none is named.
    pub fn offered<'a>(&'a self, site: Option<&'a str>) -> impl Iterator<Item = &'a Plan> {
        self.plans.iter().map(AsRef::as_ref).filter(move |plan: &&Plan| {
            let covers = |site: &str| {
                self.product(&plan.product).is_some_and(|product| product.sites.contain(site))
            };
            plan.offered && site.is_none_or(covers)
        })
    }

    /// What a year by `plan` saves against twelve months of the cheapest monthly plan that is
    /// offered for the same product in the same currency, if anything.
    #[must_use]
    pub fn savings(&self, plan: &Plan) -> Option<Money> {
        let is_like = |other: &&Plan| {
            other.interval == Interval::Month
                && other.product == plan.product
                && other.price.currency == plan.price.currency
        };
        let monthly = self.offered(None).filter(is_like).min_by_key(|other| other.price.amount)?;
        let saved = monthly.price.times(12)?.minus(plan.price)?;
        (plan.interval == Interval::Year && saved.amount > 0).then_some(saved)
    }

    /// Whether and when those who took the plan `id` under the version `from` move to this version's
    /// price. Never where the price stays, and never where more than it would change: nobody is
    /// moved to another product, interval or currency.
    #[must_use]
    pub fn migration_of(&self, id: &str, from: &Self) -> Option<Migration> {
        let (plan, taken) = (self.plan(id)?, from.plan(id)?);
        let is_same = plan.product == taken.product
            && plan.interval == taken.interval
            && plan.price.currency == taken.price.currency;
        let moves = self.version > from.version && is_same && plan.price != taken.price;
        plan.migrate.filter(|_| moves)
    }

    /// The tax of a country, if any.
    #[must_use]
    pub fn tax_of(&self, country: &str) -> Option<TaxRate> {
        self.tax.iter().find(|(listed, _)| listed == country).map(|(_, rate)| *rate)
    }
}

/// A plan as a reader took it: a plan of one version of the catalog.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The version.
    pub catalog: Arc<Catalog>,
    /// The plan.
    pub plan: Arc<Plan>,
}

impl Terms {
    /// The plan `id` of `catalog`, if it has one.
    #[must_use]
    pub fn of(catalog: &Arc<Catalog>, id: &str) -> Option<Self> {
        let plan = Arc::clone(catalog.shared(id)?);
        Some(Self { catalog: Arc::clone(catalog), plan })
    }

    /// In what it is paid.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.plan.price.currency
    }
}

impl PartialEq for Terms {
    fn eq(&self, other: &Self) -> bool {
        (self.catalog.version, &self.plan.id) == (other.catalog.version, &other.plan.id)
    }
}

impl Eq for Terms {}
