//! Who is who, and how it is proved.
//!
//! `keys` is the ring of signing keys: pure. `seal` wraps a key for storage. `store` keeps them.
//! Accounts, sessions and reader tokens come to live here.

pub mod keys;
pub mod seal;
pub mod store;
