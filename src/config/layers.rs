//! Settings in layers. `config/default.toml` is the list of all keys and their types; every other
//! layer may only give known keys values of the same type.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use toml::{Table, Value};

use super::secrets::{self, ConfigFile};
use crate::http::text;

const DEFAULT: &str = include_str!("../../config/default.toml");
const SANDBOX: &str = include_str!("../../config/sandbox.toml");
const LIVE: &str = include_str!("../../config/live.toml");
const ENV_PREFIX: &str = "PRESSGATE__";

/// Where settings may come from besides the files that are compiled in.
#[derive(Debug, Default)]
pub struct Outside {
    /// The file that `PRESSGATE_CONFIG` names, with its content.
    pub file: Option<(String, String)>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
}

/// The merged settings, and every mistake found so far.
#[derive(Debug)]
pub(super) struct Settings {
    values: BTreeMap<String, (Value, String)>,
    pub(super) mistakes: Vec<String>,
    pub(super) file: Option<ConfigFile>,
}

impl Settings {
    /// Merges all layers.
    pub(super) fn merge(outside: &Outside) -> Self {
        let mut settings = Self { values: BTreeMap::new(), mistakes: Vec::new(), file: None };
        for (key, value) in settings.flatten("config/default.toml", DEFAULT) {
            settings.values.insert(key, (value, "config/default.toml".to_owned()));
        }
        let mut outer = Vec::new();
        if let Some((path, content)) = &outside.file {
            let values = settings.flatten(path, content);
            let is_secret = |(key, value): &&(String, Value)| secrets::is_secret(key, value);
            let secrets = values.iter().filter(is_secret).map(|(key, _)| key.clone()).collect();
            settings.file = Some(ConfigFile { path: path.clone(), secrets });
            outer.extend(values.into_iter().map(|(key, value)| (key, value, path.clone())));
        }
        outer.extend(settings.environment(&outside.env));
        // The mode's own file lies below what names the mode, so that must be known first.
        let named = outer.iter().rev().find(|(key, ..)| key == "mode");
        let is_live = named.is_some_and(|(_, mode, _)| mode.as_str() == Some("live"));
        let (path, content) =
            if is_live { ("config/live.toml", LIVE) } else { ("config/sandbox.toml", SANDBOX) };
        for (key, value) in settings.flatten(path, content) {
            settings.set(&key, value, path.to_owned());
        }
        for (key, value, source) in outer {
            settings.set(&key, value, source);
        }
        settings
    }

    fn set(&mut self, key: &str, value: Value, source: String) {
        match self.values.get_mut(key) {
            None => self.mistakes.push(format!(
                "{source}: `{key}` is no setting; config/default.toml lists them all"
            )),
            Some((known, _)) if !known.same_type(&value) => self.mistakes.push(format!(
                "{source}: `{key}` must be {}, not {}",
                type_name(known),
                type_name(&value)
            )),
            Some(_) if !is_line(&value) => {
                self.mistakes.push(format!("{source}: `{key}` {}", text::RULE));
            }
            Some(known) => *known = (value, source),
        }
    }

    fn flatten(&mut self, path: &str, content: &str) -> Vec<(String, Value)> {
        match content.parse::<Table>() {
            Ok(table) => {
                let mut flat = Vec::new();
                flatten_into(&mut flat, "", table);
                flat
            }
            Err(error) => {
                self.mistakes.push(format!("{path}: {}", error.to_string().trim_end()));
                Vec::new()
            }
        }
    }

    /// Environment variables are text; the type of the default says how to read them. A list is
    /// written with commas.
    fn environment(&mut self, env: &[(String, String)]) -> Vec<(String, Value, String)> {
        let mut read = Vec::new();
        for (name, text) in env {
            let Some(key) = name.strip_prefix(ENV_PREFIX) else { continue };
            let key = key.to_ascii_lowercase().replace("__", ".");
            let source = format!("environment variable {name}");
            let value = match self.values.get(&key).map(|(known, _)| known) {
                Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
                Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
                Some(Value::Array(_)) => Some(Value::Array(list_in(text))),
                _ => Some(Value::String(text.clone())),
            };
            // Text that is no number stays text, and the types are compared later.
            let value = value.unwrap_or_else(|| Value::String(text.clone()));
            read.push((key, value, source));
        }
        read
    }

    fn wrong(&mut self, key: &str, reason: impl Display) {
        let source = self.values.get(key).map_or("", |(_, source)| source);
        self.mistakes.push(format!("{source}: `{key}` {reason}"));
    }

    /// A text; empty when it is not set.
    pub(super) fn text(&self, key: &str) -> String {
        let value = self.values.get(key).and_then(|(value, _)| value.as_str());
        value.unwrap_or_default().to_owned()
    }

    /// What `parse` makes of a list of texts; `None` and a mistake when it is none.
    pub(super) fn texts_with<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&[&str]) -> Result<T, E>,
    ) -> Option<T> {
        let list = self.values.get(key).and_then(|(value, _)| value.as_array());
        let texts: Option<Vec<&str>> =
            list.and_then(|list| list.iter().map(Value::as_str).collect());
        let parsed = match texts {
            Some(texts) => parse(&texts).map_err(|reason| reason.to_string()),
            None => Err("must be a list of texts".to_owned()),
        };
        parsed.map_err(|reason| self.wrong(key, reason)).ok()
    }

    /// A yes or no.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.values.get(key).and_then(|(value, _)| value.as_bool()).unwrap_or_default()
    }

    /// A whole number within `range`; its lower end when it is not.
    pub(super) fn number<T>(&mut self, key: &str, range: std::ops::RangeInclusive<T>) -> T
    where
        T: TryFrom<i64> + PartialOrd + Display + Copy,
    {
        let value = self.values.get(key).and_then(|(value, _)| value.as_integer());
        let number = value.and_then(|value| T::try_from(value).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                self.wrong(key, format!("must be {} to {}", range.start(), range.end()));
                *range.start()
            }
        }
    }

    /// Whole seconds within `range`.
    pub(super) fn seconds(
        &mut self,
        key: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> std::time::Duration {
        std::time::Duration::from_secs(self.number(key, range))
    }

    /// Whatever parses from text; `None` and a mistake when it does not.
    pub(super) fn parse<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        self.parse_with(key, |text| text.parse().map_err(|e: T::Err| e.to_string()))
    }

    /// [`Settings::parse`] by a function of its own.
    pub(super) fn parse_with<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(&self.text(key)).map_err(|reason| self.wrong(key, reason)).ok()
    }
}

/// Whether the texts of `value` hold no control characters.
fn is_line(value: &Value) -> bool {
    match value {
        Value::String(text) => text::check_line(text).is_ok(),
        Value::Array(list) => list.iter().all(is_line),
        _ => true,
    }
}

fn list_in(text: &str) -> Vec<Value> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| Value::String(item.to_owned())).collect()
}

fn flatten_into(flat: &mut Vec<(String, Value)>, prefix: &str, table: Table) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten_into(flat, &key, inner),
            value => flat.push((key, value)),
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "true or false",
        Value::Float(_) => "a number with a point",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}
