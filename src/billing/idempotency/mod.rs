//! Stub until the real one comes.

use uuid::Uuid;

/// Names one request.
#[derive(Debug, Clone, Copy)]
pub struct Operation(pub Uuid);
