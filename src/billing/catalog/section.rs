//! TOML, table by table, where every mistake is kept with its line instead of ending the reading.

use std::{cell::RefCell, fmt, ops::RangeInclusive};

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error},
};

/// A mistake in a catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where, counted from 1.
    pub line: usize,
    /// What: `plans.trial_days`; empty where the text is no TOML.
    pub key: String,
    /// The rule that it breaks.
    pub rule: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, key, rule } = self;
        match key.as_str() {
            "" => write!(f, "line {line}: {rule}"),
            key => write!(f, "line {line}: `{key}` {rule}"),
        }
    }
}

/// A text that is being read, and what is wrong with it so far.
pub(super) struct Document<'t> {
    text: &'t str,
    mistakes: RefCell<Vec<Mistake>>,
}

/// A table of it.
pub(super) struct Section<'d> {
    document: &'d Document<'d>,
    table: &'d DeTable<'d>,
    name: String,
    start: usize,
}

impl<'t> Document<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, mistakes: RefCell::default() }
    }

    /// Every mistake, by line.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort();
        mistakes
    }

    /// Notes what is no TOML.
    pub(super) fn broken(&self, error: &Error) {
        let start = error.span().map_or(0, |span| span.start);
        self.note(start, String::new(), error.message().to_owned());
    }

    /// The outermost table, which may have `keys`.
    pub(super) fn root<'d>(&'d self, table: &'d DeTable<'d>, keys: &[&str]) -> Section<'d> {
        self.section(table, (String::new(), 0), keys)
    }

    fn section<'d>(
        &'d self,
        table: &'d DeTable<'d>,
        (name, start): (String, usize),
        keys: &[&str],
    ) -> Section<'d> {
        let section = Section { document: self, table, name, start };
        for key in table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref())) {
            let rule = format!("is no key; known are {}", keys.join(", "));
            self.note(key.span().start, section.full_name(key.get_ref()), rule);
        }
        section
    }

    fn note(&self, offset: usize, key: String, rule: String) {
        let line = self.line(offset);
        self.mistakes.borrow_mut().push(Mistake { line, key, rule });
    }

    fn line(&self, offset: usize) -> usize {
        self.text.get(..offset).unwrap_or_default().matches('\n').count() + 1
    }
}

impl<'d> Section<'d> {
    fn full_name(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    fn find(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.get(key)
    }

    /// [`Section::optional`] without a word about what is wrong.
    pub(super) fn peek<T>(
        &self,
        key: &str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        read(self.find(key)?.get_ref()).ok()
    }

    /// Whether `key` is there, whatever it says.
    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// On which line `key` stands.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.document.line(self.find(key).map_or(self.start, |value| value.span().start))
    }

    /// Notes that what `key` says breaks a rule.
    pub(super) fn wrong(&self, key: &str, rule: impl Into<String>) {
        let start = self.find(key).map_or(self.start, |value| value.span().start);
        self.document.note(start, self.full_name(key), rule.into());
    }

    /// What `read` makes of `key`, if it is there and as it must be.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        read(self.find(key)?.get_ref()).map_err(|rule| self.wrong(key, rule)).ok()
    }

    /// [`Section::optional`] of what must be there.
    pub(super) fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        if self.find(key).is_none() {
            self.wrong(key, "is missing");
        }
        self.optional(key, read)
    }

    /// The table `key`, if it is there; it may have `keys`.
    pub(super) fn table(&self, key: &str, keys: &[&str]) -> Option<Section<'d>> {
        let value = self.find(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, "must be a table");
            return None;
        };
        Some(self.document.section(table, (self.full_name(key), value.span().start), keys))
    }

    /// [`Section::table`] that must be there, such as `example`.
    pub(super) fn required_table(
        &self,
        key: &str,
        keys: &[&str],
        example: &str,
    ) -> Option<Section<'d>> {
        if self.find(key).is_none() {
            self.wrong(key, format!("is missing: {example}"));
        }
        self.table(key, keys)
    }

    /// [`Section::tables`], of which there must be one.
    pub(super) fn required_tables(&self, key: &str, keys: &[&str]) -> Vec<Section<'d>> {
        let rows = self.find(key).map(Spanned::get_ref);
        if rows.is_none_or(|rows| rows.as_array().is_some_and(|rows| rows.is_empty())) {
            self.wrong(key, format!("is missing: at least one `[[{key}]]`"));
        }
        self.tables(key, keys)
    }

    /// The tables `[[key]]`, each of which may have `keys`.
    pub(super) fn tables(&self, key: &str, keys: &[&str]) -> Vec<Section<'d>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let Some(rows) = value.get_ref().as_array() else {
            self.wrong(key, format!("must be tables, each under `[[{key}]]`"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for row in rows {
            let start = row.span().start;
            match row.get_ref().as_table() {
                Some(table) => {
                    let place = (self.full_name(key), start);
                    sections.push(self.document.section(table, place, keys));
                }
                None => self.document.note(start, self.full_name(key), "must be a table".into()),
            }
        }
        sections
    }
}

/// A text.
pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| "must be a text".to_owned())
}

/// A name for programs.
pub(super) fn word(value: &DeValue<'_>) -> Result<String, String> {
    let is_inside = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
    };
    let word = text(value)?;
    if (1..=64).contains(&word.len()) && word.bytes().all(is_inside) {
        Ok(word.to_owned())
    } else {
        Err("must be 1 to 64 lower-case letters, digits, `_` and `-`".to_owned())
    }
}

/// A name for people.
pub(super) fn name(value: &DeValue<'_>) -> Result<String, String> {
    let name = text(value)?;
    let length = name.trim().chars().count();
    if (1..=100).contains(&length) && name.trim() == name && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err("must be 1 to 100 printable characters, with no space around them".to_owned())
    }
}

/// Yes or no.
pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "must be true or false".to_owned())
}

/// A whole number within `range`.
pub(super) fn whole<T: TryFrom<i64> + PartialOrd + fmt::Display>(
    range: RangeInclusive<T>,
) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let integer = value.as_integer();
        let number = integer.and_then(|it| i64::from_str_radix(it.as_str(), it.radix()).ok());
        let number = number.and_then(|number| T::try_from(number).ok());
        let rule = || format!("must be a whole number, {} to {}", range.start(), range.end());
        number.filter(|number| range.contains(number)).ok_or_else(rule)
    }
}

/// A list of what `read` reads.
pub(super) fn list<T>(
    read: impl Fn(&DeValue<'_>) -> Result<T, String>,
) -> impl Fn(&DeValue<'_>) -> Result<Vec<T>, String> {
    move |value| {
        let list = value.as_array().ok_or_else(|| "must be a list".to_owned())?;
        let item = |item: &Spanned<DeValue<'_>>| read(item.get_ref());
        list.iter()
            .map(item)
            .collect::<Result<_, _>>()
            .map_err(|rule| format!("has an item that {rule}"))
    }
}

/// A list of words, none twice.
pub(super) fn words(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let words = list(word)(value)?;
    let twice =
        words.iter().enumerate().find(|(i, word)| words.iter().take(*i).any(|w| w == *word));
    match twice {
        Some((_, word)) => Err(format!("lists `{word}` twice")),
        None => Ok(words),
    }
}
