//! What the service does, told as stories: the real router on real databases, with a clock that
//! each test owns. Every story runs on SQLite and on PostgreSQL.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod app;
#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod audit;
mod back_office;
mod batch;
mod deciding;
mod demonstration;
mod edge;
mod errors;
mod keys;
mod limits;
mod listener;
mod mailbox;
mod mailing;
mod merging;
mod operations;
mod own_things;
mod policies;
mod races;
mod reader_pages;
mod reader_pages_limits;
mod readers_reading;
mod receipts;
mod rubbish;
mod staff;
mod start;
mod trouble;
mod upkeep;
mod visitors;
mod website;
mod windows;
