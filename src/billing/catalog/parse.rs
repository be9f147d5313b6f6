//! From text to [`Catalog`]: every mistake at once, with its line. Pure.
//!
//! Versions that are kept are read by these rules too, so a rule is never made stricter for a text
//! that was right once.

use std::{fmt, str::FromStr};

use iso_currency::{Country, Currency};
use toml::de::{DeTable, DeValue};

use super::{
    localized::localized,
    model::{
        Catalog, Dunning, Interval, Migration, Plan, Product, Sites, TaxRate, TrialWithoutCard,
    },
    newsletters,
    section::{Document, Mistake, Section, flag, list, name, text, whole, word, words},
};
use crate::{clock::Timestamp, money::Money};

/// Most characters of a catalog; the table of versions has the same limit.
pub const TEXT_MAX: usize = 262_144;
/// No price is higher, in minor units.
const PRICE_MAX: i64 = 1_000_000_000_000;
const TRIAL_DAYS_MAX: u32 = 730;
const GRACE_DAYS_MAX: u32 = 60;
const RETRIES_MAX: usize = 10;
const RETRY_DAYS: [u32; 4] = [1, 3, 5, 7];
const GRACE_DAYS: u32 = 14;
const NOTICE_DAYS_MAX: u32 = 366;
/// Digits after the point of a tax rate in percent that parts per million can hold.
const RATE_DECIMALS: usize = 4;

const ROOT: &[&str] = &["seller", "products", "plans", "tax", "newsletters"];
const SELLER: &[&str] = &["country"];
const PRODUCT: &[&str] = &["id", "name", "sites", "includes"];
const PLAN: &[&str] = &[
    "id",
    "product",
    "name",
    "price",
    "interval",
    "trial_days",
    "trial_without_card",
    "retry_days",
    "grace_days",
    "badge",
    "offered",
    "migrate",
];
const PRICE: &[&str] = &["amount", "currency"];
const MIGRATE: &[&str] = &["from", "notice_days"];
const TAX: &[&str] = &["country", "rate", "inclusive"];

/// What is wrong with a catalog: every mistake, by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCatalog(pub Vec<Mistake>);

impl fmt::Display for InvalidCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the catalog is wrong:")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for InvalidCatalog {}

impl Catalog {
    /// Reads `text` as version `version`.
    ///
    /// # Errors
    /// [`InvalidCatalog`] with every mistake.
    pub fn parse(text: &str, version: i64) -> Result<Self, InvalidCatalog> {
        if text.chars().count() > TEXT_MAX {
            let rule = format!("a catalog has at most {TEXT_MAX} characters");
            return Err(InvalidCatalog(vec![Mistake { line: 1, key: String::new(), rule }]));
        }
        let (table, broken) = DeTable::parse_recoverable(text);
        let document = Document::new(text);
        for error in &broken {
            document.broken(error);
        }
        // What stands around broken TOML cannot be told from what was meant.
        let read =
            if broken.is_empty() { read(&document.root(table.get_ref(), ROOT)) } else { None };
        let mistakes = document.into_mistakes();
        match read {
            Some(catalog) if mistakes.is_empty() => Ok(Self { version, ..catalog }),
            _ => Err(InvalidCatalog(mistakes)),
        }
    }
}

/// Reads everything before it gives up, so that all mistakes are found.
fn read(root: &Section<'_>) -> Option<Catalog> {
    let seller = root.required_table("seller", SELLER, "country = \"US\"");
    let seller = seller.and_then(|seller| seller.required("country", country));
    let products = root.required_tables("products", PRODUCT);
    let plans = root.required_tables("plans", PLAN);
    let rates = root.tables("tax", TAX);
    refuse_doubles(&products, "id", word);
    refuse_doubles(&plans, "id", word);
    refuse_doubles(&rates, "country", country);
    let ids: Vec<String> = products.iter().filter_map(|row| row.peek("id", word)).collect();
    let products = products.iter().filter_map(product).collect();
    let read: Vec<_> = plans.iter().filter_map(|row| Some((row, plan(row, &ids)?))).collect();
    refuse_two_currencies(&read);
    let tax = rates.iter().filter_map(tax).collect();
    let newsletters = newsletters::read(root);
    Some(Catalog {
        version: 0,
        country: seller?,
        products,
        plans: read.into_iter().map(|(_, plan)| plan.into()).collect(),
        tax,
        newsletters,
    })
}

