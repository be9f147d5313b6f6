//! What a batch of questions is about: whose counts, which question concerns which, and what may
//! be settled apart. Pure.

use std::collections::{HashMap, HashSet};

use tokio::sync::oneshot;

use super::{
    memory::FullWindows,
    meter::MeterError,
    store::{Key, Row},
    tally::{Read, Reading, Tally, tally},
    together::tally_together,
};
use crate::clock::Timestamp;

/// One question, and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) visitor: Key,
    /// Who is logged in on the visitor's browser; in the same pool.
    pub(super) reader: Option<Key>,
    /// The visitor was made a moment ago, so nothing can be stored of it.
    pub(super) is_new: bool,
    pub(super) read: Read,
    pub(super) answer: oneshot::Sender<Result<Reading, MeterError>>,
}

/// One subject's count in one pool while a batch is settled.
pub(super) struct Count {
    pub(super) key: Key,
    /// Whether the store may know it.
    pub(super) is_stored: bool,
    pub(super) tally: Option<Tally>,
    pub(super) changed: bool,
    ends_at: Timestamp,
    memory: InMemory,
}

/// What becomes of a count in memory once the batch is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InMemory {
    /// It is not full: what is there stays.
    Untouched,
    /// It is full: it is kept.
    Kept,
    /// A reader and a visitor asked together: it may have changed although it was full.
    Forgotten,
}

/// The positions of a question's counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) visitor: usize,
    pub(super) reader: Option<usize>,
}

impl Count {
    fn new(key: &Key, is_stored: bool) -> Self {
        Self {
            key: key.clone(),
            is_stored,
            tally: None,
            changed: false,
            ends_at: Timestamp::UNIX_EPOCH,
            memory: InMemory::Untouched,
        }
    }

    fn read(&mut self, read: &Read) -> Reading {
        let (reading, next) = tally(self.tally.as_ref(), read);
        self.put(next, read);
        if self.memory != InMemory::Forgotten {
            let is_full = reading.used >= reading.limit;
            self.memory = if is_full { InMemory::Kept } else { InMemory::Untouched };
        }
        reading
    }

    fn put(&mut self, next: Option<Tally>, read: &Read) {
        if let Some(mut next) = next {
            // A second change in one write is still one write, so one version.
            next.version -= i64::from(self.changed);
            self.ends_at = read.window.end(next.started_at);
            self.tally = Some(next);
            self.changed = true;
        }
    }

    /// What to write, if anything.
    pub(super) fn row(&self) -> Option<Row> {
        let tally = self.tally.as_ref().filter(|_| self.changed)?;
        Some(Row { key: self.key.clone(), tally: tally.clone(), ends_at: self.ends_at })
    }

    /// Brings `memory` up to date. A window is kept only once it is stored.
    pub(super) fn remember_in(&mut self, memory: &FullWindows) {
        match self.memory {
            InMemory::Forgotten => memory.forget(&self.key),
            InMemory::Kept if !self.changed => {
                if let Some(tally) = self.tally.take() {
                    memory.insert(&self.key, tally);
                }
            }
            InMemory::Kept | InMemory::Untouched => {}
        }
    }
}

/// The counts that a batch is about, and for each job the place of its own. A visitor who is new
/// is not looked for in the store where `trust_new` says so.
pub(super) fn group(batch: &[Job], trust_new: bool) -> (Vec<Count>, Vec<Place>) {
    let mut counts: Vec<Count> = Vec::with_capacity(batch.len());
    let mut known: HashMap<&Key, usize> = HashMap::with_capacity(batch.len());
    let mut places = Vec::with_capacity(batch.len());
    for job in batch {
        let mut place_of = |key, is_stored| {
            *known.entry(key).or_insert_with(|| {
                counts.push(Count::new(key, is_stored));
                counts.len() - 1
            })
        };
        let visitor = place_of(&job.visitor, !(trust_new && job.is_new));
        let reader = job.reader.as_ref().filter(|reader| **reader != job.visitor);
        places.push(Place { visitor, reader: reader.map(|reader| place_of(reader, true)) });
    }
    (counts, places)
}

/// Decides one read on the counts at `place`, which then hold what is to be stored.
pub(super) fn decide(counts: &mut [Count], place: Place, read: &Read) -> Option<Reading> {
    let Some(reader) = place.reader else {
        return Some(counts.get_mut(place.visitor)?.read(read));
    };
    let [reader, visitor] = counts.get_disjoint_mut([reader, place.visitor]).ok()?;
    let (reading, [for_reader, for_visitor]) =
        tally_together(reader.tally.as_ref(), visitor.tally.as_ref(), read);
    for (count, next) in [(reader, for_reader), (visitor, for_visitor)] {
        count.put(next, read);
        count.memory = InMemory::Forgotten;
    }
    Some(reading)
}

