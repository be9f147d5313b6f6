//! The sources of a reader's timeline. Each gives up to so many entries before a place, the latest
//! first, by an index: however long the whole is, a page costs the same.

use iso_currency::Currency;
use uuid::Uuid;

use super::entry::{Entry, Kind, What, merge};
use crate::{
    access::log::store as decisions,
    auth::session::model::EndReason,
    billing::{event::Actor, grant, subscription::listing::Place, timeline},
    clock::Timestamp,
    db::{Query, Row, StoreError, Tx},
    money::Money,
    reader::{model::Reader, note_store},
};

/// Most subscriptions of a reader whose acts of staff are told.
const SUBSCRIPTIONS_MAX: i64 = 20;

/// Whose entries, before which place, and how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) reader: &'a Reader,
    pub(super) before: Place,
    /// One more than stand on a page.
    pub(super) most: i64,
}

type Found = Result<Vec<Entry>, StoreError>;

/// All entries that were asked for, of one kind or of any, from each source that has such.
pub(super) async fn gather(
    tx: &mut Tx,
    ask: Ask<'_>,
    kind: Option<Kind>,
) -> Result<Vec<Vec<Entry>>, StoreError> {
    let is_wanted = |it| kind.is_none_or(|kind| kind == it);
    let mut found = Vec::new();
    if is_wanted(Kind::Subscription) {
        found.extend([events(tx, ask).await?, agreed(tx, ask).await?]);
        found.extend(given(tx, ask).await?);
    }
    if is_wanted(Kind::Payment) {
        found.extend([charges(tx, ask).await?, refunds(tx, ask).await?, invoices(tx, ask).await?]);
    }
    if is_wanted(Kind::Mail) {
        found.extend([mails(tx, ask).await?, clicks(tx, ask).await?]);
    }
    if is_wanted(Kind::Account) {
        found.extend([log_ins(tx, ask).await?, log_outs(tx, ask).await?]);
        found.extend(account(ask));
    }
    if is_wanted(Kind::Newsletter) {
        found.extend([lists_asked(tx, ask).await?, lists_left(tx, ask).await?]);
    }
    if is_wanted(Kind::Note) {
        found.push(notes(tx, ask).await?);
    }
    if is_wanted(Kind::Staff) {
        found.extend(acts(tx, ask, kind.is_some()).await?);
    }
    if is_wanted(Kind::Read) {
        found.push(reads(tx, ask).await?);
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

fn read_money(
    (amount, currency): (i64, &str),
    (table, id): (&'static str, Uuid),
) -> Result<Money, StoreError> {
    let corrupt = || StoreError::Corrupt { table, column: "currency", id: id.to_string() };
    Ok(Money { amount, currency: Currency::from_code(currency).ok_or_else(corrupt)? })
}

async fn events(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let told = timeline::of_reader(tx, ask.reader.id, id_before(ask.before), ask.most).await?;
    let entry = |told: timeline::Told| {
        let place = place_of(told.id).unwrap_or((told.at, told.id));
        Entry { place, at: told.at, actor: told.actor.clone(), what: What::Event(told) }
    };
    Ok(told.into_iter().map(entry).collect())
}

async fn reads(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let logged = decisions::of_reader(tx, ask.reader.id, id_before(ask.before), ask.most).await?;
    let entry = |logged: crate::access::log::past::Logged| {
        let place = place_of(logged.id).unwrap_or((logged.at, logged.id));
        let (at, actor) = (logged.at, Actor::Reader.to_text());
        Entry { place, at, actor, what: What::Decided(Box::new(logged)) }
    };
    Ok(logged.into_iter().map(entry).collect())
}

/// There are few notes about anybody.
async fn notes(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let notes = note_store::list(tx, ask.reader.id).await?.into_iter().map(|note| {
        entry((note.at, note.id), Actor::Staff(note.staff_id), What::Noted { text: note.text })
    });
    Ok(notes.filter(|note| note.place < ask.before).collect())
}

/// And few gifts, some of which were taken back.
async fn given(tx: &mut Tx, ask: Ask<'_>) -> Result<[Vec<Entry>; 2], StoreError> {
    let (mut given, mut taken) = (Vec::new(), Vec::new());
    for it in grant::list_of(tx, ask.reader.id).await? {
        if let Some(at) = it.revoked_at {
            let reason = it.revoke_reason.unwrap_or_default();
            let what = What::TakenBack { product: it.product.clone(), reason };
            let actor = it.revoked_by.unwrap_or_else(|| Actor::System.to_text());
            taken.push(Entry { place: (at, it.id), at, actor, what });
        }
        let place = (it.created_at, it.id);
        let what = What::Given { product: it.product, until: it.ends_at, reason: it.reason };
        given.push(Entry { place, at: it.created_at, actor: it.given_by, what });
    }
    for source in [&mut given, &mut taken] {
        source.retain(|it| it.place < ask.before);
    }
    Ok([given, taken])
}

async fn agreed(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, agreed_at, subscription_id, plan_id FROM consents WHERE reader_id = $1",
        "agreed_at"
    ));
    let rows: Vec<(Uuid, Timestamp, Uuid, String)> = of_reader(found, ask).await?;
    let read = |(id, at, subscription, plan)| {
        entry((at, id), Actor::Reader, What::Agreed { subscription, plan })
    };
    Ok(rows.into_iter().map(read).collect())
}

#[derive(sqlx::FromRow)]
struct ChargeRow {
    id: Uuid,
    created_at: Timestamp,
    status: String,
    purpose: String,
    amount: i64,
    currency: String,
    attempt: i64,
    failure_code: Option<String>,
    off_session: bool,
}

async fn charges(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, created_at, status, purpose, amount, currency, attempt, failure_code,
         off_session
         FROM charges
         WHERE reader_id = $1",
        "created_at"
    ));
    let rows: Vec<ChargeRow> = of_reader(found, ask).await?;
    let read = |row: ChargeRow| {
        let amount = read_money((row.amount, &row.currency), ("charges", row.id))?;
        let ChargeRow { status, purpose, attempt, failure_code: code, .. } = row;
        let actor = if row.off_session { Actor::System } else { Actor::Reader };
        let what = What::Charge { status, purpose, amount, attempt, code };
        Ok(entry((row.created_at, row.id), actor, what))
    };
    rows.into_iter().map(read).collect()
}

