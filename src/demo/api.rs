//! Serving the newspaper, as any website would: its article routes stand behind [`Paywall`].

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use futures_util::FutureExt;

use super::{
    assets,
    newspaper::{Newspaper, NewspaperError},
    pages::{self, Around, ArticleView, HomeView, MeterView, OfferView, PlanView, SignUpView},
};
use crate::{
    access::{
        decision::{ArticleAccess, Reason},
        gate::Gate,
        middleware::{Admission, Paywall, RequestedArticle},
    },
    billing::catalog::{
        model::{Catalog, Plan},
        newsletters::Rhythm,
        versions::Catalogs,
    },
    http::problem::ApiError,
    language::Language,
    metering::tally::Reading,
    reader::{
        accounts::Accounts,
        pages::{form_token, reader_of},
    },
    sandbox::{
        self,
        bar::{self, Bar},
    },
};

const ARTICLES: &str = "/demo/articles/";

/// What the pages may load: their own style and pictures, and no script at all. Tools that judge a
/// page may ask for its robots.txt.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Clone)]
struct Demo {
    paper: Arc<Newspaper>,
    paywall: Paywall,
    accounts: Arc<Accounts>,
    catalogs: Catalogs,
    public_url: Arc<str>,
}

/// The routes of the demonstration and the sandbox's start page.
///
/// # Errors
/// When an article that is compiled in cannot be read.
pub fn routes(
    gate: Arc<Gate>,
    accounts: Arc<Accounts>,
    catalogs: Catalogs,
    public_url: &str,
) -> Result<Router, NewspaperError> {
    let paper = Arc::new(Newspaper::load()?);
    let known = Arc::clone(&paper);
    let article_of = move |request: &Request| {
        let slug = request.uri().path().strip_prefix(ARTICLES)?;
        let summary = &known.find(slug)?.summary;
        Some(RequestedArticle {
            id: summary.slug.to_owned(),
            section: Some(summary.section.id().to_owned()),
            access: ArticleAccess::Metered,
        })
    };
    // The newspaper and the readers' pages share an address here, and so a cookie.
    let known = Arc::clone(&accounts);
    let reader_of = move |headers: &HeaderMap| {
        let (accounts, headers) = (Arc::clone(&known), headers.clone());
        let found = async move { Ok(reader_of(&accounts, &headers, false).await?) };
        found.boxed()
    };
    let paywall = Paywall::new(gate, sandbox::SITE, false, article_of).with_readers(reader_of);
    let demo =
        Demo { paper, paywall: paywall.clone(), accounts, catalogs, public_url: public_url.into() };
    Ok(Router::new()
        .route("/", get(home))
        .route("/demo/", get(front))
        .route("/demo/articles/{slug}", get(article).layer(paywall))
        .route("/demo/demo.css", get(async |asked: HeaderMap| assets::STYLESHEET.answer(&asked)))
        .route("/demo/art/{file}", get(picture))
        .route("/sandbox/bar.css", get(async |asked: HeaderMap| bar::STYLESHEET.answer(&asked)))
        .route("/demo/{*rest}", get(not_found))
        .with_state(demo))
}

impl Demo {
    fn bar(&self, here: &str) -> Bar {
        Bar::new(self.accounts.clock.now(), here)
    }
}

/// What the header tells a reader whom the meter does not count.
fn standing(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Trial => Some("You read in your free trial"),
        Reason::Subscriber => Some("You are a subscriber"),
        Reason::GracePeriod => Some("Your payment failed. You read on for now"),
        Reason::Complimentary => Some("You read with our compliments"),
        _ => None,
    }
}

async fn home(State(demo): State<Demo>) -> Result<Response, ApiError> {
    let public_url = demo.public_url.to_string();
    let bar = demo.bar("/");
    page(StatusCode::OK, pages::home(&HomeView { public_url, bar }))
}

async fn front(State(demo): State<Demo>, headers: HeaderMap) -> Result<Response, ApiError> {
    let reading = demo.paywall.peek(&headers).await?;
    let meter = reading.map(|reading| meter_view(reading, &demo));
    let reader = reader_of(&demo.accounts, &headers, false).await?;
    let standing = reader.map(|_| "You are logged in");
    let bar = Some(demo.bar("/demo/"));
    let around = Around { meter: meter.as_ref(), standing, is_known: reader.is_some(), bar };
    let canonical_url = format!("{}/demo/", demo.public_url);
    let html = pages::front(&demo.paper, &around, &canonical_url);
    let mut response = page(StatusCode::OK, html)?;
    let private = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, private);
    Ok(response)
}

