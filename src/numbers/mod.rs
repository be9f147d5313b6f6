//! The business in numbers: recurring revenue and how it moves, trials, payments, and the way from
//! the wall to a paid subscription.
//!
//! `figure` names every number and says what it means; `movement` is the pure step from a change of
//! a subscription to what it means in numbers. Such facts are written in the transaction of the
//! change (`store`), so they can neither be lost nor counted twice, and are folded into days in the
//! background: rows that everybody would add to are touched by one job only. `counts` keeps what
//! happens with every page in memory for some seconds. `report` brings days together, `table` sets
//! them out for files, pure again. `store` has the
//! SQL, and `proof` asks the rows whether the figures are right.

pub mod calendar;
pub mod counts;
pub mod figure;
pub mod movement;
pub mod proof;
pub mod report;
pub mod store;
pub mod table;
