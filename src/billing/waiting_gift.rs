//! Gifts to addresses that have no account: each waits until it is accepted by the link in its mail,
//! taken back, or over. Then its row is gone, and the address with it.

use uuid::Uuid;

use crate::{
    auth::session::secret::SecretHash,
    clock::Timestamp,
    db::{StoreError, Tx},
    language::Language,
    mail::address::Address,
};

/// Most that are listed.
pub const LISTED_MAX: i64 = 200;

/// A gift that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingGift {
    /// Its id.
    pub id: Uuid,
    /// To whom.
    pub email: Address,
    /// How they are spoken to.
    pub language: Language,
    /// What.
    pub product: String,
    /// For how many days, from when it is accepted.
    pub days: u32,
    /// By whom: `staff:<id>`, or `command`.
    pub given_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    email: String,
    language: String,
    product: String,
    days: i64,
    given_by: String,
    reason: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl TryFrom<Row> for WaitingGift {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt =
            |column| StoreError::Corrupt { table: "waiting_gifts", column, id: id.to_string() };
        Ok(Self {
            id,
            email: Address::from_stored(&row.email).map_err(|_| corrupt("email"))?,
            language: Language::parse(&row.language).ok_or_else(|| corrupt("language"))?,
            product: row.product,
            days: u32::try_from(row.days).map_err(|_| corrupt("days"))?,
            given_by: row.given_by,
            reason: row.reason,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

macro_rules! columns {
    () => {
        "id, email, language, product, days, given_by, reason, created_at, expires_at"
    };
}

/// Lets a gift wait under the hash of its link's token; says no where another waits for the address
/// already.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, gift: &WaitingGift, hash: SecretHash) -> Result<bool, StoreError> {
    tx.query("DELETE FROM waiting_gifts WHERE email_key = $1 AND expires_at <= $2")
        .bind(gift.email.key())
        .bind(gift.created_at)
        .execute()
        .await?;
    let inserted = tx
        .query(
            "INSERT INTO waiting_gifts (id, hash, email, email_key, language, product, days, given_by,
                                        reason, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        )
        .bind(gift.id)
        .bind(hash.to_bytes())
        .bind(gift.email.typed())
        .bind(gift.email.key())
        .bind(gift.language.tag())
        .bind(gift.product.clone())
        .bind(i64::from(gift.days))
        .bind(gift.given_by.clone())
        .bind(gift.reason.clone())
        .bind(gift.created_at)
        .bind(gift.expires_at)
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// The gift of a link, left as it is.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    tx: &mut Tx,
    hash: SecretHash,
    now: Timestamp,
) -> Result<Option<WaitingGift>, StoreError> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM waiting_gifts WHERE hash = $1 AND expires_at > $2"
    ))
    .bind(hash.to_bytes())
    .bind(now)
    .optional::<Row>()
    .await?
    .map(WaitingGift::try_from)
    .transpose()
}

/// The gift with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn by_id(tx: &mut Tx, id: Uuid) -> Result<Option<WaitingGift>, StoreError> {
    tx.query(concat!("SELECT ", columns!(), " FROM waiting_gifts WHERE id = $1"))
        .bind(id)
        .optional::<Row>()
        .await?
        .map(WaitingGift::try_from)
        .transpose()
}

/// Those that wait at `now`, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(tx: &mut Tx, now: Timestamp) -> Result<Vec<WaitingGift>, StoreError> {
    let rows = tx
        .query(concat!(
            "SELECT ",
            columns!(),
            " FROM waiting_gifts WHERE expires_at > $1 ORDER BY created_at DESC, id DESC LIMIT $2"
        ))
        .bind(now)
        .bind(LISTED_MAX)
        .all::<Row>()
        .await?;
    rows.into_iter().map(WaitingGift::try_from).collect()
}

/// Ends one: of any number who accept it or take it back at once, one gets it.
///
/// # Errors
/// [`StoreError`].
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let deleted = tx.query("DELETE FROM waiting_gifts WHERE id = $1").bind(id).execute().await?;
    Ok(deleted == 1)
}

/// Forgets what waits for this address.
///
/// # Errors
/// [`StoreError`].
pub async fn delete_for(tx: &mut Tx, email: &Address) -> Result<(), StoreError> {
    tx.query("DELETE FROM waiting_gifts WHERE email_key = $1").bind(email.key()).execute().await?;
    Ok(())
}

/// Forgets up to `most` that are over.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Tx, now: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM waiting_gifts WHERE id IN (
             SELECT id FROM waiting_gifts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    )
    .bind(now)
    .bind(most)
    .execute()
    .await
}
