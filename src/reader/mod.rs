//! Readers: their accounts, from the mail that makes one to the day it is erased.
//!
//! `model`, `recipient` and `device_name` are pure; `search` finds readers by parts of their address. `store`, `link_store` and `address_store` are SQL.
//! [`accounts::Accounts`] does what a reader can do, one file for each errand: `sign_up`, `begin`,
//! `log_in`, `hand_over`, `password`, `address`, `address_by_staff`, `notice`, `data`, `gift`. `api`
//! offers it to programs, `pages` to people.

pub mod accounts;
pub mod address;
pub mod address_by_staff;
pub mod address_store;
pub mod api;
pub mod begin;
pub mod data;
pub mod device_name;
pub mod gift;
pub mod hand_over;
pub mod last_read;
pub mod link_store;
mod log_in;
pub mod model;
pub mod note_store;
mod notice;
pub mod pages;
mod password;
mod recipient;
pub mod search;
mod sign_up;
pub mod store;
