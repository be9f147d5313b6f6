//! Invoices and credit notes: what was sold, for which time, at which tax, and what was given back.
//!
//! `model` and `credit` are pure; `store` and `credit_store` write them down together with the
//! ledger's entries, `number` counts. `listing` is what staff list, `settle_store` what they see to,
//! `own` what readers may ask for, `view` what they see and `paper` what they print.

pub mod credit;
pub mod credit_store;
pub mod listing;
pub mod model;
pub mod number;
pub mod own;
pub mod paper;
mod row;
pub mod settle_store;
pub mod store;
pub mod view;
