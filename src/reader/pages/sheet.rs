//! What every page for one browser is drawn with: its language, the tokens of its forms, its place.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, Uri, header};

use super::{Pages, cookies, titles::Title};
use crate::{
    auth::{form, session::secret::SecretHash},
    clock::Timestamp,
    language::{Language, Words},
    sandbox::bar::Bar,
    site::{
        directory::{LiveSite, Snapshot},
        look::api::{logo_path, style_path},
    },
};

/// The parts of these pages that begin with a page that anybody can open.
const BEGINNINGS: [&str; 6] = ["account", "cancel", "login", "newsletters", "signup", "subscribe"];

/// What is signed into the hidden tokens of one browser's forms.
struct Tokens {
    snapshot: Arc<Snapshot>,
    holder: SecretHash,
    now: Timestamp,
}

/// What a page is drawn with, whatever stands on it.
pub(super) struct Sheet {
    pub(super) words: Words,
    /// Where the page is found again, in another language say. None where there are no forms.
    pub(super) here: Option<String>,
    /// Whether somebody is logged in, and may log out.
    pub(super) is_member: bool,
    /// The site that the page belongs to.
    site: Option<Arc<LiveSite>>,
    tokens: Option<Tokens>,
    /// What stands at the foot of a sandbox's pages.
    pub(super) bar: Option<Bar>,
}

impl Sheet {
    /// For a page without forms, told by the request alone: where nobody could ask who sent it.
    pub(super) fn by_request(pages: &Pages, uri: &Uri, headers: &HeaderMap) -> Self {
        let snapshot = pages.accounts.directory.snapshot();
        let Title { site, .. } = Title::of(&snapshot, (uri, headers), None, pages.secure);
        let words = words(headers, (site.as_deref(), None), pages.secure);
        Self { words, here: None, is_member: false, site, tokens: None, bar: None }
    }

    /// For a page of the browser whose cookie has the hash `holder`.
    pub(super) fn of(
        pages: &Pages,
        words: Words,
        (holder, here, site): (SecretHash, Option<String>, Option<Arc<LiveSite>>),
    ) -> Self {
        let snapshot = Arc::clone(&pages.accounts.directory.snapshot());
        let now = pages.accounts.clock.now();
        let bar = (!pages.secure).then(|| Bar::new(now, here.as_deref().unwrap_or("/account")));
        let tokens = Some(Tokens { snapshot, holder, now });
        Self { words, here, is_member: false, site, tokens, bar }
    }

    /// The same where somebody is logged in, or not.
    pub(super) fn for_member(self, is_member: bool) -> Self {
        Self { is_member, ..self }
    }

    /// The same for a page without forms.
    pub(super) fn without_forms(self) -> Self {
        Self { here: None, is_member: false, tokens: None, ..self }
    }

    /// Whose page it is: the site's name, or the publisher's where there is no site.
    pub(super) fn publisher<'a>(&'a self, pages: &'a Pages) -> &'a str {
        self.site.as_ref().map_or(&pages.publisher, |site| &site.site.name)
    }

    /// Where the style of the site is, if it has one of its own.
    pub(super) fn style(&self) -> Option<String> {
        style_path(self.site.as_ref()?)
    }

    /// Where the logo of the site is, if it has one.
    pub(super) fn logo(&self) -> Option<String> {
        logo_path(self.site.as_ref()?)
    }

    /// The hidden token of the form that is sent to `action`.
    pub(super) fn token(&self, action: &str) -> String {
        let Some(Tokens { snapshot, holder, now }) = &self.tokens else { return String::new() };
        form::issue(&snapshot.keys.form, *holder, action, *now)
    }

    /// The languages that this page could be read in instead: none where the site speaks one only.
    pub(super) fn other_languages(&self) -> impl Iterator<Item = Language> {
        let current = self.words.language;
        let only = self.site.as_ref().and_then(|site| site.look.language);
        let others = Language::ALL.into_iter().filter(move |language| *language != current);
        others.filter(move |_| only.is_none())
    }
}

/// How to speak, on a page of `site`, to a reader whose account asks for `account`, in the browser
/// that sent `headers`.
pub(super) fn words(
    headers: &HeaderMap,
    (site, account): (Option<&LiveSite>, Option<Language>),
    secure: bool,
) -> Words {
    let kept = cookies::language(headers, secure);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language =
        Language::choose(site.and_then(|site| site.look.language), account.or(kept), accepted);
    let zone = site.map_or("UTC", |site| &site.site.time_zone);
    Words::new(language, zone)
}

/// Where the page of this request is found again. The answer to a form is not: instead, the page
/// that its part of the pages begins with.
pub(super) fn here(method: &Method, uri: &Uri) -> Option<String> {
    let path = uri.path_and_query()?.as_str();
    if method == Method::GET {
        return Some(path.to_owned());
    }
    let part = path.split(['/', '?']).nth(1)?;
    BEGINNINGS.contains(&part).then(|| format!("/{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_again_and_an_answer_where_its_form_began() {
        for (method, path, expected) in [
            (Method::GET, "/login/link?token=x", Some("/login/link?token=x")),
            (Method::GET, "/mail/cancel?token=x", Some("/mail/cancel?token=x")),
            (Method::POST, "/login/email", Some("/login")),
            (Method::POST, "/signup?x=/evil", Some("/signup")),
            (Method::POST, "/account/sessions/end", Some("/account")),
            (Method::POST, "/logout", None),
            (Method::POST, "//evil.example", None),
        ] {
            let uri = path.parse().unwrap();
            assert_eq!(here(&method, &uri).as_deref(), expected, "{path}");
        }
    }
}
