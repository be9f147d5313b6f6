//! Every rule of the catalog, broken once.

use iso_currency::Currency;
use proptest::prelude::*;

use super::{
    Catalog,
    model::{Dunning, Interval, Migration, Sites, TaxRate, TrialWithoutCard},
    parse::TEXT_MAX,
    source::Source,
};
use crate::{clock::Timestamp, money::Money};

const RIGHT: &str = r#"[seller]
country = "FR"

[[products]]
id = "digital"
name = "Le Numérique"
sites = ["times", "weekend"]
includes = ["ad_free", "magazine"]

[[plans]]
id = "monthly"
product = "digital"
name = "Monthly"
price = { amount = 290, currency = "EUR" }
interval = "month"
trial_days = 30
trial_without_card = "pause"
retry_days = [1, 5]
grace_days = 9
badge = "best_value"
offered = true
migrate = { from = "2027-03-01T00:00:00Z", notice_days = 30 }

[[tax]]
country = "FR"
rate = "2.1%"
inclusive = true
"#;

/// What is wrong with [`RIGHT`] once `this` in it reads `that`.
fn mistakes(this: &str, that: &str) -> Vec<String> {
    assert!(RIGHT.contains(this), "{this}");
    let wrong = Catalog::parse(&RIGHT.replacen(this, that, 1), 1);
    wrong.err().map_or_else(Vec::new, |it| it.0.iter().map(ToString::to_string).collect())
}

#[test]
fn what_is_shipped_is_the_first_publishers() {
    let shipped = Source::shipped().unwrap();
    let catalog = shipped.catalog();
    let [product] = &catalog.products[..] else { panic!("one product") };
    assert_eq!((product.id.as_str(), &product.sites), ("digital", &Sites::All));
    assert_eq!(product.includes, ["ad_free", "magazine", "newsletters", "archive"]);
    let [monthly, annual] = &catalog.plans[..] else { panic!("two plans") };
    assert_eq!((monthly.price.to_string().as_str(), monthly.trial_days), ("$2.90", 30));
    assert_eq!((annual.price.to_string().as_str(), annual.trial_days), ("$19.90", 0));
    assert_eq!(annual.badge.as_deref(), Some("best_value"));
    let dunning = Dunning { retry_days: vec![1, 3, 5, 7], grace_days: 14 };
    assert!(catalog.plans.iter().all(|plan| plan.dunning == dunning && plan.offered));
    let saved = catalog.savings(annual).map(|saved| saved.to_string());
    assert_eq!((saved.as_deref(), catalog.savings(monthly)), (Some("$14.90"), None));
}

