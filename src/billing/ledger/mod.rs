//! The ledger: where money came from and where it went, twice for every amount.
//!
//! `model` is an entry and `booking` says which entry each event makes; both are pure. `store`
//! appends, `balance` keeps what readers can spend, `proof` finds what is wrong; `statement` is what
//! one reader's entries come to, line by line.

pub mod balance;
pub mod booking;
pub mod model;
pub mod proof;
pub mod statement;
pub mod store;