type RefundRow = (Uuid, Timestamp, String, i64, String);

async fn refunds(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, created_at, status, amount, currency FROM refunds WHERE reader_id = $1",
        "created_at"
    ));
    let rows: Vec<RefundRow> = of_reader(found, ask).await?;
    let read = |(id, at, status, amount, currency): RefundRow| {
        let amount = read_money((amount, &currency), ("refunds", id))?;
        Ok(entry((at, id), Actor::System, What::Refund { status, amount }))
    };
    rows.into_iter().map(read).collect()
}

type InvoiceRow = (Uuid, Timestamp, Option<String>, String, i64, String);

async fn invoices(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, created_at, number, status, total, currency FROM invoices
         WHERE reader_id = $1",
        "created_at"
    ));
    let rows: Vec<InvoiceRow> = of_reader(found, ask).await?;
    let read = |(id, at, number, status, total, currency): InvoiceRow| {
        let total = read_money((total, &currency), ("invoices", id))?;
        Ok(entry((at, id), Actor::System, What::Invoice { id, number, status, total }))
    };
    rows.into_iter().map(read).collect()
}

async fn mails(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, created_at, subject, status FROM mail_outbox
         WHERE recipient = $1",
        "created_at"
    ));
    let rows: Vec<(Uuid, Timestamp, String, String)> = of_address(found, ask).await?;
    let read =
        |(id, at, subject, status)| entry((at, id), Actor::System, What::Mail { subject, status });
    Ok(rows.into_iter().map(read).collect())
}

async fn clicks(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, clicked_at, subject FROM mail_outbox
         WHERE recipient = $1 AND clicked_at IS NOT NULL",
        "clicked_at"
    ));
    let rows: Vec<(Uuid, Timestamp, String)> = of_address(found, ask).await?;
    let read = |(id, at, subject)| entry((at, id), Actor::Reader, What::Clicked { subject });
    Ok(rows.into_iter().map(read).collect())
}

/// What the reader's own row tells, as sources of one entry each.
fn account(ask: Ask<'_>) -> Vec<Vec<Entry>> {
    let reader = ask.reader;
    let one = |at, what| entry((at, reader.id), Actor::Reader, what);
    let begun = Some(one(reader.created_at, What::Begun));
    let confirmed = reader.email_verified_at.map(|at| one(at, What::Confirmed));
    let kept = |it: Option<Entry>| it.filter(|it| it.place < ask.before).into_iter().collect();
    // The account is there once the mail is answered: of one moment the answer is the later.
    [confirmed, begun].map(kept).into()
}

async fn log_ins(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, started_at, device, reads_only FROM sessions
         WHERE realm = 'reader' AND subject = $1",
        "started_at"
    ));
    let rows: Vec<(Uuid, Timestamp, String, bool)> = of_reader(found, ask).await?;
    let read = |(id, at, device, reads_only)| {
        entry((at, id), Actor::Reader, What::LoggedIn { device, reads_only })
    };
    Ok(rows.into_iter().map(read).collect())
}

