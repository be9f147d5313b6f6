//! What every page of the back office is drawn with: its title, its place, who is on duty, and the
//! tokens of its forms.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};

use super::StaffPages;
use crate::{
    auth::{
        form,
        session::secret::SecretHash,
        staff::{model::Role, permission::Permission},
    },
    clock::Timestamp,
    http::page,
    language::Words,
    sandbox::bar::Bar,
    site::directory::Snapshot,
    staff::visibility::Visibility,
};

/// Their own style, pictures and the one script; no frame, no form that leads elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A place in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The dashboard.
    Home,
    /// Subscriptions.
    Subscriptions,
    /// Readers.
    Readers,
    /// Invoices.
    Invoices,
    /// What was given away.
    Given,
    /// "Why was I walled?"
    Why,
    /// All figures.
    Numbers,
    /// Refunds that wait for a second person.
    Refunds,
    /// What the service could not do by itself.
    Trouble,
    /// Mails.
    Mails,
    /// Free articles: what each site gives away.
    Meters,
    /// Sites and their keys.
    Sites,
    /// What is sold.
    Catalog,
    /// Who did what.
    Audit,
    /// Accounts of staff.
    Team,
    /// Nowhere in particular.
    Nowhere,
}

impl Place {
    /// The parts of the navigation, in order.
    const PARTS: [(&'static str, &'static [Self]); 3] = [
        (
            "Readers",
            &[
                Self::Home,
                Self::Subscriptions,
                Self::Readers,
                Self::Invoices,
                Self::Given,
                Self::Why,
            ],
        ),
        ("Business", &[Self::Numbers, Self::Catalog, Self::Sites, Self::Meters]),
        ("Work", &[Self::Refunds, Self::Trouble, Self::Mails, Self::Audit, Self::Team]),
    ];

    /// What it is called, where it is, and what one must be allowed to do there.
    fn entry(self) -> Option<(&'static str, &'static str, Permission)> {
        use Permission as May;
        Some(match self {
            Self::Home => ("Today", "/staff", May::MetricsRead),
            Self::Subscriptions => {
                ("Subscriptions", "/staff/subscriptions", May::SubscriptionsRead)
            }
            Self::Readers => ("Readers", "/staff/readers", May::ReadersRead),
            Self::Invoices => ("Invoices", "/staff/invoices", May::SubscriptionsRead),
            Self::Given => ("Given away", "/staff/complimentary", May::SubscriptionsRead),
            Self::Why => ("Why?", "/staff/why", May::ReadersRead),
            Self::Numbers => ("Numbers", "/staff/numbers", May::MetricsRead),
            Self::Refunds => ("Refunds", "/staff/refunds", May::Refund),
            Self::Trouble => ("Trouble", "/staff/trouble", May::SubscriptionsRead),
            Self::Mails => ("Mails", "/staff/mails", May::MailQueueRead),
            Self::Meters => ("Meters", "/staff/meters", May::SitesRead),
            Self::Sites => ("Sites and keys", "/staff/sites", May::SitesRead),
            Self::Catalog => ("Catalog", "/staff/catalog", May::SubscriptionsRead),
            Self::Audit => ("Audit log", "/staff/audit", May::AuditRead),
            Self::Team => ("Staff", "/staff/team", May::StaffManage),
            Self::Nowhere => return None,
        })
    }
}

/// A link of the navigation.
#[derive(Debug)]
pub(super) struct NavLink {
    pub(super) name: &'static str,
    pub(super) href: &'static str,
    pub(super) is_here: bool,
}

/// What is signed into the hidden tokens of one browser's forms.
#[derive(Debug)]
pub(super) struct Tokens {
    snapshot: Arc<Snapshot>,
    holder: SecretHash,
    now: Timestamp,
}

impl Tokens {
    /// For the browser whose cookie has the hash `holder`.
    pub(super) fn of(pages: &StaffPages, holder: SecretHash) -> Self {
        let snapshot = Arc::clone(&pages.desk.readers.directory.snapshot());
        Self { snapshot, holder, now: pages.desk.clock.now() }
    }
}

/// What a page is drawn with, whatever stands on it.
#[derive(Debug)]
pub(super) struct Frame {
    /// What the page is called.
    pub(super) title: String,
    /// How dates and money are written: in English, by the first site's calendar.
    pub(super) words: Words,
    /// Whose office it is.
    pub(super) publisher: Arc<str>,
    /// The address of whoever is on duty, and the role.
    pub(super) who: Option<(String, Role)>,
    /// What was just done.
    pub(super) notice: Option<String>,
    /// What was looked for, to stand in the search box.
    pub(super) query: String,
    /// What stands at the foot of a sandbox's pages.
    pub(super) bar: Option<Bar>,
    place: Place,
    tokens: Option<Tokens>,
}

impl Frame {
    /// The name of the hidden field of [`Frame::token`].
    pub(super) const TOKEN_FIELD: &'static str = form::FIELD;

    /// For a page that is found at `here`, before it is known who sits there.
    pub(super) fn of(pages: &StaffPages, title: String, here: &str) -> Self {
        let bar = (!pages.secure).then(|| Bar::new(pages.desk.clock.now(), here));
        Self {
            title,
            words: pages.desk.words(),
            publisher: Arc::clone(&pages.publisher),
            who: None,
            notice: None,
            query: String::new(),
            bar,
            place: Place::Nowhere,
            tokens: None,
        }
    }

    pub(super) fn with_staff(self, who: (String, Role), place: Place, tokens: Tokens) -> Self {
        Self { who: Some(who), place, tokens: Some(tokens), ..self }
    }

    pub(super) fn with_tokens(self, tokens: Tokens) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    /// The same page, which says what was just done.
    #[must_use]
    pub(super) fn saying(self, notice: Option<String>) -> Self {
        Self { notice, ..self }
    }

    /// What may be shown of readers.
    pub(super) fn visibility(&self) -> Visibility {
        // A page before the login names no reader.
        let role = self.who.as_ref().map_or(Role::Viewer, |(_, role)| *role);
        Visibility::of(role)
    }

    /// The hidden token of the form that is sent to `action`.
    #[must_use]
    pub(super) fn token(&self, action: &str) -> String {
        let Some(Tokens { snapshot, holder, now }) = &self.tokens else { return String::new() };
        form::issue(&snapshot.keys.form, *holder, action, *now)
    }

    /// The navigation: what the role may see, in parts that have a name.
    pub(super) fn navigation(&self) -> Vec<(&'static str, Vec<NavLink>)> {
        let Some((_, role)) = &self.who else { return Vec::new() };
        let link = |place: &Place| {
            let (name, href, permission) = place.entry()?;
            let is_here = *place == self.place;
            role.may(permission).then_some(NavLink { name, href, is_here })
        };
        let part = |(name, places): &(&'static str, &'static [Place])| {
            (*name, places.iter().filter_map(link).collect())
        };
        Place::PARTS.iter().map(part).collect()
    }
}

/// A page drawn.
pub(super) fn answer(status: StatusCode, html: askama::Result<String>) -> Response {
    page::answer(status, CONTENT_SECURITY_POLICY, html)
}

/// A page drawn, as it should be.
pub(super) fn show(html: askama::Result<String>) -> Response {
    answer(StatusCode::OK, html)
}
