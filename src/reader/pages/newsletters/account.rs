//! `/account/newsletters`: what a reader receives who is logged in. The mailbox has answered for
//! the account, so what is ticked begins at once.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    form::{Sent, Ticked},
    sign_up::choose_again,
    view::{NewsForm, NewsPage, draw, groups},
};
use crate::{
    language::Words,
    newsletter::newsletters::NewsletterError,
    reader::pages::{
        Pages,
        halt::Halt,
        refusal,
        submitted::Submitted,
        visit::{Member, Visit},
    },
};

const PATH: &str = "/account/newsletters";

#[derive(Deserialize)]
pub(in crate::reader::pages) struct After {
    saved: Option<String>,
}

async fn member_page(
    pages: &Pages,
    member: &Member,
    words: &Words,
) -> Result<NewsPage, NewsletterError> {
    let email = &member.reader.email;
    let received = pages.newsletters.received_by(email).await?;
    let ticked: Vec<String> = received.into_iter().map(|(newsletter, _)| newsletter.id).collect();
    let catalog = pages.newsletters.catalogs.current();
    let address = [("address", email.typed().into())];
    Ok(NewsPage {
        title: words.say("newsletter-preferences-title"),
        lead: words.with("newsletter-preferences-lead", &address),
        form: Some(NewsForm {
            action: PATH,
            groups: groups(&catalog, None, &ticked, words),
            consent: Some(words.say("newsletter-consent")),
            button: words.say("newsletter-save"),
            leave_all: Some(words.say("newsletter-leave-all")),
            ..NewsForm::default()
        }),
        links: vec![("/account".to_owned(), words.say("newsletter-to-account"))],
        ..NewsPage::default()
    })
}

pub(in crate::reader::pages) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    Query(After { saved }): Query<After>,
) -> Result<Response, Halt> {
    let words = visit.words.clone();
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login(PATH)?;
    let page = member_page(&pages, &member, &words).await?;
    let notice = saved.map(|_| words.say("newsletter-saved"));
    Ok(draw(&pages, StatusCode::OK, &NewsPage { notice, ..page }, &sheet))
}

pub(in crate::reader::pages) async fn change(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<Sent>,
) -> Result<Response, Halt> {
    let words = visit.words.clone();
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login(PATH)?;
    let Some(ticked) = Ticked::read(fields) else {
        return Ok(refusal::unreadable(&pages, &sheet));
    };
    match pages.newsletters.set(&member.reader.email, &ticked.lists, &words).await {
        Ok(()) => Ok(Redirect::to("/account/newsletters?saved=1").into_response()),
        Err(NewsletterError::Choice(invalid)) => {
            let page = member_page(&pages, &member, &words).await?;
            let alert = Some(choose_again(invalid, &words));
            let page = NewsPage { alert, ..page };
            Ok(draw(&pages, StatusCode::UNPROCESSABLE_ENTITY, &page, &sheet))
        }
        Err(error) => Err(error.into()),
    }
}
