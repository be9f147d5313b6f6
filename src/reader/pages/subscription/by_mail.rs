//! `/mail/…`: what a signed link in a mail does, without logging in. Opening one changes nothing;
//! its button does. The page says nothing of whose subscription it is.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    cancel::done_page,
    card::{self, refusal_of},
    card_turn,
    offer::told,
    problem, resume,
};
use crate::{
    billing::{
        engine::{Billing, BillingError, CancelAt, Cancellation},
        gateway::PaymentMethod,
        link::LinkPurpose,
        subscription::{change::Refusal, model::Subscription},
    },
    db::StoreError,
    http::client_ip::ClientIp,
    language::Words,
    mail::clicks,
    reader::pages::{
        Pages,
        fields::Form,
        halt::Halt,
        sheet::Sheet,
        submitted::Sent,
        view::{self, Page, link},
        visit::Visit,
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    token: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeForm {
    token: String,
    /// The fingerprint of what stood beside the button.
    #[serde(default)]
    shown: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CardForm {
    token: String,
    #[serde(default)]
    payment_method: String,
    /// The fingerprint of what stood beside the button.
    #[serde(default)]
    shown: String,
}

/// The subscription that the link is for; `None` where the link is none of ours, or is over, or
/// what it was for is gone.
async fn meant(
    pages: &Pages,
    purpose: LinkPurpose,
    token: &str,
) -> Result<Option<Subscription>, BillingError> {
    let billing = &pages.accounts.billing;
    let Some(id) = billing.links.verify(purpose, token, billing.clock.now()) else {
        return Ok(None);
    };
    match billing.lookup(id).await {
        Ok(it) => Ok(Some(it)),
        Err(BillingError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The mail that the link stands in was acted on. What was done is done where that cannot be noted:
/// only whoever looks at the mails misses it.
async fn clicked(pages: &Pages, token: &str) {
    if let Err(error) = note_click(&pages.accounts.billing, token).await {
        tracing::warn!("a click in a mail could not be noted: {error}");
    }
}

async fn note_click(billing: &Billing, token: &str) -> Result<(), StoreError> {
    let mut tx = billing.db.write().await?;
    clicks::note(&mut tx, token, billing.clock.now()).await?;
    tx.commit().await
}

fn over(pages: &Pages, sheet: &Sheet) -> Response {
    let words = &sheet.words;
    let links = vec![
        link("/account", words.say("account-title")),
        link("/cancel", words.say("plan-cancel-title")),
    ];
    told(pages, sheet, StatusCode::GONE, ("plan-link-over-title", "plan-link-over"), links)
}

fn until(words: &Words, it: &Subscription) -> String {
    it.period().map(|period| words.day(period.end)).unwrap_or_default()
}

/// The page with the link's button; `chosen` is the card that was chosen before. `None` where there is
/// nothing to take back.
fn button_page(
    (pages, words): (&Pages, &Words),
    it: &Subscription,
    (purpose, token): (LinkPurpose, &str),
    chosen: &str,
) -> Option<Page> {
    let plan = ("plan", it.terms.plan.name.in_language(words.language).into());
    let variables = [plan, ("date", until(words, it).into())];
    let hidden = ("token", token.to_owned());
    let (title, form) = match purpose {
        LinkPurpose::Cancel => {
            let form = Form {
                text: words.with("plan-cancel-what", &variables),
                is_danger: true,
                ..Form::new(purpose.path(), words.say("plan-cancel-button"))
            };
            ("plan-cancel-title", Form { hidden: vec![hidden], ..form })
        }
        LinkPurpose::Resume => {
            let form = resume::form(pages, words, it, (purpose.path(), hidden))?;
            ("plan-resume-title", form)
        }
        LinkPurpose::Card => {
            let form = card::form((pages, words), it, (purpose.path(), hidden), chosen);
            let title = card::title(words, it);
            return Some(Page { title, forms: vec![form], ..Page::default() });
        }
    };
    Some(Page { title: words.say(title), forms: vec![form], ..Page::default() })
}

async fn open(
    pages: &Pages,
    visit: Visit,
    purpose: LinkPurpose,
    token: &str,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(pages);
    let Some(it) = meant(pages, purpose, token).await? else {
        return Ok(over(pages, &sheet));
    };
    let done = match purpose {
        LinkPurpose::Cancel => it.cancels_at_period_end() || it.state.ended().is_some(),
        LinkPurpose::Resume => !it.cancels_at_period_end(),
        LinkPurpose::Card => it.state.ended().is_some(),
    };
    let page = match (done, purpose) {
        (false, _) => button_page((pages, &sheet.words), &it, (purpose, token), ""),
        (true, LinkPurpose::Cancel) => Some(done_page(&sheet.words, &it, false)),
        (true, _) => None,
    };
    let Some(page) = page else { return Ok(nothing_to_do(pages, &sheet)) };
    Ok(visit.seal(view::page(pages, StatusCode::OK, &page, &sheet)))
}

fn nothing_to_do(pages: &Pages, sheet: &Sheet) -> Response {
    let words = &sheet.words;
    let links = vec![link("/account", words.say("account-title"))];
    let said = ("plan-nothing-to-do-title", "plan-nothing-to-do");
    told(pages, sheet, StatusCode::OK, said, links)
}

pub(super) async fn cancel_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Result<Response, Halt> {
    open(&pages, visit, LinkPurpose::Cancel, &token).await
}

pub(super) async fn resume_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Result<Response, Halt> {
    open(&pages, visit, LinkPurpose::Resume, &token).await
}

pub(super) async fn card_form(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Token { token }): Query<Token>,
) -> Result<Response, Halt> {
    open(&pages, visit, LinkPurpose::Card, &token).await
}

/// The token alone is asked for, no cookie: leaving works in every browser.
pub(super) async fn cancel(
    State(pages): State<Pages>,
    Sent { visit, fields: Token { token } }: Sent<Token>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let Some(it) = meant(&pages, LinkPurpose::Cancel, &token).await? else {
        return Ok(over(&pages, &sheet));
    };
    let billing = &pages.accounts.billing;
    let cancellation = Cancellation { at: CancelAt::PeriodEnd, comment: None };
    let it = match billing.cancel((it.reader, it.id), cancellation).await {
        Ok(canceled) => canceled,
        // It has come to an end meanwhile, which is what was wanted.
        Err(BillingError::Refused(Refusal::InvalidTransition(_))) => billing.lookup(it.id).await?,
        Err(error) => return problem(&pages, &sheet, error),
    };
    clicked(&pages, &token).await;
    let page = done_page(&sheet.words, &it, false);
    Ok(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn resume(
    State(pages): State<Pages>,
    ClientIp(client): ClientIp,
    Sent { visit, fields: ResumeForm { token, shown } }: Sent<ResumeForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let purpose = LinkPurpose::Resume;
    let Some(it) = meant(&pages, purpose, &token).await? else {
        return Ok(over(&pages, &sheet));
    };
    let to = (purpose.path(), ("token", token.clone()));
    let form = resume::form(&pages, &sheet.words, &it, to).filter(|_| it.cancels_at_period_end());
    let Some(form) = form else { return Ok(nothing_to_do(&pages, &sheet)) };
    let Some(agreed) = resume::agreed(&sheet.words, &form, &shown) else {
        return Ok(resume::shown_again(&pages, &sheet, form));
    };
    let turn = match card_turn(&pages, it.reader, client).await {
        Ok(turn) => turn,
        Err(error) => return problem(&pages, &sheet, error),
    };
    match pages.accounts.billing.resume((it.reader, it.id), Some(&agreed), &turn).await {
        Ok(_) => {
            clicked(&pages, &token).await;
            Ok(done(&pages, &sheet, "plan-resumed"))
        }
        Err(BillingError::Refused(_)) => Ok(nothing_to_do(&pages, &sheet)),
        Err(error) => problem(&pages, &sheet, error),
    }
}

fn done(pages: &Pages, sheet: &Sheet, lead: &str) -> Response {
    let links = vec![link("/account", sheet.words.say("account-title"))];
    told(pages, sheet, StatusCode::OK, ("plan-done-title", lead), links)
}

pub(super) async fn card(
    State(pages): State<Pages>,
    ClientIp(client): ClientIp,
    Sent { visit, fields }: Sent<CardForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let purpose = LinkPurpose::Card;
    let Some(it) = meant(&pages, purpose, &fields.token).await? else {
        return Ok(over(&pages, &sheet));
    };
    let refuse = |(status, why): (StatusCode, &str)| {
        let words = &sheet.words;
        let of = (purpose, fields.token.as_str());
        let page = button_page((&pages, words), &it, of, &fields.payment_method);
        let Some(page) = page else { return Ok(nothing_to_do(&pages, &sheet)) };
        let page = page.refused(purpose.path(), Some("payment_method"), &words.say(why));
        Ok(view::page(&pages, status, &page, &sheet))
    };
    let to = (purpose.path(), ("token", fields.token.clone()));
    let words = (&pages, &sheet.words);
    let form = card::form(words, &it, to, &fields.payment_method);
    let Ok(agreed) = card::agreed(words, &it, (&form, &fields.shown)) else {
        let page = Page {
            title: card::title(&sheet.words, &it),
            alert: Some(sheet.words.say("subscribe-error-moved")),
            forms: vec![form],
            ..Page::default()
        };
        return Ok(view::page(&pages, StatusCode::CONFLICT, &page, &sheet));
    };
    let Some(method) = PaymentMethod::parse(&fields.payment_method) else {
        return refuse((StatusCode::UNPROCESSABLE_ENTITY, "subscribe-error-card"));
    };
    let billing = &pages.accounts.billing;
    let turn = match card_turn(&pages, it.reader, client).await {
        Ok(turn) => turn,
        Err(error) => return problem(&pages, &sheet, error),
    };
    match billing.pay_by((it.reader, it.id), &method, agreed.as_ref(), &turn).await {
        Ok(changed) => {
            clicked(&pages, &fields.token).await;
            match billing.confirm_at(&changed).await? {
                Some(bank) => Ok(Redirect::to(&bank).into_response()),
                None if it.waits_for_card() => Ok(done(&pages, &sheet, "plan-resumed")),
                None => Ok(done(&pages, &sheet, "plan-card-changed")),
            }
        }
        Err(BillingError::Refused(_)) => Ok(nothing_to_do(&pages, &sheet)),
        Err(error) => match refusal_of(&error) {
            Some(why) => refuse(why),
            None => problem(&pages, &sheet, error),
        },
    }
}
