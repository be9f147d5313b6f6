//! Whom we write to, and how. Pure.

use super::{address::Address, letter::Look};
use crate::language::Words;

/// Whom a mail is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Where it goes.
    pub address: Address,
    /// How they are spoken to.
    pub words: Words,
    /// In whose name; the installation's where there is none.
    pub look: Option<Look>,
}

impl Recipient {
    /// Somebody of whom nothing is known but the address, and how they speak.
    #[must_use]
    pub fn new(address: &Address, words: Words) -> Self {
        Self { address: address.clone(), words, look: None }
    }
}
