//! A warning that repeats is logged a few times in a while; the others are counted, and how many
//! there were is logged afterwards. A fault then leaves a log that can be read.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::metrics::counter::Counter;
use tracing::{
    Event, Level, Subscriber,
    callsite::Identifier,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// Lines of one kind in one interval.
const BURST: u32 = 10;
const INTERVAL: Duration = Duration::from_secs(10);
/// Most kinds that are told apart by their `code`. More than we have; a bound on memory.
const KINDS_MAX: usize = 1_024;

static KINDS: OnceLock<Mutex<Kinds>> = OnceLock::new();

fn kinds() -> &'static Mutex<Kinds> {
    KINDS.get_or_init(Mutex::default)
}

/// What makes two lines the same kind: the place in the code, and the field `code` if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    callsite: Identifier,
    code: u64,
}

/// One kind's lines in the current interval.
#[derive(Debug)]
struct Lines {
    since: Instant,
    seen: u32,
    suppressed: u64,
    place: String,
}

#[derive(Debug, Default)]
struct Kinds(HashMap<Kind, Lines>);

impl Kinds {
    /// Whether a line of this kind may be logged at `now`.
    fn admit(&mut self, mut kind: Kind, now: Instant, place: impl FnOnce() -> String) -> bool {
        if self.0.len() >= KINDS_MAX && !self.0.contains_key(&kind) {
            kind.code = 0;
        }
        let lines = self.0.entry(kind).or_insert_with(|| Lines {
            since: now,
            seen: 0,
            suppressed: 0,
            place: place(),
        });
        if now.duration_since(lines.since) >= INTERVAL && lines.suppressed == 0 {
            (lines.since, lines.seen) = (now, 0);
        }
        lines.seen = lines.seen.saturating_add(1);
        let is_admitted = lines.seen <= BURST;
        lines.suppressed += u64::from(!is_admitted);
        is_admitted
    }

    /// How many lines were left out of intervals that are over at `now`, and where they come from.
    fn take_suppressed(&mut self, now: Instant) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        for lines in self.0.values_mut() {
            if lines.suppressed > 0 && now.duration_since(lines.since) >= INTERVAL {
                all.push((lines.place.clone(), std::mem::take(&mut lines.suppressed)));
                (lines.since, lines.seen) = (now, 0);
            }
        }
        all
    }
}

/// Leaves out what repeats.
pub(super) struct Sampling {
    suppressed: Counter,
}

impl Sampling {
    pub(super) fn new(suppressed: Counter) -> Self {
        Self { suppressed }
    }
}

impl<S: Subscriber> Layer<S> for Sampling {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // Finer levels are for those who ask for every line.
        let is_sampled = *metadata.level() <= Level::WARN && metadata.target() != module_path!();
        if !is_sampled {
            return true;
        }
        let mut code = Code(0);
        event.record(&mut code);
        let kind = Kind { callsite: metadata.callsite(), code: code.0 };
        let place = || {
            let (file, line) = (metadata.file().unwrap_or("?"), metadata.line().unwrap_or(0));
            format!("{file}:{line}")
        };
        let mut kinds = kinds().lock().unwrap_or_else(PoisonError::into_inner);
        let is_admitted = kinds.admit(kind, Instant::now(), place);
        if !is_admitted {
            self.suppressed.inc();
        }
        is_admitted
    }
}

/// The hash of the field `code`.
struct Code(u64);

impl Visit for Code {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "code" {
            let mut hasher = DefaultHasher::new();
            value.hash(&mut hasher);
            self.0 = hasher.finish();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// Logs now and then how many lines were left out, for ever.
pub async fn report_suppressed() {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let all = {
            let mut kinds = kinds().lock().unwrap_or_else(PoisonError::into_inner);
            kinds.take_suppressed(Instant::now())
        };
        for (place, suppressed) in all {
            tracing::warn!(suppressed, "left out {suppressed} more lines like those from {place}");
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::callsite::{Callsite, DefaultCallsite};

    use super::*;

    fn kind(code: u64) -> Kind {
        static CALLSITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
        static METADATA: tracing::Metadata<'static> = tracing::metadata! {
            name: "test",
            target: "test",
            level: Level::WARN,
            fields: &[],
            callsite: &CALLSITE,
            kind: tracing::metadata::Kind::EVENT,
        };
        Kind { callsite: CALLSITE.metadata().callsite(), code }
    }

    #[test]
    fn what_repeats_is_logged_a_few_times_in_an_interval_and_counted() {
        let (mut kinds, start) = (Kinds::default(), Instant::now());
        let admitted = |kinds: &mut Kinds, code, now, lines: u32| {
            (0..lines).filter(|_| kinds.admit(kind(code), now, || "a.rs:1".to_owned())).count()
        };
        assert_eq!(admitted(&mut kinds, 1, start, 25), 10);
        assert_eq!(admitted(&mut kinds, 2, start, 3), 3, "another code is another kind");
        assert!(kinds.take_suppressed(start).is_empty(), "the interval is not over");
        let later = start + INTERVAL;
        assert_eq!(admitted(&mut kinds, 1, later, 1), 0, "until it was said how many there were");
        assert_eq!(kinds.take_suppressed(later), [("a.rs:1".to_owned(), 16)]);
        assert!(kinds.take_suppressed(later).is_empty());
        assert_eq!(admitted(&mut kinds, 1, later, 25), 10);
        // Where nothing was left out, a new interval begins by itself.
        assert_eq!(admitted(&mut kinds, 2, later, 25), 10);
    }

    #[test]
    fn no_number_of_codes_takes_more_memory() {
        let (mut kinds, now) = (Kinds::default(), Instant::now());
        for code in 0..10_000 {
            kinds.admit(kind(code), now, String::new);
        }
        assert!(kinds.0.len() <= KINDS_MAX + 1);
    }
}
