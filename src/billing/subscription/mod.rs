//! A reader's standing agreement to a plan.
//!
//! Pure: `model` is what it is, `change` how people change it, `cancellation`
//! what a notice does that was received before, `collect` how payments change it,
//! `due` what falls due and when, `access` who may read, `quote` what a switch would cost.
//! `row` and `store` keep it; `listing` and `search` find it.

pub mod access;
pub mod cancellation;
pub mod change;
pub mod collect;
pub mod due;
pub mod listing;
pub mod model;
pub mod quote;
mod row;
pub mod search;
pub mod store;

#[cfg(test)]
mod manual_tests;
#[cfg(test)]
pub(crate) mod tests;
