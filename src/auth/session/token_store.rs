//! Refresh tokens in the database, by their hashes.

use time::Duration;
use uuid::Uuid;

use super::{
    model::{EndReason, Session},
    rotation::{Ruling, TokenState, judge},
    secret::{Secret, SecretHash, SecretKind},
    store::{SessionError, SessionRow, end, insert_live},
};
use crate::{
    auth::access_token::Realm,
    clock::Timestamp,
    db::{StoreError, Tx},
    ids::Ids,
};

/// What became of a refresh token that was shown.
#[derive(Debug)]
pub enum Rotation {
    /// The session goes on with this secret.
    Rotated(Session, Secret),
    /// Two held a copy, and the session has been ended.
    Reused(Session),
    /// There is no such token, or its session is over.
    Unknown,
}

/// Uses a refresh token: marks it and gives another in its place. Commit whatever comes of it:
/// a copy that was noticed has ended the session.
///
/// # Errors
/// [`SessionError`].
pub async fn rotate(
    tx: &mut Tx,
    ids: &Ids,
    (realm, idle): (Realm, Duration),
    shown: SecretHash,
    now: Timestamp,
) -> Result<Rotation, SessionError> {
    let owner: Option<(Uuid,)> = tx
        .query("SELECT session_id FROM refresh_tokens WHERE hash = $1")
        .bind(shown.to_bytes())
        .optional()
        .await?;
    let Some((id,)) = owner else { return Ok(Rotation::Unknown) };
    // Written first, so that two uses of one session's tokens come one after the other.
    let Some(session) = use_session(tx, id, (realm, idle), now).await? else {
        return Ok(Rotation::Unknown);
    };
    let state: Option<(String,)> = tx
        .query("SELECT state FROM refresh_tokens WHERE hash = $1")
        .bind(shown.to_bytes())
        .optional()
        .await?;
    let state = state.and_then(|(state,)| TokenState::parse(&state)).ok_or_else(|| {
        StoreError::Corrupt { table: "refresh_tokens", column: "state", id: id.to_string() }
    })?;
    let successor: Option<(Vec<u8>,)> = tx
        .query("SELECT hash FROM refresh_tokens WHERE session_id = $1 AND state = 'live' AND parent = $2")
        .bind(id)
        .bind(shown.to_bytes())
        .optional()
        .await?;
    match judge(state, successor.is_some()) {
        Ruling::Rotate => set_state(tx, shown.to_bytes(), TokenState::Used).await?,
        Ruling::Retry => {
            set_state(tx, shown.to_bytes(), TokenState::Retried).await?;
            if let Some((hash,)) = successor {
                set_state(tx, hash, TokenState::Void).await?;
            }
        }
        Ruling::Reused => {
            end(tx, id, EndReason::TokenReused, now).await?;
            return Ok(Rotation::Reused(session));
        }
    }
    let secret = Secret::generate(ids, SecretKind::Refresh)?;
    insert_live(tx, id, secret.hash(), Some(shown), now);
    Ok(Rotation::Rotated(session, secret))
}

async fn use_session(
    tx: &mut Tx,
    id: Uuid,
    (realm, idle): (Realm, Duration),
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    tx.query(
        "UPDATE sessions SET last_used_at = $1
         WHERE id = $2 AND realm = $3 AND ended_at IS NULL AND expires_at > $1
           AND last_used_at > $4
         RETURNING id, realm, subject, device, started_at, authenticated_at, last_used_at,
                   expires_at, reads_only, site_id, handed_from, ended_at, end_reason",
    )
    .bind(now)
    .bind(id)
    .bind(realm.as_str())
    .bind(now.minus(idle))
    .optional::<SessionRow>()
    .await?
    .map(Session::try_from)
    .transpose()
}

async fn set_state(tx: &mut Tx, hash: Vec<u8>, state: TokenState) -> Result<(), StoreError> {
    tx.query("UPDATE refresh_tokens SET state = $1 WHERE hash = $2")
        .bind(state.as_str())
        .bind(hash)
        .execute()
        .await?;
    Ok(())
}

/// The session that a refresh token belongs to, whatever became of either.
///
/// # Errors
/// [`StoreError`].
pub async fn find_session(tx: &mut Tx, hash: SecretHash) -> Result<Option<Session>, StoreError> {
    tx.query(
        "SELECT s.id, s.realm, s.subject, s.device, s.started_at, s.authenticated_at,
                s.last_used_at, s.expires_at, s.reads_only, s.site_id, s.handed_from, s.ended_at,
                s.end_reason
         FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
         WHERE t.hash = $1",
    )
    .bind(hash.to_bytes())
    .optional::<SessionRow>()
    .await?
    .map(Session::try_from)
    .transpose()
}

/// Forgets up to `most` refresh tokens that were issued before `before` and have been used since.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM refresh_tokens WHERE hash IN (
             SELECT hash FROM refresh_tokens
             WHERE state <> 'live' AND issued_at < $1 ORDER BY issued_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
