//! Invoices and credit notes: what was sold, for which time, at which tax.
//!
//! `model` and `credit` are pure; `store` writes them down together with the ledger's entries.

pub mod credit;
pub mod model;
