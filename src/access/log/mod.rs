//! Decisions that counted a read or denied one, kept for some weeks, so that "why was I walled?" has
//! an answer.
//!
//! `code` is the word by which a wall names its decision, `logged` what is written down of one and
//! when two are the same. `recorder` takes them from the hot path without holding it up, and writes
//! them in batches. `past` tells from them how a meter stood at any moment; `told` puts one in words.

pub mod code;
pub mod logged;
pub mod past;
pub mod recorder;
pub mod store;
pub mod told;
