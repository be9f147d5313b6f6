//! A letter as it travels: as text, and as HTML for those who read that. Pure.

use askama::Template;

use super::{Content, Look};
use crate::language::Words;

/// A letter as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// For those who read text.
    pub text: String,
    /// For those who read HTML.
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/templates/letter.html", config = ".config/askama.toml")]
struct HtmlPart<'a> {
    content: &'a Content,
    words: &'a Words,
    look: &'a Look,
    /// What lists of mails show beside the subject.
    preview: String,
    why: String,
}

impl Content {
    /// The letter in the name and the colours of its publisher.
    ///
    /// # Errors
    /// When a template cannot be written out.
    pub fn render(&self, look: &Look) -> askama::Result<Rendered> {
        let why = self.words.with(self.why, &[("publisher", look.publisher.as_str().into())]);
        let text = self.text(look, &why);
        let (content, words, preview) = (self, &self.words, self.preview());
        let html = HtmlPart { content, words, look, preview, why }.render()?;
        Ok(Rendered { subject: self.subject.clone(), text, html })
    }

    fn text(&self, look: &Look, why: &str) -> String {
        let mut paragraphs = self.before.clone();
        if !self.facts.is_empty() {
            let facts = self.facts.iter().map(|fact| self.fact_line(fact));
            paragraphs.push(facts.collect::<Vec<_>>().join("\n"));
        }
        let label = |label: &String| self.words.with("letter-label", &[("label", label.into())]);
        // A link that stands alone is a link in every program for mail.
        if let Some(link) = &self.action {
            paragraphs.extend([label(&link.label), link.url.clone()]);
        }
        paragraphs.extend(self.after.iter().cloned());
        for link in &self.others {
            paragraphs.extend([label(&link.label), link.url.clone()]);
        }
        if let Some(url) = &self.unsubscribe {
            paragraphs.extend([label(&self.words.say("letter-unsubscribe")), url.clone()]);
        }
        // Two dashes and a space: what follows is the signature (RFC 3676, section 4.3).
        paragraphs.push(format!("-- \n{}\n{why}\n", look.publisher));
        paragraphs.join("\n\n")
    }

    fn fact_line(&self, (name, value): &(String, String)) -> String {
        self.words.with("letter-fact", &[("name", name.into()), ("value", value.into())])
    }

    /// The first facts behind the plan's name, which say more than the first sentence; that one
    /// where there are none.
    fn preview(&self) -> String {
        let facts: Vec<_> =
            self.facts.iter().skip(1).take(2).map(|it| self.fact_line(it)).collect();
        match (facts.is_empty(), self.before.first()) {
            (true, Some(first)) => first.clone(),
            _ => facts.join(" · "),
        }
    }
}
