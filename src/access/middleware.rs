//! The meter in front of an axum website's own routes, as a tower [`Layer`].
//!
//! For each request to a metered article it knows the visitor by a cookie, decides and counts, and
//! hands the decision to the handler as an [`Admission`] extension. The handler renders either
//! the article or the lead-in, so the body of a denied article never leaves the server.
//!
//! A prefetch (`Sec-Purpose: prefetch`) of an article that would be counted is answered 204 with
//! no body: it neither uses up a free article nor gets one for nothing. `HEAD` counts nothing.

use std::{
    borrow::Cow,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use cookie::{Cookie, SameSite};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};
use uuid::Uuid;

use super::{
    decision::{ArticleAccess, Decision, Reason},
    gate::{Article, Gate, Question},
    log::code::SupportCode,
};
use crate::{
    clock::Timestamp, http::problem::ApiError, metering::tally::Reading, site::directory::LiveSite,
};

const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");

/// An article that a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedArticle {
    /// Its id on the site.
    pub id: String,
    /// Its section, if any.
    pub section: Option<String>,
    /// How it may be read.
    pub access: ArticleAccess,
}

/// What was decided; handlers take it as `Extension<Admission>`.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// What to do.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// The meter afterwards, where one applies.
    pub meter: Option<Reading>,
    /// A word by which support finds this denial.
    pub support_code: Option<SupportCode>,
}

impl Admission {
    /// Whether the article may be served.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allow
    }
}

type ArticleOf = dyn Fn(&Request<Body>) -> Option<RequestedArticle> + Send + Sync;
/// Who is logged in in the browser that sent these headers.
type ReaderOf =
    dyn Fn(&HeaderMap) -> BoxFuture<'static, Result<Option<Uuid>, ApiError>> + Send + Sync;

/// The layer. Mount it in front of a site's routes.
#[derive(Clone)]
pub struct Paywall {
    gate: Arc<Gate>,
    site: Arc<str>,
    article_of: Arc<ArticleOf>,
    reader_of: Option<Arc<ReaderOf>>,
    /// Whether browsers may send the cookie over HTTPS only, and the cookie's name says so.
    secure: bool,
}

impl Paywall {
    /// Meters the requests for which `article_of` names an article of the site `site`; others
    /// pass untouched. `secure` is true outside a sandbox: the cookie then travels by HTTPS only.
    pub fn new(
        gate: Arc<Gate>,
        site: &str,
        secure: bool,
        article_of: impl Fn(&Request<Body>) -> Option<RequestedArticle> + Send + Sync + 'static,
    ) -> Self {
        let article_of = Arc::new(article_of);
        Self { gate, site: Arc::from(site), article_of, reader_of: None, secure }
    }

    /// Knows readers who are logged in: `reader_of` names the one behind a request's headers, and
    /// vouches for that. An access token is checked by [`Tokens::verify_at_site`].
    ///
    /// [`Tokens::verify_at_site`]: crate::auth::tokens::Tokens::verify_at_site
    #[must_use]
    pub fn with_readers(
        self,
        reader_of: impl Fn(&HeaderMap) -> BoxFuture<'static, Result<Option<Uuid>, ApiError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { reader_of: Some(Arc::new(reader_of)), ..self }
    }

    async fn reader(&self, headers: &HeaderMap) -> Result<Option<Uuid>, ApiError> {
        match &self.reader_of {
            Some(reader_of) => reader_of(headers).await,
            None => Ok(None),
        }
    }

    /// What the meter would say of an article that this visitor has not read, counting nothing:
    /// how many are left. `None` where the site's first rules give nothing away.
    ///
    /// # Errors
    /// When the meter cannot answer.
    pub async fn peek(&self, headers: &HeaderMap) -> Result<Option<Reading>, ApiError> {
        // No article has an empty id, so this one was never read.
        let none = Article { id: "", section: None, tags: &[], access: ArticleAccess::Metered };
        let token = self.visitor_cookie(headers);
        let question = Question {
            article: none,
            visitor: token.as_deref(),
            reader: self.reader(headers).await?,
            dry_run: true,
            explain: false,
            support_code: false,
        };
        Ok(self.gate.ask(&*self.live_site()?, question).await.map_err(ApiError::from)?.meter)
    }

