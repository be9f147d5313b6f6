//! `/subscribe/welcome`: what was begun, the way back to the article, and what is left to do.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    bank,
    facts::SubscriptionView,
    offer::{Wish, told},
};
use crate::{
    auth::form,
    billing::subscription::model::{EndReason, State as Stands, Subscription},
    language::Words,
    mail::address::Address,
    reader::{
        accounts::AccountError,
        model::Reader,
        pages::{
            HOME, Pages,
            halt::Halt,
            refusal::{self, Refusal},
            sheet::Sheet,
            submitted::Submitted,
            view::{self, Problem},
            visit::{Member, ToLogin, Visit},
            way_back::WayBack,
        },
    },
    sandbox,
};

#[derive(Debug, Deserialize)]
pub(super) struct Came {
    /// That the mail was sent once more.
    sent: Option<String>,
}

/// The forms of this page: the mail once more, to another address where one was typed. What the
/// reader came for is kept, and with it the way back to the article.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    #[serde(default)]
    email: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    plan: String,
    #[serde(default)]
    return_to: String,
}

#[derive(Template)]
#[template(path = "reader/templates/subscription/welcome.html", config = ".config/askama.toml")]
struct WelcomeTemplate<'a> {
    sheet: &'a Sheet,
    description: &'static str,
    problems: Vec<Problem<'a>>,
    publisher: &'a str,
    token_field: &'static str,
    lead: String,
    facts: Vec<(String, String)>,
    title: String,
    wish: &'a Wish,
    /// Where to go on, and what that is called.
    next: (String, String),
    /// What else is to be done, where the account is provisional.
    mail: Option<Mail>,
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

/// What is said of the mail that opens the account.
struct Mail {
    title: String,
    lead: String,
}

impl Mail {
    /// To whom we have written; `reads` where articles are open already.
    fn of(words: &Words, email: &str, reads: bool) -> Self {
        let (title, then) = if reads {
            ("subscribe-welcome-mail-title", "subscribe-welcome-reads")
        } else {
            ("subscribe-welcome-mail-later", "subscribe-welcome-reads-later")
        };
        let written = words.with("subscribe-welcome-mail", &[("email", email.into())]);
        Self { title: words.say(title), lead: format!("{written} {}", words.say(then)) }
    }
}

impl Again {
    fn wish(&self) -> Wish {
        let (site, plan) = (self.site.clone(), self.plan.clone());
        Wish { site, plan, return_to: self.return_to.clone(), ..Wish::default() }
    }

    /// This page again, which says that the mail was sent.
    fn sent(&self) -> Response {
        let here = self.wish().welcome();
        let joint = if here.contains('?') { '&' } else { '?' };
        Redirect::to(&format!("{here}{joint}sent=1")).into_response()
    }
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

/// Whether the bank said yes, and then the address turned out to have an account: a mail leads on.
fn is_in_use(reader: &Reader, it: &Subscription) -> bool {
    let reason = it.state.ended().map(|(_, reason)| reason);
    !reader.is_proved() && reason == Some(EndReason::Superseded)
}

fn title(it: &Subscription) -> &'static str {
    match it.state {
        Stands::Incomplete { .. } => "subscribe-welcome-wait",
        _ if it.state.ended().is_some() => "plan-title",
        _ => "subscribe-welcome-title",
    }
}

/// What to do next: answer the bank, wait for it, or read.
fn next(
    words: &Words,
    it: &Subscription,
    (confirm_at, back): (Option<String>, String),
    wish: &Wish,
) -> (String, String) {
    let (href, label) = match (&it.state, confirm_at) {
        (_, Some(bank_page)) => (bank_page, "subscribe-welcome-confirm-action"),
        (Stands::Incomplete { .. }, None) => (wish.welcome(), "subscribe-welcome-look-again"),
        (state, None) if state.ended().is_some() => (wish.here(), "plan-do-subscribe"),
        _ => (back, "subscribe-welcome-back"),
    };
    (href, words.say(label))
}

