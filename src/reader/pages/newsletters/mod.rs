//! Newsletters, with an account or without: `sign_up` asks and confirms, `preferences` changes and
//! leaves by a link that was mailed, `account` does so for a reader who is logged in, `one_click`
//! leaves for a program for mail. `form` reads what was ticked, `view` draws.

pub(super) mod account;
mod form;
pub(super) mod one_click;
pub(super) mod preferences;
pub(super) mod sign_up;
mod view;
