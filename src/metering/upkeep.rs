//! Forgetting windows that are over, in small steps, so that nobody waits for it.

use std::sync::Arc;

use time::Duration;

use super::store::MeterStore;
use crate::clock::Clock;

/// How old windows are forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep {
    /// Time from one round to the next.
    pub every: std::time::Duration,
    /// Most windows forgotten in one step; a round takes steps until nothing is left.
    pub step: u32,
    /// How long a window is kept after its end, in case a clock goes back.
    pub keep: Duration,
}

/// Forgets windows that are over, for ever. Ends when it is dropped.
pub async fn run(store: impl MeterStore, clock: Arc<dyn Clock>, upkeep: Upkeep) {
    loop {
        tokio::time::sleep(upkeep.every).await;
        match round(&store, &*clock, upkeep).await {
            Ok(0) => {}
            Ok(purged) => tracing::info!(purged, "forgot {purged} windows of the meter"),
            Err(error) => tracing::warn!("old windows could not be forgotten: {error}"),
        }
    }
}

/// Forgets every window that ended long enough ago, and says how many.
///
/// # Errors
/// When the store fails; what was forgotten before stays so.
pub async fn round(
    store: &impl MeterStore,
    clock: &dyn Clock,
    upkeep: Upkeep,
) -> Result<u64, crate::db::StoreError> {
    let before = clock.now().minus(upkeep.keep);
    let mut purged = 0;
    loop {
        let step = store.purge(before, upkeep.step.into()).await?;
        purged += step;
        if step < u64::from(upkeep.step) {
            return Ok(purged);
        }
        // Let the reads that wait for the writer go first.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
