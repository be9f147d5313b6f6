//! The ledger: where money came from and where it went, twice for every amount.
//!
//! `model` is an entry, `booking` says which entry each event makes; both are pure.

pub mod booking;
pub mod model;
