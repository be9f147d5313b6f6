//! A session: one device that logged in once, until it is ended, idle too long, or too old.
//!
//! `model` is pure, and so is `rotation`, which judges a refresh token that is shown. `secret`
//! makes what a device keeps; `store`, `token_store` and `handover_store` are SQL.

pub mod handover_store;
pub mod model;
pub mod rotation;
pub mod secret;
pub mod store;
pub mod token_store;
