//! Finding readers by any part of their address, also where it was mistyped.
//!
//! Of each address its words are kept ([`words`]): few rows, cheap to write, and gone with the
//! reader. A mistake is made good on the side of whoever searches: every text that is one mistake
//! away ([`near`]) is looked up by its key. `store` has the SQL.

pub mod near;
pub mod store;
pub mod words;
