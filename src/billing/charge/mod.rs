//! Charges: what we are about to ask the gateway for, and what it said.
//!
//! A charge is written down before the gateway is asked, so that one whose outcome is unknown can
//! be asked about; it is never simply asked for again.

pub mod model;
pub mod store;
