//! Consents and subscriptions in the database, by the key of the address.

use uuid::Uuid;

use super::model::{Consent, Subscription, Way};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    language::Language,
    mail::address::Address,
};

/// Most of one address that are looked at: a catalog has 50 newsletters, and others may have gone.
pub const LISTED_MAX: i64 = 500;

#[derive(sqlx::FromRow)]
struct ConsentRow {
    id: Uuid,
    email: String,
    lists: String,
    shown: String,
    language: String,
    way: String,
    asked_at: Timestamp,
    expires_at: Timestamp,
    confirmed_at: Option<Timestamp>,
}

impl TryFrom<ConsentRow> for Consent {
    type Error = StoreError;

    fn try_from(row: ConsentRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt = |column| {
            let table = "newsletter_consents";
            StoreError::Corrupt { table, column, id: id.to_string() }
        };
        Ok(Self {
            id,
            email: Address::from_stored(&row.email).map_err(|_| corrupt("email"))?,
            lists: row.lists.split(' ').map(str::to_owned).collect(),
            shown: row.shown,
            language: Language::parse(&row.language).ok_or_else(|| corrupt("language"))?,
            way: Way::parse(&row.way).ok_or_else(|| corrupt("way"))?,
            asked_at: row.asked_at,
            expires_at: row.expires_at,
            confirmed_at: row.confirmed_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct SubscriptionRow {
    id: Uuid,
    email: String,
    list: String,
    language: String,
    status: String,
    consent_id: Uuid,
    confirmed_at: Timestamp,
    unsubscribed_at: Option<Timestamp>,
}

impl TryFrom<SubscriptionRow> for Subscription {
    type Error = StoreError;

    fn try_from(row: SubscriptionRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt = |column| {
            let table = "newsletter_subscriptions";
            StoreError::Corrupt { table, column, id: id.to_string() }
        };
        let unsubscribed_at = match (row.status.as_str(), row.unsubscribed_at) {
            ("confirmed", None) => None,
            ("unsubscribed", Some(at)) => Some(at),
            _ => return Err(corrupt("status")),
        };
        Ok(Self {
            id,
            email: Address::from_stored(&row.email).map_err(|_| corrupt("email"))?,
            list: row.list,
            language: Language::parse(&row.language).ok_or_else(|| corrupt("language"))?,
            consent_id: row.consent_id,
            confirmed_at: row.confirmed_at,
            unsubscribed_at,
        })
    }
}

/// Keeps what was asked for.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_consent(tx: &mut Tx, consent: &Consent) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO newsletter_consents (id, email, email_key, lists, shown, language, way,
                                          asked_at, expires_at, confirmed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(consent.id)
    .bind(consent.email.typed())
    .bind(consent.email.key())
    .bind(consent.lists.join(" "))
    .bind(consent.shown.as_str())
    .bind(consent.language.tag())
    .bind(consent.way.as_str())
    .bind(consent.asked_at)
    .bind(consent.expires_at)
    .bind(consent.confirmed_at)
    .execute()
    .await?;
    Ok(())
}

/// The consent with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn find_consent(tx: &mut Tx, id: Uuid) -> Result<Option<Consent>, StoreError> {
    tx.query(
        "SELECT id, email, lists, shown, language, way, asked_at, expires_at, confirmed_at
         FROM newsletter_consents WHERE id = $1",
    )
    .bind(id)
    .optional::<ConsentRow>()
    .await?
    .map(Consent::try_from)
    .transpose()
}

/// Notes that a consent was given; of any number who do so at once, one is told which.
///
/// # Errors
/// [`StoreError`].
pub async fn confirm_consent(
    tx: &mut Tx,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Consent>, StoreError> {
    tx.query(
        "UPDATE newsletter_consents SET confirmed_at = $1
         WHERE id = $2 AND confirmed_at IS NULL AND expires_at > $1
         RETURNING id, email, lists, shown, language, way, asked_at, expires_at, confirmed_at",
    )
    .bind(now)
    .bind(id)
    .optional::<ConsentRow>()
    .await?
    .map(Consent::try_from)
    .transpose()
}

/// Everything that was asked for with this address, the latest first; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn consents_of(tx: &mut Tx, email: &Address) -> Result<Vec<Consent>, StoreError> {
    let rows: Vec<ConsentRow> = tx
        .query(
            "SELECT id, email, lists, shown, language, way, asked_at, expires_at, confirmed_at
             FROM newsletter_consents WHERE email_key = $1
             ORDER BY asked_at DESC, id LIMIT $2",
        )
        .bind(email.key())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Consent::try_from).collect()
}

/// Sends the list from now on; leaves it as it is where it is sent already. Who comes back keeps
/// the id, and so the links in mails of before.
///
/// # Errors
/// [`StoreError`].
pub async fn subscribe(tx: &mut Tx, new: &Subscription) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO newsletter_subscriptions (id, email, email_key, list, language, status,
                                               consent_id, confirmed_at)
         VALUES ($1, $2, $3, $4, $5, 'confirmed', $6, $7)
         ON CONFLICT (email_key, list) DO UPDATE
         SET email = excluded.email, language = excluded.language, status = 'confirmed',
             consent_id = excluded.consent_id, confirmed_at = excluded.confirmed_at,
             unsubscribed_at = NULL
         WHERE newsletter_subscriptions.status = 'unsubscribed'",
    )
    .bind(new.id)
    .bind(new.email.typed())
    .bind(new.email.key())
    .bind(new.list.as_str())
    .bind(new.language.tag())
    .bind(new.consent_id)
    .bind(new.confirmed_at)
    .execute()
    .await?;
    Ok(())
}

