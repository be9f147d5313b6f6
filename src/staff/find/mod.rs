//! Finding anybody and anything: one box for whatever somebody has at hand, lists by filters, and
//! the filters that somebody keeps.
//!
//! Pure: `looked` reads what an address of a list asks for, `cursor` where its next page begins.
//! `hits` finds, `lists` lists, `export` writes a list as a table; `views` are kept filters, `view_store` their SQL.

pub(super) mod cursor;
pub mod export;
pub mod given;
pub mod hits;
pub mod invoices;
pub mod lists;
pub mod looked;
mod view_store;
pub mod views;
