//! Taking a cancellation back, or a pause: what would be charged again, and the button beside it.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    agreement::{of_form, pays_now, renews_again, sealed, way_out},
    cancel::nothing,
    card_turn,
    facts::{price, rate_of},
    problem,
};
use crate::{
    billing::{
        consent::Shown,
        engine::BillingError,
        subscription::model::{State as Stands, Subscription},
    },
    clock::Timestamp,
    http::client_ip::ClientIp,
    language::Words,
    reader::pages::{
        Pages,
        fields::Form,
        halt::Halt,
        sheet::Sheet,
        submitted::Submitted,
        view::{self, Page, link},
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeForm {
    id: String,
    /// The fingerprint of what stood beside the button.
    #[serde(default)]
    shown: String,
}

/// What is paid, and when, once it goes on; `None` where there is nothing to take back, or where it
/// takes a card to go on.
fn agreement(words: &Words, it: &Subscription, now: Timestamp) -> Option<Vec<String>> {
    if matches!(it.state, Stands::Paused { .. }) {
        return if it.waits_for_card() { None } else { pays_now(words, it, now) };
    }
    let (resumed, _) = it.clone().resume(now).ok()?;
    // Without a card nothing is charged.
    let charged = resumed.next_charge();
    let rate = |terms| rate_of(words, terms, &it.country);
    let line = charged.map(|(at, terms)| renews_again(words, &rate(terms), at));
    Some(line.into_iter().collect())
}

/// The form that takes it back, sent to `action` with `hidden`; `None` where nothing can be.
pub(super) fn form(
    pages: &Pages,
    words: &Words,
    it: &Subscription,
    (action, hidden): (&'static str, (&'static str, String)),
) -> Option<Form> {
    let now = pages.accounts.clock.now();
    let mut lines = agreement(words, it, now)?;
    lines.push(way_out(words, &pages.accounts.public_url));
    let form = Form {
        heading: it.terms.plan.name.in_language(words.language).to_owned(),
        text: lines.join(" "),
        hidden: vec![hidden],
        ..Form::new(action, button(words, it))
    };
    Some(sealed(words, form))
}

/// A pause ends with a payment, a cancellation is taken back.
fn button(words: &Words, it: &Subscription) -> String {
    if !matches!(it.state, Stands::Paused { .. }) {
        return words.say("plan-do-resume");
    }
    let price = words.money(price(&it.terms, &it.country));
    words.with("plan-do-go-on", &[("price", price.into())])
}

/// What stood on `form`, where that is what the reader saw when they agreed.
pub(super) fn agreed(words: &Words, form: &Form, fingerprint: &str) -> Option<Shown> {
    Some(of_form(words, form)).filter(|shown| shown.fingerprint() == fingerprint)
}

/// The form on a page of its own, because what stands there has moved on.
pub(super) fn shown_again(pages: &Pages, sheet: &Sheet, form: Form) -> Response {
    let words = &sheet.words;
    let page = Page {
        title: form.button.clone(),
        alert: Some(words.say("subscribe-error-moved")),
        forms: vec![form],
        links: vec![link("/account", words.say("account-title"))],
        ..Page::default()
    };
    view::page(pages, StatusCode::CONFLICT, &page, sheet)
}

pub(super) async fn resume(
    State(pages): State<Pages>,
    ClientIp(client): ClientIp,
    Submitted { visit, fields: ResumeForm { id, shown } }: Submitted<ResumeForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.owner_or_login("/account/cancel")?;
    let Ok(id) = Uuid::parse_str(&id) else { return Ok(nothing(&pages, &sheet)) };
    let (billing, of) = (&pages.accounts.billing, (member.reader.id, id));
    let it = match billing.find(of.0, of.1).await {
        Ok(it) => it,
        Err(BillingError::NotFound) => return Ok(nothing(&pages, &sheet)),
        Err(error) => return Err(error.into()),
    };
    let to = ("/account/resume", ("id", id.to_string()));
    // Sent twice, or in another tab: there is nothing to take back any more.
    let Some(form) = form(&pages, &sheet.words, &it, to) else {
        return Ok(Redirect::to("/account").into_response());
    };
    let Some(agreed) = agreed(&sheet.words, &form, &shown) else {
        return Ok(shown_again(&pages, &sheet, form));
    };
    let turn = match card_turn(&pages, of.0, client).await {
        Ok(turn) => turn,
        Err(error) => return problem(&pages, &sheet, error),
    };
    match billing.resume(of, Some(&agreed), &turn).await {
        Ok(_) | Err(BillingError::Refused(_)) => Ok(Redirect::to("/account").into_response()),
        Err(error) => problem(&pages, &sheet, error),
    }
}
