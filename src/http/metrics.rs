//! Counters and timings, as Prometheus reads them.

use std::sync::{Mutex, atomic::AtomicU64};

use axum::http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{
    audit::anchor_file::AnchorMetrics, clock_skew::SkewGauge, supervisor::TaskLabel, telemetry,
};

/// Everything that is counted. Counters of the hot path are looked up once, at the start.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    responses: [Counter; 5],
    /// How long requests took, in seconds.
    pub request_seconds: Histogram,
    /// Requests turned away because too many were in flight.
    pub shed: Counter,
    /// Handlers that panicked.
    pub panics: Counter,
    /// Requests whose `X-Forwarded-For` was ignored, as its sender is no trusted proxy.
    pub untrusted_forwarded_for: Counter,
    decisions: Family<Reason, Counter>,
    /// Reads that wait to be counted.
    pub meter_waiting: Gauge,
    /// Signatures of access tokens that were checked; the same token costs one.
    pub signature_checks: Counter,
    /// Mails that a server took.
    pub mails_sent: Counter,
    /// Times that a server did not take a mail.
    pub mails_failed: Counter,
    /// Mails that were given up.
    pub mails_dead: Counter,
    /// Mails that wait; nothing where none is sent.
    pub mail_queue: MailQueue,
    /// Decisions that were not written down because too many came.
    pub decisions_lost: Counter,
    /// The anchors of the audit log.
    pub anchors: AnchorMetrics,
    /// Times that a background task had to be started again, by task.
    pub task_restarts: Family<TaskLabel, Counter>,
    /// Seconds by which this machine's clock is ahead of the database's.
    pub clock_skew: SkewGauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    decision: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Priority {
    priority: &'static str,
}

/// The mails that wait to be sent, by priority. Instances that share a database say the same.
#[derive(Debug, Clone, Default)]
pub struct MailQueue {
    mails: Family<Priority, Gauge>,
    oldest_age: Family<Priority, Gauge<f64, AtomicU64>>,
}

impl MailQueue {
    /// So many mails of `priority` wait, the oldest of them for that long.
    pub fn set(&self, priority: &'static str, mails: i64, oldest_age_secs: f64) {
        let label = Priority { priority };
        self.mails.get_or_create(&label).set(mails);
        self.oldest_age.get_or_create(&label).set(oldest_age_secs);
    }
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Seconds; from what a decision in memory takes to what a client gives up on.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("pressgate");
        let responses = Family::<Status, Counter>::default();
        let request_seconds = Histogram::new(BUCKETS);
        let (shed, panics) = (Counter::default(), Counter::default());
        let decisions = Family::<Reason, Counter>::default();
        let meter_waiting = Gauge::default();
        registry.register("http_responses", "Answers by class of status", responses.clone());
        registry.register("http_request_seconds", "Time to answer", request_seconds.clone());
        registry.register("http_requests_shed", "Requests beyond the bound", shed.clone());
        registry.register("http_panics", "Handlers that panicked", panics.clone());
        registry.register("decisions", "Access decisions by reason", decisions.clone());
        registry.register("meter_waiting", "Reads waiting to be counted", meter_waiting.clone());
        let untrusted_forwarded_for = Counter::default();
        let help = "Requests whose X-Forwarded-For was ignored, as it came from no trusted proxy";
        registry.register("http_untrusted_forwarded_for", help, untrusted_forwarded_for.clone());
        let signature_checks = Counter::default();
        let help = "Signatures of access tokens that were checked";
        registry.register("access_token_signature_checks", help, signature_checks.clone());
        let [mails_sent, mails_failed, mails_dead] = <[Counter; 3]>::default();
        registry.register("mails_sent", "Mails that a server took", mails_sent.clone());
        registry.register("mails_failed", "Times that none took a mail", mails_failed.clone());
        registry.register("mails_dead", "Mails that were given up", mails_dead.clone());
        let mail_queue = MailQueue::default();
        let help = "Mails that wait to be sent, by priority";
        registry.register("mails_queued", help, mail_queue.mails.clone());
        let help = "Seconds since the oldest mail that waits was queued, by priority";
        registry.register("mails_queued_oldest_age_seconds", help, mail_queue.oldest_age.clone());
        let decisions_lost = Counter::default();
        let help = "Decisions that were not written down because too many came";
        registry.register("decisions_lost", help, decisions_lost.clone());
        let anchors = AnchorMetrics::default();
        let help = "Times that the audit log could not be anchored";
        registry.register("audit_anchor_failures", help, anchors.failures.clone());
        let help = "When the audit log was last known to be anchored to its end; 0 for never";
        registry.register("audit_anchored_timestamp_seconds", help, anchors.anchored_at.clone());
        let task_restarts = Family::<TaskLabel, Counter>::default();
        let help = "Times that a background task had to be started again";
        registry.register("task_restarts", help, task_restarts.clone());
        let clock_skew = SkewGauge::default();
        let help = "Seconds by which this machine's clock is ahead of the database's";
        registry.register("clock_skew_seconds", help, clock_skew.clone());
        let log = telemetry::counters();
        let help = "Log lines that nothing could take";
        registry.register("log_lines_dropped", help, log.dropped);
        let help = "Log lines left out because the same had been logged often just before";
        registry.register("log_lines_suppressed", help, log.suppressed);
        let responses = CLASSES.map(|status| responses.get_or_create_owned(&Status { status }));
        Self {
            registry: Mutex::new(registry),
            responses,
            request_seconds,
            shed,
            panics,
            untrusted_forwarded_for,
            decisions,
            meter_waiting,
            signature_checks,
            mails_sent,
            mails_failed,
            mails_dead,
            mail_queue,
            decisions_lost,
            anchors,
            task_restarts,
            clock_skew,
        }
    }
}

impl Metrics {
    /// Counts an answer.
    pub fn count_response(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.responses.get(class) {
            counter.inc();
        }
    }

    /// The counter of one outcome of decisions.
    #[must_use]
    pub fn decisions(&self, decision: &'static str, reason: &'static str) -> Counter {
        self.decisions.get_or_create_owned(&Reason { decision, reason })
    }

    /// Everything, as Prometheus text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Writing into a `String` cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
