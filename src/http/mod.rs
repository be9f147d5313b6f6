//! What all of HTTP shares: problem documents, bodies and the rules for what is in them (`strict` and
//! `text`), forms, pages and their files, cookies, the
//! outermost layer, who asks, health, metrics.
//!
//! `edge` wraps the router and sees every request first and every answer last; `admission` says which it
//! lets in, by the rule in `shares`; `no_page` is what a
//! browser is shown where it refuses. `serve` is the listener and the way it stops, `connection` one of its
//! connections, `unread` what it does with bodies that were refused, `open_files` how many connections it may take. Rooms offer
//! their own routes in their `api`.

mod admission;
pub mod asset;
pub mod body;
pub mod client_ip;
mod connection;
pub mod cookie;
pub mod csv;
pub mod edge;
pub mod form;
pub mod headers;
pub mod health;
pub mod metrics;
mod no_page;
pub mod open_files;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
pub mod readiness;
mod refusals;
pub mod return_to;
pub mod serve;
pub mod shares;
pub mod strict;
pub mod text;
mod unread;
mod uri;
