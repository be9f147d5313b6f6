//! The audit log: who did what, in an order that nobody can change unseen.
//!
//! `model` is what an entry says, `chain` binds each entry to the one before it: both pure.
//! `store` appends an entry in the same transaction as the change it tells of, and reads the log.
//!
//! Somebody with the database alone can neither forge, change, reorder nor take away an entry
//! without [`chain::Verifier`] finding it: the hashes are keyed. What no key can show is the whole
//! log put back to an older copy, or to the empty one that it once was; for that there are anchors
//! outside the database (`anchor`, `anchor_file`; `anchor_store` is what the database remembers of
//! them), and `coverage`, which looks for rows that must have an entry.

pub mod anchor;
pub mod anchor_file;
pub mod anchor_store;
pub mod chain;
pub mod coverage;
pub mod model;
pub mod store;
