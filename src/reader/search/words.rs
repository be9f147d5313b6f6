//! What an address is made of, and what somebody may be looking for. Pure.

/// Most words that are kept of an address.
const WORDS_MAX: usize = 8;

/// The words of an address, by its common spelling: those of the name, the name without anything
/// between them, and the domain, which begins with `@`.
#[must_use]
pub fn of_address(key: &str) -> Vec<String> {
    let (local, domain) = key.rsplit_once('@').unwrap_or((key, ""));
    let mut words: Vec<String> = parts(local).map(str::to_owned).take(WORDS_MAX - 2).collect();
    words.push(words.concat());
    words.push(format!("@{domain}"));
    words.sort();
    words.dedup();
    words.retain(|word| word.len() > 1);
    words
}

/// The words of `text`.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
}

/// What somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// An address, or its beginning: it has an `@`.
    Address(String),
    /// Everybody whose domain begins like this; with its `@`.
    Domain(String),
    /// Words of the name, without anything between them, in the order typed and the other way round.
    Name(Vec<String>),
    /// Nothing that an address could hold.
    Nothing,
}

impl Wanted {
    /// What `text` asks for.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        match text.split_once('@') {
            Some(("", "")) => Self::Nothing,
            Some(("", _)) => Self::Domain(text),
            Some(_) => Self::Address(text),
            None => {
                let words: Vec<&str> = parts(&text).collect();
                let turned: String = words.iter().rev().copied().collect();
                let mut names = vec![words.concat(), turned];
                names.dedup();
                names.retain(|name| name.len() > 1);
                if names.is_empty() { Self::Nothing } else { Self::Name(names) }
            }
        }
    }
}

/// The first text after all that begin with `start`, byte by byte.
#[must_use]
pub fn after_all_with(start: &str) -> String {
    format!("{start}{}", char::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_its_words_the_whole_name_and_the_domain() {
        for (key, words) in [
            ("anna@example.org", &["@example.org", "anna"][..]),
            ("anna.b-schmidt42@x.org", &["@x.org", "anna", "annabschmidt42", "schmidt42"]),
            ("a@b.org", &["@b.org"]),
            ("+++@b.org", &["@b.org"]),
        ] {
            assert_eq!(of_address(key), words, "{key}");
        }
        let long = format!("{}@b.org", "ab.".repeat(20));
        assert!(of_address(&long).len() <= WORDS_MAX);
    }

    #[test]
    fn what_is_typed_is_an_address_a_domain_or_a_name() {
        let names = |all: &[&str]| Wanted::Name(all.iter().map(|it| (*it).to_owned()).collect());
        for (text, wanted) in [
            (" Anna@Exa", Wanted::Address("anna@exa".to_owned())),
            ("@Example.org", Wanted::Domain("@example.org".to_owned())),
            ("Schmidt", names(&["schmidt"])),
            ("Anna Schmidt", names(&["annaschmidt", "schmidtanna"])),
            ("anna.schmidt", names(&["annaschmidt", "schmidtanna"])),
            ("@", Wanted::Nothing),
            ("%_\\", Wanted::Nothing),
            ("x", Wanted::Nothing),
        ] {
            assert_eq!(Wanted::of(text), wanted, "{text}");
        }
    }
}
