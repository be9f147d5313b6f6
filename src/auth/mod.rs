//! Who is who, and how it is proved.
//!
//! `keys` is the ring of signing keys: pure. `seal` wraps a key for storage. `store` keeps them.
//! `password` says what is taken as a password: pure. `argon2id` makes of it what may be
//! stored, `hashing` a few at a time.
//! `limits` is how often secrets may be tried: pure; `limit_store` counts it in the database,
//! `network` in memory. `staff` is the people who run the installation. Readers' accounts,
//! sessions and tokens come to live here.

pub mod argon2id;
pub mod hashing;
pub mod keys;
pub mod limit_store;
pub mod limits;
pub mod network;
pub mod password;
pub mod seal;
pub mod staff;
pub mod store;
