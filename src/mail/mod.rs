//! Writing to people.
//!
//! `address` is pure: whom we can write to.

pub mod address;
