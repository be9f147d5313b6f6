//! Sessions in the database.

use std::sync::Arc;

use time::Duration;
use uuid::Uuid;

use super::{
    model::{EndReason, Session},
    secret::{Secret, SecretHash, SecretKind},
};
use crate::{
    auth::access_token::{Realm, Scope},
    clock::Timestamp,
    db::{StoreError, Tx},
    ids::{Ids, NoRandomness},
};

/// Most sessions of one subject that are listed.
pub const LISTED_MAX: i64 = 100;

/// Why a session could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No secret could be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A session to be started.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Of readers, or of staff.
    pub realm: Realm,
    /// Whose.
    pub subject: Uuid,
    /// What the device calls itself.
    pub device: String,
    /// When a secret was last given for it.
    pub authenticated_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
    /// [`SecretKind::Refresh`] for programs, [`SecretKind::Cookie`] for our own pages.
    pub kind: SecretKind,
    /// What it opens.
    pub scope: Scope,
    /// The session on our own pages that handed it over to a website.
    pub handed_from: Option<Uuid>,
}

#[derive(sqlx::FromRow)]
pub(super) struct SessionRow {
    id: Uuid,
    realm: String,
    subject: Uuid,
    device: String,
    started_at: Timestamp,
    authenticated_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    reads_only: bool,
    site_id: Option<String>,
    handed_from: Option<Uuid>,
    ended_at: Option<Timestamp>,
    end_reason: Option<String>,
}

/// What a session opens that is kept so. One that was handed over to we do not know which website
/// opens nothing.
fn scope_of(reads_only: bool, site: Option<String>, handed_from: Option<Uuid>) -> Scope {
    match (reads_only, site.map(Arc::from)) {
        (true, site) => Scope::Read(site),
        (false, Some(site)) => Scope::Site(site),
        (false, None) if handed_from.is_some() => Scope::Read(None),
        (false, None) => Scope::Full,
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt =
            |column| StoreError::Corrupt { table: "sessions", column, id: id.to_string() };
        let reason = row.end_reason.as_deref().map(EndReason::parse);
        let ended = match (row.ended_at, reason) {
            (None, None) => None,
            (Some(at), Some(Some(reason))) => Some((at, reason)),
            _ => return Err(corrupt("end_reason")),
        };
        Ok(Self {
            id,
            realm: Realm::parse(&row.realm).ok_or_else(|| corrupt("realm"))?,
            subject: row.subject,
            device: row.device,
            started_at: row.started_at,
            authenticated_at: row.authenticated_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            scope: scope_of(row.reads_only, row.site_id, row.handed_from),
            ended,
        })
    }
}

/// Starts a session, and gives its id and the secret that the device keeps.
///
/// # Errors
/// [`SessionError`].
pub fn start(
    tx: &mut Tx,
    ids: &Ids,
    new: NewSession,
    now: Timestamp,
) -> Result<(Uuid, Secret), SessionError> {
    let id = ids.uuid(now)?;
    let secret = Secret::generate(ids, new.kind)?;
    let cookie_hash = (new.kind == SecretKind::Cookie).then(|| secret.hash().to_bytes());
    let (reads_only, site) = match new.scope {
        Scope::Full => (false, None),
        Scope::Site(site) => (false, Some(site)),
        Scope::Read(site) => (true, site),
    };
    tx.later(
        "INSERT INTO sessions (id, realm, subject, device, cookie_hash, started_at,
                               authenticated_at, last_used_at, expires_at, reads_only, site_id,
                               handed_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $8, $9, $10, $11)",
    )
    .bind(id)
    .bind(new.realm.as_str())
    .bind(new.subject)
    .bind(new.device)
    .bind(cookie_hash)
    .bind(now)
    .bind(new.authenticated_at)
    .bind(new.expires_at)
    .bind(reads_only)
    .bind(site.as_deref())
    .bind(new.handed_from);
    if new.kind == SecretKind::Refresh {
        insert_live(tx, id, secret.hash(), None, now);
    }
    Ok((id, secret))
}

/// Keeps a token that lives, given for `parent` or at the start of its session.
pub(super) fn insert_live(
    tx: &mut Tx,
    session: Uuid,
    hash: SecretHash,
    parent: Option<SecretHash>,
    now: Timestamp,
) {
    tx.later(
        "INSERT INTO refresh_tokens (hash, session_id, parent, state, issued_at)
         VALUES ($1, $2, $3, 'live', $4)",
    )
    .bind(hash.to_bytes())
    .bind(session)
    .bind(parent.map(SecretHash::to_bytes))
    .bind(now);
}

/// The session with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Session>, StoreError> {
    tx.query(
        "SELECT id, realm, subject, device, started_at, authenticated_at, last_used_at,
                expires_at, reads_only, site_id, handed_from, ended_at, end_reason
         FROM sessions WHERE id = $1",
    )
    .bind(id)
    .optional::<SessionRow>()
    .await?
    .map(Session::try_from)
    .transpose()
}

