//! Which newsletters were wanted.

use uuid::Uuid;

use super::{Ask, Found, entry, of_address, rows_before};
use crate::{
    billing::event::Actor,
    clock::Timestamp,
    db::{StoreError, Tx},
    staff::timeline::entry::{Entry, What},
};

pub(super) async fn all(tx: &mut Tx, ask: Ask<'_>) -> Result<Vec<Vec<Entry>>, StoreError> {
    Ok(vec![lists_asked(tx, ask).await?, lists_left(tx, ask).await?])
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
