//! Everything about a reader in one order, the latest first.
//!
//! Pure: `entry` says what can stand there and merges what the sources gave, `words` tells it to
//! people. `store` asks each source for the entries before a place, and `read` puts a page together.

pub mod entry;
mod read;
mod store;
pub mod words;

pub use self::read::{Wanted, staff_in};
