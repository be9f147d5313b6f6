//! What we write to people, and how it reads. Pure.
//!
//! A room turns what it has to say into a [`Content`]; here it becomes text and HTML. Subjects are
//! fixed texts, so that nothing from outside can reach a header. `account` has the letters about
//! accounts; other rooms keep their own.

mod account;

use std::borrow::Cow;

use askama::Template;
use time::{Duration, format_description::StaticFormatDescription, macros::format_description};

pub use self::account::Letter;
use crate::clock::Timestamp;

const MOMENT: StaticFormatDescription = format_description!(
    "[day padding:none] [month repr:long] [year] at [hour]:[minute]:[second] UTC"
);

/// How long a letter may be sent after it was written, where nothing in it is over sooner.
pub const KEEPS_FOR: Duration = Duration::days(7);

/// What a letter says, part by part, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    /// One line of fixed text.
    pub subject: Cow<'static, str>,
    /// What happened.
    pub before: Vec<Cow<'static, str>>,
    /// Names and values, in a frame.
    pub facts: Vec<(Cow<'static, str>, String)>,
    /// What the link does, and the link.
    pub action: Option<(Cow<'static, str>, Cow<'a, str>)>,
    /// What else there is to know.
    pub after: Vec<Cow<'static, str>>,
    /// How long after it was written it may still be sent.
    pub keeps_for: Duration,
}

/// A letter as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: Cow<'static, str>,
    /// For those who read text.
    pub text: String,
    /// For those who read HTML.
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/templates/letter.html", config = ".config/askama.toml")]
struct HtmlPart<'a> {
    content: &'a Content<'a>,
    publisher: &'a str,
}

impl<'a> Content<'a> {
    /// A letter that says what happened, and no more.
    pub fn told(subject: impl Into<Cow<'static, str>>, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            subject: subject.into(),
            before: vec![what.into()],
            facts: Vec::new(),
            action: None,
            after: Vec::new(),
            keeps_for: KEEPS_FOR,
        }
    }

    /// The same with a link, and what the link does.
    #[must_use]
    pub fn link(self, label: impl Into<Cow<'static, str>>, link: impl Into<Cow<'a, str>>) -> Self {
        Self { action: Some((label.into(), link.into())), ..self }
    }

    /// The same with one more name and value in the frame.
    #[must_use]
    pub fn fact(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// The same with one more paragraph at the end.
    #[must_use]
    pub fn after(mut self, paragraph: impl Into<Cow<'static, str>>) -> Self {
        self.after.push(paragraph.into());
        self
    }

    /// The same, to be sent within `duration` or not at all.
    #[must_use]
    pub fn within(self, duration: Duration) -> Self {
        Self { keeps_for: duration, ..self }
    }

    /// The letter in the name of `publisher`.
    ///
    /// # Errors
    /// When a template cannot be written out.
    pub fn render(&self, publisher: &str) -> askama::Result<Rendered> {
        Ok(Rendered {
            subject: self.subject.clone(),
            text: self.text(publisher),
            html: HtmlPart { content: self, publisher }.render()?,
        })
    }

    fn text(&self, publisher: &str) -> String {
        let mut paragraphs: Vec<String> = self.before.iter().map(ToString::to_string).collect();
        if !self.facts.is_empty() {
            let facts = self.facts.iter().map(|(name, value)| format!("{name}: {value}"));
            paragraphs.push(facts.collect::<Vec<_>>().join("\n"));
        }
        if let Some((label, link)) = &self.action {
            // A link that stands alone is a link in every program for mail.
            paragraphs.extend([format!("{label}:"), link.to_string()]);
        }
        paragraphs.extend(self.after.iter().map(ToString::to_string));
        // Two dashes and a space: what follows is the signature (RFC 3676, section 4.3).
        paragraphs.push(format!("-- \n{publisher}\n"));
        paragraphs.join("\n\n")
    }
}

/// An instant as letters print it: to the second, in UTC.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.date_time().format(&MOMENT).unwrap_or_else(|_| at.to_string())
}
