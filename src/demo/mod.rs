//! The demonstration newspaper, *The Fathom*: twelve short pieces behind the paywall.
//!
//! `assets` is what is compiled in, `newspaper` is pure, `pages` writes the HTML, `api` serves it;
//! each may use only those before it.

pub mod api;
pub mod assets;
pub mod newspaper;
pub mod pages;
