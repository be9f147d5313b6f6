//! Whether requests should be sent here. Stores are asked to write, and tasks whether they run.
//!
//! A load balancer asks every instance the same question, so an answer that depends on how slow a
//! shared database is would take all of them away at once. Only what fails counts at once: refused,
//! broken, read-only. What is merely late counts when it has been late for `LATE_MAX`; until
//! then the answer is what it was.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use crate::{
    clock::Clock,
    db::{Db, StoreError},
    metering::store::MeterStore,
    supervisor::{Supervisor, TaskDown},
};

/// A store is asked at most this often, so that health checks cannot become a load.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Longest wait of a health check for a store.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// A store that has been late for this long is as good as down.
const LATE_MAX: Duration = Duration::from_secs(10);
/// After a failure, as many successes in a row make a store good again.
const GOOD_AGAIN: u32 = 2;

/// Why requests should not be sent here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The process was asked to stop.
    #[error("the service is stopping")]
    Stopping,
    /// A task that requests depend on is down.
    #[error(transparent)]
    Task(#[from] TaskDown),
    /// A store cannot be used.
    #[error("{store} cannot be used: {reason}")]
    Store {
        /// Which store.
        store: &'static str,
        /// For the log; may hold names of files and servers.
        reason: String,
    },
    /// A store's file was deleted or replaced.
    #[error("the file of {store} was deleted or replaced while it was in use")]
    Displaced {
        /// Which store.
        store: &'static str,
    },
    /// A store does not answer.
    #[error("{store} has not answered for {} s", LATE_MAX.as_secs())]
    Late {
        /// Which store.
        store: &'static str,
    },
}

impl NotReady {
    /// The reason as strangers may read it.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Store { store, .. } => format!("{store} cannot be used"),
            other => other.to_string(),
        }
    }
}

/// One answer of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Good,
    Failed(NotReady),
    Late,
}

/// What is known of one store. Pure.
#[derive(Debug, Default)]
struct StoreHealth {
    failed: Option<NotReady>,
    /// Successes since it failed.
    good: u32,
    /// When the first question since the last success was asked.
    waiting_since: Option<Instant>,
}

impl StoreHealth {
    fn ask(&mut self, now: Instant) {
        self.waiting_since.get_or_insert(now);
    }

    fn note(&mut self, answer: Answer) {
        match answer {
            Answer::Good => {
                self.waiting_since = None;
                self.good += 1;
                if self.good >= GOOD_AGAIN {
                    self.failed = None;
                }
            }
            Answer::Failed(why) => (self.failed, self.good) = (Some(why), 0),
            Answer::Late => self.good = 0,
        }
    }

    fn check(&mut self, store: &'static str, now: Instant) -> Result<(), NotReady> {
        let is_late = |since: Instant| now.duration_since(since) >= LATE_MAX;
        if self.failed.is_none() && self.waiting_since.is_some_and(is_late) {
            (self.failed, self.good) = (Some(NotReady::Late { store }), 0);
        }
        self.failed.clone().map_or(Ok(()), Err)
    }
}

type Ask = Box<dyn Fn() -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync>;

/// One store, and the question on its way to it.
struct Probe {
    store: &'static str,
    ask: Ask,
    health: Arc<Mutex<StoreHealth>>,
    /// Changes with each answer.
    answers: watch::Sender<Option<Instant>>,
    asking: Mutex<Option<JoinHandle<()>>>,
}

impl Probe {
    fn new<F>(store: &'static str, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let ask: Ask = Box::new(move || ask().boxed());
        let (health, asking) = (Arc::default(), Mutex::default());
        Self { store, ask, health, answers: watch::Sender::new(None), asking }
    }

    /// What the store says now, or what it said last if it says nothing soon.
    async fn check(&self) -> Result<(), NotReady> {
        let mut answers = self.answers.subscribe();
        if self.ask_anew() {
            // Late or not, the health knows.
            let _ = tokio::time::timeout(WAIT_MAX, answers.changed()).await;
        }
        locked(&self.health).check(self.store, Instant::now())
    }

    /// Asks the store unless its last answer is fresh; says whether an answer is awaited.
    fn ask_anew(&self) -> bool {
        let mut asking = locked(&self.asking);
        if asking.as_ref().is_some_and(|task| !task.is_finished()) {
            return true;
        }
        let last = *self.answers.borrow();
        if last.is_some_and(|last| last.elapsed() < FRESH_FOR) {
            return false;
        }
        locked(&self.health).ask(Instant::now());
        let (asked, store, health) = ((self.ask)(), self.store, Arc::clone(&self.health));
        let answers = self.answers.clone();
        *asking = Some(tokio::spawn(async move {
            let answer = match asked.await {
                Ok(()) => Answer::Good,
                Err(error) if error.is_late() => Answer::Late,
                Err(StoreError::Displaced(_)) => Answer::Failed(NotReady::Displaced { store }),
                Err(error) => Answer::Failed(NotReady::Store { store, reason: error.to_string() }),
            };
            locked(&health).note(answer);
            answers.send_replace(Some(Instant::now()));
        }));
        true
    }
}

