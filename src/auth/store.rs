//! Signing keys in the database, sealed.

use time::Duration;

use super::{
    keys::{PUBLISHED_BEFORE, Purpose, SigningKey},
    seal::MasterKey,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    ids::{Ids, NoRandomness},
};

/// How long a key stays believed after it signed last. What all but visitor tokens live is less
/// than an hour, but those who check JWTs keep the JWKS for up to a day.
const KEY_FADES: Duration = Duration::days(1);

/// Why keys could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness to make a key from.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// A key was sealed under another master key.
    #[error(
        "signing key {0} does not open under `keys.master`: this database was written with \
         another master key"
    )]
    OtherMasterKey(String),
}

type KeyRow = (String, String, Vec<u8>, Timestamp, Timestamp, Option<Timestamp>);

/// Every key that is not retired at `now`.
///
/// # Errors
/// [`KeyStoreError`].
pub async fn list(
    tx: &mut Tx,
    master: &MasterKey,
    now: Timestamp,
) -> Result<Vec<SigningKey>, KeyStoreError> {
    let rows: Vec<KeyRow> = tx
        .query(
            "SELECT id, purpose, sealed, created_at, activates_at, retires_at
             FROM signing_keys
             WHERE retires_at IS NULL OR retires_at > $1
             ORDER BY created_at, id
             LIMIT 1000",
        )
        .bind(now)
        .all()
        .await?;
    rows.into_iter().map(|row| open(row, master)).collect()
}

/// Makes a new key for each purpose that has none that will still sign.
///
/// # Errors
/// [`KeyStoreError`].
pub async fn ensure(
    tx: &mut Tx,
    master: &MasterKey,
    ids: &Ids,
    now: Timestamp,
) -> Result<(), KeyStoreError> {
    let keys = list(tx, master, now).await?;
    for purpose in Purpose::ALL {
        if !keys.iter().any(|key| key.purpose == purpose && key.retires_at.is_none()) {
            insert(tx, master, ids, (purpose, now, now)).await?;
        }
    }
    Ok(())
}

/// Makes a new key for each purpose: published now, signing in [`PUBLISHED_BEFORE`]. The keys
/// before it are believed until the last token that they signed has ended.
///
/// # Errors
/// [`KeyStoreError`].
pub async fn rotate(
    tx: &mut Tx,
    master: &MasterKey,
    ids: &Ids,
    now: Timestamp,
    visitor_token_life: Duration,
) -> Result<Vec<String>, KeyStoreError> {
    let activates_at = now.plus(PUBLISHED_BEFORE);
    let mut made = Vec::new();
    for purpose in Purpose::ALL {
        let fades = match purpose {
            Purpose::Visitor => visitor_token_life,
            Purpose::Receipt | Purpose::Access | Purpose::Form => KEY_FADES,
        };
        tx.query(
            "UPDATE signing_keys SET retires_at = $1 WHERE purpose = $2 AND retires_at IS NULL",
        )
        .bind(activates_at.plus(fades))
        .bind(purpose.as_str())
        .execute()
        .await?;
        made.push(insert(tx, master, ids, (purpose, now, activates_at)).await?);
    }
    Ok(made)
}

async fn insert(
    tx: &mut Tx,
    master: &MasterKey,
    ids: &Ids,
    (purpose, now, activates_at): (Purpose, Timestamp, Timestamp),
) -> Result<String, KeyStoreError> {
    let id = format!("{:08x}", u32::from_be_bytes(ids.bytes()?));
    let sealed = master.seal(ids, &sealed_name(purpose.as_str(), &id), &ids.bytes::<32>()?)?;
    tx.query(
        "INSERT INTO signing_keys (id, purpose, sealed, created_at, activates_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.clone())
    .bind(purpose.as_str())
    .bind(sealed)
    .bind(now)
    .bind(activates_at)
    .execute()
    .await?;
    Ok(id)
}

fn open(row: KeyRow, master: &MasterKey) -> Result<SigningKey, KeyStoreError> {
    let (id, purpose, sealed, created_at, activates_at, retires_at) = row;
    let secret = master
        .open(&sealed_name(&purpose, &id), &sealed)
        .map_err(|_| KeyStoreError::OtherMasterKey(id.clone()))?;
    let corrupt = |column| StoreError::Corrupt { table: "signing_keys", column, id: id.clone() };
    Ok(SigningKey {
        number: u32::from_str_radix(&id, 16).map_err(|_| corrupt("id"))?,
        purpose: Purpose::parse(&purpose).ok_or_else(|| corrupt("purpose"))?,
        secret: secret.try_into().map_err(|_| corrupt("sealed"))?,
        created_at,
        activates_at,
        retires_at,
    })
}

/// What a key is sealed under, so that no row opens in place of another.
fn sealed_name(purpose: &str, id: &str) -> String {
    format!("{purpose}/{id}")
}
