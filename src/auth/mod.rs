//! Who is who, and how it is proved.
//!
//! Pure: `keys` (the ring of signing keys), `access_token` (JWTs), `password` (what is taken as
//! one), `session` (one device that logged in, and the rotation of its refresh tokens). `hashing`
//! hashes passwords a few at a time, `tokens` remembers what was verified, `revocation` what was
//! taken back. `limits` says how often a secret may be tried: pure; `limit_store` counts in the
//! database, `network` in memory, and `guard` asks it. `seal` wraps a key for storage, `store` keeps keys.

pub mod access_token;
pub mod guard;
pub mod hashing;
pub mod keys;
pub mod limit_store;
pub mod limits;
pub mod network;
pub mod password;
pub mod revocation;
pub mod seal;
pub mod session;
pub mod store;
pub mod tokens;