fn product(row: &Section<'_>) -> Option<Product> {
    let id = row.required("id", word);
    let name = localized(row, "name", name);
    let sites = row.required("sites", sites);
    let includes = row.optional("includes", words).unwrap_or_default();
    Some(Product { id: id?, name: name?, sites: sites?, includes })
}

fn plan(row: &Section<'_>, products: &[String]) -> Option<Plan> {
    let id = row.required("id", word);
    let product = row.required("product", word);
    if let Some(id) = product.as_ref().filter(|id| !products.contains(id)) {
        row.wrong("product", format!("names `{id}`, which is no product"));
    }
    let name = localized(row, "name", name);
    let price = price(row);
    let interval = row.required("interval", interval);
    let trial_days = row.optional("trial_days", whole(0..=TRIAL_DAYS_MAX)).unwrap_or(0);
    let trial_without_card = row.optional("trial_without_card", trial_without_card);
    if trial_without_card.is_some() && trial_days == 0 {
        row.wrong("trial_without_card", "says how a trial ends, and the plan has none");
    }
    let dunning = dunning(row);
    let badge = row.optional("badge", word);
    let offered = row.optional("offered", flag).unwrap_or(true);
    let migrate = migration(row);
    Some(Plan {
        id: id?,
        product: product?,
        name: name?,
        price: price?,
        interval: interval?,
        trial_days,
        trial_without_card,
        dunning,
        badge,
        offered,
        migrate,
    })
}

fn price(row: &Section<'_>) -> Option<Money> {
    let example = "{ amount = 290, currency = \"USD\" }";
    let price = row.required_table("price", PRICE, example)?;
    let amount = price.required("amount", whole(1..=PRICE_MAX));
    let currency = price.required("currency", currency);
    Some(Money { amount: amount?, currency: currency? })
}

fn dunning(row: &Section<'_>) -> Dunning {
    let grace_days = row.optional("grace_days", whole(0..=GRACE_DAYS_MAX)).unwrap_or(GRACE_DAYS);
    let given = row.optional("retry_days", list(whole(1..=GRACE_DAYS_MAX)));
    let key = if given.is_some() { "retry_days" } else { "grace_days" };
    let retry_days = given.unwrap_or_else(|| RETRY_DAYS.to_vec());
    if retry_days.len() > RETRIES_MAX {
        row.wrong(key, format!("may list at most {RETRIES_MAX} days"));
    }
    if !retry_days.is_sorted_by(|one, next| one < next) {
        row.wrong(key, "must rise from day to day");
    }
    if retry_days.iter().any(|day| *day >= grace_days) {
        let rule = format!("leaves retries ({retry_days:?}) after the grace of {grace_days} days");
        row.wrong(key, rule);
    }
    Dunning { retry_days, grace_days }
}

fn migration(row: &Section<'_>) -> Option<Migration> {
    let migrate = row.table("migrate", MIGRATE)?;
    let from = migrate.required("from", instant);
    let notice_days = migrate.required("notice_days", whole(0..=NOTICE_DAYS_MAX));
    Some(Migration { from: from?, notice_days: notice_days? })
}

fn tax(row: &Section<'_>) -> Option<(String, TaxRate)> {
    let country = row.required("country", country);
    let ppm = row.required("rate", rate);
    let inclusive = row.required("inclusive", flag);
    Some((country?, TaxRate { ppm: ppm?, inclusive: inclusive? }))
}

