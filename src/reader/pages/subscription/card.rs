//! `/account/card`: paying by another card, and what is overdue with it at once.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    cancel::{Which, chosen},
    facts,
    offer::methods,
    problem,
};
use crate::{
    billing::{
        engine::BillingError,
        gateway::PaymentMethod,
        subscription::model::{State as Stands, Subscription},
    },
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
pub(super) fn form(
    words: &Words,
    it: &Subscription,
    (action, hidden): (&'static str, (&'static str, String)),
    chosen: &str,
) -> Form {
    let overdue = matches!(it.state, Stands::PastDue { .. });
    let button = if overdue { "plan-card-pay" } else { "plan-card-button" };
    let text = if overdue { "plan-card-overdue" } else { "plan-card-what" };
    Form {
        text: words.say(text),
        fields: vec![field(words, chosen)],
        hidden: vec![hidden],
        ..Form::new(action, words.say(button))
    }
}

fn page_of(sheet: &Sheet, it: &Subscription, chosen: &str) -> Page {
    let words = &sheet.words;
    let known = it.method.as_ref().map(|method| facts::card(words, method));
    let lead = known.map_or_else(
        || words.say("plan-card-none-yet"),
        |card| words.with("plan-card-lead", &[("card", card.into())]),
    );
    Page {
        title: words.say("plan-card-title"),
        lead,
        forms: vec![form(words, it, ("/account/card", ("id", it.id.to_string())), chosen)],
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
        Ok(it) => Ok(view::page(&pages, StatusCode::OK, &page_of(&sheet, &it, ""), &sheet)),
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
    Submitted { visit, fields }: Submitted<CardForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    let it = match chosen(&pages, member.reader.id, &fields.id).await {
        Ok(it) => it,
        Err(error) => return problem(&pages, &sheet, error),
    };
    let refuse = |(status, why): (StatusCode, &str)| {
        let page = page_of(&sheet, &it, &fields.payment_method);
        let page = page.refused("/account/card", Some("payment_method"), &sheet.words.say(why));
        Ok(view::page(&pages, status, &page, &sheet))
    };
    let Some(method) = PaymentMethod::parse(&fields.payment_method) else {
        return refuse((StatusCode::UNPROCESSABLE_ENTITY, "subscribe-error-card"));
    };
    let billing = &pages.accounts.billing;
    match billing.pay_by((it.reader, it.id), &method).await {
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
