//! Who looks at a page: a reader in a session, or a browser that is not logged in.
//!
//! Pages see an account by [`Visit::member_or_login`] only, or one that is still provisional by
//! [`Visit::owner_or_login`]. A browser that began an account by typing an address, and never proved to
//! have it, goes on reading once the owner has confirmed the address; pages get its session then, and no
//! reader.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use time::Duration;

use super::{
    Pages,
    cookies::{self, Name},
    sheet::{self, Sheet},
    titles::Title,
    way_back::lead,
};
use crate::{
    auth::{
        access_token::{Caller, Realm, Scope},
        form,
        session::{
            model::{Session, device_name},
            secret::{Secret, SecretHash, SecretKind},
            store as sessions,
        },
    },
    http::{client_ip::ClientIp, headers::user_agent, problem::ApiError},
    language::{Language, Words},
    mail::address::Address,
    reader::{
        accounts::{AccountError, Accounts, Device, FRESH_FOR, LoggedIn, MailRequest},
        model::Reader,
        store,
    },
    site::directory::LiveSite,
};

/// A session is noted as used once in this time.
const TOUCHED_EVERY: Duration = Duration::MINUTE;

/// A reader who is logged in here.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) reader: Reader,
    pub(super) session: Session,
}

impl Member {
    pub(super) fn caller(&self) -> Caller {
        self.session.caller()
    }

    /// Whether a secret was given so recently that it need not be asked for again.
    pub(super) fn is_fresh(&self, pages: &Pages) -> bool {
        self.session.is_fresh(FRESH_FOR, pages.accounts.clock.now())
    }
}

/// A browser on one of our pages.
#[derive(Debug)]
pub(super) struct Visit {
    /// Who is logged in here, if anybody.
    pub(super) member: Option<Member>,
    /// Who began an account here that is still provisional: all that is in it was typed here.
    pub(super) guest: Option<Member>,
    /// A session that opens articles of an account whose owner has confirmed it since, elsewhere.
    reading: Option<Session>,
    /// What the tokens of this browser's forms are tied to.
    pub(super) holder: SecretHash,
    /// How to speak to whoever it is.
    pub(super) words: Words,
    /// Whether it sent a cookie that forms are tied to. A form from a browser that did not cannot
    /// be ours, or comes from one that keeps no cookies.
    pub(super) keeps_cookies: bool,
    /// The site that the page belongs to; there is one as soon as any was added.
    pub(super) site: Option<Arc<LiveSite>>,
    /// From where it calls.
    pub(super) client: ClientIp,
    here: Option<String>,
    /// Cookies that this browser is to be given, or to lose.
    cookies: Vec<HeaderValue>,
}

impl FromRequestParts<Pages> for Visit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, ApiError> {
        let secure = pages.secure;
        let mut cookies = Vec::new();
        let session = cookies::read(&parts.headers, Name::Session, secure);
        let found = match session {
            Some(hash) => member(&pages.accounts, hash).await.map_err(ApiError::from)?,
            None => None,
        };
        let readers = found.as_ref().and_then(|found| found.reader.site.as_deref());
        let snapshot = pages.accounts.directory.snapshot();
        let from = (&parts.uri, &parts.headers);
        let Title { site, cookie } = Title::of(&snapshot, from, readers, secure);
        cookies.extend(cookie);
        let (mut member, mut guest, mut reading) = (None, None, None);
        match found {
            Some(found) if found.session.scope == Scope::Full => member = Some(found),
            Some(found) if found.reader.email_verified_at.is_none() => guest = Some(found),
            Some(found) => reading = Some(found.session),
            None => {}
        }
        let is_known = member.is_some() || guest.is_some() || reading.is_some();
        let account = member.as_ref().and_then(|member| member.reader.language);
        let words = sheet::words(&parts.headers, (site.as_deref(), account), secure);
        let here = sheet::here(&parts.method, &parts.uri);
        let client = parts.extensions.get().copied().unwrap_or(ClientIp(None));
        let of = |holder, keeps_cookies, cookies| Self {
            member: None,
            guest: None,
            reading: None,
            holder,
            words,
            keeps_cookies,
            site,
            client,
            here,
            cookies,
        };
        if let Some(holder) = session.filter(|_| is_known) {
            return Ok(Self { member, guest, reading, ..of(holder, true, cookies) });
        }
        // A session that has ended is as good as none, and its cookie need not be sent again.
        let had_session = cookies::is_sent(&parts.headers, Name::Session, secure);
        if had_session {
            cookies.extend(cookies::clear(Name::Session, secure));
        }
        if let Some(holder) = cookies::read(&parts.headers, Name::Form, secure) {
            return Ok(of(holder, true, cookies));
        }
        let secret = Secret::generate(&pages.accounts.ids, SecretKind::Cookie);
        let secret = secret.map_err(ApiError::internal)?;
        cookies.extend(cookies::set(Name::Form, &secret, None, secure));
        Ok(of(secret.hash(), had_session, cookies))
    }
}

