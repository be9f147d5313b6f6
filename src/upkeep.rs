//! Forgetting what is over: sessions, links, limits and mails that nobody needs any more. Whatever
//! is forgotten had already lost its effect; this only keeps the tables small and the past short.
//! Readers from before they could be searched for are made searchable here too.

use std::{sync::Arc, time::Duration};

use time::Duration as Span;

use crate::{
    access::log::{recorder::LogLimits, store as decisions},
    auth::{
        limit_store,
        session::{handover_store as handovers, store as sessions, token_store},
    },
    billing::{
        idempotency::{KEPT, store as idempotency},
        notice::record as notices,
        operation, timeline, waiting_gift,
    },
    clock::Clock,
    db::{Db, StoreError},
    mail::outbox,
    newsletter::{model::LEFT_KEPT, store as newsletters},
    reader::{address_store, link_store, search::store as reader_search, store as readers},
};

/// How often to look.
const EVERY: Duration = Duration::from_mins(1);
/// Longest time for one look.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most rows of a kind in one transaction, so that nobody waits long for it.
const STEP: i64 = 500;
/// Sessions that are over can be seen in the reader's export for this long.
const SESSIONS_KEPT: Span = Span::days(30);
/// A refresh token that was used longer ago than this is unknown when it comes again; until then
/// it ends its session.
const USED_TOKENS_KEPT: Span = Span::days(30);
/// A code that was used ends its session when it comes again within this time; later it is unknown,
/// so that an address that somebody kept does not log them out.
const HANDOVERS_KEPT: Span = Span::HOUR;
/// A form of staff lies open for half a day, and a request is sent again for a day.
const OPERATIONS_KEPT: Span = Span::days(2);
/// Another instance's clock may be behind ours.
const CLOCKS_DIFFER: Span = Span::HOUR;
/// That a mail was sent, and about what, is known for this long.
const MAILS_KEPT: Span = Span::days(30);
/// For how long it can be shown that a notice was sent: California asks for 3 years.
const NOTICES_KEPT: Span = Span::days(4 * 365);

/// Who began to subscribe and never did is forgotten after this.
const PROVISIONAL_KEPT: Span = Span::days(1);
/// What nobody fetched in this time is told to nobody any more; the timeline still holds it.
const EVENTS_KEPT: Span = Span::days(30);

/// Looks every minute, for ever. Ends when it is dropped.
pub async fn run(db: Db, clock: Arc<dyn Clock>, decisions: LogLimits) {
    loop {
        tokio::time::sleep(EVERY).await;
        match tokio::time::timeout(PATIENCE, forget(&db, &*clock, decisions)).await {
            Ok(Ok(rows)) => tracing::debug!(rows, "forgot {rows} rows that were over"),
            Ok(Err(error)) => tracing::warn!("what is over could not be forgotten: {error}"),
            Err(_) => tracing::warn!("what is over could not be forgotten in time"),
        }
    }
}

/// Forgets everything that is over now, step by step, and says how many rows that were. Readers
/// who become searchable are counted too.
///
/// # Errors
/// When the database fails; what was forgotten before stays forgotten.
pub async fn forget(db: &Db, clock: &dyn Clock, log: LogLimits) -> Result<u64, StoreError> {
    let now = clock.now();
    let mut forgotten = 0;
    loop {
        let mut tx = db.write().await?;
        let rows = [
            sessions::purge(&mut tx, now.minus(SESSIONS_KEPT), STEP).await?,
            token_store::purge(&mut tx, now.minus(USED_TOKENS_KEPT), STEP).await?,
            handovers::purge(&mut tx, now.minus(HANDOVERS_KEPT), STEP).await?,
            link_store::purge(&mut tx, now, STEP).await?,
            address_store::purge(&mut tx, now, STEP).await?,
            limit_store::purge(&mut tx, now.minus(CLOCKS_DIFFER), STEP).await?,
            outbox::purge(&mut tx, now.minus(MAILS_KEPT), STEP).await?,
            idempotency::purge(&mut tx, now.minus(KEPT), STEP).await?,
            waiting_gift::purge(&mut tx, now, STEP).await?,
            operation::purge(&mut tx, now.minus(OPERATIONS_KEPT), STEP).await?,
            timeline::purge_outbox(&mut tx, now.minus(EVENTS_KEPT), STEP).await?,
            decisions::purge(&mut tx, log.kept_since(now), STEP).await?,
            notices::purge(&mut tx, now.minus(NOTICES_KEPT), STEP).await?,
            readers::purge_provisional(&mut tx, now.minus(PROVISIONAL_KEPT), STEP).await?,
            newsletters::purge_unanswered(&mut tx, now, STEP).await?,
            newsletters::purge_left(&mut tx, now.minus(LEFT_KEPT), STEP).await?,
            newsletters::purge_consents(&mut tx, now.minus(LEFT_KEPT), STEP).await?,
            reader_search::catch_up(&mut tx, STEP).await?,
        ];
        tx.commit().await?;
        forgotten += rows.iter().sum::<u64>();
        if rows.iter().all(|rows| *rows < STEP.unsigned_abs()) {
            return Ok(forgotten);
        }
    }
}
