//! What happened to subscriptions: kept for people to look at, and handed on to those outside.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    event::{self, Actor, Event},
    subscription::model::Subscription,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Most events that are listed.
pub const LISTED_MAX: i64 = 500;

/// One thing that happened, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its id; later ones have greater ids.
    pub id: Uuid,
    /// To which subscription.
    pub subscription: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who did it: `reader`, `staff:<id>`, `command` or `system`.
    pub actor: String,
    /// What: a stable dotted word.
    pub event: String,
    /// The facts of it.
    pub detail: Value,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    subscription_id: Uuid,
    at: Timestamp,
    actor: String,
    kind: String,
    detail: String,
}

impl TryFrom<Row> for Told {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let (table, column) = ("subscription_events", "detail");
        let detail = serde_json::from_str(&row.detail).map_err(|_| StoreError::Corrupt {
            table,
            column,
            id: row.id.to_string(),
        })?;
        let Row { id, subscription_id: subscription, at, actor, kind: event, .. } = row;
        Ok(Self { id, subscription, at, actor, event, detail })
    }
}

/// An event as it is handed on to those outside. `docs/events.md` shows it.
#[must_use]
pub fn envelope(
    id: Uuid,
    (subscription, event): (&Subscription, &Event),
    actor: Actor,
    now: Timestamp,
) -> Value {
    json!({
        "id": id,
        "type": event.kind(),
        "version": event::VERSION,
        "at": now,
        "actor": actor.to_text(),
        "subscription": {
            "id": subscription.id,
            "reader": subscription.reader,
            "product": subscription.product(),
            "plan": subscription.terms.plan.id,
            "status": subscription.state.status().as_str(),
        },
        "detail": event.detail(),
    })
}

/// Writes down what happened, for the timeline and for those outside.
pub fn write(
    tx: &mut Tx,
    id: Uuid,
    (subscription, event): (&Subscription, &Event),
    actor: Actor,
    now: Timestamp,
) {
    let payload = envelope(id, (subscription, event), actor, now);
    tx.later(
        "INSERT INTO subscription_events (id, subscription_id, reader_id, at, actor, kind, version,
                                          detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(subscription.id)
    .bind(subscription.reader)
    .bind(now)
    .bind(actor.to_text())
    .bind(event.kind())
    .bind(event::VERSION)
    .bind(event.detail().to_string());
    tx.later("INSERT INTO event_outbox (event_id, created_at, payload) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(now)
        .bind(payload.to_string());
}

/// What happened to a subscription, the first thing first.
///
/// # Errors
/// [`StoreError`].
pub async fn of_subscription(tx: &mut Tx, id: Uuid) -> Result<Vec<Told>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, subscription_id, at, actor, kind, detail FROM subscription_events
             WHERE subscription_id = $1 ORDER BY id LIMIT $2",
        )
        .bind(id)
        .bind(LISTED_MAX)
        .all::<Row>()
        .await?;
    rows.into_iter().map(Told::try_from).collect()
}

/// Up to `most` things that happened to a reader's subscriptions, with ids below `before`, the
/// latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn of_reader(
    tx: &mut Tx,
    reader: Uuid,
    before: Uuid,
    most: i64,
) -> Result<Vec<Told>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, subscription_id, at, actor, kind, detail FROM subscription_events
             WHERE reader_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(reader)
        .bind(before)
        .bind(most.min(LISTED_MAX))
        .all::<Row>()
        .await?;
    rows.into_iter().map(Told::try_from).collect()
}

/// Forgets up to `most` of those that were to be handed on and are older than `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge_outbox(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM event_outbox WHERE event_id IN
             (SELECT event_id FROM event_outbox WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
