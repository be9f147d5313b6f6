//! What staff wrote down and did.

use uuid::Uuid;

use super::{Ask, Found, entry};
use crate::{
    billing::event::Actor,
    clock::Timestamp,
    db::{StoreError, Tx},
    reader::note_store,
    staff::timeline::entry::{Entry, What},
};

/// Most subscriptions of a reader whose acts of staff are told.
const SUBSCRIPTIONS_MAX: i64 = 20;

/// There are few notes about anybody.
pub(super) async fn notes(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let notes = note_store::list(tx, ask.reader.id).await?.into_iter().map(|note| {
        entry((note.at, note.id), Actor::Staff(note.staff_id), What::Noted { text: note.text })
    });
    Ok(notes.filter(|note| note.place < ask.before).collect())
}

/// What staff did to the reader and to the reader's subscriptions, and `with_looks` that they looked.
pub(super) async fn acts(
    tx: &mut Tx,
    ask: Ask<'_>,
    with_looks: bool,
) -> Result<Vec<Vec<Entry>>, StoreError> {
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
