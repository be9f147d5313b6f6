//! The back office: staff log in here, and act on readers under their own names.
//!
//! [`desk::Desk`] holds the parts and admits those on duty; `log_in` is how they come on duty,
//! `house`, `numbers`, `review` and `timeline` what they see, `find` how they find it, `acts` and
//! `team` what they do, each act with its entry in the audit log. `plain` says it in words,
//! `sentence` how it was decided, `consequences` what would come of an act. `api` offers it to
//! programs, `pages` to people.
//! `visibility` is what a role sees of readers, `disclosures` which lists of them were given out.
//! Who they are and what each role may do is in [`auth::staff`](crate::auth::staff).

mod acts;
mod addresses;
mod again;
pub mod api;
mod consequences;
pub mod desk;
pub mod disclosures;
pub mod find;
mod house;
mod log_in;
mod newsletters;
mod notes;
mod numbers;
pub mod pages;
mod plain;
pub mod review;
mod sentence;
mod team;
pub mod timeline;
pub(crate) mod visibility;
mod why;
