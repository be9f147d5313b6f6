//! Subscriptions: what is sold, to whom, until when, and what was paid for it.
//!
//! The rules are pure: `calendar`, `bill`, `tax`, `trial`, `subscription`, `invoice`, `ledger`,
//! `notice`, `link`. `engine` brings them together with the database, the `gateway` and the mail;
//! `api` is what readers' programs may ask. `docs/billing.md` tells the rules in plain words.

pub mod access;
pub mod api;
pub mod approval;
pub mod bill;
pub mod calendar;
pub mod cancellation_notice;
pub mod card_limit;
pub mod catalog;
pub mod charge;
pub mod consent;
pub mod engine;
pub mod event;
pub mod export;
pub mod gateway;
pub mod grant;
pub mod idempotency;
pub mod invoice;
pub mod ledger;
pub mod letter;
pub mod link;
pub mod notice;
pub mod operation;
pub mod review;
pub mod subscription;
pub mod tax;
pub mod timeline;
pub mod trial;
pub mod waiting_gift;

#[cfg(test)]
mod manual_tests;
