//! Who is who, and how it is proved.
//!
//! Pure: `keys` (the ring of signing keys), `access_token` (JWTs), `password` (what is taken as
//! one), `session` (one device that logged in, and the rotation of its refresh tokens), `limits`
//! (how often a secret may be tried), `form` (the token in a form), `signed`
//! (tokens that need not be kept), `hash_queue` (who is next). `argon2id` hashes passwords,
//! `hashing` a few at a time; `tokens` remembers what was verified, `revocation` what was taken
//! back; `limit_store` counts in the database, and `network_counter` in memory, by the `blocks` of addresses
//! around a client: for `network` failed attempts, which `guard` asks about, and for `mail_limits` mails.
//! `seal` wraps a key for storage, `store` keeps keys; `staff` is the people who run the installation.

pub mod access_token;
pub mod argon2id;
pub mod blocks;
pub mod form;
pub mod guard;
pub mod hash_queue;
pub mod hashing;
pub mod keys;
pub mod limit_store;
pub mod limits;
pub mod mail_limits;
pub mod network;
pub mod network_counter;
pub mod password;
pub mod revocation;
pub mod seal;
pub mod session;
pub mod signed;
pub mod staff;
pub mod store;
pub mod tokens;
