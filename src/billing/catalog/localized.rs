//! Texts of a catalog in the languages of their readers. Pure.

use std::sync::Arc;

use toml::de::DeValue;

use super::{model::Catalog, section::Section};
use crate::language::Language;

/// A text in several languages. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    /// At least one.
    texts: Arc<[(Language, String)]>,
    /// Whether it was written once for everybody, and so lacks no language.
    for_all: bool,
}

impl Localized {
    /// The same text for everybody, taken for the default language where somebody asks.
    #[must_use]
    pub fn for_all(text: impl Into<String>) -> Self {
        Self { texts: Arc::new([(Language::default(), text.into())]), for_all: true }
    }

    /// The text in `language`, or in the one that comes first where there is none.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        let wished = self.all().find(|(other, _)| *other == language);
        wished.or_else(|| self.all().next()).map_or("", |(_, text)| text)
    }

    /// The text in each language that it has.
    pub fn all(&self) -> impl Iterator<Item = (Language, &str)> {
        self.texts.iter().map(|(it, text)| (*it, text.as_str()))
    }

    /// The languages that were left out though others are there.
    pub fn missing(&self) -> impl Iterator<Item = Language> {
        let missing = |it: &Language| !self.for_all && self.all().all(|(has, _)| has != *it);
        Language::ALL.into_iter().filter(missing)
    }
}

impl Catalog {
    /// What is not said in every language, in words for whoever writes the catalog. It is no
    /// mistake: those readers get the first language that there is.
    #[must_use]
    pub fn untranslated(&self) -> Vec<String> {
        let products = self.products.iter().map(|it| ("products", &it.id, "name", &it.name));
        let plans = self.plans.iter().map(|it| ("plans", &it.id, "name", &it.name));
        let newsletters = self.newsletters.iter().flat_map(|it| {
            [("name", &it.name), ("description", &it.description)]
                .map(|(key, text)| ("newsletters", &it.id, key, text))
        });
        let told = |(table, id, key, text): (&str, &String, &str, &Localized)| {
            let (shown, _) = text.all().next()?;
            let missing: Vec<&str> = text.missing().map(Language::tag).collect();
            (!missing.is_empty()).then(|| {
                format!(
                    "`{table}.{key}` of `{id}` has no text in {}: `{}` is shown instead",
                    missing.join(", "),
                    shown.tag()
                )
            })
        };
        products.chain(plans).chain(newsletters).filter_map(told).collect()
    }
}

/// A text, or a table of texts by language.
pub(super) fn localized(
    row: &Section<'_>,
    key: &str,
    read: impl Fn(&DeValue<'_>) -> Result<String, String>,
) -> Option<Localized> {
    if row.peek(key, |value| value.as_table().map(|_| ()).ok_or_else(String::new)).is_none() {
        return row.required(key, read).map(Localized::for_all);
    }
    let texts = row.table(key, Language::TAGS)?;
    let in_language = |it: Language| Some((it, texts.optional(it.tag(), &read)?));
    let found: Vec<_> = Language::ALL.into_iter().filter_map(in_language).collect();
    if found.is_empty() && !Language::TAGS.iter().any(|tag| texts.has(tag)) {
        row.wrong(key, "is in no language: { en = \"…\", fr = \"…\" }");
    }
    (!found.is_empty()).then(|| Localized { texts: found.into(), for_all: false })
}

#[cfg(test)]
mod tests {
    use super::super::source::SHIPPED;
    use super::*;

    const NAMED: &str = r#"name = { en = "Monthly", fr = "Mensuelle" }"#;

    fn with_name(name: &str) -> Result<Catalog, Vec<String>> {
        assert!(SHIPPED.contains(NAMED));
        let read = Catalog::parse(&SHIPPED.replacen(NAMED, name, 1), 1);
        read.map_err(|wrong| wrong.0.iter().map(ToString::to_string).collect())
    }

    fn monthly(name: &str) -> Localized {
        with_name(name).unwrap().plan("monthly").unwrap().name.clone()
    }

    #[test]
    fn each_reader_gets_their_language_or_the_first_there_is() {
        for (name, english, french) in [
            (NAMED, "Monthly", "Mensuelle"),
            ("name = \"Pass\"", "Pass", "Pass"),
            ("name = { fr = \"Mensuelle\" }", "Mensuelle", "Mensuelle"),
            ("name = { en = \"Monthly\" }", "Monthly", "Monthly"),
        ] {
            let name = monthly(name);
            assert_eq!(name.in_language(Language::English), english);
            assert_eq!(name.in_language(Language::French), french);
        }
    }

    #[test]
    fn what_is_not_said_in_every_language_is_named() {
        let gaps = |name: &str| with_name(name).unwrap().untranslated();
        assert_eq!(gaps(NAMED), [""; 0], "what is shipped is whole");
        assert_eq!(gaps("name = \"Pass\""), [""; 0], "one text is meant for everybody");
        let told = "`plans.name` of `monthly` has no text in fr: `en` is shown instead";
        assert_eq!(gaps("name = { en = \"Monthly\" }"), [told]);
        let told = "`plans.name` of `monthly` has no text in en: `fr` is shown instead";
        assert_eq!(gaps("name = { fr = \"Mensuelle\" }"), [told]);
    }

    #[test]
    fn a_name_in_no_language_of_ours_is_a_mistake() {
        for (name, rule) in [
            ("name = {}", "`plans.name` is in no language"),
            ("name = { de = \"Monat\" }", "`plans.name.de` is no key; known are en, fr"),
            ("name = { en = \"Monthly\", fr = \" \" }", "`plans.name.fr` must be 1 to 100"),
            ("name = 7", "`plans.name` must be a text"),
        ] {
            let wrong = with_name(name).unwrap_err();
            assert!(wrong.iter().any(|told| told.contains(rule)), "{name}: {wrong:?}");
        }
    }
}