async fn draw(
    pages: &Pages,
    sheet: &Sheet,
    member: &Member,
    (wish, sent, wrong): (&Wish, bool, Option<Wrong>),
) -> Result<Response, Halt> {
    let reader = &member.reader;
    let Some(it) = pages.accounts.billing.latest(reader.id).await? else {
        return Ok(Redirect::to("/subscribe").into_response());
    };
    if it.state.ended().is_some_and(|(_, reason)| reason == EndReason::PaymentDeclined) {
        return Ok(Redirect::to(&wish.after_refusal()).into_response());
    }
    if is_in_use(reader, &it) {
        let words = ("subscribe-mail-title", "subscribe-mail-lead");
        return Ok(told(pages, sheet, StatusCode::OK, words, Vec::new()));
    }
    let confirm_at = bank(pages, &it, &wish.welcome()).await?;
    let site = reader.site.as_deref().and_then(|site| pages.accounts.directory.site(site));
    let home = || {
        let site = &site.as_ref()?.site;
        // The newspaper of a sandbox is only a part of its site.
        if !pages.secure && site.id == sandbox::SITE {
            return Some(sandbox::NEWSPAPER.to_owned());
        }
        let origin = site.origins.first()?.clone();
        WayBack { site: site.id.clone(), return_to: origin }.href(pages)
    };
    let back = wish.way_back().href(pages).or_else(home).unwrap_or_else(|| HOME.to_owned());
    let words = &sheet.words;
    let provisional = reader.email_verified_at.is_none();
    let reads = !matches!(it.state, Stands::Incomplete { .. }) && it.state.ended().is_none();
    let view = SubscriptionView::of(words, &it, false);
    let (status, email, email_error) = match wrong {
        Some(Wrong { status, typed, why }) => (status, typed, Some(why)),
        None => (StatusCode::OK, reader.email.typed().to_owned(), None),
    };
    let template = WelcomeTemplate {
        sheet,
        description: "",
        problems: Vec::new(),
        publisher: sheet.publisher(pages),
        token_field: form::FIELD,
        title: words.say(title(&it)),
        lead: lead(words, &it, confirm_at.is_some()),
        facts: view.facts,
        wish,
        next: next(words, &it, (confirm_at, back), wish),
        mail: provisional.then(|| Mail::of(words, reader.email.typed(), reads)),
        sent,
        email,
        email_error,
        cancels: provisional && view.cancels,
    };
    Ok(view::answer(status, template.render()))
}

pub(super) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    Query(wish): Query<Wish>,
    Query(Came { sent }): Query<Came>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let Some(member) = visit.member.or(visit.guest) else {
        return Ok(ToLogin::back_to(&wish.welcome()).into_response());
    };
    let of_reader = || member.reader.site.clone().unwrap_or_default();
    let site = if wish.site.is_empty() { of_reader() } else { wish.site.clone() };
    let wish = Wish { site, ..wish };
    // What we do not know is not shown again.
    let return_to = wish.back(&pages).map(String::from).unwrap_or_default();
    let wish = Wish { return_to, ..wish };
    draw(&pages, &sheet, &member, (&wish, sent.is_some(), None)).await
}

pub(super) async fn send_again(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<Again>,
) -> Result<Response, Halt> {
    let (sheet, client) = (visit.sheet(&pages), visit.client);
    let Some(guest) = visit.guest else {
        return Ok(Redirect::to(HOME).into_response());
    };
    match pages.accounts.ask_to_confirm(&guest.reader, client).await {
        Ok(true) => Ok(fields.sent()),
        Ok(false) => Ok(Redirect::to(HOME).into_response()),
        Err(error @ AccountError::TooMany(_)) => {
            let refused = refusal::of(&sheet.words, error, "email")?;
            let (status, typed) = (refused.status, guest.reader.email.typed().to_owned());
            let wrong = Wrong { status, typed, why: refused.words.clone() };
            let of = (&fields.wish(), false, Some(wrong));
            let response = draw(&pages, &sheet, &guest, of).await?;
            Ok(refused.seal(response))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn correct(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<Again>,
) -> Result<Response, Halt> {
    let (sheet, client) = (visit.sheet(&pages), visit.client);
    let Some(guest) = visit.guest else {
        return Ok(Redirect::to(HOME).into_response());
    };
    let refused = match Address::parse(&fields.email) {
        Err(rule) => Refusal::of_email(&sheet.words, rule),
        Ok(address) => match pages.accounts.correct(&guest.reader, &address, client).await {
            Ok(true) => return Ok(fields.sent()),
            Ok(false) => return Ok(Redirect::to(HOME).into_response()),
            Err(error) => refusal::of(&sheet.words, error, "email")?,
        },
    };
    let wish = fields.wish();
    let wrong = Wrong { status: refused.status, typed: fields.email, why: refused.words.clone() };
    let response = draw(&pages, &sheet, &guest, (&wish, false, Some(wrong))).await?;
    Ok(refused.seal(response))
}