/// The reader whose session's cookie has this hash.
async fn member(accounts: &Accounts, hash: SecretHash) -> Result<Option<Member>, AccountError> {
    let now = accounts.clock.now();
    let mut tx = accounts.db.read().await?;
    let session = sessions::find_by_cookie(&mut tx, hash).await?;
    let holds = |session: &Session| {
        session.realm == Realm::Reader && session.holds(accounts.lifetimes.idle, now)
    };
    let Some(session) = session.filter(holds) else { return Ok(None) };
    let Some(reader) = store::find(&mut tx, session.subject).await? else { return Ok(None) };
    drop(tx);
    accounts.billing.catch_up(reader.id).await;
    if now.since(session.last_used_at) > TOUCHED_EVERY {
        let mut tx = accounts.db.write().await?;
        sessions::touch(&mut tx, session.id, now).await?;
        tx.commit().await?;
    }
    Ok(Some(Member { reader, session }))
}

/// The reader who reads in the browser that sent `headers`, logged in or as a guest: for articles in
/// this process, and nothing of the account.
///
/// # Errors
/// When the database fails.
pub async fn reader_of(
    accounts: &Accounts,
    headers: &HeaderMap,
    secure: bool,
) -> Result<Option<uuid::Uuid>, AccountError> {
    let Some(hash) = cookies::read(headers, Name::Session, secure) else { return Ok(None) };
    Ok(member(accounts, hash).await?.map(|member| member.reader.id))
}

/// The hidden token of a form that leads to `action`, on the pages of others in this process, and
/// the cookie that it is tied to where this browser has none yet.
///
/// # Errors
/// When the database fails, or there is no randomness to be had.
pub async fn form_token(
    accounts: &Accounts,
    headers: &HeaderMap,
    action: &str,
    secure: bool,
) -> Result<(String, Option<HeaderValue>), AccountError> {
    let session = cookies::read(headers, Name::Session, secure);
    let session = match session {
        Some(hash) if member(accounts, hash).await?.is_some() => Some(hash),
        _ => None,
    };
    let (holder, cookie) = match session.or_else(|| cookies::read(headers, Name::Form, secure)) {
        Some(holder) => (holder, None),
        None => {
            let secret = Secret::generate(&accounts.ids, SecretKind::Cookie)?;
            (secret.hash(), cookies::set(Name::Form, &secret, None, secure))
        }
    };
    let keys = &accounts.directory.snapshot().keys.form;
    Ok((form::issue(keys, holder, action, accounts.clock.now()), cookie))
}

/// The way to the log-in page, and from there to a path.
#[derive(Debug)]
pub(super) struct ToLogin {
    address: String,
    cookies: Vec<HeaderValue>,
}

impl ToLogin {
    /// The way back to `address`, one of our own.
    pub(super) fn back_to(address: &str) -> Self {
        let way = serde_urlencoded::to_string([("return_to", address)]).unwrap_or_default();
        Self { address: format!("/login?{way}"), cookies: Vec::new() }
    }

    /// For somebody who is logged in, but gave a secret too long ago.
    pub(super) fn again(path: &'static str) -> Self {
        Self { address: format!("/login?again=1&return_to={path}"), cookies: Vec::new() }
    }
}

impl IntoResponse for ToLogin {
    fn into_response(self) -> Response {
        with_cookies(self.cookies, Redirect::to(&self.address).into_response())
    }
}

