//! Staff: the people who run the installation, and what they may do.
//!
//! `model` is an account, `permission` the one table of what each role may do, `totp` the second
//! factor and `recovery` the codes that stand in for it: all pure. `store` keeps them.

pub mod device;
pub mod model;
pub mod permission;
pub mod recovery;
pub mod store;
pub mod totp;
