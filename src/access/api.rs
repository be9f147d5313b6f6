//! `POST /v1/access`, its batch, and the keys that check receipts.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    decision::{ArticleAccess, Decision, Reason},
    gate::{Article, Gate, Question},
    log::code::SupportCode,
    receipt,
};
use crate::{
    auth::{access_token::InvalidToken, keys::Jwks, tokens::Tokens},
    clock::Timestamp,
    http::{
        body::{JsonBytes, parse},
        problem::{ApiError, FieldError, ProblemBody},
        text,
    },
    metering::tally::Reading,
    site::{directory::LiveSite, proof::site_of},
};

const ARTICLE_ID_MAX: usize = 200;
const NAME_MAX: usize = 100;
const TAGS_MAX: usize = 50;
const BATCH_MAX: usize = 100;
/// Bytes that hold a plain answer without growing.
const ANSWER_CAPACITY: usize = 384;

/// What these calls need.
#[derive(Clone)]
struct AccessState {
    gate: Arc<Gate>,
    /// Checks readers' access tokens.
    tokens: Arc<Tokens>,
    /// Signs receipts, and holds the offer.
    public_url: Arc<str>,
}

/// The routes of this room.
pub fn routes(gate: Arc<Gate>, tokens: Arc<Tokens>, public_url: &str) -> OpenApiRouter {
    let state = AccessState { gate, tokens, public_url: public_url.into() };
    OpenApiRouter::new()
        .routes(routes!(access))
        .routes(routes!(batch))
        .routes(routes!(jwks))
        .with_state(state)
}

/// May this visitor read this article?
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the contract by itself")]
struct AccessRequest<'a> {
    #[serde(borrow)]
    article: ArticleBody<'a>,
    /// The token from an earlier answer. One that is forged, expired or of another site counts
    /// as none: a new visitor.
    #[serde(borrow, default, deserialize_with = "text::anything")]
    visitor: Option<Cow<'a, str>>,
    /// A reader's access token: from a log-in, or handed over to this site.
    #[serde(borrow, default, deserialize_with = "text::anything")]
    reader: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    client: Option<ClientBody<'a>>,
    /// Only say what would happen; count nothing.
    #[serde(default)]
    dry_run: bool,
    /// Add a signed receipt to the answer.
    #[serde(default)]
    receipt: bool,
    /// Add the steps of the decision to the answer.
    #[serde(default)]
    explain: bool,
    /// Add the support code of a denial to the answer, for the wall to show.
    #[serde(default)]
    support_code: bool,
}

/// An article.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ArticleBody<'a> {
    /// Its id on the site.
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 200)]
    id: Cow<'a, str>,
    /// Its section, for rules that name sections.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 100)]
    section: Option<Cow<'a, str>>,
    /// Its tags, for rules that name tags.
    #[serde(borrow, default)]
    #[schema(max_items = 50)]
    tags: Vec<Cow<'a, str>>,
    /// How it may be read; `metered` where nothing is said.
    #[serde(default)]
    access: Option<ArticleAccess>,
}

/// The visitor's side of the connection, as the website saw it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClientBody<'a> {
    /// An IPv4 or IPv6 address.
    #[serde(borrow, default, deserialize_with = "text::anything")]
    ip: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text::anything")]
    #[expect(dead_code, reason = "part of the contract; no rule looks at it yet")]
    user_agent: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text::anything")]
    #[expect(dead_code, reason = "part of the contract; a referrer never grants anything")]
    referrer: Option<Cow<'a, str>>,
}

/// Several questions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BatchRequest<'a> {
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 100)]
    requests: Vec<AccessRequest<'a>>,
}

/// The decision.
#[derive(Debug, Serialize, ToSchema)]
struct AccessAnswer<'a> {
    decision: Decision,
    reason: Reason,
    /// Null where no meter applies.
    #[schema(required)]
    meter: Option<MeterBody>,
    /// The token to send next time, in the visitor's cookie until then.
    visitor: Cow<'a, str>,
    /// A JWT (`typ: access-receipt+jwt`, EdDSA), where it was asked for.
    #[schema(required)]
    receipt: Option<String>,
    /// Where the offer is; set on `deny`.
    #[schema(required)]
    offer_url: Option<String>,
    /// The steps of the decision, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Vec<String>>,
    /// By which staff find this denial, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "7KQ2-M9XW-DPT4")]
    support_code: Option<SupportCode>,
}

