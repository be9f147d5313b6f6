//! `/v1/auth/handovers/redeem`: a website learns who came back to it from our pages.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::{TokensBody, tokens};
use crate::{
    http::{
        body::{JsonBytes, parse},
        problem::{ApiError, ProblemBody},
    },
    reader::accounts::Accounts,
    site::{directory::LiveSite, proof::site_of},
};

/// The site whose secret key came with the request.
pub(super) struct SiteOfKey(Arc<LiveSite>);

impl FromRequestParts<Arc<Accounts>> for SiteOfKey {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        accounts: &Arc<Accounts>,
    ) -> Result<Self, ApiError> {
        site_of(&accounts.directory, parts).await.map(Self)
    }
}

/// A code from the address of a reader who came back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandoverCode {
    /// The value of `pressgate_code` in the address.
    code: String,
    /// Where the reader came back to, such as `https://news.example`; a code for another origin is
    /// refused then.
    #[serde(default)]
    origin: Option<String>,
}

/// Gives the tokens of a reader who came back to the website with a code.
///
/// A code is good for a minute, once, and for the site that it was made for. The session belongs to
/// the website, stands among the reader's devices under its name, and ends with the log-in that it
/// comes from. A code that comes a second time ends it.
///
/// The access tokens have the `aud` `site:<id>` and the `scope` `site`. They open `POST /v1/access`
/// and its batch with this site's key, and `GET /v1/me`; with another site's key they are 401
/// `invalid_reader_token`, and for every other call 403 `insufficient_scope`. Their refresh tokens are
/// renewed and logged out like others, and scope and site stay. For a guest, who has not proved to be
/// the reader, the `scope` is `read`: access questions of this site, and nothing else;
/// `reader.email` is null then.
#[utoipa::path(post, path = "/v1/auth/handovers/redeem", tag = "Websites",
    security(("secret_key" = [])), request_body = HandoverCode,
    responses((status = 200, description = "Logged in", body = TokensBody),
              (status = 400, description = "Used, over, unknown, or another site's",
               body = ProblemBody),
              (status = "4XX", description = "Not as it must be", body = ProblemBody)))]
pub(super) async fn redeem(
    State(accounts): State<Arc<Accounts>>,
    SiteOfKey(site): SiteOfKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let HandoverCode { code, origin } = parse(&bytes)?;
    tokens(&accounts, &accounts.take_over(&site.site, &code, origin.as_deref()).await?)
}
