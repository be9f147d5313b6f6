//! Sites: the titles of the publisher, each with its own meter policy, origins, time zone and keys.
//!
//! `model` and `key` are pure, `store` is SQL; `look` is what readers see. `directory` is the
//! snapshot of all sites and signing keys that every request looks things up in; `proof` finds the
//! site whose key came with a request.

pub mod directory;
pub mod key;
pub mod look;
pub mod model;
pub mod proof;
pub mod store;
