//! `/v1/staff/…`. Every call but logging in and refreshing takes an access token of staff, and
//! every act names the permission that it asks for.

mod audit;
mod complimentary;
mod contact;
mod decisions;
mod finding;
mod finding_bodies;
mod gifts;
mod invoices;
mod mails;
mod metrics;
mod newsletters;
mod notes;
mod ordered;
mod orders;
mod reader_bodies;
mod readers;
mod refund_requests;
mod refunds;
mod session;
mod subscription_bodies;
mod subscriptions;
mod views;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::{
    complimentary::{GivenBody, GivenPage},
    finding_bodies::FoundReaders,
    gifts::OfferedBody,
    orders::ForeseenBody,
    reader_bodies::{HappenedBody, ReaderWhole, TimelinePage},
    subscription_bodies::{Page, StaffSubscription, Whole},
};
pub(super) use self::{decisions::Looked as LookedWhy, notes::parse_text as parse_note};
use super::desk::Desk;
use crate::{
    auth::{
        access_token::Realm,
        guard::{Guard, count_misses},
    },
    billing::idempotency::{Keeper, once},
};

/// The routes of this room. `guard` counts wrong refresh tokens; wrong passwords are counted by [`Desk`].
pub fn routes(desk: Arc<Desk>, guard: Guard) -> OpenApiRouter {
    let tokens = OpenApiRouter::new()
        .routes(routes!(session::refresh))
        .layer(from_fn_with_state(guard, count_misses));
    // What is sent twice with the same `Idempotency-Key` is done once.
    let keeper = Keeper {
        db: desk.db.clone(),
        clock: Arc::clone(&desk.clock),
        ids: desk.ids.clone(),
        tokens: Arc::clone(&desk.tokens),
        realm: Realm::Staff,
    };
    let acts = OpenApiRouter::new()
        .routes(routes!(views::list, views::keep))
        .routes(routes!(views::forget))
        .routes(routes!(readers::show, readers::erase))
        .routes(routes!(contact::change_address))
        .routes(routes!(contact::confirm_address))
        .routes(routes!(contact::letters, contact::write))
        .routes(routes!(readers::end_sessions))
        .routes(routes!(subscriptions::retry))
        .routes(routes!(subscriptions::cancel))
        .routes(routes!(subscriptions::refund))
        .routes(routes!(subscriptions::extend))
        .routes(routes!(subscriptions::pause))
        .routes(routes!(subscriptions::resume))
        .routes(routes!(subscriptions::switch))
        .routes(routes!(subscriptions::keep_plan))
        .routes(routes!(complimentary::give))
        .routes(routes!(complimentary::end))
        .routes(routes!(gifts::offer, gifts::list))
        .routes(routes!(gifts::withdraw))
        .routes(routes!(mails::retry))
        .routes(routes!(notes::list, notes::add))
        .routes(routes!(refund_requests::approve))
        .routes(routes!(refund_requests::decline))
        .routes(routes!(refunds::retry))
        .routes(routes!(refunds::settle))
        .routes(routes!(refunds::pay_out))
        .layer(from_fn_with_state(keeper, once));
    OpenApiRouter::new()
        .merge(tokens)
        .merge(acts)
        .routes(routes!(session::log_in))
        .routes(routes!(session::log_out))
        .routes(routes!(session::me))
        .routes(routes!(finding::search))
        .routes(routes!(finding::list_readers))
        .routes(routes!(finding::list_subscriptions))
        .routes(routes!(finding::export_subscriptions))
        .routes(routes!(finding::list_invoices))
        .routes(routes!(invoices::show))
        .routes(routes!(readers::timeline))
        .routes(routes!(readers::export))
        .routes(routes!(complimentary::list))
        .routes(routes!(subscriptions::list_stuck))
        .routes(routes!(subscriptions::show))
        .routes(routes!(subscriptions::preview))
        .routes(routes!(refund_requests::list))
        .routes(routes!(refunds::list_refused))
        .routes(routes!(newsletters::list))
        .routes(routes!(newsletters::export))
        .routes(routes!(mails::list_dead))
        .routes(routes!(metrics::show))
        .routes(routes!(metrics::download))
        .routes(routes!(decisions::list))
        .routes(routes!(decisions::show))
        .routes(routes!(audit::list))
        .with_state(desk)
}
