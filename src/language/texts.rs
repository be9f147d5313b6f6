//! The messages. Each language has one file for each area, with the same messages in it.

use std::{fmt, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use super::model::Language;

/// The files of one language.
macro_rules! files {
    ($language:literal) => {
        [
            include_str!(concat!($language, "/common.ftl")),
            include_str!(concat!($language, "/page.ftl")),
            include_str!(concat!($language, "/account.ftl")),
            include_str!(concat!($language, "/subscribe.ftl")),
            include_str!(concat!($language, "/plan.ftl")),
            include_str!(concat!($language, "/invoice.ftl")),
            include_str!(concat!($language, "/letter.ftl")),
            include_str!(concat!($language, "/letter-account.ftl")),
            include_str!(concat!($language, "/letter-billing.ftl")),
            include_str!(concat!($language, "/newsletter.ftl")),
            include_str!(concat!($language, "/letter-newsletter.ftl")),
        ]
    };
}

const ENGLISH: &[&str] = &files!("en");
const FRENCH: &[&str] = &files!("fr");

/// A variable of a message. A number chooses the plural.
#[derive(Clone, PartialEq)]
pub struct Value(FluentValue<'static>);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

impl From<Value> for FluentValue<'_> {
    fn from(value: Value) -> Self {
        value.0
    }
}

static ENGLISH_TEXTS: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::English, ENGLISH));
static FRENCH_TEXTS: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::French, FRENCH));

fn bundle(language: Language, files: &[&str]) -> FluentBundle<FluentResource> {
    let id: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Marks of direction around variables help where directions mix, and are noise elsewhere.
    bundle.set_use_isolating(language.dir() == "rtl");
    for file in files {
        // A file with a mistake still holds its other messages; a test refuses it.
        let resource = FluentResource::try_new((*file).to_owned());
        let resource = resource.unwrap_or_else(|(resource, _)| resource);
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!("messages stand twice: {errors:?}");
        }
    }
    bundle
}

fn texts(language: Language) -> &'static FluentBundle<FluentResource> {
    match language {
        Language::English => &ENGLISH_TEXTS,
        Language::French => &FRENCH_TEXTS,
    }
}

/// The message `id` of `language`. One that is not there, which a test refuses, shows as its id.
pub(super) fn text(language: Language, id: &str, args: Option<&FluentArgs<'_>>) -> String {
    let bundle = texts(language);
    let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
        tracing::error!(message.id = id, "there is no message `{id}`");
        return id.to_owned();
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, args, &mut errors).into_owned();
    if !errors.is_empty() {
        tracing::error!(message.id = id, "the message `{id}` is not whole: {errors:?}");
    }
    text
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
