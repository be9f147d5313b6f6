//! The mail that asks a mailbox whether it agrees. Pure.

use super::model::ANSWER_LIFE;
use crate::{billing::catalog::newsletters::Newsletter, language::Words, mail::letter::Content};

/// Shall these newsletters be sent here? `link` says yes.
#[must_use]
pub fn confirm(chosen: &[&Newsletter], link: String, words: &Words) -> Content {
    let name = |it: &&Newsletter| it.name.in_language(words.language).to_owned();
    let names: Vec<String> = chosen.iter().map(name).collect();
    let life = ("days", ANSWER_LIFE.whole_days().into());
    Content::about(words, "letter-newsletter-subject")
        .tell_with("letter-newsletter-asked", &[("newsletters", words.list(&names).into())])
        .link("letter-newsletter-confirm", link)
        .after_with("letter-newsletter-life", &[life])
        .after("letter-newsletter-not-you")
        .because("letter-why-asked")
        .within(ANSWER_LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        billing::catalog::{Catalog, source::SHIPPED},
        language::Language,
        mail::letter::Look,
    };

    #[test]
    fn every_language_asks_and_names_what_is_asked_for() {
        let catalog = Catalog::parse(SHIPPED, 1).unwrap();
        let chosen: Vec<&Newsletter> = catalog.newsletters.iter().take(3).collect();
        let link = "https://pay.example/newsletters/confirm?token=x";
        for (language, names) in [
            (Language::English, "The Tide, Lamplight and Soundings"),
            (Language::French, "La Marée, À la lampe et Coups de sonde"),
        ] {
            let letter = confirm(&chosen, link.to_owned(), &Words::new(language, "UTC"));
            let rendered = letter.render(&Look::plain("The <Fathom>")).unwrap();
            assert!(rendered.text.contains(names), "{}", rendered.text);
            assert!(rendered.text.lines().any(|line| line == link));
            assert!(!rendered.html.contains("<Fathom"));
            assert!(!rendered.subject.chars().any(char::is_control));
        }
    }
}
