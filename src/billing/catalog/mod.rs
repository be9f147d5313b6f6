//! What is sold, in versions that never change; `config/catalog.toml` is the manual.
//!
//! `model` says what a catalog is, `newsletters` the part of it that is mailed, `localized` what it
//! says in several languages; `section` and `parse` read one and find all mistakes; `source` is the text that this process was given; `store` keeps the
//! versions and `versions` knows them. `asked` is what the APIs' questions have in common.

pub mod asked;
pub mod localized;
pub mod model;
pub mod newsletters;
pub mod parse;
mod section;
pub mod source;
pub mod store;
pub mod versions;

#[cfg(test)]
mod parse_tests;

pub use self::{
    model::{Catalog, Interval},
    parse::InvalidCatalog,
    section::Mistake,
};
