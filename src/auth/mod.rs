//! Who is who, and how it is proved.
//!
//! `keys` is the ring of signing keys: pure. `seal` wraps a key for storage. `store` keeps them.
//! `password` says what is taken as a password: pure. `hashing` makes of it what may be stored.
//! `staff` is the people who run the installation.
//! Accounts, sessions and reader tokens come to live here.

pub mod hashing;
pub mod keys;
pub mod password;
pub mod seal;
pub mod staff;
pub mod store;