fn with_cookies(cookies: Vec<HeaderValue>, mut response: Response) -> Response {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

impl Visit {
    /// The session of this browser, whatever it opens.
    pub(super) fn session(&self) -> Option<&Session> {
        let known = self.member.as_ref().or(self.guest.as_ref());
        known.map(|known| &known.session).or(self.reading.as_ref())
    }

    /// Whether a person reads here who has not logged in.
    pub(super) fn reads_only(&self) -> bool {
        self.guest.is_some() || self.reading.is_some()
    }

    /// Whether an order has to wait for a log-in: the account is confirmed, and not by this browser.
    pub(super) fn must_log_in(&self) -> bool {
        self.reading.is_some()
    }

    /// A mail to `email`, asked for here.
    pub(super) fn asks<'a>(&'a self, email: &'a Address) -> MailRequest<'a> {
        MailRequest { email, words: &self.words, client: self.client }
    }

    /// What pages are drawn with for this browser.
    pub(super) fn sheet(&self, pages: &Pages) -> Sheet {
        let of = (self.holder, self.here.clone(), self.site.clone());
        let may_leave = self.member.is_some() || self.reading.is_some();
        Sheet::of(pages, self.words.clone(), of).for_member(may_leave)
    }

    /// The same on a page of `site`, wherever the browser came from with these `headers`.
    pub(super) fn on(self, site: Arc<LiveSite>, headers: &HeaderMap, secure: bool) -> Self {
        let account = self.member.as_ref().and_then(|member| member.reader.language);
        let words = sheet::words(headers, (Some(&site), account), secure);
        Self { words, site: Some(site), ..self }
    }

    /// The reader, or the way to the log-in page and back to `path`. A person with a provisional account
    /// here learns what to do first.
    pub(super) fn member_or_login(self, path: &'static str) -> Result<Member, ToLogin> {
        let address = match self.guest {
            Some(_) => "/subscribe/welcome".to_owned(),
            None => format!("/login?return_to={path}"),
        };
        self.member.ok_or(ToLogin { address, cookies: self.cookies })
    }

    /// As [`Visit::member_or_login`], and also whoever began the account here while it is
    /// provisional: who has just subscribed may leave at once.
    pub(super) fn owner_or_login(mut self, path: &'static str) -> Result<Member, ToLogin> {
        match self.guest.take() {
            Some(guest) => Ok(guest),
            None => self.member_or_login(path),
        }
    }

    /// Gives the browser the cookie that its forms are tied to, where it has none yet, and takes
    /// that of a session which has ended.
    pub(super) fn seal(self, response: Response) -> Response {
        with_cookies(self.cookies, response)
    }
}

/// The device behind a request of a browser.
pub(super) fn device(headers: &HeaderMap, client: ClientIp) -> Device {
    Device { name: device_name(user_agent(headers)), keeps: SecretKind::Cookie, client }
}

/// Leads somebody who has just logged in to `path`, with the session's cookie. The session that
/// this browser had before, if any, ends: a new one at each log-in.
pub(super) async fn enter(
    pages: &Pages,
    logged_in: &LoggedIn,
    before: Option<&Session>,
    path: &str,
) -> Result<Response, ApiError> {
    if let Some(session) = before {
        pages.accounts.replace_session(session.caller(), logged_in).await?;
    }
    let mut response = lead(path);
    let life = Some(pages.accounts.lifetimes.total);
    let cookie = cookies::set(Name::Session, &logged_in.secret, life, pages.secure);
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    // Whoever logs out again is still spoken to in the same language.
    Ok(match logged_in.reader.language {
        Some(language) => speaking(pages, language, response),
        None => response,
    })
}

/// The same answer, from which the browser keeps the language.
pub(super) fn speaking(pages: &Pages, language: Language, mut response: Response) -> Response {
    if let Some(cookie) = cookies::set_language(language, pages.secure) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Leads to `path` without the session's cookie.
pub(super) fn leave(pages: &Pages, path: &str) -> Response {
    let mut response = Redirect::to(path).into_response();
    if let Some(cookie) = cookies::clear(Name::Session, pages.secure) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
