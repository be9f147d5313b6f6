//! Who is who, and how it is proved.
//!
//! Pure: `keys` (the ring of signing keys), `access_token` (JWTs), `session` (one device that
//! logged in, and the rotation of its refresh tokens). `seal` wraps a key for storage, `store`
//! keeps keys, `tokens` remembers what was verified, `revocation` what was taken back.

pub mod access_token;
pub mod keys;
pub mod revocation;
pub mod seal;
pub mod session;
pub mod store;
pub mod tokens;
