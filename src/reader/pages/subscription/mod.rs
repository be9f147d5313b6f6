//! The pages of subscriptions: the offer, the order, and everything a subscriber can do.
//!
//! Pure: `agreement` (what a reader agrees to), `currency` (in which they are offered something) and
//! `facts` (what a subscription looks like).
//! `offer` shows what is sold, `order` takes it (`taking` does it), `welcome` confirms it. `overview` stands on the
//! account page; `cancel`, `resume`, `switch` and `card` are what can be done there, `by_mail` the same by a
//! signed link, and `notice` is the way out for those who cannot log in.

mod agreement;
mod by_mail;
mod cancel;
mod card;
mod currency;
mod facts;
mod notice;
mod offer;
mod order;
mod overview;
mod resume;
mod switch;
mod taking;
mod welcome;

use std::net::IpAddr;

use axum::{
    Router,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};

use uuid::Uuid;

pub(super) use self::overview::Overview;
use super::{
    Pages,
    halt::Halt,
    refusal::retry_after,
    sheet::Sheet,
    view::{self, Page, link},
};
use crate::billing::{
    card_limit::{CardTurn, Initiator},
    engine::BillingError,
    subscription::model::Subscription,
};

/// Forms that take a token from a mail.
pub(super) fn by_links() -> Router<Pages> {
    Router::new()
        .route("/mail/cancel", post(by_mail::cancel))
        .route("/mail/resume", post(by_mail::resume))
        .route("/mail/card", post(by_mail::card))
}

/// The other forms. A notice is never refused, however many of them come.
pub(super) fn forms() -> Router<Pages> {
    Router::new()
        .route("/subscribe", post(order::order))
        .route("/account/switch", post(switch::switch))
        .route("/account/card", post(card::change))
        .route("/subscribe/welcome/mail", post(welcome::send_again))
        .route("/subscribe/welcome/address", post(welcome::correct))
        .route("/account/cancel", post(cancel::cancel))
        .route("/account/cancel/reason", post(cancel::give_reason))
        .route("/account/resume", post(resume::resume))
        .route("/account/switch/revoke", post(switch::revoke))
        .route("/cancel", post(notice::give))
}

/// The pages that change nothing.
pub(super) fn pages() -> Router<Pages> {
    Router::new()
        .route("/subscribe", get(offer::page))
        .route("/subscribe/welcome", get(welcome::page))
        .route("/account/cancel", get(cancel::page))
        .route("/account/canceled", get(cancel::canceled))
        .route("/account/switch", get(switch::page))
        .route("/account/card", get(card::page))
        .route("/account/invoices/{id}", get(overview::invoice))
        .route("/account/invoices/{id}/receipt", get(overview::receipt))
        .route("/cancel", get(notice::page))
        .route("/mail/cancel", get(by_mail::cancel_form))
        .route("/mail/resume", get(by_mail::resume_form))
        .route("/mail/card", get(by_mail::card_form))
}

/// Where the bank asks the reader about `it`, if it does. The page there leads back to `path`.
async fn bank(
    pages: &Pages,
    it: &Subscription,
    path: &str,
) -> Result<Option<String>, BillingError> {
    let billing = &pages.accounts.billing;
    let asks = billing.confirm_at(it).await?;
    Ok(asks.map(|url| billing.gateway.leading_back(url, path)))
}

/// What a reader is told when something cannot be done with a subscription.
fn problem(pages: &Pages, sheet: &Sheet, error: BillingError) -> Result<Response, Halt> {
    let wait = error.wait();
    let (status, lead) = match error {
        BillingError::NotFound => (StatusCode::NOT_FOUND, "plan-problem-gone"),
        BillingError::Refused(_) | BillingError::AlreadySubscribed => {
            (StatusCode::CONFLICT, "plan-problem-state")
        }
        BillingError::PaymentPending { .. } => (StatusCode::CONFLICT, "plan-problem-pending"),
        BillingError::PaymentDeclined(_) => (StatusCode::PAYMENT_REQUIRED, "plan-problem-declined"),
        BillingError::TooManyDeclined(_) => {
            (StatusCode::TOO_MANY_REQUESTS, "subscribe-error-too-many")
        }
        BillingError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "plan-problem-unavailable"),
        error => return Err(error.into()),
    };
    let page = Page {
        title: sheet.words.say("plan-problem-title"),
        alert: Some(sheet.words.say(lead)),
        links: vec![link("/account", sheet.words.say("account-title"))],
        ..Page::default()
    };
    let response = view::page(pages, status, &page, sheet);
    Ok(match wait {
        Some(wait) => retry_after(response, wait),
        None => response,
    })
}

/// The turn of a customer to have cards tried.
async fn card_turn(
    pages: &Pages,
    customer: Uuid,
    client: Option<IpAddr>,
) -> Result<CardTurn, BillingError> {
    let cards = &pages.accounts.billing.cards;
    let initiator = Initiator { customer, client };
    cards.turn(initiator).await.map_err(BillingError::TooManyDeclined)
}
