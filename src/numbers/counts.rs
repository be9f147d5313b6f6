//! What happens with every page, counted in memory and written down every few seconds: a lost
//! process loses seconds of them, and no request waits for a database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    calendar::Calendar,
    figure::{Fact, Figure},
    store,
};
use crate::{
    access::decision::Reason,
    clock::Clock,
    db::{Db, StoreError},
    site::directory::Directory,
};

/// How often they are written down.
const EVERY: Duration = Duration::from_secs(5);

/// What one site's pages did since they were written down last.
#[derive(Debug, Clone, Copy, Default)]
struct OfSite {
    decided: [u32; Reason::ALL.len()],
    offered: u32,
}

/// The counts of every site; clones share them.
#[derive(Debug, Clone, Default)]
pub struct PageCounts(Arc<Mutex<HashMap<String, OfSite>>>);

impl PageCounts {
    fn of(&self, site: &str, change: impl FnOnce(&mut OfSite)) {
        let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sites.get_mut(site) {
            Some(counts) => change(counts),
            None => change(sites.entry(site.to_owned()).or_default()),
        }
    }

    /// A decision about an article of `site` was made.
    pub fn decided(&self, site: &str, reason: Reason) {
        self.of(site, |counts| {
            if let Some(count) = counts.decided.get_mut(reason as usize) {
                *count = count.saturating_add(1);
            }
        });
    }

    /// An offer of `site` was shown.
    pub fn offered(&self, site: &str) {
        self.of(site, |counts| counts.offered = counts.offered.saturating_add(1));
    }

    fn take(&self) -> Vec<Fact> {
        let sites = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut facts = Vec::new();
        for (site, counts) in sites {
            for (reason, count) in Reason::ALL.into_iter().zip(counts.decided) {
                let label = format!("{site} {}", reason.as_str());
                facts.push(Fact::count(Figure::Decided, label, count.into()));
            }
            facts.push(Fact::count(Figure::Offered, site, counts.offered.into()));
        }
        facts.retain(|fact| fact.value != 0);
        facts
    }

    /// Writes down what was counted.
    ///
    /// # Errors
    /// [`StoreError`]; what was counted until then is lost.
    pub async fn flush(&self, db: &Db, clock: &dyn Clock) -> Result<(), StoreError> {
        let facts = self.take();
        if facts.is_empty() {
            return Ok(());
        }
        let mut tx = db.write().await?;
        store::note(&mut tx, &facts, clock.now()).await?;
        tx.commit().await
    }
}

/// Writes down what is counted, and folds facts into days, for ever. Ends when it is dropped.
pub async fn run(counts: PageCounts, db: Db, clock: Arc<dyn Clock>, directory: Arc<Directory>) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = counts.flush(&db, &*clock).await {
            tracing::warn!("what pages did could not be written down: {error}");
        }
        let calendar = Calendar::of(&directory.snapshot());
        if let Err(error) = store::fold(&db, &calendar).await {
            tracing::warn!("facts could not be folded into days: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_taken_once() {
        let counts = PageCounts::default();
        counts.decided("demo", Reason::Metered);
        counts.decided("demo", Reason::Metered);
        counts.decided("other", Reason::MeterExhausted);
        counts.offered("demo");
        let mut facts = counts.take();
        facts.sort_by(|one, other| one.label.cmp(&other.label));
        assert_eq!(
            facts,
            [
                Fact::count(Figure::Offered, "demo", 1),
                Fact::count(Figure::Decided, "demo metered", 2),
                Fact::count(Figure::Decided, "other meter_exhausted", 1),
            ]
        );
        assert_eq!(counts.take(), []);
    }
}