#[test]
fn what_the_manual_shows_commented_out_is_right_too() {
    let manual = Source::shipped().unwrap();
    let is_setting = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.starts_with("[[")
            || (line != key && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let shown = |line: &str| match line.strip_prefix("# ") {
        // The other form of a key that is there already.
        Some(inside) if is_setting(inside) && !inside.starts_with("sites") => inside.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = manual.text().lines().map(shown).collect();
    let catalog = Catalog::parse(&text.join("\n"), 1).unwrap();
    let monthly = catalog.plan("monthly").unwrap();
    assert_eq!(monthly.trial_without_card, Some(TrialWithoutCard::Cancel));
    assert!(monthly.migrate.is_some() && catalog.tax_of("DE").is_some());
}

#[test]
fn everything_that_may_be_said_is_understood() {
    let catalog = Catalog::parse(RIGHT, 7).unwrap();
    assert_eq!((catalog.version, catalog.country.as_str()), (7, "FR"));
    let product = catalog.product("digital").unwrap();
    assert_eq!(product.sites, Sites::Listed(vec!["times".to_owned(), "weekend".to_owned()]));
    let plan = catalog.plan("monthly").unwrap();
    assert_eq!(plan.price, Money { amount: 290, currency: Currency::EUR });
    assert_eq!((plan.interval, plan.trial_days), (Interval::Month, 30));
    assert_eq!(plan.trial_without_card, Some(TrialWithoutCard::Pause));
    assert_eq!(plan.dunning, Dunning { retry_days: vec![1, 5], grace_days: 9 });
    let from = Timestamp::parse("2027-03-01T00:00:00Z").unwrap();
    assert_eq!(plan.migrate, Some(Migration { from, notice_days: 30 }));
    assert_eq!(catalog.tax_of("FR"), Some(TaxRate { ppm: 21_000, inclusive: true }));
    assert_eq!(catalog.tax_of("DE"), None);
}

const WORD: &str = "must be 1 to 64 lower-case letters, digits, `_` and `-`";
const NAME: &str = "must be 1 to 100 printable characters, with no space around them";
const COUNTRY: &str = "must be the code of a country (ISO 3166-1), such as \"US\"";
const CURRENCY: &str = "must be the code of a currency (ISO 4217), such as \"USD\"";
const AMOUNT: &str = "must be a whole number, 1 to 1000000000000";
const INSTANT: &str = "must be an instant as text, such as \"2027-03-01T00:00:00Z\"";
const RATE: &str = "must be 0% to 100% with at most 4 decimals, such as \"8.875%\"";
const MISSING: &str = "is missing";

/// What is written instead of what, where that is told, and what the rule is.
fn told(cases: &[(&str, &str, &str, &str)]) {
    for (this, that, place, rule) in cases {
        let mistakes = mistakes(this, that);
        let (line, key) = place.split_once(' ').unwrap();
        let told = format!("line {line}: `{key}` {rule}");
        assert!(mistakes.contains(&told), "{told}\n  not in {mistakes:#?}");
    }
}

#[test]
fn mistakes_about_the_seller_are_told_with_line_key_and_rule() {
    told(&[
        ("\"FR\"", "\"fr\"", "2 seller.country", COUNTRY),
        ("\"FR\"", "\"ZZ\"", "2 seller.country", COUNTRY),
        ("\"FR\"", "\"FRA\"", "2 seller.country", COUNTRY),
        ("\"FR\"", "\"\"", "2 seller.country", COUNTRY),
        ("\"FR\"", "33", "2 seller.country", "must be a text"),
        ("country = \"FR\"", "town = 1", "2 seller.town", "is no key; known are country"),
        ("country = \"FR\"\n", "", "1 seller.country", MISSING),
        ("[seller]\ncountry", "country", "1 seller", "is missing: country = \"US\""),
        ("[seller]", "[[seller]]", "1 seller", "must be a table"),
    ]);
}

#[test]
fn mistakes_about_products_are_told_with_line_key_and_rule() {
    let sites = "[\"times\", \"weekend\"]";
    let all = "must be \"all\" or a list of ids of sites";
    told(&[
        ("\"digital\"\nname", "\"a b\"\nname", "5 products.id", WORD),
        ("Le Numérique", "", "6 products.name", NAME),
        (sites, "\"some\"", "7 products.sites", all),
        (sites, "7", "7 products.sites", all),
        (sites, "[]", "7 products.sites", "is empty"),
        ("\"weekend\"", "\"times\"", "7 products.sites", "lists `times` twice"),
        ("\"weekend\"", "7", "7 products.sites", "has an item that must be a text"),
        ("\"magazine\"", "\"ad_free\"", "8 products.includes", "lists `ad_free` twice"),
        ("includes", "holds", "8 products.holds", "is no key; known are id, name, sites, includes"),
        ("[[products]]", "[products]", "4 products", "must be tables, each under `[[products]]`"),
    ]);
}

#[test]
fn mistakes_about_plans_are_told_with_line_key_and_rule() {
    let keys = "is no key; known are id, product, name, price, interval, trial_days, \
                trial_without_card, retry_days, grace_days, badge, offered, migrate";
    let no_trial = "says how a trial ends, and the plan has none";
    told(&[
        ("\"monthly\"", "\"Monthly\"", "11 plans.id", WORD),
        ("\"monthly\"", "\"\"", "11 plans.id", WORD),
        ("\"monthly\"", "7", "11 plans.id", "must be a text"),
        ("id = \"monthly\"\n", "", "10 plans.id", MISSING),
        (
            "product = \"digital\"",
            "product = \"print\"",
            "12 plans.product",
            "names `print`, which is no product",
        ),
        ("\"Monthly\"", "\" \"", "13 plans.name", NAME),
        ("\"Monthly\"", "\"a\\u0007b\"", "13 plans.name", NAME),
        ("\"month\"", "\"week\"", "15 plans.interval", "must be \"month\" or \"year\""),
        ("days = 30", "days = 731", "16 plans.trial_days", "must be a whole number, 0 to 730"),
        ("days = 30", "days = -1", "16 plans.trial_days", "must be a whole number, 0 to 730"),
        ("days = 30", "days = 0", "17 plans.trial_without_card", no_trial),
        ("\"pause\"", "1", "17 plans.trial_without_card", "must be \"cancel\" or \"pause\""),
        ("\"best_value\"", "\"Best value\"", "20 plans.badge", WORD),
        ("offered = true", "offered = 1", "21 plans.offered", "must be true or false"),
        ("offered", "oferred", "21 plans.oferred", keys),
    ]);
}

#[test]
fn mistakes_about_prices_are_told_with_line_key_and_rule() {
    let migrate = "{ from = \"2027-03-01T00:00:00Z\", notice_days = 30 }";
    let days = "must be a whole number, 0 to 366";
    told(&[
        ("amount = 290", "amount = 0", "14 plans.price.amount", AMOUNT),
        ("amount = 290", "amount = -290", "14 plans.price.amount", AMOUNT),
        ("amount = 290", "amount = 1_000_000_000_001", "14 plans.price.amount", AMOUNT),
        ("amount = 290", "amount = 99999999999999999999", "14 plans.price.amount", AMOUNT),
        ("amount = 290", "amount = 2.90", "14 plans.price.amount", AMOUNT),
        ("\"EUR\"", "\"EURO\"", "14 plans.price.currency", CURRENCY),
        ("\"EUR\"", "\"eur\"", "14 plans.price.currency", CURRENCY),
        ("\"EUR\"", "\"XAU\"", "14 plans.price.currency", CURRENCY),
        (", currency = \"EUR\"", "", "14 plans.price.currency", MISSING),
        (
            ", curr",
            ", tax = 1, curr",
            "14 plans.price.tax",
            "is no key; known are amount, currency",
        ),
        ("{ amount = 290, currency = \"EUR\" }", "290", "14 plans.price", "must be a table"),
        ("2027-03-01T", "2027-02-29T", "22 plans.migrate.from", INSTANT),
        ("2027-03-01T00:00:00Z", "2027-03-01", "22 plans.migrate.from", INSTANT),
        ("\"2027-03-01T00:00:00Z\"", "2027-03-01", "22 plans.migrate.from", INSTANT),
        ("notice_days = 30", "notice_days = -1", "22 plans.migrate.notice_days", days),
        (", notice_days = 30", "", "22 plans.migrate.notice_days", MISSING),
        (migrate, "true", "22 plans.migrate", "must be a table"),
    ]);
}

#[test]
fn mistakes_about_retries_are_told_with_line_key_and_rule() {
    let eleven = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]\ngrace_days = 60";
    let rise = "must rise from day to day";
    let days = "has an item that must be a whole number, 1 to 60";
    let late =
        |days: &str, grace: u32| format!("leaves retries ({days}) after the grace of {grace} days");
    told(&[
        ("[1, 5]", "[5, 1]", "18 plans.retry_days", rise),
        ("[1, 5]", "[5, 5]", "18 plans.retry_days", rise),
        ("[1, 5]", "[0, 5]", "18 plans.retry_days", days),
        ("[1, 5]", "[1, 9]", "18 plans.retry_days", &late("[1, 9]", 9)),
        ("= 9", "= 5", "18 plans.retry_days", &late("[1, 5]", 5)),
        (
            "retry_days = [1, 5]\ngrace_days = 9",
            "grace_days = 7",
            "18 plans.grace_days",
            &late("[1, 3, 5, 7]", 7),
        ),
        ("[1, 5]\ngrace_days = 9", eleven, "18 plans.retry_days", "may list at most 10 days"),
        ("[1, 5]", "5", "18 plans.retry_days", "must be a list"),
        ("= 9", "= 61", "19 plans.grace_days", "must be a whole number, 0 to 60"),
    ]);
    assert_eq!(mistakes("[1, 5]\ngrace_days = 9", "[]\ngrace_days = 0"), [""; 0]);
}

#[test]
fn mistakes_about_taxes_are_told_with_line_key_and_rule() {
    let keys = "is no key; known are seller, products, plans, tax, newsletters";
    let wrong = ["2.1", "100.0001%", "2.12345%", "-2%", "2.%", ".1%", "+2%", "%", "", "2 %"];
    for rate in wrong.into_iter().chain(["99999999999999999999%"]) {
        told(&[("2.1%", rate, "26 tax.rate", RATE)]);
    }
    told(&[
        ("\"2.1%\"", "2.1", "26 tax.rate", RATE),
        ("country = \"FR\"\nrate", "country = \"EU\"\nrate", "25 tax.country", COUNTRY),
        ("inclusive = true\n", "", "24 tax.inclusive", MISSING),
        ("[[tax]]", "[tax]", "24 tax", "must be tables, each under `[[tax]]`"),
        ("[[tax]]", "[[taxes]]", "24 taxes", keys),
    ]);
}

#[test]
fn a_mistake_is_told_once_and_does_not_hide_another() {
    let wrong = RIGHT
        .replace("\"EUR\"", "\"EURO\"")
        .replace("\"FR\"", "\"France\"")
        .replace("id = \"digital\"", "id = \"Digital\"")
        .replace("grace_days = 9", "grace_days = 99")
        .replace("\nrate = ", "\nrat = ");
    let mistakes = Catalog::parse(&wrong, 1).unwrap_err().0;
    let places: Vec<_> = mistakes.iter().map(|it| (it.line, it.key.as_str())).collect();
    let expected = [
        (2, "seller.country"),
        (5, "products.id"),
        (12, "plans.product"),
        (14, "plans.price.currency"),
        (19, "plans.grace_days"),
        (24, "tax.rate"),
        (25, "tax.country"),
        (26, "tax.rat"),
    ];
    assert_eq!(places, expected, "{mistakes:#?}");
    let said = Catalog::parse(&wrong, 1).unwrap_err().to_string();
    assert!(
        said.starts_with("the catalog is wrong:\n  line 2: `seller.country` must be"),
        "{said}"
    );
}

#[test]
fn a_table_that_is_none_is_told_once() {
    for (this, that, place) in [
        ("{ amount = 290, currency = \"EUR\" }", "290", "line 14: `plans.price`"),
        ("[seller]", "[[seller]]", "line 1: `seller`"),
        ("[[tax]]", "[tax]", "line 24: `tax`"),
    ] {
        let told = mistakes(this, that);
        assert!(told.len() == 1 && told[0].starts_with(place), "{told:?}");
    }
}

#[test]
fn nothing_may_be_there_twice() {
    let twice = |start: &str| {
        let from = RIGHT.find(start).unwrap();
        let block: String = RIGHT[from..].split("\n\n").next().unwrap().into();
        let wrong = Catalog::parse(&format!("{RIGHT}\n{block}\n"), 1).unwrap_err();
        wrong.0.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        twice("[[products]]"),
        ["line 30: `products.id` `digital` stands in line 5 already"]
    );
    assert_eq!(twice("[[plans]]"), ["line 30: `plans.id` `monthly` stands in line 11 already"]);
    assert_eq!(twice("[[tax]]"), ["line 30: `tax.country` `FR` stands in line 25 already"]);
}

/// Another plan of the product `digital`.
fn more(id: &str, amount: i64, currency: &str, rest: &str) -> String {
    format!(
        "\n[[plans]]\nid = \"{id}\"\nproduct = \"digital\"\nname = \"{id}\"\n\
         price = {{ amount = {amount}, currency = \"{currency}\" }}\n{rest}\n"
    )
}

#[test]
fn a_product_is_offered_in_one_currency() {
    let month = "interval = \"month\"";
    let told = Catalog::parse(&[RIGHT, &more("dollars", 300, "USD", month)].concat(), 1);
    let told = told.unwrap_err().to_string();
    assert!(told.contains("line 33: `plans.price` is in another currency than that of `monthly`"));
    let gone = more("dollars", 300, "USD", "interval = \"month\"\noffered = false");
    let catalog = Catalog::parse(&[RIGHT, &gone].concat(), 1).unwrap();
    assert!(!catalog.plan("dollars").unwrap().offered);
}

#[test]
fn every_break_of_toml_is_told_before_all_else() {
    let wrong = RIGHT.replace("country = \"FR\"", "country = \"FR").replace("= 30\n", "=\n");
    let mistakes = Catalog::parse(&wrong, 1).unwrap_err().0;
    let lines: Vec<usize> = mistakes.iter().map(|mistake| mistake.line).collect();
    for line in [2, 16, 25] {
        assert!(lines.contains(&line), "{mistakes:#?}");
    }
    let empty = Catalog::parse("", 1).unwrap_err().0;
    let keys: Vec<&str> = empty.iter().map(|mistake| mistake.key.as_str()).collect();
    assert_eq!(keys, ["plans", "products", "seller"]);
    let long = format!("#{}", " ".repeat(TEXT_MAX));
    assert!(Catalog::parse(&long, 1).unwrap_err().to_string().contains("at most 262144"));
}

#[test]
fn rates_are_exact() {
    for (text, ppm) in [
        ("0%", 0),
        ("7%", 70_000),
        ("8.875%", 88_750),
        ("19.0001%", 190_001),
        ("100.0000%", 1_000_000),
    ] {
        let catalog = Catalog::parse(&RIGHT.replace("2.1%", text), 1).unwrap();
        assert_eq!(catalog.tax_of("FR").unwrap().ppm, ppm, "{text}");
    }
}

#[test]
fn a_year_saves_against_the_cheapest_month_that_can_be_had() {
    let with = |plans: &[String]| {
        let catalog = Catalog::parse(&[RIGHT, &plans.concat()].concat(), 1).unwrap();
        catalog.plan("y").and_then(|year| catalog.savings(year)).map(|saved| saved.amount)
    };
    let year = more("y", 1_990, "EUR", "interval = \"year\"");
    let (month, gone) = ("interval = \"month\"", "interval = \"month\"\noffered = false");
    assert_eq!(with(std::slice::from_ref(&year)), Some(12 * 290 - 1_990));
    assert_eq!(with(&[year.clone(), more("m", 200, "EUR", month)]), Some(12 * 200 - 1_990));
    assert_eq!(with(&[year.clone(), more("m", 200, "EUR", gone)]), Some(12 * 290 - 1_990));
    assert_eq!(with(&[year, more("m", 165, "EUR", month)]), None, "a year costs more");
}

#[test]
fn what_is_offered_depends_on_the_site() {
    let gone = more("old", 100, "EUR", "interval = \"month\"\noffered = false");
    let catalog = Catalog::parse(&[RIGHT, &gone].concat(), 1).unwrap();
    let offered = |site| catalog.offered(site).map(|plan| plan.id.as_str()).collect::<Vec<_>>();
    assert_eq!(offered(None), ["monthly"]);
    assert_eq!(offered(Some("weekend")), ["monthly"]);
    assert_eq!(offered(Some("demo")), [""; 0]);
}

#[test]
fn a_migration_changes_the_price_and_nothing_else() {
    let older = Catalog::parse(RIGHT, 3).unwrap();
    let newer = |this: &str, that: &str| {
        Catalog::parse(&RIGHT.replace("amount = 290", "amount = 390").replace(this, that), 4)
            .unwrap()
    };
    let dearer = newer("", "");
    assert_eq!(dearer.migration_of("monthly", &older).map(|it| it.notice_days), Some(30));
    assert_eq!(dearer.migration_of("annual", &older), None, "there is no such plan");
    assert_eq!(older.migration_of("monthly", &dearer), None, "the past");
    for (this, that, why) in [
        ("amount = 390", "amount = 290", "the same price"),
        ("\"month\"", "\"year\"", "another interval"),
        ("\"EUR\"", "\"USD\"", "another currency"),
        ("\"digital\"", "\"other\"", "another product"),
        ("migrate", "#", "not wanted"),
    ] {
        assert_eq!(newer(this, that).migration_of("monthly", &older), None, "{why}");
    }
}

proptest! {
    /// Whatever stands in a file, reading it ends, and says where it is wrong.
    #[test]
    fn rubbish_is_refused_without_harm(at in 0_usize..RIGHT.len(), rubbish in "\\PC{0,12}|[\\[\\]{}=\"'#.\\n]{0,6}") {
        let at = (at..=RIGHT.len()).find(|at| RIGHT.is_char_boundary(*at)).unwrap();
        let text = format!("{}{rubbish}{}", &RIGHT[..at], &RIGHT[at..]);
        if let Err(wrong) = Catalog::parse(&text, 1) {
            let lines = text.lines().count() + 1;
            prop_assert!(!wrong.0.is_empty());
            prop_assert!(wrong.0.iter().all(|mistake| (1..=lines).contains(&mistake.line)));
        }
    }
}
