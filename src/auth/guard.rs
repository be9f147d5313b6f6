//! Counts failed attempts against the network that they come from, for calls that take a long token.
//!
//! Passwords are counted where they are checked (`Accounts`, `Desk`), mails where they are written
//! ([`MailLimits`](super::mail_limits::MailLimits)), and cards where the gateway is asked
//! (`CardLimits`).

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::network::NetworkLimits;
use crate::{
    clock::Clock,
    http::{client_ip::ClientIp, problem::ApiError},
};

/// What the guard needs.
#[derive(Clone)]
pub struct Guard {
    /// Counts the failures of each network.
    pub networks: Arc<NetworkLimits>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("networks", &self.networks).finish_non_exhaustive()
    }
}

/// For calls that take a token of 256 random bits or a signature, with
/// [`axum::middleware::from_fn_with_state`].
///
/// The token is looked up first, and only a miss counts: a valid one works however often others
/// have failed. Once a network has failed too often, its misses are answered 429.
pub async fn count_misses(
    State(guard): State<Guard>,
    ClientIp(client): ClientIp,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let misses = [StatusCode::UNAUTHORIZED, StatusCode::GONE];
    if !misses.contains(&response.status()) {
        return response;
    }
    let now = guard.clock.now();
    let checked = guard.networks.check(client, now);
    guard.networks.record(client, now);
    match checked {
        Ok(()) => response,
        Err(wait) => ApiError::from(wait).into_response(),
    }
}
