//! What we write to people, and how it reads. Pure.
//!
//! A room turns what it has to say into a [`Content`], in the [`Words`] of whoever reads it;
//! `render` makes text and HTML of it, in the [`Look`] of the publisher. `account` has the letters
//! about accounts; other rooms keep their own.

mod account;
mod look;
mod render;

#[cfg(test)]
mod gallery;

use time::Duration;

pub use self::{account::Letter, look::Look, render::Rendered};
use super::priority::Priority;
use crate::{
    clock::Timestamp,
    language::{Value, Words},
    money::Money,
};

/// How long a letter may be sent after it was written, where nothing in it is over sooner.
pub const KEEPS_FOR: Duration = Duration::days(7);

/// A link, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it does.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

/// What a letter says, part by part, in this order. Fixed texts come in as the names of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// How its reader is spoken to.
    pub words: Words,
    /// One line: a message without variables, so that nothing from outside can reach a header.
    pub subject: String,
    /// What happened.
    pub before: Vec<String>,
    /// Names and values, in a frame.
    pub facts: Vec<(String, String)>,
    /// What to do.
    pub action: Option<Link>,
    /// What else there is to know.
    pub after: Vec<String>,
    /// What else can be done; quieter than the action.
    pub others: Vec<Link>,
    /// Why the reader gets it: a message with `$publisher`.
    pub why: &'static str,
    /// Where a list that it was sent to can be left (RFC 8058).
    pub unsubscribe: Option<String>,
    /// Before which other mails it is sent.
    pub priority: Priority,
    /// How long after it was written it may still be sent.
    pub keeps_for: Duration,
}

impl Content {
    /// A letter with the message `subject` above it, to somebody with an account.
    #[must_use]
    pub fn about(words: &Words, subject: &'static str) -> Self {
        Self {
            words: words.clone(),
            subject: words.say(subject),
            before: Vec::new(),
            facts: Vec::new(),
            action: None,
            after: Vec::new(),
            others: Vec::new(),
            why: "letter-why-account",
            unsubscribe: None,
            priority: Priority::of_letter(subject),
            keeps_for: KEEPS_FOR,
        }
    }

    /// The same, and that this happened.
    #[must_use]
    pub fn tell(self, id: &str) -> Self {
        self.tell_with(id, &[])
    }

    /// The same, and that this happened, with variables.
    #[must_use]
    pub fn tell_with(mut self, id: &str, variables: &[(&str, Value)]) -> Self {
        self.before.push(self.words.with(id, variables));
        self
    }

    /// The same with one more name and value in the frame.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.push((self.words.say(name), value.into()));
        self
    }

    /// The same with an instant in the frame.
    #[must_use]
    pub fn at(self, name: &str, at: Timestamp) -> Self {
        let moment = self.words.moment(at);
        self.fact(name, moment)
    }

    /// The same with an amount in the frame.
    #[must_use]
    pub fn amount(self, name: &str, amount: Money) -> Self {
        let amount = self.words.money(amount);
        self.fact(name, amount)
    }

    /// The same with a link that is the thing to do.
    #[must_use]
    pub fn link(mut self, label: &str, url: impl Into<String>) -> Self {
        self.action = Some(Link { label: self.words.say(label), url: url.into() });
        self
    }

    /// The same with one more link that can be followed.
    #[must_use]
    pub fn other_link(mut self, label: &str, url: impl Into<String>) -> Self {
        self.others.push(Link { label: self.words.say(label), url: url.into() });
        self
    }

    /// The same with one more paragraph at the end.
    #[must_use]
    pub fn after(self, id: &str) -> Self {
        self.after_with(id, &[])
    }

    /// The same with one more paragraph at the end, with variables.
    #[must_use]
    pub fn after_with(mut self, id: &str, variables: &[(&str, Value)]) -> Self {
        self.after.push(self.words.with(id, variables));
        self
    }

    /// The same, and why the reader gets it: a message with `$publisher`.
    #[must_use]
    pub fn because(self, why: &'static str) -> Self {
        Self { why, ..self }
    }

    /// The same, to a list that can be left at `url` by one POST, without logging in (RFC 8058).
    #[must_use]
    pub fn unsubscribe(self, url: impl Into<String>) -> Self {
        Self { unsubscribe: Some(url.into()), priority: Priority::Bulk, ..self }
    }

    /// What its links are known by. A link that leads to a page for everybody carries nothing.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        let links = self.action.iter().chain(&self.others).map(|link| &link.url);
        links.chain(&self.unsubscribe).filter_map(|url| token_of(url)).collect()
    }

    /// The same, to be sent within `duration` or not at all.
    #[must_use]
    pub fn within(self, duration: Duration) -> Self {
        Self { keeps_for: duration, ..self }
    }
}

/// What stands in the query of `url` as `token`.
fn token_of(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    fields.into_iter().find(|(name, _)| name == "token").map(|(_, token)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_known_by_their_tokens() {
        let letter = Content::about(&Words::default(), "letter-account-log-in-subject")
            .link(
                "letter-account-log-in-do",
                "https://pay.example/login/link?token=a&return_to=%2F",
            )
            .other_link("letter-account-agree", "https://pay.example/account")
            .other_link("letter-account-object", "https://pay.example/x?site=demo&token=b")
            .unsubscribe("https://pay.example/newsletters/unsubscribe?token=c");
        assert_eq!(letter.tokens(), ["a", "b", "c"]);
        for url in ["", "?", "https://x/?tokens=a", "https://x/token=a", "https://x/?%"] {
            assert_eq!(token_of(url), None, "{url}");
        }
    }
}
