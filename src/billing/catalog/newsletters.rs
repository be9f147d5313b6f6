//! The newsletters of a catalog, in the languages of their readers. Pure.

use serde::{Deserialize, Serialize};
use toml::de::DeValue;
use utoipa::ToSchema;

use super::{
    localized::{Localized, localized},
    model::Sites,
    parse::{refuse_doubles, sites},
    section::{Section, flag, name, text, word},
};
/// The word that a product includes where it opens the newsletters for subscribers.
pub const INCLUDED: &str = "newsletters";
/// A form holds all of them.
const COUNT_MAX: usize = 50;
const DESCRIPTION_MAX: usize = 300;

const NEWSLETTER: &[&str] = &["id", "name", "description", "rhythm", "for_subscribers", "sites"];

/// How often it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rhythm {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
}

/// One of the publisher's newsletters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newsletter {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: Localized,
    /// What is in it, in a line.
    pub description: Localized,
    /// How often it is sent.
    pub rhythm: Rhythm,
    /// Whether only those get it whose subscription includes newsletters.
    pub for_subscribers: bool,
    /// To which sites it belongs.
    pub sites: Sites,
}

/// Reads the newsletters of a catalog, which may have none.
pub(super) fn read(root: &Section<'_>) -> Vec<Newsletter> {
    let rows = root.tables("newsletters", NEWSLETTER);
    refuse_doubles(&rows, "id", word);
    if let Some(row) = rows.get(COUNT_MAX) {
        row.wrong("id", format!("is one too many; a catalog has at most {COUNT_MAX} newsletters"));
    }
    rows.iter().filter_map(newsletter).collect()
}

fn newsletter(row: &Section<'_>) -> Option<Newsletter> {
    let id = row.required("id", word);
    let name = localized(row, "name", name);
    let description = localized(row, "description", description);
    let rhythm = row.required("rhythm", rhythm);
    let for_subscribers = row.optional("for_subscribers", flag).unwrap_or(false);
    let sites = row.optional("sites", sites).unwrap_or(Sites::All);
    Some(Newsletter {
        id: id?,
        name: name?,
        description: description?,
        rhythm: rhythm?,
        for_subscribers,
        sites,
    })
}

fn description(value: &DeValue<'_>) -> Result<String, String> {
    let line = text(value)?;
    let length = line.trim().chars().count();
    if (1..=DESCRIPTION_MAX).contains(&length)
        && line.trim() == line
        && !line.chars().any(char::is_control)
    {
        Ok(line.to_owned())
    } else {
        Err(format!(
            "must be one line of 1 to {DESCRIPTION_MAX} printable characters, with no space \
             around them"
        ))
    }
}

fn rhythm(value: &DeValue<'_>) -> Result<Rhythm, String> {
    match value.as_str() {
        Some("daily") => Ok(Rhythm::Daily),
        Some("weekly") => Ok(Rhythm::Weekly),
        _ => Err("must be \"daily\" or \"weekly\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Catalog, source::SHIPPED};
    use super::*;
    use crate::language::Language;

    const REST: &str = r#"
[seller]
country = "US"
[[products]]
id = "digital"
name = "Digital"
sites = "all"
[[plans]]
id = "monthly"
product = "digital"
name = "Monthly"
price = { amount = 290, currency = "USD" }
interval = "month"
"#;

    fn read_with(newsletters: &str) -> Result<Vec<Newsletter>, Vec<String>> {
        let text = format!("{newsletters}{REST}");
        let catalog = Catalog::parse(&text, 1)
            .map_err(|wrong| wrong.0.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        Ok(catalog.newsletters)
    }

    #[test]
    fn a_catalog_may_have_none() {
        assert_eq!(read_with(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_left_out_is_for_everybody() {
        let all = read_with(
            r#"[[newsletters]]
id = "tide"
name = { en = "The Tide", fr = "La Marée" }
description = "Every morning."
rhythm = "daily"
"#,
        );
        let all = all.unwrap();
        let tide = &all[0];
        assert_eq!((tide.rhythm, tide.for_subscribers), (Rhythm::Daily, false));
        assert_eq!(tide.sites, Sites::All);
        assert_eq!(tide.name.in_language(Language::French), "La Marée");
        assert_eq!(tide.description.in_language(Language::French), "Every morning.");
        assert_eq!(tide.name.all().count(), 2);
    }

    #[test]
    fn a_name_may_be_in_one_language_only() {
        let all = read_with(
            "[[newsletters]]\nid = \"a\"\nname = { fr = \"Le soir\" }\ndescription = \"x\"\n\
             rhythm = \"weekly\"\n",
        );
        let all = all.unwrap();
        assert_eq!(all[0].name.in_language(Language::English), "Le soir");
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let wrong = read_with(
            r#"[[newsletters]]
id = "The Tide"
name = { en = "", de = "Die Flut" }
description = "two\nlines"
rhythm = "hourly"
for_subscribers = "no"
sites = []
colour = "red"

[[newsletters]]
id = "a"
name = {}
description = 7
[[newsletters]]
id = "a"
name = "A"
description = "A"
rhythm = "daily"
"#,
        );
        let wrong = wrong.unwrap_err();
        let found: Vec<String> = wrong
            .iter()
            .map(|line| line.splitn(4, ' ').take(3).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            found,
            [
                "line 2: `newsletters.id`",
                "line 3: `newsletters.name.de`",
                "line 3: `newsletters.name.en`",
                "line 4: `newsletters.description`",
                "line 5: `newsletters.rhythm`",
                "line 6: `newsletters.for_subscribers`",
                "line 7: `newsletters.sites`",
                "line 8: `newsletters.colour`",
                "line 10: `newsletters.rhythm`",
                "line 12: `newsletters.name`",
                "line 13: `newsletters.description`",
                "line 15: `newsletters.id`",
            ],
            "{wrong:#?}"
        );
    }

    #[test]
    fn there_are_not_more_than_a_form_holds() {
        let many = |count: usize| {
            (0..count).fold(String::new(), |text, i| {
                format!(
                    "{text}[[newsletters]]\nid = \"n{i}\"\nname = \"N\"\ndescription = \"D\"\n\
                     rhythm = \"daily\"\n"
                )
            })
        };
        assert_eq!(read_with(&many(COUNT_MAX)).unwrap().len(), COUNT_MAX);
        let wrong = read_with(&many(COUNT_MAX + 1)).unwrap_err();
        assert!(wrong[0].contains("at most 50"), "{wrong:?}");
    }

    #[test]
    fn the_demo_newspaper_has_nine_in_both_languages_and_a_free_daily_one() {
        let catalog = Catalog::parse(SHIPPED, 1).unwrap();
        assert_eq!(catalog.newsletters.len(), 9);
        for newsletter in &catalog.newsletters {
            assert_eq!(newsletter.name.all().count(), Language::ALL.len(), "{newsletter:?}");
            assert_eq!(newsletter.description.all().count(), Language::ALL.len());
        }
        let count = |rhythm| catalog.newsletters.iter().filter(|it| it.rhythm == rhythm).count();
        assert!(count(Rhythm::Daily) >= 2 && count(Rhythm::Weekly) >= 2);
        let first = &catalog.newsletters[0];
        assert_eq!((first.rhythm, first.for_subscribers), (Rhythm::Daily, false));
        assert!(catalog.newsletters.iter().any(|it| it.for_subscribers));
    }
}
