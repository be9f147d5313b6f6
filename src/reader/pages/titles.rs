//! Which of the publisher's sites a page belongs to. Its look, language and calendar follow.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Uri};

use super::cookies::{self, Name};
use crate::site::directory::{LiveSite, Snapshot};

/// Longest query in which a site is looked for.
const QUERY_MAX: usize = 2_000;

/// The site of a page, and the cookie by which this browser's next pages belong to it too, where
/// one is due.
pub(super) struct Title {
    pub(super) site: Option<Arc<LiveSite>>,
    pub(super) cookie: Option<HeaderValue>,
}

impl Title {
    /// The site that the address names with `?site=`; else the one that this browser came from
    /// before; else that of its reader; else the publisher's first. A name that no site has says
    /// nothing.
    pub(super) fn of(
        snapshot: &Snapshot,
        (uri, headers): (&Uri, &HeaderMap),
        readers: Option<&str>,
        secure: bool,
    ) -> Self {
        let kept = cookies::text(headers, Name::Site, secure);
        let named = asked(uri).and_then(|id| snapshot.site(&id));
        let news = named.as_ref().map(|site| site.site.id.as_str()).filter(|id| Some(*id) != kept);
        let cookie = news.and_then(|id| cookies::set_text(Name::Site, id, None, secure));
        let site = named
            .or_else(|| snapshot.site(kept?))
            .or_else(|| snapshot.site(readers?))
            .or_else(|| snapshot.first_site());
        Self { site, cookie }
    }
}

fn asked(uri: &Uri) -> Option<String> {
    let query = uri.query().filter(|query| query.len() <= QUERY_MAX)?;
    let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(query).ok()?;
    pairs.into_iter().find(|(name, _)| name == "site").map(|(_, id)| id)
}
