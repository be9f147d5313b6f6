//! Stands before routes that change something.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use axum::{
    body::Body,
    extract::{Request as HttpRequest, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Limited};
use uuid::Uuid;

use super::{
    KEPT, Operation,
    outcome::{Outcome, Unsettled},
    store::{self, Request, Turn},
};
use crate::{
    auth::{access_token::Realm, tokens::Tokens},
    clock::Clock,
    db::{Db, StoreError},
    http::{
        body::BODY_MAX,
        headers::{NO_STORE, bearer},
        problem::ApiError,
    },
    ids::Ids,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEY_MAX: usize = 255;
/// How long a request waits for the one before it with the same key, and how often it looks.
const WAIT_LOOKS: u32 = 80;
const WAIT_EACH: Duration = Duration::from_millis(100);

/// What keeps keys and answers.
#[derive(Clone)]
pub struct Keeper {
    /// Where.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Names for requests.
    pub ids: Ids,
    /// Knows who asks.
    pub tokens: Arc<Tokens>,
    /// Readers or staff: whose tokens count.
    pub realm: Realm,
}

/// Does a request once for whoever asks and their key.
///
/// # Errors
/// What is wrong with the key.
pub async fn once(
    State(keeper): State<Keeper>,
    mut http: HttpRequest,
    next: Next,
) -> Result<Response, ApiError> {
    let now = keeper.clock.now();
    let fresh = keeper.ids.uuid(now).map_err(ApiError::internal)?;
    // Reading changes nothing, however often it is done.
    let key = if http.method().is_safe() { None } else { key_of(&http)? };
    let Some(key) = key else {
        http.extensions_mut().insert(Operation(fresh));
        return Ok(next.run(http).await);
    };
    let caller = bearer(http.headers()).map(|token| keeper.tokens.verify(keeper.realm, token));
    // Nobody is nobody's: the route says so.
    let Some(Ok(caller)) = caller else { return Ok(next.run(http).await) };
    let (parts, body) = http.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await;
    let body = body.map_err(|_| ApiError::TooLarge(BODY_MAX))?.to_bytes();
    let mut hash = Context::new(&SHA256);
    for part in [parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), &body] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut request = Request { caller: caller.subject, key, hash: [0; 32] };
    request.hash.copy_from_slice(hash.finish().as_ref());
    match keeper.turn(&request, fresh).await.map_err(ApiError::internal)? {
        Turn::Do(operation) => {
            let mut http = HttpRequest::from_parts(parts, Body::from(body));
            http.extensions_mut().insert(Operation(operation));
            // The client may hang up; what was begun is still done, and its answer kept.
            let done =
                tokio::spawn(async move { keeper.run((&request, operation), http, next).await });
            done.await.map_err(ApiError::internal)?
        }
        Turn::Answered { status, body } => Ok(replay(status, body)),
        Turn::OtherRequest => Err(ApiError::Reused),
        Turn::Busy => Err(ApiError::Conflict(
            "idempotency_key_in_use",
            "a request with this key is being done; ask again in a moment".into(),
        )),
    }
}

fn key_of(http: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut keys = http.headers().get_all(KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let text = key.to_str().unwrap_or_default();
    let is_one = (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !is_one || keys.next().is_some() {
        return Err(ApiError::InvalidHeader(
            "invalid_idempotency_key",
            "`Idempotency-Key` must be one text of 1 to 255 visible ASCII characters",
        ));
    }
    Ok(Some(text.to_owned()))
}

fn replay(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let media_type =
        if status.is_success() { "application/json" } else { "application/problem+json" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    (status, NO_STORE, headers, body).into_response()
}

impl Keeper {
    async fn turn(&self, request: &Request, fresh: Uuid) -> Result<Turn, StoreError> {
        for _ in 0..WAIT_LOOKS {
            let now = self.clock.now();
            let mut tx = self.db.write().await?;
            store::purge(&mut tx, now.minus(KEPT), 100).await?;
            let turn = store::take(&mut tx, request, fresh, now).await?;
            tx.commit().await?;
            if turn != Turn::Busy {
                return Ok(turn);
            }
            tokio::time::sleep(WAIT_EACH).await;
        }
        Ok(Turn::Busy)
    }

    async fn run(
        self,
        (request, operation): (&Request, Uuid),
        http: HttpRequest,
        next: Next,
    ) -> Result<Response, ApiError> {
        let (mut parts, body) = next.run(http).await.into_parts();
        let body = Limited::new(body, BODY_MAX).collect().await;
        let body = body.map_err(ApiError::Internal)?.to_bytes();
        let mut tx = self.db.write().await.map_err(ApiError::internal)?;
        let problem = parts.extensions.get::<Arc<ApiError>>().map(|error| error.problem());
        let code = problem.map(|problem| problem.code);
        let kept = match (parts.extensions.get::<Unsettled>(), Outcome::of(parts.status, code)) {
            (Some(Unsettled(operation)), _) => {
                store::hold(&mut tx, request, *operation, self.clock.now()).await
            }
            (None, Outcome::Continue) => {
                store::hold(&mut tx, request, operation, self.clock.now()).await
            }
            (None, Outcome::Keep) => {
                store::answer(&mut tx, request, (parts.status.as_u16(), &body)).await
            }
            (None, Outcome::Release) => store::release(&mut tx, request).await,
        };
        kept.map_err(ApiError::internal)?;
        tx.commit().await.map_err(ApiError::internal)?;
        parts.headers.remove(header::TRANSFER_ENCODING);
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}
