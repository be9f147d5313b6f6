//! `POST /subscribe`: taking the offer.
//!
//! Somebody whose address is new reads at once, by a provisional account. Somebody whose address is
//! known has to log in by a mail first. Every refusal comes before the address is looked up, so to learn
//! which of both it is costs a card that is good, and counts against the network: it is not possible to try out
//! lists of addresses here (`docs/security.md`).

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    bank,
    offer::{Offer, Refused, Typed, Wish, told},
    taking::{OrderError, Outcome, Taker, Taking, Who, admit, take},
};
use crate::{
    billing::{engine::BillingError, gateway::PaymentMethod},
    http::return_to::Destination,
    mail::address::Address,
    reader::{
        accounts::AccountError,
        pages::{
            Pages,
            halt::Halt,
            refusal::{Refusal, retry_after},
            submitted::Submitted,
            visit::{ToLogin, Visit, device, enter},
        },
    },
};

/// The form of the offer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Taken {
    #[serde(default)]
    site: String,
    plan: String,
    #[serde(default)]
    trial: String,
    #[serde(default)]
    return_to: String,
    /// Made anew each time the form is shown: sent twice it is one order.
    nonce: String,
    /// The fingerprint of what stood beside the button.
    shown: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    payment_method: String,
    #[serde(default)]
    agree: String,
}

impl Taken {
    fn wish(&self) -> Wish {
        let Self { site, plan, trial, return_to, .. } = self.clone();
        Wish { site, plan, trial, return_to }
    }
}

fn read(
    visit: &Visit,
    fields: &Taken,
    needs_card: bool,
) -> Result<(Who, Option<PaymentMethod>), Refused> {
    let known = visit.member.as_ref().or(visit.guest.as_ref());
    let who = match known {
        Some(known) => Ok(Who::Known(known.reader.clone())),
        None if fields.email.trim().is_empty() => Err(visit.words.say("subscribe-error-email")),
        None => Address::parse(&fields.email)
            .map(Who::New)
            .map_err(|rule| Refusal::of_email(&visit.words, rule).words),
    };
    let say = |id| visit.words.say(id);
    let method = PaymentMethod::parse(&fields.payment_method);
    let method = match method {
        _ if !needs_card => Ok(None),
        Some(method) => Ok(Some(method)),
        None => Err(say("subscribe-error-card")),
    };
    match (who, method, fields.agree.as_str()) {
        (Ok(who), Ok(method), "yes") => Ok((who, method)),
        (who, method, agree) => Err(Refused {
            alert: None,
            email: who.err(),
            card: method.err(),
            agree: (agree != "yes").then(|| say("subscribe-error-agree")),
        }),
    }
}

pub(super) async fn order(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields }: Submitted<Taken>,
) -> Result<Response, Halt> {
    if visit.must_log_in() {
        return Ok(ToLogin::back_to(&fields.wish().here()).into_response());
    }
    let Some(offer) = Offer::find(&pages, &visit.words, (fields.wish(), None)) else {
        return Ok(Redirect::to("/subscribe").into_response());
    };
    let typed = Typed { email: &fields.email, card: &fields.payment_method };
    let refuse = |status, refused| offer.draw(&pages, &visit, (status, refused), typed);
    let (who, method) = match read(&visit, &fields, offer.proposal.needs_card()) {
        Ok(read) => read,
        Err(refused) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, refused),
    };
    if offer.shown().fingerprint() != fields.shown {
        let alert = Some(visit.words.say("subscribe-error-moved"));
        return refuse(StatusCode::CONFLICT, Refused { alert, ..Refused::default() });
    }
    // The same form sent again by the same browser is the same order.
    let operation = visit.holder.derived_id(&fields.nonce);
    let taker = Taker { visit: &visit, device: device(&headers, visit.client), operation };
    let outcome = take(&pages, &offer, taker, (who, method)).await;
    match outcome {
        Ok(Outcome::Begun(taking)) => lead_on(&pages, &offer, &headers, visit, *taking).await,
        Ok(Outcome::ByMail) => {
            let words = ("subscribe-mail-title", "subscribe-mail-lead");
            Ok(told(&pages, &visit.sheet(&pages), StatusCode::ACCEPTED, words, Vec::new()))
        }
        Err(OrderError::Account(AccountError::TooMany(wait))) => {
            let alert = Some(visit.words.say("subscribe-error-network"));
            let refused = Refused { alert, ..Refused::default() };
            let response = refuse(StatusCode::TOO_MANY_REQUESTS, refused)?;
            Ok(retry_after(response, wait))
        }
        Err(OrderError::Account(error)) => Err(error.into()),
        Err(OrderError::Billing(error)) => refused(&pages, offer, &visit, error, typed),
    }
}

/// To the bank where it wants to ask, else to the article, else to the confirmation. Whoever has
/// no session here gets one that reads.
async fn lead_on(
    pages: &Pages,
    offer: &Offer,
    headers: &HeaderMap,
    visit: Visit,
    Taking { reader, begun, admitted }: Taking,
) -> Result<Response, Halt> {
    let to = match bank(pages, &begun, &offer.wish.welcome()).await? {
        Some(bank) => bank,
        None => after(offer, pages),
    };
    if visit.member.is_some() || visit.guest.is_some() {
        return Ok(Redirect::to(&to).into_response());
    }
    let admitted = match admitted {
        Some(admitted) => admitted,
        None => admit(pages, reader, device(headers, visit.client)).await?,
    };
    Ok(enter(pages, &admitted, None, &to).await?)
}

/// Pages of our own say themselves that the reader has subscribed; others are led to by the
/// confirmation.
fn after(offer: &Offer, pages: &Pages) -> String {
    match offer.wish.back(pages) {
        Some(Destination::Here(path)) => path,
        _ => offer.wish.welcome(),
    }
}

/// The offer again, with what was wrong.
fn refused(
    pages: &Pages,
    offer: Offer,
    visit: &Visit,
    error: BillingError,
    typed: Typed<'_>,
) -> Result<Response, Halt> {
    let wait = error.wait();
    let alert = |id| Refused { alert: Some(visit.words.say(id)), ..Refused::default() };
    let card = |id| Refused { card: Some(visit.words.say(id)), ..Refused::default() };
    let (status, refused) = match error {
        BillingError::TrialAlreadyUsed => {
            let Some(offer) = offer.without_trial(pages) else { return Err(error.into()) };
            let said = (StatusCode::CONFLICT, alert("subscribe-error-trial-used"));
            return offer.draw(pages, visit, said, typed);
        }
        BillingError::AlreadySubscribed => {
            return Ok(Redirect::to(&offer.wish.here()).into_response());
        }
        BillingError::PaymentPending { .. } => {
            return Ok(Redirect::to(&offer.wish.welcome()).into_response());
        }
        BillingError::PaymentDeclined(_) => {
            (StatusCode::PAYMENT_REQUIRED, card("subscribe-error-declined"))
        }
        BillingError::Invalid { field: "payment_method", .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, card("subscribe-error-card-unknown"))
        }
        BillingError::TooManyDeclined(_) => {
            (StatusCode::TOO_MANY_REQUESTS, alert("subscribe-error-too-many"))
        }
        BillingError::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, alert("subscribe-error-unavailable"))
        }
        error => return Err(error.into()),
    };
    let response = offer.draw(pages, visit, (status, refused), typed)?;
    Ok(match wait {
        Some(wait) => retry_after(response, wait),
        None => response,
    })
}
