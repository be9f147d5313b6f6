//! Newsletters: who agreed to receive which, with an account or without. The publisher's own mail
//! tool sends them.
//!
//! `model` is pure, and so are `letter` (the mail that asks whether it was you) and `link` (links
//! that only we can make). `store` is SQL. [`newsletters::Newsletters`] does what can be asked for:
//! `newsletters` signs up, `preferences` changes and leaves, `export` hands over to the mail tool.
//! `data` shows a reader what is held; `moving` follows to another address.
//! `api` tells websites which newsletters there are; the pages are among the readers' own.

pub mod api;
pub mod data;
pub mod export;
pub mod letter;
pub mod link;
pub mod model;
pub mod moving;
pub mod newsletters;
pub mod preferences;
pub mod store;
