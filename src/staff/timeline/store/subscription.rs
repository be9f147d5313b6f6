//! What happened to subscriptions, what was agreed to, and what was given.

use uuid::Uuid;

use super::{Ask, Found, entry, id_before, of_reader, place_of, rows_before};
use crate::{
    billing::{event::Actor, grant, timeline},
    clock::Timestamp,
    db::{StoreError, Tx},
    staff::timeline::entry::{Entry, What},
};

pub(super) async fn all(tx: &mut Tx, ask: Ask<'_>) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut found = vec![events(tx, ask).await?, agreed(tx, ask).await?];
    found.extend(given(tx, ask).await?);
    Ok(found)
}

async fn events(tx: &mut Tx, ask: Ask<'_>) -> Found {
    let told = timeline::of_reader(tx, ask.reader.id, id_before(ask.before), ask.most).await?;
    let entry = |told: timeline::Told| {
        let place = place_of(told.id).unwrap_or((told.at, told.id));
        Entry { place, at: told.at, actor: told.actor.clone(), what: What::Event(told) }
    };
    Ok(told.into_iter().map(entry).collect())
}

/// There are few gifts to anybody, some of which were taken back.
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
