//! How the readers' pages of a site look: its colours, the type of its headings, its logo, and
//! the language it speaks.
//!
//! `color`, `model` and `logo` are pure, `store` is SQL, `api` serves what browsers load.

pub mod api;
pub mod color;
pub mod logo;
pub mod model;
pub mod store;
