//! Invoices and credit notes: what was sold, for which time, at which tax, and what was given back.
//!
//! `model` and `credit` are pure; `store` and `credit_store` write them down together with the
//! ledger's entries, `number` counts.

pub mod credit;
pub mod credit_store;
pub mod model;
pub mod number;
mod row;
pub mod store;
