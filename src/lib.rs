//! Pressgate: an open metered paywall and subscription service.
//!
//! Facts come in through HTTP, a pure function decides, one transaction writes, one answer goes
//! out; time, randomness and the outside world come in as arguments.
//!
//! Where to start reading: [`access::decision`] is the heart, [`metering::tally`] the count
//! behind it. [`app`] puts everything together, and `main` only asks [`cli`] what to do.
//!
//! | room | holds |
//! | --- | --- |
//! | [`access`] | may this visitor read this article? The API, the middleware, receipts |
//! | [`metering`] | how many free articles a visitor has read, exactly |
//! | [`site`] | the publisher's titles: their policies and keys |
//! | [`auth`] | how anybody proves who they are: keys, tokens, passwords, sessions |
//! | [`reader`] | readers' accounts, from the mail that makes one to the day it is erased |
//! | [`staff`] | the back office: coming on duty, acting on readers |
//! | [`audit`] | who did what, in an order that nobody can change unseen |
//! | [`mail`] | writing to people |
//! | [`newsletter`] | who agreed to receive which newsletter, with an account or without |
//! | [`billing`] | plans, subscriptions, charges, invoices and the ledger; `docs/billing.md` |
//! | [`numbers`] | the business in numbers: revenue, trials, the way from the wall |
//! | [`language`] | what readers are told, in their language |
//! | [`demo`] | a small newspaper behind the paywall, in a sandbox |
//! | [`http`] | what all of HTTP shares: bodies, problems, limits, health, the listener |
//! | [`db`] | one storage for two databases |
//! | [`backup`] | backups of an installation on SQLite, and the way back from them |
//! | [`files`] | files that only the service's own account may open |
//! | [`supervisor`] | background tasks that are started again when they fail |
//! | [`telemetry`] | the log: never in a request's way |
//! | [`cli`] | one file for each command |
//!
//! Inside a room, files named after what they hold are pure; `store` alone has SQL, `api` alone
//! has HTTP. Rooms use each other's models and stores, never each other's `api`.

pub mod access;
pub mod app;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod billing;
pub mod cli;
pub mod clock;
pub mod clock_skew;
pub mod config;
pub mod db;
pub mod demo;
pub mod files;
pub mod http;
pub mod ids;
pub mod language;
pub mod mail;
pub mod metering;
pub mod money;
pub mod newsletter;
pub mod numbers;
pub mod reader;
pub mod sandbox;
pub mod site;
pub mod staff;
pub mod supervisor;
pub mod telemetry;
pub mod upkeep;
