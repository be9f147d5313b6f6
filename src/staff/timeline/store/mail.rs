//! What was written to the reader, and what of that was acted on.

use uuid::Uuid;

use super::{Ask, Found, entry, of_address, rows_before};
use crate::{
    billing::event::Actor,
    clock::Timestamp,
    db::{StoreError, Tx},
    staff::timeline::entry::{Entry, What},
};

pub(super) async fn all(tx: &mut Tx, ask: Ask<'_>) -> Result<Vec<Vec<Entry>>, StoreError> {
    Ok(vec![mails(tx, ask).await?, clicks(tx, ask).await?])
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