    /// The day that `at` falls on where the site is.
    #[must_use]
    pub fn local_date(&self, at: Timestamp) -> time::Date {
        self.live_site().map_or_else(|_| at.date_time().date(), |site| site.local_date(at))
    }

    fn live_site(&self) -> Result<Arc<LiveSite>, ApiError> {
        let missing = || ApiError::internal(format!("there is no site `{}`", self.site));
        self.gate.directory.site(&self.site).ok_or_else(missing)
    }

    /// The cookie's name. Browsers take a `__Host-` cookie only by HTTPS and for this host.
    fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-pressgate_visitor" } else { "pressgate_visitor" }
    }

    fn visitor_cookie<'h>(&self, headers: &'h HeaderMap) -> Option<Cow<'h, str>> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = values.flat_map(Cookie::split_parse).flatten();
        let ours = cookies.find(|cookie| cookie.name() == self.cookie_name())?;
        Some(Cow::Owned(ours.value().to_owned()))
    }

    fn set_cookie(&self, token: String) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.cookie_name(), token))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(self.gate.token_life());
        HeaderValue::from_str(&cookie.build().to_string()).ok()
    }

    /// Decides on `article`, and says which cookie to set.
    async fn admit(
        &self,
        headers: &HeaderMap,
        article: &RequestedArticle,
        dry_run: bool,
    ) -> Result<(Admission, Option<HeaderValue>), ApiError> {
        let site = self.live_site()?;
        let token = self.visitor_cookie(headers);
        let question = Question {
            article: Article {
                id: &article.id,
                section: article.section.as_deref(),
                tags: &[],
                access: article.access,
            },
            visitor: token.as_deref(),
            reader: self.reader(headers).await?,
            dry_run,
            explain: false,
            support_code: true,
        };
        let answer = self.gate.ask(&site, question).await?;
        let admission = Admission {
            decision: answer.decision,
            reason: answer.reason,
            meter: answer.meter,
            support_code: answer.support_code,
        };
        let is_fresh = token.as_deref() != Some(&*answer.token);
        let cookie = (is_fresh && !dry_run).then(|| self.set_cookie(answer.token.into_owned()));
        Ok((admission, cookie.flatten()))
    }
}

impl<S> Layer<S> for Paywall {
    type Service = PaywallService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        PaywallService { paywall: self.clone(), inner }
    }
}

/// A service behind a [`Paywall`].
#[derive(Clone)]
pub struct PaywallService<S> {
    paywall: Paywall,
    inner: S,
}

impl<S> Service<Request<Body>> for PaywallService<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(article) = (self.paywall.article_of)(&request) else {
            return Box::pin(self.inner.call(request));
        };
        let paywall = self.paywall.clone();
        // The service that was polled ready is the one to call (tower's `Service` says so).
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let prefetch = is_prefetch(request.headers());
            let dry_run = prefetch || request.method() == Method::HEAD;
            let (admission, cookie) =
                match paywall.admit(request.headers(), &article, dry_run).await {
                    Ok(admitted) => admitted,
                    Err(refused) => return Ok(refused.into_response()),
                };
            let mut response = if prefetch && admission.reason == Reason::Metered {
                StatusCode::NO_CONTENT.into_response()
            } else {
                request.extensions_mut().insert(admission);
                inner.call(request).await?
            };
            seal(response.headers_mut(), cookie);
            Ok(response)
        })
    }
}

/// No cache may serve one visitor's answer to another.
fn seal(headers: &mut HeaderMap, cookie: Option<HeaderValue>) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.append(header::VARY, HeaderValue::from_static("Cookie, Sec-Purpose"));
    if let Some(cookie) = cookie {
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    let purpose = headers.get(SEC_PURPOSE).and_then(|value| value.to_str().ok());
    purpose.is_some_and(|purpose| purpose.to_ascii_lowercase().contains("prefetch"))
}