/// The meter after the decision.
#[derive(Debug, Serialize, ToSchema)]
struct MeterBody {
    /// Distinct articles a window allows.
    limit: u32,
    /// Distinct articles counted.
    used: u32,
    /// Distinct articles left.
    remaining: u32,
    /// When the count starts anew; null while nothing is counted and only a read will tell.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    resets_at: Option<Timestamp>,
}

impl From<Reading> for MeterBody {
    fn from(reading: Reading) -> Self {
        let Reading { limit, used, resets_at, .. } = reading;
        Self { limit, used, remaining: reading.remaining(), resets_at }
    }
}

/// The decisions, in the order of the questions.
#[derive(Debug, Serialize, ToSchema)]
struct BatchAnswer<'a> {
    answers: Vec<AccessAnswer<'a>>,
}

/// May this visitor read this article?
///
/// Counts the article, unless it is free, was read before in this window, is refused, or
/// `dry_run` is set. Asking again after a lost answer is free.
#[utoipa::path(post, path = "/v1/access", tag = "Websites", security(("secret_key" = [])),
    request_body = AccessRequest,
    responses((status = 200, description = "Decided", body = AccessAnswer),
              (status = "4XX", description = "Not as it must be", body = ProblemBody),
              (status = 503, description = "Cannot count now", body = ProblemBody)))]
async fn access(
    State(state): State<AccessState>,
    SiteOfKey(site): SiteOfKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let request: AccessRequest<'_> = parse(&bytes)?;
    refuse_invalid(std::iter::once((String::new(), &request)))?;
    let reader = reader_of(&state, &site, &request)?;
    Ok(json(&answer(&state, &site, &request, reader).await?))
}

/// The same for up to 100 articles or visitors at once.
///
/// Every question is checked before any is counted.
#[utoipa::path(post, path = "/v1/access/batch", tag = "Websites", security(("secret_key" = [])),
    request_body = BatchRequest,
    responses((status = 200, description = "Decided, in order", body = BatchAnswer),
              (status = "4XX", description = "Not as it must be", body = ProblemBody),
              (status = 503, description = "Cannot count now", body = ProblemBody)))]
async fn batch(
    State(state): State<AccessState>,
    SiteOfKey(site): SiteOfKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let BatchRequest { requests } = parse(&bytes)?;
    if !(1..=BATCH_MAX).contains(&requests.len()) {
        let detail = format!("must have 1 to {BATCH_MAX} items");
        let error = FieldError::new("requests", "invalid_length", detail);
        return Err(ApiError::InvalidFields(vec![error]));
    }
    let named =
        requests.iter().enumerate().map(|(i, request)| (format!("requests[{i}]."), request));
    refuse_invalid(named)?;
    let readers = requests.iter().map(|request| reader_of(&state, &site, request));
    let readers: Vec<Option<Uuid>> = readers.collect::<Result<_, _>>()?;
    // All are asked in order before any is answered, so they settle as if one after the other.
    let asked = requests.iter().zip(readers);
    let answers = asked.map(|(request, reader)| answer(&state, &site, request, reader));
    Ok(json(&BatchAnswer { answers: try_join_all(answers).await? }))
}

/// The public keys that check access receipts (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "Websites",
    responses((status = 200, description = "The keys", body = Jwks)))]
async fn jwks(State(state): State<AccessState>) -> impl IntoResponse {
    let keys = state.gate.directory.snapshot().keys.jwks.clone();
    // A new key is published longer before it signs than anybody may keep this.
    ([(header::CACHE_CONTROL, "public, max-age=60")], Json(keys))
}

/// The site whose secret key came with the request.
struct SiteOfKey(Arc<LiveSite>);

impl FromRequestParts<AccessState> for SiteOfKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AccessState) -> Result<Self, ApiError> {
        site_of(&state.gate.directory, parts).await.map(Self)
    }
}

