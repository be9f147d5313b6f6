//! `/newsletters/preferences` and leaving: by links that were mailed, without an account.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    form::{Sent, Ticked},
    sign_up::choose_again,
    view::{NewsForm, NewsPage, draw, groups, link_over, to_preferences, to_sign_up},
};
use crate::{
    http::problem::ApiError,
    language::Words,
    newsletter::{
        link::Purpose,
        newsletters::{Asking, NewsletterError},
        preferences::{Change, Linked, Preferences},
    },
    reader::pages::{
        Pages, refusal,
        sign_up::{Opened, Token},
        submitted::Submitted,
        visit::Visit,
    },
};

const ACTION: &str = "/newsletters/preferences";
const LEAVE: &str = "/newsletters/leave";

/// The browser on a page of the site that the link belongs to, in whichever browser it is opened.
async fn at_home(
    pages: &Pages,
    visit: Visit,
    link: (Purpose, &str),
    headers: &HeaderMap,
) -> Result<Visit, ApiError> {
    let here = visit.site.as_deref().map(|site| site.site.id.as_str());
    let home = pages.newsletters.site_of(link, here).await?;
    let site = home.and_then(|id| pages.accounts.directory.site(&id));
    Ok(match site {
        Some(site) => visit.on(site, headers, pages.secure),
        None => visit,
    })
}

fn preferences_page(pages: &Pages, found: &Preferences, token: &str, words: &Words) -> NewsPage {
    let catalog = pages.newsletters.catalogs.current();
    let address = [("address", (&found.masked).into())];
    NewsPage {
        title: words.say("newsletter-preferences-title"),
        lead: words.with("newsletter-preferences-lead", &address),
        form: Some(NewsForm {
            action: ACTION,
            hidden: vec![("token", token.to_owned())],
            groups: groups(&catalog, None, &found.lists, words),
            consent: Some(words.say("newsletter-consent")),
            button: words.say("newsletter-save"),
            leave_all: Some(words.say("newsletter-leave-all")),
            ..NewsForm::default()
        }),
        ..NewsPage::default()
    }
}

pub(in crate::reader::pages) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    headers: HeaderMap,
    Query(Token { token }): Query<Token>,
) -> Result<Response, ApiError> {
    let visit = at_home(&pages, visit, (Purpose::Preferences, &token), &headers).await?;
    let words = visit.words.clone();
    let (status, page) = match pages.newsletters.preferences(&token).await {
        Ok(found) => (StatusCode::OK, preferences_page(&pages, &found, &token, &words)),
        Err(NewsletterError::InvalidLink) => (StatusCode::NOT_FOUND, link_over(&words)),
        Err(error) => return Err(error.into()),
    };
    let sheet = visit.sheet(&pages);
    Ok(visit.seal(draw(&pages, status, &page, &sheet)))
}

pub(in crate::reader::pages) async fn change(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<Sent>,
) -> Result<Response, ApiError> {
    let Some(ticked) = Ticked::read(fields) else {
        return Ok(refusal::unreadable(&pages, &visit.sheet(&pages)));
    };
    let link = (Purpose::Preferences, ticked.token.as_str());
    let visit = at_home(&pages, visit, link, &headers).await?;
    let words = visit.words.clone();
    let site = visit.site.as_deref();
    let asking = Asking { words: &words, site, client: visit.client };
    let changed = pages.newsletters.change(&ticked.token, &ticked.lists, asking).await;
    let (status, notice, alert) = match changed {
        Ok(Change::Done) => (StatusCode::OK, Some(words.say("newsletter-saved")), None),
        Ok(Change::Asked) => (StatusCode::ACCEPTED, Some(words.say("newsletter-asked")), None),
        Err(NewsletterError::Choice(invalid)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, None, Some(choose_again(invalid, &words)))
        }
        Err(NewsletterError::InvalidLink) => {
            let sheet = visit.sheet(&pages);
            return Ok(draw(&pages, StatusCode::UNAUTHORIZED, &link_over(&words), &sheet));
        }
        Err(error) => return Err(error.into()),
    };
    let found = pages.newsletters.preferences(&ticked.token).await?;
    let page = preferences_page(&pages, &found, &ticked.token, &words);
    let page = NewsPage { alert, notice, ..page };
    let sheet = visit.sheet(&pages);
    Ok(draw(&pages, status, &page, &sheet))
}

/// The name of the newsletter behind a link, as far as there is one.
fn name(pages: &Pages, linked: Option<&Linked>, words: &Words) -> String {
    let lists: Vec<String> = linked.into_iter().map(|linked| linked.list.clone()).collect();
    let mut names = pages.newsletters.names(&lists, words);
    names.pop().unwrap_or_else(|| words.say("newsletter-gone"))
}

/// What `List-Unsubscribe` leads people to; programs send a `POST` to the same address.
pub(in crate::reader::pages) async fn leave_form(
    State(pages): State<Pages>,
    visit: Visit,
    headers: HeaderMap,
    Query(Token { token }): Query<Token>,
) -> Result<Response, ApiError> {
    let visit = at_home(&pages, visit, (Purpose::Unsubscribe, &token), &headers).await?;
    let words = visit.words.clone();
    let (status, page) = match pages.newsletters.linked(&token).await {
        Ok(Some(linked)) if linked.received => {
            (StatusCode::OK, leave_page(&pages, &linked, &token, &words))
        }
        Ok(linked) => (StatusCode::OK, left_page(&pages, linked.as_ref(), &words)),
        Err(NewsletterError::InvalidLink) => (StatusCode::NOT_FOUND, link_over(&words)),
        Err(error) => return Err(error.into()),
    };
    let sheet = visit.sheet(&pages);
    Ok(visit.seal(draw(&pages, status, &page, &sheet)))
}

fn leave_page(pages: &Pages, linked: &Linked, token: &str, words: &Words) -> NewsPage {
    let name = [("newsletter", name(pages, Some(linked), words).into())];
    NewsPage {
        title: words.with("newsletter-leave-title", &name),
        lead: words.say("newsletter-leave-lead"),
        form: Some(NewsForm {
            action: LEAVE,
            hidden: vec![("token", token.to_owned())],
            button: words.say("newsletter-leave"),
            ..NewsForm::default()
        }),
        links: vec![to_preferences(&linked.preferences, words)],
        ..NewsPage::default()
    }
}

fn left_page(pages: &Pages, linked: Option<&Linked>, words: &Words) -> NewsPage {
    let name = [("newsletter", name(pages, linked, words).into())];
    NewsPage {
        title: words.with("newsletter-left-title", &name),
        lead: words.say("newsletter-left-lead"),
        links: vec![match linked {
            Some(linked) => to_preferences(&linked.preferences, words),
            None => to_sign_up(words),
        }],
        ..NewsPage::default()
    }
}

pub(in crate::reader::pages) async fn leave(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, ApiError> {
    let visit = at_home(&pages, visit, (Purpose::Unsubscribe, &token), &headers).await?;
    let words = visit.words.clone();
    let (status, page) = match pages.newsletters.unsubscribe(&token).await {
        Ok(()) => {
            let linked = pages.newsletters.linked(&token).await?;
            (StatusCode::OK, left_page(&pages, linked.as_ref(), &words))
        }
        Err(NewsletterError::InvalidLink) => (StatusCode::UNAUTHORIZED, link_over(&words)),
        Err(error) => return Err(error.into()),
    };
    Ok(draw(&pages, status, &page, &visit.sheet(&pages)))
}