pub(super) fn refuse_doubles(
    rows: &[Section<'_>],
    key: &str,
    read: impl Fn(&DeValue<'_>) -> Result<String, String>,
) {
    let mut seen: Vec<(String, usize)> = Vec::new();
    for row in rows {
        let Some(value) = row.peek(key, &read) else { continue };
        match seen.iter().find(|(known, _)| *known == value) {
            Some((_, line)) => {
                row.wrong(key, format!("`{value}` stands in line {line} already"));
            }
            None => seen.push((value, row.line_of(key))),
        }
    }
}

/// A reader may switch between all plans of a product that are offered, and money of two currencies
/// cannot be set off. What is offered no more may keep the currency in which it was sold.
fn refuse_two_currencies(plans: &[(&Section<'_>, Plan)]) {
    let offered = || plans.iter().filter(|(_, plan)| plan.offered);
    for (row, plan) in offered() {
        let first = offered().find(|(_, first)| first.product == plan.product);
        let first = first.filter(|(_, first)| first.price.currency != plan.price.currency);
        if let Some((_, first)) = first {
            row.wrong(
                "price",
                format!(
                    "is in another currency than that of `{}`, which is offered for the same \
                     product; make a product for each currency",
                    first.id
                ),
            );
        }
    }
}

pub(super) fn sites(value: &DeValue<'_>) -> Result<Sites, String> {
    match value.as_str() {
        Some("all") => Ok(Sites::All),
        None if value.is_array() => match words(value)? {
            none if none.is_empty() => Err("is empty".to_owned()),
            listed => Ok(Sites::Listed(listed)),
        },
        _ => Err("must be \"all\" or a list of ids of sites".to_owned()),
    }
}

fn interval(value: &DeValue<'_>) -> Result<Interval, String> {
    match value.as_str() {
        Some("month") => Ok(Interval::Month),
        Some("year") => Ok(Interval::Year),
        _ => Err("must be \"month\" or \"year\"".to_owned()),
    }
}

fn trial_without_card(value: &DeValue<'_>) -> Result<TrialWithoutCard, String> {
    match value.as_str() {
        Some("cancel") => Ok(TrialWithoutCard::Cancel),
        Some("pause") => Ok(TrialWithoutCard::Pause),
        _ => Err("must be \"cancel\" or \"pause\"".to_owned()),
    }
}

fn currency(value: &DeValue<'_>) -> Result<Currency, String> {
    let currency = Currency::from_code(text(value)?);
    // Gold and the like have no minor units.
    let currency = currency.filter(|currency| currency.exponent().is_some());
    currency.ok_or_else(|| "must be the code of a currency (ISO 4217), such as \"USD\"".to_owned())
}

fn country(value: &DeValue<'_>) -> Result<String, String> {
    let code = text(value)?;
    if code.len() == 2 && Country::from_str(code).is_ok() {
        Ok(code.to_owned())
    } else {
        Err("must be the code of a country (ISO 3166-1), such as \"US\"".to_owned())
    }
}

fn instant(value: &DeValue<'_>) -> Result<Timestamp, String> {
    let instant = value.as_str().and_then(Timestamp::parse);
    instant.ok_or_else(|| "must be an instant as text, such as \"2027-03-01T00:00:00Z\"".to_owned())
}

/// Reads digits, not a number with a point: 8.875% is 88,750 parts per million exactly.
fn rate(value: &DeValue<'_>) -> Result<u32, String> {
    let ppm = value.as_str().and_then(|text| {
        let percent = text.strip_suffix('%')?;
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > RATE_DECIMALS {
            return None;
        }
        format!("{whole}{decimals:0<RATE_DECIMALS$}").parse().ok()
    });
    let ppm = ppm.filter(|ppm| *ppm <= 1_000_000);
    ppm.ok_or_else(|| {
        format!("must be 0% to 100% with at most {RATE_DECIMALS} decimals, such as \"8.875%\"")
    })
}