/// Whether requests should be sent here.
pub struct Readiness {
    probes: Vec<Probe>,
    supervisor: Supervisor,
    stopping: AtomicBool,
    was_ready: AtomicBool,
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readiness").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Readiness {
    /// Asks `db` and, where the meter keeps its counts elsewhere, `meter`; and the tasks of
    /// `supervisor`.
    pub fn new(
        db: Db,
        meter: Option<impl MeterStore>,
        clock: &Arc<dyn Clock>,
        supervisor: Supervisor,
    ) -> Self {
        let now = Arc::clone(clock);
        let ask_db = move || {
            let (db, now) = (db.clone(), now.now());
            async move { db.probe(now).await }
        };
        let mut probes = vec![Probe::new("the database", ask_db)];
        if let Some(store) = meter {
            let now = Arc::clone(clock);
            let ask_meter = move || {
                let (store, now) = (store.clone(), now.now());
                async move { store.probe(now).await }
            };
            probes.push(Probe::new("the meter's store", ask_meter));
        }
        let (stopping, was_ready) = (AtomicBool::new(false), AtomicBool::new(true));
        Self { probes, supervisor, stopping, was_ready }
    }

    /// From now on the answer is no.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the process was asked to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Why not, if not.
    ///
    /// # Errors
    /// [`NotReady`].
    pub async fn check(&self) -> Result<(), NotReady> {
        let checked = self.look().await;
        let was_ready = self.was_ready.swap(checked.is_ok(), Ordering::Relaxed);
        match &checked {
            Err(reason) => tracing::warn!("not ready: {reason}"),
            Ok(()) if !was_ready => tracing::info!("ready again"),
            Ok(()) => {}
        }
        checked
    }

    async fn look(&self) -> Result<(), NotReady> {
        if self.is_stopping() {
            return Err(NotReady::Stopping);
        }
        self.supervisor.check()?;
        let checked = futures_util::future::join_all(self.probes.iter().map(Probe::check)).await;
        checked.into_iter().collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &str = "the database";

    fn broken() -> NotReady {
        NotReady::Store { store: STORE, reason: "refused".to_owned() }
    }

    /// The verdict after each of these answers, one a second.
    fn verdicts(health: &mut StoreHealth, start: Instant, answers: &[Answer]) -> Vec<bool> {
        let verdict = |(second, answer): (u64, &Answer)| {
            let now = start + Duration::from_secs(second);
            health.ask(now);
            health.note(answer.clone());
            health.check(STORE, now).is_ok()
        };
        (0..).zip(answers).map(verdict).collect()
    }

    #[test]
    fn a_failure_counts_at_once_and_two_successes_make_good() {
        let (good, failed) = (Answer::Good, Answer::Failed(broken()));
        let answers = [&good, &failed, &good, &good, &good, &failed, &good, &failed, &good];
        let answers: Vec<Answer> = answers.into_iter().cloned().collect();
        assert_eq!(
            verdicts(&mut StoreHealth::default(), Instant::now(), &answers),
            [true, false, false, true, true, false, false, false, false]
        );
    }

    #[test]
    fn what_is_late_counts_after_a_while_only() {
        let start = Instant::now();
        let mut health = StoreHealth::default();
        let slow = verdicts(&mut health, start, &[Answer::Good, Answer::Late, Answer::Late]);
        assert_eq!(slow, [true; 3]);
        // The first question without an answer was asked after one second.
        assert_eq!(health.check(STORE, start + LATE_MAX), Ok(()));
        let late = start + LATE_MAX + Duration::from_secs(1);
        assert_eq!(health.check(STORE, late), Err(NotReady::Late { store: STORE }));
        // One that answers again once is not trusted yet.
        assert_eq!(verdicts(&mut health, late, &[Answer::Good, Answer::Good]), [false, true]);
    }

    #[test]
    fn one_answer_in_time_among_late_ones_is_enough() {
        let answers: Vec<Answer> =
            (0..60).map(|i| if i % 9 == 0 { Answer::Good } else { Answer::Late }).collect();
        let verdicts = verdicts(&mut StoreHealth::default(), Instant::now(), &answers);
        assert_eq!(verdicts, [true; 60]);
    }

    #[test]
    fn what_failed_stays_so_while_it_is_late() {
        let answers = [Answer::Failed(broken()), Answer::Late, Answer::Good, Answer::Late];
        let verdicts = verdicts(&mut StoreHealth::default(), Instant::now(), &answers);
        assert_eq!(verdicts, [false; 4]);
    }

    #[test]
    fn strangers_learn_which_store_and_not_why() {
        assert_eq!(broken().detail(), "the database cannot be used");
    }

    #[tokio::test]
    async fn a_store_that_says_nothing_holds_up_no_health_check() {
        let probe = Probe::new(STORE, std::future::pending);
        let checked = tokio::time::timeout(Duration::from_secs(20), probe.check()).await;
        assert_eq!(checked, Ok(Ok(())), "as it was");
    }
}
