//! What happens with every page, counted in memory and written down every few seconds: a lost
//! process loses seconds of them, and no request waits for a database.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;

use super::{
    calendar::Calendar,
    figure::{Fact, Figure},
    store,
};
use crate::{
    access::decision::Reason,
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
    site::directory::Directory,
    supervisor::Heartbeat,
};

/// How often they are written down.
const EVERY: Duration = Duration::from_secs(5);

/// What one site's pages did since they were written down last.
#[derive(Debug, Default)]
struct OfSite {
    decided: [AtomicI64; Reason::ALL.len()],
    offered: AtomicI64,
}

/// Counts of every site's pages; clones share them. Whoever counts waits for nobody.
#[derive(Debug, Clone, Default)]
pub struct PageCounts(Arc<ArcSwap<HashMap<String, Arc<OfSite>>>>);

impl PageCounts {
    fn of(&self, site: &str, change: impl Fn(&OfSite)) {
        if let Some(counts) = self.0.load().get(site) {
            return change(counts);
        }
        // Once for each site: the map is made anew, until no other was faster.
        self.0.rcu(|sites| {
            let mut sites = HashMap::clone(sites);
            sites.entry(site.to_owned()).or_default();
            sites
        });
        if let Some(counts) = self.0.load().get(site) {
            change(counts);
        }
    }

    /// A decision about an article of `site` was made.
    pub fn decided(&self, site: &str, reason: Reason) {
        self.of(site, |counts| {
            if let Some(count) = counts.decided.get(reason as usize) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    /// An offer of `site` was shown.
    pub fn offered(&self, site: &str) {
        self.of(site, |counts| {
            counts.offered.fetch_add(1, Ordering::Relaxed);
        });
    }

    fn take(&self) -> Vec<Taken> {
        let mut all = Vec::new();
        for (site, counts) in self.0.load().iter() {
            let mut decided = [0; Reason::ALL.len()];
            for (taken, count) in decided.iter_mut().zip(&counts.decided) {
                *taken = count.swap(0, Ordering::Relaxed);
            }
            let offered = counts.offered.swap(0, Ordering::Relaxed);
            all.push(Taken { site: site.clone(), decided, offered });
        }
        all
    }

    fn give_back(&self, all: &[Taken]) {
        for taken in all {
            self.of(&taken.site, |counts| {
                for (count, taken) in counts.decided.iter().zip(taken.decided) {
                    count.fetch_add(taken, Ordering::Relaxed);
                }
                counts.offered.fetch_add(taken.offered, Ordering::Relaxed);
            });
        }
    }

    /// Writes down what was counted.
    ///
    /// # Errors
    /// [`StoreError`]; what was counted is written down next time.
    pub async fn flush(&self, db: &Db, clock: &dyn Clock) -> Result<(), StoreError> {
        let taken = self.take();
        let facts: Vec<Fact> = taken.iter().flat_map(Taken::facts).collect();
        if facts.is_empty() {
            return Ok(());
        }
        let noted = write(db, &facts, clock.now()).await;
        if noted.is_err() {
            self.give_back(&taken);
        }
        noted
    }
}

/// What was taken out of one site's counts.
struct Taken {
    site: String,
    decided: [i64; Reason::ALL.len()],
    offered: i64,
}

impl Taken {
    fn facts(&self) -> Vec<Fact> {
        let decided = Reason::ALL.into_iter().zip(self.decided).map(|(reason, count)| {
            Fact::count(Figure::Decided, format!("{} {}", self.site, reason.as_str()), count)
        });
        let offered = Fact::count(Figure::Offered, &self.site, self.offered);
        decided.chain([offered]).filter(|fact| fact.value != 0).collect()
    }
}

async fn write(db: &Db, facts: &[Fact], now: Timestamp) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    store::note(&mut tx, facts, now);
    tx.commit().await
}

/// Writes down what is counted, and folds facts into days, for ever. Ends when it is dropped.
pub async fn run(
    counts: PageCounts,
    (db, clock): (Db, Arc<dyn Clock>),
    directory: Arc<Directory>,
    heartbeat: Heartbeat,
) {
    loop {
        heartbeat.rest();
        tokio::time::sleep(EVERY).await;
        heartbeat.beat();
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
        let taken = counts.take();
        counts.give_back(&taken);
        let mut facts: Vec<Fact> = counts.take().iter().flat_map(Taken::facts).collect();
        facts.sort_by(|one, other| one.label.cmp(&other.label));
        assert_eq!(
            facts,
            [
                Fact::count(Figure::Offered, "demo", 1),
                Fact::count(Figure::Decided, "demo metered", 2),
                Fact::count(Figure::Decided, "other meter_exhausted", 1),
            ]
        );
        assert!(counts.take().iter().all(|taken| taken.facts().is_empty()));
    }
}
