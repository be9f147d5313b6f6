//! May this visitor read this article?
//!
//! `decision` is pure: facts in, reason out, and `step` is a sentence that explains it. `gate`
//! gathers the facts and asks the meter. `api` offers it over HTTP, `middleware` to an axum website
//! in the same process, and `receipt` signs what was decided. `log` keeps for some weeks what was.
//! This room may use `metering`, `auth`, `billing`, `reader` and `site`; none of them knows more of it
//! than what `log` keeps of a reader. (That is why the middleware lives here and not with the meter:
//! it hands on a decision.)

pub mod api;
pub mod decision;
pub mod gate;
pub mod log;
pub mod middleware;
pub mod receipt;
pub mod step;
mod unmetered;
