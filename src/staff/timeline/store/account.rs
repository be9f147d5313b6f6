//! The account itself, and where the reader was logged in.

use uuid::Uuid;

use super::{Ask, Found, entry, of_reader, rows_before};
use crate::{
    auth::session::model::EndReason,
    billing::event::Actor,
    clock::Timestamp,
    db::{StoreError, Tx},
    staff::timeline::entry::{Entry, What},
};

pub(super) async fn all(tx: &mut Tx, ask: Ask<'_>) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut found = vec![log_ins(tx, ask).await?, log_outs(tx, ask).await?];
    found.extend(account(ask));
    Ok(found)
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
