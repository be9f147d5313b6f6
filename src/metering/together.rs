//! The count of a reader who is logged in on a visitor's browser: both are one subject from then
//! on. Pure, like [`super::tally`].

use super::{
    tally::{Read, Reading, Tally, tally, version_after},
    window::Window,
};
use crate::clock::Timestamp;

/// The open window of one subject who had read all that these two did: it began with the earlier
/// of their first reads. A window that is over at `now` takes no part; `None` where none is open.
#[must_use]
pub fn union(
    one: Option<&Tally>,
    other: Option<&Tally>,
    window: &Window,
    now: Timestamp,
) -> Option<Tally> {
    let open = |stored: Option<&Tally>| stored.filter(|t| t.is_open(window, now)).cloned();
    let (mut earlier, later) = match (open(one), open(other)) {
        (Some(one), Some(other)) if other.started_at < one.started_at => (other, one),
        (Some(one), Some(other)) => (one, other),
        (only, None) | (None, only) => return only,
    };
    for article in later.articles {
        if !earlier.articles.contains(&article) {
            earlier.articles.push(article);
        }
    }
    Some(earlier)
}

/// [`tally`] for a reader who is logged in on the browser of `visitor`: decided on the union of
/// both, which both hold afterwards. So logging in gives no second allowance, nor does logging
/// out, and what either has read is free to read again. Says what to store of each, the reader
/// first, where it changes; a dry run changes neither.
#[must_use]
pub fn tally_together(
    reader: Option<&Tally>,
    visitor: Option<&Tally>,
    read: &Read,
) -> (Reading, [Option<Tally>; 2]) {
    let both = union(reader, visitor, &read.window, read.at);
    let (reading, next) = tally(both.as_ref(), read);
    let after = if read.dry_run { None } else { next.or(both) };
    let instead_of = |stored: Option<&Tally>| {
        let after = after.as_ref()?;
        let stands = stored.is_some_and(|stored| stored.is_same_window(after));
        (!stands).then(|| Tally { version: version_after(stored, read.at), ..after.clone() })
    };
    (reading, [instead_of(reader), instead_of(visitor)])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use time::Duration;

    use super::*;
    use crate::metering::tally::{
        Fingerprint, Verdict,
        tests::{read, start},
    };

    /// What two subjects may have read: within the last days, or so long ago that it is over.
    fn tallies() -> impl Strategy<Value = Option<Tally>> {
        let articles = prop::collection::btree_set(0_u8..6, 1..5);
        prop::option::of((0_i64..40, articles, 1_i64..1_000)).prop_map(|stored| {
            stored.map(|(days_ago, articles, version)| Tally {
                started_at: start().minus(Duration::days(days_ago)),
                articles: articles.iter().map(|a| fingerprint(*a)).collect(),
                version,
            })
        })
    }

    fn fingerprint(article: u8) -> Fingerprint {
        Fingerprint::of("demo", &article.to_string())
    }

    fn set(tally: Option<&Tally>) -> HashSet<Fingerprint> {
        tally.map(|tally| tally.articles.iter().copied().collect()).unwrap_or_default()
    }

    #[test]
    fn a_reader_who_logs_in_keeps_what_the_visitor_read() {
        let (_, visitor) = tally(None, &read("tides", 1, start()));
        let later = start().plus(Duration::days(1));
        let (reading, [reader, same]) =
            tally_together(None, visitor.as_ref(), &read("bread", 1, later));
        assert_eq!((reading.verdict, reading.used), (Verdict::Exhausted, 1));
        assert_eq!(reading.resets_at, Some(start().plus(Duration::days(30))));
        assert_eq!(same, None, "the visitor's row holds it already");
        let reader = reader.unwrap();
        assert!(reader.is_same_window(visitor.as_ref().unwrap()));
        assert_eq!(reader.version, later.micros() * 1_024);

        let (again, unchanged) =
            tally_together(Some(&reader), visitor.as_ref(), &read("tides", 1, later));
        assert_eq!((again.verdict, unchanged), (Verdict::AlreadyRead, [None, None]));
    }

    #[test]
    fn two_full_windows_make_one_that_is_fuller_and_ends_with_the_earlier() {
        let (_, reader) = tally(None, &read("tides", 1, start()));
        let later = start().plus(Duration::days(9));
        let (_, visitor) = tally(None, &read("bread", 1, later));
        let (reading, [for_reader, for_visitor]) =
            tally_together(reader.as_ref(), visitor.as_ref(), &read("salt", 1, later));
        assert_eq!(
            (reading.verdict, reading.used, reading.remaining()),
            (Verdict::Exhausted, 2, 0)
        );
        assert_eq!(reading.resets_at, Some(start().plus(Duration::days(30))));
        let (for_reader, for_visitor) = (for_reader.unwrap(), for_visitor.unwrap());
        let order = [Fingerprint::of("demo", "tides"), Fingerprint::of("demo", "bread")];
        assert_eq!(for_reader.articles.as_slice(), order);
        assert!(for_reader.is_same_window(&for_visitor));
        assert_eq!(for_reader.version, reader.unwrap().version + 1);
        assert_eq!(for_visitor.version, visitor.unwrap().version + 1);
    }

    #[test]
    fn a_window_that_is_over_takes_no_part() {
        let (_, visitor) = tally(None, &read("tides", 1, start()));
        let end = start().plus(Duration::days(30));
        let (reading, [reader, replaced]) =
            tally_together(None, visitor.as_ref(), &read("bread", 1, end));
        assert_eq!((reading.verdict, reading.used), (Verdict::Counted, 1));
        assert_eq!(reader.unwrap().started_at, end);
        assert_eq!(replaced.unwrap().version, visitor.unwrap().version + 1);
    }

    proptest! {
        #[test]
        fn a_union_is_the_same_from_either_side_and_taken_twice(
            one in tallies(), other in tallies(), third in tallies(),
        ) {
            let window = read("a", 1, start()).window;
            let union = |a: Option<&Tally>, b: Option<&Tally>| union(a, b, &window, start());
            let from = |tally: &Option<Tally>| (set(tally.as_ref()), tally.as_ref().map(|t| t.started_at));
            let both = union(one.as_ref(), other.as_ref());
            prop_assert_eq!(from(&both), from(&union(other.as_ref(), one.as_ref())));
            prop_assert_eq!(&both, &union(both.as_ref(), both.as_ref()));
            prop_assert_eq!(from(&both), from(&union(both.as_ref(), other.as_ref())));
            let left = union(both.as_ref(), third.as_ref());
            let right = union(one.as_ref(), union(other.as_ref(), third.as_ref()).as_ref());
            prop_assert_eq!(from(&left), from(&right));
            let count = both.as_ref().map_or(0, |both| both.articles.len());
            prop_assert_eq!(count, set(both.as_ref()).len(), "distinct");
        }

        /// From the union on, reader and visitor together are one subject with one count.
        #[test]
        fn together_they_are_one_subject(
            reader in tallies(), visitor in tallies(), limit in 1_u32..6,
            steps in prop::collection::vec((0_u8..8, 0_i64..20, any::<bool>()), 1..40),
        ) {
            let mut now = start();
            let (mut reader, mut visitor) = (reader, visitor);
            let window = read("a", 1, now).window;
            let mut single = union(reader.as_ref(), visitor.as_ref(), &window, now);
            for (i, (article, days, dry_run)) in steps.into_iter().enumerate() {
                // It is the first read together that makes them one.
                let dry_run = dry_run && i > 0;
                now = now.plus(Duration::days(if i > 0 { days } else { 0 }));
                let read = Read { dry_run, ..read(&article.to_string(), limit, now) };
                let (expected, change) = tally(single.as_ref(), &read);
                let (reading, [for_reader, for_visitor]) =
                    tally_together(reader.as_ref(), visitor.as_ref(), &read);
                prop_assert_eq!(reading, expected);
                prop_assert!(!dry_run || (for_reader.is_none() && for_visitor.is_none()));
                single = change.or(single);
                (reader, visitor) = (for_reader.or(reader), for_visitor.or(visitor));
                if let (false, Some(single)) = (dry_run, &single)
                    && single.is_open(&window, now)
                {
                    prop_assert!(reader.as_ref().is_some_and(|r| r.is_same_window(single)));
                    prop_assert!(visitor.as_ref().is_some_and(|v| v.is_same_window(single)));
                }
            }
        }

        /// Whoever asks, alone or together, in whatever order: an article passes as new only
        /// where fewer than `limit` are known of all who ask, and is known to them afterwards.
        #[test]
        fn no_order_of_asking_gives_a_second_allowance(
            limit in 1_u32..5,
            steps in prop::collection::vec((0_u8..10, 0_usize..3), 1..60),
        ) {
            let mut stored: [Option<Tally>; 2] = [None, None];
            let mut known: [HashSet<Fingerprint>; 2] = [HashSet::new(), HashSet::new()];
            let mut counted = [0, 0];
            for (article, who) in steps {
                let read = read(&article.to_string(), limit, start());
                let [reader, visitor] = &stored;
                let askers: &[usize] = [&[0][..], &[1], &[0, 1]][who];
                let (reading, changes) = match who {
                    0 => { let (r, c) = tally(reader.as_ref(), &read); (r, [c, None]) }
                    1 => { let (r, c) = tally(visitor.as_ref(), &read); (r, [None, c]) }
                    _ => tally_together(reader.as_ref(), visitor.as_ref(), &read),
                };
                let mut all: HashSet<_> = askers.iter().flat_map(|i| known[*i].clone()).collect();
                let expected = if all.contains(&read.article) {
                    Verdict::AlreadyRead
                } else if all.len() < limit as usize {
                    all.insert(read.article);
                    for i in askers {
                        counted[*i] += 1;
                    }
                    Verdict::Counted
                } else {
                    Verdict::Exhausted
                };
                prop_assert_eq!((reading.verdict, reading.used as usize), (expected, all.len()));
                for (i, change) in changes.into_iter().enumerate() {
                    stored[i] = change.or(stored[i].take());
                }
                for i in askers {
                    known[*i].clone_from(&all);
                    prop_assert_eq!(set(stored[*i].as_ref()), all.clone());
                    prop_assert!(counted[*i] <= limit, "passed as new to one of them");
                }
            }
        }
    }
}
