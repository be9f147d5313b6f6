//! `/newsletters`: signing up without an account, and answering the mail.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    form::{Sent, Ticked},
    view::{EmailField, NewsForm, NewsPage, draw, groups, link_over, to_preferences, to_sign_up},
};
use crate::{
    http::problem::ApiError,
    language::Words,
    mail::address::{Address, InvalidAddress},
    newsletter::{
        model::InvalidChoice,
        newsletters::{Asking, Confirmed, NewsletterError},
    },
    reader::pages::{
        Pages, refusal,
        sign_up::{Opened, Token},
        submitted::Submitted,
        visit::Visit,
    },
};

const ACTION: &str = "/newsletters";
const CONFIRM: &str = "/newsletters/confirm";

/// What is ticked already for whoever comes from elsewhere.
#[derive(Deserialize)]
pub(in crate::reader::pages) struct Prefill {
    list: Option<String>,
    /// Only the newsletters of this site.
    site: Option<String>,
}

fn wish_page(pages: &Pages, ticked: &Ticked, words: &Words) -> NewsPage {
    let catalog = pages.newsletters.catalogs.current();
    let title = words.say("newsletter-title");
    let groups = groups(&catalog, ticked.site.as_deref(), &ticked.lists, words);
    if groups.is_empty() {
        return NewsPage { title, lead: words.say("newsletter-none"), ..NewsPage::default() };
    }
    let site = ticked.site.iter().map(|site| ("site", site.clone()));
    let form = NewsForm {
        action: ACTION,
        hidden: site.collect(),
        groups,
        email: Some(EmailField {
            label: words.say("newsletter-email"),
            value: ticked.email.clone(),
            error: None,
        }),
        consent: Some(words.say("newsletter-consent")),
        button: words.say("newsletter-sign-up"),
        ..NewsForm::default()
    };
    NewsPage {
        title,
        description: words.say("newsletter-description"),
        lead: words.say("newsletter-lead"),
        form: Some(form),
        ..NewsPage::default()
    }
}

pub(in crate::reader::pages) async fn form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Prefill { list, site }): Query<Prefill>,
) -> Response {
    let words = visit.words.clone();
    let email = visit.member.as_ref().map(|member| member.reader.email.typed().to_owned());
    let lists = list.into_iter().collect();
    let ticked = Ticked { lists, site, email: email.unwrap_or_default(), ..Ticked::default() };
    let page = wish_page(&pages, &ticked, &words);
    let sheet = visit.sheet(&pages);
    let response = draw(&pages, StatusCode::OK, &page, &sheet);
    visit.seal(response)
}

pub(in crate::reader::pages) async fn ask(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<Sent>,
) -> Result<Response, ApiError> {
    let words = visit.words.clone();
    let Some(ticked) = Ticked::read(fields) else {
        return Ok(refusal::unreadable(&pages, &visit.sheet(&pages)));
    };
    let mut page = wish_page(&pages, &ticked, &words);
    let named = ticked.site.as_deref().and_then(|id| pages.accounts.directory.site(id));
    let site = named.as_deref().or(visit.site.as_deref());
    let asking = Asking { words: &words, site, client: visit.client };
    match Address::parse(&ticked.email) {
        Err(rule) => {
            let words = match rule {
                InvalidAddress::Malformed => words.say("newsletter-email-invalid"),
                InvalidAddress::LookAlike => words.say("page-refused-lookalike"),
            };
            let field = page.form.as_mut().and_then(|form| form.email.as_mut());
            if let Some(field) = field {
                field.error = Some(words);
            }
        }
        Ok(email) => match pages.newsletters.ask(&email, &ticked.lists, asking).await {
            Ok(()) => return Ok(look_into_mail(&pages, &visit)),
            Err(NewsletterError::Choice(invalid)) => {
                page.alert = Some(choose_again(invalid, &words));
            }
            Err(error) => return Err(error.into()),
        },
    }
    let sheet = visit.sheet(&pages);
    Ok(draw(&pages, StatusCode::UNPROCESSABLE_ENTITY, &page, &sheet))
}

/// What is wrong with what was ticked.
pub(super) fn choose_again(invalid: InvalidChoice, words: &Words) -> String {
    match invalid {
        InvalidChoice::Nothing => words.say("newsletter-choose-one"),
        InvalidChoice::Unknown => words.say("newsletter-unknown"),
    }
}

/// The same for every address.
fn look_into_mail(pages: &Pages, visit: &Visit) -> Response {
    let words = &visit.words;
    let page = NewsPage {
        title: words.say("newsletter-sent-title"),
        lead: words.say("newsletter-sent-lead"),
        links: vec![to_sign_up(words)],
        ..NewsPage::default()
    };
    draw(pages, StatusCode::ACCEPTED, &page, &visit.sheet(pages))
}

/// Programs that look at mails open links too, so opening one changes nothing.
pub(in crate::reader::pages) async fn confirm_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Result<Response, ApiError> {
    let words = visit.words.clone();
    let (status, page) = match pages.newsletters.asked(&token).await {
        Ok(lists) => (StatusCode::OK, confirm_page(&pages, &lists, &token, &words)),
        Err(NewsletterError::InvalidLink) => (StatusCode::NOT_FOUND, link_over(&words)),
        Err(error) => return Err(error.into()),
    };
    let sheet = visit.sheet(&pages);
    let response = draw(&pages, status, &page, &sheet);
    Ok(visit.seal(response))
}

fn confirm_page(pages: &Pages, lists: &[String], token: &str, words: &Words) -> NewsPage {
    let names = words.list(&pages.newsletters.names(lists, words));
    NewsPage {
        title: words.say("newsletter-confirm-title"),
        lead: words.with("newsletter-confirm-lead", &[("newsletters", names.into())]),
        form: Some(NewsForm {
            action: CONFIRM,
            hidden: vec![("token", token.to_owned())],
            consent: Some(words.say("newsletter-consent")),
            button: words.say("newsletter-confirm"),
            ..NewsForm::default()
        }),
        ..NewsPage::default()
    }
}

pub(in crate::reader::pages) async fn confirm(
    State(pages): State<Pages>,
    Submitted { visit, fields: Opened { token } }: Submitted<Opened>,
) -> Result<Response, ApiError> {
    let words = visit.words.clone();
    let (status, page) = match pages.newsletters.confirm(&token).await {
        Ok(confirmed) => (StatusCode::OK, confirmed_page(&pages, &confirmed, &words)),
        Err(NewsletterError::InvalidLink) => (StatusCode::UNAUTHORIZED, link_over(&words)),
        Err(error) => return Err(error.into()),
    };
    Ok(draw(&pages, status, &page, &visit.sheet(&pages)))
}

fn confirmed_page(pages: &Pages, confirmed: &Confirmed, words: &Words) -> NewsPage {
    let names = words.list(&pages.newsletters.names(&confirmed.lists, words));
    let (title, lead) = if confirmed.before {
        (words.say("newsletter-before-title"), words.say("newsletter-before-lead"))
    } else {
        let names = [("newsletters", names.into())];
        let lead = words.with("newsletter-confirmed-lead", &names);
        (words.say("newsletter-confirmed-title"), lead)
    };
    let token = confirmed.preferences.as_deref();
    let link = token.map_or_else(|| to_sign_up(words), |token| to_preferences(token, words));
    NewsPage { title, lead, links: vec![link], ..NewsPage::default() }
}