async fn log_outs(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, ended_at, device, end_reason FROM sessions
         WHERE realm = 'reader' AND subject = $1 AND ended_at IS NOT NULL",
        "ended_at"
    ));
    let rows: Vec<(Uuid, Timestamp, String, String)> = of_reader(found, ask).await?;
    let read = |(id, at, device, reason): (Uuid, Timestamp, String, String)| {
        let (table, column) = ("sessions", "end_reason");
        let corrupt = || StoreError::Corrupt { table, column, id: id.to_string() };
        let reason = EndReason::parse(&reason).ok_or_else(corrupt)?;
        let actor = match reason {
            EndReason::TokenReused | EndReason::EndedByStaff => Actor::System,
            _ => Actor::Reader,
        };
        Ok(entry((at, id), actor, What::LoggedOut { device, reason }))
    };
    rows.into_iter().map(read).collect()
}

async fn lists_asked(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, asked_at, lists, confirmed_at FROM newsletter_consents
         WHERE email_key = $1",
        "asked_at"
    ));
    let rows: Vec<(Uuid, Timestamp, String, Option<Timestamp>)> = of_address(found, ask).await?;
    let read = |(id, at, lists, confirmed_at): (Uuid, Timestamp, String, Option<Timestamp>)| {
        let lists = lists.split(' ').map(str::to_owned).collect();
        entry((at, id), Actor::Reader, What::ListsAsked { lists, confirmed_at })
    };
    Ok(rows.into_iter().map(read).collect())
}

async fn lists_left(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let found = tx.query(rows_before!(
        "SELECT id, unsubscribed_at, list FROM newsletter_subscriptions
         WHERE email_key = $1 AND unsubscribed_at IS NOT NULL",
        "unsubscribed_at"
    ));
    let rows: Vec<(Uuid, Timestamp, String)> = of_address(found, ask).await?;
    let read = |(id, at, list)| entry((at, id), Actor::Reader, What::ListLeft { list });
    Ok(rows.into_iter().map(read).collect())
}

/// What staff did to the reader and to the reader's subscriptions. That they looked is told only to
/// those who ask what staff did: it would drown the rest.
async fn acts(tx: &mut Tx, ask: Ask<'_>, with_looks: bool) -> Result<Vec<Vec<Entry>>, StoreError> {
    let subscriptions: Vec<(Uuid,)> = tx
        .query(
            "SELECT id FROM subscriptions WHERE reader_id = $1
             ORDER BY created_at DESC, id DESC LIMIT $2",
        )
        .bind(ask.reader.id)
        .bind(SUBSCRIPTIONS_MAX)
        .all()
        .await?;
    let hidden = if with_looks { "" } else { "reader.viewed" };
    let mut found = vec![acts_on(tx, ask, ("reader", ask.reader.id), hidden).await?];
    for (id,) in subscriptions {
        found.push(acts_on(tx, ask, ("subscription", id), hidden).await?);
    }
    Ok(found)
}

#[derive(sqlx::FromRow)]
struct ActRow {
    seq: i64,
    at: Timestamp,
    actor_kind: String,
    actor_id: Option<String>,
    action: String,
    after: Option<String>,
}

/// Notes and gifts are told by themselves.
async fn acts_on(
    tx: &mut Tx,
    ask: Ask<'_>,
    (kind, id): (&'static str, Uuid),
    hidden: &'static str,
) -> Found {
    let (at, before) = ask.before;
    let rows: Vec<ActRow> = tx
        .query(
            "SELECT seq, at, actor_kind, actor_id, action, after FROM audit_log
             WHERE target_kind = $1 AND target_id = $2 AND at <= $3 AND (at < $3 OR seq < $4)
               AND action NOT IN ('reader.noted', 'reader.complimentary',
                                  'reader.complimentary_ended', $5)
             ORDER BY at DESC, seq DESC LIMIT $6",
        )
        .bind(kind)
        .bind(id.to_string())
        .bind(at)
        // A place in the log stands for an id; all ids are greater.
        .bind(i64::try_from(before.as_u128()).unwrap_or(i64::MAX))
        .bind(hidden)
        .bind(ask.most)
        .all()
        .await?;
    let read = |row: ActRow| {
        let after = row.after.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let after: serde_json::Value = after.unwrap_or_default();
        let reason = after.get("reason").and_then(serde_json::Value::as_str);
        let reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
        let id = Uuid::from_u128(u128::from(row.seq.unsigned_abs()));
        let actor = match row.actor_id {
            Some(id) => format!("{}:{id}", row.actor_kind),
            None => row.actor_kind,
        };
        let what = What::Act { action: row.action, reason };
        Entry { place: (row.at, id), at: row.at, actor, what }
    };
    Ok(rows.into_iter().map(read).collect())
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
