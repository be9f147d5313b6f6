//! Which lists of readers' addresses were given out, for the audit log: one page more is no entry
//! of its own, or the log would say nothing else.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::json;
use uuid::Uuid;

use super::{
    desk::{Acting, Desk, DeskError},
    visibility::Visibility,
};
use crate::{
    audit::{
        model::{Action, Actor, Entry},
        store as audit,
    },
    clock::Timestamp,
};

const HOUR_SECS: i64 = 3600;
/// After the first entry of an hour, the next comes with so many rows at the earliest.
const SECOND_ENTRY: u64 = 100;

/// A caller who looks at lists: what is shown, and in whose name it is logged.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub(in crate::staff) visibility: Visibility,
    entry: Entry,
}

impl Lookup {
    /// By the command line.
    #[must_use]
    pub fn by_operator(now: Timestamp) -> Self {
        let entry = Entry::new(now, Actor::Command, Action::ReadersListed);
        Self { visibility: Visibility::operator(), entry }
    }
}

impl Acting {
    /// What they may see of readers.
    pub(crate) fn visibility(&self) -> Visibility {
        Visibility::of(self.staff.role)
    }

    /// In their name.
    #[must_use]
    pub fn lookup(&self) -> Lookup {
        Lookup { visibility: self.visibility(), entry: self.entry(Action::ReadersListed) }
    }
}

/// Who reads which list.
type Key = (Option<Uuid>, &'static str);

/// What was given out in one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    hour: i64,
    rows: u64,
    /// How many of them the log knows of.
    logged: u64,
}

/// How many rows with addresses this instance gave out, by caller and list, in the current hour.
#[derive(Debug, Default)]
pub struct Disclosures(Mutex<HashMap<Key, Tally>>);

impl Disclosures {
    /// Counts `rows`, and says what is to be logged now: the first rows of an hour at once, then
    /// whenever they have doubled, so that an hour has few entries and none is off by more than half.
    /// What an earlier hour still had is logged first. Each is an hour and its rows so far.
    fn add(&self, key: Key, rows: u64, now: Timestamp) -> Vec<(i64, u64)> {
        let hour = now.unix_seconds().div_euclid(HOUR_SECS);
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(key).or_default();
        let mut due = Vec::new();
        if tally.hour != hour {
            if tally.rows > tally.logged {
                due.push((tally.hour, tally.rows));
            }
            *tally = Tally { hour, rows: 0, logged: 0 };
        }
        tally.rows = tally.rows.saturating_add(rows);
        let next = if tally.logged == 0 { 1 } else { (2 * tally.logged).max(SECOND_ENTRY) };
        if tally.rows >= next {
            due.push((hour, tally.rows));
        }
        due
    }

    /// Remembers that the log knows of `rows` in `hour`.
    fn logged(&self, key: Key, (hour, rows): (i64, u64)) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = tallies.get_mut(&key).filter(|tally| tally.hour == hour) {
            tally.logged = tally.logged.max(rows);
        }
    }
}

impl Desk {
    /// Enters into the audit log that `rows` rows of `list`, with addresses, are given out. Without
    /// the entry they are not.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn note_listing(
        &self,
        by: &Lookup,
        list: &'static str,
        rows: usize,
    ) -> Result<(), DeskError> {
        if rows == 0 || !by.visibility.sees_readers() {
            return Ok(());
        }
        let key = (by.staff(), list);
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        for due in self.disclosures.add(key, rows, self.clock.now()) {
            let (hour, rows) = due;
            let since =
                Timestamp::from_micros(hour.saturating_mul(HOUR_SECS).saturating_mul(1_000_000));
            let after = json!({"rows": rows, "since": since});
            let entry = by.entry.clone().on("list", list).after(after);
            let mut tx = self.db.write().await?;
            audit::append(&mut tx, &self.audit_key, &entry).await?;
            tx.commit().await?;
            self.disclosures.logged(key, due);
        }
        Ok(())
    }
}

impl Lookup {
    fn staff(&self) -> Option<Uuid> {
        match self.entry.actor {
            Actor::Staff(id) => Some(id),
            Actor::System | Actor::Command => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    /// What is logged as pages of `rows` rows are read at these seconds.
    fn logged(pages: &[(i64, u64)]) -> Vec<(i64, u64)> {
        let disclosures = Disclosures::default();
        let key = (None, "readers");
        let mut all = Vec::new();
        for (second, rows) in pages {
            for due in disclosures.add(key, *rows, at(*second)) {
                disclosures.logged(key, due);
                all.push(due);
            }
        }
        all
    }

    #[test]
    fn the_first_page_is_logged_and_then_whenever_there_are_twice_as_many() {
        assert_eq!(logged(&[(0, 50)]), [(0, 50)]);
        assert_eq!(
            logged(&[(0, 1), (1, 1), (2, 97), (3, 1), (4, 99), (5, 1)]),
            [(0, 1), (0, 100), (0, 200)]
        );
        let whole: Vec<(i64, u64)> = (0..3_000).map(|second| (second, 200)).collect();
        let entries = logged(&whole);
        assert_eq!(entries.first(), Some(&(0, 200)));
        assert!(entries.len() < 15, "600,000 rows are not a flood of entries: {entries:?}");
    }

    #[test]
    fn an_hour_is_logged_to_its_end_with_the_first_page_of_another() {
        assert_eq!(
            logged(&[(0, 50), (10, 40), (3_600, 7), (7_200, 1)]),
            [(0, 50), (0, 90), (1, 7), (2, 1)]
        );
    }

    #[test]
    fn what_could_not_be_logged_is_tried_again() {
        let (disclosures, key) = (Disclosures::default(), (None, "readers"));
        assert_eq!(disclosures.add(key, 5, at(0)), [(0, 5)]);
        assert_eq!(disclosures.add(key, 5, at(1)), [(0, 10)]);
        disclosures.logged(key, (0, 10));
        assert_eq!(disclosures.add(key, 5, at(2)), []);
        let other = (Some(Uuid::from_u128(1)), "readers");
        assert_eq!(disclosures.add(other, 5, at(2)), [(0, 5)], "each caller and list on its own");
    }
}
