//! Doing what a request asks for once, however often it is sent.
//!
//! A client that loses an answer sends the same request with the same `Idempotency-Key` again, and
//! gets the answer that it lost. `outcome` decides which answers are kept; `store` keeps keys and
//! answers for a day; `layer` is the middleware of the routes. The header is that of `draft-ietf-httpapi-idempotency-key-header`.

mod layer;
mod outcome;
pub mod store;

use time::Duration;
use uuid::Uuid;

pub use self::{
    layer::{Keeper, once},
    outcome::Unsettled,
};

/// For how long an answer is kept.
pub const KEPT: Duration = Duration::hours(24);
/// How long a request may take before another with its key may take over.
pub const LEASE: Duration = Duration::seconds(30);

/// What a request is called inside. It stays the same when a request whose process died is sent
/// again, so that what was begun is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation(pub Uuid);