async fn article(
    State(demo): State<Demo>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    admission: Option<Extension<Admission>>,
) -> Result<Response, ApiError> {
    // Without an admission there is no such article, whatever the path looks like.
    let (Some(article), Some(Extension(admission))) = (demo.paper.find(&slug), admission) else {
        return not_found(State(demo)).await;
    };
    let meter = admission.meter.map(|reading| meter_view(reading, &demo));
    let canonical_url = format!("{}{ARTICLES}{slug}", demo.public_url);
    let (offer, support_code);
    let (status, view) = if admission.is_allowed() {
        (StatusCode::OK, ArticleView::Full)
    } else {
        let limit = admission.meter.map_or(0, |reading| reading.limit);
        offer = offer_view(&demo.catalogs.current(), limit);
        support_code = admission.support_code.map(|code| code.to_string());
        // Search engines that meet the wall must not take it for the article.
        let status = StatusCode::PAYMENT_REQUIRED;
        (status, ArticleView::Walled { offer: &offer, support_code: support_code.as_deref() })
    };
    let (sign_up, cookie) = sign_up(&demo, &headers).await?.unzip();
    let standing = standing(admission.reason);
    let bar = Some(demo.bar(&format!("{ARTICLES}{slug}")));
    let is_known = reader_of(&demo.accounts, &headers, false).await?.is_some();
    let around = Around { meter: meter.as_ref(), standing, is_known, bar };
    let of = (canonical_url.as_str(), sign_up.as_ref());
    let mut response = page(status, pages::article(&demo.paper, article, view, &around, of))?;
    if let Some(cookie) = cookie.flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The box that signs up to the first daily newsletter that is for everybody, and the cookie that
/// its form is tied to.
async fn sign_up(
    demo: &Demo,
    headers: &HeaderMap,
) -> Result<Option<(SignUpView, Option<HeaderValue>)>, ApiError> {
    let catalog = demo.catalogs.current();
    let mut daily = catalog.newsletters_of(Some(sandbox::SITE));
    let daily = daily.find(|it| it.rhythm == Rhythm::Daily && !it.for_subscribers);
    let Some(daily) = daily else { return Ok(None) };
    let (token, cookie) = form_token(&demo.accounts, headers, SignUpView::ACTION, false).await?;
    let view = SignUpView {
        list: daily.id.clone(),
        name: daily.name.in_language(Language::English).to_owned(),
        description: daily.description.in_language(Language::English).to_owned(),
        token,
    };
    Ok(Some((view, cookie)))
}

async fn picture(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let picture = file.strip_suffix(".svg").and_then(assets::picture).ok_or(ApiError::NotFound)?;
    Ok(picture.answer(&headers))
}

async fn not_found(State(demo): State<Demo>) -> Result<Response, ApiError> {
    let around = Around { bar: Some(demo.bar("/demo/")), ..Around::default() };
    page(StatusCode::NOT_FOUND, pages::not_found(&demo.paper, &around))
}

fn page(status: StatusCode, html: askama::Result<String>) -> Result<Response, ApiError> {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    Ok((status, headers, html.map_err(ApiError::internal)?).into_response())
}

fn meter_view(reading: Reading, demo: &Demo) -> MeterView {
    // While nothing is counted the day is not shown.
    let resets_at = reading.resets_at.unwrap_or(crate::clock::Timestamp::UNIX_EPOCH);
    MeterView { remaining: reading.remaining(), resets_on: demo.paywall.local_date(resets_at) }
}

fn offer_view(catalog: &Catalog, free_articles: u32) -> OfferView {
    let plans = catalog.offered(Some(sandbox::SITE)).map(|plan| plan_view(catalog, plan));
    OfferView { free_articles, plans: plans.collect() }
}

fn plan_view(catalog: &Catalog, plan: &Plan) -> PlanView {
    PlanView {
        id: plan.id.clone(),
        name: plan.name.in_language(Language::English).to_owned(),
        price: plan.price.to_string(),
        interval: plan.interval.as_str().to_owned(),
        trial_days: plan.trial_days,
        savings: catalog.savings(plan).map(|saved| saved.to_string()),
        best_value: plan.badge.as_deref() == Some("best_value"),
    }
}
