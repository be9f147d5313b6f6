//! Background tasks that must not die unnoticed. A task that ends, panics or hangs is started
//! again, after a pause that grows while it keeps failing; readiness can ask which one is down, and
//! a metric counts the restarts.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};

/// Pause before the first restart; doubled for each failure that follows soon.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A task that ran this long had recovered.
const RECOVERED_AFTER: Duration = Duration::from_mins(1);
/// As many failures in a row mean that a task is down, although it was just started again.
const FAILURES_MAX: u32 = 3;
/// How often to look whether a task hangs.
const CHECK: Duration = Duration::from_secs(1);

/// The label of a task's metrics.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TaskLabel {
    task: &'static str,
}

/// How a task is watched.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// What it is called in logs, metrics and readiness.
    pub name: &'static str,
    /// Whether this instance should get no requests while the task is down.
    pub is_essential: bool,
    /// Longest time from one beat to the next while it works.
    pub hangs_after: Duration,
}

impl Watch {
    /// A task that requests depend on.
    #[must_use]
    pub const fn essential(name: &'static str) -> Self {
        Self { name, is_essential: true, hangs_after: Duration::from_mins(2) }
    }

    /// A task whose failure readers do not notice soon.
    #[must_use]
    pub const fn background(name: &'static str) -> Self {
        Self { is_essential: false, ..Self::essential(name) }
    }

    /// With another bound on the time from beat to beat.
    #[must_use]
    pub const fn hanging_after(self, hangs_after: Duration) -> Self {
        Self { hangs_after, ..self }
    }
}

/// How a task shows that it gets on. One that waits for work rests, and cannot hang.
#[derive(Debug, Clone)]
pub struct Heartbeat(Arc<Beats>);

#[derive(Debug)]
struct Beats {
    epoch: Instant,
    /// Milliseconds from `epoch` to the last beat; zero while the task rests.
    last: AtomicU64,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Arc::new(Beats { epoch: Instant::now(), last: AtomicU64::new(0) }))
    }
}

impl Heartbeat {
    /// The task works, and got on.
    pub fn beat(&self) {
        let millis = u64::try_from(self.0.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last.store(millis.max(1), Ordering::Relaxed);
    }

    /// The task waits for work.
    pub fn rest(&self) {
        self.0.last.store(0, Ordering::Relaxed);
    }

    fn is_late(&self, hangs_after: Duration) -> bool {
        match self.0.last.load(Ordering::Relaxed) {
            0 => false,
            last => {
                self.0.epoch.elapsed().saturating_sub(Duration::from_millis(last)) > hangs_after
            }
        }
    }
}

/// A task that is not running as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the background task `{task}` {reason}")]
pub struct TaskDown {
    /// Its name.
    pub task: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// One task as it is now.
struct Status {
    watch: Watch,
    heartbeat: Heartbeat,
    is_running: AtomicBool,
    failures: AtomicU32,
    last_failure: Mutex<String>,
}

impl Status {
    fn check(&self) -> Result<(), TaskDown> {
        let down = |reason| Err(TaskDown { task: self.watch.name, reason });
        if self.heartbeat.is_late(self.watch.hangs_after) {
            return down("hangs".to_owned());
        }
        let is_failing = self.failures.load(Ordering::Relaxed) >= FAILURES_MAX;
        if is_failing || !self.is_running.load(Ordering::Relaxed) {
            return down(locked(&self.last_failure).clone());
        }
        Ok(())
    }
}

/// Starts tasks, and starts them again. Clones share the tasks, which end with the last clone or at
/// [`Supervisor::stop`].
#[derive(Clone)]
pub struct Supervisor {
    running: Arc<Mutex<JoinSet<()>>>,
    tasks: Arc<Mutex<BTreeMap<&'static str, Arc<Status>>>>,
    restarts: Family<TaskLabel, Counter>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(locked(&self.tasks).keys()).finish()
    }
}

impl Supervisor {
    /// Counts restarts in `restarts`.
    #[must_use]
    pub fn new(restarts: Family<TaskLabel, Counter>) -> Self {
        Self { running: Arc::default(), tasks: Arc::default(), restarts }
    }

    /// Runs what `start` makes, and makes another whenever it ends.
    pub fn spawn<F>(&self, watch: Watch, start: impl Fn(Heartbeat) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let status = Arc::new(Status {
            watch,
            heartbeat: Heartbeat::default(),
            is_running: AtomicBool::new(true),
            failures: AtomicU32::new(0),
            last_failure: Mutex::default(),
        });
        locked(&self.tasks).insert(watch.name, Arc::clone(&status));
        // Looked up now, so that the metric is there before the first restart.
        let restarts = self.restarts.get_or_create_owned(&TaskLabel { task: watch.name });
        locked(&self.running).spawn(async move {
            loop {
                run_once(&status, &start).await;
                restarts.inc();
            }
        });
    }

