//! The meter: how many free articles a visitor has read, exactly.
//!
//! `policy`, `window`, `tally`, `together` and `visitor` are pure: what is free, for how long, what
//! one read does to the count, of a visitor or of a reader on a visitor's browser, and who is
//! asking. `store` keeps counts, in SQLite or PostgreSQL. `meter` is what other rooms call: it
//! answers from `memory` what cannot have changed, and else hands the question to `settle`, which
//! gathers questions that arrive together in a `batch`, settles them in one write, and answers
//! only then. `outage` refuses reads at once while the store is known to be down.
//! `upkeep` forgets windows that are over, and `records` shows or forgets what is kept of one
//! reader.

mod batch;
mod memory;
pub mod meter;
mod outage;
pub mod policy;
pub mod records;
mod settle;
pub mod store;
pub mod tally;
pub mod together;
pub mod upkeep;
pub mod visitor;
pub mod window;
