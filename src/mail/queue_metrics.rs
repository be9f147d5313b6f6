//! How many mails wait in the outbox, and since when, as metrics.
//!
//! A task of its own asks the database, so that the figures go on growing when the worker hangs,
//! and a scrape never waits for the database.

use std::{sync::Arc, time::Duration};

use super::{
    outbox::{self, QueueDepth},
    priority::Priority,
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
    http::metrics::MailQueue,
    supervisor::Heartbeat,
};

/// Keeps `gauges` up to date, looking every `interval`.
pub async fn run(
    gauges: MailQueue,
    (db, clock): (Db, Arc<dyn Clock>),
    interval: Duration,
    heartbeat: Heartbeat,
) {
    loop {
        heartbeat.beat();
        if let Err(error) = refresh(&gauges, &db, &*clock).await {
            tracing::warn!("the mails that wait could not be counted: {error}");
        }
        heartbeat.rest();
        tokio::time::sleep(interval).await;
    }
}

/// Looks once.
///
/// # Errors
/// [`StoreError`]; the gauges stay as they were.
pub async fn refresh(gauges: &MailQueue, db: &Db, clock: &dyn Clock) -> Result<(), StoreError> {
    let depths = outbox::queue_depths(&mut db.read().await?).await?;
    for priority in Priority::ALL {
        let depth = depths.iter().find(|depth| depth.priority == priority.rank());
        let (mails, age) = depth.map_or((0, 0.0), |depth| depth_of(depth, clock.now()));
        gauges.set(priority.as_str(), mails, age);
    }
    Ok(())
}

fn depth_of(depth: &QueueDepth, now: Timestamp) -> (i64, f64) {
    // Another instance's clock may be ahead of this one.
    (depth.mails, now.since(depth.oldest_at).as_seconds_f64().max(0.0))
}