    /// The first essential task that is down.
    ///
    /// # Errors
    /// [`TaskDown`].
    pub fn check(&self) -> Result<(), TaskDown> {
        let tasks = locked(&self.tasks);
        tasks.values().filter(|task| task.watch.is_essential).try_for_each(|task| task.check())
    }

    /// Ends all tasks.
    pub fn stop(&self) {
        locked(&self.running).abort_all();
    }
}

/// Runs a task until it fails, and waits until it may be started again.
async fn run_once<F>(status: &Status, start: &impl Fn(Heartbeat) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let name = status.watch.name;
    let started = Instant::now();
    status.heartbeat.rest();
    status.is_running.store(true, Ordering::Relaxed);
    // In a set of its own, so that it ends with us.
    let mut task = JoinSet::new();
    task.spawn(start(status.heartbeat.clone()));
    let reason = loop {
        match tokio::time::timeout(CHECK, task.join_next()).await {
            Ok(ended) => break ended.map_or_else(|| "ended".to_owned(), reason_of),
            Err(_) if status.heartbeat.is_late(status.watch.hangs_after) => {
                break format!("hung for {} s", status.watch.hangs_after.as_secs());
            }
            Err(_) if started.elapsed() >= RECOVERED_AFTER => {
                status.failures.store(0, Ordering::Relaxed);
            }
            Err(_) => {}
        }
    };
    task.abort_all();
    let failures = status.failures.fetch_add(1, Ordering::Relaxed);
    locked(&status.last_failure).clone_from(&reason);
    status.is_running.store(false, Ordering::Relaxed);
    status.heartbeat.rest();
    let pause = PAUSE_MIN.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX);
    tracing::error!(
        code = name,
        failures = failures + 1,
        "the background task `{name}` {reason}; it is started again in {} ms",
        pause.as_millis()
    );
    tokio::time::sleep(pause).await;
}

fn reason_of(ended: Result<(), JoinError>) -> String {
    match ended {
        Ok(()) => "ended".to_owned(),
        Err(error) if error.is_panic() => "panicked".to_owned(),
        Err(_) => "was ended".to_owned(),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    fn restarts(supervisor: &Supervisor, task: &'static str) -> u64 {
        supervisor.restarts.get_or_create(&TaskLabel { task }).get()
    }

    async fn until(holds: impl Fn() -> bool) {
        let waited = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waited).await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_panics_or_ends_is_started_again_and_counted() {
        for panics in [true, false] {
            let supervisor = Supervisor::new(Family::default());
            let (starts, fails) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
            let begun = (Arc::clone(&starts), Arc::clone(&fails));
            supervisor.spawn(Watch::essential("a"), move |_| {
                let (starts, fails) = begun.clone();
                async move {
                    starts.fetch_add(1, Ordering::SeqCst);
                    fails.notified().await;
                    assert!(!panics, "as the test wants it");
                }
            });
            until(|| starts.load(Ordering::SeqCst) == 1).await;
            assert_eq!(supervisor.check(), Ok(()));
            fails.notify_one();
            until(|| supervisor.check().is_err()).await;
            let reason = if panics { "panicked" } else { "ended" };
            let text = format!("the background task `a` {reason}");
            assert_eq!(supervisor.check().unwrap_err().to_string(), text);
            until(|| starts.load(Ordering::SeqCst) == 2).await;
            until(|| supervisor.check().is_ok()).await;
            assert_eq!(restarts(&supervisor, "a"), 1);
        }
    }

    #[tokio::test]
    async fn a_task_that_keeps_failing_is_down_even_while_it_runs() {
        let supervisor = Supervisor::new(Family::default());
        supervisor.spawn(Watch::essential("essential"), |_| std::future::ready(()));
        supervisor.spawn(Watch::background("background"), |_| std::future::ready(()));
        until(|| restarts(&supervisor, "essential") >= 2).await;
        until(|| locked(&supervisor.tasks)["essential"].failures.load(Ordering::SeqCst) > 2).await;
        for _ in 0..100 {
            assert_eq!(supervisor.check().unwrap_err().task, "essential");
            tokio::task::yield_now().await;
        }
        supervisor.stop();
    }

    #[tokio::test]
    async fn a_task_that_hangs_at_work_is_started_again_and_one_that_rests_is_not() {
        let supervisor = Supervisor::new(Family::default());
        let watch = Watch::essential("busy").hanging_after(Duration::from_millis(50));
        supervisor.spawn(watch, |heartbeat| async move {
            heartbeat.beat();
            std::future::pending::<()>().await;
        });
        supervisor.spawn(Watch { name: "idle", ..watch }, |heartbeat| async move {
            heartbeat.beat();
            heartbeat.rest();
            std::future::pending::<()>().await;
        });
        until(|| supervisor.check().is_err()).await;
        assert_eq!(supervisor.check().unwrap_err().task, "busy");
        until(|| restarts(&supervisor, "busy") >= 1).await;
        assert_eq!(restarts(&supervisor, "idle"), 0);
    }
}
