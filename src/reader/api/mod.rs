//! What readers' programs may ask: accounts under `/v1/readers` and `/v1/auth`, and the reader's
//! own things under `/v1/me`.

mod auth;
mod bodies;
mod handovers;
mod me;
mod sign_up;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::accounts::Accounts;
use crate::auth::guard::{Guard, count_misses};

/// The routes of this room. `guard` counts wrong tokens. Wrong passwords, and mails that are asked for,
/// are counted by [`Accounts`].
pub fn routes(accounts: Arc<Accounts>, guard: Guard) -> OpenApiRouter {
    let tokens = OpenApiRouter::new()
        .routes(routes!(sign_up::verify))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::redeem_magic_link))
        .routes(routes!(auth::reset))
        .routes(routes!(me::agree_to_address))
        .layer(from_fn_with_state(guard, count_misses));
    OpenApiRouter::new()
        .merge(tokens)
        .routes(routes!(sign_up::sign_up))
        .routes(routes!(auth::log_in))
        .routes(routes!(auth::log_out))
        .routes(routes!(auth::ask_for_magic_link))
        .routes(routes!(auth::ask_for_reset))
        .routes(routes!(me::change_password))
        .routes(routes!(me::ask_for_address))
        .routes(routes!(handovers::redeem))
        .routes(routes!(me::profile, me::erase))
        .routes(routes!(me::export))
        .routes(routes!(me::sessions, me::end_sessions))
        .routes(routes!(me::end_session))
        .with_state(accounts)
}
