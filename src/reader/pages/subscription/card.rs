//! `/account/card`: paying by another card, and what is overdue with it at once.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    agreement::{first_card, of_form, sealed, way_out},
    cancel::{Which, chosen},
    card_turn, facts,
    offer::methods,
    problem,
};
use crate::{
    billing::{
        consent::Shown,
        engine::BillingError,
        gateway::PaymentMethod,
        subscription::model::{State as Stands, Subscription},
    },
    http::client_ip::ClientIp,
    language::Words,
    reader::pages::{
        Pages,
        fields::{Field, Form, Kind},
        halt::Halt,
        sheet::Sheet,
        submitted::Submitted,
        view::{self, Page, link},
        visit::Visit,
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CardForm {
    id: String,
    #[serde(default)]
    payment_method: String,
    /// The fingerprint of what stood beside the button.
    #[serde(default)]
    shown: String,
}

/// The field in which a card is chosen.
fn field(words: &Words, chosen: &str) -> Field {
    let kind = Kind::Select(methods(words, chosen));
    Field {
        hint: words.say("subscribe-card-hint"),
        ..Field::new("payment_method", words.say("subscribe-card"), kind)
    }
}

/// The form that changes the card of `it`, sent to `action` with `hidden`. `chosen` was chosen before.
/// Where it makes a subscription go on, what will be paid with it stands beside the button.
pub(super) fn form(
    (pages, words): (&Pages, &Words),
    it: &Subscription,
    (action, hidden): (&'static str, (&'static str, String)),
    chosen: &str,
) -> Form {
    let overdue = matches!(it.state, Stands::PastDue { .. });
    let pays = overdue || it.waits_for_card();
    let button = if pays { "plan-card-pay" } else { "plan-card-button" };
    let text = if overdue { "plan-card-overdue" } else { "plan-card-what" };
    let form = Form {
        text: words.say(text),
        fields: vec![field(words, chosen)],
        hidden: vec![hidden],
        ..Form::new(action, words.say(button))
    };
    let Some(mut lines) = first_card(words, it, pages.accounts.clock.now()) else { return form };
    lines.push(way_out(words, &pages.accounts.public_url));
    sealed(words, Form { text: format!("{} {}", form.text, lines.join(" ")), ..form })
}

/// What stood on `form`, where giving a card to `it` is agreeing to something; an error where the
/// reader saw something else.
pub(super) fn agreed(
    (pages, words): (&Pages, &Words),
    it: &Subscription,
    (form, fingerprint): (&Form, &str),
) -> Result<Option<Shown>, Moved> {
    if first_card(words, it, pages.accounts.clock.now()).is_none() {
        return Ok(None);
    }
    let shown = of_form(words, form);
    if shown.fingerprint() == fingerprint { Ok(Some(shown)) } else { Err(Moved) }
}

/// What the reader saw does not stand there any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved;

/// What the page of a card is called.
pub(super) fn title(words: &Words, it: &Subscription) -> String {
    words.say(if it.method.is_some() { "plan-card-title" } else { "plan-card-add" })
}

fn page_of(pages: &Pages, sheet: &Sheet, it: &Subscription, chosen: &str) -> Page {
    let words = &sheet.words;
    let known = it.method.as_ref().map(|method| facts::card(words, method));
    let says = if it.waits_for_card() { "plan-card-did-not-pay" } else { "plan-card-lead" };
    let lead = known.map_or_else(
        || words.say("plan-card-none-yet"),
        |card| words.with(says, &[("card", card.into())]),
    );
    let to = ("/account/card", ("id", it.id.to_string()));
    Page {
        title: title(words, it),
        lead,
        forms: vec![form((pages, words), it, to, chosen)],
        links: vec![link("/account", words.say("account-title"))],
        ..Page::default()
    }
}

pub(super) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Which { id }): Query<Which>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    match chosen(&pages, member.reader.id, &id).await {
        Ok(it) => Ok(view::page(&pages, StatusCode::OK, &page_of(&pages, &sheet, &it, ""), &sheet)),
        Err(error) => problem(&pages, &sheet, error),
    }
}

/// Why the card was not taken, as a message and a status; other errors are no fault of the card.
pub(super) fn refusal_of(error: &BillingError) -> Option<(StatusCode, &'static str)> {
    match error {
        BillingError::PaymentDeclined(_) => {
            Some((StatusCode::PAYMENT_REQUIRED, "plan-card-declined"))
        }
        BillingError::Invalid { .. } => {
            Some((StatusCode::UNPROCESSABLE_ENTITY, "subscribe-error-card-unknown"))
        }
        _ => None,
    }
}

pub(super) async fn change(
    State(pages): State<Pages>,
    ClientIp(client): ClientIp,
    Submitted { visit, fields }: Submitted<CardForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    let it = match chosen(&pages, member.reader.id, &fields.id).await {
        Ok(it) => it,
        Err(error) => return problem(&pages, &sheet, error),
    };
    let page = page_of(&pages, &sheet, &it, &fields.payment_method);
    let form = page.forms.first().cloned().unwrap_or_default();
    let words = (&pages, &sheet.words);
    let Ok(agreed) = agreed(words, &it, (&form, &fields.shown)) else {
        let page = Page { alert: Some(sheet.words.say("subscribe-error-moved")), ..page };
        return Ok(view::page(&pages, StatusCode::CONFLICT, &page, &sheet));
    };
    let refuse = |(status, why): (StatusCode, &str)| {
        let page = page_of(&pages, &sheet, &it, &fields.payment_method);
        let page = page.refused("/account/card", Some("payment_method"), &sheet.words.say(why));
        Ok(view::page(&pages, status, &page, &sheet))
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
        Ok(changed) => match billing.confirm_at(&changed).await? {
            Some(bank) => Ok(Redirect::to(&bank).into_response()),
            None => Ok(Redirect::to("/account").into_response()),
        },
        Err(error) => match refusal_of(&error) {
            Some(why) => refuse(why),
            None => problem(&pages, &sheet, error),
        },
    }
}
