//! What a consent and a subscription are, and what may be asked for. Pure.

use time::Duration;
use uuid::Uuid;

use crate::{
    billing::catalog::{Catalog, model::Sites, newsletters::Newsletter},
    clock::Timestamp,
    language::{Language, Words},
    mail::address::Address,
};

/// How long a request waits for its answer.
pub const ANSWER_LIFE: Duration = Duration::days(7);
/// For how long it is known who left, and what they had agreed to: whoever complains about a mail
/// does so later than this only out of spite, and the longest usual term for claims is over.
pub const LEFT_KEPT: Duration = Duration::days(3 * 366);

/// How somebody agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By answering a mail.
    Mail,
    /// In an account, whose address had been answered.
    Account,
}

impl Way {
    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Account => "account",
        }
    }

    /// Reads what [`Way::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Mail, Self::Account].into_iter().find(|way| way.as_str() == text)
    }
}

/// Newsletters that were asked for, for one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its id.
    pub id: Uuid,
    /// For whom.
    pub email: Address,
    /// Which, by their ids.
    pub lists: Vec<String>,
    /// What was shown, to the letter.
    pub shown: String,
    /// In which language.
    pub language: Language,
    /// How it is agreed to.
    pub way: Way,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// From when it is too late to agree.
    pub expires_at: Timestamp,
    /// When it was agreed to.
    pub confirmed_at: Option<Timestamp>,
}

impl Consent {
    /// Newsletters are asked for on a page; the mailbox is to agree.
    #[must_use]
    pub fn asked(
        id: Uuid,
        email: Address,
        chosen: &[&Newsletter],
        words: &Words,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            email,
            lists: chosen.iter().map(|newsletter| newsletter.id.clone()).collect(),
            shown: shown(chosen, words),
            language: words.language,
            way: Way::Mail,
            asked_at: now,
            expires_at: now.plus(ANSWER_LIFE),
            confirmed_at: None,
        }
    }

    /// The same, agreed to at once by somebody who is logged in.
    #[must_use]
    pub fn given_in_account(self) -> Self {
        Self { way: Way::Account, confirmed_at: Some(self.asked_at), ..self }
    }
}

/// What one address receives of one newsletter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: Uuid,
    /// Who.
    pub email: Address,
    /// Which newsletter.
    pub list: String,
    /// In which language they read.
    pub language: Language,
    /// By which consent.
    pub consent_id: Uuid,
    /// Since when.
    pub confirmed_at: Timestamp,
    /// Until when, where they left.
    pub unsubscribed_at: Option<Timestamp>,
}

impl Subscription {
    /// Whether it is sent.
    #[must_use]
    pub fn is_received(&self) -> bool {
        self.unsubscribed_at.is_none()
    }
}

/// Why newsletters cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChoice {
    /// None was chosen.
    #[error("choose at least one newsletter")]
    Nothing,
    /// There is no such newsletter.
    #[error("there is no such newsletter")]
    Unknown,
}

/// The newsletters with these ids, in the catalog's order, each once.
///
/// # Errors
/// [`InvalidChoice`].
pub fn choose<'c>(
    catalog: &'c Catalog,
    ids: &[String],
) -> Result<Vec<&'c Newsletter>, InvalidChoice> {
    if ids.is_empty() {
        return Err(InvalidChoice::Nothing);
    }
    if ids.iter().any(|id| catalog.newsletter(id).is_none()) {
        return Err(InvalidChoice::Unknown);
    }
    Ok(catalog.newsletters.iter().filter(|newsletter| ids.contains(&newsletter.id)).collect())
}

/// What somebody agrees to who asks for these newsletters: the line that stands above the button,
/// and each newsletter with its description.
#[must_use]
pub fn shown(chosen: &[&Newsletter], words: &Words) -> String {
    let line = |it: &&Newsletter| {
        let (name, description) = (&it.name, &it.description);
        format!("{}: {}", name.in_language(words.language), description.in_language(words.language))
    };
    let lines = chosen.iter().map(line);
    std::iter::once(words.say("newsletter-consent")).chain(lines).collect::<Vec<_>>().join("\n")
}

/// In the name of which site a newsletter of `sites` is spoken about to somebody whose account is on
/// the site `readers`, and whose browser came from `here`: that of the account, as far as the
/// newsletter belongs to it; else one of the newsletter's own, `here` before the others. `None`
/// where it belongs to all of them, and nothing is known of the reader.
#[must_use]
pub fn home<'a>(
    sites: &'a Sites,
    readers: Option<&'a str>,
    here: Option<&'a str>,
) -> Option<&'a str> {
    match sites {
        Sites::All => readers,
        Sites::Listed(own) => {
            let mut known = [readers, here].into_iter().flatten();
            known.find(|site| sites.contain(site)).or(own.first().map(String::as_str))
        }
    }
}

/// An address as it may be shown to whoever has a link that was mailed to it: newsletters are
/// passed on, and their links with them.
#[must_use]
pub fn masked(email: &Address) -> String {
    let (local, domain) = email.key().split_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::catalog::source::SHIPPED;

    #[test]
    fn what_is_chosen_comes_in_the_catalogs_order_and_once() {
        let catalog = Catalog::parse(SHIPPED, 1).unwrap();
        let ids = |chosen: &[&str]| chosen.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let chosen = choose(&catalog, &ids(&["long-ago", "tide", "tide"])).unwrap();
        let chosen: Vec<&str> = chosen.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(chosen, ["tide", "long-ago"]);
        assert_eq!(choose(&catalog, &[]), Err(InvalidChoice::Nothing));
        assert_eq!(choose(&catalog, &ids(&["tide", "Tide"])), Err(InvalidChoice::Unknown));
    }

    #[test]
    fn what_was_shown_is_kept_in_the_readers_language() {
        let catalog = Catalog::parse(SHIPPED, 1).unwrap();
        let chosen = choose(&catalog, &["tide".to_owned()]).unwrap();
        let french = shown(&chosen, &Words::new(Language::French, "UTC"));
        assert!(french.contains("La Marée") && french.lines().count() == 2, "{french}");
    }

    #[test]
    fn a_newsletter_speaks_for_its_own_site_and_for_the_readers() {
        let own = Sites::Listed(vec!["evening".to_owned(), "sunday".to_owned()]);
        for (sites, readers, here, expected) in [
            (&own, Some("sunday"), Some("evening"), Some("sunday")),
            (&own, Some("morning"), Some("sunday"), Some("sunday")),
            (&own, Some("morning"), Some("morning"), Some("evening")),
            (&own, None, None, Some("evening")),
            (&Sites::All, Some("sunday"), Some("evening"), Some("sunday")),
            (&Sites::All, None, Some("evening"), None),
        ] {
            assert_eq!(home(sites, readers, here), expected, "{sites:?}, {readers:?}, {here:?}");
        }
    }

    #[test]
    fn a_masked_address_tells_who_it_is_only_to_its_owner() {
        let masked = |text: &str| masked(&Address::parse(text).unwrap());
        assert_eq!(masked("Anna@Example.org"), "a…@example.org");
        assert_eq!(masked("x@b.example"), "x…@b.example");
    }
}
