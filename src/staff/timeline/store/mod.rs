//! The sources of a reader's timeline, one file for what is about one thing. Each gives up to so many
//! entries before a place, the latest first, by an index: however long the whole is, a page costs
//! the same.

mod account;
mod mail;
mod newsletter;
mod payment;
mod read;
mod staff;
mod subscription;

use uuid::Uuid;

use super::entry::{Entry, Kind, What, merge};
use crate::{
    access::log::store as decisions,
    billing::{event::Actor, subscription::listing::Place},
    clock::Timestamp,
    db::{Query, Row, StoreError, Tx},
    reader::model::Reader,
};

/// Whose entries, before which place, and how many.
#[derive(Debug, Clone, Copy)]
struct Ask<'a> {
    reader: &'a Reader,
    before: Place,
    /// One more than stand on a page.
    most: i64,
}

type Found = Result<Vec<Entry>, StoreError>;

/// All entries that were asked for, of one kind or of any, from each source that has such.
async fn gather(
    tx: &mut Tx,
    ask: Ask<'_>,
    kind: Option<Kind>,
) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut found = Vec::new();
    for one in Kind::ALL.into_iter().filter(|one| kind.is_none_or(|kind| kind == *one)) {
        found.extend(match one {
            Kind::Subscription => subscription::all(tx, ask).await?,
            Kind::Payment => payment::all(tx, ask).await?,
            Kind::Mail => mail::all(tx, ask).await?,
            Kind::Account => account::all(tx, ask).await?,
            Kind::Newsletter => newsletter::all(tx, ask).await?,
            Kind::Note => vec![staff::notes(tx, ask).await?],
            // That staff looked is told only to those who ask what staff did: it would drown the rest.
            Kind::Staff => staff::acts(tx, ask, kind.is_some()).await?,
            Kind::Read => vec![read::all(tx, ask).await?],
        });
    }
    Ok(found)
}

fn entry(place: Place, actor: Actor, what: What) -> Entry {
    Entry { place, at: place.0, actor: actor.to_text(), what }
}

/// The place of a row whose id sorts by its time (UUID version 7): an index of ids alone is one of
/// places then, as they are exact to the millisecond.
fn place_of(id: Uuid) -> Option<Place> {
    let millis = i64::try_from(id.as_u128() >> 80).ok()?;
    Some((Timestamp::from_micros(millis.checked_mul(1_000)?)?, id))
}

/// The ids of rows before a place, by [`place_of`], are those below this one.
fn id_before((at, id): Place) -> Uuid {
    let first = decisions::first_id(at);
    let of_the_next = decisions::first_id(at.plus(time::Duration::MILLISECOND));
    if at.micros().rem_euclid(1_000) == 0 { id.clamp(first, of_the_next) } else { of_the_next }
}

/// The statement for the rows before a place: `$2` and `$3` are the place, `$4` is how many.
macro_rules! rows_before {
    ($select:literal, $at:literal) => {
        concat!(
            $select,
            " AND ",
            $at,
            " <= $2 AND (",
            $at,
            " < $2 OR id < $3) ORDER BY ",
            $at,
            " DESC, id DESC LIMIT $4"
        )
    };
}

use rows_before;

/// What such a statement finds of the reader whose id is `$1`.
async fn of_reader<T: Row>(query: Query<'_>, ask: Ask<'_>) -> Result<Vec<T>, StoreError> {
    before(query.bind(ask.reader.id), ask).await
}

/// The same by the reader's address.
async fn of_address<T: Row>(query: Query<'_>, ask: Ask<'_>) -> Result<Vec<T>, StoreError> {
    before(query.bind(ask.reader.email.key()), ask).await
}

async fn before<T: Row>(query: Query<'_>, ask: Ask<'_>) -> Result<Vec<T>, StoreError> {
    query.bind(ask.before.0).bind(ask.before.1).bind(ask.most).all().await
}

/// A page: the latest of all that was gathered.
pub(super) async fn page(
    tx: &mut Tx,
    (reader, before): (&Reader, Option<Place>),
    kind: Option<Kind>,
    most: usize,
) -> Result<(Vec<Entry>, Option<Place>), StoreError> {
    let before = before.unwrap_or((Timestamp::MAX, Uuid::max()));
    let asked = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let found = gather(tx, Ask { reader, before, most: asked }, kind).await?;
    Ok(merge(found, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id of this millisecond, and what comes after it.
    fn id(millis: u128, rest: u128) -> Uuid {
        Uuid::from_u128((millis << 80) | rest)
    }

    #[test]
    fn ids_below_a_place_are_exactly_the_rows_before_it() {
        let rows: Vec<Uuid> =
            [(6, 9), (7, 0), (7, 3), (7, 9), (8, 0)].map(|(ms, rest)| id(ms, rest)).into();
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        for (place, expected) in [
            ((at(7_000), id(7, 3)), 2),
            ((at(7_000), id(7, 4)), 3),
            // Places of other sources have other ids.
            ((at(7_000), Uuid::from_u128(12)), 1),
            ((at(7_000), Uuid::max()), 4),
            ((at(7_001), Uuid::nil()), 4),
            ((at(6_999), Uuid::max()), 1),
            ((at(8_000), id(8, 0)), 4),
            ((Timestamp::MAX, Uuid::max()), 5),
        ] {
            let by_id = rows.iter().filter(|row| **row < id_before(place)).count();
            let by_place = rows.iter().filter(|row| place_of(**row).unwrap() < place).count();
            assert_eq!((by_id, by_place), (expected, expected), "{place:?}");
        }
    }
}
