//! What is sold. So far the catalog: offers show its prices. Subscriptions come to live here.

pub mod access;
pub mod api;
pub mod bill;
pub mod calendar;
pub mod catalog;
pub mod charge;
pub mod engine;
pub mod event;
pub mod export;
pub mod gateway;
pub mod grant;
pub mod idempotency;
pub mod subscription;
pub mod tax;
pub mod timeline;
pub mod trial;
