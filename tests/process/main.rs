//! The real program as a process of its own: killed, stopped, short of disk, and asked in words.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod anchors;
mod backup;
mod billing_kill;
mod catalog;
mod commands;
mod connections;
mod crowding;
mod disk;
mod displaced;
mod doctor;
mod draining;
mod kept;
mod kill;
mod logs;
mod mail;
mod newsletters;
mod permissions;
mod readers;
mod secrecy;
mod server;
#[path = "../support/smtp.rs"]
mod smtp;
mod staff;
mod stop;
mod subscriptions;
#[path = "../support/mod.rs"]
mod support;
