//! What is sold. So far the catalog: offers show its prices. Subscriptions come to live here.

pub mod calendar;
pub mod catalog;
pub mod charge;
pub mod event;
pub mod letter;
pub mod notice;
pub mod subscription;
