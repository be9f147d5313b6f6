//! Sites and their keys in the database.

use super::{
    key::{KeyKind, NewKey, SECRETS_MAX, StoredKey},
    model::Site,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    metering::policy::Policy,
};

/// Why a site or a key was not written.
#[derive(Debug, thiserror::Error)]
pub enum SiteStoreError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The id is taken.
    #[error("there is a site `{0}` already")]
    SiteExists(String),
    /// No site has this id.
    #[error("there is no site `{0}`; `pressgate site list` names them")]
    NoSuchSite(String),
    /// Another site gives the same pool another window or time zone.
    #[error("pool `{pool}` has another window or time zone on site `{site}`")]
    PoolClash {
        /// The pool.
        pool: String,
        /// The other site.
        site: String,
    },
    /// Two secret keys are valid already.
    #[error(
        "site `{0}` has {SECRETS_MAX} valid secret keys already; revoke one first with \
         `pressgate site key {0} --revoke KEY_ID`"
    )]
    TooManyKeys(String),
    /// The site has no such valid key.
    #[error("site `{site}` has no valid key `{key}`")]
    NoSuchKey {
        /// The site.
        site: String,
        /// The key's id.
        key: String,
    },
}

type SiteRow = (String, String, String, String, String, Timestamp);

/// Every site, by id.
///
/// # Errors
/// When the database fails or a row is corrupt.
pub async fn list(tx: &mut Tx) -> Result<Vec<Site>, StoreError> {
    let rows: Vec<SiteRow> = tx
        .query(
            "SELECT id, name, origins, time_zone, policy, created_at
             FROM sites ORDER BY id LIMIT 10000",
        )
        .all()
        .await?;
    rows.into_iter().map(site_from_row).collect()
}

/// Adds a site that has been checked.
///
/// # Errors
/// When the id is taken or a shared pool clashes.
pub async fn insert(tx: &mut Tx, site: &Site) -> Result<(), SiteStoreError> {
    refuse_clash(tx, site).await?;
    let inserted = tx
        .query(
            "INSERT INTO sites (id, name, origins, time_zone, policy, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(site.id.clone())
        .bind(site.name.clone())
        .bind(json_text(&site.origins))
        .bind(site.time_zone.clone())
        .bind(json_text(&site.policy))
        .bind(site.created_at)
        .execute()
        .await?;
    if inserted == 0 { Err(SiteStoreError::SiteExists(site.id.clone())) } else { Ok(()) }
}

/// Gives the site `id` another policy.
///
/// # Errors
/// When there is no such site or a shared pool clashes.
pub async fn set_policy(tx: &mut Tx, id: &str, policy: &Policy) -> Result<(), SiteStoreError> {
    let missing = || SiteStoreError::NoSuchSite(id.to_owned());
    let site = list(tx).await?.into_iter().find(|site| site.id == id).ok_or_else(missing)?;
    let site = Site { policy: policy.clone(), ..site };
    refuse_clash(tx, &site).await?;
    tx.query("UPDATE sites SET policy = $1 WHERE id = $2")
        .bind(json_text(policy))
        .bind(id)
        .execute()
        .await?;
    Ok(())
}

/// Every valid key of every site.
///
/// # Errors
/// When the database fails or a row is corrupt.
pub async fn list_keys(tx: &mut Tx) -> Result<Vec<StoredKey>, StoreError> {
    let rows: Vec<(String, String, String, String, String, Timestamp)> = tx
        .query(
            "SELECT id, site_id, kind, fingerprint, hint, created_at
             FROM site_keys WHERE revoked_at IS NULL ORDER BY created_at, id LIMIT 50000",
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|(id, site_id, kind, fingerprint, hint, created_at)| {
            let kind = match kind.as_str() {
                "secret" => KeyKind::Secret,
                "publishable" => KeyKind::Publishable,
                _ => return Err(StoreError::Corrupt { table: "site_keys", column: "kind", id }),
            };
            Ok(StoredKey { id, site_id, kind, fingerprint, hint, created_at })
        })
        .collect()
}

/// Gives the site `site_id` another key.
///
/// # Errors
/// When there is no such site, or it has [`SECRETS_MAX`] valid secret keys.
pub async fn insert_key(
    tx: &mut Tx,
    site_id: &str,
    key: &NewKey,
    now: Timestamp,
) -> Result<(), SiteStoreError> {
    // Writing the site's row first makes two calls at once wait for each other.
    let sites = tx.query("UPDATE sites SET name = name WHERE id = $1").bind(site_id);
    if sites.execute().await? == 0 {
        return Err(SiteStoreError::NoSuchSite(site_id.to_owned()));
    }
    let keys = list_keys(tx).await?;
    let secrets = keys.iter().filter(|k| k.site_id == site_id && k.kind == KeyKind::Secret);
    if key.kind == KeyKind::Secret && secrets.count() >= SECRETS_MAX {
        return Err(SiteStoreError::TooManyKeys(site_id.to_owned()));
    }
    tx.query(
        "INSERT INTO site_keys (id, site_id, kind, fingerprint, hint, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key.id.clone())
    .bind(site_id)
    .bind(key.kind.as_str())
    .bind(key.fingerprint())
    .bind(key.hint())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Makes a key invalid, for good.
///
/// # Errors
/// When the site has no such valid key.
pub async fn revoke_key(
    tx: &mut Tx,
    site_id: &str,
    key_id: &str,
    now: Timestamp,
) -> Result<(), SiteStoreError> {
    let revoked = tx
        .query(
            "UPDATE site_keys SET revoked_at = $1
             WHERE id = $2 AND site_id = $3 AND revoked_at IS NULL",
        )
        .bind(now)
        .bind(key_id)
        .bind(site_id)
        .execute()
        .await?;
    let (site, key) = (site_id.to_owned(), key_id.to_owned());
    if revoked == 0 { Err(SiteStoreError::NoSuchKey { site, key }) } else { Ok(()) }
}

/// Whether a valid secret key with this fingerprint exists.
///
/// # Errors
/// When the database fails.
pub async fn key_exists(tx: &mut Tx, fingerprint: &str) -> Result<bool, StoreError> {
    let found: Option<(i64,)> = tx
        .query(
            "SELECT CAST(1 AS BIGINT) FROM site_keys
             WHERE fingerprint = $1 AND revoked_at IS NULL",
        )
        .bind(fingerprint)
        .optional()
        .await?;
    Ok(found.is_some())
}

async fn refuse_clash(tx: &mut Tx, site: &Site) -> Result<(), SiteStoreError> {
    for other in list(tx).await?.iter().filter(|other| other.id != site.id) {
        if let Some(pool) = site.clash(other) {
            let (pool, site) = (pool.to_owned(), other.id.clone());
            return Err(SiteStoreError::PoolClash { pool, site });
        }
    }
    Ok(())
}

fn site_from_row(row: SiteRow) -> Result<Site, StoreError> {
    let (id, name, origins, time_zone, policy, created_at) = row;
    let corrupt = |column| StoreError::Corrupt { table: "sites", column, id: id.clone() };
    let origins = serde_json::from_str(&origins).map_err(|_| corrupt("origins"))?;
    let policy = Policy::parse(&policy).map_err(|_| corrupt("policy"))?;
    let site = Site { id: id.clone(), name, origins, time_zone, policy, created_at };
    site.checked().map_err(|_| corrupt("time_zone"))
}

/// These values are made of text and numbers, so writing them cannot fail.
fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