/// The subscription with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Subscription>, StoreError> {
    tx.query(
        "SELECT id, email, list, language, status, consent_id, confirmed_at, unsubscribed_at
         FROM newsletter_subscriptions WHERE id = $1",
    )
    .bind(id)
    .optional::<SubscriptionRow>()
    .await?
    .map(Subscription::try_from)
    .transpose()
}

/// What this address receives and what it has left, by list; at most [`LISTED_MAX`].
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(tx: &mut Tx, email: &Address) -> Result<Vec<Subscription>, StoreError> {
    let rows: Vec<SubscriptionRow> = tx
        .query(
            "SELECT id, email, list, language, status, consent_id, confirmed_at, unsubscribed_at
             FROM newsletter_subscriptions WHERE email_key = $1 ORDER BY list LIMIT $2",
        )
        .bind(email.key())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Subscription::try_from).collect()
}

/// Ends a subscription. That it has ended before is no mistake.
///
/// # Errors
/// [`StoreError`].
pub async fn unsubscribe(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.query(
        "UPDATE newsletter_subscriptions SET status = 'unsubscribed', unsubscribed_at = $1
         WHERE id = $2 AND status = 'confirmed'",
    )
    .bind(now)
    .bind(id)
    .execute()
    .await?;
    Ok(())
}

/// How many receive each list.
///
/// # Errors
/// [`StoreError`].
pub async fn count(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    tx.query(
        "SELECT list, COUNT(*) FROM newsletter_subscriptions
         WHERE status = 'confirmed' GROUP BY list ORDER BY list LIMIT $1",
    )
    .bind(LISTED_MAX)
    .all()
    .await
}

/// Up to `most` who receive a list, by address, after the address with the key `after`.
///
/// # Errors
/// [`StoreError`].
pub async fn list_receiving(
    tx: &mut Tx,
    list: &str,
    after: &str,
    most: i64,
) -> Result<Vec<Subscription>, StoreError> {
    let rows: Vec<SubscriptionRow> = tx
        .query(
            "SELECT id, email, list, language, status, consent_id, confirmed_at, unsubscribed_at
             FROM newsletter_subscriptions
             WHERE list = $1 AND status = 'confirmed' AND email_key > $2
             ORDER BY email_key LIMIT $3",
        )
        .bind(list)
        .bind(after)
        .bind(most)
        .all()
        .await?;
    rows.into_iter().map(Subscription::try_from).collect()
}

/// An account, as far as newsletters ask.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Account {
    /// Whose.
    pub id: Uuid,
    /// On which site it was begun.
    pub site: Option<String>,
}

/// The account with the address of this subscription, if the mailbox has answered for one.
///
/// # Errors
/// [`StoreError`].
pub async fn account_of(tx: &mut Tx, email: &Address) -> Result<Option<Account>, StoreError> {
    tx.query(
        "SELECT id, site FROM readers
         WHERE email_key = $1 AND email_verified_at IS NOT NULL AND erased_at IS NULL",
    )
    .bind(email.key())
    .optional()
    .await
}

/// Forgets everything about an address.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Tx, email: &Address) -> Result<(), StoreError> {
    forget_subscriptions(tx, email).await?;
    tx.query("DELETE FROM newsletter_consents WHERE email_key = $1")
        .bind(email.key())
        .execute()
        .await?;
    Ok(())
}

/// Forgets what an address receives and what it has left.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_subscriptions(tx: &mut Tx, email: &Address) -> Result<(), StoreError> {
    tx.query("DELETE FROM newsletter_subscriptions WHERE email_key = $1")
        .bind(email.key())
        .execute()
        .await?;
    Ok(())
}

/// Keeps what was agreed to with one address as another's, and forgets what waits for an answer.
///
/// # Errors
/// [`StoreError`].
pub async fn move_consents(tx: &mut Tx, from: &Address, to: &Address) -> Result<(), StoreError> {
    tx.query("DELETE FROM newsletter_consents WHERE email_key = $1 AND confirmed_at IS NULL")
        .bind(from.key())
        .execute()
        .await?;
    tx.query("UPDATE newsletter_consents SET email = $1, email_key = $2 WHERE email_key = $3")
        .bind(to.typed())
        .bind(to.key())
        .bind(from.key())
        .execute()
        .await?;
    Ok(())
}

/// Forgets up to `most` requests that nobody answered in time.
///
/// # Errors
/// [`StoreError`].
pub async fn purge_unanswered(tx: &mut Tx, now: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM newsletter_consents WHERE confirmed_at IS NULL AND id IN (
             SELECT id FROM newsletter_consents
             WHERE confirmed_at IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    )
    .bind(now)
    .bind(most)
    .execute()
    .await
}

/// Forgets up to `most` who left before `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn purge_left(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM newsletter_subscriptions WHERE status = 'unsubscribed' AND id IN (
             SELECT id FROM newsletter_subscriptions
             WHERE status = 'unsubscribed' AND unsubscribed_at < $1
             ORDER BY unsubscribed_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}

/// Forgets up to `most` consents of before `before` by which nothing is sent any more.
///
/// # Errors
/// [`StoreError`].
pub async fn purge_consents(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM newsletter_consents WHERE id IN (
             SELECT id FROM newsletter_consents c
             WHERE confirmed_at < $1 AND NOT EXISTS (
                 SELECT 1 FROM newsletter_subscriptions s WHERE s.consent_id = c.id)
             ORDER BY confirmed_at LIMIT $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
