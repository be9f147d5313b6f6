//! `/subscribe/welcome`: what was begun, the way back to the article, and what is left to do.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::facts::SubscriptionView;
use crate::{
    auth::form,
    billing::subscription::model::{State as Stands, Subscription},
    language::Words,
    mail::address::Address,
    reader::{
        accounts::AccountError,
        pages::{
            Pages,
            halt::Halt,
            refusal::{self, Refusal},
            return_to,
            sheet::Sheet,
            submitted::{Nothing, Submitted},
            view::{self, Problem},
            visit::{Member, Visit},
        },
    },
};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Came {
    #[serde(default)]
    return_to: String,
    /// That the mail was sent once more.
    sent: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Correction {
    #[serde(default)]
    email: String,
}

#[derive(Template)]
#[template(path = "reader/templates/subscription/welcome.html", config = ".config/askama.toml")]
struct WelcomeTemplate<'a> {
    sheet: &'a Sheet,
    description: &'static str,
    problems: Vec<Problem<'a>>,
    publisher: &'a str,
    token_field: &'static str,
    logged_in: bool,
    lead: String,
    facts: Vec<(String, String)>,
    back: String,
    bank: Option<String>,
    /// What is still to be done, where the account is provisional.
    confirm: Option<String>,
    sent: bool,
    email: String,
    email_error: Option<String>,
    cancels: bool,
}

/// What the correction of an address was refused for.
struct Wrong {
    status: StatusCode,
    typed: String,
    why: String,
}

/// The address of this page, which then leads back to `return_to`.
pub(super) fn address(return_to: Option<&str>) -> String {
    let query = return_to.and_then(|to| serde_urlencoded::to_string([("return_to", to)]).ok());
    query.map_or_else(
        || "/subscribe/welcome".to_owned(),
        |query| format!("/subscribe/welcome?{query}"),
    )
}

fn lead(words: &Words, it: &Subscription, bank: bool) -> String {
    let dated = |id: &str| {
        let date = it.period().map(|period| words.day(period.end)).unwrap_or_default();
        words.with(id, &[("date", date.into())])
    };
    match &it.state {
        _ if bank => words.say("subscribe-welcome-confirm"),
        Stands::Trialing { .. } => dated("subscribe-welcome-trial"),
        Stands::Active(_) | Stands::PastDue { .. } => dated("subscribe-welcome-paid"),
        Stands::Incomplete { .. } => words.say("subscribe-welcome-pending"),
        _ => words.say("subscribe-welcome-ended"),
    }
}

async fn draw(
    pages: &Pages,
    sheet: &Sheet,
    member: &Member,
    (came, wrong): (&Came, Option<Wrong>),
) -> Result<Response, Halt> {
    let billing = &pages.accounts.billing;
    let reader = &member.reader;
    let Some(it) = billing.list(reader.id).await?.into_iter().next() else {
        return Ok(Redirect::to("/subscribe").into_response());
    };
    let confirm_at = billing.confirm_at(&it).await?;
    let site = reader.site.as_deref().and_then(|site| pages.accounts.directory.site(site));
    let origins = site.as_ref().map_or(&[][..], |site| &site.site.origins);
    let back = return_to::back(&came.return_to, origins).map(String::from);
    let home = || origins.first().cloned().unwrap_or_else(|| "/account".to_owned());
    let words = &sheet.words;
    let provisional = member.session.reads_only && reader.email_verified_at.is_none();
    let written_to = [("email", reader.email.typed().into())];
    let view = SubscriptionView::of(words, &it, false);
    let (status, email, email_error) = match wrong {
        Some(Wrong { status, typed, why }) => (status, typed, Some(why)),
        None => (StatusCode::OK, reader.email.typed().to_owned(), None),
    };
    let template = WelcomeTemplate {
        sheet,
        description: "",
        problems: Vec::new(),
        publisher: &pages.publisher,
        token_field: form::FIELD,
        logged_in: !member.session.reads_only,
        lead: lead(words, &it, confirm_at.is_some()),
        facts: view.facts,
        back: back.unwrap_or_else(home),
        bank: confirm_at,
        confirm: provisional.then(|| words.with("subscribe-welcome-mail", &written_to)),
        sent: came.sent.is_some(),
        email,
        email_error,
        cancels: provisional && view.cancels,
    };
    Ok(view::answer(status, template.render()))
}

pub(super) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    Query(came): Query<Came>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let Some(member) = visit.session() else {
        return Ok(Redirect::to("/login?return_to=/account").into_response());
    };
    draw(&pages, &sheet, &member, (&came, None)).await
}

pub(super) async fn send_again(
    State(pages): State<Pages>,
    Submitted { visit, .. }: Submitted<Nothing>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let Some(guest) = visit.guest else {
        return Ok(Redirect::to("/account").into_response());
    };
    match pages.accounts.ask_to_confirm(&guest.reader).await {
        Ok(()) => Ok(Redirect::to("/subscribe/welcome?sent=1").into_response()),
        Err(error @ AccountError::TooMany(_)) => {
            let refused = refusal::of(&sheet.words, error, "email")?;
            let (status, typed) = (refused.status, guest.reader.email.typed().to_owned());
            let wrong = Wrong { status, typed, why: refused.words.clone() };
            let response = draw(&pages, &sheet, &guest, (&Came::default(), Some(wrong))).await?;
            Ok(refused.seal(response))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn correct(
    State(pages): State<Pages>,
    Submitted { visit, fields: Correction { email } }: Submitted<Correction>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let Some(guest) = visit.guest else {
        return Ok(Redirect::to("/account").into_response());
    };
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let (status, why) = match Address::parse(&email) {
        Err(_) => (unprocessable, Refusal::of_email(&sheet.words).words),
        Ok(address) => match pages.accounts.correct(&guest.reader, &address).await {
            Ok(true) => return Ok(Redirect::to("/subscribe/welcome?sent=1").into_response()),
            Ok(false) => (StatusCode::CONFLICT, sheet.words.say("subscribe-welcome-taken")),
            Err(error) => {
                let refused = refusal::of(&sheet.words, error, "email")?;
                (refused.status, refused.words)
            }
        },
    };
    let wrong = Wrong { status, typed: email, why };
    draw(&pages, &sheet, &guest, (&Came::default(), Some(wrong))).await
}