/// Checks every field of every request before anything is counted.
fn refuse_invalid<'a>(
    requests: impl Iterator<Item = (String, &'a AccessRequest<'a>)>,
) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    for (place, request) in requests {
        check(&place, request, &mut errors);
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::InvalidFields(errors)) }
}

/// The reader who is logged in there. A bad token is not the same as none: the website must learn
/// that it lost a reader, before a subscriber meets the wall.
fn reader_of(
    state: &AccessState,
    site: &LiveSite,
    request: &AccessRequest<'_>,
) -> Result<Option<Uuid>, ApiError> {
    let Some(token) = &request.reader else { return Ok(None) };
    match state.tokens.verify_at_site(token, &site.site.id) {
        Ok(caller) => Ok(Some(caller.subject)),
        Err(InvalidToken) => {
            let detail = "the reader's access token is not valid; refresh it, or leave `reader` \
                          out for a visitor";
            Err(ApiError::Unauthorized("invalid_reader_token", detail))
        }
    }
}

fn check(place: &str, request: &AccessRequest<'_>, errors: &mut Vec<FieldError>) {
    let article = &request.article;
    let mut refuse = |field: &str, code, detail: String| {
        errors.push(FieldError::new(format!("{place}{field}"), code, detail));
    };
    if !length_within(&article.id, ARTICLE_ID_MAX) {
        let detail = format!("must have 1 to {ARTICLE_ID_MAX} characters");
        refuse("article.id", "invalid_length", detail);
    }
    let names = article.section.iter().map(|section| ("article.section", section));
    let tags = article.tags.iter().map(|tag| ("article.tags", tag));
    for (field, name) in names.chain(tags) {
        if !length_within(name, NAME_MAX) {
            refuse(field, "invalid_length", format!("must have 1 to {NAME_MAX} characters"));
        }
    }
    if article.tags.len() > TAGS_MAX {
        refuse("article.tags", "invalid_length", format!("must have at most {TAGS_MAX} items"));
    }
    let ip = request.client.as_ref().and_then(|client| client.ip.as_deref());
    if ip.is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_err()) {
        refuse("client.ip", "invalid_value", "must be an IPv4 or IPv6 address".to_owned());
    }
}

fn length_within(text: &str, max: usize) -> bool {
    // A text has at least as many bytes as characters, so most need no counting.
    !text.is_empty() && (text.len() <= max || text.chars().count() <= max)
}

async fn answer<'a>(
    state: &AccessState,
    site: &LiveSite,
    request: &'a AccessRequest<'a>,
    reader: Option<Uuid>,
) -> Result<AccessAnswer<'a>, ApiError> {
    let article = Article {
        id: &request.article.id,
        section: request.article.section.as_deref(),
        tags: &request.article.tags,
        access: request.article.access.unwrap_or_default(),
    };
    let question = Question {
        article,
        visitor: request.visitor.as_deref(),
        reader,
        dry_run: request.dry_run,
        explain: request.explain,
        support_code: request.support_code,
    };
    let answer = state.gate.ask(site, question).await?;
    let receipt = if request.receipt {
        let issuer = &state.public_url;
        let subject = receipt::Subject { issuer, site: &site.site.id, article: article.id };
        let key = &state.gate.directory.snapshot().keys.receipt;
        Some(receipt::sign(key, subject, &answer)?)
    } else {
        None
    };
    let decision = answer.decision;
    let denied = decision == Decision::Deny;
    Ok(AccessAnswer {
        decision,
        reason: answer.reason,
        meter: answer.meter.map(MeterBody::from),
        visitor: answer.token,
        receipt,
        offer_url: denied.then(|| format!("{}/subscribe?site={}", state.public_url, site.site.id)),
        explain: answer.explain,
        support_code: answer.support_code,
    })
}

/// A JSON answer that no cache may keep.
fn json(body: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(ANSWER_CAPACITY);
    // Structs of texts and numbers always serialise.
    let _ = serde_json::to_writer(&mut bytes, body);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, bytes).into_response()
}
