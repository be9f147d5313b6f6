//! Codes by which a website learns who came back to it from our pages, by their hashes.

use uuid::Uuid;

use super::secret::SecretHash;
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Most codes of one session that are open at once. Whoever reloads a page that leads on makes no
/// more of them.
const OPEN_MAX: i64 = 20;

/// A code to be kept.
#[derive(Debug, Clone)]
pub struct NewHandover<'a> {
    /// The hash of the code.
    pub hash: SecretHash,
    /// The session on our own pages that is handed over.
    pub session: Uuid,
    /// To which site.
    pub site: &'a str,
    /// At which of its origins.
    pub origin: &'a str,
    /// From when it is good for nothing.
    pub expires_at: Timestamp,
}

/// A code as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Handover {
    /// The session on our own pages that is handed over.
    pub session_id: Uuid,
    /// Where the address that carried it leads.
    pub origin: String,
    /// From when it is good for nothing.
    pub expires_at: Timestamp,
    /// The website's session, where the code was used.
    pub made_session: Option<Uuid>,
}

/// Keeps a code; says no where its session has ended, or has too many open.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, new: NewHandover<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let added = tx
        .query(
            "INSERT INTO handovers (hash, session_id, site_id, origin, expires_at)
             SELECT $1, $2, $3, $4, $5 FROM sessions
             WHERE id = $2 AND ended_at IS NULL
               AND (SELECT COUNT(*) FROM handovers WHERE session_id = $2 AND expires_at > $6) < $7",
        )
        .bind(new.hash.to_bytes())
        .bind(new.session)
        .bind(new.site)
        .bind(new.origin)
        .bind(new.expires_at)
        .bind(now)
        .bind(OPEN_MAX)
        .execute()
        .await?;
    Ok(added > 0)
}

/// The code with this hash that was made for `site`, used or not.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    tx: &mut Tx,
    hash: SecretHash,
    site: &str,
) -> Result<Option<Handover>, StoreError> {
    tx.query(
        "SELECT session_id, origin, expires_at, made_session FROM handovers
         WHERE hash = $1 AND site_id = $2",
    )
    .bind(hash.to_bytes())
    .bind(site)
    .optional()
    .await
}

/// Uses the code up for the session `made`: of any number who use it at once, one is told yes.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(tx: &mut Tx, hash: SecretHash, made: Uuid) -> Result<bool, StoreError> {
    let claimed = tx
        .query("UPDATE handovers SET made_session = $1 WHERE hash = $2 AND made_session IS NULL")
        .bind(made)
        .bind(hash.to_bytes())
        .execute()
        .await?;
    Ok(claimed > 0)
}

/// Forgets up to `most` codes that were over before `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM handovers WHERE hash IN (
             SELECT hash FROM handovers WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
