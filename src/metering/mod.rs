//! The meter: how many free articles a visitor has read, exactly.
//!
//! `policy`, `window`, `tally` and `visitor` are pure: what is free, for how long, what one read
//! does to the count, and who is asking. `store` keeps counts, in SQLite or PostgreSQL. `meter`
//! is what other rooms call: it gathers questions that arrive together, settles them in one
//! write, and answers only then. `upkeep` forgets windows that are over.

pub mod meter;
pub mod policy;
pub mod store;
pub mod tally;
pub mod upkeep;
pub mod visitor;
pub mod window;
