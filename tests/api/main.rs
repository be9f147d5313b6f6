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
#[path = "../support/relay.rs"]
mod relay;
#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod address_oracle;
mod addresses;
mod agreeing;
mod audit;
mod back_office;
mod batch;
mod billing;
mod billing_races;
mod books;
mod cancellation_notices;
mod card_free;
mod card_testing;
mod catalog;
mod clock_skew;
mod deciding;
mod demonstration;
mod description;
mod edge;
mod ending_sessions;
mod errors;
mod fields;
mod finding;
mod forged_tokens;
mod gateway;
mod guests;
mod handing_over;
mod headers_of_pages;
mod invoices;
mod keys;
mod known_devices;
mod leaving;
mod letters;
mod limits;
mod listener;
mod logging_in;
mod lookalikes;
mod looks;
mod mailbox;
mod mailing;
mod mailing_order;
mod mails_asked_for;
mod merging;
mod money;
mod networks;
mod newsletters;
mod notices;
mod numbers;
mod numbers_right;
mod office_acts;
mod office_billing;
mod office_finding;
mod office_gifts;
mod office_giving;
mod office_invoices;
mod office_mails;
mod office_pages;
mod office_switch;
mod office_trouble;
mod office_twice;
mod on_failure;
mod one_reader;
mod operations;
mod outage;
mod outside_texts;
mod own_data;
mod place;
mod policies;
mod races;
mod reader_contact;
mod reader_pages;
mod reader_pages_limits;
mod reader_pages_trouble;
mod reader_pages_words;
mod reader_timeline;
mod readers;
mod readers_reading;
mod receipts;
mod refreshing;
mod rubbish;
mod same_key;
mod sandbox_bar;
mod scopes;
mod second_person;
mod sign_up_proofs;
mod staff;
mod start;
mod subscribing;
mod subscribing_words;
mod transactions;
mod trouble;
mod unproved;
mod upkeep;
mod vectors;
mod viewers;
mod visitors;
mod website;
mod why;
mod windows;
