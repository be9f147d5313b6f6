//! The way back to the website from which a reader came, with a code by which it learns who it is.

use axum::{
    extract::{Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{HOME, Pages, halt::Halt, visit::Visit};
use crate::{
    http::return_to::{self, Destination, with_code},
    reader::accounts::AccountError,
};

/// Where a reader wants to go back to. Nothing of it is believed before [`WayBack::destination`].
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct WayBack {
    /// The site from which the reader came.
    #[serde(default)]
    pub(super) site: String,
    #[serde(default)]
    pub(super) return_to: String,
}

impl WayBack {
    /// The place, where it is one of our own pages, or an address of the site that it names.
    pub(super) fn destination(&self, pages: &Pages) -> Option<Destination> {
        let site = pages.accounts.directory.site(&self.site);
        let origins = site.as_ref().map_or(&[][..], |site| &site.site.origins);
        return_to::back(&self.return_to, origins)
    }

    /// The same, without what leads nowhere.
    pub(super) fn known(self, pages: &Pages) -> Self {
        if self.destination(pages).is_some() { self } else { Self::default() }
    }

    /// As the fields of a form, or of an address.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        let fields = [("site", self.site.as_str()), ("return_to", self.return_to.as_str())];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The address to which a link on a page leads back: of our own page, or of the one that makes a
    /// code at the moment of the click.
    pub(super) fn href(&self, pages: &Pages) -> Option<String> {
        match self.destination(pages)? {
            Destination::Here(path) => Some(path),
            Destination::Site { .. } => {
                let query = serde_urlencoded::to_string(self.fields()).unwrap_or_default();
                Some(format!("/read-on?{query}"))
            }
        }
    }

    /// The origin outside of ours to which a form leads in the end, for the page's policy.
    pub(super) fn leads_to(&self, pages: &Pages) -> Option<String> {
        match self.destination(pages)? {
            Destination::Site { origin, .. } => Some(origin),
            Destination::Here(_) => None,
        }
    }

    /// Where to send a browser that has `session` here; a website is told who it is by a code.
    pub(super) async fn address(
        &self,
        pages: &Pages,
        session: Option<Uuid>,
    ) -> Result<String, AccountError> {
        let (address, origin) = match self.destination(pages) {
            Some(Destination::Site { address, origin }) => (address, origin),
            Some(Destination::Here(path)) => return Ok(path),
            None => return Ok(HOME.to_owned()),
        };
        // A website on our own origin knows the reader by our cookie. One without HTTPS would tell
        // the code to everybody on the way.
        let is_open = pages.secure && !origin.starts_with("https://");
        let is_elsewhere = *origin != *pages.accounts.public_url && !is_open;
        let Some(session) = session.filter(|_| is_elsewhere) else { return Ok(address) };
        let code = pages.accounts.hand_over(session, (&self.site, &origin)).await?;
        Ok(code.map_or_else(|| address.clone(), |code| with_code(&address, code.expose())))
    }
}

/// Leads to an address that may carry a code: nobody keeps it, and nobody is told whence.
pub(super) fn lead(address: &str) -> Response {
    let mut response = Redirect::to(address).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// `/read-on`: back to where the reader came from.
pub(super) async fn read_on(
    State(pages): State<Pages>,
    visit: Visit,
    Query(way): Query<WayBack>,
) -> Result<Response, Halt> {
    let session = visit.session().map(|session| session.id);
    let address = way.address(&pages, session).await?;
    Ok(visit.seal(lead(&address)))
}
