//! Refunds that one member of staff alone may not decide.
//!
//! `limit` says which those are, `request` is what waits for a second person, and both are pure;
//! `store` keeps the requests.

pub mod limit;
pub mod request;
pub mod store;
