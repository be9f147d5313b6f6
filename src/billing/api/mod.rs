//! What readers' programs may ask about plans and subscriptions: `/v1/plans`,
//! `/v1/subscriptions…` and `/v1/invoices…`.

mod bodies;
mod invoices;
mod plans;
mod subscriptions;

pub(crate) use self::bodies::{MoneyBody, PreviewBody, SubscriptionBody};
use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    card_limit::{CardTurn, Initiator},
    engine::{Billing, BillingError},
    idempotency::{Keeper, Unsettled, once},
};
use crate::{
    auth::{
        access_token::{Call, Realm},
        tokens::Tokens,
    },
    http::problem::ApiError,
    site::directory::Directory,
};

/// What the calls of this room need.
#[derive(Debug, Clone)]
pub struct Counter {
    /// Does it.
    pub billing: Arc<Billing>,
    /// Knows who asks.
    pub tokens: Arc<Tokens>,
    /// Knows the sites.
    pub directory: Arc<Directory>,
}

impl Counter {
    /// The turn of a reader to have cards tried.
    async fn card_turn(
        &self,
        reader: Uuid,
        client: Option<IpAddr>,
    ) -> Result<CardTurn, BillingError> {
        let initiator = Initiator { customer: reader, client };
        self.billing.cards.turn(initiator).await.map_err(BillingError::TooManyDeclined)
    }
}

/// The routes of this room.
pub fn routes(counter: Counter) -> OpenApiRouter {
    let keeper = Keeper {
        db: counter.billing.db.clone(),
        clock: Arc::clone(&counter.billing.clock),
        ids: counter.billing.ids.clone(),
        tokens: Arc::clone(&counter.tokens),
        realm: Realm::Reader,
    };
    OpenApiRouter::new()
        .routes(routes!(plans::list))
        .routes(routes!(subscriptions::start, subscriptions::list))
        .routes(routes!(subscriptions::show))
        .routes(routes!(subscriptions::cancel))
        .routes(routes!(subscriptions::resume))
        .routes(routes!(subscriptions::preview))
        .routes(routes!(subscriptions::switch, subscriptions::revoke_switch))
        .routes(routes!(subscriptions::pay_by))
        .routes(routes!(invoices::list))
        .routes(routes!(invoices::show))
        .routes(routes!(invoices::print_invoice))
        .routes(routes!(invoices::print_receipt))
        .layer(from_fn_with_state(keeper, once))
        .with_state(counter)
}

/// The answer to what was refused. Where it waits for a payment, the same request gets its outcome later
/// what that came to.
pub(crate) fn refuse(error: BillingError) -> Result<Response, ApiError> {
    let BillingError::PaymentPending { operation: Some(operation) } = error else {
        return Err(error.into());
    };
    let mut response = ApiError::from(error).into_response();
    response.extensions_mut().insert(Unsettled(operation));
    Ok(response)
}

/// The reader who asks.
pub(crate) struct Subscriber(pub(crate) Uuid);

impl FromRequestParts<Counter> for Subscriber {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, counter: &Counter) -> Result<Self, ApiError> {
        let caller = counter.tokens.reader_of(&parts.headers, Call::Account)?;
        counter.billing.catch_up(caller.subject).await;
        Ok(Self(caller.subject))
    }
}