/// Takes from `batch` the reads of readers, and those that visitors on the same browsers ask for
/// themselves, so that these keep their order.
pub(super) fn take_together(batch: &mut Vec<Job>) -> Vec<Job> {
    let visitors: HashSet<Key> =
        batch.iter().filter(|job| job.reader.is_some()).map(|job| job.visitor.clone()).collect();
    if visitors.is_empty() {
        return Vec::new();
    }
    batch.extract_if(.., |job| visitors.contains(&job.visitor)).collect()
}

/// Empties `batch` into one part for each reader, in the order of asking. What a visitor asks
/// alone goes with the first reader seen on that browser.
pub(super) fn by_reader(batch: &mut Vec<Job>) -> Vec<Vec<Job>> {
    let mut reader_of: HashMap<Key, Key> = HashMap::new();
    for job in &*batch {
        if let Some(reader) = &job.reader {
            reader_of.entry(job.visitor.clone()).or_insert_with(|| reader.clone());
        }
    }
    let mut parts: Vec<Vec<Job>> = Vec::new();
    let mut part_of: HashMap<Key, usize> = HashMap::new();
    for job in batch.drain(..) {
        let reader = job.reader.as_ref().or_else(|| reader_of.get(&job.visitor));
        let whose = reader.unwrap_or(&job.visitor).clone();
        let part = *part_of.entry(whose).or_insert_with(|| {
            parts.push(Vec::new());
            parts.len() - 1
        });
        if let Some(part) = parts.get_mut(part) {
            part.push(job);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use uuid::Uuid;

    use super::*;
    use crate::metering::{tally::Fingerprint, window::Window};

    fn key(subject: u128) -> Key {
        Key { pool: "site/demo".into(), subject: Uuid::from_u128(subject) }
    }

    /// Questions, told apart by their limits.
    fn jobs(askers: &[(Option<u128>, u128)]) -> Vec<Job> {
        let job = |(limit, (reader, visitor)): (u32, &(Option<u128>, u128))| Job {
            visitor: key(*visitor),
            reader: reader.map(key),
            is_new: false,
            read: Read {
                article: Fingerprint::of("demo", "a"),
                limit,
                window: Window::new("P30D".parse().unwrap(), TimeZone::UTC),
                at: Timestamp::UNIX_EPOCH,
                dry_run: false,
            },
            answer: oneshot::channel().0,
        };
        (0..).zip(askers).map(job).collect()
    }

    fn numbers(jobs: &[Job]) -> Vec<u32> {
        jobs.iter().map(|job| job.read.limit).collect()
    }

    #[test]
    fn what_shares_a_browser_with_a_reader_is_settled_with_it_in_order() {
        let mut batch =
            jobs(&[(None, 1), (None, 2), (Some(9), 1), (None, 1), (Some(8), 3), (Some(9), 4)]);
        let mut together = take_together(&mut batch);
        assert_eq!(numbers(&batch), [1]);
        assert_eq!(numbers(&together), [0, 2, 3, 4, 5]);
        let parts: Vec<Vec<u32>> =
            by_reader(&mut together).iter().map(|part| numbers(part)).collect();
        assert_eq!(parts, [vec![0, 2, 3, 5], vec![4]]);
        assert!(take_together(&mut batch).is_empty());
    }

    #[test]
    fn each_subject_has_one_count_however_often_it_asks() {
        let batch = jobs(&[(Some(9), 1), (None, 1), (Some(9), 2), (Some(9), 9)]);
        let (counts, places) = group(&batch, true);
        let subjects: Vec<u128> = counts.iter().map(|count| count.key.subject.as_u128()).collect();
        assert_eq!(subjects, [1, 9, 2]);
        let places: Vec<_> = places.iter().map(|place| (place.visitor, place.reader)).collect();
        assert_eq!(places, [(0, Some(1)), (0, None), (2, Some(1)), (1, None)]);
    }

    #[test]
    fn two_changes_in_one_write_are_one_version() {
        let batch = jobs(&[(Some(9), 1), (Some(9), 1), (Some(9), 2)]);
        let (mut counts, places) = group(&batch, true);
        for (i, place) in (0_u32..).zip(&places) {
            let article = Fingerprint::of("demo", &i.to_string());
            let at = Timestamp::UNIX_EPOCH.plus(time::Duration::microseconds(1));
            let read = Read { article, limit: 5, at, ..batch[0].read.clone() };
            assert_eq!(decide(&mut counts, *place, &read).unwrap().used, 1 + i);
        }
        let rows: Vec<Row> = counts.iter().filter_map(Count::row).collect();
        assert_eq!(rows.iter().map(|row| row.tally.version).collect::<Vec<_>>(), [1_024; 3]);
        assert_eq!(rows.iter().map(|row| row.tally.articles.len()).collect::<Vec<_>>(), [2, 3, 3]);
    }
}