/// The session that a browser's cookie names.
///
/// # Errors
/// [`StoreError`].
pub async fn find_by_cookie(tx: &mut Tx, hash: SecretHash) -> Result<Option<Session>, StoreError> {
    tx.query(
        "SELECT id, realm, subject, device, started_at, authenticated_at, last_used_at,
                expires_at, reads_only, site_id, handed_from, ended_at, end_reason
         FROM sessions WHERE cookie_hash = $1",
    )
    .bind(hash.to_bytes())
    .optional::<SessionRow>()
    .await?
    .map(Session::try_from)
    .transpose()
}

/// The sessions of `subject` that have not ended, the last used first; at most [`LISTED_MAX`].
/// Some may have been idle too long.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    tx: &mut Tx,
    realm: Realm,
    subject: Uuid,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let rows: Vec<SessionRow> = tx
        .query(
            "SELECT id, realm, subject, device, started_at, authenticated_at, last_used_at,
                    expires_at, reads_only, site_id, handed_from, ended_at, end_reason
             FROM sessions
             WHERE realm = $1 AND subject = $2 AND ended_at IS NULL AND expires_at > $3
             ORDER BY last_used_at DESC, id
             LIMIT $4",
        )
        .bind(realm.as_str())
        .bind(subject)
        .bind(now)
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Every session of `subject` that is still kept, ended or not, the latest first; at most
/// [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_all(
    tx: &mut Tx,
    realm: Realm,
    subject: Uuid,
) -> Result<Vec<Session>, StoreError> {
    let rows: Vec<SessionRow> = tx
        .query(
            "SELECT id, realm, subject, device, started_at, authenticated_at, last_used_at,
                    expires_at, reads_only, site_id, handed_from, ended_at, end_reason
             FROM sessions
             WHERE realm = $1 AND subject = $2
             ORDER BY started_at DESC, id
             LIMIT $3",
        )
        .bind(realm.as_str())
        .bind(subject)
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Forgets what the devices of `subject` called themselves.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_devices(
    tx: &mut Tx,
    (realm, subject): (Realm, Uuid),
) -> Result<(), StoreError> {
    tx.query("UPDATE sessions SET device = '' WHERE realm = $1 AND subject = $2")
        .bind(realm.as_str())
        .bind(subject)
        .execute()
        .await?;
    Ok(())
}

/// Notes that a session was used. Once a minute is enough for people, and saves the writes.
///
/// # Errors
/// [`StoreError`].
pub async fn touch(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.query("UPDATE sessions SET last_used_at = $1 WHERE id = $2 AND last_used_at < $3")
        .bind(now)
        .bind(id)
        .bind(now.minus(Duration::MINUTE))
        .execute()
        .await?;
    Ok(())
}

/// Ends a session; says whether it had not been ended before.
///
/// # Errors
/// [`StoreError`].
pub async fn end(
    tx: &mut Tx,
    id: Uuid,
    reason: EndReason,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended = tx
        .query(
            "UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE id = $3 AND ended_at IS NULL",
        )
        .bind(now)
        .bind(reason.as_str())
        .bind(id)
        .execute()
        .await?;
    Ok(ended > 0)
}

/// Ends the sessions that the session `from` handed over to websites, and names those that it ended.
///
/// # Errors
/// [`StoreError`].
pub async fn end_handed_over(
    tx: &mut Tx,
    from: Uuid,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<Uuid>, StoreError> {
    let ended: Vec<(Uuid,)> = tx
        .query(
            "UPDATE sessions SET ended_at = $1, end_reason = $2
             WHERE handed_from = $3 AND ended_at IS NULL
             RETURNING id",
        )
        .bind(now)
        .bind(reason.as_str())
        .bind(from)
        .all()
        .await?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// Lets what `from` handed over end with `to`, which follows it in the same browser; only where both
/// are of `subject`.
///
/// # Errors
/// [`StoreError`].
pub async fn pass_on(
    tx: &mut Tx,
    subject: Uuid,
    (from, to): (Uuid, Uuid),
) -> Result<(), StoreError> {
    tx.query("UPDATE sessions SET handed_from = $1 WHERE handed_from = $2 AND subject = $3")
        .bind(to)
        .bind(from)
        .bind(subject)
        .execute()
        .await?;
    Ok(())
}

/// Ends every session of `subject`, and names those that it ended.
///
/// # Errors
/// [`StoreError`].
pub async fn end_all(
    tx: &mut Tx,
    (realm, subject): (Realm, Uuid),
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<Uuid>, StoreError> {
    let ended: Vec<(Uuid,)> = tx
        .query(
            "UPDATE sessions SET ended_at = $1, end_reason = $2
             WHERE realm = $3 AND subject = $4 AND ended_at IS NULL
             RETURNING id",
        )
        .bind(now)
        .bind(reason.as_str())
        .bind(realm.as_str())
        .bind(subject)
        .all()
        .await?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// Up to `most` sessions that ended at `since` or later, the earliest first.
///
/// # Errors
/// [`StoreError`].
pub async fn ended_since(
    tx: &mut Tx,
    since: Timestamp,
    most: i64,
) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
    tx.query(
        "SELECT id, ended_at FROM sessions WHERE ended_at >= $1 ORDER BY ended_at, id LIMIT $2",
    )
    .bind(since)
    .bind(most)
    .all()
    .await
}

/// Forgets up to `most` sessions, with their tokens, that were over before `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions
             WHERE expires_at < $1 OR ended_at < $1
             ORDER BY expires_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
