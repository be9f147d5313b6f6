//! Stands before every call that takes a secret or has a mail sent: whoever was wrong too often,
//! from one network, waits.

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
    /// Counts each network's mistakes.
    pub networks: Arc<NetworkLimits>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("networks", &self.networks).finish_non_exhaustive()
    }
}

/// On an answer: that a mail was sent to somebody whom nobody knows, whatever the status says.
#[derive(Debug, Clone, Copy)]
pub struct MailSent;

/// For [`axum::middleware::from_fn_with_state`]. A right secret costs nothing; a wrong one counts,
/// and so does every mail that is asked for, and every card that is declined.
pub async fn slow_down(
    State(guard): State<Guard>,
    ClientIp(client): ClientIp,
    request: Request,
    next: Next,
) -> Response {
    if let Err(wait) = guard.networks.check(client, guard.clock.now()) {
        return ApiError::from(wait).into_response();
    }
    let response = next.run(request).await;
    let counts = [
        StatusCode::UNAUTHORIZED,
        StatusCode::ACCEPTED,
        StatusCode::PAYMENT_REQUIRED,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    let mail_sent = response.extensions().get::<MailSent>().is_some();
    if mail_sent || counts.contains(&response.status()) {
        guard.networks.record(client, guard.clock.now());
    }
    response
}
